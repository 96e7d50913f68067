//! What is replicated, in the library's terms.

use bevy_app::App;
use bevy_ecs::prelude::{Bundle, Component, Entity, World as Ecs};
use naia_bevy_shared::{Channel, ChannelDirection, ChannelMode, Message, Property, Protocol, Replicate};
use std::collections::BTreeMap;
use std::time::Duration;
use tidelock_workload::{Change, State, World as Workload};

/// The library's clock has whole milliseconds.
pub(super) const TICK_MS: u64 = 33;

/// Which entity of the workload it is: clients' entities have no other name that both ends know.
#[derive(Component, Replicate)]
pub(super) struct Index {
    pub(super) value: Property<u32>,
}
#[derive(Component, Replicate)]
pub(super) struct Position {
    pub(super) value: Property<[f32; 3]>,
}
#[derive(Component, Replicate)]
pub(super) struct Velocity {
    pub(super) value: Property<[f32; 3]>,
}
#[derive(Component, Replicate)]
pub(super) struct Yaw {
    pub(super) value: Property<f32>,
}
#[derive(Component, Replicate)]
pub(super) struct Health {
    pub(super) value: Property<u8>,
}

#[derive(Bundle)]
pub(super) struct Body(Index, Position, Velocity, Yaw, Health);

#[derive(Message)]
pub(super) struct Auth {
    pub(super) client: u32,
}
#[derive(Message)]
pub(super) struct Ask {
    pub(super) towards: [f32; 2],
    pub(super) look: [f32; 2],
    pub(super) buttons: u16,
}
#[derive(Channel)]
pub(super) struct InputChannel;

pub(super) fn protocol() -> Protocol {
    Protocol::builder()
        .add_message::<Auth>()
        .add_message::<Ask>()
        .add_channel::<InputChannel>(ChannelDirection::ClientToServer, ChannelMode::UnorderedUnreliable)
        .add_component::<Index>()
        .add_component::<Position>()
        .add_component::<Velocity>()
        .add_component::<Yaw>()
        .add_component::<Health>()
        .tick_interval(Duration::from_millis(TICK_MS))
        .build()
}

impl Body {
    pub(super) fn new(index: u32, state: &State) -> Self {
        Self(
            Index::new_complete(index),
            Position::new_complete(state.position),
            Velocity::new_complete(state.velocity),
            Yaw::new_complete(state.yaw),
            Health::new_complete(state.health),
        )
    }
}

/// Writes what the world's last step changed.
pub(super) fn write(server: &mut App, world: &Workload, entities: &[Entity]) {
    let ecs = server.world_mut();
    for (index, change) in &world.changes {
        let state = &world.entities[*index as usize];
        let mut entity = ecs.entity_mut(entities[*index as usize]);
        if change.has(Change::POSITION) {
            *entity.get_mut::<Position>().expect("it was spawned with it").value = state.position;
        }
        if change.has(Change::VELOCITY) {
            *entity.get_mut::<Velocity>().expect("it was spawned with it").value = state.velocity;
        }
        if change.has(Change::YAW) {
            *entity.get_mut::<Yaw>().expect("it was spawned with it").value = state.yaw;
        }
        if change.has(Change::HEALTH) {
            *entity.get_mut::<Health>().expect("it was spawned with it").value = state.health;
        }
    }
}

/// What a client holds, by index.
pub(super) fn held(ecs: &mut Ecs) -> BTreeMap<u32, State> {
    let mut all = ecs.query::<(&Index, &Position, &Velocity, &Yaw, &Health)>();
    let state = |(index, position, velocity, yaw, health): (&Index, &Position, &Velocity, &Yaw, &Health)| {
        let state =
            State { position: *position.value, velocity: *velocity.value, yaw: *yaw.value, health: *health.value };
        (*index.value, state)
    };
    all.iter(ecs).map(state).collect()
}
