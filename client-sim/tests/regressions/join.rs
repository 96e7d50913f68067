//! Join payloads: long ones arrive, too long ones end a join and nothing else.

use super::game::{Game, Keys, is_sound, link, take};
use bevy_app::App;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidelock::Tick;
use tidelock::state::{Event, Shaped};
use tidelock::wire::{CloseReason, JOIN_PAYLOAD_BYTES_MAX};
use tidelock_server::game::{FromClient, JoinPayload, PlayerJoined, PlayerLeft, Replication};
use tidelock_sim::client::{ClientEvent, DisconnectReason, Status};
use tidelock_sim::universe::{Universe, UniverseConfig};

/// Said by a player.
#[derive(Clone, Debug, PartialEq, Eq, bitcode::Encode, bitcode::Decode, Shaped)]
struct Hail(u32);

impl Event for Hail {
    const NAME: &'static str = "hail";
}

/// How many players the game heard of: joined, and left.
type Heard = Arc<Mutex<(usize, usize)>>;

/// A game whose map takes so many bytes, none of which repeat soon.
fn payload(bytes: usize) -> Vec<u8> {
    (0..bytes as u32).map(|n| (n.wrapping_mul(0x9E37_79B1) >> 24) as u8).collect()
}

fn universe(payload_bytes: usize) -> (Universe<Keys>, Heard) {
    let heard = Heard::default();
    let told = Arc::clone(&heard);
    let game = Game::new(
        move |app| {
            app.input::<Keys>().insert_resource(JoinPayload(payload(payload_bytes)));
        },
        move |world| {
            let mut told = told.lock().unwrap();
            told.0 += take::<PlayerJoined>(world).len();
            told.1 += take::<PlayerLeft>(world).len();
        },
    );
    (Universe::new(UniverseConfig { seed: 31, ..Default::default() }, game), heard)
}

#[test]
fn the_longest_join_payload_arrives_byte_for_byte_under_loss() {
    let (mut universe, heard) = universe(JOIN_PAYLOAD_BYTES_MAX);
    universe.add_player(link(40, 0.05), link(40, 0.05), Box::new(|_, _| Keys::default()));
    universe.run(Duration::from_secs(8)).unwrap();
    is_sound(&universe);
    let joined = universe.players()[0].events.iter().filter_map(|event| match event {
        ClientEvent::Joined { payload, .. } => Some(payload),
        _ => None,
    });
    assert_eq!(joined.collect::<Vec<_>>(), [&payload(JOIN_PAYLOAD_BYTES_MAX)]);
    assert_eq!(*heard.lock().unwrap(), (1, 0));
}

#[test]
fn a_join_payload_that_is_too_long_refuses_the_client_and_nobody_else() {
    let (mut universe, heard) = universe(JOIN_PAYLOAD_BYTES_MAX + 64);
    for _ in 0..2 {
        let number = universe.add_player(link(40, 0.05), link(40, 0.05), Box::new(|_, _| Keys::default()));
        universe.run(Duration::from_secs(3)).unwrap();
        let told = Status::Disconnected(DisconnectReason::Closed(CloseReason::ProtocolError));
        assert_eq!(universe.players()[number].client.status(), told);
        assert_eq!(universe.engine().client_count(), 0);
    }
    assert_eq!(universe.engine().tick_number(), Tick(6 * 60), "the server runs on");
    assert_eq!(*heard.lock().unwrap(), (0, 0), "nobody who never joined has left");
}

#[test]
fn what_a_player_says_the_moment_it_joins_is_heard() {
    for (seed, loss) in [(1, 0.0), (2, 0.1), (3, 0.3)] {
        let heard: Arc<Mutex<Vec<Hail>>> = Arc::default();
        let log = Arc::clone(&heard);
        let declare = |app: &mut App| {
            app.input::<Keys>().event::<Hail>().insert_resource(JoinPayload(payload(20_000)));
        };
        let game = Game::new(declare, move |world| {
            log.lock().unwrap().extend(take::<FromClient<Hail>>(world).into_iter().map(|hail| hail.event));
        });
        let mut universe: Universe<Keys> = Universe::new(UniverseConfig { seed, ..Default::default() }, game);
        universe.add_player(link(40, loss), link(40, loss), Box::new(|_, _| Keys::default()));
        while universe.players_mut()[0].client.send_event(&Hail(7)).is_err() {
            universe.run(Duration::from_millis(1)).unwrap();
        }
        universe.run(Duration::from_secs(3)).unwrap();
        assert_eq!(*heard.lock().unwrap(), [Hail(7)]);
        is_sound(&universe);
    }
}
