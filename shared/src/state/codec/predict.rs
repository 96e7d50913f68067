use super::super::lane::{Coding, Lane};
use super::super::motion::{LaneMotion, MotionTime};
use super::Baselines;
use super::context::{Expectation, Family, Place, SCALES, context, scale_of};
use super::frame::{Begins, Frame};
use super::plan::{FieldPlan, Kind, LANES_MAX, Plan};
use super::rotation;
use super::sink::Code;

/// What a field is expected to be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Prediction {
    pub(super) values: [u32; LANES_MAX],
    /// The direction of the motion that was predicted: it tells what sign of a residual means.
    towards: [i8; LANES_MAX],
    family: Family,
    /// Which coordinate of a velocity changes with the other.
    swerved: Option<u8>,
    /// By how much that did.
    swerve_scale: u8,
    scale: u8,
}

/// What the state of a stream is predicted from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) first: Frame<'a>,
    pub(super) first_age: u32,
    pub(super) second: Option<(Frame<'a>, u32)>,
    pub(super) tick_hz: u32,
}

impl<'a> Known<'a> {
    pub(super) fn new(plan: &'a Plan, baselines: &Baselines<'a>, places: &'a mut [Begins; 2]) -> Self {
        let [first, second] = places;
        let second = baselines.second.map(|(version, age)| (Frame::new(plan, version, second), age));
        Self {
            first: Frame::new(plan, baselines.first, first),
            first_age: baselines.first_age,
            second,
            tick_hz: baselines.tick_hz,
        }
    }

    const fn time(&self, ticks: u32) -> MotionTime {
        MotionTime::of_ticks(ticks, self.tick_hz)
    }

    /// The second baseline, if it has the component, and how many ticks lie between both.
    fn second_of(&self, component: usize) -> Option<(&Frame<'a>, u32)> {
        let (frame, age) = self.second.as_ref()?;
        frame.has(component).then(|| (frame, age - self.first_age))
    }
}

impl Prediction {
    /// What baselines alone tell: all that is known before the field's chunk is read.
    pub(super) fn begin(&mut self, plan: &Plan, field: &FieldPlan, known: &Known<'_>) -> Expectation {
        self.swerved = None;
        let old = known.first.lanes_of(field);
        let second = known.second_of(field.component);
        match (field.kind, second) {
            (Kind::Symbols, None) => Expectation::Unknown,
            (Kind::Symbols, Some((second, _))) if same(second.lanes_of(field), old) => Expectation::Still,
            (Kind::Symbols, Some(_)) => Expectation::Moving,
            _ => self.go_on(plan, field, old, second, known.first_age),
        }
    }

    /// The context of a residual.
    #[inline]
    pub(super) fn code(&self, at: usize, place: Place) -> Code {
        if self.swerved == Some(at as u8) {
            return Code::Residual(context(Family::Swerving, self.swerve_scale, place));
        }
        Code::Residual(context(self.family, self.scale, place))
    }

    /// Whether `new` is what was predicted.
    pub(super) fn holds(&self, field: &FieldPlan, known: &Known<'_>, new: &[u32]) -> bool {
        match field.kind {
            Kind::Symbols => same(known.first.lanes_of(field), new),
            _ => same(&self.values, new),
        }
    }

    /// Writes what was predicted to `out`.
    pub(super) fn copy_to(&self, field: &FieldPlan, known: &Known<'_>, out: &mut [u32]) {
        match field.kind {
            Kind::Symbols => copy(known.first.lanes_of(field), out),
            _ => copy(&self.values, out),
        }
    }

