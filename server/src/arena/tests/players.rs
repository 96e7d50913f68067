use super::{Match, idle};
use crate::game::{JoinPayload, Replicated, Viewpoint};
use glam::Vec3;
use tidelock_arena::movement::{self, Body};
use tidelock_arena::{Ammo, ArenaInput, Facing, Health, Kind, Map, Position, Velocity};

#[test]
fn who_joins_gets_an_avatar_to_look_from_and_who_leaves_loses_it() {
    let mut game = Match::new(1, 0);
    game.join(7);
    game.join(8);
    let avatar = game.avatar(7).unwrap();
    assert_eq!(game.of::<Kind>(avatar), Kind::Avatar);
    assert_eq!((game.of::<Health>(avatar), game.of::<Ammo>(avatar)), (Health(100), Ammo(30)));
    let entity = game.world().entity(avatar);
    assert!(entity.contains::<Viewpoint>() && entity.contains::<Replicated>());
    game.leave(7);
    assert_eq!(game.avatar(7), None);
    assert!(game.avatar(8).is_some());
}

#[test]
fn who_joins_twice_keeps_one_avatar() {
    let mut game = Match::new(1, 0);
    game.join(7);
    let avatar = game.avatar(7);
    game.join(7);
    assert_eq!(game.all(Kind::Avatar).len(), 1);
    assert_eq!(game.avatar(7), avatar);
}

#[test]
fn a_client_predicts_its_avatar_to_the_bit() {
    let mut game = Match::new(5, 0);
    game.join(7);
    let avatar = game.avatar(7).unwrap();
    let map = Map::from_payload(&game.world().resource::<JoinPayload>().0).unwrap();
    let body =
        |game: &mut Match| Body { position: game.of(avatar), velocity: game.of(avatar), facing: game.of(avatar) };
    let mut predicted = body(&mut game);
    for tick in 0..600 {
        let look = Facing { yaw: tick as f32 * 0.013, pitch: 0.2 };
        let input = ArenaInput { forward: 0.9, jump: tick % 50 == 0, sprint: tick % 90 < 45, ..ArenaInput::idle(look) };
        game.tick(&[(7, input)]);
        predicted = movement::step(predicted, &input, &map, 1.0 / 60.0);
        assert_eq!(body(&mut game), predicted);
    }
}

#[test]
fn an_idle_player_changes_nothing() {
    let mut game = Match::new(1, 0);
    game.join(7);
    let avatar = game.avatar(7).unwrap();
    game.ticks(2, &[(7, idle())]);
    game.world().clear_trackers();
    game.ticks(60, &[(7, idle())]);
    let world = game.world();
    let (since, now) = (world.last_change_tick(), world.read_change_tick());
    let entity = world.entity(avatar);
    let changed = [
        entity.get_change_ticks::<Position>(),
        entity.get_change_ticks::<Velocity>(),
        entity.get_change_ticks::<Facing>(),
        entity.get_change_ticks::<Health>(),
        entity.get_change_ticks::<Ammo>(),
        entity.get_change_ticks::<tidelock_arena::Status>(),
        entity.get_change_ticks::<tidelock_arena::Cooldown>(),
        entity.get_change_ticks::<tidelock_arena::Score>(),
    ];
    assert!(changed.iter().all(|ticks| !ticks.unwrap().is_changed(since, now)));
}

#[test]
fn who_has_no_input_stays() {
    let mut game = Match::new(1, 0);
    game.join(7);
    let avatar = game.avatar(7).unwrap();
    let place = game.of::<Position>(avatar);
    game.ticks(30, &[(9, ArenaInput { forward: 1.0, ..idle() })]);
    assert_eq!(game.of::<Position>(avatar), place);
}

#[test]
fn avatars_appear_on_free_ground() {
    let mut game = Match::new(1, 0);
    for client_id in 0..50 {
        game.join(client_id);
        let avatar = game.avatar(client_id).unwrap();
        let place: Vec3 = game.of::<Position>(avatar).0;
        assert!(game.map().is_free(place));
    }
}
