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
}
