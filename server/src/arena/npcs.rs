use super::Ground;
use super::bodies::{BodyBundle, BodyMut};
use super::lives::Life;
use crate::game::{Replicated, Seed, TickTime};
use bevy_ecs::prelude::{Component, Query, Res};
use bevy_ecs::world::World;
use core::f32::consts::PI;
use tidelock::Tick;
use tidelock_arena::{ArenaInput, Facing, Kind, Rng};

/// How long an NPC stands, and how long it walks, in seconds.
const STAND_S: (f32, f32) = (1.0, 6.0);
const WALK_S: (f32, f32) = (2.0, 8.0);

/// What an NPC is about. Its randomness is its own, so that it does not depend on anyone else's.
#[derive(Component, Debug)]
pub(super) struct Wanderer {
    rng: Rng,
    mood: Mood,
    /// When the mood changes.
    until: Tick,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    /// Stands and has come to rest: nothing of it changes.
    Rest,
    /// Stands, or slows down or falls until it does.
    Stand,
    /// Walks where this points.
    Walk(ArenaInput),
}

/// Puts the NPCs into the world.
pub(super) fn populate(world: &mut World, count: u32) {
    let seed = world.resource::<Seed>().0;
    let time = *world.resource::<TickTime>();
    for number in 0..count {
        let mut rng = Rng::stream(seed, u64::from(number));
        let place = world.resource::<Ground>().0.random_place(&mut rng);
        let body = BodyBundle::standing(place, rng.between(-PI, PI));
        // Not all at once.
        let until = time.after(rng.between(0.0, STAND_S.1));
        let wanderer = Wanderer { rng, mood: Mood::Stand, until };
        world.spawn((Kind::Npc, body, wanderer, Life::default(), Replicated));
    }
}

/// Walks those NPCs that walk; those at rest are only looked at.
pub(super) fn wander(ground: Res<Ground>, time: Res<TickTime>, mut npcs: Query<(&mut Wanderer, BodyMut)>) {
    for (mut wanderer, mut body) in &mut npcs {
        if body.is_dead() {
            // Falls if it was hit in the air, and gets its mood when it is alive again.
            wanderer.mood = Mood::Stand;
        } else if time.is_past(wanderer.until) {
            wanderer.change_mood(&time);
        }
        let input = match wanderer.mood {
            Mood::Rest => continue,
            Mood::Stand => ArenaInput::idle(body.look()),
            Mood::Walk(input) => input,
        };
        let changed = body.step(&input, &ground.0, time.delta_s);
        match wanderer.mood {
            Mood::Stand if !changed && !body.is_dead() => wanderer.mood = Mood::Rest,
            Mood::Walk(_) if body.is_halted() => wanderer.until = time.tick,
            _ => {}
        }
    }
}

impl Wanderer {
    fn change_mood(&mut self, time: &TickTime) {
        let (mood, (min_s, max_s)) = match self.mood {
            Mood::Walk(_) => (Mood::Stand, STAND_S),
            Mood::Stand | Mood::Rest => (Mood::Walk(self.stroll()), WALK_S),
        };
        self.mood = mood;
        self.until = time.after(self.rng.between(min_s, max_s));
    }

    /// A walk in some direction, from a slow pace to a run.
    fn stroll(&mut self) -> ArenaInput {
        let look = Facing { yaw: self.rng.between(-PI, PI), pitch: 0.0 };
        let forward = self.rng.between(0.25, 1.0);
        ArenaInput { forward, sprint: self.rng.below(4) == 0, ..ArenaInput::idle(look) }
    }
}
