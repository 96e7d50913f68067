use super::Match;
use bevy_ecs::change_detection::{DetectChanges, Ref};
use bevy_ecs::prelude::Entity;
use tidelock_arena::movement::SPRINT_SPEED;
use tidelock_arena::{Kind, Position, Velocity};

/// How many NPCs' positions one tick touched, and how many moved.
fn touched_and_moved(game: &mut Match) -> (usize, usize) {
    let before: Vec<(Entity, Position)> = game.all(Kind::Npc).into_iter().map(|npc| (npc, game.of(npc))).collect();
    let since = game.world().change_tick();
    game.tick(&[]);
    let world = game.world();
    let now = world.change_tick();
    let is_touched = |position: Ref<Position>| position.last_changed().is_newer_than(since, now);
    let mut positions = world.query::<Ref<Position>>();
    let touched = before.iter().filter(|(npc, _)| is_touched(positions.get(world, *npc).unwrap())).count();
    let moved = before.iter().filter(|(npc, place)| positions.get(world, *npc).unwrap().0 != place.0).count();
    (touched, moved)
}

#[test]
fn some_walk_and_some_stand_and_only_walkers_are_touched() {
    let mut game = Match::new(2, 300);
    let mut walking = 0;
    for _ in 0..10 {
        game.ticks(120, &[]);
        let (touched, moved) = touched_and_moved(&mut game);
        assert_eq!(touched, moved);
        walking += moved;
    }
    assert!((600..2_400).contains(&walking), "{walking} of 3000 walk");
}

#[test]
fn they_stay_in_the_arena_and_keep_to_their_pace() {
    let mut game = Match::new(2, 100);
    let npcs = game.all(Kind::Npc);
    assert_eq!(npcs.len(), 100);
    let start: Vec<Position> = npcs.iter().map(|npc| game.of(*npc)).collect();
    for _ in 0..60 {
        game.ticks(20, &[]);
        for npc in &npcs {
            let place = game.of::<Position>(*npc).0;
            assert!(game.map().is_free(place));
            assert!(game.of::<Velocity>(*npc).ground_speed() <= SPRINT_SPEED + 0.02);
        }
    }
    let far = npcs.iter().zip(start).filter(|(npc, start)| game.of::<Position>(**npc).0.distance(start.0) > 5.0);
    assert!(far.count() > 60);
}
