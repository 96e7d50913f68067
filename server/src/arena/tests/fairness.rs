use super::shots::stand_off;
use super::{Match, firing, idle};
use glam::Vec3;
use tidelock::{Moment, Tick, ViewAge};
use tidelock_arena::{ArenaInput, Facing, Health, Hit, Kind, Position, Solid, Status};

/// A view that is so many ticks old.
fn aged(ticks: f32) -> ViewAge {
    ViewAge::of(Tick(1_000), Moment::at(Tick(1_000)).add(-ticks))
}

/// Shoots at what was so many ticks ago.
fn firing_at(ticks_ago: f32) -> ArenaInput {
    ArenaInput { shown: aged(ticks_ago), ..firing() }
}

/// In metres a tick: 5 m/s.
const PACE_M: f32 = 5.0 / 60.0;
/// Ticks from a shot to the leg in which it passes 10 m.
const FLIGHT_TICKS: i32 = 14;

/// Player 2 walks across the line of fire of player 1, 10 m away, and is on it in tick `crosses` after a shot by a view
/// that is so many ticks old. Returns whether that hits.
fn is_hit(mut game: Match, crosses: i32, ticks_ago: f32) -> bool {
    let walker = game.avatar(2).unwrap();
    let middle = game.of::<Position>(walker).0;
    for tick in -60..60 {
        let across = Vec3::Y * PACE_M * (tick - crosses) as f32;
        game.set(walker, Position(middle + across));
        game.tick(&[(1, if tick == 0 { firing_at(ticks_ago) } else { idle() })]);
    }
    let hits = game.sent::<Hit>().len();
    assert_eq!(usize::from(game.of::<Health>(walker) != Health(100)), hits);
    hits == 1
}

fn fair() -> Match {
    stand_off(Match::new(6, 0))
}

fn unfair() -> Match {
    stand_off(Match::unfair(6, 0))
}

#[test]
fn who_walks_is_hit_where_the_shooter_saw_it_200_ms_ago() {
    assert!(is_hit(fair(), FLIGHT_TICKS - 12, 12.0));
    assert!(!is_hit(fair(), FLIGHT_TICKS, 12.0), "on the line now, but not on the screen");
    assert!(is_hit(fair(), FLIGHT_TICKS, 0.0));
    assert!(!is_hit(fair(), FLIGHT_TICKS - 12, 0.0));
}

#[test]
fn without_compensation_the_same_shot_misses() {
    assert!(!is_hit(unfair(), FLIGHT_TICKS - 12, 12.0));
    assert!(is_hit(unfair(), FLIGHT_TICKS, 12.0));
}

#[test]
fn between_two_ticks_it_is_where_it_was_on_its_way() {
    // It leaves the line: four and a half ticks after it crossed, half its width is gone.
    let hits = |ticks_ago: f32| is_hit(fair(), FLIGHT_TICKS - 10 - 4, ticks_ago);
    assert_eq!([10.0, 9.75, 9.25, 9.0].map(hits), [true, true, false, false]);
}

#[test]
fn whoever_claims_to_see_more_than_a_quarter_of_a_second_ago_sees_that() {
    for claimed in [15.0, 20.0, 255.0] {
        assert!(is_hit(fair(), FLIGHT_TICKS - 15, claimed), "{claimed}");
        assert!(!is_hit(fair(), FLIGHT_TICKS - 30, claimed), "{claimed}");
    }
}

/// Player 1 shoots at a wall from 2 m away, by a view that is 15 ticks old, and player 2 was `then` metres behind its middle
/// and is `now`. Returns whether that hits.
fn is_hit_at_a_wall(then: f32, now: f32) -> bool {
    let mut game = fair();
    let is_thin = |solid: &&Solid| solid.max.x - solid.min.x == 1.0 && solid.max.z == 3.0;
    let wall = *game.map().solids().iter().find(is_thin).unwrap();
    let middle = ((wall.min + wall.max) / 2.0).with_z(0.0);
    let [shooter, walker] = [1, 2].map(|client_id| game.avatar(client_id).unwrap());
    game.set(shooter, Position(middle - Vec3::X * 2.4));
    game.set(walker, Position(middle + Vec3::X * then));
    game.ticks(30, &[]);
    game.set(walker, Position(middle + Vec3::X * now));
    game.tick(&[(1, firing_at(15.0))]);
    game.ticks(10, &[]);
    game.of::<Health>(walker) != Health(100)
}

#[test]
fn a_wall_between_shields_who_is_before_it_now_and_not_who_was() {
    let (before, behind) = (-0.9, 0.95);
    assert!(!is_hit_at_a_wall(behind, before));
    assert!(is_hit_at_a_wall(before, behind));
    assert!(!is_hit_at_a_wall(behind, behind));
    assert!(is_hit_at_a_wall(before, before));
}

/// Whether a shot by a view that is 12 ticks old hits who joined so many ticks after it, before its muzzle.
fn is_hit_who_joins(ticks_later: u32) -> bool {
    let mut game = fair();
    let victim = game.avatar(2).unwrap();
    let place = game.of::<Position>(victim);
    game.leave(2);
    game.tick(&[(1, firing_at(12.0))]);
    game.ticks(ticks_later - 1, &[]);
    game.join(3);
    let late = game.avatar(3).unwrap();
    game.set(late, place);
    game.ticks(30, &[]);
    game.of::<Health>(late) != Health(100)
}

#[test]
fn who_joined_since_is_not_yet_on_the_shooters_screen() {
    // When the shot passes, the shooter is shown what was two ticks after it.
    assert!(is_hit_who_joins(1));
    assert!(!is_hit_who_joins(4));
}

#[test]
fn who_lay_dead_then_is_not_met_and_who_died_since_is_but_loses_nothing() {
    for (then, now) in [(true, false), (false, true)] {
        let mut game = fair();
        let target = game.avatar(2).unwrap();
        game.set(target, Status { dead: then, hit: false });
        game.ticks(30, &[]);
        game.tick(&[(1, firing_at(15.0))]);
        game.ticks(13, &[]);
        game.set(target, Status { dead: now, hit: false });
        game.ticks(20, &[]);
        assert_eq!(game.of::<Health>(target), Health(100), "dead then: {then}");
        let told: Vec<_> = game.sent::<Hit>().iter().map(|sent| sent.event.points).collect();
        assert_eq!(told, if then { vec![] } else { vec![0] });
    }
}

#[test]
fn movement_is_never_rewound() {
    let play = |age: f32| {
        let mut game = Match::new(3, 50);
        game.join(1);
        game.join(2);
        for tick in 0..200 {
            let look = Facing { yaw: tick as f32 * 0.03, pitch: 0.3 };
            let walk = ArenaInput { forward: 1.0, look, sprint: true, fire: true, shown: aged(age), ..idle() };
            game.tick(&[(1, walk), (2, walk)]);
        }
        assert!(!game.all(Kind::Projectile).is_empty());
        game.lanes()
    };
    // Shots over all heads hit nobody, and nothing else depends on what was shown.
    assert_eq!(play(0.0), play(255.0));
}
