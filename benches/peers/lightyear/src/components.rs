//! What is replicated, in the library's terms.

use bevy::ecs::world::EntityRef;
use bevy::prelude::*;
use lightyear::prelude::*;
use serde::{Deserialize, Serialize};
use tidelock_workload::{Change, State, World as Workload};

#[derive(Component, Serialize, Deserialize, Clone, Copy, PartialEq, Debug)]
pub(super) struct Position([f32; 3]);
#[derive(Component, Serialize, Deserialize, Clone, Copy, PartialEq, Debug)]
pub(super) struct Velocity([f32; 3]);
#[derive(Component, Serialize, Deserialize, Clone, Copy, PartialEq, Debug)]
pub(super) struct Yaw(f32);
#[derive(Component, Serialize, Deserialize, Clone, Copy, PartialEq, Debug)]
pub(super) struct Health(u8);

#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Debug)]
pub(super) struct Ask {
    pub(super) towards: [f32; 2],
    pub(super) look: [f32; 2],
    pub(super) buttons: u16,
}

pub(super) fn register(app: &mut App) {
    app.component::<Position>().replicate();
    app.component::<Velocity>().replicate();
    app.component::<Yaw>().replicate();
    app.component::<Health>().replicate();
}

pub(super) fn spawn(ecs: &mut World, state: &State) -> Entity {
    let State { position, velocity, yaw, health } = *state;
    let body = (Position(position), Velocity(velocity), Yaw(yaw), Health(health));
    ecs.spawn((body, Replicate::to_clients(NetworkTarget::All))).id()
}

/// Writes what the world's last step changed.
pub(super) fn write(server: &mut App, world: &Workload, entities: &[Entity]) {
    let ecs = server.world_mut();
    for (index, change) in &world.changes {
        let state = &world.entities[*index as usize];
        let mut entity = ecs.entity_mut(entities[*index as usize]);
        if change.has(Change::POSITION) {
            entity.get_mut::<Position>().expect("it was spawned with it").0 = state.position;
        }
        if change.has(Change::VELOCITY) {
            entity.get_mut::<Velocity>().expect("it was spawned with it").0 = state.velocity;
        }
        if change.has(Change::YAW) {
            entity.get_mut::<Yaw>().expect("it was spawned with it").0 = state.yaw;
        }
        if change.has(Change::HEALTH) {
            entity.get_mut::<Health>().expect("it was spawned with it").0 = state.health;
        }
    }
}

/// Whether a client's entity is in `state`.
pub(super) fn is_right(held: &EntityRef<'_>, state: &State) -> bool {
    held.get() == Some(&Position(state.position))
        && held.get() == Some(&Velocity(state.velocity))
        && held.get() == Some(&Yaw(state.yaw))
        && held.get() == Some(&Health(state.health))
}
