//! What is said on the wire, heard in full, and held against server and clients: under loss, and while players come and go.

use std::collections::BTreeMap;
use std::time::Duration;
use tidelock::netcode::Cipher;
use tidelock::state::{Audience, Input};
use tidelock_arena::ArenaInput;
use tidelock_server::arena::Arena;
use tidelock_sim::client::Status;
use tidelock_sim::link::{LinkConfig, Rng};
use tidelock_sim::universe::check::{Acks, Budget, Messages, ReferenceModel, SentInInterest, TrueRecords};
use tidelock_sim::universe::churn::{Churn, Echo, Stamp};
use tidelock_sim::universe::{SERVER, Universe, UniverseConfig};

fn link(loss: f64) -> LinkConfig {
    let (latency, jitter) = (Duration::from_millis(30), Duration::from_millis(6));
    LinkConfig { latency, jitter, loss, duplicate: 0.03, reorder: 0.05, ..LinkConfig::default() }
}

fn listen<I: Input>(universe: &mut Universe<I>) {
    universe.add_checker(Box::<Acks>::default());
    universe.add_checker(Box::<Budget>::default());
    universe.add_checker(Box::<SentInInterest>::default());
    universe.add_checker(Box::<TrueRecords>::default());
    universe.add_checker(Box::<Messages>::default());
    universe.add_checker(Box::<ReferenceModel>::default());
}

fn churn(config: UniverseConfig, game: Churn, players: usize, loss: f64) -> Universe<Stamp> {
    let mut universe = Universe::new(config, game);
    listen(&mut universe);
    (0..players).for_each(|_| {
        universe.add_player(link(loss), link(loss), Box::new(|_, tick| Stamp::of(tick)));
    });
    universe
}

/// Players say something, which comes back to them.
fn speak(universe: &mut Universe<Stamp>, bytes: usize) {
    for (n, player) in universe.players_mut().iter_mut().enumerate() {
        // Who does not play cannot.
        let _ = player.client.send_event(&Echo(vec![n as u8; bytes]));
    }
}

/// All have looked at so many things at least.
fn have_looked<I: Input>(universe: &Universe<I>, least: &[(&str, u64)]) {
    for (name, least) in least {
        let looked = universe.looked_at(name);
        assert!(looked >= *least, "{name}: {looked}");
    }
}

const CHURN: UniverseConfig = UniverseConfig {
    seed: 1,
    tick_hz: 60,
    snapshot_hz: 60,
    client_bandwidth_bytes_s: 256 * 1024,
    max_clients: 64,
    resume_time: Duration::from_secs(30),
    rewind_max: None,
    cipher: Cipher::Null,
    look_every_ticks: 1,
};

#[test]
fn a_world_in_which_everything_comes_and_goes_is_told_as_it_is() {
    for (seed, loss) in [(1, 0.0), (2, 0.05), (3, 0.2)] {
        let mut universe = churn(UniverseConfig { seed, ..CHURN }, Churn::new(60, 90), 4, loss);
        for round in 0..20 {
            universe.run(Duration::from_millis(250)).unwrap();
            speak(&mut universe, round * 97);
        }
        have_looked(
            &universe,
            &[
                ("acks of what came", 3_000),
                ("budget", 800),
                ("sent in interest", 10_000),
                ("true records", 10_000),
                ("messages", 30),
                ("reference model", 10_000),
            ],
        );
    }
}

