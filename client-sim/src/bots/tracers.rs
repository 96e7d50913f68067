use std::sync::Arc;

use tidelock::Tick;
use tidelock::state::NetId;
use tidelock_arena::flight::{Flight, Leg, first_met};
use tidelock_arena::{Body, Kind, Map, Position, Status};

use crate::client::{Scene, SceneEntity};

/// The shots of one player as its own screen shows them: flown tick by tick past what is shown of the others, by the steps
/// that the server flies them with. What they meet is what a fair server awards.
#[derive(Debug)]
pub struct Tracers {
    map: Arc<Map>,
    tick_hz: u32,
    /// In the air, oldest first, with the tick in which each was fired.
    flights: Vec<(Tick, Flight)>,
}

/// A shot that met somebody on its shooter's screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScreenHit {
    /// The tick of the input that fired it.
    pub fired: Tick,
    /// Whom it met.
    pub target: NetId,
    /// Where that stood was a guess: no snapshot told of it yet.
    pub is_extrapolated: bool,
}

impl Tracers {
    /// On this map, at `tick_hz` ticks a second.
    #[must_use]
    pub const fn new(map: Arc<Map>, tick_hz: u32) -> Self {
        Self { map, tick_hz, flights: Vec::new() }
    }

    /// A shot leaves the player's own body, which is predicted as of the end of `tick`. Its first step is that of the same tick.
    pub fn fire(&mut self, tick: Tick, body: &Body) {
        self.flights.push((tick, Flight::fired(body.position, body.facing, self.tick_hz)));
    }

    /// The shot of the input for `tick` did not go off after all.
    pub fn undo(&mut self, tick: Tick) {
        self.flights.retain(|(fired, _)| *fired != tick);
    }

    /// Flies all shots for one tick of the client's, past others as `scene` shows them. What meets somebody is gone, as
    /// is what meets an obstacle.
    pub fn step(&mut self, scene: &Scene<'_>) -> Vec<ScreenHit> {
        let mut hits = Vec::new();
        if self.flights.is_empty() {
            return hits;
        }
        let targets: Vec<_> = scene.entities().filter_map(|entity| Some((entity, standing(&entity)?))).collect();
        let (map, delta_s) = (&self.map, 1.0 / self.tick_hz.max(1) as f32);
        self.flights.retain_mut(|(fired, flight)| {
            let leg = flight.step(map, delta_s, |from, to| first_met(from, to, targets.iter().copied()));
            if let Leg::Hits(target) = leg {
                let is_extrapolated = target.is_extrapolated();
                hits.push(ScreenHit { fired: *fired, target: target.id(), is_extrapolated });
            }
            matches!(leg, Leg::Flies)
        });
        hits
    }
}

/// Where somebody stands who can be hit.
fn standing(entity: &SceneEntity<'_>) -> Option<glam::Vec3> {
    let is_body = matches!(entity.latest::<Kind>()?, Kind::Avatar | Kind::Npc);
    let is_target = is_body && !entity.latest::<Status>()?.dead && !entity.is_owned();
    is_target.then(|| entity.get::<Position>().map(|position| position.0))?
}
