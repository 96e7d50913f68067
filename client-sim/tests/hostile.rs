//! Whatever strangers and players send, nothing breaks, all of it is counted, and the others notice nothing.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tidelock::bits::BitWriter;
use tidelock::wire::{ClientMessage, Farewell, RejectReason};
use tidelock::{ClientId, Tick};
use tidelock_sim::client::{Client, ClientConfig, Status};
use tidelock_sim::link::{LinkConfig, Rng};
use tidelock_sim::universe::churn::{Churn, Echo, Stamp};
use tidelock_sim::universe::strangers::Attacker;
use tidelock_sim::universe::{Packet, SERVER, Universe, UniverseConfig};

const BYSTANDERS: usize = 3;
const STRANGER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 9, 9, 9)), 4_000);

/// Players on links that lose nothing: every loss they see is somebody's doing.
fn universe(seed: u64) -> Universe<Stamp> {
    let config = UniverseConfig { seed, client_bandwidth_bytes_s: 256 * 1024, ..Default::default() };
    let mut universe = Universe::new(config, Churn::new(60, 200));
    universe.tap();
    let link = LinkConfig { latency: Duration::from_millis(15), ..Default::default() };
    (0..BYSTANDERS).for_each(|_| {
        universe.add_player(link, link, Box::new(|_, tick| Stamp::of(tick)));
    });
    universe.run(Duration::from_secs(1)).unwrap();
    universe
}

fn hello(universe: &Universe<Stamp>) -> Option<u64> {
    Some(universe.engine().schema().hash())
}

/// Lets the honest players play on, and looks whether they noticed anything.
fn nobody_noticed(universe: &mut Universe<Stamp>) {
    let audits: Vec<u64> = universe.players().iter().map(|player| player.client.stats().audits_passed).collect();
    let inputs = universe.engine().stats().inputs;
    universe.run(Duration::from_secs(2)).unwrap();
    for (player, audits) in universe.players().iter().zip(audits) {
        let stats = player.client.stats();
        assert_eq!(player.client.status(), Status::Playing);
        assert_eq!((stats.desyncs, stats.snapshots.undecodable, stats.payloads_malformed), (0, 0, 0), "{stats:?}");
        assert_eq!((stats.down.expected - stats.down.received, stats.up.lost), (0, 0), "{stats:?}");
        assert!(stats.audits_passed > audits + 5, "{} audits after {audits}", stats.audits_passed);
        assert!(
            player.client.view().whole_tick().is_some_and(|whole| universe.engine().tick_number().since(whole) < 10)
        );
    }
    let on_time = universe.engine().stats().inputs.on_time - inputs.on_time;
    assert!(on_time >= 115 * BYSTANDERS as u64, "{on_time}");
}

fn drops(universe: &mut Universe<Stamp>) -> u64 {
    universe.engine().netcode_drops().map(|(_, count)| count).sum()
}

/// One genuine packet of each kind and of some lengths to the server, or else from it.
fn specimens(packets: Vec<Packet>, to_server: bool) -> Vec<Packet> {
    let mut kinds: BTreeMap<(u8, usize), Packet> = BTreeMap::new();
    for packet in packets.into_iter().filter(|packet| (packet.to == SERVER) == to_server) {
        let class = (packet.datagram[0] & 0xF, packet.datagram.len() / 64);
        kinds.insert(class, packet);
    }
    kinds.into_values().collect()
}

fn kinds(specimens: &[Packet]) -> Vec<u8> {
    let mut kinds: Vec<u8> = specimens.iter().map(|packet| packet.datagram[0] & 0xF).collect();
    kinds.dedup();
    kinds
}

/// Every truncation of a packet, and flips of single bits: all in the first bytes, then some.
fn mutilations(packet: &[u8]) -> Vec<Vec<u8>> {
    let cuts = (0..packet.len()).map(|len| packet[..len].to_vec());
    let bits = (0..packet.len() * 8).filter(|bit| *bit < 256 || bit % 13 == 0);
    let flips = bits.map(|bit| {
        let mut flipped = packet.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    });
    cuts.chain(flips).collect()
}

