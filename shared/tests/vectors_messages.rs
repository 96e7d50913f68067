//! The reliable messages of both directions, byte by byte. Run with `WRITE_VECTORS=1` after an intended change.

mod vector_file;

use tidelock::bits::{BitWriter, Malformed};
use tidelock::state::EventId;
use tidelock::wire::{ClientMessage, CloseReason, RejectReason, ServerMessage, Welcome};
use tidelock::{Instant, Tick};
use vector_file::{Vectors, bytes};

const CLIENT: &str = "client_messages.txt";
const SERVER: &str = "server_messages.txt";

fn client_messages() -> Vec<(&'static str, ClientMessage)> {
    vec![
        ("hello", ClientMessage::Hello { schema_hash: 0x0123_4567_89AB_CDEF }),
        ("desync", ClientMessage::Desync { tick: Tick(0xFEDC_BA98) }),
        ("event", ClientMessage::Event { id: EventId(255), body: vec![1, 2, 254] }),
        ("event_without_a_body", ClientMessage::Event { id: EventId(0), body: vec![] }),
    ]
}

fn welcome(tick_hz: u8, snapshot_hz: u8) -> ServerMessage {
    let due = Instant::from_us(0x0102_0304_0506_0708);
    ServerMessage::Welcome(Welcome { tick_hz, snapshot_hz, tick: Tick(70_000), due, payload: b"map".to_vec() })
}

fn server_messages() -> Vec<(&'static str, ServerMessage)> {
    vec![
        ("welcome", welcome(60, 30)),
        ("welcome_of_the_slowest_server", welcome(1, 1)),
        ("welcome_of_the_fastest_server", welcome(240, 240)),
        ("rejected_for_its_schema", ServerMessage::Rejected(RejectReason::SchemaMismatch)),
        ("rejected_while_draining", ServerMessage::Rejected(RejectReason::Draining)),
        ("rejected_as_banned", ServerMessage::Rejected(RejectReason::Banned)),
        ("event", ServerMessage::Event { id: EventId(7), body: vec![0xAA, 0x55] }),
        ("closing_after_a_kick", ServerMessage::Closing(CloseReason::Kicked)),
        ("closing_as_the_server_stops", ServerMessage::Closing(CloseReason::Shutdown)),
        ("closing_after_a_protocol_error", ServerMessage::Closing(CloseReason::ProtocolError)),
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
         kind u8 | hello: schema hash u64; desync: tick u32; event: id u8, then the body to the end. Little-endian.",
    );
    for (name, message) in client_messages() {
        vectors.accepted(name, &format!("{message:?}"), |w| message.write(w));
    }
    vectors.refused("unknown_kind", "2 is the last kind", raw(&[3, 0]));
    vectors.refused("hello_of_seven_bytes", "a schema hash has eight; twin: hello", raw(&[0, 1, 2, 3, 4, 5, 6, 7]));
    vectors.refused(
        "hello_of_nine_bytes",
        "nothing follows the schema hash; twin: hello",
        raw(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    );
    vectors.refused("event_without_an_id", "an id has one byte; twin: event_without_a_body", raw(&[2]));
    vectors.refused("nothing", "a message has a kind", raw(&[]));
    vectors.check();
}

#[test]
fn client_messages_read_back() {
    for (name, message) in client_messages() {
        assert_eq!(ClientMessage::read(&bytes(CLIENT, name)), Ok(message), "{name}");
    }
    for name in ["unknown_kind", "hello_of_seven_bytes", "hello_of_nine_bytes", "event_without_an_id", "nothing"] {
        assert_eq!(ClientMessage::read(&bytes(CLIENT, &format!("refused_{name}"))), Err(Malformed), "{name}");
    }
}

#[test]
fn server_messages_have_these_bytes() {
    let mut vectors = Vectors::new(
        SERVER,
        "Reliable messages of the server, whole and before they are cut into fragments.\n\
         kind u8 | welcome: tick hz u8, snapshot hz u8, tick u32, due u64 in us, then the game's payload to the end;\n\
         rejected and closing: reason u8; event: id u8, then the body to the end. Little-endian.",
    );
    for (name, message) in server_messages() {
        vectors.accepted(name, &format!("{message:?}"), |w| message.write(w));
    }
    vectors.refused("unknown_kind", "3 is the last kind", raw(&[4, 1]));
    vectors.refused("welcome_at_241_hz", "240 is the fastest; twin: welcome_of_the_fastest_server", |w| {
        welcome(241, 240).write(w);
    });
    vectors.refused("welcome_at_0_hz", "1 is the slowest; twin: welcome_of_the_slowest_server", |w| {
        welcome(0, 0).write(w);
    });
    vectors.refused("welcome_with_more_snapshots_than_ticks", "at most one a tick", |w| welcome(60, 61).write(w));
    vectors.refused("reject_reason_4", "3 is the last; twin: rejected_as_banned", raw(&[1, 4]));
    vectors.refused("reject_reason_0", "1 is the first; twin: rejected_for_its_schema", raw(&[1, 0]));
    vectors.refused("close_reason_4", "3 is the last; twin: closing_after_a_protocol_error", raw(&[3, 4]));
    vectors.refused("closing_with_more", "nothing follows the reason; twin: closing_after_a_kick", raw(&[3, 1, 0]));
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
        "reject_reason_4",
        "reject_reason_0",
        "close_reason_4",
        "closing_with_more",
    ];
    for name in refused {
        assert_eq!(ServerMessage::read(&bytes(SERVER, &format!("refused_{name}"))), Err(Malformed), "{name}");
    }
}
