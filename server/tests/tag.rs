//! A game that is not ours plugs in through the public API alone.

#[path = "../examples/tag/game.rs"]
mod tag;

use glam::Vec2;
use tag::{Dashes, FIELD_M, It, Run, Runner, SPEED, Tag, Tagged};
use tidelock::ClientId;
use tidelock_server::game::{AlwaysRelevant, Owner, Rehearsal};

const A: ClientId = ClientId(1);
const B: ClientId = ClientId(2);

fn rehearsal() -> Rehearsal {
    let mut game = Rehearsal::new(Tag, 1, 30).unwrap();
    game.join(A);
    game.join(B);
    game.tick::<Run>(&[]);
    place(&mut game, A, Vec2::ZERO);
    place(&mut game, B, Vec2::new(10.0, 0.0));
    game
}

fn place(game: &mut Rehearsal, client_id: ClientId, at: Vec2) {
    let world = game.world();
    let mut runners = world.query::<(&Owner, &mut Runner)>();
    let mut runner = runners.iter_mut(world).find(|(owner, _)| owner.0 == client_id).unwrap().1;
    runner.0 = at;
}

fn state(game: &mut Rehearsal, client_id: ClientId) -> (Vec2, bool, u8) {
    let world = game.world();
    let mut runners = world.query::<(&Owner, &Runner, &It, &Dashes)>();
    let (_, runner, it, dashes) = runners.iter(world).find(|(owner, ..)| owner.0 == client_id).unwrap();
    (runner.0, it.0, dashes.0)
}

fn towards(x: f32, dash: bool) -> Run {
    Run { towards: Vec2::new(x, 0.0), dash }
}

#[test]
fn both_ends_declare_the_same() {
    assert_eq!(rehearsal().schema().hash(), tag::schema().hash());
}

#[test]
fn the_first_player_is_it_until_it_touches_another() {
    let mut game = rehearsal();
    let first = game.take_sent::<Tagged>();
    assert_eq!(first[0].event, Tagged { client_id: 1, by: None });
    for _ in 0..60 {
        game.tick(&[(A, towards(1.0, false))]);
    }
    let then: Vec<Tagged> = game.take_sent().into_iter().map(|sent| sent.event).collect();
    assert_eq!(then, [Tagged { client_id: 2, by: Some(1) }]);
    assert!(!state(&mut game, A).1 && state(&mut game, B).1);
    let world = game.world();
    let mut shown = world.query::<(&Owner, &AlwaysRelevant)>();
    assert!(shown.iter(world).map(|(owner, _)| owner.0).eq([B]));
}

#[test]
fn somebody_else_is_it_when_it_leaves() {
    let mut game = rehearsal();
    game.leave(A);
    game.tick::<Run>(&[]);
    assert!(state(&mut game, B).1);
}

#[test]
fn running_has_one_speed_and_dashes_run_out() {
    let mut game = rehearsal();
    game.tick(&[(B, towards(1.0, false))]);
    assert_eq!(state(&mut game, B).0, Vec2::new(10.0 + (SPEED / 30.0 * 128.0).round() / 128.0, 0.0));
    for _ in 0..5 {
        game.tick(&[(B, towards(-1.0, true))]);
    }
    assert_eq!(state(&mut game, B).2, 0);
    for _ in 0..600 {
        game.tick(&[(B, towards(1.0, false))]);
    }
    assert_eq!(state(&mut game, B).0, Vec2::new(FIELD_M, 0.0));
}
