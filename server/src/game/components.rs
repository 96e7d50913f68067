use bevy_ecs::lifecycle::HookContext;
use bevy_ecs::prelude::{Component, Message, Resource};
use bevy_ecs::world::DeferredWorld;
use tidelock::{ClientId, Tick};

/// Clients see this entity. Without it, nothing of an entity leaves the server.
#[derive(Component, Clone, Copy, Debug, Default)]
#[component(on_remove = depart)]
pub struct Replicated;

/// The client that an entity belongs to: it alone receives the components declared with
/// [`replicate_to_owner`](super::Replication::replicate_to_owner), and it always sees the entity.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner(pub ClientId);

/// The side that an entity is on. Clients of the same team that see it also receive its components declared with
/// [`replicate_to_team`](super::Replication::replicate_to_team).
///
/// A client is of the team of its [`Viewpoint`], or else of the first entity it owns that has one.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Team(pub u16);

/// The [`Owner`] of this entity sees the world from here. A client without one sees what is [`AlwaysRelevant`] only.
#[derive(Component, Clone, Copy, Debug, Default)]
pub struct Viewpoint;

/// Every client sees this entity, wherever it is.
#[derive(Component, Clone, Copy, Debug, Default)]
pub struct AlwaysRelevant;

/// Every client of this entity's [`Team`] sees it, wherever it is; others where they would see it without.
#[derive(Component, Clone, Copy, Debug, Default)]
pub struct TeamRelevant;

/// A client finished joining: time to give it an avatar.
#[derive(Message, Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlayerJoined(pub ClientId);

/// A client is gone. Its entities are the game's to despawn.
#[derive(Message, Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlayerLeft(pub ClientId);

/// The connection of a player is gone, but its place waits for it: its entities stay, and it asks for nothing. Either
/// [`PlayerBack`] or [`PlayerLeft`] follows.
#[derive(Message, Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlayerAway(pub ClientId);

/// A player has a new connection: what it saw of the world it sees again, but events sent to it meanwhile are lost. Of a
/// player who went away and came back between two ticks this is all that is told.
#[derive(Message, Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlayerBack(pub ClientId);

/// From which the game draws its randomness: the same seed and inputs give the same match.
#[derive(Resource, Clone, Copy, Debug)]
pub struct Seed(pub u64);

/// What every joining client gets before its first snapshot: the map, say. The format is the game's; at most
/// [`JOIN_PAYLOAD_BYTES_MAX`](tidelock::wire::JOIN_PAYLOAD_BYTES_MAX) bytes. With a longer one nobody can join.
#[derive(Resource, Clone, Debug, Default)]
pub struct JoinPayload(pub Vec<u8>);

/// The tick now running, and its length.
#[derive(Resource, Clone, Copy, Debug)]
pub struct TickTime {
    /// Which tick runs.
    pub tick: Tick,
    /// Its length in seconds.
    pub delta_s: f32,
    /// Ticks in a second, 1 to 240.
    pub tick_hz: u32,
}

impl TickTime {
    pub(crate) fn new(tick_hz: u32) -> Self {
        Self { tick: Tick(0), delta_s: 1.0 / tick_hz as f32, tick_hz }
    }

    /// How many ticks `seconds` take, rounded up.
    #[must_use]
    pub fn ticks_in(&self, seconds: f32) -> u32 {
        // The division may leave a trace above a whole number of ticks.
        (seconds * self.tick_hz as f32 - 0.001).ceil() as u32
    }

    /// The first tick that is `seconds` away from the one now running.
    #[must_use]
    pub fn after(&self, seconds: f32) -> Tick {
        self.tick.add(self.ticks_in(seconds))
    }

    /// Whether the tick now running is `deadline` or a later one.
    #[must_use]
    pub const fn is_past(&self, deadline: Tick) -> bool {
        !deadline.is_newer_than(self.tick)
    }
}

/// Where the engine keeps the history of an entity; it comes and goes with [`Replicated`].
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NetSlot(pub(crate) u32);

/// Slots whose entity is no longer replicated, in the order in which that happened.
#[derive(Resource, Debug, Default)]
pub(crate) struct Departed(pub(crate) Vec<NetSlot>);

/// Runs when an entity loses [`Replicated`] or is despawned: the slot is still there then.
fn depart(mut world: DeferredWorld<'_>, context: HookContext) {
    let Some(slot) = world.get::<NetSlot>(context.entity).copied() else { return };
    if let Some(mut departed) = world.get_resource_mut::<Departed>() {
        departed.0.push(slot);
    }
    world.commands().entity(context.entity).try_remove::<NetSlot>();
}
