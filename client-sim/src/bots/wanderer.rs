use std::f32::consts::PI;

use tidelock::Tick;
use tidelock_arena::{ArenaInput, Facing, Map};

use super::steering::{clear_yaw, is_clear, turned};
use super::{Bot, Seen, Sight};
use crate::link::Rng;

/// Walks about: a few seconds in one direction, a stop now and then, around obstacles and away from walls.
#[derive(Debug)]
pub struct Wanderer {
    rng: Rng,
    heading: f32,
    look: f32,
    pace: Pace,
    ticks_left: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    Stand,
    Walk,
    Sprint,
}

impl Wanderer {
    /// Turns by this much in a tick, at most, in radians.
    const TURN_MAX: f32 = 0.12;
    /// How many ticks it keeps a direction.
    const LEG_TICKS: (u64, u64) = (40, 240);

    /// The same seed walks the same way through the same place.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::stream(seed, 0);
        let heading = rng.between(f64::from(-PI), f64::from(PI)) as f32;
        Self { rng, heading, look: heading, pace: Pace::Walk, ticks_left: 0 }
    }

    fn pass_tick(&mut self) {
        if self.ticks_left == 0 {
            self.set_out();
        }
        self.ticks_left -= 1;
    }

    /// Turns to where it is heading, and walks on.
    fn walk(&mut self) -> ArenaInput {
        self.look = turned(self.look, self.heading, Self::TURN_MAX);
        ArenaInput {
            forward: if self.pace == Pace::Stand { 0.0 } else { 1.0 },
            look: Facing { yaw: self.look, pitch: 0.0 },
            sprint: self.pace == Pace::Sprint,
            ..ArenaInput::default()
        }
    }

    /// Picks what to do next.
    fn set_out(&mut self) {
        let (least, most) = Self::LEG_TICKS;
        self.ticks_left = least + self.rng.below(most - least);
        self.heading = self.rng.between(f64::from(-PI), f64::from(PI)) as f32;
        self.pace = match self.rng.below(10) {
            0..2 => Pace::Stand,
            2..8 => Pace::Walk,
            _ => Pace::Sprint,
        };
    }
}

impl Bot for Wanderer {
    fn input(&mut self, avatar: &Seen, _: &dyn Sight, map: Option<&Map>, _: Tick) -> ArenaInput {
        self.pass_tick();
        if self.pace != Pace::Stand && !is_clear(avatar.position, self.heading, map) {
            self.heading = clear_yaw(avatar.position, self.heading, map);
        }
        self.walk()
    }

    fn input_unseeing(&mut self, _: Tick) -> ArenaInput {
        self.pass_tick();
        self.walk()
    }
}
