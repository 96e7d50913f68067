use super::pick;
use crate::link::{Bottleneck, Bursts, LinkConfig, Rng};
use std::time::Duration;

/// Any link that somebody may have, one direction of it, on which a server at this rate can be played at all.
pub(super) fn any_link(rng: &mut Rng, tick_hz: u32) -> LinkConfig {
    if rng.chance(0.2) {
        return LinkConfig::default();
    }
    let latency = any_latency(rng);
    LinkConfig {
        latency,
        jitter: latency.mul_f64(pick(rng, &[0.0, 0.05, 0.2, 0.5])),
        loss: pick(rng, &[0.0, 0.0, 0.001, 0.02, 0.05, 0.2]),
        duplicate: pick(rng, &[0.0, 0.0, 0.01, 0.1]),
        reorder: pick(rng, &[0.0, 0.0, 0.01, 0.1]),
        bursts: rng.chance(0.2).then(|| Bursts::of(pick(rng, &[0.01, 0.05, 0.2]), pick(rng, &[2.0, 8.0, 30.0]))),
        bottleneck: rng.chance(0.25).then(|| any_bottleneck(rng, tick_hz)),
        stalls: None,
    }
}

/// From next door, or from the other side of the world by way of space; the last by way of space twice.
const LATENCIES_MS: [u64; 9] = [0, 1, 5, 15, 30, 60, 120, 300, 600];

/// What a link begins with: any but the last.
fn any_latency(rng: &mut Rng) -> Duration {
    Duration::from_millis(pick(rng, &LATENCIES_MS[..8]))
}

/// What a way may become.
pub(super) fn any_detour(rng: &mut Rng) -> Duration {
    Duration::from_millis(pick(rng, &LATENCIES_MS))
}

/// Wide enough for inputs and for what a server sends at least; its queue holds next to nothing, or two seconds.
fn any_bottleneck(rng: &mut Rng, tick_hz: u32) -> Bottleneck {
    let bandwidth_bytes_s = (1 << (14 + rng.below(7))).max(tick_hz * 256);
    let queue_bytes = (f64::from(bandwidth_bytes_s) * pick(rng, &[0.02, 0.1, 0.5, 2.0])) as u32;
    Bottleneck { bandwidth_bytes_s, queue_bytes: queue_bytes.max(3_000) }
}

/// The same link once nothing goes wrong on it: as long and as narrow as it was. Without jitter, of which a second without a
/// word may come.
pub(super) fn sound(link: LinkConfig) -> LinkConfig {
    LinkConfig { latency: link.latency, bottleneck: link.bottleneck, ..LinkConfig::default() }
}

/// Nothing passes.
pub(super) fn cut(link: LinkConfig) -> LinkConfig {
    LinkConfig { loss: 1.0, ..link }
}
