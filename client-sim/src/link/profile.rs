use std::time::Duration;

use super::{Bottleneck, Bursts, LinkConfig, Stalls};
use crate::mix::{Kind, Mix};

/// Both directions of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Link {
    /// From the server.
    pub down: LinkConfig,
    /// To the server.
    pub up: LinkConfig,
}

/// A kind of link that players have, from the player's device to the server.
///
/// Figures are typical, not the worst there is. Their sources, by the numbers at each:
///
/// 1. `WebPageTest`, `connectivity.ini`: bandwidths, and round trips of "FIOS" (4 ms) and "LTE" (70 ms).
/// 2. FCC, "Thirteenth Measuring Broadband America Fixed Broadband Report" (2024): round trips of about 10 ms on fiber; less than 0.4 %
///    of datagrams lost for most.
/// 3. K. Sui et al., "Characterizing and Improving `WiFi` Latency in Large-Scale Operational Networks" (`MobiSys` 2016): the hop takes
///    3 ms in the median, 20 ms at the 90th percentile and 250 ms at the 99th.
/// 4. C. Pei et al., "`WiFi` can be the weakest link of round trip network latency in the wild" (INFOCOM 2016): more than half of
///    datagrams take longer than 20 ms for the hop, a tenth longer than 100 ms.
/// 5. G. Martínez et al., "Round Trip Time (RTT) Delay in the Internet: Analysis and Trends", arXiv:2301.07788: round trips between
///    regions.
/// 6. F. Michel et al., "A First Look at Starlink Performance" (IMC 2022): quartiles of the round trip at 40, 50 and 60 ms.
/// 7. M. M. Kassem et al., "A Browser-side View of Starlink Connectivity" (IMC 2022): loss in bursts where one satellite hands over to
///    the next, every 15 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// What the machine has.
    None,
    /// A cable to a server in the same house: half a millisecond, and nothing lost.
    Lan,
    /// Fiber to the home, a cable to the device, and a server in the region: (1), (2).
    Fiber,
    /// The same over a good radio at home: (3).
    Wifi,
    /// A phone: (1).
    Lte,
    /// A crowded radio, far from its access point: (4).
    BadWifi,
    /// Fiber, and a server on the other side of the Atlantic: (5).
    Transatlantic,
    /// By way of satellites in low orbits: (6), (7).
    Satellite,
}

/// What links players have: one kind, or several by weight, as in `lte=0.3,wifi=0.7`.
pub type LinkMix = Mix<Profile>;

impl Kind for Profile {
    const ALL: &'static [Self] = &[
        Self::None,
        Self::Lan,
        Self::Fiber,
        Self::Wifi,
        Self::Lte,
        Self::BadWifi,
        Self::Transatlantic,
        Self::Satellite,
    ];
    const NOUN: &'static str = "profile";
    const STRIDE: f64 = std::f64::consts::SQRT_2;

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lan => "lan",
            Self::Fiber => "fiber",
            Self::Wifi => "wifi",
            Self::Lte => "lte",
            Self::BadWifi => "bad-wifi",
            Self::Transatlantic => "transatlantic",
            Self::Satellite => "satellite",
        }
    }
}

impl Profile {
    /// What it does.
    #[must_use]
    pub fn link(self) -> Link {
        let (each_way, mbit_s) = match self {
            Self::None => (LinkConfig::default(), None),
            Self::Lan => (way(0.25, 0.05), None),
            Self::Fiber => (way(5.0, 0.5).losing(0.02, 1.0), Some((20.0, 5.0))),
            Self::Wifi => (way(9.0, 4.0).losing(0.3, 2.0).stalling(200, 10), Some((20.0, 5.0))),
            Self::Lte => (way(35.0, 8.0).losing(0.3, 2.0).stalling(50, 10), Some((12.0, 12.0))),
            Self::BadWifi => (way(25.0, 20.0).losing(2.0, 3.0).stalling(300, 6), Some((5.0, 1.0))),
            Self::Transatlantic => (way(42.0, 2.0).losing(0.1, 1.0), Some((20.0, 5.0))),
            Self::Satellite => (way(25.0, 7.0).losing(1.0, 5.0).stalling(90, 15), Some((100.0, 10.0))),
        };
        let narrow = |mbit_s: Option<f64>| LinkConfig { bottleneck: mbit_s.map(bottleneck), ..each_way };
        Link { down: narrow(mbit_s.map(|(down, _)| down)), up: narrow(mbit_s.map(|(_, up)| up)) }
    }
}

