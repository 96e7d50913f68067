//! The sample game's server half: a Bevy plugin like anyone's, through [`game`](crate::game) alone.
//!
//! Players run, jump and shoot with the movement step that their clients predict; NPCs wander; packs of health and
//! ammunition come back after a while. What stands still changes no component, so it costs nothing on the wire. All
//! systems of a schedule are chained: the same seed and inputs give the same match.

#![expect(clippy::needless_pass_by_value, reason = "systems take their parameters by value")]

mod bodies;
mod chat;
mod lives;
mod npcs;
mod pickups;
mod players;
mod shots;
mod targets;

#[cfg(test)]
mod tests;

use crate::game::{ApplyInput, JoinPayload, Replication, Seed, Simulate};
use bevy_app::{App, Plugin};
use bevy_ecs::prelude::Resource;
use bevy_ecs::schedule::IntoScheduleConfigs;
use tidelock_arena::map::MapParameters;
use tidelock_arena::{
    Ammo, ArenaInput, Chat, Cooldown, Facing, Health, Hit, Kind, Map, Position, Rng, Say, Score, Status, Velocity,
};

/// How far a player sees, in metres.
const VIEW_RADIUS_M: f32 = 40.0;

/// The sample game.
#[derive(Clone, Copy, Debug)]
pub struct Arena {
    /// How many NPCs wander about.
    pub npcs: u32,
}

impl Plugin for Arena {
    fn build(&self, app: &mut App) {
        declare(app);
        let seed = app.world().resource::<Seed>().0;
        let parameters = MapParameters::new(seed);
        app.insert_resource(JoinPayload(parameters.to_payload()))
            .insert_resource(Ground(Map::generate(parameters)))
            .insert_resource(Places(Rng::stream(seed, PLACES_STREAM)))
            .init_resource::<chat::Voices>()
            .init_resource::<lives::Wounds>()
            .init_resource::<lives::Recovery>()
            .init_resource::<lives::Obituaries>()
            .init_resource::<targets::Targets>();
        npcs::populate(app.world_mut(), self.npcs);
        pickups::lay_out(app.world_mut());
        app.add_systems(ApplyInput, (players::leave, players::join, players::steer).chain()).add_systems(
            Simulate,
            (
                npcs::wander,
                shots::fire,
                targets::index,
                shots::fly,
                lives::hurt,
                lives::fade_hits,
                lives::revive,
                pickups::collect,
                pickups::restock,
                chat::relay,
                chat::tell_news,
            )
                .chain(),
        );
    }
}

/// What is replicated, in the order of [`tidelock_arena::schema`].
fn declare(app: &mut App) {
    app.game("arena")
        .replicate::<Position>()
        .replicate::<Velocity>()
        .replicate::<Facing>()
        .replicate::<Health>()
        .replicate::<Status>()
        .replicate::<Kind>()
        .replicate::<Ammo>()
        .replicate::<Cooldown>()
        .replicate::<Score>()
        .input::<ArenaInput>()
        .event::<Say>()
        .event::<Chat>()
        .event::<Hit>()
        .locate::<Position>(Position::ground)
        .view_radius(VIEW_RADIUS_M);
}

// Streams of randomness of the match's seed. NPCs have the small numbers, one each.
const PLACES_STREAM: u64 = 1 << 32;
const PICKUPS_STREAM: u64 = 2 << 32;

/// The map that this match is played on.
#[derive(Resource, Debug)]
struct Ground(Map);

/// Draws where bodies appear.
#[derive(Resource, Debug)]
struct Places(Rng);
