use super::{
    EventType, InputType, NetIds, OutgoingEvent, PlayerAway, PlayerBack, PlayerJoined, PlayerLeft, Registry, TickInput,
    TickTime, ToClients, Visibility, referred,
};
use bevy_app::{App, FixedMain, Plugin};
use bevy_ecs::message::Messages;
use bevy_ecs::world::World;
use tidelock::ClientId;
use tidelock::state::{EntityRef, Event, Input, NetId, Schema, SchemaError};

/// A game without a server: ticks, inputs and events by hand, for a game's own tests and tools.
///
/// Inputs and events go through their encoding, as they do on the way from and to real clients.
pub struct Rehearsal {
    app: App,
    schema: Schema,
    input: InputType,
    events: Vec<EventType>,
    sent: Vec<OutgoingEvent>,
}

impl Rehearsal {
    /// Sets the game up as a server would. `tick_hz` is 1 to 240.
    pub fn new(game: impl Plugin, seed: u64, tick_hz: u32) -> Result<Self, SchemaError> {
        assert!((1..=240).contains(&tick_hz), "a server runs 1 to 240 ticks a second");
        let mut app = App::new();
        super::prepare(&mut app, seed, tick_hz);
        app.add_plugins(game);
        let mut registry = app.world_mut().get_resource_or_init::<Registry>();
        let schema = registry.build_schema()?;
        let (input, events) = (registry.input.ok_or(SchemaError::NoInput)?, registry.events.clone());
        Ok(Self { app, schema, input, events, sent: Vec::new() })
    }

    /// What the game declared.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The game's world.
    pub fn world(&mut self) -> &mut World {
        self.app.world_mut()
    }

    /// A client joins before the next tick.
    pub fn join(&mut self, client_id: ClientId) {
        self.app.world_mut().write_message(PlayerJoined(client_id));
    }

    /// A client leaves before the next tick.
    pub fn leave(&mut self, client_id: ClientId) {
        self.app.world_mut().write_message(PlayerLeft(client_id));
    }

    /// A client's connection is gone before the next tick, and its place waits for it.
    pub fn go_away(&mut self, client_id: ClientId) {
        self.app.world_mut().write_message(PlayerAway(client_id));
    }

    /// A client comes back to its place before the next tick.
    pub fn come_back(&mut self, client_id: ClientId) {
        self.app.world_mut().write_message(PlayerBack(client_id));
    }

    /// An event of a client's arrives before the next tick. The game must have declared it.
    pub fn receive<E: Event>(&mut self, from: ClientId, event: &E) {
        let index = self.index_of::<E>();
        let is_event = (self.events[index].receive)(self.app.world_mut(), from, &bitcode::encode(event));
        assert!(is_event, "{} does not come back from its own encoding", E::NAME);
    }

    /// Runs one tick. A player who is not named here has no input in this tick.
    pub fn tick<I: Input>(&mut self, inputs: &[(ClientId, I)]) {
        let world = self.app.world_mut();
        let mut time = world.resource_mut::<TickTime>();
        time.tick = time.tick.next();
        // Nobody is there to see or not to see.
        let unseen = world.resource_mut::<Visibility>().take_changes();
        world.resource_mut::<Visibility>().recycle(unseen);
        let width = I::lane_count();
        let mut lanes = vec![0; width * inputs.len()];
        let mut ids = world.resource_mut::<NetIds>();
        for ((_, input), lanes) in inputs.iter().zip(lanes.chunks_mut(width)) {
            // Nothing is captured here, so whatever an input refers to is called something.
            input.write_lanes_with(lanes, &mut |bits| {
                let entity = referred(EntityRef::Local(bits))?;
                let id = NetId { index: entity.index_u32().min(NetId::INDEX_MAX), generation: 0 };
                ids.insert(id, entity);
                Some(id)
            });
        }
        let named = inputs.iter().zip(lanes.chunks(width));
        let mut delivered = named.map(|((client_id, _), lanes)| TickInput { client_id: *client_id, lanes });
        (self.input.deliver)(world, &mut delivered);
        world.run_schedule(FixedMain);
        for (index, event) in self.events.iter().enumerate() {
            (event.drain)(world, index as u8, &mut self.sent);
        }
        world.resource_mut::<Messages<PlayerJoined>>().clear();
        world.resource_mut::<Messages<PlayerLeft>>().clear();
        world.resource_mut::<Messages<PlayerAway>>().clear();
        world.resource_mut::<Messages<PlayerBack>>().clear();
    }

    /// What the game has sent of one type of event since this was last asked, in order.
    pub fn take_sent<E: Event>(&mut self) -> Vec<ToClients<E>> {
        let index = self.index_of::<E>();
        let mine = self.sent.extract_if(.., |sent| usize::from(sent.event_index) == index);
        let decode = |body: &[u8]| bitcode::decode(body).expect("an event comes back from its own encoding");
        mine.map(|sent| ToClients { to: sent.to, event: decode(&sent.body) }).collect()
    }

    fn index_of<E: Event>(&self) -> usize {
        let id = self.schema.event::<E>();
        usize::from(id.unwrap_or_else(|| panic!("the game does not declare the event {}", E::NAME)).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game::{ApplyInput, Inputs, Replication, refer_to};
    use bevy_ecs::prelude::{Entity, Res, ResMut, Resource};
    use tidelock::state::Replicate;

    #[derive(Replicate, Clone, Copy, Debug, Default)]
    struct Point {
        at: EntityRef,
    }

    impl Input for Point {
        fn clear_one_shots(&mut self) {}
    }

    #[derive(Resource, Default)]
    struct Pointed(Vec<Entity>);

    #[expect(clippy::needless_pass_by_value, reason = "systems take their parameters by value")]
    fn note(inputs: Res<Inputs<Point>>, mut pointed: ResMut<Pointed>) {
        pointed.0.extend(inputs.iter().filter_map(|(_, point)| referred(point.at)));
    }

    struct Game;

    impl Plugin for Game {
        fn build(&self, app: &mut App) {
            app.input::<Point>().init_resource::<Pointed>().add_systems(ApplyInput, note);
        }
    }

    #[test]
    fn references_in_inputs_arrive_as_the_entities_that_they_are() {
        let mut rehearsal = Rehearsal::new(Game, 1, 60).unwrap();
        let (a, b) = (rehearsal.world().spawn_empty().id(), rehearsal.world().spawn_empty().id());
        rehearsal.tick(&[(ClientId(1), Point { at: refer_to(b) }), (ClientId(2), Point { at: refer_to(a) })]);
        rehearsal.tick(&[(ClientId(1), Point::default())]);
        assert_eq!(rehearsal.world().resource::<Pointed>().0, [b, a]);
    }
}
