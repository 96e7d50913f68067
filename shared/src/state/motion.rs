use super::field::{Field, FieldKind};
use core::f32::consts::TAU;

/// How a lane moves by itself: another lane of the same stream is its velocity. Both ends can go on from an old value by it.
///
/// Integers only, so that all machines agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneMotion {
    /// The mask bit of the component that has the velocity. While it is absent, nothing is known of the motion.
    pub velocity_bit: u8,
    /// Where the velocity's lane lies in the full layout.
    pub velocity_lane: u16,
    /// The value of the velocity's lane that means standing still.
    pub rest: u32,
    /// How many steps this lane moves in a second for each step of the velocity, times 2^16.
    pub rate: i64,
}

/// A span of time in which things move: seconds times 2^16, at most [`MotionTime::MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MotionTime(u32);

/// Why a field cannot be linked to a velocity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MotionError {
    /// The component of the velocity is not declared, or in another stream.
    #[error("no component of that name is declared for the same audience")]
    NoComponent,
    /// The component has no such field.
    #[error("that component has no field of that name")]
    NoField,
    /// The component has several such fields.
    #[error("that component has several fields of that name")]
    Ambiguous,
    /// Only ranges and angles move.
    #[error("only a range or an angle can have a velocity")]
    NotMoving,
    /// Only ranges are velocities.
    #[error("a velocity is a range")]
    NotVelocity,
    /// It would have to be told before what moves by it, and after what it moves by.
    #[error("a velocity cannot have a velocity of its own")]
    Chained,
    /// Nothing could stand still.
    #[error("a velocity has zero in its range")]
    NoRest,
    /// More than 2^30 steps in a second.
    #[error("at the largest velocity it moves by more than 2^30 steps in a second")]
    TooFast,
}

impl MotionTime {
    /// 16 s.
    pub const MAX: Self = Self(16 << 16);

    /// The time that `ticks` take at a rate of 1 to 240 in a second; what is longer than [`MotionTime::MAX`] counts as that.
    #[must_use]
    pub const fn of_ticks(ticks: u32, tick_hz: u32) -> Self {
        let tick_hz = if tick_hz == 0 { 1 } else { tick_hz as u64 };
        let time = (((ticks as u64) << 16) + tick_hz / 2) / tick_hz;
        if time > Self::MAX.0 as u64 { Self::MAX } else { Self(time as u32) }
    }
}

impl LaneMotion {
    pub(super) fn new(
        field: &Field,
        velocity: &Field,
        velocity_bit: usize,
        velocity_lane: usize,
    ) -> Result<Self, MotionError> {
        let step = match field.kind {
            FieldKind::Range { step, .. } => f64::from(step),
            FieldKind::Angle { bits } => f64::from(TAU) / f64::from(1u32 << bits),
            _ => return Err(MotionError::NotMoving),
        };
        let FieldKind::Range { min, max, step: velocity_step } = velocity.kind else {
            return Err(MotionError::NotVelocity);
        };
        if velocity.velocity.is_some() {
            return Err(MotionError::Chained);
        }
        if min > 0.0 || max < 0.0 {
            return Err(MotionError::NoRest);
        }
        let lanes_max = velocity.lanes().next().map_or(0, |lane| lane.max);
        let rest = super::numbers::quantize_range(0.0, min, max, velocity_step);
        let rate = f64::from(velocity_step) / step * 65_536.0 + 0.5;
        if rate * f64::from(rest.max(lanes_max - rest)) > (1u64 << 46) as f64 {
            return Err(MotionError::TooFast);
        }
        Ok(Self { velocity_bit: velocity_bit as u8, velocity_lane: velocity_lane as u16, rest, rate: rate as i64 })
    }

    /// How far a velocity of so many steps, at least 0, carries it in `time`.
    pub(super) const fn reach(self, velocity: i64, time: MotionTime) -> i64 {
        (((velocity * self.rate) >> 8) * time.0 as i64) >> 24
    }

