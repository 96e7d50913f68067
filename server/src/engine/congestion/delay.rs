use std::time::Duration;
use tidelock::Instant;

/// How long what is sent waits in queues, from round trips: what they take now, above the least that they took lately.
///
/// Jitter only adds. So the least of the samples of a short while, the *standing* round trip, is what the path takes with the
/// queue as it stands: source Arun and Balakrishnan, "Copa" (NSDI 2018), section 2. The least of a long while is what it takes
/// without a queue: the base delay of RFC 6817 (LEDBAT), section 3.4.2, over 5 to 10 s as in BBR. Who backs off until the
/// queue is empty sees that least again and again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delay {
    base: Least,
    standing: Least,
    /// By how much samples exceed the standing round trip, smoothed.
    jitter: Duration,
    samples: u32,
}

/// The least since one or two window lengths.
#[derive(Clone, Copy, Debug, Default)]
struct Least {
    before: Option<Duration>,
    now: Option<Duration>,
    turned_at: Instant,
}

const BASE_WINDOW: Duration = Duration::from_secs(5);
/// A client acknowledges at least once in 50 ms.
const STANDING_WINDOW_MIN: Duration = Duration::from_millis(60);
/// Fewer samples say nothing.
const SAMPLES_MIN: u32 = 4;
/// A queue is none until it takes so much longer, besides jitter and a tick.
const QUEUE_MIN: Duration = Duration::from_millis(10);
/// A tick, or jitter, counts as no more than this.
const ALLOWANCE_MAX: Duration = Duration::from_millis(60);

impl Delay {
    /// A round trip was measured. `smoothed` is that of the connection. While a queue is known to stand, however long it takes
    /// to drain, the base is not forgotten.
    pub(super) fn sample(&mut self, rtt: Duration, smoothed: Duration, queue_stands: bool, now: Instant) {
        self.samples = self.samples.saturating_add(1);
        self.base.sample(rtt, if queue_stands { Duration::MAX } else { BASE_WINDOW }, now);
        self.standing.sample(rtt, (smoothed / 4).max(STANDING_WINDOW_MIN), now);
        let above = rtt.saturating_sub(self.standing.least().unwrap_or(rtt));
        self.jitter = (self.jitter * 15 + above) / 16;
    }

    /// A round trip without a queue.
    pub(super) fn base(&self) -> Option<Duration> {
        self.base.least().filter(|_| self.samples >= SAMPLES_MIN)
    }

    /// What waiting takes now.
    pub(super) fn queue(&self) -> Duration {
        match (self.standing.least(), self.base()) {
            (Some(standing), Some(base)) => standing.saturating_sub(base),
            _ => Duration::ZERO,
        }
    }

    /// What waiting may take before it counts as a queue: the server sends in ticks, and takes some time for it.
    pub(super) fn bound(&self, tick_period: Duration) -> Duration {
        QUEUE_MIN + tick_period.min(ALLOWANCE_MAX) + (self.jitter * 3 / 2).min(ALLOWANCE_MAX)
    }

    /// The path is longer now, or others fill its queue: what it takes now is what it takes.
    pub(super) fn rebase(&mut self, now: Instant) {
        self.base = Least { now: self.standing.least(), turned_at: now, before: None };
    }
}

impl Least {
    fn sample(&mut self, rtt: Duration, window: Duration, now: Instant) {
        if now.since(self.turned_at) >= window {
            self.before = self.now.take();
            self.turned_at = now;
        }
        self.now = Some(self.now.map_or(rtt, |least| least.min(rtt)));
    }

    fn least(&self) -> Option<Duration> {
        self.before.into_iter().chain(self.now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(16);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A sample each 20 ms from `begin_ms` on.
    fn feed(delay: &mut Delay, begin_ms: u64, rtts_ms: impl IntoIterator<Item = u64>) {
        for (n, rtt) in rtts_ms.into_iter().enumerate() {
            delay.sample(ms(rtt), ms(rtt), false, Instant::from_us((begin_ms + 20 * n as u64) * 1000));
        }
    }

    #[test]
    fn jitter_is_no_queue() {
        let mut delay = Delay::default();
        for second in 0..20 {
            feed(&mut delay, second * 1000, (0..50).map(|n| 50 + n * 37 % 40));
            assert!(delay.queue() < delay.bound(TICK), "{:?} of {:?}", delay.queue(), delay.bound(TICK));
        }
    }

    #[test]
    fn a_queue_is_what_round_trips_take_above_their_least() {
        let mut delay = Delay::default();
        feed(&mut delay, 0, [50; 20]);
        assert_eq!(delay.queue(), Duration::ZERO);
        feed(&mut delay, 400, [110; 10]);
        assert_eq!(delay.queue(), ms(60));
        assert!(delay.queue() > delay.bound(TICK));
    }

    #[test]
    fn the_base_is_forgotten_after_a_while_or_when_told() {
        let mut delay = Delay::default();
        feed(&mut delay, 0, [50; 20]);
        feed(&mut delay, 400, [110; 400]);
        assert_eq!(delay.queue(), ms(60));
        let mut told = delay;
        told.rebase(Instant::from_us(8_400_000));
        assert_eq!(told.queue(), Duration::ZERO);
        feed(&mut delay, 8_400, [110; 200]);
        assert_eq!(delay.queue(), Duration::ZERO);
    }
}
