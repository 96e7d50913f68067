//! The reliable messages of both directions, byte by byte. Run with `WRITE_VECTORS=1` after an intended change.

mod vector_file;

use tidelock::bits::{BitWriter, Malformed};
use tidelock::state::{Audience, EventId, NetId};
use tidelock::wire::{ClientMessage, HeldStream, ResumeClaim, ServerMessage, Welcome};
use tidelock::{Instant, Tick};
use vector_file::{Vectors, bytes};

const CLIENT: &str = "client_messages.txt";
const SERVER: &str = "server_messages.txt";

fn client_messages() -> Vec<(&'static str, ClientMessage)> {
    vec![
        ("hello", hello(None)),
        ("hello_of_one_who_holds_nothing", hello(Some(vec![]))),
        ("hello_of_one_who_comes_back", hello(Some(held_streams()))),
        ("desync", ClientMessage::Desync { tick: Tick(0xFEDC_BA98) }),
        ("event", ClientMessage::Event { id: EventId(255), body: vec![1, 2, 254] }),
        ("event_without_a_body", ClientMessage::Event { id: EventId(0), body: vec![] }),
    ]
}

/// `streams`: what is claimed, of one who comes back.
fn hello(streams: Option<Vec<HeldStream>>) -> ClientMessage {
    let claim = streams.map(|streams| ResumeClaim { payload_hash: 0xFEDC_BA98_7654_3210, streams });
    ClientMessage::Hello { schema_hash: 0x0123_4567_89AB_CDEF, claim }
}

fn held_streams() -> Vec<HeldStream> {
    let held = |audience, index, tick, proof| HeldStream { audience, index, tick: Tick(tick), proof };
    vec![
        held(Audience::Public, 0, 70_000, 0xABCD),
        held(Audience::Public, 1, 69_990, 0),
        held(Audience::Public, NetId::INDEX_MAX, 3, 0xFFFF),
        held(Audience::Team, 7, 69_998, 0x4321),
        held(Audience::Owner, 1, 69_999, 0x1234),
    ]
}

fn welcome_of(tick_hz: u8, snapshot_hz: u8) -> Welcome {
    let due = Instant::from_us(0x0102_0304_0506_0708);
    let payload = Some(b"map".to_vec());
    Welcome { tick_hz, snapshot_hz, tick: Tick(70_000), due, resumed: false, state_kept: false, payload }
}

fn welcome(tick_hz: u8, snapshot_hz: u8) -> ServerMessage {
    ServerMessage::Welcome(welcome_of(tick_hz, snapshot_hz))
}

/// The welcome of one who comes back.
fn welcome_back(state_kept: bool, payload: Option<Vec<u8>>) -> ServerMessage {
    ServerMessage::Welcome(Welcome { resumed: true, state_kept, payload, ..welcome_of(60, 30) })
}

fn server_messages() -> Vec<(&'static str, ServerMessage)> {
    vec![
        ("welcome", welcome(60, 30)),
        ("welcome_of_the_slowest_server", welcome(1, 1)),
        ("welcome_of_the_fastest_server", welcome(240, 240)),
        ("welcome_back_from_a_crash", welcome_back(false, Some(b"map".to_vec()))),
        ("welcome_back_to_what_is_held", welcome_back(true, None)),
        ("event", ServerMessage::Event { id: EventId(7), body: vec![0xAA, 0x55] }),
    ]
}

fn raw(bytes: &[u8]) -> impl FnOnce(&mut BitWriter) {
    let bytes = bytes.to_vec();
    move |w| w.write_bytes(&bytes)
}

