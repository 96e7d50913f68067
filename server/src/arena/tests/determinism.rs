use super::Match;
use tidelock::{Moment, Tick, ViewAge};
use tidelock_arena::{ArenaInput, Facing, Kind, Rng};

/// Six players that run about and shoot at what they look at, joining and leaving.
fn play(seed: u64, ticks: u32) -> Match {
    let mut game = Match::new(seed, 400);
    let mut rng = Rng::new(99);
    let mut inputs: Vec<(u64, ArenaInput)> = Vec::new();
    for tick in 0..ticks {
        if tick % 40 == 0 && inputs.len() < 6 {
            let client_id = u64::from(tick) + 1;
            game.join(client_id);
            inputs.push((client_id, ArenaInput::default()));
        }
        if tick == 500 {
            let (client_id, _) = inputs.remove(2);
            game.leave(client_id);
        }
        for (_, input) in &mut inputs {
            let look = Facing { yaw: input.look.yaw + rng.between(-0.1, 0.1), pitch: rng.between(-0.1, 0.1) };
            *input = ArenaInput {
                forward: rng.between(0.0, 1.0),
                right: rng.between(-0.5, 0.5),
                look,
                fire: true,
                jump: rng.below(20) == 0,
                sprint: rng.below(3) == 0,
                shown: ViewAge::of(Tick(300), Moment::at(Tick(300)).add(-rng.between(0.0, 300.0))),
            };
        }
        game.tick(&inputs);
    }
    game
}

#[test]
fn the_same_seed_and_inputs_give_the_same_lanes() {
    let (mut one, mut other) = (play(3, 600), play(3, 600));
    assert_eq!(one.lanes(), other.lanes());
    assert_eq!(one.lines(), other.lines());
    assert_ne!(one.lanes(), play(4, 600).lanes());
}

#[test]
fn a_long_match_has_shots_hits_and_nothing_but_lawful_places() {
    let mut game = play(3, 600);
    assert!(!game.all(Kind::Projectile).is_empty());
    assert!(!game.sent::<tidelock_arena::Hit>().is_empty());
    let avatars = game.all(Kind::Avatar);
    assert_eq!(avatars.len(), 6);
    for avatar in avatars {
        let place = game.of::<tidelock_arena::Position>(avatar).0;
        assert!(game.map().is_free(place), "{place}");
    }
}

#[test]
fn the_plugin_declares_the_shared_schema() {
    assert_eq!(Match::new(1, 0).game.schema().hash(), tidelock_arena::schema().hash());
}
