use super::{
    EventType, InputType, OutgoingEvent, PlayerAway, PlayerBack, PlayerJoined, PlayerLeft, Registry, TickInput,
    TickTime, ToClients,
};
use bevy_app::{App, FixedMain, Plugin};
use bevy_ecs::message::Messages;
use bevy_ecs::world::World;
use tidelock::ClientId;
use tidelock::state::{Event, Input, Schema, SchemaError};

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
        let width = I::lane_count();
        let mut lanes = vec![0; width * inputs.len()];
        for ((_, input), lanes) in inputs.iter().zip(lanes.chunks_mut(width)) {
            input.write_lanes(lanes);
        }
        let named = inputs.iter().zip(lanes.chunks(width));
        let delivered: Vec<_> =
            named.map(|((client_id, _), lanes)| TickInput { client_id: *client_id, lanes }).collect();
        (self.input.deliver)(world, &delivered);
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
