//! Players are cut off, rebound, restarted and sent away at random, and what must hold, holds.

use std::time::Duration;
use tidelock::ClientId;
use tidelock_sim::link::{LinkConfig, Rng};
use tidelock_sim::universe::churn::check::{Avatars, RosterSense};
use tidelock_sim::universe::churn::{Churn, Stamp};
use tidelock_sim::universe::{Universe, UniverseConfig};

fn link(loss: f64) -> LinkConfig {
    let (latency, jitter) = (Duration::from_millis(30), Duration::from_millis(6));
    LinkConfig { latency, jitter, loss, duplicate: loss / 5.0, reorder: loss / 2.0, ..LinkConfig::default() }
}

/// One of four players is struck by something.
fn strike(universe: &mut Universe<Stamp>, rng: &mut Rng) {
    let number = rng.below(4) as usize;
    let (client_id, now) = (ClientId(number as u64 + 1), universe.now());
    let cut = LinkConfig { loss: 1.0, ..link(0.0) };
    match rng.below(7) {
        0 => universe.rebind(number),
        1 => universe.restart(number),
        2 => universe.resume(number),
        3 => {
            universe.engine_mut().kick(client_id, now);
            universe.resume(number);
        }
        4 => {
            universe.players_mut()[number].client.disconnect();
            universe.run(Duration::from_millis(rng.below(300))).unwrap();
            universe.resume(number);
        }
        5 => universe.players_mut()[number].down.set_config(cut),
        _ => {
            universe.players_mut()[number].down.set_config(cut);
            universe.players_mut()[number].up.set_config(cut);
        }
    }
}

fn storm(seed: u64) {
    let (tick_hz, snapshot_hz) = [(60, 60), (60, 10), (20, 20), (120, 60), (5, 5)][seed as usize % 5];
    let loss = [0.0, 0.05, 0.2][seed as usize % 3];
    let (entities, life_ticks) = [(60, 60), (60, 400), (20, 5000)][seed as usize / 3 % 3];
    let client_bandwidth_bytes_s = if seed.is_multiple_of(7) { 12 * 1024 } else { 512 * 1024 };
    let resume_time = Duration::from_secs(3);
    let config =
        UniverseConfig { seed, tick_hz, snapshot_hz, client_bandwidth_bytes_s, resume_time, ..Default::default() };
    let game = Churn::new(entities, life_ticks);
    let mut universe = Universe::new(config, game.clone());
    universe.add_checker(Box::new(RosterSense::new(&game.chronicle)));
    universe.add_checker(Box::new(Avatars::new(&game.chronicle)));
    for number in 0..4 {
        universe.add_player(link(loss), link(loss), Box::new(|_, tick| Stamp::of(tick)));
        universe.players_mut()[number].resumes = true;
    }
    let mut rng = Rng::stream(seed, 99);
    universe.run(Duration::from_secs(2)).unwrap();
    for round in 0..24 {
        strike(&mut universe, &mut rng);
        universe
            .run(Duration::from_millis(rng.below(2500)))
            .unwrap_or_else(|why| panic!("seed {seed}, {round}: {why}"));
        universe.set_links(link(loss), link(loss));
        for player in universe.players() {
            let stats = player.client.stats();
            let broken = (stats.desyncs, stats.snapshots.undecodable, stats.payloads_malformed);
            assert_eq!(broken, (0, 0, 0), "seed {seed}, round {round}, client {}", player.client_id);
        }
    }
    assert_eq!(universe.engine().stats().desyncs, 0, "seed {seed}");
    assert!(universe.engine().stats().resumes.state_kept > 0, "seed {seed}");
    assert!(universe.looked_at("roster") > 10, "seed {seed}: {}", universe.looked_at("roster"));
}

/// Seeds that have found something.
#[test]
fn storms_that_broke_something_do_so_no_more() {
    [88, 133, 138, 143].into_iter().for_each(storm);
}

#[test]
fn whoever_is_lost_and_found_again_holds_what_it_should() {
    (1..=10).for_each(storm);
}
