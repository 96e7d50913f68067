//! What a client of netcode makes of each packet. Run with `WRITE_VECTORS=1` after an intended change.

mod netcode_net;
mod netcode_stranger;
mod vector_file;

use netcode_net::{PROTOCOL_ID, SERVER, SILENT, secrets, spec};
use netcode_stranger::Packet;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tidelock::Instant;
use tidelock::netcode::{Client, ClientState, ConnectToken, DropReason};
use vector_file::{Vectors, bytes, json};

const FILE: &str = "netcode_packets.txt";
const DENIED: u8 = 1;
const CHALLENGE: u8 = 2;
const RESPONSE: u8 = 3;
const KEEP_ALIVE: u8 = 4;
const PAYLOAD: u8 = 5;
const DISCONNECT: u8 = 6;
const NAMES: [&str; 7] = ["request", "denied", "challenge", "response", "keep_alive", "payload", "disconnect"];
/// Of packets outside a session.
const OUTSIDE: u64 = 1 << 63;

/// How far a client is, and what it took since.
#[derive(Clone, Copy)]
struct Given {
    state: &'static str,
    after: &'static [&'static str],
    from: SocketAddr,
}

const REQUESTING: Given = Given { state: "requesting", after: &[], from: SERVER };
const RESPONDING: Given = Given { state: "responding", ..REQUESTING };
const CONNECTED: Given = Given { state: "connected", ..REQUESTING };

impl Given {
    fn json(&self) -> Value {
        json!({ "state": self.state, "after": self.after, "from": self.from.to_string() })
    }

    /// A client that has come so far by what the server of `netcode_connection.txt` says.
    fn client(&self) -> Client {
        let mut client = Client::new(token(), Instant::from_us(0));
        let steps = ["requesting", "responding", "connected"].iter().position(|state| *state == self.state).unwrap();
        for packet in [challenge(0), keep_alive(0, 0)].iter().take(steps) {
            take(&mut client, SERVER, &packet.seal(PROTOCOL_ID, &theirs()));
        }
        for name in self.after {
            take(&mut client, SERVER, &bytes_of(name));
        }
        assert_eq!((state(&client), client.drops().total()), (self.state, 0));
        client
    }
}

/// A packet that is taken.
struct Taken {
    name: &'static str,
    given: Given,
    packet: Packet,
    /// Afterwards.
    state: &'static str,
}

/// A packet that is dropped.
struct Dropped {
    name: &'static str,
    given: Given,
    bytes: Vec<u8>,
    reason: DropReason,
    why: &'static str,
}

fn token() -> ConnectToken {
    let servers = [SERVER, "[2001:db8::1:2]:7777".parse().unwrap()];
    let private_key = netcode_net::private_key();
    ConnectToken::generate(&spec(0x0123_4567_89ab_cdef, &servers), &secrets(1), &private_key).unwrap()
}

fn theirs() -> [u8; 32] {
    *secrets(1).server_to_client.as_bytes()
}

fn ours() -> [u8; 32] {
    *secrets(1).client_to_server.as_bytes()
}

/// What is no note of any server: a client cannot tell.
fn challenge(sequence: u64) -> Packet {
    Packet::new(CHALLENGE, OUTSIDE + sequence, &[&7u64.to_le_bytes()[..], &[0xc3; 300]].concat())
}

fn keep_alive(sequence: u64, client_index: u32) -> Packet {
    Packet::new(KEEP_ALIVE, sequence, &[client_index.to_le_bytes(), 300u32.to_le_bytes()].concat())
}

fn payload(sequence: u64, bytes: &[u8]) -> Packet {
    Packet::new(PAYLOAD, sequence, bytes)
}

fn empty(kind: u8, sequence: u64) -> Packet {
    Packet::new(kind, sequence, &[])
}

