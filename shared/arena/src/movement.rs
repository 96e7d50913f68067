//! How bodies move: one pure function that the server runs and that clients predict with.

use crate::body::{Facing, Position, Velocity};
use crate::input::ArenaInput;
use crate::map::{Map, into_arena};
use crate::solid::Solid;
use glam::{Vec2, Vec3};
use tidelock::state::Replicate;

/// What movement reads and writes of an avatar or NPC: an upright box on its feet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Body {
    /// The middle of its feet.
    pub position: Position,
    /// Where it goes.
    pub velocity: Velocity,
    /// Where it looks.
    pub facing: Facing,
}

impl Body {
    /// From the middle to a side, in metres.
    pub const HALF_WIDTH_M: f32 = 0.375;
    /// From the feet to the crown, in metres.
    pub const HEIGHT_M: f32 = 1.75;
    /// From the feet to the eyes, where shots start, in metres.
    pub const EYE_M: f32 = 1.5;

    /// Its eyes, in metres.
    #[must_use]
    pub fn eye(&self) -> Vec3 {
        self.position.0 + Vec3::new(0.0, 0.0, Self::EYE_M)
    }

    /// What shots at it have to meet.
    #[must_use]
    pub fn hull(place: Vec3) -> Solid {
        let margin = Vec2::splat(Self::HALF_WIDTH_M);
        Solid { min: place - margin.extend(0.0), max: place + margin.extend(Self::HEIGHT_M) }
    }

    /// As the other end will see it.
    #[must_use]
    pub fn snapped(&self) -> Self {
        Self { position: self.position.snapped(), velocity: self.velocity.snapped(), facing: self.facing.snapped() }
    }
}

/// Full pace, in m/s.
pub const WALK_SPEED: f32 = 5.0;
/// Full pace of who sprints, in m/s. Half a metre a second below [`Velocity::MAX`], which rounding must not exceed.
pub const SPRINT_SPEED: f32 = 7.5;
/// Upwards at the start of a jump, in m/s: just enough for the lowest obstacles, one metre high.
pub const JUMP_SPEED: f32 = 6.0;
/// In m/s².
pub const GRAVITY: f32 = 16.0;
/// How fast a [shot](crate::Kind::Projectile) flies along its facing, in m/s.
pub const SHOT_SPEED: f32 = 40.0;
/// How fast feet change the velocity, in m/s².
const ACCELERATION: f32 = 40.0;
/// How fast they bring it to rest, in m/s².
const FRICTION: f32 = 30.0;
/// How fast one can steer in the air, in m/s².
const AIR_ACCELERATION: f32 = 8.0;
/// No step is longer, in seconds.
const STEP_S_MAX: f32 = 1.0;

/// Moves a body by one tick of `delta_s` seconds (0 to 1; others are clamped).
///
/// Whatever goes in, what comes out is snapped to its lanes, inside the arena, outside of all obstacles, and no faster
/// than [`Velocity::MAX`] along the ground. The dead are stepped with [`ArenaInput::idle`].
#[must_use]
pub fn step(body: Body, input: &ArenaInput, map: &Map, delta_s: f32) -> Body {
    let delta_s = if delta_s > 0.0 { delta_s.min(STEP_S_MAX) } else { 0.0 };
    let input = input.snapped();
    let body = body.snapped();
    let mut place = map.freed(body.position.0);
    let is_grounded = place.z <= map.floor(place);
    let mut velocity = walk(body.velocity.0.truncate(), &input, is_grounded, delta_s).extend(fall(
        body.velocity.0.z,
        input.jump,
        is_grounded,
        delta_s,
    ));
    for axis in 0..3 {
        let wanted = place[axis] + velocity[axis] * delta_s;
        place[axis] = slide(map, place, axis, wanted);
        if place[axis] != wanted {
            velocity[axis] = 0.0;
        }
    }
    // Faces of obstacles and walls lie on whole steps of a position, so rounding cannot carry it through one.
    Body { position: Position(place).snapped(), velocity: Velocity(velocity).snapped(), facing: input.look }
}

