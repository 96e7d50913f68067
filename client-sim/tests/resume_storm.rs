//! Players are cut off, rebound, restarted and sent away at random, and what must hold, holds.

#![expect(clippy::needless_pass_by_value, reason = "systems take their parameters by value")]

use bevy_app::{App, Plugin};
use bevy_ecs::message::MessageReader;
use bevy_ecs::prelude::{Res, Resource};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidelock::{ClientId, Tick};
use tidelock_server::game::{ApplyInput, PlayerAway, PlayerBack, PlayerJoined, PlayerLeft, TickTime};
use tidelock_sim::link::{LinkConfig, Rng};
use tidelock_sim::universe::churn::{Churn, Stamp};
use tidelock_sim::universe::{Universe, UniverseConfig};

/// What the game was told of its players, in order.
type Log = Arc<Mutex<Vec<(Tick, &'static str, ClientId)>>>;

#[derive(Resource)]
struct RosterLog(Log);

/// The churning game, and who came and went.
struct Logged(Churn, Log);

impl Plugin for Logged {
    fn build(&self, app: &mut App) {
        self.0.build(app);
        app.insert_resource(RosterLog(Arc::clone(&self.1))).add_systems(ApplyInput, log_roster);
    }
}

fn log_roster(
    log: Res<'_, RosterLog>,
    time: Res<'_, TickTime>,
    mut left: MessageReader<'_, '_, PlayerLeft>,
    mut joined: MessageReader<'_, '_, PlayerJoined>,
    mut away: MessageReader<'_, '_, PlayerAway>,
    mut back: MessageReader<'_, '_, PlayerBack>,
) {
    let mut log = log.0.lock().unwrap();
    let mut note = |what, client_id| log.push((time.tick, what, client_id));
    left.read().for_each(|PlayerLeft(client_id)| note("left", *client_id));
    joined.read().for_each(|PlayerJoined(client_id)| note("joined", *client_id));
    away.read().for_each(|PlayerAway(client_id)| note("away", *client_id));
    back.read().for_each(|PlayerBack(client_id)| note("back", *client_id));
}

/// A player is gone, here or away, and each message leads from one of these to another.
fn roster_makes_sense(log: &Log) {
    let mut states = BTreeMap::new();
    for (tick, what, client_id) in log.lock().unwrap().iter() {
        let state = states.entry(*client_id).or_insert("gone");
        *state = match (*state, *what) {
            ("gone", "joined") | ("away" | "here", "back") => "here",
            ("here", "away") => "away",
            ("here" | "away", "left") => "gone",
            (was, what) => panic!("client {client_id} was {was} and is told to be {what} in tick {tick}"),
        };
    }
}

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
    let log = Log::default();
    let mut universe = Universe::new(config, Logged(Churn::new(entities, life_ticks), Arc::clone(&log)));
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
    roster_makes_sense(&log);
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