#[test]
fn genuine_packets_cut_flipped_and_replayed_are_dropped_by_the_server() {
    let mut universe = universe(1);
    // One who leaves, so that there is a goodbye to look at.
    let link = LinkConfig::default();
    let leaver = universe.add_player(link, link, Box::new(|_, tick| Stamp::of(tick)));
    universe.run(Duration::from_secs(1)).unwrap();
    universe.players_mut()[leaver].client.disconnect();
    universe.run(Duration::from_millis(500)).unwrap();
    let specimens = specimens(universe.take_tapped(), true);
    assert_eq!(kinds(&specimens), [0, 3, 4, 5, 6], "request, response, keep-alive, payload, goodbye");
    let (before, clients) = (drops(&mut universe), universe.engine().client_count());
    let mut sent = 0;
    for packet in &specimens {
        let mutilations = mutilations(&packet.datagram);
        let replays = std::iter::repeat_n(packet.datagram.clone(), 3);
        for datagram in mutilations.into_iter().chain(replays) {
            for from in [packet.from, STRANGER] {
                universe.inject(from, &datagram);
                sent += 1;
            }
        }
        universe.run(Duration::from_millis(20)).unwrap();
    }
    assert_eq!(drops(&mut universe) - before, sent, "each counts once");
    assert_eq!(universe.engine().client_count(), clients);
    let gone = universe.players_mut()[leaver].client.status();
    assert!(matches!(gone, Status::Disconnected(_)));
    universe.players_mut()[leaver].client = newcomer(&mut universe, 77);
    universe.players_mut()[leaver].client_id = ClientId(77);
    universe.run(Duration::from_secs(2)).unwrap();
    assert_eq!(universe.players()[leaver].client.status(), Status::Playing, "who joins after that is let in");
    nobody_noticed_but(&mut universe, BYSTANDERS);
}

fn newcomer(universe: &mut Universe<Stamp>, number: u64) -> Client<Stamp> {
    let schema = universe.players()[0].client.schema().clone();
    let token = universe.issue_token(ClientId(number));
    Client::new(ClientConfig { token, schema }, universe.now())
}

/// As [`nobody_noticed`], for the first players alone.
fn nobody_noticed_but(universe: &mut Universe<Stamp>, first: usize) {
    universe.run(Duration::from_secs(1)).unwrap();
    for player in &universe.players()[..first] {
        let stats = player.client.stats();
        assert_eq!(player.client.status(), Status::Playing);
        assert_eq!((stats.desyncs, stats.snapshots.undecodable, stats.payloads_malformed), (0, 0, 0), "{stats:?}");
        assert_eq!((stats.down.expected - stats.down.received, stats.up.lost), (0, 0), "{stats:?}");
    }
}

#[test]
fn genuine_packets_cut_flipped_and_replayed_are_dropped_by_clients() {
    let mut universe = universe(2);
    let specimens = specimens(universe.take_tapped(), false);
    assert_eq!(kinds(&specimens), [2, 4, 5], "challenge, keep-alive, payload");
    for packet in &specimens {
        for datagram in mutilations(&packet.datagram).into_iter().chain([packet.datagram.clone()]) {
            let now = universe.now();
            for player in universe.players_mut() {
                for from in [SERVER, STRANGER] {
                    player.client.handle_datagram(from, &mut datagram.clone(), now);
                }
            }
        }
        universe.run(Duration::from_millis(20)).unwrap();
    }
    nobody_noticed(&mut universe);
}

#[test]
fn random_bytes_from_a_player_are_malformed_or_nothing() {
    let mut universe = universe(3);
    let hello = hello(&universe);
    let mut attacker = Attacker::connect(&mut universe, 1, hello);
    let mut rng = Rng::stream(3, 1);
    for round in 0..3_000 {
        let mut payload: Vec<u8> = (0..1 + rng.below(1_200)).map(|_| rng.next_u64() as u8).collect();
        // Every other one is of the right version.
        payload[0] = if round % 2 == 0 { payload[0] & 0xF0 | 1 } else { payload[0] };
        attacker.say(&mut universe, &payload);
        if round % 20 == 0 {
            attacker.wait(&mut universe, 5);
        }
    }
    assert!(universe.engine().stats().payloads_malformed > 2_000, "{}", universe.engine().stats().payloads_malformed);
    nobody_noticed(&mut universe);
}

