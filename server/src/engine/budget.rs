use std::time::Duration;

/// How many bytes a client may be sent: a token bucket that fills at a steady rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    rate_bytes_s: u32,
    /// Microbytes, so that no fraction is lost; negative after a datagram that had to go.
    available_ub: i64,
    full_ub: i64,
}

const UB: i64 = 1_000_000;

impl Budget {
    /// A full bucket that holds a quarter of a second's worth, and at least three datagrams.
    pub(crate) fn new(rate_bytes_s: u32) -> Self {
        let full_ub = (i64::from(rate_bytes_s) / 4).max(3 * 1300) * UB;
        Self { rate_bytes_s, available_ub: full_ub, full_ub }
    }

    pub(crate) fn refill(&mut self, elapsed: Duration) {
        let elapsed_us = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX).min(10 * UB);
        self.available_ub = (self.available_ub + elapsed_us * i64::from(self.rate_bytes_s)).min(self.full_ub);
    }

    /// Whole bytes that may be spent now.
    pub(crate) fn available_bytes(&self) -> usize {
        usize::try_from(self.available_ub / UB).unwrap_or(0)
    }

    /// Bytes that had to go may be owed, but never more than a datagram.
    pub(crate) fn spend(&mut self, bytes: usize) {
        self.available_ub = (self.available_ub - bytes as i64 * UB).max(-1300 * UB);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_any_time_no_more_is_spent_than_the_rate_and_one_bucket() {
        let mut budget = Budget::new(64 * 1024);
        let mut spent = 0;
        for _ in 0..600 {
            budget.refill(Duration::from_micros(16_667));
            let now = budget.available_bytes().min(3_000);
            budget.spend(now);
            spent += now;
        }
        assert!(spent <= 10 * 64 * 1024 + 16 * 1024 + 100, "{spent}");
        assert!(spent >= 10 * 64 * 1024, "{spent}");
    }

    #[test]
    fn a_debt_is_paid_back_first() {
        let mut budget = Budget::new(1_000_000);
        budget.spend(budget.available_bytes() + 500);
        assert_eq!(budget.available_bytes(), 0);
        budget.refill(Duration::from_millis(1));
        assert_eq!(budget.available_bytes(), 500);
    }
}
