//! A game that is not ours under the whole system: nothing but the arena's own folders needs the arena.

#[path = "../../server/examples/tag/game.rs"]
mod tag;

use glam::Vec2;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tag::{Dashes, FIELD_M, It, Run, Runner, Tag, Tagged};
use tidelock::Tick;
use tidelock_sim::client::{ClientEvent, Status, View};
use tidelock_sim::link::LinkConfig;
use tidelock_sim::universe::{Universe, UniverseConfig};

const PLAYERS: usize = 5;

/// Who is it runs to the nearest other; the others dash to a corner now and then, and wait there to be caught.
fn play(view: &View, tick: Tick) -> Run {
    let Some(me) = view.owned().next() else { return Run::default() };
    let place = |id| view.entity(id).and_then(|entity| entity.get::<Runner>()).map(|runner| runner.0);
    let from = place(me.id()).unwrap_or_default();
    if me.get::<It>().is_some_and(|it| it.0) {
        let others = view.entities().filter(|entity| entity.id() != me.id()).filter_map(|entity| place(entity.id()));
        let nearest = others.min_by(|a, b| a.distance_squared(from).total_cmp(&b.distance_squared(from)));
        return Run { towards: nearest.unwrap_or_default() - from, dash: false };
    }
    let turn = (tick.0 / 150 + me.id().index * 3) % 4;
    let corner = [Vec2::new(5.0, 5.0), Vec2::new(-5.0, 5.0), Vec2::new(-5.0, -5.0), Vec2::new(5.0, -5.0)];
    Run { towards: corner[turn as usize] - from, dash: tick.0 % 50 < 3 }
}

fn universe() -> Universe<Run> {
    let config = UniverseConfig { seed: 21, tick_hz: 30, snapshot_hz: 30, ..UniverseConfig::default() };
    let mut universe = Universe::new(config, Tag);
    let latency = Duration::from_millis(30);
    let link = LinkConfig {
        latency,
        jitter: Duration::from_millis(5),
        loss: 0.05,
        duplicate: 0.01,
        reorder: 0.02,
        ..LinkConfig::default()
    };
    (0..PLAYERS).for_each(|_| {
        universe.add_player(link, link, Box::new(play));
    });
    universe
}

#[test]
fn both_ends_declare_the_same() {
    assert_eq!(universe().engine().schema().hash(), tag::schema().hash());
}

#[test]
fn a_second_game_is_played_under_loss() {
    let mut universe = universe();
    universe.run(Duration::from_secs(2)).unwrap();
    let places = |universe: &Universe<Run>| -> Vec<Vec2> {
        let own = |n: usize| universe.players()[n].client.view().owned().next()?.get::<Runner>();
        (0..PLAYERS).map(|n| own(n).expect("everybody has a runner").0).collect()
    };
    let before = places(&universe);
    universe.run(Duration::from_secs(18)).unwrap();
    let moved = before.iter().zip(places(&universe)).filter(|(before, now)| before.distance(*now) > 0.5).count();
    assert!(moved >= PLAYERS - 1, "inputs move runners: {moved} of {PLAYERS}");

    for player in universe.players() {
        let stats = player.client.stats();
        assert_eq!(player.client.status(), Status::Playing);
        assert_eq!((stats.desyncs, stats.snapshots.undecodable, stats.payloads_malformed), (0, 0, 0));
        assert!(stats.audits_passed > 20, "{stats:?}");
        let own = player.client.view().owned().next().unwrap();
        assert!(own.get::<Dashes>().is_some_and(|left| left.0 < 3), "it dashed, and knows how often it still can");
        let alien = player.client.view().entities().filter(|entity| !entity.is_owned());
        alien.for_each(|entity| assert!(entity.get::<Dashes>().is_none(), "others' dashes are their own business"));
        let far = |entity: &Runner| entity.0.abs().max_element() > FIELD_M;
        assert!(!player.client.view().entities().filter_map(|entity| entity.get::<Runner>()).any(|r| far(&r)));
    }
    assert_eq!(universe.engine().stats().desyncs, 0);
    assert_eq!(universe.engine().entity_count(), PLAYERS);
    assert!(universe.looked_at("equal versions") > 3_000, "{}", universe.looked_at("equal versions"));
}

#[test]
fn everybody_hears_who_is_it_in_the_same_order() {
    let mut universe = universe();
    universe.run(Duration::from_secs(20)).unwrap();
    let schema = Arc::clone(universe.players()[0].client.schema());
    let id_of_tagged = schema.event::<Tagged>().unwrap();
    let heard = |n: usize| -> Vec<Tagged> {
        let bodies = universe.players()[n].events.iter().filter_map(|event| match event {
            ClientEvent::Event { id, body } if *id == id_of_tagged => Some(body),
            _ => None,
        });
        bodies.map(|body| bitcode::decode(body).unwrap()).collect()
    };
    let most = (0..PLAYERS).map(heard).max_by_key(Vec::len).unwrap();
    let its: BTreeSet<u64> = most.iter().map(|tagged| tagged.client_id).collect();
    assert!(most.len() >= 4 && its.len() >= 2, "{most:?}");
    for n in 0..PLAYERS {
        // Who joined later has missed the first; what is under way has not come.
        let mine = heard(n);
        let whole: Vec<Tagged> = most.iter().copied().skip_while(|tagged| Some(tagged) != mine.first()).collect();
        assert!(mine.len() + 2 >= whole.len() && whole.starts_with(&mine), "{n}: {mine:?} of {most:?}");
    }
}
