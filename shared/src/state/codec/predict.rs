use super::super::motion::LaneMotion;
use super::ages::Ages;
use super::context::{Expectation, Family, scale_of};
use super::frame::{Frame, Numbers, Places};
use super::plan::{FieldPlan, Kind, LANES_MAX, Shape};
use super::rotation;

/// What the state of a stream is predicted from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a, P> {
    pub(super) first: Frame<'a, P>,
    pub(super) second: Option<Frame<'a, P>>,
    pub(super) ages: &'a Ages,
}

/// What the baselines alone tell of a field: all that is known before any of its block is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Past {
    pub(super) expectation: Expectation,
    family: Family,
    scale: u8,
    /// How far each lane went from the second baseline to the first. What has no order, or no second baseline, went nowhere.
    went: [i32; LANES_MAX],
}

/// How the residuals of a field are coded.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manner {
    pub(super) family: Family,
    pub(super) scale: u8,
    /// Which lanes were predicted to decrease, bit by bit: it tells what the sign of a residual means.
    pub(super) backward: u8,
}

impl Past {
    #[inline(always)]
    const fn moves(&self) -> bool {
        matches!(self.expectation, Expectation::Slow | Expectation::Moving)
    }
}

impl<P: Places> Known<'_, P> {
    /// What is known of a field whose component the first baseline has.
    #[inline(always)]
    pub(super) fn past_of(&self, field: &FieldPlan) -> Past {
        match field.shape {
            Shape::Symbols => self.past_of_symbols(field),
            Shape::OneNumber => self.past::<1>(field),
            Shape::TwoNumbers => self.past::<2>(field),
            Shape::ThreeNumbers => self.past::<3>(field),
            Shape::FourNumbers => self.past::<4>(field),
        }
    }

    /// What is known of a field without order whose component the first baseline has.
    #[inline]
    pub(super) fn past_of_symbols(&self, field: &FieldPlan) -> Past {
        let expectation = match self.second_of(field) {
            None => Expectation::Unknown,
            Some(second) if same(second.lanes_of(field), self.first.lanes_of(field)) => Expectation::Still,
            Some(_) => Expectation::Moving,
        };
        Past { expectation, family: Family::Alone, scale: 0, went: [0; LANES_MAX] }
    }

    /// What is known of a field of `N` numbers whose component the first baseline has.
    #[inline(always)]
    pub(super) fn past<const N: usize>(&self, field: &FieldPlan) -> Past {
        let second = self.second_of(field);
        let family = Family::of(field.kind, second.is_some());
        let still = Past { expectation: Expectation::Still, family, scale: 0, went: [0; LANES_MAX] };
        let Some(second) = second else {
            return Past { expectation: Expectation::Unknown, scale: field.order, ..still };
        };
        let (old, mut before) = (self.first.numbers_of::<N>(field), second.numbers_of::<N>(field));
        if before == old {
            return still;
        }
        if let Kind::Rotation(bits) = field.kind {
            before = rotation::expressed(before, old[0], bits);
        }
        let (mut went, mut furthest) = ([0; LANES_MAX], 0);
        for (went, (before, old)) in went.iter_mut().zip(before.iter().zip(&old)) {
            *went = field.difference::<N>(*before, *old);
            furthest = went.unsigned_abs().max(furthest);
        }
        // Of two lanes the one that went further goes on further.
        let scale = scale_of(self.ages.onward(furthest.cast_signed()).unsigned_abs());
        Past { expectation: Expectation::of_scale(scale), scale, went, ..still }
    }

    /// What a field of numbers is expected to be: as it was, or on along the line through both baselines, or along its velocity.
    #[inline(always)]
    pub(super) fn predict<const N: usize>(&self, field: &FieldPlan, past: &Past, new: &Frame<'_, P>) -> Numbers<N> {
        let mut values = self.first.numbers_of(field);
        if self.follows(field, new) {
            self.go_along(field, &mut values, new);
        } else if past.moves() && field.kind != Kind::Hold {
            for (at, value) in values.iter_mut().enumerate() {
                *value = field.advance::<N>(at, *value, self.ages.onward(past.went[at]));
            }
        }
        values
    }

    /// How the field's residuals are coded.
    #[inline(always)]
    pub(super) fn manner<const N: usize>(&self, field: &FieldPlan, past: &Past, new: &Frame<'_, P>) -> Manner {
        if self.follows(field, new) {
            return self.manner_along::<N>(field, new);
        }
        let mut backward = 0;
        if past.moves() {
            for (at, went) in past.went[..N].iter().enumerate() {
                backward |= u8::from(self.ages.onward(*went) < 0) << at;
            }
        }
        Manner { family: past.family, scale: past.scale, backward }
    }

    /// The second baseline, if it has the field.
    #[inline(always)]
    fn second_of(&self, field: &FieldPlan) -> Option<&Frame<'_, P>> {
        self.second.as_ref().filter(|second| second.places.has(1 << field.component))
    }

    /// Whether a field has velocities that both the first baseline and the new version know.
    #[inline(always)]
    fn follows(&self, field: &FieldPlan, new: &Frame<'_, P>) -> bool {
        let velocities = field.velocities;
        velocities != 0 && self.first.places.has(velocities) && new.places.has(velocities)
    }

    /// What has a velocity goes on along it, now that the velocity in `new` is known: each tick's velocity moves it in that tick, the
    /// last one is the new one, and those between lie between the old and the new. A tick moves it by whole steps, as it does in
    /// a game that snaps what it moves: then this is exact for a steady velocity, and for any within one tick.
    #[inline(always)]
    fn go_along<const N: usize>(&self, field: &FieldPlan, values: &mut Numbers<N>, new: &Frame<'_, P>) {
        let age = i64::from(self.ages.first);
        for (at, (value, motion)) in values.iter_mut().zip(&field.motions).enumerate() {
            let [was, is] = self.velocities(motion, new).map(|velocity| motion.displacement(velocity, self.ages.tick));
            *value = field.advance::<N>(at, *value, half((age - 1) * was + (age + 1) * is));
        }
    }

    /// The more the velocity has changed, the less is known of the way.
    #[inline(always)]
    fn manner_along<const N: usize>(&self, field: &FieldPlan, new: &Frame<'_, P>) -> Manner {
        let (mut backward, mut wildest) = (0, 0);
        for (at, motion) in field.motions[..N].iter().enumerate() {
            let [was, is] = self.velocities(motion, new);
            backward |= u8::from(is < was) << at;
            // A velocity is known to half a step.
            wildest = motion.reach(i64::from(is.abs_diff(was)) + 1, self.ages.all).max(wildest);
        }
        Manner { family: Family::Linked, scale: scale_of(wildest.cast_unsigned() / 2), backward }
    }

    /// A lane's velocity in the first baseline and in the new version.
    #[inline(always)]
    fn velocities(&self, motion: &LaneMotion, new: &Frame<'_, P>) -> [u32; 2] {
        let (component, lane) = (usize::from(motion.velocity_bit), usize::from(motion.velocity_lane));
        [self.first.lane(component, lane), new.lane(component, lane)]
    }
}

/// Whether what has no order is the same. A loop is faster than a call.
#[inline]
pub(super) fn same(a: &[u32], b: &[u32]) -> bool {
    a.iter().zip(b).all(|(a, b)| a == b)
}

/// Half of `value`, to the nearest, halves away from zero.
#[inline(always)]
const fn half(value: i64) -> i64 {
    (value + (value >= 0) as i64) >> 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_away_from_zero() {
        assert_eq!([-4, -3, -2, -1, 0, 1, 2, 3].map(half), [-2, -2, -1, -1, 0, 1, 1, 2]);
    }
}
