use super::context::{CHUNK, Expectation, pattern};
use super::plan::{FieldPlan, Plan};
use super::predict::{Known, Prediction};
use super::sink::Code;

/// Up to four fields whose changes are told by one symbol.
#[derive(Debug)]
pub(super) struct Chunk<'a> {
    fields: [Option<(&'a FieldPlan, Prediction)>; CHUNK],
    expected: [Expectation; CHUNK],
    /// Whether another follows.
    pub(super) is_last: bool,
}

impl<'a> Chunk<'a> {
    /// The next fields of those that are in `common`, from `next` on in the order of the plan. Moves `next` behind them.
    pub(super) fn take(plan: &'a Plan, known: &Known<'_>, common: u32, next: &mut usize) -> Self {
        let mut chunk = Self { fields: [None; CHUNK], expected: [Expectation::Still; CHUNK], is_last: true };
        let mut count = 0;
        while let Some(field) = plan.fields.get(*next) {
            if common >> field.component & 1 != 0 {
                if count == CHUNK {
                    chunk.is_last = false;
                    break;
                }
                let prediction = Prediction::new(plan, field, known);
                chunk.expected[count] = prediction.expected;
                chunk.fields[count] = Some((field, prediction));
                count += 1;
            }
            *next += 1;
        }
        chunk
    }

    /// The code of its pattern.
    pub(super) fn code(&self) -> Code {
        Code::Pattern(pattern(&self.expected))
    }

    /// Its fields, each with its bit in the pattern.
    pub(super) fn fields(&mut self) -> impl Iterator<Item = (u8, &'a FieldPlan, &mut Prediction)> {
        let fields = self.fields.iter_mut().flatten().enumerate();
        fields.map(|(at, (field, prediction))| (1 << at, *field, prediction))
    }

    /// The bits of a pattern that mean something.
    pub(super) fn bits(&self) -> u8 {
        ((1u16 << self.fields.iter().flatten().count()) - 1) as u8
    }
}
