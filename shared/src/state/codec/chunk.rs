use super::context::{CHUNK, Expectation, pattern};
use super::plan::{FieldPlan, Plan};
use super::predict::{Known, Prediction};
use super::sink::Code;

/// Up to four fields whose changes are told by one symbol.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// By their number in the plan.
    fields: [usize; CHUNK],
    predictions: [Prediction; CHUNK],
    expected: [Expectation; CHUNK],
    count: usize,
    /// Where in the plan to go on.
    next: usize,
}

impl Chunk {
    /// The next fields of those that are in `common`, in the order of the plan.
    pub(super) fn advance(&mut self, plan: &Plan, known: &Known<'_>, common: u32) {
        self.count = 0;
        self.expected = [Expectation::Still; CHUNK];
        while let Some(field) = plan.fields.get(self.next)
            && self.count < CHUNK
        {
            if common >> field.component & 1 != 0 {
                let at = self.count;
                self.fields[at] = self.next;
                self.expected[at] = self.predictions[at].begin(plan, field, known);
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

    /// The code of its pattern.
    pub(super) fn code(&self) -> Code {
        Code::Pattern(pattern(self.expected))
    }

    /// Its fields, each with its bit in the pattern.
    #[inline]
    pub(super) fn fields<'a>(
        &'a mut self,
        plan: &'a Plan,
    ) -> impl Iterator<Item = (u8, &'a FieldPlan, &'a mut Prediction)> {
        let fields = self.fields[..self.count].iter().zip(&mut self.predictions).enumerate();
        fields.map(|(at, (field, prediction))| (1 << at, &plan.fields[*field], prediction))
    }

    /// The bits of a pattern that mean something.
    pub(super) const fn bits(&self) -> u8 {
        (1 << self.count) - 1
    }
}