    /// By how many steps the lane moves in `time`, while its velocity's lane is `velocity`; rounded to the nearest.
    #[must_use]
    pub const fn displacement(self, velocity: u32, time: MotionTime) -> i64 {
        // No more than 2^46 by the bound of the rate, then 2^38 and 2^58.
        let per_second = (velocity as i64 - self.rest as i64) * self.rate;
        let moved = ((per_second + (1 << 7)) >> 8) * time.0 as i64;
        (moved + (1 << 23)) >> 24
    }
}

#[cfg(test)]
mod tests {
    use super::super::declared::component;
    use super::super::{Audience, Input, LaneReader, LaneWriter, Replicate, Schema, SchemaBuilder, SchemaError};
    use super::*;
    use proptest::prelude::*;

    component!(
        Place,
        Field::flags("grounded", 1),
        Field::range("x", -100.0, 100.0, 1.0 / 256.0).with_velocity("Speed", "x"),
        Field::angle("yaw", 8).with_velocity("", "spin"),
        Field::range("spin", -4.0, 4.0, 0.1)
    );
    component!(Speed, Field::range("z", -8.0, 8.0, 1.0), Field::range("x", -8.0, 8.0, 1.0 / 64.0));
    component!(Nothing, Field::flags("none", 1));
    impl Input for Nothing {
        fn clear_one_shots(&mut self) {}
    }

    fn build(builder: SchemaBuilder) -> Result<Schema, SchemaError> {
        builder.input::<Nothing>().build()
    }

