//! Entities and players that come and go as fast as they can, small budgets, slow snapshots and sequences that wrap.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tidelock::state::NetId;
use tidelock::{ClientId, Tick};
use tidelock_sim::client::{Client, ClientConfig, ClientEvent, Status};
use tidelock_sim::link::LinkConfig;
use tidelock_sim::universe::churn::{Churn, Echo, Mood, Place, Serial, Stamp};
use tidelock_sim::universe::{Universe, UniverseConfig};

fn link(loss: f64) -> LinkConfig {
    let (latency, jitter) = (Duration::from_millis(30), Duration::from_millis(6));
    LinkConfig { latency, jitter, loss, duplicate: loss / 5.0, reorder: loss / 2.0, ..LinkConfig::default() }
}

fn universe(config: UniverseConfig, game: Churn, players: usize, loss: f64) -> Universe<Stamp> {
    let mut universe = Universe::new(config, game);
    (0..players).for_each(|_| {
        universe.add_player(link(loss), link(loss), Box::new(|_, tick| Stamp::of(tick)));
    });
    universe
}

/// Nobody has been in doubt, and on a good link everybody soon sees everything there is.
fn is_sound(universe: &mut Universe<Stamp>) {
    for player in universe.players() {
        let stats = player.client.stats();
        assert_eq!((stats.desyncs, stats.snapshots.undecodable, stats.payloads_malformed), (0, 0, 0), "{stats:?}");
    }
    assert_eq!(universe.engine().stats().desyncs, 0);
    assert_eq!(universe.engine().stats().payloads_malformed, 0);
    universe.set_links(LinkConfig::default(), LinkConfig::default());
    universe.run(Duration::from_secs(2)).unwrap();
    let (now, tick_hz) = (universe.engine().tick_number(), universe.engine().config().tick_hz);
    for player in universe.players() {
        // Whole views are checked against the server's by the universe itself.
        let whole = player.client.view().whole_tick().expect("it saw everything once");
        assert!(now.since(whole).cast_unsigned() <= tick_hz / 4, "everything it saw last in {whole}, now is {now}");
    }
}

#[test]
fn a_world_in_which_everything_comes_and_goes_stays_equal() {
    for (seed, loss) in [(1, 0.0), (2, 0.05), (3, 0.2)] {
        let config = UniverseConfig { seed, client_bandwidth_bytes_s: 256 * 1024, ..Default::default() };
        let mut universe = universe(config, Churn::new(120, 90), 4, loss);
        universe.run(Duration::from_secs(15)).unwrap();
        assert!(universe.looked_at("whole views") > 200, "{}", universe.looked_at("whole views"));
        is_sound(&mut universe);
    }
}

#[test]
fn players_who_come_back_and_go_again_find_the_world_as_it_is() {
    let config = UniverseConfig { seed: 4, client_bandwidth_bytes_s: 256 * 1024, ..Default::default() };
    let mut universe = universe(config, Churn::new(60, 60), 4, 0.05);
    let schema = universe.players()[0].client.schema().clone();
    for round in 0..24 {
        universe.run(Duration::from_millis(400 + 130 * (round as u64 % 5))).unwrap();
        let number = round % 4;
        universe.players_mut()[number].client.disconnect();
        // Some are back before the server has heard that they left.
        universe.run(Duration::from_millis([5, 100, 700][round % 3])).unwrap();
        let token = universe.issue_token(ClientId(number as u64 + 1));
        let now = universe.now();
        universe.players_mut()[number].client = Client::new(ClientConfig { token, schema: schema.clone() }, now);
    }
    universe.run(Duration::from_secs(8)).unwrap();
    assert!(universe.players().iter().all(|player| player.client.status() == Status::Playing));
    assert!(universe.engine().stats().connections >= 20);
    is_sound(&mut universe);
}

#[test]
fn slow_snapshots_of_a_fast_world_stay_equal() {
    for (tick_hz, snapshot_hz) in [(60, 30), (60, 10), (240, 60), (20, 20)] {
        let config = UniverseConfig {
            seed: 5,
            tick_hz,
            snapshot_hz,
            client_bandwidth_bytes_s: 256 * 1024,
            ..Default::default()
        };
        let mut universe = universe(config, Churn::new(60, 200), 3, 0.05);
        universe.run(Duration::from_secs(10)).unwrap();
        assert!(universe.looked_at("whole views") > 50, "{}", universe.looked_at("whole views"));
        is_sound(&mut universe);
    }
}

