use bevy_ecs::change_detection::DetectChangesMut;
use bevy_ecs::prelude::Bundle;
use bevy_ecs::query::QueryData;
use glam::Vec3;
use tidelock::state::Replicate;
use tidelock_arena::movement::{self, Body};
use tidelock_arena::{ArenaInput, Facing, Health, Map, Position, Status, Velocity};

/// What makes an entity a body that walks and can be hit.
#[derive(Bundle, Clone, Copy, Debug)]
pub(super) struct BodyBundle {
    position: Position,
    velocity: Velocity,
    facing: Facing,
    health: Health,
    status: Status,
}

impl BodyBundle {
    /// Unhurt and at rest.
    pub(super) fn standing(place: Vec3, yaw: f32) -> Self {
        Self {
            position: Position(place).snapped(),
            velocity: Velocity::default(),
            facing: Facing { yaw, pitch: 0.0 }.snapped(),
            health: Health::default(),
            status: Status::default(),
        }
    }
}

/// A body in the world.
#[derive(QueryData)]
#[query_data(mutable)]
pub(super) struct BodyMut {
    position: &'static mut Position,
    velocity: &'static mut Velocity,
    facing: &'static mut Facing,
    status: &'static Status,
}

impl BodyMutItem<'_, '_> {
    /// Where it looks.
    pub(super) fn look(&self) -> Facing {
        *self.facing
    }

    /// Whether it lies dead.
    pub(super) fn is_dead(&self) -> bool {
        self.status.dead
    }

    /// Moves it by a tick; the dead only fall. Only what differs afterwards counts as changed. False if nothing does.
    pub(super) fn step(&mut self, input: &ArenaInput, map: &Map, delta_s: f32) -> bool {
        let body = Body { position: *self.position, velocity: *self.velocity, facing: *self.facing };
        let dead = ArenaInput::idle(body.facing);
        let next = movement::step(body, if self.is_dead() { &dead } else { input }, map, delta_s);
        let moved = self.position.set_if_neq(next.position);
        let accelerated = self.velocity.set_if_neq(next.velocity);
        let turned = self.facing.set_if_neq(next.facing);
        moved || accelerated || turned
    }

    /// Whether it walks into something or stands.
    pub(super) fn is_halted(&self) -> bool {
        self.velocity.ground_speed() == 0.0
    }
}
