//! Whoever is turned away or sent away is told why, whatever the network does, and it is counted.

use std::collections::BTreeSet;
use std::time::Duration;
use tidelock::ClientId;
use tidelock::netcode::PAYLOAD_BYTES_MAX;
use tidelock::wire::{Farewell, Greeting, RejectReason, WIRE_VERSION};
use tidelock_arena::ArenaInput;
use tidelock_server::arena::Arena;
use tidelock_sim::client::{DisconnectReason, Status};
use tidelock_sim::link::LinkConfig;
use tidelock_sim::universe::strangers::Attacker;
use tidelock_sim::universe::{Universe, UniverseConfig};

fn link(loss: f64) -> LinkConfig {
    LinkConfig { latency: Duration::from_millis(30), jitter: Duration::from_millis(5), loss, ..LinkConfig::default() }
}

fn universe(seed: u64, max_clients: usize) -> Universe<ArenaInput> {
    let config = UniverseConfig { seed, max_clients, resume_time: Duration::from_secs(5), ..Default::default() };
    Universe::new(config, Arena { npcs: 5 })
}

fn add(universe: &mut Universe<ArenaInput>, count: usize) {
    for _ in 0..count {
        universe.add_player(link(0.0), link(0.0), Box::new(|_, _| ArenaInput::default()));
    }
}

/// Why each player who is gone was told that it is.
fn reasons(universe: &Universe<ArenaInput>) -> BTreeSet<&'static str> {
    let status = universe.players().iter().map(|player| player.client.status());
    status
        .filter_map(|status| if let Status::Disconnected(reason) = status { Some(reason.name()) } else { None })
        .collect()
}