#[test]
fn the_smallest_budget_is_kept_and_nobody_starves_for_good() {
    let budget = 4 * 1024;
    let config = UniverseConfig { seed: 6, client_bandwidth_bytes_s: budget, ..Default::default() };
    let mut universe = universe(config, Churn::new(80, 400), 3, 0.02);
    universe.run(Duration::from_secs(5)).unwrap();
    let sent = |universe: &Universe<Stamp>| -> Vec<u64> {
        universe.engine().clients().iter().map(|client| client.sent_bytes).collect()
    };
    let mut before = sent(&universe);
    for _ in 0..5 {
        universe.run(Duration::from_secs(4)).unwrap();
        let now = sent(&universe);
        for (before, now) in before.iter().zip(&now) {
            // A bucket holds a quarter of a second's worth, or three datagrams.
            assert!(now - before <= 4 * u64::from(budget) + 3 * 1_300 + 1_300, "{} bytes in 4 s", now - before);
        }
        before = now;
    }
    assert!(universe.engine().stats().budget_deferred > 1_000);
    for player in universe.players() {
        assert!(!player.client.view().is_empty());
        assert_eq!((player.client.stats().desyncs, player.client.stats().snapshots.undecodable), (0, 0));
    }
}

#[test]
fn sequences_and_ticks_wrap_without_a_trace() {
    let config = UniverseConfig { seed: 7, tick_hz: 240, snapshot_hz: 240, ..Default::default() };
    let mut universe = universe(config, Churn::new(16, 100), 1, 0.02);
    // 65,536 datagrams each way, 240 of them a second, take 273 seconds.
    universe.run(Duration::from_secs(290)).unwrap();
    let stats = *universe.players()[0].client.stats();
    assert!(stats.down.received > 0x1_0000 && stats.up.acked > 0x1_0000, "{stats:?}");
    is_sound(&mut universe);
}

#[test]
fn every_input_is_applied_once_and_in_its_own_tick() {
    let game = Churn::new(10, 100);
    let applied = game.applied.clone();
    let mut universe = universe(UniverseConfig { seed: 8, ..Default::default() }, game, 3, 0.2);
    universe.run(Duration::from_secs(20)).unwrap();
    let mut ticks: BTreeMap<ClientId, BTreeSet<u32>> = BTreeMap::new();
    for (client_id, tick, stamp) in applied.lock().unwrap().iter() {
        assert_eq!(Stamp(*stamp), Stamp::of(*tick), "{client_id}: an input in another tick than its own");
        assert!(ticks.entry(*client_id).or_default().insert(tick.0), "{client_id}: two inputs in tick {tick}");
    }
    let count: usize = ticks.values().map(BTreeSet::len).sum();
    assert_eq!(count as u64, universe.engine().stats().inputs.on_time);
    assert!(count > 3 * 1_000, "{count}");
    // It takes a client that began too late to be told so, and no longer.
    let inputs = universe.engine().stats().inputs;
    assert!(inputs.late < 300, "{inputs:?}");
}

#[test]
fn long_messages_arrive_whole_beside_a_world_under_loss() {
    let config = UniverseConfig { seed: 9, client_bandwidth_bytes_s: 256 * 1024, ..Default::default() };
    let mut universe = universe(config, Churn::new(60, 90), 2, 0.1);
    universe.run(Duration::from_secs(2)).unwrap();
    let id_of_echo = universe.players()[0].client.schema().event::<Echo>().unwrap();
    let said: Vec<Echo> = [0, 1, 999, 1_000, 1_001, 4_000].iter().map(|len| Echo(vec![*len as u8; *len])).collect();
    for echo in &said {
        universe.players_mut()[1].client.send_event(echo).unwrap();
    }
    universe.run(Duration::from_secs(5)).unwrap();
    let heard = universe.players()[1].events.iter().filter_map(|event| match event {
        ClientEvent::Event { id, body } if *id == id_of_echo => bitcode::decode::<Echo>(body).ok(),
        _ => None,
    });
    assert_eq!(heard.collect::<Vec<_>>(), said);
    is_sound(&mut universe);
}

#[test]
fn whoever_joins_sees_everything_when_it_is_told_so() {
    let config = UniverseConfig { seed: 10, client_bandwidth_bytes_s: 32 * 1024, ..Default::default() };
    let mut universe = universe(config, Churn::new(400, 100_000), 1, 0.0);
    let told = |universe: &Universe<Stamp>| universe.players()[0].events.contains(&ClientEvent::FirstFullView);
    while !told(&universe) {
        universe.run(Duration::from_millis(1)).unwrap();
        assert!(universe.now().as_us() < 1_020_000_000, "it never sees everything");
    }
    let view = universe.players()[0].client.view();
    assert!(view.len() > 40 && view.whole_tick() == view.newest_tick() && view.whole_tick() != Some(Tick(0)));
}

