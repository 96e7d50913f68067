use core::time::Duration;

/// Smoothed round-trip time and its variation. Source: RFC 6298, section 2, without its one-second floor.
#[derive(Clone, Copy, Debug, Default)]
pub struct RttEstimator {
    estimate: Option<(Duration, Duration)>,
    min: Option<Duration>,
    latest: Option<Duration>,
    samples: u64,
}

/// Longer round trips count as this.
const RTT_MAX: Duration = Duration::from_secs(3);

impl RttEstimator {
    /// Takes one measurement.
    pub fn sample(&mut self, rtt: Duration) {
        // A peer that withholds its acks must not make us wait for it without end.
        let rtt = rtt.min(RTT_MAX);
        self.min = Some(self.min.map_or(rtt, |min| min.min(rtt)));
        self.latest = Some(rtt);
        self.samples += 1;
        self.estimate = Some(match self.estimate {
            None => (rtt, rtt / 2),
            Some((smoothed, variation)) => ((smoothed * 7 + rtt) / 8, (variation * 3 + smoothed.abs_diff(rtt)) / 4),
        });
    }

    /// The smoothed round-trip time.
    #[must_use]
    pub fn smoothed(&self) -> Option<Duration> {
        self.estimate.map(|(smoothed, _)| smoothed)
    }

    /// The smoothed mean deviation.
    #[must_use]
    pub fn variation(&self) -> Duration {
        self.estimate.map_or(Duration::ZERO, |(_, variation)| variation)
    }

    /// The least measured.
    #[must_use]
    pub const fn min(&self) -> Option<Duration> {
        self.min
    }

    /// The latest measurement.
    #[must_use]
    pub const fn latest(&self) -> Option<Duration> {
        self.latest
    }

    /// How many measurements there were.
    #[must_use]
    pub const fn samples(&self) -> u64 {
        self.samples
    }

    /// After this long without an ack a datagram counts as lost. `slack` is how long both ends may sit on an ack.
    #[must_use]
    pub fn timeout(&self, slack: Duration) -> Duration {
        let (smoothed, variation) = self.estimate.unwrap_or((Duration::from_millis(250), Duration::from_millis(60)));
        smoothed + variation.max(Duration::from_millis(2)) * 4 + slack
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn estimates_are_those_of_rfc_6298(samples in prop::collection::vec(0u64..4_000_000, 0..30), slack_ms in 0u64..500) {
            let mut rtt = RttEstimator::default();
            let mut expected: Option<(f64, f64)> = None;
            let seconds: Vec<f64> = samples.iter().map(|us| (*us as f64 / 1e6).min(3.0)).collect();
            for (us, sample) in samples.iter().zip(&seconds) {
                rtt.sample(Duration::from_micros(*us));
                expected = Some(match expected {
                    None => (*sample, sample / 2.0),
                    Some((smoothed, variation)) => {
                        (smoothed * 0.875 + sample * 0.125, variation * 0.75 + (smoothed - sample).abs() * 0.25)
                    }
                });
            }
            let near = |duration: Duration, seconds: f64| (duration.as_secs_f64() - seconds).abs() < 1e-6;
            let (smoothed, variation) = expected.unwrap_or((0.25, 0.06));
            prop_assert!(near(rtt.smoothed().unwrap_or(Duration::from_millis(250)), smoothed));
            prop_assert!(near(rtt.variation(), expected.map_or(0.0, |(_, variation)| variation)));
            let timeout = rtt.timeout(Duration::from_millis(slack_ms));
            prop_assert!(near(timeout, smoothed + variation.max(0.002) * 4.0 + slack_ms as f64 / 1e3));
            let least = seconds.iter().copied().reduce(f64::min);
            prop_assert_eq!(rtt.min().map(|min| near(min, least.unwrap())), least.map(|_| true));
            prop_assert_eq!(rtt.latest().map(|latest| near(latest, *seconds.last().unwrap())), least.map(|_| true));
            prop_assert_eq!((rtt.samples(), rtt.smoothed().is_some()), (samples.len() as u64, !samples.is_empty()));
        }
    }
}