fn count_named(counts: Vec<(&'static str, u64)>, name: &str) -> u64 {
    counts.into_iter().find(|(counted, _)| *counted == name).map_or(0, |(_, count)| count)
}

/// Plays, lets `end` do something to everybody at half of all datagrams lost, and expects all to hear this reason.
fn all_hear(reason: &str, end: impl Fn(&mut Universe<ArenaInput>, ClientId)) {
    let mut universe = universe(3, 64);
    add(&mut universe, 16);
    universe.run(Duration::from_secs(2)).unwrap();
    universe.set_links(link(0.5), link(0.5));
    (1..=16).for_each(|id| end(&mut universe, ClientId(id)));
    universe.run(Duration::from_secs(2)).unwrap();
    assert_eq!(reasons(&universe), BTreeSet::from([reason]));
    assert_eq!(count_named(universe.engine().stats().disconnects.named(), reason), 16);
    assert_eq!((universe.engine().client_count(), universe.engine().absent_count()), (0, 0));
}

#[test]
fn who_is_kicked_hears_it_at_half_of_all_datagrams_lost() {
    all_hear("kicked", |universe, client_id| {
        let now = universe.now();
        assert!(universe.engine_mut().kick(client_id, now));
    });
}

#[test]
fn who_is_banned_hears_it() {
    all_hear("banned", |universe, client_id| {
        let now = universe.now();
        assert!(universe.engine_mut().ban(client_id, now));
    });
}

#[test]
fn everybody_hears_that_the_server_stops() {
    all_hear("shutdown", |universe, _| {
        let now = universe.now();
        universe.engine_mut().shut_down(now);
    });
}

/// A client joins a server to which `before` was done, at a loss of a fifth, and is turned away.
fn turned_away(reason: RejectReason, max_clients: usize, before: impl Fn(&mut Universe<ArenaInput>)) {
    let mut universe = universe(4, max_clients);
    before(&mut universe);
    universe.run(Duration::from_secs(2)).unwrap();
    let number = universe.add_player(link(0.2), link(0.2), Box::new(|_, _| ArenaInput::default()));
    universe.run(Duration::from_secs(3)).unwrap();
    let status = universe.players()[number].client.status();
    assert_eq!(status, Status::Disconnected(DisconnectReason::Rejected(reason)));
    assert_eq!(count_named(universe.engine().stats().rejected.named(), reason.name()), 1);
}

#[test]
fn who_finds_the_server_full_hears_it() {
    turned_away(RejectReason::Full, 2, |universe| add(universe, 2));
}

#[test]
fn who_comes_to_a_draining_server_hears_it() {
    turned_away(RejectReason::Draining, 2, |universe| universe.engine_mut().drain());
}

#[test]
fn who_is_on_the_ban_list_hears_it() {
    turned_away(RejectReason::Banned, 2, |universe| universe.engine_mut().set_bans([ClientId(1)]));
}

#[test]
fn a_place_that_waits_for_its_player_is_taken() {
    turned_away(RejectReason::Full, 1, |universe| {
        add(universe, 1);
        universe.run(Duration::from_secs(1)).unwrap();
        universe.rebind(0);
        universe.run(Duration::from_millis(5_500)).unwrap();
    });
}

#[test]
fn beyond_the_slots_for_refusals_netcode_says_that_the_server_is_full() {
    let mut universe = universe(5, 8);
    add(&mut universe, 40);
    universe.run(Duration::from_secs(4)).unwrap();
    assert_eq!(universe.engine().player_count(), 8);
    let told = universe.players().iter().filter_map(|player| match player.client.status() {
        Status::Disconnected(reason) => Some(reason.to_string()),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), vec!["the server is full"; 32]);
}

#[test]
fn who_speaks_another_version_hears_it() {
    let mut universe = universe(6, 8);
    let mut stranger = Attacker::connect(&mut universe, 1, None);
    stranger.say(&mut universe, &Greeting { version: u16::from(WIRE_VERSION) }.write());
    stranger.wait(&mut universe, 100);
    assert_eq!(stranger.farewell, None);
    stranger.say(&mut universe, &Greeting { version: u16::from(WIRE_VERSION) + 1 }.write());
    stranger.wait(&mut universe, 100);
    assert_eq!(stranger.farewell, Some(Farewell::Rejected(RejectReason::VersionMismatch)));
    assert_eq!(universe.engine().stats().rejected.version_mismatch, 1);
    assert_eq!(universe.engine().stats().payloads_malformed, 0);
}

#[test]
fn who_was_not_heard_for_too_long_hears_it_if_the_way_back_works() {
    let mut universe = universe(7, 8);
    add(&mut universe, 1);
    universe.run(Duration::from_secs(2)).unwrap();
    universe.set_links(link(0.0), link(1.0));
    universe.run(Duration::from_secs(7)).unwrap();
    assert_eq!(reasons(&universe), BTreeSet::from(["timeout"]));
    assert_eq!(universe.engine().stats().disconnects.timeout, 1);
}

/// As a client of plain netcode, which knows nothing of what is above it.
#[test]
fn who_says_nothing_that_is_understood_stays_until_others_need_the_place() {
    let mut universe = universe(8, 4);
    let mut guest = Attacker::connect(&mut universe, 1, None);
    for i in 0..100_u8 {
        guest.say(&mut universe, &vec![i; PAYLOAD_BYTES_MAX - usize::from(i)]);
        guest.wait(&mut universe, 200);
    }
    assert_eq!((guest.farewell, universe.engine().client_count()), (None, 1));
    let stats = universe.engine().stats();
    assert!(stats.payloads_malformed >= 90, "{}", stats.payloads_malformed);
    assert_eq!(universe.engine().player_count(), 0);
    add(&mut universe, 3);
    guest.wait(&mut universe, 1_000);
    assert_eq!((guest.farewell, universe.engine().player_count()), (None, 3));
    add(&mut universe, 1);
    guest.wait(&mut universe, 1_000);
    assert_eq!(guest.farewell, Some(Farewell::Rejected(RejectReason::HelloTimeout)));
    assert_eq!(universe.engine().player_count(), 4);
    assert_eq!(universe.engine().stats().rejected.hello_timeout, 1);
}
