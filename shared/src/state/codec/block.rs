use super::context::{Expectation, GROUP, pattern};
use super::plan::{FieldPlan, Plan};
use super::predict::{Known, Prediction};
use super::sink::Code;

/// Up to 16 fields: which of them differ from their predictions is told together, before any residual.
///
/// Those that are expected to change are told in groups of four, one symbol each. All others share one flag, which the first of these symbols
/// has: rarely one of them changes.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// By their number in the plan.
    fields: [u16; FIELDS_MAX],
    predictions: [Prediction; FIELDS_MAX],
    count: usize,
    /// Which of them are expected to change: bit `n` for the `n`th.
    active: u32,
    /// What is expected of those, one after the other.
    expected: [Expectation; FIELDS_MAX],
    /// Where in the plan to go on.
    next: usize,
}

/// Fields of a block.
const FIELDS_MAX: usize = 16;

impl Block {
    /// The next fields of those whose components are in `common`, in the order of the plan.
    pub(super) fn advance(&mut self, plan: &Plan, known: &Known<'_>, common: u32) {
        (self.count, self.active) = (0, 0);
        self.expected = [Expectation::Still; FIELDS_MAX];
        let mut active = 0;
        while let Some(field) = plan.fields.get(self.next)
            && self.count < FIELDS_MAX
        {
            if common >> field.component & 1 != 0 {
                self.fields[self.count] = self.next as u16;
                let expected = self.predictions[self.count].begin(plan, field, known);
                if expected != Expectation::Still {
                    self.expected[active] = expected;
                    self.active |= 1 << self.count;
                    active += 1;
                }
                self.count += 1;
            }
            self.next += 1;
        }
    }

    /// From the beginning again.
    pub(super) fn rewind(&mut self) {
        self.next = 0;
    }

    /// Whether none follows.
    pub(super) fn is_last(&self, plan: &Plan, common: u32) -> bool {
        !plan.fields[self.next..].iter().any(|field| common >> field.component & 1 != 0)
    }

    /// How many symbols tell which of its fields change: one at least.
    pub(super) const fn groups(&self) -> usize {
        let active = self.active.count_ones() as usize;
        if active == 0 { 1 } else { active.div_ceil(GROUP) }
    }

    /// The code of a group's symbol.
    pub(super) fn code(&self, group: usize) -> Code {
        let at = group * GROUP;
        Code::Pattern(pattern([0, 1, 2, 3].map(|n| self.expected[at + n])))
    }

    /// Which of its fields are expected to change, bit by bit, and which are not.
    pub(super) const fn active_and_still(&self) -> (u32, u32) {
        (self.active, !self.active & ((1 << self.count) - 1))
    }

    /// Whether a field is expected to change.
    #[inline]
    pub(super) const fn is_active(&self, at: usize) -> bool {
        self.active >> at & 1 != 0
    }

    pub(super) const fn len(&self) -> usize {
        self.count
    }

    /// A field and what is expected of it.
    #[inline]
    pub(super) fn field<'a>(&mut self, at: usize, plan: &'a Plan) -> (&'a FieldPlan, &mut Prediction) {
        (&plan.fields[usize::from(self.fields[at])], &mut self.predictions[at])
    }
}

/// Spreads the bits of `value`, lowest first, to where `mask` has ones.
pub(super) const fn scatter(value: u32, mut mask: u32) -> u32 {
    let (mut out, mut at) = (0, 0);
    while mask != 0 {
        out |= (value >> at & 1) << mask.trailing_zeros();
        mask &= mask - 1;
        at += 1;
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