#[test]
fn players_who_come_back_hear_what_is_so() {
    for seed in 1..6 {
        let cipher = if seed % 2 == 0 { Cipher::Null } else { Cipher::default() };
        let mut universe = churn(UniverseConfig { seed, cipher, ..CHURN }, Churn::new(40, 60), 4, 0.05);
        for round in 0..16 {
            universe.run(Duration::from_millis(150 + 130 * (round as u64 % 5))).unwrap();
            speak(&mut universe, 400);
            let number = round % 4;
            match (round + seed as usize) % 5 {
                0 => universe.resume(number),
                1 => universe.restart(number),
                2 => {
                    universe.rebind(number);
                    universe.run(Duration::from_millis(100)).unwrap();
                    universe.resume(number);
                }
                3 => universe.players_mut()[number].client.disconnect(),
                _ => {
                    universe.resume(number);
                    universe.run(Duration::from_millis(60)).unwrap();
                    universe.resume(number);
                }
            }
        }
        (0..4).for_each(|number| universe.resume(number));
        universe.run(Duration::from_secs(2)).unwrap();
        assert!(universe.players().iter().all(|player| player.client.status() == Status::Playing));
        have_looked(&universe, &[("acks of what came", 2_000), ("messages", 20), ("reference model", 5_000)]);
    }
}

#[test]
fn the_smallest_budget_is_kept_over_any_time() {
    for (seed, snapshot_hz, kib) in [(1, 60, 4), (2, 20, 4), (3, 60, 5), (4, 10, 6)] {
        let config = UniverseConfig { seed, snapshot_hz, client_bandwidth_bytes_s: kib * 1024, ..CHURN };
        let mut universe = churn(config, Churn::new(200, 300), 3, 0.02);
        for _ in 0..20 {
            universe.run(Duration::from_millis(400)).unwrap();
            speak(&mut universe, 3_000);
        }
        let deferred = universe.engine().stats().budget_deferred;
        assert!(deferred > 20, "{deferred}");
        have_looked(&universe, &[("budget", 200)]);
    }
}

#[test]
fn stalls_pauses_and_kicks_change_nothing() {
    for seed in 1..4 {
        let mut universe = churn(UniverseConfig { seed, ..CHURN }, Churn::new(40, 60), 4, 0.05);
        for round in 0..10 {
            universe.run(Duration::from_millis(400)).unwrap();
            speak(&mut universe, 100);
            match round % 4 {
                0 => universe.stall(Duration::from_millis(300)),
                1 => universe.pause(round % 3, Duration::from_millis(700)),
                2 => {
                    let (who, now) = (universe.players()[round % 4].client_id, universe.now());
                    universe.engine_mut().kick(who, now);
                }
                _ => universe.restart((round + 3) % 4),
            }
        }
        have_looked(&universe, &[("acks of what came", 2_000), ("reference model", 3_000)]);
    }
}

#[test]
fn who_meddles_is_no_players_fault() {
    let mut universe = churn(UniverseConfig { cipher: Cipher::default(), ..CHURN }, Churn::new(40, 60), 3, 0.02);
    universe.tap();
    let elsewhere = std::net::SocketAddr::from(([10, 6, 6, 6], 2_000));
    for _ in 0..40 {
        universe.run(Duration::from_millis(50)).unwrap();
        // What players sent comes again, from them and from elsewhere, whole and broken.
        for mut packet in universe.take_tapped().into_iter().filter(|packet| packet.to == SERVER) {
            universe.inject(packet.from, &packet.datagram);
            universe.inject(elsewhere, &packet.datagram);
            *packet.datagram.last_mut().unwrap() ^= 1;
            universe.inject(packet.from, &packet.datagram);
        }
    }
    assert!(universe.players().iter().all(|player| player.client.status() == Status::Playing));
    have_looked(&universe, &[("acks of what came", 1_000), ("true records", 1_000), ("reference model", 2_000)]);
}

