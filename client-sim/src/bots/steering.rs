use std::f32::consts::{PI, TAU};

use glam::{Vec2, Vec3};
use tidelock_arena::{Facing, Map, Position};

/// An obstacle or wall this close ahead is turned away from, in metres.
const CLEARANCE_M: f32 = 2.5;
/// Low enough to meet the lowest obstacles, one metre high.
const KNEE_M: f32 = 0.5;

/// Whether one can walk a few steps from `position` towards `yaw`, as far as the map tells. Without a map, only the
/// arena's walls count.
pub(super) fn is_clear(position: Vec3, yaw: f32, map: Option<&Map>) -> bool {
    let direction = Facing { yaw, pitch: 0.0 }.forward();
    let end = position.truncate() + direction * CLEARANCE_M;
    let wall_m = Position::EXTENT_M - 1.0;
    if end.abs().max_element() > wall_m && leads_outwards(position.truncate(), direction, wall_m) {
        return false;
    }
    let knee = Vec3::new(0.0, 0.0, KNEE_M);
    map.is_none_or(|map| map.first_hit(position + knee, end.extend(position.z) + knee).is_none())
}

/// Whoever stands at a wall may walk away from it.
fn leads_outwards(ground: Vec2, direction: Vec2, wall_m: f32) -> bool {
    let axis = |place: f32, pace: f32| (place + pace * CLEARANCE_M).abs() > wall_m && place * pace > 0.0;
    axis(ground.x, direction.x) || axis(ground.y, direction.y)
}

/// The direction nearest to `yaw` that is clear: it looks to both sides in steps of 30 degrees. `yaw` if none is.
pub(super) fn clear_yaw(position: Vec3, yaw: f32, map: Option<&Map>) -> f32 {
    let aside = (1..=6).flat_map(|step| [step as f32, -step as f32]).map(|step| yaw + step * PI / 6.0);
    std::iter::once(yaw).chain(aside).map(wrapped).find(|yaw| is_clear(position, *yaw, map)).unwrap_or(yaw)
}

/// `from` turned towards `to` the short way, by at most `step` radians.
pub(super) fn turned(from: f32, to: f32, step: f32) -> f32 {
    wrapped(from + wrapped(to - from).clamp(-step, step))
}

/// The same angle, from -pi to pi.
pub(super) fn wrapped(angle: f32) -> f32 {
    let turns = (angle / TAU + 0.5).floor();
    angle - turns * TAU
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turning_takes_the_short_way() {
        assert!((turned(3.0, -3.0, 0.1) - 3.1).abs() < 1e-5);
        assert!((turned(0.5, 0.6, 1.0) - 0.6).abs() < 1e-5);
        assert!((turned(-3.1, 3.1, 0.2) - 3.1).abs() < 1e-5);
    }

    #[test]
    fn a_wall_ahead_is_seen_and_left_behind() {
        let corner = Vec3::new(Position::EXTENT_M - 0.5, 0.0, 0.0);
        assert!(!is_clear(corner, 0.0, None));
        assert!(is_clear(corner, PI, None));
        assert!(is_clear(corner, clear_yaw(corner, 0.0, None), None));
    }

    #[test]
    fn an_obstacle_ahead_is_walked_around() {
        let map = Map::generate(tidelock_arena::map::MapParameters::new(7));
        let solid = map.solids()[0];
        let middle = (solid.min + solid.max) / 2.0;
        let before = Vec3::new(solid.min.x - 1.0, middle.y, 0.0);
        assert!(!is_clear(before, 0.0, Some(&map)));
        assert!(is_clear(before, clear_yaw(before, 0.0, Some(&map)), Some(&map)));
    }
}
