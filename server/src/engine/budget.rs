use std::time::Duration;
use tidelock::Instant;

/// How many bytes a client may be sent now: a token bucket that fills at a rate which may change.
///
/// It begins full, at the first refill.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Budget {
    /// Microbytes, so that no fraction is lost; negative after a datagram that had to go.
    available_ub: i64,
    refilled_at: Instant,
}

const UB: i64 = 1_000_000;
/// A datagram, with what netcode adds.
const DATAGRAM_BYTES: i64 = 1_300;
/// A bucket holds what may be sent in the time of so many snapshots: one that is late finds all that it is due. More would
/// be a burst that the queues on the way have to take.
const SNAPSHOTS: u32 = 2;

impl Budget {
    /// The most that is sent at once: two datagrams, or what may be sent between two snapshots and two more.
    pub(crate) fn burst_bytes(rate_bytes_s: u32, snapshot_interval: Duration) -> i64 {
        let interval_us = i64::try_from((snapshot_interval * SNAPSHOTS).as_micros()).unwrap_or(i64::MAX).min(10 * UB);
        (i64::from(rate_bytes_s) * interval_us / UB).max(2 * DATAGRAM_BYTES)
    }

    /// Time has passed, at this rate.
    pub(crate) fn refill(&mut self, rate_bytes_s: u32, snapshot_interval: Duration, now: Instant) {
        let elapsed_us = i64::try_from(now.since(self.refilled_at).as_micros()).unwrap_or(i64::MAX).min(10 * UB);
        self.refilled_at = now;
        let full_ub = Self::burst_bytes(rate_bytes_s, snapshot_interval) * UB;
        self.available_ub = (self.available_ub + elapsed_us * i64::from(rate_bytes_s)).min(full_ub);
    }

    /// Whole bytes that may be spent now.
    pub(crate) fn available_bytes(&self) -> usize {
        usize::try_from(self.available_ub / UB).unwrap_or(0)
    }

    /// Bytes that had to go may be owed, but never more than a datagram.
    pub(crate) fn spend(&mut self, bytes: usize) {
        self.available_ub = (self.available_ub - bytes as i64 * UB).max(-DATAGRAM_BYTES * UB);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TICK: Duration = Duration::from_micros(16_667);

    /// Spends all there is, at most `most` bytes in each of so many ticks. Returns what was spent in each.
    fn spend(budget: &mut Budget, rate_bytes_s: u32, ticks: u32, most: usize) -> Vec<usize> {
        let begin = budget.refilled_at;
        let spent = (1..=ticks).map(|tick| {
            budget.refill(rate_bytes_s, TICK, begin + TICK * tick);
            let now = budget.available_bytes().min(most);
            budget.spend(now);
            now
        });
        spent.collect()
    }

    #[test]
    fn over_any_time_no_more_is_spent_than_the_rate_and_one_bucket() {
        let mut budget = Budget { refilled_at: Instant::from_us(5), ..Budget::default() };
        let spent: usize = spend(&mut budget, 64 * 1024, 600, 3_000).iter().sum();
        let all = 10 * 64 * 1024;
        assert!((all..=all + 2_600).contains(&spent), "{spent}");
    }

    /// A rate, for so long; then so much is wanted, which may have to go whether there is budget or not.
    fn step() -> impl Strategy<Value = (u32, u64, usize, bool)> {
        (4_096u32..4_000_000, prop_oneof![0u64..40_000, 0..2_000_000u64], 0usize..40_000, prop::bool::weighted(0.1))
    }

    proptest! {
        #[test]
        fn over_any_time_no_more_is_spent_than_came_in_and_one_bucket(steps in prop::collection::vec(step(), 1..100)) {
            let mut budget = Budget::default();
            let mut now = Instant::from_us(1_000_000_000);
            // For each window that ends now: what it may still spend, in millionths of a byte.
            let mut windows: Vec<i64> = Vec::new();
            for (rate, us, wanted, must) in steps {
                now += Duration::from_micros(us);
                budget.refill(rate, TICK, now);
                let full_ub = Budget::burst_bytes(rate, TICK) * UB;
                windows.iter_mut().for_each(|left| *left += i64::from(rate) * us.cast_signed());
                windows.push(full_ub);
                let available = budget.available_bytes();
                // What must go is a datagram that is owed for; all else waits until there is budget.
                let spent = if must { wanted.min(DATAGRAM_BYTES as usize) } else { wanted.min(available) };
                budget.spend(spent);
                let owed = spent.saturating_sub(available) as i64;
                for left in &mut windows {
                    *left -= (spent as i64 - owed) * UB;
                    prop_assert!(*left >= 0, "{} too many bytes", -*left / UB);
                }
                prop_assert!(budget.available_ub >= -DATAGRAM_BYTES * UB);
            }
        }

        #[test]
        fn what_is_wanted_at_its_rate_is_never_refused(rate in 200_000u32..4_000_000, ticks in 1u32..200) {
            let mut budget = Budget { refilled_at: Instant::from_us(5), ..Budget::default() };
            let each = rate as usize * TICK.as_micros() as usize / 1_000_000;
            prop_assert!(spend(&mut budget, rate, ticks, each).iter().all(|spent| *spent == each));
        }
    }

    #[test]
    fn it_begins_full() {
        let mut budget = Budget::default();
        budget.refill(64 * 1024, TICK, Instant::from_us(1_000_000));
        assert_eq!(budget.available_bytes(), 2_600);
    }

    #[test]
    fn at_once_no_more_is_spent_than_two_datagrams_or_what_two_snapshots_may_have() {
        for (rate, burst) in [(8 * 1024, 2_600), (1 << 20, 34_953)] {
            let mut budget = Budget { refilled_at: Instant::from_us(5), ..Budget::default() };
            spend(&mut budget, rate, 600, 0);
            assert_eq!(spend(&mut budget, rate, 1, usize::MAX), [burst]);
            let next = spend(&mut budget, rate, 1, usize::MAX)[0];
            assert!(next.abs_diff(rate as usize / 60) <= 1, "{next}");
        }
    }

    #[test]
    fn a_rate_without_end_is_one() {
        let mut budget = Budget { refilled_at: Instant::from_us(5), ..Budget::default() };
        assert!(spend(&mut budget, u32::MAX, 10, usize::MAX).iter().all(|spent| *spent > 70_000_000));
    }

    #[test]
    fn a_debt_is_paid_back_first() {
        let mut budget = Budget { refilled_at: Instant::from_us(5), ..Budget::default() };
        budget.spend(500);
        budget.refill(1_000_000, TICK, Instant::from_us(505));
        assert_eq!(budget.available_bytes(), 0);
        budget.refill(1_000_000, TICK, Instant::from_us(1_005));
        assert_eq!(budget.available_bytes(), 500);
    }
}
