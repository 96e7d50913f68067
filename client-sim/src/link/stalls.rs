use std::time::Duration;

use tidelock::Instant;

use super::Rng;

/// Pauses in which a link passes nothing, as while a radio looks at other channels or a satellite hands over to the next: what
/// comes meanwhile arrives in a bunch when it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stalls {
    /// How long each takes.
    pub length: Duration,
    /// From the start of one to the start of the next, on average, longer than `length`. What is left of it between two is
    /// exponentially distributed.
    pub every: Duration,
}

impl Stalls {
    /// How much of the time nothing passes, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.length.as_secs_f64() / self.every.max(self.length).max(Duration::from_micros(1)).as_secs_f64()
    }
}

/// When one direction of a link pauses. It begins in between two.
#[derive(Debug)]
pub(super) struct Pauses {
    /// Its own, so that pauses shift nobody else's draws.
    rng: Rng,
    /// The one that is on, or the next.
    pause: Option<(Instant, Instant)>,
}

impl Pauses {
    pub(super) const fn new(rng: Rng) -> Self {
        Self { rng, pause: None }
    }

    /// When a datagram that comes at `at` passes. `at` does not go back from call to call, or is in the same pause.
    pub(super) fn pass(&mut self, stalls: Option<Stalls>, at: Instant) -> Instant {
        let Some(stalls) = stalls.filter(|stalls| !stalls.length.is_zero()) else {
            self.pause = None;
            return at;
        };
        loop {
            let (begin, end) = self.pause.unwrap_or_else(|| self.next(stalls, at));
            self.pause = Some((begin, end));
            if at < begin {
                return at;
            }
            if at < end {
                return end;
            }
            self.pause = Some(self.next(stalls, end));
        }
    }

    /// The first pause after `from`.
    fn next(&mut self, stalls: Stalls, from: Instant) -> (Instant, Instant) {
        let between = stalls.every.saturating_sub(stalls.length).mul_f64(self.rng.exponential());
        let begin = from + between;
        (begin, begin + stalls.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STALLS: Stalls = Stalls { length: Duration::from_millis(200), every: Duration::from_secs(5) };

    /// How long datagrams, one a millisecond, wait for the end of a pause.
    fn waits(stalls: Option<Stalls>, seconds: u64) -> Vec<Duration> {
        let mut pauses = Pauses::new(Rng::new(7));
        let moments = (0..seconds * 1000).map(|ms| Instant::from_us(ms * 1000));
        moments.map(|at| pauses.pass(stalls, at).since(at)).collect()
    }

    #[test]
    fn a_share_of_datagrams_waits_and_none_longer_than_a_pause() {
        let waits = waits(Some(STALLS), 10_000);
        let waiting = waits.iter().filter(|wait| !wait.is_zero()).count() as f64 / waits.len() as f64;
        assert!((waiting - STALLS.share()).abs() < 0.004, "{waiting}");
        assert!(waits.iter().max().is_some_and(|wait| *wait <= STALLS.length && *wait > Duration::from_millis(190)));
    }

    #[test]
    fn what_waits_arrives_together_and_in_order() {
        let mut pauses = Pauses::new(Rng::new(7));
        let mut last = Instant::default();
        for us in (0..60_000_000).step_by(700) {
            let passed = pauses.pass(Some(STALLS), Instant::from_us(us));
            assert!(passed >= last);
            last = passed;
        }
    }

    #[test]
    fn without_pauses_nothing_waits() {
        let none = Stalls { length: Duration::ZERO, every: Duration::ZERO };
        assert!(waits(None, 1).iter().chain(&waits(Some(none), 1)).all(Duration::is_zero));
    }
}
