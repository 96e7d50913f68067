use super::dice::ExtraDice;
use super::makes::Trait;
use super::{FIELD_M, Place, Rules, Serial};
use bevy_ecs::prelude::{Commands, Component, Entity, Query, Res, ResMut, With, Without};
use glam::Vec2;
use tidelock::state::{Interpolate, Replicate};
use tidelock_server::game::TickTime;

/// Moves smoothly to and fro, and is seldom put elsewhere.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq)]
pub struct Glide(
    /// In metres from the middle of the field.
    #[field(range(-FIELD_M..=FIELD_M), step = 1.0 / 64.0)]
    pub Vec2,
);

/// Which way it moves, in metres a second.
#[derive(Component)]
pub(super) struct Heading(Vec2);

/// Nothing glides faster, along one axis.
const SPEED_MAX_M_S: f32 = 8.0;
/// What is put elsewhere is put at least so far away.
const JUMP_MIN_M: f32 = 20.0;

impl Interpolate for Glide {
    fn interpolate(from: &Self, to: &Self, t: f32) -> Self {
        Self(from.0.lerp(to.0, t))
    }

    fn jumped(from: &Self, to: &Self, seconds: f32) -> bool {
        from.0.distance(to.0) > 2.0 * SPEED_MAX_M_S * seconds + 1.0
    }
}

impl Interpolate for Place {
    fn interpolate(from: &Self, to: &Self, t: f32) -> Self {
        Self(from.0.lerp(to.0, t))
    }

    fn jumped(from: &Self, to: &Self, _seconds: f32) -> bool {
        from.0.distance(to.0) > 2.0
    }
}

/// What does not glide begins to, sooner or later.
pub(super) fn take_off(
    standing: Query<'_, '_, Entity, (With<Serial>, Without<Glide>)>,
    mut dice: ResMut<'_, ExtraDice>,
    mut commands: Commands<'_, '_>,
) {
    let rng = &mut dice.0;
    for entity in &standing {
        if rng.chance(0.3) {
            let speed = f64::from(SPEED_MAX_M_S);
            let heading = Vec2::new(rng.between(-speed, speed) as f32, rng.between(-speed, speed) as f32);
            let start = Vec2::new(rng.between(-30.0, 30.0) as f32, rng.between(-30.0, 30.0) as f32);
            commands.entity(entity).insert((Glide(start).snapped(), Heading(heading)));
        }
    }
}

pub(super) fn glide(
    mut gliders: Query<'_, '_, (Entity, &Serial, &mut Glide, &mut Heading)>,
    rules: Res<'_, Rules>,
    time: Res<'_, TickTime>,
    mut dice: ResMut<'_, ExtraDice>,
    mut commands: Commands<'_, '_>,
) {
    for (entity, serial, mut glide, mut heading) in &mut gliders {
        match dice.0.below(400) {
            0 => glide.0.x += if glide.0.x > 0.0 { -JUMP_MIN_M } else { JUMP_MIN_M },
            1 if rules.makes.vary(*serial, Trait::Glide) => drop(commands.entity(entity).remove::<Glide>()),
            2..10 => heading.0 = -heading.0,
            // Some stand still for a while.
            _ if heading.0.x.abs() < 1.0 => continue,
            _ => glide.0 += heading.0 * time.delta_s,
        }
        let on_field = glide.0.clamp(Vec2::splat(-FIELD_M), Vec2::splat(FIELD_M));
        if on_field != glide.0 {
            heading.0 = -heading.0;
        }
        *glide = Glide(on_field).snapped();
    }
}
