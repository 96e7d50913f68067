use super::{
    EventType, InputType, NetIds, OutgoingEvent, Past, PlayerAway, PlayerBack, PlayerJoined, PlayerLeft, Registry,
    TickInput, TickTime, ToClients, referred,
};
use crate::engine::{Capture, History, Interest, REWIND_MAX};
use bevy_app::{App, FixedMain, Plugin};
use bevy_ecs::message::Messages;
use bevy_ecs::world::World;
use tidelock::ClientId;
use tidelock::state::{EntityRef, Event, Input, Schema, SchemaError};

/// A game without a server: ticks, inputs and events by hand, for a game's own tests and tools.
///
/// Inputs and events go through their encoding, as they do on the way from and to real clients, and what is replicated is
/// captured after each tick, for [`Rewind`](super::Rewind) and for what references are called.
pub struct Rehearsal {
    app: App,
    schema: Schema,
    input: InputType,
    events: Vec<EventType>,
    sent: Vec<OutgoingEvent>,
    capture: Capture,
    history: History,
    interest: Interest,
}

impl Rehearsal {
    /// Sets the game up as a server would. `tick_hz` is 1 to 240.
    pub fn new(game: impl Plugin, seed: u64, tick_hz: u32) -> Result<Self, SchemaError> {
        assert!((1..=240).contains(&tick_hz), "a server runs 1 to 240 ticks a second");
        let mut app = App::new();
        super::prepare(&mut app, seed, tick_hz);
        app.add_plugins(game);
        let mut registry = app.world_mut().remove_resource::<Registry>().unwrap_or_default();
        let schema = registry.build_schema()?;
        let input = registry.input.ok_or(SchemaError::NoInput)?;
        let rewind_max = registry.rewind_max.min(REWIND_MAX);
        app.insert_resource(Past::new(schema.clone(), rewind_max, tick_hz));
        Ok(Self {
            history: History::new(&schema, tick_hz, rewind_max),
            interest: Interest::new(registry.view_radius),
            capture: Capture::new(registry.columns, registry.locator, app.world_mut()),
            app,
            schema,
            input,
            events: registry.events,
            sent: Vec::new(),
        })
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

    /// Runs one tick. A player who is not named here has no input in this tick. References in inputs reach what is
    /// replicated since an earlier tick, as those of clients do.
    pub fn tick<I: Input>(&mut self, inputs: &[(ClientId, I)]) {
        let world = self.app.world_mut();
        let mut time = world.resource_mut::<TickTime>();
        time.tick = time.tick.next();
        let tick = time.tick;
        let width = I::lane_count();
        let mut lanes = vec![0; width * inputs.len()];
        for ((_, input), lanes) in inputs.iter().zip(lanes.chunks_mut(width)) {
            input.write_lanes_with(lanes, &mut |bits| NetIds::of(world, referred(EntityRef::Local(bits))?));
        }
        let named = inputs.iter().zip(lanes.chunks(width));
        let mut delivered = named.map(|((client_id, _), lanes)| TickInput { client_id: *client_id, lanes });
        (self.input.deliver)(world, &mut delivered);
        world.resource_mut::<Past>().exchange(&mut self.history);
        world.run_schedule(FixedMain);
        world.resource_mut::<Past>().exchange(&mut self.history);
        for (index, event) in self.events.iter().enumerate() {
            (event.drain)(world, index as u8, &mut self.sent);
        }
        world.resource_mut::<Messages<PlayerJoined>>().clear();
        world.resource_mut::<Messages<PlayerLeft>>().clear();
        world.resource_mut::<Messages<PlayerAway>>().clear();
        world.resource_mut::<Messages<PlayerBack>>().clear();
        self.capture.run(world, tick, &mut self.history, &mut self.interest);
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
    use crate::game::{ApplyInput, Inputs, Replicated, Replication, refer_to};
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
        let [a, b] = [(); 2].map(|()| rehearsal.world().spawn(Replicated).id());
        rehearsal.tick::<Point>(&[]);
        rehearsal.tick(&[(ClientId(1), Point { at: refer_to(b) }), (ClientId(2), Point { at: refer_to(a) })]);
        rehearsal.tick(&[(ClientId(1), Point::default())]);
        assert_eq!(rehearsal.world().resource::<Pointed>().0, [b, a]);
    }
}
