//! What is expected of a field before it is read: from this follows which prefix code its residuals have.

use super::plan::Kind;

/// How a field was predicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Family {
    /// As it was; nothing is known of how it moves.
    #[default]
    Alone = 0,
    /// As it was, and how much it moved before is known.
    Hold = 1,
    /// On along a straight line through two baselines.
    Linear = 2,
    /// On along its replicated velocity.
    Linked = 3,
    /// A rotation as it was; nothing is known of how it turns.
    StillRotation = 4,
    /// A rotation that goes on turning.
    Turning = 5,
    /// A velocity of which one coordinate has changed, and whose speed stays as it is.
    Swerving = 6,
}

impl Family {
    /// That of numbers of a kind, before a velocity is known.
    pub(super) const fn of(kind: Kind, has_second: bool) -> Self {
        match (kind, has_second) {
            (Kind::Rotation(_), false) => Self::StillRotation,
            (Kind::Rotation(_), true) => Self::Turning,
            (_, false) => Self::Alone,
            (Kind::Linear, true) => Self::Linear,
            (_, true) => Self::Hold,
        }
    }
}

const FAMILIES: usize = 7;
pub(super) const SCALES: usize = 17;
const PLACES: usize = 12;

/// How many contexts residuals have.
pub const CONTEXTS: usize = FAMILIES * SCALES * PLACES;

/// The binary logarithm of the motion that was expected, in steps: 0 for none, n for 2^(n-1) to 2^n - 1.
#[inline(always)]
pub(super) fn scale_of(motion: u64) -> u8 {
    significant_bits(motion.min((1 << (SCALES - 1)) - 1) as u32) as u8
}

/// The bits of a number below 2^31 without its leading zeros.
#[inline(always)]
const fn significant_bits(number: u32) -> u32 {
    (number * 2 + 1).ilog2()
}

/// Which residuals of the same field came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    /// It is the only one, so it is not zero.
    const ONLY: Self = Self(0);
    /// It is the first of several.
    pub(super) const FIRST: Self = Self(1);

    /// The place of the first of `count` residuals.
    pub(super) const fn first_of(count: usize) -> Self {
        if count == 1 { Self::ONLY } else { Self::FIRST }
    }

    /// The place after this one, whose residual was `residual`.
    #[inline(always)]
    pub(super) fn after(self, residual: i32) -> Self {
        let scale = 2 + significant_bits(residual.unsigned_abs().min((1 << (PLACES - 3)) - 1));
        Self(self.0.max(scale))
    }
}

/// The number of a context.
#[inline]
pub(super) const fn context(family: Family, scale: u8, place: Place) -> usize {
    (family as usize * SCALES + scale as usize) * PLACES + place.0 as usize
}

/// How likely a field is to differ from its prediction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Expectation {
    /// It stood still, or there is no such field.
    #[default]
    Still = 0,
    /// It moved by no more than three steps.
    Slow = 1,
    /// It moved.
    Moving = 2,
    /// Nothing is known of it.
    Unknown = 3,
}

impl Expectation {
    pub(super) const fn of_scale(scale: u8) -> Self {
        match scale {
            0 => Self::Still,
            1 | 2 => Self::Slow,
            _ => Self::Moving,
        }
    }
}

/// Fields whose changes are told by one symbol.
pub(super) const GROUP: u32 = 4;

/// How many codes there are for which fields of a group differ from their predictions: one for each that can be expected of all four,
/// of which the first is in the lowest two bits of its number.
pub const PATTERNS: usize = 4usize.pow(GROUP);