    /// Numbers, those of rotations too: as they were, or on along the line through both baselines.
    fn go_on(
        &mut self,
        plan: &Plan,
        field: &FieldPlan,
        old: &[u32],
        second: Option<(&Frame<'_>, u32)>,
        age: u32,
    ) -> Expectation {
        copy(old, &mut self.values);
        self.towards = [0; LANES_MAX];
        self.family = Family::of(field.kind, second.is_some());
        let Some((second, span)) = second else {
            self.scale = field.order.min(SCALES as u32 - 1) as u8;
            return Expectation::Unknown;
        };
        self.scale = 0;
        let before = second.lanes_of(field);
        if same(before, old) {
            return Expectation::Still;
        }
        let mut from = [0; LANES_MAX];
        copy(before, &mut from);
        if let Kind::Rotation(bits) = field.kind {
            let [a, b, c] = rotation::expressed(before, old[0], bits);
            from = [old[0], a, b, c];
        }
        let mut fastest = 0;
        for (at, lane) in plan.lanes_of(field).iter().enumerate() {
            let motion = motion(i64::from(lane.difference(from[at], old[at])), age, span);
            fastest = fastest.max(motion.unsigned_abs());
            self.towards[at] = motion.signum() as i8;
            if field.kind != Kind::Hold {
                self.values[at] = advance(*lane, old[at], motion);
            }
        }
        self.scale = scale_of(fastest.min(u64::from(u32::MAX)) as u32);
        Expectation::of_scale(self.scale)
    }

    /// What has a velocity goes on along it, now that the velocity in `new` is known: each tick's velocity moves it in that tick, the
    /// last one is the new one, and those between lie between the old and the new. A tick moves it by whole steps, as it does in
    /// a game that snaps what it moves: then this is exact for a steady velocity, and for any within one tick.
    #[inline]
    pub(super) fn follow(&mut self, plan: &Plan, field: &FieldPlan, known: &Known<'_>, new: &Frame<'_>) {
        if let Some(LaneMotion { velocity_bit, .. }) = &field.motions[0] {
            let component = usize::from(*velocity_bit);
            if known.first.has(component) && new.has(component) {
                self.go_along(plan, field, component, known, new);
            }
        }
    }

    fn go_along(&mut self, plan: &Plan, field: &FieldPlan, component: usize, known: &Known<'_>, new: &Frame<'_>) {
        let old = known.first.lanes_of(field);
        let (one_tick, all) = (known.time(1), known.time(known.first_age.saturating_add(1)));
        let age = i64::from(known.first_age);
        let mut wildest = 0;
        for (at, (lane, motion)) in plan.lanes_of(field).iter().zip(field.motions.iter().flatten()).enumerate() {
            let offset = usize::from(motion.velocity_lane - plan.first_lanes[component]);
            let (was, is) = (known.first.lane(component, offset), new.lane(component, offset));
            let path = (age - 1) * motion.displacement(was, one_tick) + (age + 1) * motion.displacement(is, one_tick);
            self.values[at] = advance(*lane, old[at], round_div(path, 2));
            let turned = i64::from(is) - i64::from(was);
            self.towards[at] = turned.signum() as i8;
            // A velocity is known to half a step.
            wildest = wildest.max(motion.reach(turned.abs() + 1, all) / 2);
        }
        self.family = Family::Linked;
        self.scale = scale_of(wildest.min(i64::from(u32::MAX)) as u32);
    }

    /// The same rotation with another component as the largest.
    pub(super) fn turn(&mut self, largest: u32, bits: u8) {
        let [a, b, c] = rotation::expressed(&self.values, largest, bits);
        self.values = [largest, a, b, c];
        self.towards = [0; LANES_MAX];
    }

    /// In which order the lanes of a field are told: of a velocity along the ground the slower coordinate first.
    #[inline]
    pub(super) fn order(&self, field: &FieldPlan) -> [u8; LANES_MAX] {
        match field.rests {
            [Some(x), Some(y), ..] if self.values[1].abs_diff(y) < self.values[0].abs_diff(x) => [1, 0, 2, 3],
            _ => [0, 1, 2, 3],
        }
    }

    /// Of a velocity, the coordinate `told` is now `value`. If that has changed, then the other one changes as well, so that the
    /// speed along the ground stays as it is: who runs a curve turns, and seldom slows down.
    pub(super) fn swerve(&mut self, field: &FieldPlan, lanes: &[Lane], told: usize, value: u32) {
        let [Some(x), Some(y), ..] = field.rests else { return };
        let rests = [i64::from(x), i64::from(y)];
        let was = [0, 1].map(|at| i64::from(self.values[at]) - rests[at]);
        let is = i64::from(value) - rests[told];
        if is == was[told] {
            return;
        }
        let left = (was[0] * was[0] + was[1] * was[1] - is * is).max(0).cast_unsigned().isqrt().cast_signed();
        let other = 1 - told;
        let predicted = if was[other] < 0 { -left } else { left };
        self.swerved = Some(other as u8);
        self.swerve_scale = scale_of((is - was[told]).unsigned_abs() as u32);
        self.values[other] = (predicted + rests[other]).clamp(0, i64::from(lanes[other].max)) as u32;
    }

    /// The direction of the motion that was predicted for a lane: -1, 0 or 1.
    #[inline]
    pub(super) const fn towards(&self, at: usize) -> i32 {
        self.towards[at] as i32
    }
}

/// Whether two fields, of which the shorter may be an array with room to spare, have the same lanes. A loop is faster than a call.
#[inline]
fn same(a: &[u32], b: &[u32]) -> bool {
    a.iter().zip(b).all(|(a, b)| a == b)
}

/// Copies a field's lanes, likewise.
#[inline]
fn copy(from: &[u32], to: &mut [u32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

/// How far what went so far in `span` ticks goes in `age` ticks.
#[inline]
const fn motion(went: i64, age: u32, span: u32) -> i64 {
    if age == span { went } else { round_div(went * age as i64, span as i64) }
}

/// `a / b` to the nearest, halves away from zero; `b` is positive.
const fn round_div(a: i64, b: i64) -> i64 {
    let half = if a < 0 { -(b / 2) } else { b / 2 };
    (a + half) / b
}

/// The value `motion` away from `from`; a lane that is no circle ends at its ends.
const fn advance(lane: Lane, from: u32, motion: i64) -> u32 {
    let value = from as i64 + motion;
    if matches!(lane.coding, Coding::Circle(_)) {
        value as u32 & lane.max
    } else if value < 0 {
        0
    } else if value > lane.max as i64 {
        lane.max
    } else {
        value as u32
    }
}
