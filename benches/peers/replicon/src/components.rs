//! What is replicated, in the library's terms.

use bevy::ecs::world::EntityRef;
use bevy::prelude::*;
use bevy_replicon::prelude::*;
use serde::{Deserialize, Serialize};
use std::f32::consts::PI;
use tidelock_workload::{Change, SPEED_MAX, State, WORLD_M, World as Workload};

#[derive(Component, Serialize, Deserialize, Clone, Copy, PartialEq, Debug)]
pub(super) struct Position([f32; 3]);
#[derive(Component, Serialize, Deserialize, Clone, Copy, PartialEq, Debug)]
pub(super) struct Velocity([f32; 3]);
#[derive(Component, Serialize, Deserialize, Clone, Copy, PartialEq, Debug)]
pub(super) struct Yaw(f32);
#[derive(Component, Serialize, Deserialize, Clone, Copy, PartialEq, Debug)]
pub(super) struct Health(u8);

/// All of it in one component.
#[derive(Component, Serialize, Deserialize, Clone, Copy, PartialEq, Debug)]
pub(super) struct Body {
    position: [f32; 3],
    velocity: [f32; 3],
    yaw: f32,
    health: u8,
}

#[derive(Message, Serialize, Deserialize, Clone, Copy)]
pub(super) struct Ask {
    pub(super) towards: [f32; 2],
    pub(super) look: [f32; 2],
    pub(super) buttons: u16,
}

/// As bytes, because the library's encoding makes three of a number of 16 bits.
#[derive(Serialize, Deserialize)]
struct QuantizedPosition([u8; 6]);
#[derive(Serialize, Deserialize)]
struct QuantizedVelocity([u8; 3]);
#[derive(Serialize, Deserialize)]
struct QuantizedYaw(u8);

pub(super) fn register(app: &mut App, variant: &str) {
    match variant {
        "" => app.replicate::<Position>().replicate::<Velocity>().replicate::<Yaw>().replicate::<Health>(),
        "one" => app.replicate::<Body>(),
        "quant" => app
            .replicate_as::<Position, QuantizedPosition>()
            .replicate_as::<Velocity, QuantizedVelocity>()
            .replicate_as::<Yaw, QuantizedYaw>()
            .replicate::<Health>(),
        _ => panic!("there is no variant `{variant}`"),
    };
}

pub(super) fn spawn(ecs: &mut World, state: &State, variant: &str) -> Entity {
    let State { position, velocity, yaw, health } = *state;
    if variant == "one" {
        return ecs.spawn((Replicated, Body::from(state))).id();
    }
    ecs.spawn((Replicated, Position(position), Velocity(velocity), Yaw(yaw), Health(health))).id()
}

/// Writes what the world's last step changed.
pub(super) fn write(server: &mut App, world: &Workload, entities: &[Entity], variant: &str) {
    let ecs = server.world_mut();
    for (index, change) in &world.changes {
        let state = &world.entities[*index as usize];
        let mut entity = ecs.entity_mut(entities[*index as usize]);
        if variant == "one" {
            *entity.get_mut::<Body>().expect("it was spawned with it") = state.into();
            continue;
        }
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

/// Whether a client's entity is in `state`, as near as the variant can say.
pub(super) fn is_right(held: &EntityRef<'_>, state: &State, variant: &str) -> bool {
    if variant == "one" {
        return held.get::<Body>() == Some(&state.into());
    }
    let expected = (Position(state.position), Velocity(state.velocity), Yaw(state.yaw));
    let expected = if variant == "quant" {
        let (position, velocity, yaw) = expected;
        let position: QuantizedPosition = position.into();
        let velocity: QuantizedVelocity = velocity.into();
        let yaw: QuantizedYaw = yaw.into();
        (position.into(), velocity.into(), yaw.into())
    } else {
        expected
    };
    held.get() == Some(&expected.0)
        && held.get() == Some(&expected.1)
        && held.get() == Some(&expected.2)
        && held.get() == Some(&Health(state.health))
}

impl From<&State> for Body {
    fn from(state: &State) -> Self {
        let State { position, velocity, yaw, health } = *state;
        Self { position, velocity, yaw, health }
    }
}

impl From<Position> for QuantizedPosition {
    fn from(position: Position) -> Self {
        let steps = |axis: usize| ((position.0[axis] / WORLD_M[axis] * 65_535.0).round() as u16).to_le_bytes();
        let [x, y, z] = [0, 1, 2].map(steps);
        Self([x[0], x[1], y[0], y[1], z[0], z[1]])
    }
}

impl From<QuantizedPosition> for Position {
    fn from(QuantizedPosition(bytes): QuantizedPosition) -> Self {
        let steps = |axis: usize| f32::from(u16::from_le_bytes([bytes[2 * axis], bytes[2 * axis + 1]]));
        Self([0, 1, 2].map(|axis| steps(axis) / 65_535.0 * WORLD_M[axis]))
    }
}

impl From<Velocity> for QuantizedVelocity {
    fn from(velocity: Velocity) -> Self {
        Self(velocity.0.map(|speed| (speed / SPEED_MAX * 127.0).round() as i8 as u8))
    }
}

impl From<QuantizedVelocity> for Velocity {
    fn from(QuantizedVelocity(bytes): QuantizedVelocity) -> Self {
        Self(bytes.map(|byte| f32::from(byte as i8) / 127.0 * SPEED_MAX))
    }
}

impl From<Yaw> for QuantizedYaw {
    fn from(yaw: Yaw) -> Self {
        Self((yaw.0 / PI * 127.0).round() as i8 as u8)
    }
}

impl From<QuantizedYaw> for Yaw {
    fn from(QuantizedYaw(byte): QuantizedYaw) -> Self {
        Self(f32::from(byte as i8) / 127.0 * PI)
    }
}