/// Mean and standard deviation of one way.
fn way(latency_ms: f64, jitter_ms: f64) -> LinkConfig {
    let ms = |ms: f64| Duration::from_secs_f64(ms / 1e3);
    LinkConfig { latency: ms(latency_ms), jitter: ms(jitter_ms), ..LinkConfig::default() }
}

impl LinkConfig {
    fn losing(self, percent: f64, in_a_row: f64) -> Self {
        Self { bursts: Some(Bursts::of(percent / 100.0, in_a_row)), ..self }
    }

    fn stalling(self, length_ms: u64, every_s: u64) -> Self {
        let (length, every) = (Duration::from_millis(length_ms), Duration::from_secs(every_s));
        Self { stalls: Some(Stalls { length, every }), ..self }
    }
}

/// With a queue of a quarter of a second.
fn bottleneck(mbit_s: f64) -> Bottleneck {
    let bandwidth_bytes_s = (mbit_s * 125_000.0) as u32;
    Bottleneck { bandwidth_bytes_s, queue_bytes: bandwidth_bytes_s / 4 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Conditioner;
    use tidelock::Instant;

    /// Round trips of a datagram each 20 ms, for half an hour, sorted, in milliseconds; and the share that got lost on the way.
    fn round_trips(profile: Profile) -> (Vec<f64>, f64) {
        let Link { down, up } = profile.link();
        let (mut down, mut up) = (Conditioner::new(down, 1), Conditioner::new(up, 2));
        let (mut took_ms, sent) = (Vec::new(), 90_000);
        for number in 0..sent {
            let now = Instant::from_us(number * 20_000);
            while let Some(there) = up.pop_due(now) {
                down.push(there.datagram, there.due);
            }
            while let Some(back) = down.pop_due(now) {
                let sent_us = u64::from_le_bytes((&*back.datagram).try_into().unwrap());
                took_ms.push(back.due.since(Instant::from_us(sent_us)).as_secs_f64() * 1e3);
            }
            up.push(&now.as_us().to_le_bytes(), now);
        }
        took_ms.sort_by(f64::total_cmp);
        let lost = 1.0 - took_ms.len() as f64 / sent as f64;
        (took_ms, lost)
    }

    #[test]
    fn round_trips_are_those_of_the_sources() {
        // The median and the 99th percentile lie between these, in milliseconds; per cent lost both ways.
        let wanted = [
            (Profile::None, (0.0, 0.0), (0.0, 0.0), 0.0),
            (Profile::Lan, (0.4, 0.6), (0.5, 1.0), 0.0),
            (Profile::Fiber, (9.0, 11.0), (10.0, 15.0), 0.04),
            (Profile::Wifi, (14.0, 20.0), (40.0, 250.0), 0.6),
            (Profile::Lte, (60.0, 75.0), (90.0, 150.0), 0.6),
            (Profile::BadWifi, (30.0, 60.0), (150.0, 450.0), 4.0),
            (Profile::Transatlantic, (80.0, 88.0), (90.0, 110.0), 0.2),
            (Profile::Satellite, (45.0, 55.0), (75.0, 140.0), 2.0),
        ];
        assert!(wanted.iter().map(|(profile, ..)| *profile).eq(Profile::ALL.iter().copied()));
        for (profile, p50, p99, lost_pct) in wanted {
            let (took_ms, lost) = round_trips(profile);
            let at = |share: f64| took_ms[(took_ms.len() as f64 * share) as usize];
            let within = |(least, most): (f64, f64), value: f64| (least..=most).contains(&value);
            assert!(within(p50, at(0.5)), "{profile:?}: a median of {} ms", at(0.5));
            assert!(within(p99, at(0.99)), "{profile:?}: one in a hundred takes {} ms", at(0.99));
            assert!((lost * 100.0 - lost_pct).abs() < 0.3 + lost_pct * 0.1, "{profile:?} loses {lost}");
        }
    }
}