/// The velocity along the ground after a tick: as near to what the input asks for as acceleration allows.
fn walk(velocity: Vec2, input: &ArenaInput, is_grounded: bool, delta_s: f32) -> Vec2 {
    let forward = input.look.forward();
    let right = Vec2::new(forward.y, -forward.x);
    let stick = (forward * input.forward + right * input.right).clamp_length_max(1.0);
    let wanted = stick * if input.sprint { SPRINT_SPEED } else { WALK_SPEED };
    let rate = match (is_grounded, wanted == Vec2::ZERO) {
        (true, false) => ACCELERATION,
        (true, true) => FRICTION,
        (false, false) => AIR_ACCELERATION,
        (false, true) => 0.0,
    };
    let change = (wanted - velocity).clamp_length_max(rate * delta_s);
    (velocity + change).clamp_length_max(SPRINT_SPEED)
}

/// The velocity upwards after a tick.
fn fall(velocity: f32, jumps: bool, is_grounded: bool, delta_s: f32) -> f32 {
    match (is_grounded, jumps) {
        (true, true) => JUMP_SPEED,
        (true, false) => 0.0,
        (false, _) => (velocity - GRAVITY * delta_s).max(-Velocity::MAX),
    }
}

/// How far along `axis` a body at `place`, which is free, gets towards `wanted` before something stops it.
fn slide(map: &Map, place: Vec3, axis: usize, wanted: f32) -> f32 {
    let mut target = place;
    target[axis] = wanted;
    target = into_arena(target);
    let margin = Vec2::splat(Body::HALF_WIDTH_M);
    let (min, max) = (place.min(target).truncate() - margin, place.max(target).truncate() + margin);
    for solid in map.solids_near(min, max) {
        let solid = solid.grown_for_body();
        if (0..3).any(|other| other != axis && !solid.spans(other, place)) {
            continue;
        }
        if place[axis] <= solid.min[axis] {
            target[axis] = target[axis].min(solid.min[axis]);
        } else {
            target[axis] = target[axis].max(solid.max[axis]);
        }
    }
    target[axis]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::MapParameters;
    use crate::rng::Rng;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, prop_compose, proptest};

    fn open_map() -> Map {
        Map::generate(MapParameters { seed: 0, obstacles: 0 })
    }

    fn run(body: Body, input: ArenaInput, map: &Map, ticks: u32) -> Body {
        (0..ticks).fold(body, |body, _| step(body, &input, map, 1.0 / 60.0))
    }

    #[test]
    fn standing_still_changes_nothing() {
        let body = Body::default();
        assert_eq!(run(body, ArenaInput::default(), &open_map(), 60), body);
    }

    #[test]
    fn walking_reaches_its_pace_and_stops_again() {
        let forward = ArenaInput { forward: 1.0, ..ArenaInput::default() };
        let walking = run(Body::default(), forward, &open_map(), 60);
        assert_eq!(walking.velocity.0, Vec3::new(WALK_SPEED, 0.0, 0.0));
        assert!((4.0..5.0).contains(&walking.position.0.x), "{}", walking.position.0);
        assert_eq!(run(walking, ArenaInput::default(), &open_map(), 20).velocity, Velocity::default());
    }

    #[test]
    fn the_right_hand_is_at_negative_y_when_looking_along_x() {
        let right = ArenaInput { right: 1.0, sprint: true, ..ArenaInput::default() };
        let walking = run(Body::default(), right, &open_map(), 60);
        assert_eq!(walking.velocity.0, Vec3::new(0.0, -SPRINT_SPEED, 0.0));
    }

    #[test]
    fn walking_diagonally_is_no_faster() {
        let diagonal = ArenaInput { forward: 1.0, right: 1.0, ..ArenaInput::default() };
        let speed = run(Body::default(), diagonal, &open_map(), 60).velocity.ground_speed();
        assert!((speed - WALK_SPEED).abs() < 0.02, "{speed}");
    }

    #[test]
    fn a_jump_clears_the_lowest_obstacles_and_lands() {
        let jump = ArenaInput { jump: true, ..ArenaInput::default() };
        let mut body = step(Body::default(), &jump, &open_map(), 1.0 / 30.0);
        let mut height_m = 0.0f32;
        for _ in 0..60 {
            body = step(body, &ArenaInput::default(), &open_map(), 1.0 / 30.0);
            height_m = height_m.max(body.position.0.z);
        }
        assert!((1.0..1.5).contains(&height_m), "{height_m}");
        assert_eq!(body, Body::default());
    }

    #[test]
    fn who_walks_off_an_obstacle_falls() {
        let map = Map::generate(MapParameters::new(4));
        let solid = map.solids()[0];
        let top = (solid.min + solid.max) / 2.0 + Vec3::new(0.0, 0.0, solid.max.z / 2.0);
        let body = Body { position: Position(top), ..Body::default() };
        assert_eq!(run(body, ArenaInput::default(), &map, 10).position.0.z, solid.max.z);
        let forward = ArenaInput { forward: 1.0, sprint: true, ..ArenaInput::default() };
        let end = run(body, forward, &map, 600);
        assert!(end.position.0.z < solid.max.z, "{}", end.position.0);
    }

    #[test]
    fn walls_of_the_arena_stop_a_runner() {
        let forward = ArenaInput { forward: 1.0, sprint: true, ..ArenaInput::default() };
        let end = run(Body::default(), forward, &open_map(), 1_200);
        assert_eq!(end.position.0, Vec3::new(Position::EXTENT_M - Body::HALF_WIDTH_M, 0.0, 0.0));
        assert_eq!(end.velocity, Velocity::default());
    }

    fn assert_lawful(body: Body, map: &Map) {
        assert_eq!(body, body.snapped());
        assert!(map.is_free(body.position.0), "{}", body.position.0);
        assert!(body.velocity.ground_speed() <= Velocity::MAX);
        assert!(body.velocity.0.z.abs() <= Velocity::MAX);
    }

    prop_compose! {
        fn any_input()(
            forward in any::<f32>(), right in any::<f32>(), yaw in any::<f32>(), pitch in any::<f32>(), buttons in 0u8..8,
        ) -> ArenaInput {
            let look = Facing { yaw, pitch };
            let [fire, jump, sprint] = [1, 2, 4].map(|flag| buttons & flag != 0);
            ArenaInput { forward, right, look, fire, jump, sprint, ..ArenaInput::default() }
        }
    }

    prop_compose! {
        fn any_vector()(x in any::<f32>(), y in any::<f32>(), z in any::<f32>()) -> Vec3 {
            Vec3::new(x, y, z)
        }
    }

    proptest! {
        #[test]
        fn any_state_and_input_give_a_lawful_state(
            position in any_vector(), velocity in any_vector(), input in any_input(), delta_s in any::<f32>(), seed in 0u64..4,
        ) {
            let map = Map::generate(MapParameters { seed, obstacles: 300 });
            let body = Body { position: Position(position), velocity: Velocity(velocity), facing: Facing::default() };
            assert_lawful(step(body, &input, &map, delta_s), &map);
        }

        #[test]
        fn a_long_run_stays_lawful_and_is_no_faster_than_allowed(seed in any::<u64>(), tick_hz in 1u16..=240) {
            let map = Map::generate(MapParameters { seed: seed % 4, obstacles: 400 });
            let mut rng = Rng::new(seed);
            let delta_s = 1.0 / f32::from(tick_hz);
            let mut body = Body { position: Position(map.random_place(&mut rng)), ..Body::default() };
            let mut input = ArenaInput::default();
            for tick in 0..300 {
                if tick % 20 == 0 {
                    let look = Facing { yaw: rng.between(-3.2, 3.2), pitch: 0.0 };
                    let (forward, right) = (rng.between(-1.0, 1.0), rng.between(-1.0, 1.0));
                    let [jump, sprint] = [rng.below(2) == 0, rng.below(2) == 0];
                    input = ArenaInput { forward, right, jump, sprint, ..ArenaInput::idle(look) };
                }
                let next = step(body, &input, &map, delta_s);
                assert_lawful(next, &map);
                let moved_m = next.position.ground().distance(body.position.ground());
                prop_assert!(moved_m <= Velocity::MAX * delta_s + Position::STEP_M, "{moved_m} m in {delta_s} s");
                body = next;
            }
        }

        #[test]
        fn prediction_from_lanes_gives_the_same_bits(seed in any::<u64>(), input in any_input()) {
            let map = Map::generate(MapParameters::new(seed % 4));
            let body = Body { position: Position(map.random_place(&mut Rng::new(seed))), ..Body::default() };
            let server = step(body, &input.snapped(), &map, 1.0 / 60.0);
            prop_assert_eq!(step(body, &input, &map, 1.0 / 60.0), server);
        }
    }
}
