use crate::state::Shaped;
use bitcode::{Decode, Encode};
use core::fmt;

/// A step of the simulation. Wraps after 2^32 ticks, so it has no `Ord`: compare with [`Tick::is_newer_than`] and
/// [`Tick::since`], which are right as long as two ticks lie less than 2^31 apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Encode, Decode, Shaped)]
pub struct Tick(pub u32);

impl Tick {
    /// The tick `ticks` later.
    #[must_use]
    pub const fn add(self, ticks: u32) -> Self {
        Self(self.0.wrapping_add(ticks))
    }

    /// The tick `ticks` earlier.
    #[must_use]
    pub const fn sub(self, ticks: u32) -> Self {
        Self(self.0.wrapping_sub(ticks))
    }

    /// The tick after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        self.add(1)
    }

    /// How many ticks lie from `earlier` to this one; negative if this one is the older.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// Whether this tick comes after `other`.
    #[must_use]
    pub const fn is_newer_than(self, other: Self) -> bool {
        self.since(other) > 0
    }

    /// The tick nearest to `near` whose low 16 bits are `low`: how a tick travels in 16 bits.
    #[must_use]
    pub const fn expand(low: u16, near: Self) -> Self {
        let distance = low.wrapping_sub(near.0 as u16).cast_signed();
        Self(near.0.wrapping_add_signed(distance as i32))
    }

    /// The low 16 bits, as sent on the wire.
    #[must_use]
    pub const fn low(self) -> u16 {
        self.0 as u16
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Any tick, and many about the wraps of 16 and of 32 bits.
    fn tick() -> impl Strategy<Value = Tick> {
        prop_oneof![any::<u32>(), 0x0000_FFF0..0x0001_0010u32, u32::MAX - 16..=u32::MAX, 0..16u32].prop_map(Tick)
    }

    #[test]
    fn since_is_right_across_the_wrap() {
        let before = Tick(u32::MAX - 1);
        assert_eq!(before.add(4).since(before), 4);
        assert_eq!(before.since(before.add(4)), -4);
        assert!(before.add(4).is_newer_than(before));
        assert!(!before.is_newer_than(before));
    }

    proptest! {
        #[test]
        fn ticks_that_wrap_lie_as_far_apart_as_they_were_put(
            earlier in tick(), ticks in prop_oneof![1..=i32::MAX.cast_unsigned(), 1..100u32, Just(i32::MAX.cast_unsigned())],
        ) {
            let later = earlier.add(ticks);
            prop_assert_eq!(later.since(earlier), ticks.cast_signed());
            prop_assert_eq!(earlier.since(later), -ticks.cast_signed());
            prop_assert!(later.is_newer_than(earlier) && !earlier.is_newer_than(later) && !later.is_newer_than(later));
            prop_assert_eq!(later.sub(ticks), earlier);
            prop_assert_eq!(earlier.next(), earlier.add(1));
        }

        #[test]
        fn sixteen_bits_expand_to_the_nearest_tick(near in tick(), distance in i16::MIN..=i16::MAX) {
            let tick = Tick(near.0.wrapping_add_signed(i32::from(distance)));
            prop_assert_eq!(Tick::expand(tick.low(), near), tick);
        }
    }
}
