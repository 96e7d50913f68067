//! Which connection requests a server answers. Run with `WRITE_VECTORS=1` after an intended change.

mod netcode_net;
mod netcode_stranger;
mod vector_file;

use netcode_net::{PROTOCOL_ID, SERVER, SILENT, START_UNIX_S, client_address, private_key, secrets};
use netcode_stranger::{VERSION, seal_private};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tidelock::Instant;
use tidelock::netcode::{DropReason, PACKET_BYTES_MAX, Server, ServerEvent};
use vector_file::{Vectors, bytes, json};

const FILE: &str = "netcode_requests.txt";
const TOKEN_LIFETIME_MAX_S: u64 = 60;
const FLOOR_UNIX_S: u64 = START_UNIX_S + 20;
const CLIENT_ID: u64 = 42;

/// What a backend and a client put into a request.
struct Request {
    version: [u8; 13],
    protocol_id: u64,
    expire_unix_s: u64,
    servers: Vec<SocketAddr>,
    private_key: [u8; 32],
    /// Of the server.
    floor_unix_s: Option<u64>,
}

/// Of a request that is dropped.
struct Refused {
    name: &'static str,
    bytes: Vec<u8>,
    floor_unix_s: Option<u64>,
    reason: DropReason,
    why: &'static str,
}