#[test]
fn client_messages_have_these_bytes() {
    let mut vectors = Vectors::new(
        CLIENT,
        "Reliable messages of a client, whole and before they are cut into fragments.\n\
         kind u8 | hello: schema hash u64, comes back 1, then the claim; desync: tick u32; event: id u8, then the body to the\n\
         end. Little-endian.",
    );
    for (name, message) in client_messages() {
        vectors.accepted(name, &format!("{message:?}"), |w| message.write(w));
    }
    vectors.refused("unknown_kind", "2 is the last kind", raw(&[3, 0]));
    vectors.refused("hello_without_a_flag", "a bit follows the schema hash; twin: hello", raw(&[0; 9]));
    vectors.refused("hello_with_more", "nothing but zeros to a whole byte follows; twin: hello", raw(&[0; 11]));
    vectors.refused("hello_padded_with_a_one", "zeros follow to a whole byte; twin: hello", |w| {
        w.write_bytes(&[0; 9]);
        w.write(0b1000_0000, 8);
    });
    vectors.refused("claim_cut_short", "each audience ends with a 0; twin: hello_of_one_who_holds_nothing", |w| {
        w.write_bytes(&[0; 9]);
        w.write_bool(true);
        w.write_bytes(&[0; 11]);
    });
    vectors.refused("claim_beyond_the_last_index", "2^20 - 1 is the last; twin: hello_of_one_who_comes_back", |w| {
        w.write_bytes(&[0; 9]);
        w.write_bool(true);
        w.write_bytes(&[0; 12]);
        w.write_bool(true);
        w.write_golomb(NetId::INDEX_MAX + 1, 2);
        w.write_golomb(0, 4);
        w.write(0, 16);
        w.write(0, 2);
    });
    vectors.refused("event_without_an_id", "an id has one byte; twin: event_without_a_body", raw(&[2]));
    vectors.refused("nothing", "a message has a kind", raw(&[]));
    vectors.check();
}

#[test]
fn client_messages_read_back() {
    for (name, message) in client_messages() {
        assert_eq!(ClientMessage::read(&bytes(CLIENT, name)), Ok(message), "{name}");
    }
    let refused = [
        "unknown_kind",
        "hello_without_a_flag",
        "hello_with_more",
        "hello_padded_with_a_one",
        "claim_cut_short",
        "claim_beyond_the_last_index",
        "event_without_an_id",
        "nothing",
    ];
    for name in refused {
        assert_eq!(ClientMessage::read(&bytes(CLIENT, &format!("refused_{name}"))), Err(Malformed), "{name}");
    }
}

#[test]
fn server_messages_have_these_bytes() {
    let mut vectors = Vectors::new(
        SERVER,
        "Reliable messages of the server, whole and before they are cut into fragments.\n\
         kind u8 | welcome: tick hz u8, snapshot hz u8, tick u32, due u64 in us, flags u8, then the game's payload to the end;\n\
         event: id u8, then the body to the end. Little-endian. Flags: 1 resumed, 2 state kept, 4 a payload follows.",
    );
    for (name, message) in server_messages() {
        vectors.accepted(name, &format!("{message:?}"), |w| message.write(w));
    }
    vectors.refused("unknown_kind", "1 is the last kind", raw(&[2, 1]));
    vectors.refused("welcome_at_241_hz", "240 is the fastest; twin: welcome_of_the_fastest_server", |w| {
        welcome(241, 240).write(w);
    });
    vectors.refused("welcome_at_0_hz", "1 is the slowest; twin: welcome_of_the_slowest_server", |w| {
        welcome(0, 0).write(w);
    });
    vectors.refused("welcome_with_more_snapshots_than_ticks", "at most one a tick", |w| welcome(60, 61).write(w));
    vectors.refused("welcome_that_keeps_state_of_a_newcomer", "kept means resumed; twin: welcome", |w| {
        ServerMessage::Welcome(Welcome { state_kept: true, ..welcome_of(60, 30) }).write(w);
    });
    vectors.refused("welcome_of_a_newcomer_without_a_payload", "only one who was here has it; twin: welcome", |w| {
        ServerMessage::Welcome(Welcome { payload: None, ..welcome_of(60, 30) }).write(w);
    });
    vectors.refused("welcome_with_an_unknown_flag", "4 is the highest flag; twin: welcome", |w| {
        w.write_bytes(&[0, 60, 30]);
        w.write_bytes(&[0; 12]);
        w.write(4 | 8, 8);
    });
    vectors.check();
}

#[test]
fn server_messages_read_back() {
    for (name, message) in server_messages() {
        assert_eq!(ServerMessage::read(&bytes(SERVER, name)), Ok(message), "{name}");
    }
    let refused = [
        "unknown_kind",
        "welcome_at_241_hz",
        "welcome_at_0_hz",
        "welcome_with_more_snapshots_than_ticks",
        "welcome_that_keeps_state_of_a_newcomer",
        "welcome_of_a_newcomer_without_a_payload",
        "welcome_with_an_unknown_flag",
    ];
    for name in refused {
        assert_eq!(ServerMessage::read(&bytes(SERVER, &format!("refused_{name}"))), Err(Malformed), "{name}");
    }
}
