//! Under 100,000 hostile datagrams a second, of each kind: players lose nothing, nobody is answered with more than he
//! sent, everything is counted once, and what costs work is within its budget.
//!
//! How much work a datagram was is told by the reason of its refusal, and not by a clock or by counted instructions,
//! which not every machine has: `undecryptable` is one decryption of the datagram's own length, `token_undecryptable` one
//! of a kilobyte for each key, and every other reason is given before any. `cargo bench -p tidelock-benches --bench attack`
//! counts the instructions.

use std::time::Duration;
use tidelock::netcode::{Key, ServerConfig, ServerSecrets};
use tidelock_arena::ArenaInput;
use tidelock_server::arena::Arena;
use tidelock_sim::link::LinkConfig;
use tidelock_sim::siege::{Damage, FloodKind, Siege};
use tidelock_sim::universe::{SERVER, Universe, UniverseConfig};

const PLAYERS: usize = 12;
const PER_S: usize = 100_000;
const FLOODED: Duration = Duration::from_millis(250);

fn besieged(kind: FloodKind) -> Siege<ArenaInput> {
    let config = UniverseConfig { seed: 5, max_clients: 64, ..Default::default() };
    let mut universe = Universe::new(config, Arena { npcs: 20 });
    universe.tap();
    let link = LinkConfig { latency: Duration::from_millis(15), ..Default::default() };
    (0..PLAYERS).for_each(|number| {
        let walks = ArenaInput { forward: 1.0, right: number as f32 / PLAYERS as f32, ..ArenaInput::default() };
        universe.add_player(link, link, Box::new(move |_, _| walks));
    });
    universe.run(Duration::from_secs(1)).unwrap();
    Siege::new(kind, universe, PER_S, 1)
}

/// Floods the universe, and finds that no player noticed and that all is accounted for.
fn flooded(kind: FloodKind) -> Damage {
    let mut siege = besieged(kind);
    siege.run(FLOODED);
    siege.rest(Duration::from_millis(250));
    let damage = siege.damage();
    assert_eq!((damage.disconnected, damage.lost, damage.desyncs), (0, 0, 0), "{damage:?}");
    assert_eq!(damage.packets, PER_S as u64 / 4);
    assert_eq!(damage.refused_total() + damage.answers, damage.packets, "each counts once, or is answered: {damage:?}");
    assert!(damage.amplification_max < 1.0, "{damage:?}");
    damage
}

/// How many connect tokens a server of this size decrypts in the time of the flood.
fn token_opens_max() -> u64 {
    let secrets = ServerSecrets::from_random([0; ServerSecrets::RANDOM_BYTES]);
    let config = ServerConfig::new(7, Key::new([7; 32]), SERVER, 64, secrets);
    u64::from(config.token_opens_burst) + u64::from(config.token_opens_per_s) * FLOODED.as_millis() as u64 / 1_000
}

#[test]
fn garbage_is_seldom_worth_a_decryption() {
    let damage = flooded(FloodKind::Garbage);
    assert!(damage.refused_as("undecryptable") < damage.packets / 50, "{damage:?}");
    assert_eq!(damage.refused_as("token_undecryptable"), 0, "{damage:?}");
}

#[test]
fn replays_are_refused_before_they_are_decrypted() {
    let damage = flooded(FloodKind::Replays);
    assert_eq!(damage.refused_as("undecryptable") + damage.refused_as("token_undecryptable"), 0, "{damage:?}");
    assert!(damage.refused_as("replayed") > damage.packets / 4, "{damage:?}");
}

#[test]
fn forged_requests_are_decrypted_within_a_budget() {
    let damage = flooded(FloodKind::ForgedRequests);
    let opens = damage.refused_as("token_undecryptable");
    assert!(opens > 0 && opens <= token_opens_max(), "{damage:?}");
    assert_eq!(damage.answers, 0, "{damage:?}");
}

#[test]
fn handshakes_that_nobody_finishes_are_answered_within_bounds() {
    let damage = flooded(FloodKind::HalfOpen);
    assert!(damage.answers > 0, "{damage:?}");
    let opens = damage.answers + damage.refused_as("handshakes_full") + damage.refused_as("token_history_full");
    assert!(opens <= token_opens_max(), "{damage:?}");
}

#[test]
fn packets_of_a_wrong_size_are_refused_by_their_size() {
    let damage = flooded(FloodKind::WrongSizes);
    assert_eq!(damage.refused_as("size_invalid"), damage.packets, "{damage:?}");
}

#[test]
fn packets_with_a_wrong_tag_are_decrypted_once_at_most() {
    let damage = flooded(FloodKind::WrongTags);
    let refused = damage.refused_as("undecryptable") + damage.refused_as("address_connected");
    assert_eq!(refused, damage.packets, "{damage:?}");
}

#[test]
fn who_comes_while_strangers_flood_is_let_in() {
    for kind in [FloodKind::Garbage, FloodKind::Replays, FloodKind::ForgedRequests, FloodKind::WrongTags] {
        let mut siege = besieged(kind);
        siege.run(Duration::from_millis(50));
        let link = LinkConfig { latency: Duration::from_millis(15), ..Default::default() };
        let late = siege.universe_mut().add_player(link, link, Box::new(|_, _| ArenaInput::default()));
        let sees_the_world =
            |siege: &Siege<ArenaInput>| siege.universe().players()[late].client.view().whole_tick().is_some();
        let began = siege.universe().now();
        while !sees_the_world(&siege) && siege.universe().now() < began + Duration::from_secs(1) {
            siege.run(Duration::from_millis(50));
        }
        assert!(sees_the_world(&siege), "{}: {:?}", kind.name(), siege.damage());
        assert_eq!(siege.damage().disconnected, 0);
    }
}