#[test]
fn clients_see_what_the_game_holds() {
    let game = Churn::new(80, 300);
    let world = game.world.clone();
    let config = UniverseConfig { seed: 11, client_bandwidth_bytes_s: 512 * 1024, ..Default::default() };
    let mut universe = universe(config, game, 2, 0.0);
    universe.set_links(LinkConfig::default(), LinkConfig::default());
    let mut compared = 0;
    for _ in 0..6_000 {
        universe.run(Duration::from_millis(1)).unwrap();
        let world = world.lock().unwrap();
        for player in universe.players() {
            let view = player.client.view();
            if view.whole_tick() != Some(world.tick) || view.newest_tick() != view.whole_tick() {
                continue;
            }
            for entity in view.entities() {
                let serial = entity.get::<Serial>().unwrap();
                let held = entity.get::<Place>().map(|place| (place, entity.get::<Mood>()));
                assert_eq!(held.as_ref(), world.entities.get(&serial.0), "{serial:?} in tick {}", world.tick);
                compared += 1;
            }
        }
    }
    assert!(compared > 10_000, "{compared}");
}

#[test]
fn only_a_team_sees_its_banners() {
    let game = Churn::new(80, 300);
    let world = game.world.clone();
    let config = UniverseConfig { seed: 14, client_bandwidth_bytes_s: 512 * 1024, ..Default::default() };
    let mut universe = universe(config, game, 3, 0.0);
    universe.set_links(LinkConfig::default(), LinkConfig::default());
    let (mut mates, mut strangers) = (0, 0);
    for _ in 0..6_000 {
        universe.run(Duration::from_millis(1)).unwrap();
        let world = world.lock().unwrap();
        for player in universe.players() {
            let view = player.client.view();
            let Some(my_team) = world.teams.get(&player.client_id) else { continue };
            if view.whole_tick() != Some(world.tick) || view.newest_tick() != view.whole_tick() {
                continue;
            }
            for entity in view.entities() {
                let (team, banner) = world.banners[&entity.get::<Serial>().unwrap().0];
                let is_mate = team == Some(*my_team);
                assert_eq!((entity.is_teammate(), entity.get()), (is_mate, banner.filter(|_| is_mate)));
                *(if is_mate { &mut mates } else { &mut strangers }) += usize::from(banner.is_some());
            }
        }
    }
    assert!(mates > 1_000 && strangers > 1_000, "{mates} banners of mates, {strangers} of others");
}

#[test]
fn an_id_never_means_two_entities() {
    let config = UniverseConfig { seed: 12, client_bandwidth_bytes_s: 256 * 1024, ..Default::default() };
    let mut universe = universe(config, Churn::new(60, 20), 3, 0.1);
    let mut serials: BTreeMap<NetId, Serial> = BTreeMap::new();
    for _ in 0..2_000 {
        universe.run(Duration::from_millis(5)).unwrap();
        for player in universe.players() {
            for entity in player.client.view().entities() {
                let serial = entity.get::<Serial>().unwrap();
                assert_eq!(*serials.entry(entity.id()).or_insert(serial), serial, "{} was another entity", entity.id());
            }
        }
    }
    let reused = serials.keys().filter(|id| id.generation > 2).count();
    assert!(reused > 100, "indices are used again: {reused}");
}

#[test]
fn who_hears_nothing_for_a_while_finds_the_world_as_it_is() {
    let config = UniverseConfig { seed: 13, client_bandwidth_bytes_s: 256 * 1024, ..Default::default() };
    let mut universe = universe(config, Churn::new(60, 40), 3, 0.02);
    universe.run(Duration::from_secs(2)).unwrap();
    let dead = LinkConfig { loss: 1.0, ..link(0.0) };
    for (down, up) in [(dead, dead), (dead, link(0.0)), (link(0.0), dead)] {
        universe.players_mut()[0].down.set_config(down);
        universe.players_mut()[0].up.set_config(up);
        universe.run(Duration::from_millis(3_500)).unwrap();
        universe.players_mut()[0].down.set_config(link(0.02));
        universe.players_mut()[0].up.set_config(link(0.02));
        universe.run(Duration::from_millis(1_500)).unwrap();
        assert_eq!(universe.players()[0].client.status(), Status::Playing);
    }
    is_sound(&mut universe);
}