#[test]
fn the_arena_is_told_as_it_is() {
    for (seed, loss) in [(1, 0.0), (2, 0.05), (3, 0.2)] {
        let config = UniverseConfig { seed, cipher: Cipher::Null, ..Default::default() };
        let mut universe: Universe<ArenaInput> = Universe::new(config, Arena { npcs: 50 });
        listen(&mut universe);
        for n in 0..6_u32 {
            let mind = move |_: &_, tick: tidelock::Tick| ArenaInput {
                forward: 1.0,
                sprint: (tick.0 / 60 + n).is_multiple_of(3),
                fire: (tick.0 + n).is_multiple_of(40),
                ..ArenaInput::default()
            };
            universe.add_player(link(loss), link(loss), Box::new(mind));
        }
        universe.run(Duration::from_secs(4)).unwrap();
        (0..3).for_each(|number| universe.resume(number));
        universe.restart(4);
        universe.run(Duration::from_secs(4)).unwrap();
        have_looked(&universe, &[("true records", 10_000), ("reference model", 12_000), ("acks of what came", 3_000)]);
    }
}

#[test]
fn it_is_found_if_a_client_takes_for_wrong_what_it_was_told() {
    let found = |model: ReferenceModel| {
        let mut universe = Universe::new(CHURN, Churn::new(60, 600));
        universe.add_checker(Box::new(model));
        // What the client holds is always newer than what the server may build on.
        let up = LinkConfig { latency: Duration::from_millis(100), ..LinkConfig::default() };
        universe.add_player(LinkConfig::default(), up, Box::new(|_, tick| Stamp::of(tick)));
        universe.run(Duration::from_secs(2)).unwrap();
        let view = universe.players()[0].client.view();
        let moves = |tick| Some(tick) == view.newest_tick() && tick == universe.engine().tick_number();
        let ids: Vec<_> = view.streams().filter(|(_, _, tick, _)| moves(*tick)).map(|(id, ..)| id).collect();
        assert!(!ids.is_empty());
        ids.iter().for_each(|id| universe.engine_mut().corrupt_baselines(*id, Audience::Public));
        let ended = universe.run(Duration::from_millis(500)).map_err(|violation| violation.invariant);
        (ended, universe.players()[0].client.stats().desyncs)
    };
    assert_eq!(found(ReferenceModel::default()), (Err("reference model"), 1));
    // A client whose memory fails forgets everything, and is told all anew.
    assert_eq!(found(ReferenceModel::of_failing_memory()), (Ok(()), 1));
}

const SEEDS: std::ops::Range<u64> = 100..112;

#[test]
fn many_seeds_tell_what_is_so() {
    let mut looked = BTreeMap::new();
    for seed in SEEDS {
        let mut rng = Rng::stream(seed, 3);
        let mut pick = |n: usize| rng.below(n as u64) as usize;
        let (tick_hz, snapshot_hz) = [(60, 60), (60, 20), (30, 30), (120, 60), (240, 240)][pick(5)];
        let client_bandwidth_bytes_s = [4, 8, 16, 64, 256][pick(5)] * 1024;
        let cipher = [Cipher::Null, Cipher::default()][pick(2)];
        let config = UniverseConfig { seed, tick_hz, snapshot_hz, client_bandwidth_bytes_s, cipher, ..CHURN };
        let game = Churn::new(20 + pick(80), 20 + pick(200) as u64);
        let mut universe = churn(config, game, 3, [0.0, 0.02, 0.1, 0.3][pick(4)]);
        for _ in 0..12 {
            let ended = universe.run(Duration::from_millis(30 + pick(500) as u64));
            ended.unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
            let number = pick(3);
            match pick(9) {
                0 => universe.resume(number),
                1 => universe.restart(number),
                2 => universe.rebind(number),
                3 => universe.stall(Duration::from_millis(pick(400) as u64)),
                4 => universe.pause(number, Duration::from_millis(pick(900) as u64)),
                5 => universe.set_tick_cost(Duration::from_millis(pick(30) as u64)),
                6 => universe.players_mut()[number].client.disconnect(),
                _ => speak(&mut universe, pick(4_000)),
            }
        }
        universe.looked().for_each(|(name, count)| *looked.entry(name).or_insert(0) += count);
    }
    assert!(looked.values().all(|looked| *looked > 30), "{looked:?}");
}