#[rustfmt::skip]
fn taken() -> Vec<Taken> {
    let case = |name, given, packet, state| Taken { name, given, packet, state };
    let after = |after| Given { after, ..CONNECTED };
    let wide = |packet: Packet| Packet { sequence_bytes: 8, ..packet };
    vec![
        case("challenge", REQUESTING, challenge(0), "responding"),
        case("denied", REQUESTING, empty(DENIED, OUTSIDE), "requesting"),
        case("denied_with_a_sequence_of_a_session", REQUESTING, empty(DENIED, 0), "requesting"),
        case("denied_while_responding", RESPONDING, empty(DENIED, OUTSIDE + 1), "requesting"),
        case("first_keep_alive", RESPONDING, keep_alive(0, 7), "connected"),
        case("keep_alive", CONNECTED, keep_alive(1, 7), "connected"),
        case("payload_of_one_byte", CONNECTED, payload(1, b"a"), "connected"),
        case("payload_of_8_bytes", CONNECTED, payload(1, &[0x61; 8]), "connected"),
        case("payload_of_1200_bytes", CONNECTED, payload(1, &[0x61; 1200]), "connected"),
        case("sequence_in_more_bytes_than_it_needs", CONNECTED, wide(payload(1, b"a")), "connected"),
        case("last_sequence", CONNECTED, payload(OUTSIDE - 1, b"a"), "connected"),
        case("sequence_2000", CONNECTED, payload(2000, b"a"), "connected"),
        case("sequence_977_after_2000", after(&["sequence_2000"]), payload(977, b"a"), "connected"),
        case("disconnect", CONNECTED, empty(DISCONNECT, 1), "ended"),
    ]
}

#[rustfmt::skip]
fn dropped() -> Vec<Dropped> {
    use DropReason::*;
    let raw = |name, given, bytes, reason, why| Dropped { name, given, bytes, reason, why };
    let case = |name, given, packet: Packet, reason, why| {
        Dropped { name, given, bytes: packet.seal(PROTOCOL_ID, &theirs()), reason, why }
    };
    let after = |after| Given { after, ..CONNECTED };
    let stretched = |packet: Packet, sequence_bytes| Packet { sequence_bytes, ..packet };
    let with = |packet: Packet, body: &[u8]| Packet { body: body.to_vec(), ..packet };
    let mut flipped = payload(1, b"a").seal(PROTOCOL_ID, &theirs());
    *flipped.last_mut().unwrap() ^= 1;
    let mut retyped = keep_alive(1, 7).seal(PROTOCOL_ID, &theirs());
    retyped[0] = 0x15;
    vec![
        raw("no_bytes", CONNECTED, vec![], SizeInvalid, "twin: disconnect"),
        raw("prefix_alone", CONNECTED, vec![0x16], SizeInvalid, "twin: disconnect"),
        case("type_0", CONNECTED, empty(0, 1), TypeInvalid, "a client takes no request; twin: disconnect"),
        case("type_7", CONNECTED, empty(7, 1), TypeInvalid, "6 is the last; twin: disconnect"),
        case("sequence_of_no_bytes", CONNECTED, stretched(payload(0, b"a"), 0), SequenceLengthInvalid, "twin: payload_of_one_byte"),
        case("sequence_of_9_bytes", CONNECTED, stretched(payload(1, b"a"), 9), SequenceLengthInvalid, "twin: sequence_in_more_bytes_than_it_needs"),
        case("challenge_too_short", REQUESTING, with(challenge(0), &[0xc3; 307]), SizeInvalid, "twin: challenge"),
        case("challenge_too_long", REQUESTING, with(challenge(0), &[0xc3; 309]), SizeInvalid, "twin: challenge"),
        case("denied_with_a_body", REQUESTING, with(empty(DENIED, OUTSIDE), b"a"), SizeInvalid, "twin: denied"),
        case("keep_alive_too_short", CONNECTED, with(keep_alive(1, 7), &[0; 7]), SizeInvalid, "twin: keep_alive"),
        case("keep_alive_too_long", CONNECTED, with(keep_alive(1, 7), &[0; 9]), SizeInvalid, "twin: keep_alive"),
        case("payload_of_no_bytes", CONNECTED, payload(1, b""), SizeInvalid, "twin: payload_of_one_byte"),
        case("payload_of_1201_bytes", CONNECTED, payload(1, &[0x61; 1201]), SizeInvalid, "twin: payload_of_1200_bytes"),
        case("disconnect_with_a_body", CONNECTED, with(empty(DISCONNECT, 1), b"a"), SizeInvalid, "twin: disconnect"),
        case("sequence_reserved", CONNECTED, payload(OUTSIDE, b"a"), SequenceReserved, "2^63; twin: last_sequence"),
        case("from_another_address", Given { from: SILENT, ..CONNECTED }, payload(1, b"a"), AddressUnknown, "twin: payload_of_one_byte"),
        case("keep_alive_while_requesting", REQUESTING, keep_alive(0, 7), TypeUnexpected, "twin: first_keep_alive"),
        case("disconnect_while_requesting", REQUESTING, empty(DISCONNECT, 1), TypeUnexpected, "twin: disconnect"),
        case("challenge_while_responding", RESPONDING, challenge(1), TypeUnexpected, "twin: challenge"),
        case("payload_while_responding", RESPONDING, payload(1, b"a"), TypeUnexpected, "twin: payload_of_one_byte"),
        case("disconnect_while_responding", RESPONDING, empty(DISCONNECT, 1), TypeUnexpected, "twin: disconnect"),
        case("denied_while_connected", CONNECTED, empty(DENIED, OUTSIDE), TypeUnexpected, "twin: denied_while_responding"),
        case("response", CONNECTED, Packet { kind: RESPONSE, ..challenge(0) }, TypeUnexpected, "a client takes none; twin: challenge"),
        case("sequence_that_came_before", after(&["payload_of_one_byte"]), payload(1, b"a"), Replayed, "twin: payload_of_one_byte"),
        case("sequence_976_after_2000", after(&["sequence_2000"]), payload(976, b"a"), Replayed, "1,024 older; twin: sequence_977_after_2000"),
        raw("tag_forged", CONNECTED, flipped, Undecryptable, "its last byte; twin: payload_of_one_byte"),
        raw("type_changed", CONNECTED, retyped, Undecryptable, "of a keep-alive into a payload; twin: payload_of_8_bytes"),
        raw("key_of_the_other_direction", CONNECTED, payload(1, b"a").seal(PROTOCOL_ID, &ours()), Undecryptable, "twin: payload_of_one_byte"),
        raw("another_protocol", CONNECTED, payload(1, b"a").seal(PROTOCOL_ID + 1, &theirs()), Undecryptable, "twin: payload_of_one_byte"),
    ]
}

