/// One integer of replicated state, from 0 to `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The largest value. Below 2^31.
    pub max: u32,
    /// How a change of it travels.
    pub coding: Coding,
}

/// How the change of a lane against its baseline is written. Absolute values always take [`Lane::bits`] bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// A number: the signed difference in exponential Golomb code of this order.
    Number(u8),
    /// A number on a circle of `max + 1` (a power of two) values: the shorter way round, coded like a number.
    Circle(u8),
    /// Bits or names without an order: the new value as it is.
    Symbol,
}

impl Lane {
    /// Bits of an absolute value.
    #[must_use]
    pub const fn bits(self) -> u32 {
        crate::bits::bits_for(self.max)
    }

    /// Bits of the largest change.
    #[must_use]
    pub const fn change_bits_max(self) -> usize {
        match self.coding {
            // A folded difference has one bit more than the lane, and with 2^order added one more than the larger of both.
            Coding::Number(order) | Coding::Circle(order) => {
                let order = order as u32;
                let larger = if self.bits() + 1 > order { self.bits() + 1 } else { order };
                (2 * larger - order + 1) as usize
            }
            Coding::Symbol => self.bits() as usize,
        }
    }

    /// The difference that leads from `from` to `to`, in the form that [`Lane::advance`] takes.
    #[must_use]
    pub const fn difference(self, from: u32, to: u32) -> i32 {
        let difference = to.wrapping_sub(from).cast_signed();
        match self.coding {
            Coding::Circle(_) => {
                let unused = 31 - self.max.trailing_ones() + 1;
                difference << unused >> unused
            }
            _ => difference,
        }
    }

    /// The value `difference` away from `from`; `None` if it leaves the range, which only a broken peer sends.
    #[must_use]
    pub const fn advance(self, from: u32, difference: i32) -> Option<u32> {
        let value = from.wrapping_add_signed(difference);
        match self.coding {
            Coding::Circle(_) => Some(value & self.max),
            _ if value <= self.max => Some(value),
            _ => None,
        }
    }

    /// The value that `from` comes to when it moves by so many steps: within the range, or round the circle.
    #[must_use]
    pub const fn moved(self, from: u32, displacement: i64) -> u32 {
        let value = from as i64 + displacement;
        match self.coding {
            Coding::Circle(_) => value as u32 & self.max,
            _ if value < 0 => 0,
            _ if value > self.max as i64 => self.max,
            _ => value as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Any lane, and two of its values.
    fn lane() -> impl Strategy<Value = (Lane, u32, u32)> {
        let max = prop_oneof![1u32..300, 0..1u32 << 31];
        (max, 0u8..=16, 0u8..3, any::<u32>(), any::<u32>()).prop_map(|(max, order, coding, from, to)| {
            let lane = match coding {
                0 => Lane { max, coding: Coding::Number(order) },
                // A circle has two values at least.
                1 => Lane { max: u32::MAX >> max.leading_zeros().clamp(1, 31), coding: Coding::Circle(order) },
                _ => Lane { max, coding: Coding::Symbol },
            };
            (lane, from % (lane.max + 1), to % (lane.max + 1))
        })
    }

    proptest! {
        #[test]
        fn a_difference_leads_where_it_was_taken_to((lane, from, to) in lane()) {
            let difference = lane.difference(from, to);
            prop_assert_eq!(lane.advance(from, difference), Some(to));
            if let Coding::Circle(_) = lane.coding {
                prop_assert!(u64::from(difference.unsigned_abs()) * 2 <= u64::from(lane.max) + 1, "the shorter way round");
            }
            // No change is longer than the longest: folded, less one, in the code of its order.
            if let Coding::Number(order) | Coding::Circle(order) = lane.coding {
                let mut w = crate::bits::BitWriter::new();
                w.write_golomb(crate::bits::zigzag(difference).saturating_sub(1), order.into());
                prop_assert!(w.len_bits() <= lane.change_bits_max());
            }
            prop_assert!(lane.bits() <= 31 && u64::from(to) < 1 << lane.bits().max(1));
        }

        #[test]
        fn what_leaves_a_range_is_refused_and_what_moves_out_of_it_stays((lane, from, _) in lane(), by in any::<i32>()) {
            let (value, max) = (i64::from(from) + i64::from(by), i64::from(lane.max));
            let (advanced, moved) = match lane.coding {
                Coding::Circle(_) => (Some(value.rem_euclid(max + 1)), value.rem_euclid(max + 1)),
                _ => ((0..=max).contains(&value).then_some(value), value.clamp(0, max)),
            };
            prop_assert_eq!(lane.advance(from, by).map(i64::from), advanced);
            prop_assert_eq!(i64::from(lane.moved(from, by.into())), moved);
        }
    }

    #[test]
    fn a_circle_goes_the_shorter_way_round() {
        let lane = Lane { max: 255, coding: Coding::Circle(2) };
        assert_eq!(lane.difference(250, 5), 11);
        assert_eq!(lane.difference(5, 250), -11);
        assert_eq!(lane.advance(250, 11), Some(5));
        assert_eq!(lane.advance(5, -11), Some(250));
    }

    #[test]
    fn what_moves_stays_in_its_range_or_on_its_circle() {
        let (range, circle) =
            (Lane { max: 100, coding: Coding::Number(2) }, Lane { max: 255, coding: Coding::Circle(2) });
        assert_eq!([-200, -3, 4, 200].map(|by| range.moved(50, by)), [0, 47, 54, 100]);
        assert_eq!([-200, -3, 4, 300].map(|by| circle.moved(50, by)), [106, 47, 54, 94]);
    }

    #[test]
    fn no_change_is_longer_than_the_longest() {
        let all = [
            (0, 0),
            (1, 3),
            (7, 3),
            (7, 4),
            (100, 0),
            (100, 7),
            (255, 7),
            (255, 8),
            (4_194_304, 4),
            (u32::MAX >> 1, 16),
        ];
        for (max, order) in all {
            let lane = Lane { max, coding: Coding::Number(order) };
            let mut w = crate::bits::BitWriter::new();
            w.write_golomb(crate::bits::zigzag(lane.difference(max, 0)).saturating_sub(1), order.into());
            assert!(w.len_bits() <= lane.change_bits_max(), "{} bits, {max} of order {order}", w.len_bits());
            // Where the order is neither small nor above the lane's bits, there is such a change.
            if order >= 2 && u32::from(order) <= lane.bits() && max.count_ones() == lane.bits() {
                assert_eq!(w.len_bits(), lane.change_bits_max());
            }
        }
    }

    #[test]
    fn a_number_that_leaves_its_range_is_refused() {
        let lane = Lane { max: 100, coding: Coding::Number(2) };
        assert_eq!(lane.advance(90, 10), Some(100));
        assert_eq!(lane.advance(90, 11), None);
        assert_eq!(lane.advance(3, -4), None);
    }
}
