//! Whatever is sent, memory does not grow with it.

mod heap;

use heap::{CountingHeap, live_bytes};
use tidelock::Tick;
use tidelock::wire::ClientMessage;
use tidelock_sim::client::Status;
use tidelock_sim::link::{LinkConfig, Rng};
use tidelock_sim::universe::churn::{Churn, Echo, Stamp};
use tidelock_sim::universe::strangers::Attacker;
use tidelock_sim::universe::{Universe, UniverseConfig};

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

/// Everything an attacker does in one round.
fn attack(universe: &mut Universe<Stamp>, attacker: &mut Attacker, rng: &mut Rng) {
    let tick = universe.engine().tick_number();
    let noise: Vec<u8> = (0..1 + rng.below(1_200)).map(|_| rng.next_u64() as u8).collect();
    attacker.say(universe, &noise);
    let (newest, count) = (tick.add(rng.below(300) as u32), 1 + rng.below(64) as u32);
    let mut payload = attacker.datagram(universe, |w| Attacker::inputs(newest, count, w));
    attacker.say(universe, &payload);
    let bit = rng.below(payload.len() as u64 * 8) as usize;
    payload[bit / 8] ^= 1 << (bit % 8);
    attacker.say(universe, &payload);
    let body: Vec<u8> = (0..rng.below(600)).map(|_| rng.next_u64() as u8).collect();
    // What waits too long is not sent at all.
    if attacker.connection.messages_delivered() {
        attacker.queue_event(0, &bitcode::encode(&Echo(body.clone())));
        attacker.queue_event(rng.below(3) as u8, &body);
        attacker.queue(&ClientMessage::Desync { tick: Tick(rng.next_u64() as u32) });
    }
    attacker.say_queued(universe);
    let stranger = ([10, 9, rng.below(256) as u8, rng.below(256) as u8], 1 + rng.below(60_000) as u16).into();
    universe.inject(stranger, &noise);
    attacker.wait(universe, 5);
}

/// What the test itself keeps is not counted.
fn forget(universe: &mut Universe<Stamp>, game: &Churn, attackers: &mut [Attacker]) {
    universe.take_tapped();
    universe.players_mut().iter_mut().for_each(|player| player.events = Vec::new());
    universe.engine_mut().stats_mut().samples = Default::default();
    *game.applied.lock().unwrap() = Vec::new();
    attackers.iter_mut().for_each(|attacker| attacker.messages = Vec::new());
}

#[test]
fn a_long_attack_takes_no_more_memory_than_a_short_one() {
    let game = Churn::new(40, 120);
    let config = UniverseConfig { seed: 11, client_bandwidth_bytes_s: 128 * 1024, ..Default::default() };
    let mut universe = Universe::new(config, game.clone());
    // What checkers remember is not the server's.
    universe.set_checked(false);
    let link = LinkConfig::default();
    (0..2).for_each(|_| {
        universe.add_player(link, link, Box::new(|_, tick| Stamp::of(tick)));
    });
    let hello = Some(universe.engine().schema().hash());
    let mut rng = Rng::stream(11, 1);
    let mut attackers: Vec<Attacker> = Vec::new();
    let mut live = Vec::new();
    for minute in 0..6u16 {
        // One acknowledges what he gets, one never does; both come anew when they have been let go.
        attackers = (0..2).map(|n| Attacker::connect(&mut universe, minute * 2 + n, hello)).collect();
        attackers[1].is_acknowledging = false;
        for round in 0..1_500usize {
            attack(&mut universe, &mut attackers[round % 2], &mut rng);
        }
        for attacker in &mut attackers {
            attacker.netcode.disconnect();
            attacker.wait(&mut universe, 20);
        }
        forget(&mut universe, &game, &mut attackers);
        live.push(live_bytes());
    }
    drop(attackers);
    let (early, late) = (live[2], live[5]);
    assert!(late < early + 512 * 1024, "{live:?}");
    for player in universe.players() {
        assert_eq!((player.client.status(), player.client.stats().desyncs), (Status::Playing, 0));
    }
}