    #[test]
    fn a_linked_lane_moves_as_its_velocity_says() {
        let builder = Schema::builder("g").component::<Place>(Audience::Public).component::<Speed>(Audience::Public);
        let schema = build(builder).unwrap();
        let motions = schema.stream(Audience::Public).motions();
        assert_eq!(
            motions.iter().map(Option::is_some).collect::<alloc::vec::Vec<_>>(),
            [false, true, true, false, false, false]
        );
        let x = motions[1].unwrap();
        assert_eq!((x.velocity_bit, x.velocity_lane, x.rest), (1, 5, 512));
        // 3 m/s for a quarter of a second, in steps of 1/256 m.
        assert_eq!(x.displacement(512 + 3 * 64, MotionTime::of_ticks(15, 60)), 192);
        assert_eq!(x.displacement(512 - 3 * 64, MotionTime::of_ticks(15, 60)), -192);
        assert_eq!(x.displacement(512, MotionTime::MAX), 0);
        let yaw = motions[2].unwrap();
        assert_eq!((yaw.velocity_bit, yaw.velocity_lane, yaw.rest), (0, 3, 40));
        // 1 rad/s for 1 s, in steps of 1/256 turn.
        assert_eq!(yaw.displacement(50, MotionTime::of_ticks(30, 30)), 41);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_refused() {
        component!(NoComponent, Field::range("x", -1.0, 1.0, 0.1).with_velocity("Speed", "x"));
        component!(NoField, Field::range("x", -1.0, 1.0, 0.1).with_velocity("", "y"));
        component!(NotMoving, Field::flags("f", 3).with_velocity("", "v"), Field::range("v", -1.0, 1.0, 0.1));
        component!(NotVelocity, Field::range("x", -1.0, 1.0, 0.1).with_velocity("", "v"), Field::angle("v", 3));
        component!(
            Chained,
            Field::range("x", -1.0, 1.0, 0.1).with_velocity("", "v"),
            Field::range("v", -1.0, 1.0, 0.1).with_velocity("", "a"),
            Field::range("a", -1.0, 1.0, 0.1)
        );
        component!(Itself, Field::range("x", -1.0, 1.0, 0.1).with_velocity("", "x"));
        component!(NoRest, Field::range("x", -1.0, 1.0, 0.1).with_velocity("", "v"), Field::range("v", 1.0, 2.0, 0.1));
        component!(
            TooFast,
            Field::range("x", -1.0, 1.0, 1e-6).with_velocity("", "v"),
            Field::range("v", -2_000.0, 2_000.0, 1e-3)
        );
        fn problem<C: Replicate>() -> MotionError {
            let builder = Schema::builder("g").component::<C>(Audience::Public).component::<Speed>(Audience::Owner);
            match build(builder) {
                Err(SchemaError::Velocity { problem, .. }) => problem,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(problem::<NoComponent>(), MotionError::NoComponent);
        assert_eq!(problem::<NoField>(), MotionError::NoField);
        assert_eq!(problem::<NotMoving>(), MotionError::NotMoving);
        assert_eq!(problem::<NotVelocity>(), MotionError::NotVelocity);
        assert_eq!(problem::<Chained>(), MotionError::Chained);
        assert_eq!(problem::<Itself>(), MotionError::Chained);
        assert_eq!(problem::<NoRest>(), MotionError::NoRest);
        assert_eq!(problem::<TooFast>(), MotionError::TooFast);
    }

    #[test]
    fn a_link_changes_the_hash() {
        fn hash<C: Replicate>() -> u64 {
            build(Schema::builder("g").component::<C>(Audience::Public)).unwrap().hash()
        }
        fn loose() -> u64 {
            component!(Same, Field::range("x", -1.0, 1.0, 0.1), Field::range("v", -1.0, 1.0, 0.1));
            hash::<Same>()
        }
        fn linked() -> u64 {
            component!(
                Same,
                Field::range("x", -1.0, 1.0, 0.1).with_velocity("", "v"),
                Field::range("v", -1.0, 1.0, 0.1)
            );
            hash::<Same>()
        }
        assert_ne!(loose(), linked());
    }

    #[test]
    fn time_is_bounded_and_exact() {
        assert_eq!(MotionTime::of_ticks(60, 60), MotionTime(1 << 16));
        assert_eq!(MotionTime::of_ticks(u32::MAX, 1), MotionTime::MAX);
        assert_eq!(MotionTime::of_ticks(0, 240), MotionTime(0));
    }

    #[test]
    fn time_is_rounded_to_the_nearest_and_no_rate_counts_as_one() {
        assert_eq!([1, 2].map(|ticks| MotionTime::of_ticks(ticks, 7).0), [9_362, 18_725]);
        assert_eq!(MotionTime::of_ticks(3, 0), MotionTime::of_ticks(3, 1));
        assert_eq!([15, 16, 17].map(|ticks| MotionTime::of_ticks(ticks, 1).0 >> 16), [15, 16, 16]);
    }

    #[test]
    fn a_displacement_is_rounded_to_the_nearest_step() {
        let (rest, half_a_second) = (3, MotionTime(1 << 15));
        let by_second = LaneMotion { rest, rate: 1 << 16, ..LaneMotion::default() };
        let moved = [0, 1, 2, 3, 4, 5, 6].map(|velocity| by_second.displacement(velocity, half_a_second));
        assert_eq!(moved, [-1, -1, 0, 0, 1, 1, 2], "halves go up");
        // Half a step in 16 s, and the least that is slower.
        let slowly = |rate| LaneMotion { rest, rate, ..LaneMotion::default() }.displacement(4, MotionTime::MAX);
        assert_eq!([1919, 1920].map(slowly), [0, 1]);
    }

    proptest! {
        #[test]
        fn motion_is_near_to_the_real_one_and_never_overflows(
            (min, max, step) in prop::sample::select(&[(-8.0f32, 8.0f32, 0.0156_f32), (0.0, 1_000.0, 0.001), (-1e6, 1e6, 1.0)]),
            place_step in prop::sample::select(&[1.0f32 / 256.0, 0.01, 0.5]),
            lane in any::<u32>(),
            ticks in 0u32..4_000,
        ) {
            let field = Field::range("x", -1_000.0, 1_000.0, place_step);
            let velocity = Field::range("v", min, max, step);
            let Ok(motion) = LaneMotion::new(&field, &velocity, 0, 0) else { return Ok(()) };
            let lane = lane % (velocity.lanes().next().unwrap().max + 1);
            let time = MotionTime::of_ticks(ticks, 60);
            let speed = (f64::from(lane) - f64::from(motion.rest)) * f64::from(step) / f64::from(place_step);
            let real = speed * f64::from(time.0) / 65_536.0;
            let found = motion.displacement(lane, time) as f64;
            prop_assert!((found - real).abs() <= 1.0 + real.abs() * 1e-4 + 16.0 * f64::from(lane) / 65_536.0, "{found} for {real}");
        }
    }
}