impl Request {
    fn new(expires_in_s: u64, servers: &[SocketAddr]) -> Self {
        Self {
            version: *VERSION,
            protocol_id: PROTOCOL_ID,
            expire_unix_s: START_UNIX_S + expires_in_s,
            servers: servers.to_vec(),
            private_key: *private_key().as_bytes(),
            floor_unix_s: Some(FLOOR_UNIX_S),
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let secrets = secrets(1);
        let mut private =
            [&CLIENT_ID.to_le_bytes()[..], &5i32.to_le_bytes(), &(self.servers.len() as u32).to_le_bytes()].concat();
        for server in &self.servers {
            let SocketAddr::V4(server) = server else { panic!("IPv4 is enough here") };
            private.push(1);
            private.extend(server.ip().octets());
            private.extend(server.port().to_le_bytes());
        }
        private.extend(secrets.client_to_server.as_bytes());
        private.extend(secrets.server_to_client.as_bytes());
        private.resize(1008, 0);
        let Self { protocol_id, expire_unix_s, .. } = *self;
        let sealed = seal_private(&private, protocol_id, expire_unix_s, &secrets.nonce, &self.private_key);
        let dates = [protocol_id.to_le_bytes(), expire_unix_s.to_le_bytes()].concat();
        [&[0][..], &self.version, &dates, &secrets.nonce, &sealed].concat()
    }
}

/// Port `7777 + i` of where the server is.
fn servers(count: u16) -> Vec<SocketAddr> {
    (0..count).map(|i| SocketAddr::from((SERVER.ip(), 7777 + i))).collect()
}

fn taken() -> Vec<(&'static str, Request)> {
    vec![
        ("request", Request::new(30, &[SERVER])),
        ("of_several_servers", Request::new(30, &[SILENT, SERVER])),
        ("of_32_servers", Request::new(30, &servers(32))),
        ("expires_at_the_floor", Request::new(20, &[SERVER])),
        ("expires_in_a_second", Request { floor_unix_s: None, ..Request::new(1, &[SERVER]) }),
        ("lives_as_long_as_it_may", Request::new(60, &[SERVER])),
    ]
}

#[rustfmt::skip]
fn refused() -> Vec<Refused> {
    use DropReason::*;
    let raw = |name, bytes, reason, why| Refused { name, bytes, floor_unix_s: Some(FLOOR_UNIX_S), reason, why };
    let case = |name, request: Request, reason, why| {
        Refused { name, bytes: request.to_bytes(), floor_unix_s: request.floor_unix_s, reason, why }
    };
    let good = || Request::new(30, &[SERVER]);
    let patched = |at: usize, flip: u8| {
        let mut bytes = good().to_bytes();
        bytes[at] ^= flip;
        bytes
    };
    vec![
        raw("too_short", good().to_bytes()[..1077].to_vec(), SizeInvalid, "1,077 bytes; twin: request"),
        raw("too_long", [&good().to_bytes()[..], &[0]].concat(), SizeInvalid, "1,079 bytes; twin: request"),
        case("another_version", Request { version: *b"NETCODE 1.03\0", ..good() }, VersionMismatch, "twin: request"),
        case("another_protocol", Request { protocol_id: PROTOCOL_ID + 1, ..good() }, ProtocolMismatch, "twin: request"),
        case("expired", Request { floor_unix_s: None, ..Request::new(0, &[SERVER]) }, TokenExpired, "in this second; twin: expires_in_a_second"),
        case("predates_the_start", Request::new(19, &[SERVER]), TokenPredatesStart, "twin: expires_at_the_floor"),
        case("lives_too_long", Request::new(61, &[SERVER]), TokenLivesTooLong, "twin: lives_as_long_as_it_may"),
        raw("tag_forged", patched(1077, 1), TokenUndecryptable, "one bit of it; twin: request"),
        raw("date_changed", patched(22, 1), TokenUndecryptable, "it was sealed with another; twin: request"),
        case("another_private_key", Request { private_key: [0x10; 32], ..good() }, TokenUndecryptable, "twin: request"),
        case("no_servers", Request::new(30, &[]), TokenMalformed, "twin: request"),
        case("33_servers", Request::new(30, &servers(33)), TokenMalformed, "twin: of_32_servers"),
        case("of_another_server", Request::new(30, &[SILENT]), TokenForOtherServer, "twin: of_several_servers"),
    ]
}

/// What becomes of a request that is the first to come to a server.
fn answer(request: &[u8], floor_unix_s: Option<u64>) -> Result<u8, DropReason> {
    let mut config = netcode_net::config(1);
    config.token_lifetime_max_s = Some(TOKEN_LIFETIME_MAX_S);
    config.token_floor_unix_s = floor_unix_s;
    let now = Instant::from_us(0);
    let mut server = Server::new(config, now).unwrap();
    match server.handle_datagram(client_address(0), &mut request.to_vec(), now, START_UNIX_S) {
        ServerEvent::Dropped(reason) => {
            assert_eq!(server.poll_transmit(now, &mut [0; PACKET_BYTES_MAX]), None);
            Err(reason)
        }
        _ => {
            let mut out = [0; PACKET_BYTES_MAX];
            let (_, to) = server.poll_transmit(now, &mut out).unwrap();
            assert_eq!(to, client_address(0));
            Ok(out[0] & 0xf)
        }
    }
}

fn floor_json(floor_unix_s: Option<u64>) -> Value {
    json!({ "floor_unix_s": floor_unix_s.map(json::word) })
}

fn meaning(request: &Request) -> Value {
    json!({
        "given": floor_json(request.floor_unix_s),
        "client_id": json::word(CLIENT_ID),
        "expire_unix_s": json::word(request.expire_unix_s),
        "servers": request.servers.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

#[test]
fn requests_have_these_bytes() {
    let mut vectors = Vectors::new(
        FILE,
        "Connection requests, each the first that comes to a server.\n\
         unix_s: the server's date; floor_unix_s, token_lifetime_max_s: the floor, if there is one, and the longest lifetime of section\n\
         13; address: the one public address of the server.\n\
         Of each that is answered: what is sealed in it. dropped: the name that PROTOCOL.md gives to why it is dropped.",
    );
    vectors.context(&json!({
        "private_key": json::bytes(private_key().as_bytes()),
        "protocol_id": json::word(PROTOCOL_ID),
        "address": SERVER.to_string(),
        "unix_s": json::word(START_UNIX_S),
        "token_lifetime_max_s": TOKEN_LIFETIME_MAX_S,
    }));
    for (name, request) in taken() {
        vectors.accepted(name, &meaning(&request), |w| w.write_bytes(&request.to_bytes()));
    }
    for Refused { name, bytes, floor_unix_s, reason, why } in refused() {
        let json = json!({ "given": floor_json(floor_unix_s), "dropped": reason.name() });
        vectors.refused_as(name, &json, why, |w| w.write_bytes(&bytes));
    }
    vectors.check();
}

#[test]
fn requests_are_answered_or_dropped_as_they_say() {
    const CHALLENGE: u8 = 2;
    for (name, Request { floor_unix_s, .. }) in taken() {
        assert_eq!(answer(&bytes(FILE, name), floor_unix_s), Ok(CHALLENGE), "{name}");
    }
    for Refused { name, floor_unix_s, reason, .. } in refused() {
        assert_eq!(answer(&bytes(FILE, &format!("refused_{name}")), floor_unix_s), Err(reason), "{name}");
    }
}
