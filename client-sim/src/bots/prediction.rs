use std::sync::Arc;

use tidelock::Tick;
use tidelock_arena::{ArenaInput, Body, Facing, Kind, Map, Position, Status, Velocity, movement};

use crate::client::{Predict, View};

/// How a client predicts its own avatar: by the movement step that the server runs too.
#[derive(Clone, Debug)]
pub struct AvatarPrediction {
    map: Arc<Map>,
    delta_s: f32,
}

impl AvatarPrediction {
    /// On this map, at `tick_hz` ticks a second.
    #[must_use]
    pub fn new(map: Arc<Map>, tick_hz: u32) -> Self {
        Self { map, delta_s: 1.0 / tick_hz.max(1) as f32 }
    }
}

impl Predict for AvatarPrediction {
    type Input = ArenaInput;
    type State = Body;

    fn observe(&self, view: &View) -> Option<(Tick, Body)> {
        let avatar = view.owned().find(|entity| entity.get::<Kind>() == Some(Kind::Avatar))?;
        let is_dead = avatar.get::<Status>().is_some_and(|status| status.dead);
        let body = Body {
            position: avatar.get::<Position>()?,
            velocity: avatar.get::<Velocity>()?,
            facing: avatar.get::<Facing>()?,
        };
        (!is_dead).then(|| (avatar.tick(), body))
    }

    fn step(&self, body: &Body, input: &ArenaInput) -> Body {
        movement::step(*body, input, &self.map, self.delta_s)
    }

    fn distance_m(&self, a: &Body, b: &Body) -> f32 {
        a.position.0.distance(b.position.0)
    }
}
