//! The game in a bare app: no engine, no clients, only ticks and inputs.

mod chat;
mod determinism;
mod fairness;
mod npcs;
mod pickups;
mod players;
mod shots;

use super::Arena;
use crate::game::{NetIds, Owner, Rehearsal, Replicated, Replication, TickTime, ToClients};
use bevy_app::{App, Plugin};
use bevy_ecs::component::{Component, Mutable};
use bevy_ecs::prelude::{Entity, With};
use bevy_ecs::world::World;
use glam::Vec3;
use std::time::Duration;
use tidelock::state::{Event, NetId, Replicate};
use tidelock::{ClientId, Tick};
use tidelock_arena::{
    Ammo, ArenaInput, Chat, Cooldown, Facing, Health, Kind, Map, Position, Say, Score, Status, Velocity,
};

/// A match at 60 ticks a second.
struct Match {
    game: Rehearsal,
}

impl Match {
    fn new(seed: u64, npcs: u32) -> Self {
        Self { game: Rehearsal::new(Arena { npcs }, seed, 60).unwrap() }
    }

    /// One without lag compensation.
    fn unfair(seed: u64, npcs: u32) -> Self {
        Self { game: Rehearsal::new(Unfair(Arena { npcs }), seed, 60).unwrap() }
    }

    fn join(&mut self, client_id: u64) {
        self.game.join(ClientId(client_id));
        self.tick(&[]);
    }

    fn leave(&mut self, client_id: u64) {
        self.game.leave(ClientId(client_id));
        self.tick(&[]);
    }

    fn say(&mut self, client_id: u64, text: &str) {
        self.game.receive(ClientId(client_id), &Say { text: text.to_owned() });
    }

    /// Runs one tick with these players' inputs.
    fn tick(&mut self, inputs: &[(u64, ArenaInput)]) {
        let inputs: Vec<_> = inputs.iter().map(|(client_id, input)| (ClientId(*client_id), *input)).collect();
        self.game.tick(&inputs);
    }

    fn ticks(&mut self, count: u32, inputs: &[(u64, ArenaInput)]) {
        for _ in 0..count {
            self.tick(inputs);
        }
    }

    /// What was sent since this was last asked.
    fn sent<E: Event>(&mut self) -> Vec<ToClients<E>> {
        self.game.take_sent()
    }

    fn lines(&mut self) -> Vec<(Option<u64>, String)> {
        self.sent::<Chat>().into_iter().map(|sent| (sent.event.sender, sent.event.text)).collect()
    }

    fn world(&mut self) -> &mut World {
        self.game.world()
    }

    /// The last tick that ran.
    fn tick_number(&mut self) -> Tick {
        self.world().resource::<TickTime>().tick
    }

    /// What clients call an entity.
    fn name_of(&mut self, entity: Entity) -> Option<NetId> {
        NetIds::of(self.world(), entity)
    }

    fn map(&mut self) -> Map {
        self.world().resource::<super::Ground>().0.clone()
    }

    fn avatar(&mut self, client_id: u64) -> Option<Entity> {
        let world = self.world();
        let mut avatars = world.query::<(Entity, &Owner)>();
        avatars.iter(world).find(|(_, owner)| owner.0 == ClientId(client_id)).map(|(entity, _)| entity)
    }

    fn all(&mut self, kind: Kind) -> Vec<Entity> {
        let world = self.world();
        let mut entities = world.query::<(Entity, &Kind)>();
        entities.iter(world).filter(|(_, other)| **other == kind).map(|(entity, _)| entity).collect()
    }

    fn of<C: Component + Copy>(&mut self, entity: Entity) -> C {
        *self.world().get::<C>(entity).unwrap()
    }

    fn set<C: Component<Mutability = Mutable>>(&mut self, entity: Entity, value: C) {
        *self.world().get_mut::<C>(entity).unwrap() = value;
    }

    /// A place on the ground with nothing in the way for 20 m along `x`.
    fn clear_lane(&mut self) -> Vec3 {
        let map = self.map();
        let places = (-90..60).flat_map(|x| (-90..90).map(move |y| Vec3::new(x as f32, y as f32, 0.0)));
        let is_clear = |place: &Vec3| {
            let corners = [Vec3::new(0.0, -1.0, 0.5), Vec3::new(0.0, 0.0, 0.5), Vec3::new(0.0, 1.0, 0.5)];
            let along = |corner: &Vec3| map.first_hit(*place + *corner, *place + *corner + Vec3::X * 20.0).is_none();
            map.is_free(*place) && corners.iter().all(along)
        };
        places.into_iter().find(is_clear).unwrap()
    }

    /// All lanes of all that is replicated, in the order of the entities.
    fn lanes(&mut self) -> Vec<(Entity, Vec<u32>)> {
        let mut all = Vec::new();
        self.lanes_of_all::<Position>(&mut all);
        self.lanes_of_all::<Velocity>(&mut all);
        self.lanes_of_all::<Facing>(&mut all);
        self.lanes_of_all::<Health>(&mut all);
        self.lanes_of_all::<Status>(&mut all);
        self.lanes_of_all::<Kind>(&mut all);
        self.lanes_of_all::<Ammo>(&mut all);
        self.lanes_of_all::<Cooldown>(&mut all);
        self.lanes_of_all::<Score>(&mut all);
        all
    }

    fn lanes_of_all<C: Component + Replicate>(&mut self, all: &mut Vec<(Entity, Vec<u32>)>) {
        let world = self.world();
        let mut components = world.query_filtered::<(Entity, &C), With<Replicated>>();
        all.extend(components.iter(world).map(|(entity, component)| (entity, lanes_of(component))));
    }
}

/// The game as an operator has it who turned lag compensation off.
struct Unfair(Arena);

impl Plugin for Unfair {
    fn build(&self, app: &mut App) {
        self.0.build(app);
        app.rewind_max(Duration::ZERO);
    }
}

fn lanes_of<C: Replicate>(value: &C) -> Vec<u32> {
    let mut lanes = vec![0; C::lane_count()];
    value.write_lanes(&mut lanes);
    lanes
}

/// Looks along `x` and does nothing.
fn idle() -> ArenaInput {
    ArenaInput::default()
}

/// Looks along `x` and shoots.
fn firing() -> ArenaInput {
    ArenaInput { fire: true, ..idle() }
}
