use crate::Instant;

const MICRO: u64 = 1_000_000;

/// A token bucket: so much work per second, and so much at once.
pub(super) struct Budget {
    per_s: u64,
    burst: u64,
    /// In millionths of a unit of work.
    left: u64,
    filled_at: Instant,
}

impl Budget {
    pub(super) fn new(per_s: u32, burst: u32, now: Instant) -> Self {
        let burst = u64::from(burst) * MICRO;
        Self { per_s: u64::from(per_s), burst, left: burst, filled_at: now }
    }

    /// Whether there is budget for one more unit, which is then spent.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let elapsed_us = now.as_us().saturating_sub(self.filled_at.as_us());
        self.filled_at = self.filled_at.max(now);
        self.left = self.left.saturating_add(elapsed_us.saturating_mul(self.per_s)).min(self.burst);
        let enough = self.left >= MICRO;
        if enough {
            self.left -= MICRO;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn taken(budget: &mut Budget, us: u64) -> usize {
        (0..1000).filter(|_| budget.take(Instant::from_us(us))).count()
    }

    #[test]
    fn it_allows_a_burst_and_then_the_rate() {
        let mut budget = Budget::new(100, 10, Instant::from_us(5));
        assert_eq!(taken(&mut budget, 5), 10);
        assert_eq!(taken(&mut budget, 50_005), 5);
        assert_eq!(taken(&mut budget, 1_000_000_000), 10);
    }

    #[test]
    fn work_too_small_to_round_is_not_lost() {
        let mut budget = Budget::new(3, 2, Instant::from_us(0));
        assert_eq!(taken(&mut budget, 0), 2);
        assert_eq!((1..=1_000_000).filter(|us| budget.take(Instant::from_us(*us))).count(), 3);
    }

    /// How much may be taken in so much time after a moment at which all of the burst is there.
    fn allowed(per_s: u32, burst: u32, us: u64) -> u64 {
        u64::from(burst) + us * u64::from(per_s) / MICRO
    }

    proptest! {
        #[test]
        fn over_any_time_no_more_is_taken_than_burst_and_rate_and_none_is_refused_before(
            per_s in 0u32..3_000, burst in 0u32..20, gaps in prop::collection::vec(prop_oneof![0u64..3_000, 0..400_000u64], 1..150),
        ) {
            let mut budget = Budget::new(per_s, burst, Instant::from_us(0));
            let mut taken: Vec<u64> = Vec::new();
            let mut us = 0;
            for gap in gaps {
                us += gap;
                let is_taken = budget.take(Instant::from_us(us));
                // What this one made of each window that ends with it, from each one taken on.
                let windows = taken.iter().enumerate().map(|(n, from)| ((taken.len() - n) as u64 + 1, us - from));
                let mut windows = windows.chain([(1, 0)]);
                let fits = windows.all(|(count, us)| count <= allowed(per_s, burst, us));
                prop_assert_eq!(is_taken, fits, "at {} us after {:?}", us, &taken);
                if is_taken {
                    taken.push(us);
                }
            }
        }

        #[test]
        fn a_clock_that_steps_back_gives_nothing(per_s in 1u32..3_000, back in 0u64..1_000_000) {
            let mut budget = Budget::new(per_s, 5, Instant::from_us(0));
            prop_assert_eq!(taken(&mut budget, 1_000_000), 5);
            prop_assert_eq!(taken(&mut budget, 1_000_000 - back), 0);
            prop_assert_eq!(taken(&mut budget, 1_000_000), 0);
        }
    }
}
