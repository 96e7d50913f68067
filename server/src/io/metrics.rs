use super::build::{COMMIT, VERSION};
use super::shared::{Facts, ServerStats, Shared};
use crate::engine::{Samples, Stats};
use metrics::{Histogram, counter, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use std::time::Duration;

/// The metrics of one server. Nothing is global, so that several servers can run in one process.
///
/// Counters and gauges are set from the statistics when they are read; only histograms are recorded as ticks run. No
/// label ever carries a player.
pub(crate) struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

/// What each metric means, for people who read `/metrics`.
const COUNTERS: [(&str, &str); 22] = [
    ("tidelock_ticks_total", "Simulation ticks run."),
    ("tidelock_tick_overruns_total", "Ticks that took longer than a tick time."),
    ("tidelock_ticks_skipped_total", "Tick times given up under overload; tick numbers never skip."),
    ("tidelock_packets_total", "Datagrams, up from clients and down to them."),
    ("tidelock_bytes_total", "UDP payload bytes, up from clients and down to them."),
    ("tidelock_packets_dropped_total", "Datagrams refused or not sent, by reason."),
    ("tidelock_packets_lost_total", "Datagrams that the network lost on their way up or down."),
    ("tidelock_socket_receive_drops_total", "Datagrams the kernel dropped because the receive buffer was full."),
    ("tidelock_connections_total", "Clients that finished joining, those that came back included."),
    ("tidelock_connections_rejected_total", "Clients that were turned away after netcode's handshake, by reason."),
    ("tidelock_disconnects_total", "Clients that had joined and are gone, by reason."),
    ("tidelock_resumes_total", "Players who came back to their place, by whether they still held what they had seen."),
    ("tidelock_inputs_total", "Inputs of players, by what became of them."),
    ("tidelock_snapshot_entities_total", "Entity records written into snapshots, by kind."),
    ("tidelock_delta_cache_total", "Entity records, by whether another client's encoding could be copied."),
    ("tidelock_baselines_expired_total", "Entity records in full because the state a client holds is no longer kept."),
    ("tidelock_rewinds_clamped_total", "What players did upon a view older than the server looks back."),
    ("tidelock_desyncs_total", "Clients' reports of a state different from the server's."),
    ("tidelock_events_unsent_total", "Unreliable events for which no datagram of their tick had room."),
    ("tidelock_budget_deferred_total", "Entity records that waited for a later snapshot for want of bandwidth."),
    ("tidelock_back_offs_total", "Times that a client's rate fell, by what its link showed."),
    ("tidelock_agones_calls_total", "Calls to Agones' sidecar, by which and by whether it did what it was asked."),
];

const GAUGES: [(&str, &str); 10] = [
    ("tidelock_clients", "Clients that play or have been welcomed to."),
    ("tidelock_clients_away", "Players without a connection whose place waits for them."),
    ("tidelock_clients_max", "Clients that may play at once."),
    ("tidelock_entities", "Replicated entities."),
    ("tidelock_history_bytes", "Memory of all versions of entities that are kept."),
    ("tidelock_tick_budget_seconds", "What a tick may take: the time from one to the next."),
    ("tidelock_load_level", "Overload: 0 none, 1 snapshots halved, 2 ticks slip, 3 they slip badly."),
    ("tidelock_draining", "1 while no new players are taken."),
    ("tidelock_start_time_seconds", "When the server started, in seconds since 1970."),
    ("tidelock_build_info", "Always 1; the labels are the version and the commit."),
];

const HISTOGRAMS: [(&str, &str); 7] = [
    (TICK, "How long ticks take, from the first received datagram to the last sent one."),
    (PHASE, "How long each phase of a tick takes."),
    (SNAPSHOT, "Netcode payload of snapshot datagrams."),
    (RTT, "Smoothed round trip times of clients, sampled about once a second each."),
    (LOSS, "Shares of the datagrams of clients that were lost, of the last second of each, by direction."),
    (RATE, "What clients may be sent, sampled about once a second each."),
    (LEAD, "How many ticks before its use each input arrives; negative when late."),
];

const TICK: &str = "tidelock_tick_duration_seconds";
const PHASE: &str = "tidelock_tick_phase_duration_seconds";
const SNAPSHOT: &str = "tidelock_snapshot_size_bytes";
const RTT: &str = "tidelock_client_rtt_seconds";
const LOSS: &str = "tidelock_client_loss_ratio";
const RATE: &str = "tidelock_client_rate_bytes_per_second";
const LEAD: &str = "tidelock_input_lead_ticks";

impl Metrics {
    /// Metrics for a server with these facts.
    pub(crate) fn new(facts: &Facts) -> Self {
        let recorder = builder(facts.tick_hz).expect("every histogram has buckets").build_recorder();
        with_local_recorder(&recorder, || {
            for (name, help) in COUNTERS {
                metrics::describe_counter!(name, help);
            }
            for (name, help) in GAUGES {
                metrics::describe_gauge!(name, help);
            }
            for (name, help) in HISTOGRAMS {
                metrics::describe_histogram!(name, help);
            }
        });
        Self { handle: recorder.handle(), recorder }
    }

    /// The histograms, for the tick thread.
    pub(crate) fn tick_recorder(&self) -> TickRecorder {
        let phase = |name: &'static str| histogram!(PHASE, "phase" => name);
        with_local_recorder(&self.recorder, || TickRecorder {
            tick: histogram!(TICK),
            phases: PHASES.map(phase),
            snapshot: histogram!(SNAPSHOT),
            rtt: histogram!(RTT),
            loss_down: histogram!(LOSS, "direction" => "down"),
            loss_up: histogram!(LOSS, "direction" => "up"),
            rate: histogram!(RATE),
            lead: histogram!(LEAD),
        })
    }

    /// Sorts what was recorded into buckets. Has to happen every few seconds, read or not: unsorted records pile up.
    pub(crate) fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    /// All metrics in the text format of Prometheus.
    pub(crate) fn render(&self, shared: &Shared) -> String {
        let stats = shared.stats();
        with_local_recorder(&self.recorder, || {
            set_gauges(shared, &stats);
            set_io_counters(&stats);
            set_engine_counters(&stats.engine);
            for (call, result, count) in shared.agones.calls.iter() {
                counter!("tidelock_agones_calls_total", "call" => call, "result" => result).absolute(count);
            }
        });
        self.handle.render()
    }
}

/// The phases of a tick, in order: the engine's between the socket's.
pub(crate) const PHASES: [&str; 5] = ["receive", "step", "capture", "send", "transmit"];

/// Records what a tick measured.
pub(crate) struct TickRecorder {
    tick: Histogram,
    phases: [Histogram; PHASES.len()],
    snapshot: Histogram,
    rtt: Histogram,
    loss_down: Histogram,
    loss_up: Histogram,
    rate: Histogram,
    lead: Histogram,
}

impl TickRecorder {
    /// One tick, with its phases in the order of [`PHASES`].
    pub(crate) fn record(&self, tick: Duration, phases: &[Duration; PHASES.len()], samples: &Samples) {
        self.tick.record(tick);
        for (histogram, duration) in self.phases.iter().zip(phases) {
            histogram.record(*duration);
        }
        for bytes in &samples.snapshot_size_bytes {
            self.snapshot.record(*bytes);
        }
        for rtt in &samples.client_rtt {
            self.rtt.record(*rtt);
        }
        for share in &samples.client_loss_down_ratio {
            self.loss_down.record(*share);
        }
        for share in &samples.client_loss_up_ratio {
            self.loss_up.record(*share);
        }
        for rate in &samples.client_rate_bytes_per_second {
            self.rate.record(*rate);
        }
        for ticks in &samples.input_lead_ticks {
            self.lead.record(*ticks);
        }
    }
}

fn builder(tick_hz: u32) -> Result<PrometheusBuilder, BuildError> {
    let exactly = |name: &str| Matcher::Full(name.to_owned());
    PrometheusBuilder::new()
        .set_buckets_for_metric(exactly(TICK), &tick_buckets_s(tick_hz))?
        .set_buckets_for_metric(exactly(PHASE), &tick_buckets_s(tick_hz))?
        .set_buckets_for_metric(
            exactly(SNAPSHOT),
            &[16.0, 32.0, 64.0, 128.0, 192.0, 256.0, 384.0, 512.0, 768.0, 1024.0, 1200.0],
        )?
        .set_buckets_for_metric(
            exactly(RTT),
            &[0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0],
        )?
        .set_buckets_for_metric(exactly(LOSS), &[0.0, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0])?
        .set_buckets_for_metric(
            exactly(RATE),
            &[4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256, 512, 1024, 2048, 4096].map(|kib| f64::from(kib * 1024)),
        )?
        .set_buckets_for_metric(
            exactly(LEAD),
            &[-16.0, -8.0, -4.0, -2.0, -1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 32.0],
        )
}

/// Round times, and parts and multiples of the tick time: how near to its budget a tick is shows best around it.
fn tick_buckets_s(tick_hz: u32) -> Vec<f64> {
    let round_us =
        [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000];
    let of_budget_pct = [25, 50, 75, 90, 100, 110, 125, 150, 200, 400];
    let mut buckets_us: Vec<u32> = of_budget_pct.map(|percent| 10_000 * percent / tick_hz).to_vec();
    buckets_us.extend(round_us);
    buckets_us.sort_unstable();
    buckets_us.dedup();
    buckets_us.into_iter().map(|us| f64::from(us) / 1e6).collect()
}

fn set_gauges(shared: &Shared, stats: &ServerStats) {
    let facts = &shared.facts;
    gauge!("tidelock_clients").set(stats.clients as f64);
    gauge!("tidelock_clients_away").set(stats.clients_away as f64);
    gauge!("tidelock_clients_max").set(facts.max_clients as f64);
    gauge!("tidelock_entities").set(stats.entities as f64);
    gauge!("tidelock_history_bytes").set(stats.engine.history_bytes as f64);
    gauge!("tidelock_tick_budget_seconds").set(f64::from(facts.tick_hz).recip());
    gauge!("tidelock_load_level").set(stats.load.level);
    gauge!("tidelock_draining").set(if shared.is_draining() { 1.0 } else { 0.0 });
    gauge!("tidelock_start_time_seconds").set(facts.started_unix_s as f64);
    gauge!("tidelock_build_info", "version" => VERSION, "commit" => COMMIT).set(1.0);
}

fn set_io_counters(stats: &ServerStats) {
    counter!("tidelock_tick_overruns_total").absolute(stats.overruns);
    counter!("tidelock_ticks_skipped_total").absolute(stats.skipped);
    counter!("tidelock_socket_receive_drops_total").absolute(stats.socket_receive_drops);
    let own = [
        ("payloads_malformed", stats.engine.payloads_malformed),
        ("events_malformed", stats.engine.events_malformed),
        ("events_flooded", stats.engine.events_flooded),
        ("events_over_rate", stats.engine.events_over_rate),
        ("inbox_full", stats.inbox_full),
        ("inbox_strangers_full", stats.inbox_strangers_full),
        ("send_would_block", stats.send_drops.would_block),
        ("send_refused", stats.send_drops.refused),
    ];
    set_labelled("tidelock_packets_dropped_total", "reason", stats.netcode_drops.iter().copied().chain(own));
}

fn set_engine_counters(stats: &Stats) {
    counter!("tidelock_ticks_total").absolute(stats.ticks);
    counter!("tidelock_connections_total").absolute(stats.connections);
    counter!("tidelock_baselines_expired_total").absolute(stats.baselines_expired);
    counter!("tidelock_rewinds_clamped_total").absolute(stats.rewinds_clamped);
    counter!("tidelock_desyncs_total").absolute(stats.desyncs);
    counter!("tidelock_events_unsent_total").absolute(stats.events_unsent);
    counter!("tidelock_budget_deferred_total").absolute(stats.budget_deferred);
    let directions = |up, down| [("up", up), ("down", down)];
    set_labelled("tidelock_packets_total", "direction", directions(stats.received.packets, stats.sent.packets));
    set_labelled("tidelock_bytes_total", "direction", directions(stats.received.bytes, stats.sent.bytes));
    set_labelled("tidelock_packets_lost_total", "direction", directions(stats.lost_up, stats.lost_down));
    set_labelled("tidelock_connections_rejected_total", "reason", stats.rejected.named());
    set_labelled("tidelock_disconnects_total", "reason", stats.disconnects.named());
    set_labelled("tidelock_resumes_total", "result", stats.resumes.named());
    set_labelled("tidelock_back_offs_total", "cause", stats.back_offs.named());
    set_labelled("tidelock_inputs_total", "fate", stats.inputs.named());
    set_labelled("tidelock_snapshot_entities_total", "kind", stats.snapshot_entities.named());
    let cache = [("hit", stats.delta_cache_hits), ("miss", stats.delta_cache_misses)];
    set_labelled("tidelock_delta_cache_total", "result", cache);
}

fn set_labelled(name: &'static str, label: &'static str, counts: impl IntoIterator<Item = (&'static str, u64)>) {
    for (value, count) in counts {
        counter!(name, label => value).absolute(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tick_buckets_surround_the_budget_at_every_rate() {
        for tick_hz in [1, 60, 240] {
            let buckets = tick_buckets_s(tick_hz);
            assert!(buckets.is_sorted());
            let budget = f64::from(1_000_000 / tick_hz) / 1e6;
            assert!(buckets.contains(&budget), "{tick_hz} Hz: {buckets:?}");
        }
    }
}
