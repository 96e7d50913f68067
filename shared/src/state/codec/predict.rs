use super::super::lane::{Coding, Lane};
use super::super::motion::{LaneMotion, MotionTime};
use super::Baselines;
use super::context::{Expectation, Family, SCALES, scale_of};
use super::frame::Frame;
use super::plan::{FieldPlan, Kind, LANES_MAX, Plan};
use super::rotation::{self, Quaternion};

/// What a field is expected to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prediction {
    pub(super) values: [u32; LANES_MAX],
    /// The motion that was predicted, in steps: its direction tells what sign of a residual means.
    pub(super) towards: [i32; LANES_MAX],
    pub(super) family: Family,
    pub(super) scale: u32,
    pub(super) expected: Expectation,
    /// A rotation before it was rounded.
    pub(super) rotation: Quaternion,
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
    pub(super) fn new(plan: &Plan, baselines: &Baselines<'a>) -> Self {
        let second = baselines.second.map(|(version, age)| (Frame::new(plan, version), age));
        Self {
            first: Frame::new(plan, baselines.first),
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
    pub(super) fn new(plan: &Plan, field: &FieldPlan, known: &Known<'_>) -> Self {
        let old = known.first.lanes_of(field);
        let mut prediction = Self {
            values: [0; LANES_MAX],
            towards: [0; LANES_MAX],
            family: Family::Alone,
            scale: field.order.min(SCALES as u32 - 1),
            expected: Expectation::Unknown,
            rotation: [0.0; 4],
        };
        match field.kind {
            Kind::Symbols => {
                if let Some((second, _)) = known.second_of(field.component) {
                    let stood = second.lanes_of(field) == old;
                    prediction.expected = if stood { Expectation::Still } else { Expectation::Moving };
                }
            }
            Kind::Rotation(bits) => prediction.rotate(field, bits, old, known),
            Kind::Linear | Kind::Hold => prediction.go_on(plan, field, old, known),
        }
        prediction
    }

    /// Whether `new` is what was predicted.
    pub(super) fn holds(&self, field: &FieldPlan, known: &Known<'_>, new: &[u32]) -> bool {
        match field.kind {
            Kind::Symbols => known.first.lanes_of(field) == new,
            _ => self.values[..field.count] == *new,
        }
    }

    /// Writes what was predicted to `out`.
    pub(super) fn copy_to(&self, field: &FieldPlan, known: &Known<'_>, out: &mut [u32]) {
        match field.kind {
            Kind::Symbols => out.copy_from_slice(known.first.lanes_of(field)),
            _ => out.copy_from_slice(&self.values[..field.count]),
        }
    }

    /// Numbers: as they were, or on along the line through both baselines.
    fn go_on(&mut self, plan: &Plan, field: &FieldPlan, old: &[u32], known: &Known<'_>) {
        self.values[..old.len()].copy_from_slice(old);
        let Some((second, span)) = known.second_of(field.component) else { return };
        let before = second.lanes_of(field);
        let linear = field.kind == Kind::Linear;
        let mut fastest = 0;
        for (at, lane) in plan.lanes_of(field).iter().enumerate() {
            let went = i64::from(lane.difference(before[at], old[at]));
            let motion = round_div(went * i64::from(known.first_age), i64::from(span));
            fastest = fastest.max(motion.unsigned_abs());
            self.towards[at] = motion.clamp(-i64::from(i32::MAX), i64::from(i32::MAX)) as i32;
            if linear {
                self.values[at] = advance(*lane, old[at], motion);
            }
        }
        self.family = if linear { Family::Linear } else { Family::Hold };
        self.scale = scale_of(fastest.min(u64::from(u32::MAX)) as u32);
        self.expected = Expectation::of_scale(self.scale);
    }

    fn rotate(&mut self, field: &FieldPlan, bits: u8, old: &[u32], known: &Known<'_>) {
        self.family = Family::StillRotation;
        self.values = [old[0], old[1], old[2], old[3]];
        self.rotation = rotation::from_lanes(old, bits);
        let Some((second, span)) = known.second_of(field.component) else { return };
        self.family = Family::Turning;
        let before = second.lanes_of(field);
        let mut fastest = 0;
        if before != old {
            let earlier = rotation::from_lanes(before, bits);
            self.rotation = rotation::extrapolate(earlier, self.rotation, span, known.first_age);
            self.values[1..].copy_from_slice(&rotation::to_lanes(self.rotation, old[0], bits));
            for ((towards, predicted), old) in self.towards.iter_mut().zip(self.values).zip(old).skip(1) {
                *towards = predicted.wrapping_sub(*old).cast_signed();
                fastest = fastest.max(towards.unsigned_abs());
            }
        }
        self.scale = scale_of(fastest);
        self.expected = Expectation::of_scale(self.scale);
    }

    /// What has a velocity goes on along it, now that the velocity in `new` is known: each tick's velocity moves it in that tick, the
    /// last one is the new one, and those between lie between the old and the new. A tick moves it by whole steps, as it does in
    /// a game that snaps what it moves: then this is exact for a steady velocity, and for any within one tick.
    pub(super) fn follow(&mut self, plan: &Plan, field: &FieldPlan, known: &Known<'_>, new: &Frame<'_>) {
        let Some(LaneMotion { velocity_bit, .. }) = field.motions[0] else { return };
        let component = usize::from(velocity_bit);
        if !known.first.has(component) || !new.has(component) {
            return;
        }
        let old = known.first.lanes_of(field);
        let (one_tick, all) = (known.time(1), known.time(known.first_age.saturating_add(1)));
        let age = i64::from(known.first_age);
        let mut wildest = 0;
        for (at, (lane, motion)) in plan.lanes_of(field).iter().zip(field.motions.iter().flatten()).enumerate() {
            let offset = usize::from(motion.velocity_lane) - plan.first_lanes[component];
            let velocity = |frame: &Frame<'_>| frame.lanes_at(component, offset, 1)[0];
            let (was, is) = (velocity(&known.first), velocity(new));
            let path = (age - 1) * motion.displacement(was, one_tick) + (age + 1) * motion.displacement(is, one_tick);
            self.values[at] = advance(*lane, old[at], round_div(path, 2));
            let turned = i64::from(is) - i64::from(was);
            self.towards[at] = turned.signum() as i32;
            // A velocity is known to half a step.
            wildest = wildest.max(motion.reach(turned.abs() + 1, all) / 2);
        }
        self.family = Family::Linked;
        self.scale = scale_of(wildest.min(i64::from(u32::MAX)) as u32);
    }

    /// The same rotation with another component as the largest.
    pub(super) fn turn(&mut self, largest: u32, bits: u8) {
        self.values[0] = largest;
        self.values[1..].copy_from_slice(&rotation::to_lanes(self.rotation, largest, bits));
        self.towards = [0; LANES_MAX];
    }
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
