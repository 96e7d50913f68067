use super::context::{Expectation, GROUP};
use super::sink::Code;

/// Which fields of a block are expected to change, and how.
///
/// Those that are expected to change are told in groups of four, one symbol each. All others share one flag, which the first of these symbols
/// has: rarely one of them changes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Expected {
    /// Fields of the block.
    count: u32,
    /// Bit `n` for the `n`th that is expected to change.
    active: u32,
    active_count: u32,
    /// What is expected of those, one after the other, two bits each.
    patterns: u32,
}

/// Fields of a block: which of them differ from their predictions is told together, before any residual.
pub(super) const FIELDS_MAX: usize = 16;

impl Expected {
    /// The next field. Whether it is expected to change.
    #[inline]
    pub(super) const fn push(&mut self, expectation: Expectation) -> bool {
        let active = !matches!(expectation, Expectation::Still);
        if active {
            self.patterns |= (expectation as u32) << (self.active_count * 2);
            self.active |= 1 << self.count;
            self.active_count += 1;
        }
        self.count += 1;
        active
    }

    /// Whether the block has as many fields as it may have.
    #[inline]
    pub(super) const fn is_full(&self) -> bool {
        self.count as usize == FIELDS_MAX
    }

    /// How many symbols tell which of its fields change: one at least.
    #[inline]
    pub(super) const fn groups(&self) -> u32 {
        if self.active_count == 0 { 1 } else { self.active_count.div_ceil(GROUP) }
    }

    /// The code of a group's symbol.
    #[inline]
    pub(super) const fn code(&self, group: u32) -> Code {
        Code::Pattern((self.patterns >> (group * GROUP * 2)) as usize & 0xFF)
    }

    /// How many fields are not expected to change.
    #[inline]
    pub(super) const fn still_count(&self) -> u32 {
        self.count - self.active_count
    }

    /// How many are.
    #[inline]
    pub(super) const fn active_count(&self) -> u32 {
        self.active_count
    }

    /// Which fields change, of which the `n`th that is expected to does if bit `n` of `active` is set, and likewise of the others.
    #[inline]
    pub(super) const fn in_order(&self, active: u32, still: u32) -> u32 {
        if still == 0 && self.still_count() == 0 {
            return active;
        }
        scatter(active, self.active) | scatter(still, !self.active)
    }
}

/// Spreads the bits of `value`, lowest first, to where `mask` has ones.
const fn scatter(mut value: u32, mut mask: u32) -> u32 {
    let mut out = 0;
    while value != 0 && mask != 0 {
        out |= (value & 1) << mask.trailing_zeros();
        mask &= mask - 1;
        value >>= 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_scattered_to_the_ones_of_a_mask() {
        assert_eq!(scatter(0b1011, 0b1110_0010), 0b1010_0010);
    }
}