#[test]
fn payloads_that_are_almost_right_hurt_nobody_else() {
    let mut universe = universe(4);
    let hello = hello(&universe);
    let mut attacker = Attacker::connect(&mut universe, 1, hello);
    let mut rng = Rng::stream(4, 1);
    for round in 0..2_000u32 {
        let tick = universe.engine().tick_number();
        if round % 7 == 0 {
            attacker.queue_event(0, &bitcode::encode(&Echo(vec![3; 20])));
        }
        let mut payload = attacker.datagram(&universe, |w| Attacker::inputs(tick.add(3), 1 + round % 9, w));
        for _ in 0..1 + rng.below(8) {
            let bit = rng.below(payload.len() as u64 * 8) as usize;
            payload[bit / 8] ^= 1 << (bit % 8);
        }
        payload.truncate(payload.len() - rng.below(3).min(payload.len() as u64 - 1) as usize);
        attacker.say(&mut universe, &payload);
        if round % 8 == 0 {
            attacker.wait(&mut universe, 4);
        }
    }
    assert!(universe.engine().stats().payloads_malformed > 100, "{}", universe.engine().stats().payloads_malformed);
    nobody_noticed(&mut universe);
}

#[test]
fn acks_for_what_never_came_hurt_only_the_liar() {
    let mut universe = universe(5);
    let hello = hello(&universe);
    let mut liar = Attacker::connect(&mut universe, 1, hello);
    liar.is_listening = false;
    liar.sequence = 100;
    for round in 0..3_000u32 {
        let lead = [0, 1, 5, 0, 30_000][round as usize % 5];
        let newest = liar.heard_sequence.wrapping_add(lead);
        let span = u32::from(newest).min([0, 3, 60, 1_000, 1_023][round as usize % 5]);
        let mut w = BitWriter::new();
        liar.forged_head(newest, span, &mut w);
        w.write_bool(false);
        liar.say(&mut universe, w.finish());
        if round % 4 == 0 {
            liar.wait(&mut universe, 4);
        }
    }
    assert!(universe.engine().stats().payloads_malformed > 500, "acks for what was not sent yet are refused");
    nobody_noticed(&mut universe);
}

#[test]
fn inputs_far_ahead_and_far_behind_are_counted_and_dropped() {
    let mut universe = universe(6);
    let hello = hello(&universe);
    let mut attacker = Attacker::connect(&mut universe, 1, hello);
    let before = universe.engine().stats().inputs;
    for round in 0..600 {
        let now = universe.engine().tick_number();
        let distance = [127, 128, 129, 200, 32_000, -1, -64, -32_000][round % 8];
        let newest = Tick(now.0.wrapping_add_signed(distance));
        let payload = attacker.datagram(&universe, |w| Attacker::inputs(newest, 64, w));
        attacker.say(&mut universe, &payload);
        attacker.wait(&mut universe, 2);
    }
    let after = universe.engine().stats().inputs;
    assert!(after.flood > before.flood + 64 * 100 && after.late > before.late + 100, "{after:?}");
    assert!(after.duplicate > before.duplicate + 1_000, "{after:?}");
    nobody_noticed(&mut universe);
}

#[test]
fn a_flood_of_events_ends_with_the_flooder() {
    let mut universe = universe(7);
    let hello = hello(&universe);
    let mut attacker = Attacker::connect(&mut universe, 1, hello);
    // He acknowledges nothing more: what comes back to him piles up.
    attacker.is_acknowledging = false;
    let mut rng = Rng::stream(7, 1);
    let body = bitcode::encode(&Echo((0..3_000).map(|_| rng.next_u64() as u8).collect()));
    for round in 0..1_000u32 {
        attacker.queue_event(if round % 4 == 0 { 200 } else { 0 }, &body);
        attacker.queue_event(0, &[0xFF; 30]);
        (0..4).for_each(|_| attacker.say_queued(&mut universe));
        attacker.wait(&mut universe, 20);
        if universe.engine().stats().disconnects.too_slow > 0 {
            break;
        }
    }
    assert!(universe.engine().stats().events_malformed > 50, "{}", universe.engine().stats().events_malformed);
    assert_eq!(universe.engine().stats().disconnects.too_slow, 1, "who does not take his messages is let go");
    nobody_noticed(&mut universe);
    assert_eq!(universe.engine().client_count(), BYSTANDERS);
}

