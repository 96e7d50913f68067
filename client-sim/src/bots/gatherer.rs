use tidelock::Tick;
use tidelock_arena::{ArenaInput, Facing, Map};

use super::steering::{clear_yaw, turned};
use super::{Bot, Seen, Sight, Wanderer};

/// Walks to the middle of the arena, and about there, where all its kind are: everybody sees everybody.
#[derive(Debug)]
pub struct Gatherer {
    look: f32,
    /// What it does once it is there.
    stroll: Wanderer,
}

impl Gatherer {
    /// Where they gather, in metres around the middle.
    pub const RADIUS_M: f32 = 8.0;
    /// Turns by this much in a tick, at most, in radians.
    const TURN_MAX: f32 = 0.12;

    /// The same seed walks the same way through the same place.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { look: 0.0, stroll: Wanderer::new(seed) }
    }
}

impl Bot for Gatherer {
    fn input(&mut self, avatar: &Seen, sight: &dyn Sight, map: Option<&Map>, tick: Tick) -> ArenaInput {
        let to_middle = -avatar.position.with_z(0.0);
        if to_middle.length() < Self::RADIUS_M {
            let input = self.stroll.input(avatar, sight, map, tick);
            self.look = input.look.yaw;
            return input;
        }
        let wanted = clear_yaw(avatar.position, Facing::towards(to_middle).yaw, map);
        self.look = turned(self.look, wanted, Self::TURN_MAX);
        ArenaInput { forward: 1.0, look: Facing { yaw: self.look, pitch: 0.0 }, sprint: true, ..ArenaInput::default() }
    }

    fn input_unseeing(&mut self, tick: Tick) -> ArenaInput {
        self.stroll.input_unseeing(tick)
    }
}
