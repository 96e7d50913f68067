use super::{FIELD_M, Place};
use crate::link::Rng;
use bevy_ecs::prelude::Resource;
use glam::Vec2;
use tidelock::state::Replicate;

/// Whatever the game leaves to chance.
#[derive(Resource)]
pub(super) struct Dice(pub(super) Rng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(Rng::stream(seed, 5))
    }
}

/// The same for what only the full game does, so that the rest goes on as without.
#[derive(Resource)]
pub(super) struct ExtraDice(pub(super) Rng);

impl ExtraDice {
    pub(super) fn new(seed: u64) -> Self {
        Self(Rng::stream(seed, 6))
    }
}

/// A place anywhere on the field.
pub(super) fn somewhere(rng: &mut Rng) -> Place {
    let field_m = f64::from(FIELD_M);
    Place(Vec2::new(rng.between(-field_m, field_m) as f32, rng.between(-field_m, field_m) as f32)).snapped()
}