fn bytes_of(name: &str) -> Vec<u8> {
    taken().into_iter().find(|case| case.name == name).unwrap().packet.seal(PROTOCOL_ID, &theirs())
}

fn take(client: &mut Client, from: SocketAddr, packet: &[u8]) -> Option<Vec<u8>> {
    client.handle_datagram(from, &mut packet.to_vec(), Instant::from_us(0)).map(<[u8]>::to_vec)
}

fn state(client: &Client) -> &'static str {
    match client.state() {
        ClientState::SendingRequest => "requesting",
        ClientState::SendingResponse => "responding",
        ClientState::Connected => "connected",
        ClientState::Disconnected(_) => "ended",
    }
}

#[test]
fn packets_have_these_bytes() {
    let mut vectors = Vectors::new(
        FILE,
        "Packets to a client that has the connect_token of netcode_connection.txt, each with a client of its own.\n\
         given.state: requesting; responding, after challenge of that file; connected, after keep_alive_of_server, too. given.after:\n\
         the vectors of this file that it took since, in order; given.from: where the packet comes from.\n\
         body: what it decrypts to. state: of the client afterwards; what denies makes it ask the next server of its token.\n\
         dropped: the name that PROTOCOL.md gives to why it is dropped. Nothing else changes then.",
    );
    for Taken { name, given, packet, state } in taken() {
        let kind = NAMES[usize::from(packet.kind)];
        let json = json!({
            "given": given.json(),
            "type": kind,
            "sequence": json::word(packet.sequence),
            "body": json::bytes(&packet.body),
            "state": state,
        });
        vectors.accepted(name, &json, |w| w.write_bytes(&packet.seal(PROTOCOL_ID, &theirs())));
    }
    for Dropped { name, given, bytes, reason, why } in dropped() {
        let json = json!({ "given": given.json(), "dropped": reason.name() });
        vectors.refused_as(name, &json, why, |w| w.write_bytes(&bytes));
    }
    vectors.check();
}

#[test]
fn packets_are_taken_or_dropped_as_they_say() {
    for Taken { name, given, packet, state: then } in taken() {
        let mut client = given.client();
        let payload = take(&mut client, given.from, &bytes(FILE, name));
        let expected = (packet.kind == PAYLOAD).then_some(packet.body);
        assert_eq!((payload, state(&client), client.drops().total()), (expected, then, 0), "{name}");
    }
    for Dropped { name, given, reason, .. } in dropped() {
        let mut client = given.client();
        let payload = take(&mut client, given.from, &bytes(FILE, &format!("refused_{name}")));
        let dropped: Vec<_> = client.drops().iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!((payload, state(&client), dropped), (None, given.state, vec![(reason, 1)]), "{name}");
    }
}
