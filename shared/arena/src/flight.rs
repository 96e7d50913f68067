//! How shots fly: one step that the server runs, and that clients predict with.

use crate::body::{Facing, Position};
use crate::map::Map;
use crate::movement::{Body, SHOT_SPEED};
use glam::Vec3;

/// A shot in the air. The server flies it past the bodies that its shooter was shown, and clients fly it past what
/// their screens show, by the same steps: so both tell the same hits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flight {
    /// Where it is, exactly, in metres.
    pub place: Vec3,
    /// In m/s.
    pub velocity: Vec3,
    /// Ticks until it vanishes, the one in which it does not counted.
    pub ticks_left: u32,
}

/// What became of a shot in a tick. `T` names a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg<T> {
    /// It flies on.
    Flies,
    /// It met a body, and is no more.
    Hits(T),
    /// It met an obstacle, or the end of the arena or of its time.
    Ends,
}

/// A shot that hits nothing lasts this long, in seconds.
const FLIGHT_S: f32 = 1.5;

impl Flight {
    /// Leaves the eyes of who stands at `position` and looks along `facing`. Its first step is that of the same tick, after
    /// the shooter's own.
    #[must_use]
    pub fn fired(position: Position, facing: Facing, tick_hz: u32) -> Self {
        Self {
            place: position.0 + Vec3::new(0.0, 0.0, Body::EYE_M),
            velocity: facing.direction() * SHOT_SPEED,
            // The product may lie a trace above a whole number.
            ticks_left: libm::ceilf(FLIGHT_S * tick_hz as f32 - 0.001) as u32,
        }
    }

    /// Flies a tick of `delta_s` seconds. `meets` tells which body it meets first from one place to another, and how far
    /// along, 0 to 1, as [`first_met`] does; a body within an obstacle is met before it.
    pub fn step<T>(&mut self, map: &Map, delta_s: f32, meets: impl FnOnce(Vec3, Vec3) -> Option<(f32, T)>) -> Leg<T> {
        let (from, to) = (self.place, self.place + self.velocity * delta_s);
        let obstacle = map.first_hit(from, to);
        let met = meets(from, to).filter(|(at, _)| obstacle.is_none_or(|obstacle| *at <= obstacle));
        if let Some((_, body)) = met {
            return Leg::Hits(body);
        }
        if obstacle.is_some() || !is_inside(to) || self.ticks_left == 0 {
            return Leg::Ends;
        }
        self.ticks_left -= 1;
        self.place = to;
        Leg::Flies
    }
}

/// The first of these bodies, each with the place of its feet, that the line from `from` to `to` meets, and how far along,
/// 0 to 1. Of several at one distance it is the one named first.
pub fn first_met<T>(from: Vec3, to: Vec3, bodies: impl IntoIterator<Item = (T, Vec3)>) -> Option<(f32, T)> {
    let met = bodies.into_iter().filter_map(|(body, place)| Some((Body::hull(place).entry(from, to)?, body)));
    met.reduce(|first, next| if next.0 < first.0 { next } else { first })
}

fn is_inside(place: Vec3) -> bool {
    place.truncate().abs().max_element() <= Position::EXTENT_M && (0.0..=Position::CEILING_M).contains(&place.z)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::MapParameters;

    const DELTA_S: f32 = 1.0 / 60.0;

    fn open_map() -> Map {
        Map::generate(MapParameters { seed: 0, obstacles: 0 })
    }

    /// The leg with which a flight past these bodies ends, and how many there were.
    fn fly(mut flight: Flight, map: &Map, bodies: &[(u8, Vec3)]) -> (u32, Leg<u8>) {
        (1..)
            .map(|leg| (leg, flight.step(map, DELTA_S, |from, to| first_met(from, to, bodies.iter().copied()))))
            .find(|(_, leg)| *leg != Leg::Flies)
            .expect("its time ends")
    }

    #[test]
    fn it_hits_the_nearest_body_on_its_way() {
        let flight = Flight::fired(Position::default(), Facing::default(), 60);
        let bodies = [(1, Vec3::new(9.0, 0.0, 0.0)), (2, Vec3::new(5.0, 0.0, 0.0)), (3, Vec3::new(3.0, 1.0, 0.0))];
        // 5 m less half a width, at two thirds of a metre a tick.
        assert_eq!(fly(flight, &open_map(), &bodies), (7, Leg::Hits(2)));
    }

    #[test]
    fn it_ends_with_its_time_or_the_arena() {
        let flight = Flight::fired(Position::default(), Facing::default(), 60);
        assert_eq!(fly(flight, &open_map(), &[]), (91, Leg::Ends));
        let edge = Flight::fired(Position(Vec3::new(99.0, 0.0, 0.0)), Facing::default(), 60);
        assert_eq!(fly(edge, &open_map(), &[]), (2, Leg::Ends));
    }

    #[test]
    fn an_obstacle_ends_it_before_what_stands_behind() {
        let map = Map::generate(MapParameters::new(7));
        let solid = map.solids()[0];
        let middle = (solid.min + solid.max) / 2.0;
        let flight = Flight {
            place: Vec3::new(solid.min.x - 1.0, middle.y, 0.5),
            velocity: Vec3::X * SHOT_SPEED,
            ticks_left: 90,
        };
        let behind = Vec3::new(solid.max.x + 0.5, middle.y, 0.0);
        assert!(matches!(fly(flight, &map, &[(1, behind)]), (_, Leg::Ends)));
        let before = Vec3::new(solid.min.x - 0.5, middle.y, 0.0);
        assert_eq!(fly(flight, &map, &[(1, behind), (2, before)]), (1, Leg::Hits(2)));
    }
}
