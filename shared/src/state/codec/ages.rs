use super::super::motion::MotionTime;

/// How old the baselines are: what went on between them goes on to the snapshot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ages {
    /// Ticks from the first baseline to the snapshot.
    pub(super) first: u32,
    /// Ticks from the second baseline to the first; 1 if there is none.
    span: u32,
    /// 2^64 / `span`, rounded up; 0 for a span of 1.
    reciprocal: u64,
    /// The time of one tick.
    pub(super) tick: MotionTime,
    /// The time of one tick more than lie between the first baseline and the snapshot.
    pub(super) all: MotionTime,
}

impl Ages {
    /// Of baselines so many ticks old, at a rate of 1 to 240 in a second.
    pub(super) const fn new(first: u32, second: Option<u32>, tick_hz: u32) -> Self {
        let span = match second {
            Some(second) if second > first => second - first,
            _ => 1,
        };
        Self {
            first,
            span,
            reciprocal: (u64::MAX / span as u64).wrapping_add(1),
            tick: MotionTime::of_ticks(1, tick_hz),
            all: MotionTime::of_ticks(first.saturating_add(1), tick_hz),
        }
    }

    /// How far what went so far between the baselines goes from the first to the snapshot: to the nearest, halves away from zero.
    #[inline(always)]
    pub(super) const fn onward(&self, went: i32) -> i64 {
        if self.first == self.span {
            return went as i64;
        }
        let moved = self.per_span(went.unsigned_abs() as u64 * self.first as u64 + self.span as u64 / 2).cast_signed();
        if went < 0 { -moved } else { moved }
    }

    /// `product / span`. A product with the reciprocal is as good for numbers below 2^32: rounding that up adds less than
    /// `span` / 2^64 a unit, all in all less than the `1 / span` by which a quotient can lie below a whole number. Source: T. Granlund
    /// and P. Montgomery, "Division by invariant integers using multiplication", 1994.
    #[inline(always)]
    const fn per_span(&self, product: u64) -> u64 {
        if product >> 32 == 0 && self.span > 1 {
            ((product as u128 * self.reciprocal as u128) >> 64) as u64
        } else {
            product / self.span as u64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Rounded by the book: twice the remainder against the divisor.
    fn rounded(went: i32, first: u32, span: u32) -> i128 {
        let product = i128::from(went) * i128::from(first);
        let (quotient, rest) = (product.abs() / i128::from(span), product.abs() % i128::from(span));
        (quotient + i128::from(rest * 2 >= i128::from(span))) * product.signum()
    }

    proptest! {
        #[test]
        fn the_way_on_is_the_same_as_by_division(
            went in prop_oneof![-70_000i32..70_000, any::<i32>().prop_map(|went| went.max(-i32::MAX))],
            first in prop_oneof![1u32..200, 1u32..1 << 31],
            span in prop_oneof![1u32..200, 1u32..1 << 30],
        ) {
            let ages = Ages::new(first, Some(first + span), 60);
            prop_assert_eq!(i128::from(ages.onward(went)), rounded(went, first, span));
        }
    }

    #[test]
    fn no_quotient_is_off_by_one_at_a_multiple() {
        for span in (1..5000).chain([65_535, 65_536, (1 << 31) - 1]) {
            let ages = Ages::new(1, Some(1 + span), 60);
            for times in [1, 2, 1000, u64::from(u32::MAX) / u64::from(span)] {
                let product = times * u64::from(span);
                assert_eq!(
                    (ages.per_span(product - 1), ages.per_span(product)),
                    (times - 1, times),
                    "{product} / {span}"
                );
            }
        }
    }
}
