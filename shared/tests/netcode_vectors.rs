//! The bytes of one connection, from fixed keys: what an implementation in another language can be checked against.
//!
//! Run with `WRITE_VECTORS=1` to write the file anew after an intended change of the wire.

mod netcode_net;

use std::fmt::Write as _;

use netcode_net::*;
use tidelock::netcode::{Client, ClientState, ConnectToken, Key, PACKET_BYTES_MAX, Slot};

const VECTORS: &str = include_str!("../vectors/netcode_connection.txt");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn bytes(name: &str) -> Vec<u8> {
    let line = VECTORS.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
    let line = line.unwrap_or_else(|| panic!("no vector {name}"));
    (0..line.len() / 2).map(|i| u8::from_str_radix(&line[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// The connection as a text of `name = hex`, inputs first.
fn vectors() -> String {
    let mut text = String::from(
        "# One netcode connection, as PROTOCOL.md describes it. Each line is `name = bytes in hex`.\n\
         # Inputs: integers are little-endian; the token names 10.0.0.1:7777 and [2001:db8::1:2]:7777.\n",
    );
    let mut line = |name: &str, bytes: &[u8]| writeln!(text, "{name} = {}", hex(bytes)).unwrap();
    let servers = [SERVER, "[2001:db8::1:2]:7777".parse().unwrap()];
    let (spec, secrets) = (spec(0x0123_4567_89ab_cdef, &servers), secrets(1));
    let config = config(300);
    line("protocol_id", &spec.protocol_id.to_le_bytes());
    line("client_id", &spec.client_id.0.to_le_bytes());
    line("create_unix_s", &spec.create_unix_s.to_le_bytes());
    line("expire_unix_s", &spec.expire_unix_s.to_le_bytes());
    line("timeout_s", &spec.timeout_s.to_le_bytes());
    line("user_data", &spec.user_data);
    line("private_key", private_key().as_bytes());
    line("challenge_key", config.challenge_key.as_bytes());
    line("client_to_server_key", secrets.client_to_server.as_bytes());
    line("server_to_client_key", secrets.server_to_client.as_bytes());
    line("token_nonce", &secrets.nonce);

    let token = ConnectToken::generate(&spec, &secrets, &private_key()).unwrap();
    line("connect_token", &token.to_bytes());
    let mut net = Net::with(config);
    net.add(token);
    let names = ["request", "challenge", "response", "keep_alive_of_server", "keep_alive_of_client"];
    net.run(30);
    assert_eq!(net.sent.len(), names.len());
    for (name, datagram) in names.iter().zip(&net.sent) {
        line(name, &datagram.bytes);
    }
    for sequence in 1..=256u32 {
        net.sent.clear();
        net.send_to_client(Slot(0), b"snapshot");
        if matches!(sequence, 1 | 255 | 256) {
            line(&format!("payload_of_server_{sequence}"), &net.sent[0].bytes);
        }
    }
    net.sent.clear();
    net.send_to_server(0, b"input");
    line("payload_of_client_2", &net.sent[0].bytes);
    net.send_to_server(0, &[0x7e; 1200]);
    line("longest_payload_of_client_3", &net.sent[1].bytes);
    net.clients[0].disconnect();
    net.sent.clear();
    net.run(10);
    line("disconnect_of_client_4", &net.sent[0].bytes);
    line("denied", &denied());
    text
}

/// What a server without a free slot says to the same client: its first packet outside any session.
fn denied() -> Vec<u8> {
    let servers = [SERVER];
    let mut full = Net::new(1);
    full.connect(2);
    let token = ConnectToken::generate(&spec(0x0123_4567_89ab_cdef, &servers), &secrets(1), &private_key()).unwrap();
    full.add(token);
    full.sent.clear();
    full.run(10);
    full.sent.iter().find(|datagram| datagram.bytes[0] & 0xf == 1).unwrap().bytes.clone()
}

#[test]
fn the_bytes_of_a_connection_are_those_in_the_vectors() {
    let vectors = vectors();
    if std::env::var_os("WRITE_VECTORS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/netcode_connection.txt");
        std::fs::write(path, &vectors).unwrap();
    }
    assert!(vectors == VECTORS, "the wire has changed, or the vectors were just written");
}

#[test]
fn the_vectors_connect_a_client() {
    let mut net = Net::with(config(300));
    let token = ConnectToken::from_bytes(&bytes("connect_token")).unwrap();
    let mut client = Client::new(token, net.now);
    let mut out = [0; PACKET_BYTES_MAX];
    let mut send = |client: &mut Client| {
        let (len, _) = client.poll_transmit(net.now, &mut out).unwrap();
        out[..len].to_vec()
    };
    assert_eq!(send(&mut client), bytes("request"));
    assert_eq!(client.handle_datagram(SERVER, &mut bytes("challenge"), net.now), None);
    assert_eq!(client.state(), ClientState::SendingResponse);
    assert_eq!(send(&mut client), bytes("response"));
    assert_eq!(client.handle_datagram(SERVER, &mut bytes("keep_alive_of_server"), net.now), None);
    assert_eq!((client.state(), client.client_index(), client.max_clients()), (ClientState::Connected, 0, 300));
    assert_eq!(send(&mut client), bytes("keep_alive_of_client"));
    for name in ["payload_of_server_1", "payload_of_server_256", "payload_of_server_255"] {
        assert_eq!(client.handle_datagram(SERVER, &mut bytes(name), net.now), Some(&b"snapshot"[..]));
    }

    for name in ["request", "response", "keep_alive_of_client", "payload_of_client_2", "longest_payload_of_client_3"] {
        net.deliver_to_server(&Datagram { from: client_address(0), to: SERVER, bytes: bytes(name) });
        net.transmit_server();
    }
    assert_eq!(net.payloads(), [b"input".to_vec(), vec![0x7e; 1200]]);
    net.deliver_to_server(&Datagram { from: client_address(0), to: SERVER, bytes: bytes("disconnect_of_client_4") });
    assert_eq!((net.server.clients(), net.server.drops().total()), (0, 0));
}

#[test]
fn the_vectors_are_worth_nothing_with_another_key() {
    let mut config = config(300);
    config.private_keys = vec![Key::new([0x10; 32])];
    let mut net = Net::with(config);
    net.deliver_to_server(&Datagram { from: client_address(0), to: SERVER, bytes: bytes("request") });
    assert_eq!(net.server.drops().total(), 1);
}