#[test]
fn a_flood_of_desyncs_costs_the_flooder_his_own_budget() {
    let mut universe = universe(8);
    let hello = hello(&universe);
    let mut attacker = Attacker::connect(&mut universe, 1, hello);
    let sent = |universe: &Universe<Stamp>| {
        universe.engine().clients().iter().find(|client| client.address.port() == 2_001).map(|client| client.sent_bytes)
    };
    let before = sent(&universe).unwrap();
    for _ in 0..500 {
        (0..30).for_each(|n| attacker.queue(&ClientMessage::Desync { tick: Tick(n) }));
        attacker.say_queued(&mut universe);
        attacker.wait(&mut universe, 4);
    }
    assert!(universe.engine().stats().desyncs > 5_000, "{}", universe.engine().stats().desyncs);
    let spent = sent(&universe).unwrap() - before;
    assert!(spent <= 256 * 1024 * 9 / 4, "{spent} bytes in two seconds");
    nobody_noticed(&mut universe);
}

#[test]
fn fragments_that_break_the_rules_are_malformed() {
    let mut universe = universe(9);
    let hello = hello(&universe);
    let mut attacker = Attacker::connect(&mut universe, 1, hello);
    attacker.is_listening = false;
    let before = universe.engine().stats().payloads_malformed;
    for round in 0..400u64 {
        let mut w = BitWriter::new();
        w.write(u64::from(tidelock::wire::WIRE_VERSION), 4);
        w.write(200 + round, 16);
        // No acks and no unreliable messages.
        w.write(0, 2);
        // A message that never ends, one beyond the window, one too long, one again and again.
        let (id, len) = [(1 + round, 1_000), (1 + round + 64, 1), (1 + round, 1_001), (0, 5)][round as usize % 4];
        w.write_bool(true);
        w.write(id, 16);
        w.write_bool(false);
        w.write(len, 10);
        (0..len).for_each(|_| w.write(0x55, 8));
        w.write(0, 2);
        attacker.say(&mut universe, w.finish());
        attacker.wait(&mut universe, 2);
    }
    assert!(universe.engine().stats().payloads_malformed > before + 150);
    nobody_noticed(&mut universe);
}

#[test]
fn who_says_hello_twice_wrongly_or_never_is_dealt_with() {
    let mut universe = universe(10);
    let hash = hello(&universe).unwrap();
    let mut twice = Attacker::connect(&mut universe, 1, Some(hash));
    twice.queue(&ClientMessage::Hello { schema_hash: hash, claim: None });
    twice.say_queued(&mut universe);
    twice.wait(&mut universe, 50);
    assert_eq!(universe.engine().stats().events_malformed, 1, "there is one hello");

    let mut stranger = Attacker::connect(&mut universe, 2, None);
    stranger.queue_event(0, &bitcode::encode(&Echo(vec![])));
    stranger.queue(&ClientMessage::Desync { tick: Tick(1) });
    stranger.queue(&ClientMessage::Hello { schema_hash: hash ^ 1, claim: None });
    stranger.say_queued(&mut universe);
    stranger.wait(&mut universe, 400);
    assert_eq!(stranger.farewell, Some(Farewell::Rejected(RejectReason::SchemaMismatch)));
    assert_eq!(universe.engine().stats().events_malformed, 3);
    assert_eq!(universe.engine().stats().rejected.schema_mismatch, 1);

    let mut silent = Attacker::connect(&mut universe, 3, None);
    silent.wait(&mut universe, 5_500);
    assert_eq!(silent.farewell, None, "nobody needs its place");
    nobody_noticed(&mut universe);
}

#[test]
fn who_acknowledges_nothing_for_long_is_let_go() {
    let mut universe = universe(11);
    let hello = hello(&universe);
    let mut attacker = Attacker::connect(&mut universe, 1, hello);
    attacker.is_acknowledging = false;
    let others = |universe: &Universe<Stamp>| {
        universe.engine().clients().iter().filter(|client| client.address.port() != 2_001).map(|c| c.visible).max()
    };
    for _ in 0..320 {
        attacker.say_queued(&mut universe);
        attacker.wait(&mut universe, 100);
    }
    assert_eq!(universe.engine().stats().disconnects.protocol_error, 1);
    assert_eq!(universe.engine().client_count(), BYSTANDERS);
    assert!(others(&universe).is_some_and(|visible| visible < 150), "others' views are as large as what they see");
    nobody_noticed(&mut universe);
}
