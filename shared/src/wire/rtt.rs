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
