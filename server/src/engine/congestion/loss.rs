use std::time::Duration;
use tidelock::Instant;

/// Tells congestion's losses from a link's own: those above a floor that is learned from what the link loses anyway.
///
/// A link loses a share of all datagrams, however few are sent; a full queue loses what is too much, and no more of what is
/// less. So the floor follows slowly what is lost; and fast where less was sent, and as much was lost as before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loss {
    floor: f64,
    acked: u32,
    lost: u32,
    opened_at: Instant,
    /// What was lost in the window before, if that was in excess, and less was sent since.
    before: Option<f64>,
    /// Nothing has arrived in a whole window.
    is_outage: bool,
}

/// A window has so many fates at least.
const FATES_MIN: u32 = 64;
const WINDOW_MIN: Duration = Duration::from_millis(250);
/// What a link of which nothing is known may lose. An interactive sender does not slow down below 2 to 10 %: source
/// draft-ietf-rmcat-gcc-02 (Google congestion control), section 6.
/// Less was sent, and still this share of the losses before.
const AS_BEFORE: f64 = 0.7;
const GAIN_PROVEN: f64 = 0.5;
const GAIN: f64 = 1.0 / 16.0;
/// When more than this is lost nothing passes, and what is known of the link is void. Source: RFC 9002, section 7.6.
pub(super) const OUTAGE: f64 = 0.8;
const FLOOR_FIRST: f64 = 0.05;
const FLOOR_MIN: f64 = 0.01;
const FLOOR_MAX: f64 = 0.3;

impl Default for Loss {
    fn default() -> Self {
        Self { floor: FLOOR_FIRST, acked: 0, lost: 0, opened_at: Instant::default(), before: None, is_outage: false }
    }
}

impl Loss {
    pub(super) fn on_acked(&mut self, now: Instant) {
        if std::mem::take(&mut self.is_outage) {
            // What was lost in an outage says nothing of the time after it, nor when that is noticed late.
            self.open(now + WINDOW_MIN);
        }
        self.acked += u32::from(now >= self.opened_at);
    }

    pub(super) fn on_lost(&mut self, now: Instant) {
        self.lost += u32::from(now >= self.opened_at);
    }

    /// There is an ack for what was counted as lost, a while ago: it was late.
    pub(super) fn on_found(&mut self, now: Instant) {
        self.lost = self.lost.saturating_sub(1);
        self.on_acked(now);
    }

    /// The share that is lost above the floor, at the end of a window in which that is more than chance.
    pub(super) fn poll_excess(&mut self, rtt: Duration, now: Instant) -> Option<f64> {
        let count = self.acked + self.lost;
        if count < FATES_MIN || now.since(self.opened_at) < rtt.max(WINDOW_MIN) {
            return None;
        }
        let share = f64::from(self.lost) / f64::from(count);
        if share > FLOOR_MAX {
            // No link that can be played on is like that: nothing is learned from it.
            self.open(now);
            self.is_outage = share > OUTAGE;
            return Some(share - self.floor);
        }
        let before = self.before.take();
        let excess = share - self.floor;
        let is_excess = self.is_more_than_chance();
        let is_as_before = is_excess && before.is_some_and(|before| share > AS_BEFORE * before);
        let gain = if is_as_before { GAIN_PROVEN } else { GAIN };
        self.floor = (self.floor + gain * excess).clamp(FLOOR_MIN, FLOOR_MAX);
        self.open(now);
        if !is_excess || is_as_before {
            return None;
        }
        self.before = Some(share);
        Some(excess)
    }

    /// Begins a window. What was sent at another rate says nothing of this one.
    pub(super) fn open(&mut self, at: Instant) {
        (self.acked, self.lost, self.opened_at) = (0, 0, at);
    }

    /// Three standard deviations of a binomial distribution above its mean, and two datagrams.
    fn is_more_than_chance(&self) -> bool {
        let mean = f64::from(self.acked + self.lost) * self.floor;
        let above = f64::from(self.lost) - mean - 2.0;
        above > 0.0 && above * above > 9.0 * mean * (1.0 - self.floor)
    }

    /// What is told of the link.
    #[cfg(test)]
    pub(super) const fn floor(&self) -> f64 {
        self.floor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Windows of 64 fates each half second. Returns how often there was an excess.
    fn feed(loss: &mut Loss, windows: std::ops::Range<u64>, lost_of_64: impl Fn(u64) -> u32) -> usize {
        let excesses = windows.filter(|window| {
            let lost = lost_of_64(*window);
            let now = Instant::from_us((window + 1) * 500_000);
            (0..lost).for_each(|_| loss.on_lost(now));
            (lost..64).for_each(|_| loss.on_acked(now));
            loss.poll_excess(Duration::from_millis(80), now).is_some()
        });
        excesses.count()
    }

    #[test]
    fn a_few_losses_are_chance() {
        let mut loss = Loss::default();
        assert_eq!(feed(&mut loss, 0..100, |n| (n % 7) as u32), 0);
    }

    #[test]
    fn what_a_link_loses_anyway_is_learned_after_one_doubt() {
        let mut loss = Loss::default();
        assert_eq!(feed(&mut loss, 0..60, |n| 12 + (n % 3) as u32), 1);
        assert!((loss.floor() - 0.2).abs() < 0.02, "{}", loss.floor());
    }

    #[test]
    fn losses_that_stop_when_less_is_sent_are_congestion_each_time() {
        let mut loss = Loss::default();
        assert_eq!(feed(&mut loss, 0..60, |n| if n % 10 == 0 { 20 } else { 0 }), 6);
        assert!(loss.floor() < 0.05, "{}", loss.floor());
    }

    #[test]
    fn an_outage_teaches_nothing() {
        let mut loss = Loss::default();
        assert_eq!(feed(&mut loss, 0..10, |_| 64), 10);
        assert_eq!(loss.floor(), FLOOR_FIRST);
    }

    #[test]
    fn the_floor_is_unlearned() {
        let mut loss = Loss::default();
        feed(&mut loss, 0..60, |_| 13);
        feed(&mut loss, 60..160, |_| 0);
        assert!(loss.floor() <= 0.011, "{}", loss.floor());
    }
}
