use bevy_ecs::component::Component;
use core::f32::consts::TAU;
use glam::{Vec2, Vec3};
use tidelock::state::{Interpolate, Replicate};

/// Where an entity stands: the middle of its feet, in metres. `x` and `y` are -100 to 100, `z` points up, 0 to 10.
#[derive(Component, Replicate, Clone, Copy, Debug, Default, PartialEq)]
pub struct Position(
    // A baseline is about a round trip old: 0.1 s of walking to sprinting are 50 to 200 steps, twice that when folded.
    #[field(
        range(-Self::EXTENT_M..=Self::EXTENT_M, -Self::EXTENT_M..=Self::EXTENT_M, 0.0..=Self::CEILING_M),
        step = Self::STEP_M, velocity = "Velocity", order = 6
    )]
    pub Vec3,
);

impl Position {
    /// Its resolution, in metres: coarse enough for 16 bits, fine enough for a walk at 240 ticks a second.
    pub const STEP_M: f32 = 1.0 / 256.0;
    /// The arena reaches this far from the middle along `x` and `y`, in metres.
    pub const EXTENT_M: f32 = 100.0;
    /// The arena's ceiling, in metres.
    pub const CEILING_M: f32 = 10.0;

    /// The place on the ground.
    #[must_use]
    pub fn ground(&self) -> Vec2 {
        self.0.truncate()
    }
}

/// How fast an avatar or NPC moves, in m/s: at most [`Velocity::MAX`] along the ground, and as much up or down.
/// Shots have none: they fly [along their facing](crate::movement::SHOT_SPEED).
#[derive(Component, Replicate, Clone, Copy, Debug, Default, PartialEq)]
pub struct Velocity(
    // Constant on most ticks; walkers turn by tens of steps, and a jump is hundreds.
    #[field(range(-Self::MAX..=Self::MAX), step = Self::STEP, order(6, 6, 8))] pub Vec3,
);

impl Velocity {
    /// Nothing walks, sprints, jumps or falls faster, in m/s.
    pub const MAX: f32 = 8.0;
    /// Its resolution, in m/s: a tick of gravity at 240 ticks a second is five of these.
    pub const STEP: f32 = 1.0 / 64.0;

    /// The speed along the ground, in m/s.
    #[must_use]
    pub fn ground_speed(&self) -> f32 {
        self.0.truncate().length()
    }
}

/// Where an entity looks, in radians. Yaw 0 looks along `x`, a quarter turn along `y`; pitch is positive upwards.
#[derive(Component, Replicate, Clone, Copy, Debug, Default, PartialEq)]
pub struct Facing {
    /// -pi to pi.
    #[field(angle, bits = 12, order = 6)]
    pub yaw: f32,
    /// -[`Facing::PITCH_MAX`] to [`Facing::PITCH_MAX`].
    #[field(range(-Self::PITCH_MAX..=Self::PITCH_MAX), step = 1.0 / 256.0)]
    pub pitch: f32,
}

impl Facing {
    /// The steepest look, in radians: short of straight up, where yaw would mean nothing.
    pub const PITCH_MAX: f32 = 1.5;

    /// Looks along `direction`, which need not be of unit length; along `x` if it is zero or not a number.
    #[must_use]
    pub fn towards(direction: Vec3) -> Self {
        let yaw = libm::atan2f(direction.y, direction.x);
        let pitch = libm::atan2f(direction.z, direction.truncate().length());
        if yaw.is_finite() && pitch.is_finite() { Self { yaw, pitch } } else { Self::default() }
    }

    /// The unit vector along the ground.
    #[must_use]
    pub fn forward(&self) -> Vec2 {
        let (sin, cos) = sin_cos(self.yaw);
        Vec2::new(cos, sin)
    }

    /// The unit vector of the look.
    #[must_use]
    pub fn direction(&self) -> Vec3 {
        let (sin, cos) = sin_cos(self.pitch);
        (self.forward() * cos).extend(sin)
    }
}

impl Interpolate for Position {
    fn interpolate(from: &Self, to: &Self, t: f32) -> Self {
        Self(from.0 + (to.0 - from.0) * t)
    }

    fn jumped(from: &Self, to: &Self, seconds: f32) -> bool {
        // Faster than a shot: who comes back to life does so elsewhere.
        from.0.distance(to.0) > 1.25 * crate::movement::SHOT_SPEED * seconds + 0.5
    }
}

impl Interpolate for Velocity {
    fn interpolate(from: &Self, to: &Self, t: f32) -> Self {
        Self(from.0 + (to.0 - from.0) * t)
    }
}

impl Interpolate for Facing {
    /// The shorter way around.
    fn interpolate(from: &Self, to: &Self, t: f32) -> Self {
        let turn = to.yaw - from.yaw;
        let turn = turn - TAU * libm::roundf(turn / TAU);
        let yaw = from.yaw + turn * t;
        Self { yaw: yaw - TAU * libm::roundf(yaw / TAU), pitch: from.pitch + (to.pitch - from.pitch) * t }
    }
}

/// In software, so that every machine gets the same bits. What is not finite counts as 0.
fn sin_cos(angle: f32) -> (f32, f32) {
    if angle.abs() <= TAU { libm::sincosf(angle) } else { (0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_towards_a_direction_gives_it_back() {
        for direction in [Vec3::X, Vec3::Y, Vec3::new(-3.0, 4.0, 0.5), Vec3::new(1.0, -1.0, -0.7)] {
            let apart = Facing::towards(direction).direction() - direction.normalize();
            assert!(apart.length() < 1e-5, "{direction}: {apart}");
        }
    }

    #[test]
    fn no_direction_looks_along_x() {
        assert_eq!(Facing::towards(Vec3::ZERO), Facing::default());
        assert_eq!(Facing::towards(Vec3::NAN), Facing::default());
        assert_eq!(Facing { yaw: f32::NAN, pitch: f32::INFINITY }.direction(), Vec3::X);
    }

    #[test]
    fn a_turn_goes_the_shorter_way_around() {
        let (from, to) = (Facing { yaw: 3.0, pitch: 0.0 }, Facing { yaw: -3.0, pitch: 1.0 });
        let half = Facing::interpolate(&from, &to, 0.5);
        assert!((half.yaw.abs() - core::f32::consts::PI).abs() < 1e-5 && half.pitch == 0.5, "{half:?}");
        assert_eq!(Facing::interpolate(&from, &to, 0.0), from);
    }

    #[test]
    fn nobody_slides_to_where_it_comes_back_to_life() {
        let (here, there) = (Position(Vec3::ZERO), Position(Vec3::new(30.0, 0.0, 0.0)));
        assert!(Position::jumped(&here, &there, 1.0 / 60.0));
        assert!(!Position::jumped(&here, &Position(Vec3::X), 1.0 / 60.0));
    }

    #[test]
    fn half_a_step_is_the_largest_error() {
        let place = Position(Vec3::new(-57.123, 99.999, 3.33));
        assert!((place.snapped().0 - place.0).abs().max_element() <= Position::STEP_M / 2.0);
    }
}
