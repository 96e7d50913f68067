use super::{Match, firing, idle};
use crate::game::Recipients;
use glam::Vec3;
use tidelock::ClientId;
use tidelock_arena::{Ammo, ArenaInput, Cooldown, Facing, Health, Hit, Kind, Position, Score, Status};

/// Player 1 looks at player 2, 10 m away.
fn duel() -> Match {
    stand_off(Match::new(6, 0))
}

/// The same in a match without players.
pub(super) fn stand_off(mut game: Match) -> Match {
    game.join(1);
    game.join(2);
    let place = game.clear_lane();
    for (client_id, x) in [(1, 0.0), (2, 10.0)] {
        let avatar = game.avatar(client_id).unwrap();
        game.set(avatar, Position(place + Vec3::X * x));
    }
    game
}

#[test]
fn a_shot_flies_hits_hurts_and_tells_the_shooter() {
    let mut game = duel();
    game.tick(&[(1, firing())]);
    let fired_in = game.tick_number();
    assert_eq!(game.all(Kind::Projectile).len(), 1);
    let victim = game.avatar(2).unwrap();
    game.ticks(20, &[]);
    assert!(game.all(Kind::Projectile).is_empty());
    assert_eq!(game.of::<Health>(victim), Health(80));
    assert_eq!(game.of::<Status>(victim), Status { dead: false, hit: true });
    let hits = game.sent::<Hit>();
    assert_eq!(hits.len(), 1);
    let Hit { points, killed, fired, target } = hits[0].event;
    assert_eq!((points, killed, fired), (20, false, fired_in));
    assert_eq!(target, game.name_of(victim));
    assert_eq!(hits[0].to, Recipients::One(ClientId(1)));
    game.ticks(15, &[]);
    assert_eq!(game.of::<Status>(victim), Status::default());
}

#[test]
fn a_held_trigger_fires_at_the_pace_of_the_weapon_until_it_is_empty() {
    let mut game = duel();
    let shooter = game.avatar(1).unwrap();
    game.tick(&[(1, firing())]);
    assert_eq!((game.of::<Ammo>(shooter), game.of::<Cooldown>(shooter)), (Ammo(29), Cooldown(15)));
    game.ticks(14, &[(1, firing())]);
    assert_eq!((game.of::<Ammo>(shooter), game.of::<Cooldown>(shooter)), (Ammo(29), Cooldown(1)));
    game.tick(&[(1, firing())]);
    assert_eq!((game.of::<Ammo>(shooter), game.of::<Cooldown>(shooter)), (Ammo(28), Cooldown(15)));
    game.ticks(30 * 15, &[(1, firing())]);
    assert_eq!(game.of::<Ammo>(shooter), Ammo(0));
    game.ticks(90, &[(1, firing())]);
    assert!(game.all(Kind::Projectile).is_empty());
}

#[test]
fn five_hits_kill_and_three_seconds_later_the_same_avatar_lives_elsewhere() {
    let mut game = duel();
    let (killer, victim) = (game.avatar(1).unwrap(), game.avatar(2).unwrap());
    let place = game.of::<Position>(victim);
    game.ticks(75, &[(1, firing()), (2, idle())]);
    assert_eq!((game.of::<Health>(victim), game.of::<Status>(victim).dead), (Health(0), true));
    assert_eq!((game.of::<Score>(killer).kills, game.of::<Score>(victim).deaths), (1, 1));
    let last = game.sent::<Hit>().last().unwrap().event;
    assert_eq!((last.points, last.killed), (20, true));
    assert!(game.lines().contains(&(None, "1 killed 2".to_owned())));

    let running = ArenaInput { forward: 1.0, ..firing() };
    game.ticks(120, &[(2, running)]);
    assert_eq!((game.of::<Position>(victim), game.of::<Ammo>(victim)), (place, Ammo(30)), "the dead do nothing");
    game.ticks(80, &[(2, idle())]);
    assert_eq!((game.of::<Health>(victim), game.of::<Status>(victim)), (Health(100), Status::default()));
    assert_eq!(game.avatar(2), Some(victim));
    assert!(game.of::<Position>(victim).0.distance(place.0) > 1.0);
}

#[test]
fn a_shot_that_meets_nobody_ends_with_its_time() {
    let mut game = duel();
    let up = ArenaInput { look: Facing { yaw: 0.0, pitch: 0.12 }, ..firing() };
    game.tick(&[(1, up)]);
    game.ticks(10, &[]);
    assert_eq!(game.all(Kind::Projectile).len(), 1);
    game.ticks(90, &[]);
    assert!(game.all(Kind::Projectile).is_empty());
}

#[test]
fn a_wall_stops_a_shot() {
    let mut game = duel();
    let solids = game.map().solids().to_vec();
    // A thin wall across `x`, with the two players on either side of it.
    let wall = solids.iter().find(|solid| solid.max.x - solid.min.x == 1.0 && solid.max.z == 3.0).unwrap();
    let middle = ((wall.min + wall.max) / 2.0).with_z(0.0);
    for (client_id, x) in [(1, -1.5), (2, 1.5)] {
        let avatar = game.avatar(client_id).unwrap();
        game.set(avatar, Position(middle + Vec3::X * x));
    }
    game.ticks(60, &[(1, firing())]);
    let victim = game.avatar(2).unwrap();
    assert_eq!(game.of::<Health>(victim), Health(100));
}

#[test]
fn a_shooter_who_left_still_hits_but_scores_nothing() {
    let mut game = duel();
    game.tick(&[(1, firing())]);
    game.leave(1);
    game.ticks(20, &[]);
    let victim = game.avatar(2).unwrap();
    assert_eq!(game.of::<Health>(victim), Health(80));
}

#[test]
fn shots_in_the_air_are_bounded() {
    let mut game = Match::new(6, 0);
    for client_id in 0..300 {
        game.join(client_id);
    }
    let up = ArenaInput { look: Facing { yaw: 0.0, pitch: 0.1 }, ..firing() };
    let inputs: Vec<_> = (0..300).map(|client_id| (client_id, up)).collect();
    let mut most = 0;
    for _ in 0..120 {
        game.tick(&inputs);
        most = most.max(game.all(Kind::Projectile).len());
    }
    assert!((300..=crate::arena::shots::SHOTS_MAX).contains(&most), "{most}");
}
