//! The reliable messages of both directions, byte by byte. Run with `WRITE_VECTORS=1` after an intended change.

mod vector_file;

use serde_json::{Value, json};
use tidelock::bits::{BitWriter, Malformed};
use tidelock::state::{Audience, EventId, NetId};
use tidelock::wire::{ClientMessage, HeldStream, ResumeClaim, ServerMessage, Welcome};
use tidelock::{Instant, Tick};
use vector_file::{Vectors, bytes, json, less, raw};

const CLIENT: &str = "client_messages.txt";
const SERVER: &str = "server_messages.txt";

/// The most that an age may be.
const OLDEST: u32 = i32::MAX as u32;

fn client_messages() -> Vec<(&'static str, ClientMessage)> {
    let claims =
        |streams| ClientMessage::Hello { schema_hash: 0, claim: Some(ResumeClaim { payload_hash: 0, streams }) };
    let of = |audience, index, tick| HeldStream { audience, index, tick: Tick(tick), proof: 0 };
    vec![
        ("hello", hello(None)),
        ("hello_of_one_who_holds_nothing", hello(Some(vec![]))),
        ("hello_of_one_who_comes_back", hello(Some(held_streams()))),
        ("hello_of_zeros", ClientMessage::Hello { schema_hash: 0, claim: None }),
        ("claim_of_zeros", claims(vec![])),
        ("claim_of_the_last_index", claims(vec![of(Audience::Public, NetId::INDEX_MAX, 0)])),
        ("claim_of_the_last_index_of_a_team", claims(vec![of(Audience::Team, NetId::INDEX_MAX, 0)])),
        ("claim_that_ends_with_a_byte", claims(vec![of(Audience::Owner, 12, 0)])),
        (
            "claim_of_the_oldest",
            claims(vec![of(Audience::Public, 0, 5), of(Audience::Public, 1, 5_u32.wrapping_sub(OLDEST))]),
        ),
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

fn client_json(message: &ClientMessage) -> Value {
    match message {
        ClientMessage::Hello { schema_hash, claim } => {
            json!({ "kind": "hello", "schema_hash": json::word(*schema_hash), "claim": claim.as_ref().map(claim_json) })
        }
        ClientMessage::Desync { tick } => json!({ "kind": "desync", "tick": tick.0 }),
        ClientMessage::Event { id, body } => event_json(*id, body),
    }
}

fn event_json(id: EventId, body: &[u8]) -> Value {
    json!({ "kind": "event", "event": id.0, "body": json::bytes(body) })
}

fn claim_json(claim: &ResumeClaim) -> Value {
    // The first of each claim here is as new as any.
    let newest_tick = claim.streams.first().map_or(0, |held| held.tick.0);
    let mut json = json!({ "payload_hash": json::word(claim.payload_hash), "newest_tick": newest_tick });
    for audience in Audience::ALL {
        let streams = claim.streams.iter().filter(|held| held.audience == audience);
        json[json::audience(audience)] =
            streams.map(|held| json!({ "index": held.index, "tick": held.tick.0, "proof": held.proof })).collect();
    }
    json
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
    let (tick, due) = (Tick(0), Instant::from_us(0));
    let zeros = Welcome { tick, due, payload: Some(vec![]), ..welcome_of(60, 30) };
    vec![
        ("welcome", welcome(60, 30)),
        ("welcome_of_the_slowest_server", welcome(1, 1)),
        ("welcome_of_the_fastest_server", welcome(240, 240)),
        ("welcome_with_a_snapshot_of_each_tick", welcome(60, 60)),
        ("welcome_of_zeros", ServerMessage::Welcome(zeros)),
        ("welcome_back_from_a_crash", welcome_back(false, Some(b"map".to_vec()))),
        ("welcome_back_to_what_is_held", welcome_back(true, None)),
        ("welcome_back_to_what_is_held_and_a_new_payload", welcome_back(true, Some(b"map".to_vec()))),
        ("welcome_back_to_what_is_not_held", welcome_back(false, None)),
        ("event", ServerMessage::Event { id: EventId(7), body: vec![0xAA, 0x55] }),
        ("event_without_a_body", ServerMessage::Event { id: EventId(1), body: vec![] }),
    ]
}

fn server_json(message: &ServerMessage) -> Value {
    match message {
        ServerMessage::Welcome(welcome) => json!({
            "kind": "welcome",
            "tick_hz": welcome.tick_hz,
            "snapshot_hz": welcome.snapshot_hz,
            "tick": welcome.tick.0,
            "due_us": json::word(welcome.due.as_us()),
            "resumed": welcome.resumed,
            "state_kept": welcome.state_kept,
            "payload": welcome.payload.as_ref().map(|payload| json::bytes(payload)),
        }),
        ServerMessage::Event { id, body } => event_json(*id, body),
    }
}

/// What a stranger claims of one stream: the lists that have ended before it, its index and age, and what follows in bits.
fn claim(ends: u32, index: u32, age: u32, after: u32) -> impl FnOnce(&mut BitWriter) {
    move |w| {
        w.write_bytes(&[0; 9]);
        w.write_bool(true);
        w.write_bytes(&[0; 12]);
        w.write(0, ends);
        w.write_bool(true);
        w.write_golomb(index, 2);
        w.write_golomb(age, 4);
        w.write(0, 16);
        w.write(0, after);
    }
}

const CLIENT_REFUSED: [&str; 14] = [
    "unknown_kind",
    "hello_without_a_flag",
    "hello_with_more",
    "hello_padded_with_a_one",
    "claim_cut_short",
    "claim_beyond_the_last_index",
    "claim_beyond_the_last_index_of_a_team",
    "claim_without_an_end",
    "claim_beyond_the_oldest",
    "desync_cut_short",
    "desync_with_more",
    "event_without_an_id",
    "nothing",
    "kind_alone",
];

fn refuse_claims(vectors: &mut Vectors) {
    vectors.refused("claim_cut_short", "its newest tick has 32 bits; twin: claim_of_zeros", |w| {
        w.write_bytes(&[0; 9]);
        w.write_bool(true);
        w.write_bytes(&[0; 11]);
    });
    let beyond = NetId::INDEX_MAX + 1;
    let why = "2^20 - 1 is the last; twin: claim_of_the_last_index";
    vectors.refused("claim_beyond_the_last_index", why, claim(0, beyond, 0, 3));
    let why = "2^20 - 1 is the last; twin: claim_of_the_last_index_of_a_team";
    vectors.refused("claim_beyond_the_last_index_of_a_team", why, claim(1, beyond, 0, 2));
    let why = "each list ends with a 0; twin: claim_that_ends_with_a_byte";
    vectors.refused("claim_without_an_end", why, claim(2, 12, 0, 0));
    vectors.refused("claim_beyond_the_oldest", "an age is below 2^31; twin: claim_of_the_oldest", |w| {
        claim(0, 0, 0, 0)(w);
        w.write_bool(true);
        w.write_golomb(0, 2);
        w.write_golomb(OLDEST + 1, 4);
        w.write(0, 16 + 3);
    });
}

#[test]
fn client_messages_have_these_bytes() {
    let mut vectors = Vectors::new(
        CLIENT,
        "Reliable messages of a client, whole and before they are cut into fragments.\n\
         kind u8 | hello: schema hash u64, comes back 1, then the claim; desync: tick u32; event: id u8, then the body to the\n\
         end. Little-endian.\n\
         kind: hello, desync or event. Hashes are in hex, 64 bits. claim: null of who does not come back; public, team, owner: the\n\
         streams of each list, each with the tick of the snapshot that brought its newest version. event: the number of its type; body: in\n\
         hex.",
    );
    for (name, message) in client_messages() {
        vectors.accepted(name, &client_json(&message), |w| message.write(w));
    }
    vectors.refused("unknown_kind", "2 is the last kind; twin: event_without_a_body", raw(&[3, 0]));
    vectors.refused("hello_without_a_flag", "a bit follows the schema hash; twin: hello_of_zeros", raw(&[0; 9]));
    let why = "nothing but zeros to a whole byte follows; twin: hello_of_zeros";
    vectors.refused("hello_with_more", why, raw(&[0; 11]));
    vectors.refused("hello_padded_with_a_one", "zeros follow to a whole byte; twin: hello_of_zeros", |w| {
        w.write_bytes(&[0; 9]);
        w.write(0b1000_0000, 8);
    });
    refuse_claims(&mut vectors);
    vectors.refused("desync_cut_short", "a tick has four bytes; twin: desync", raw(&[1, 0x98, 0xBA, 0xDC]));
    vectors.refused("desync_with_more", "nothing follows; twin: desync", raw(&[1, 0x98, 0xBA, 0xDC, 0xFE, 0]));
    vectors.refused("event_without_an_id", "an id has one byte; twin: event_without_a_body", raw(&[2]));
    vectors.refused("nothing", "a message has a kind, and more; twin: event_without_a_body", raw(&[]));
    vectors.refused("kind_alone", "a hello has a schema hash; twin: hello_of_zeros", raw(&[0]));
    vectors.check();
}

#[test]
fn client_messages_read_back() {
    for (name, message) in client_messages() {
        assert_eq!(ClientMessage::read(&bytes(CLIENT, name)), Ok(message), "{name}");
    }
    for name in CLIENT_REFUSED {
        assert_eq!(ClientMessage::read(&bytes(CLIENT, &format!("refused_{name}"))), Err(Malformed), "{name}");
    }
}

const SERVER_REFUSED: [&str; 12] = [
    "unknown_kind",
    "welcome_at_241_hz",
    "welcome_at_0_hz",
    "welcome_without_snapshots",
    "welcome_with_more_snapshots_than_ticks",
    "welcome_that_keeps_state_of_a_newcomer",
    "welcome_of_a_newcomer_without_a_payload",
    "welcome_with_an_unknown_flag",
    "welcome_with_more_than_its_flags",
    "welcome_cut_short",
    "event_without_an_id",
    "nothing",
];

fn refuse_welcomes(vectors: &mut Vectors) {
    let mut refused = |name, why, message: ServerMessage| vectors.refused(name, why, |w| message.write(w));
    let fastest = "240 is the fastest; twin: welcome_of_the_fastest_server";
    refused("welcome_at_241_hz", fastest, welcome(241, 240));
    let slowest = "1 is the slowest; twin: welcome_of_the_slowest_server";
    refused("welcome_at_0_hz", slowest, welcome(0, 0));
    refused("welcome_without_snapshots", slowest, welcome(1, 0));
    let why = "at most one a tick; twin: welcome_with_a_snapshot_of_each_tick";
    refused("welcome_with_more_snapshots_than_ticks", why, welcome(60, 61));
    let kept = Welcome { state_kept: true, ..welcome_of(60, 30) };
    let why = "kept means resumed; twin: welcome";
    refused("welcome_that_keeps_state_of_a_newcomer", why, ServerMessage::Welcome(kept));
    let without = Welcome { payload: None, ..welcome_of(60, 30) };
    let why = "only one who was here has it; twin: welcome_back_to_what_is_not_held";
    refused("welcome_of_a_newcomer_without_a_payload", why, ServerMessage::Welcome(without));
    vectors.refused("welcome_with_an_unknown_flag", "4 is the highest flag; twin: welcome_of_zeros", |w| {
        w.write_bytes(&[0, 60, 30]);
        w.write_bytes(&[0; 12]);
        w.write(4 | 8, 8);
    });
    let why = "no payload follows; twin: welcome_back_to_what_is_not_held";
    vectors.refused("welcome_with_more_than_its_flags", why, |w| {
        welcome_back(false, None).write(w);
        w.write(0, 8);
    });
    let cut = less(1, |w| welcome_back(false, None).write(w));
    let why = "flags have one byte; twin: welcome_back_to_what_is_not_held";
    vectors.refused("welcome_cut_short", why, cut);
}

#[test]
fn server_messages_have_these_bytes() {
    let mut vectors = Vectors::new(
        SERVER,
        "Reliable messages of the server, whole and before they are cut into fragments.\n\
         kind u8 | welcome: tick hz u8, snapshot hz u8, tick u32, due u64 in us, flags u8, then the game's payload to the end;\n\
         event: id u8, then the body to the end. Little-endian. Flags: 1 resumed, 2 state kept, 4 a payload follows.\n\
         kind: welcome or event. due_us: in hex, 64 bits. payload: in hex, null if none follows. event: the number of its type; body: in\n\
         hex.",
    );
    for (name, message) in server_messages() {
        vectors.accepted(name, &server_json(&message), |w| message.write(w));
    }
    vectors.refused("unknown_kind", "1 is the last kind; twin: event_without_a_body", raw(&[2, 1]));
    refuse_welcomes(&mut vectors);
    vectors.refused("event_without_an_id", "an id has one byte; twin: event_without_a_body", raw(&[1]));
    vectors.refused("nothing", "a message has a kind, and more; twin: event_without_a_body", raw(&[]));
    vectors.check();
}

#[test]
fn server_messages_read_back() {
    for (name, message) in server_messages() {
        assert_eq!(ServerMessage::read(&bytes(SERVER, name)), Ok(message), "{name}");
    }
    for name in SERVER_REFUSED {
        assert_eq!(ServerMessage::read(&bytes(SERVER, &format!("refused_{name}"))), Err(Malformed), "{name}");
    }
}
