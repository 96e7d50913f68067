//! Connect tokens as a client reads them. Run with `WRITE_VECTORS=1` after an intended change.

mod netcode_net;
mod vector_file;

use netcode_net::{SERVER, spec};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tidelock::netcode::{ConnectToken, TOKEN_BYTES, TokenError, TokenSpec};
use vector_file::{Vectors, bytes, json};

const FILE: &str = "netcode_tokens.txt";
/// Where the token says how many servers it names, and how the address of the first begins.
const COUNT_AT: usize = 1089;
const ADDRESS_AT: usize = COUNT_AT + 4;

fn servers(count: u8) -> Vec<SocketAddr> {
    (1..=count).map(|last| SocketAddr::from(([10, 0, 0, last], 7777))).collect()
}

fn token(spec: &TokenSpec<'_>) -> ConnectToken {
    ConnectToken::generate(spec, &netcode_net::secrets(1), &netcode_net::private_key()).unwrap()
}

fn taken() -> Vec<(&'static str, ConnectToken)> {
    let of = |servers: &[SocketAddr]| token(&spec(42, servers));
    let mixed = ["[2001:db8::1:2]:7777".parse().unwrap(), SERVER, "[::ffff:10.0.0.2]:0".parse().unwrap()];
    let one = [SERVER];
    let expires = |s| token(&TokenSpec { expire_unix_s: s, ..spec(42, &one) });
    vec![
        ("one_server", of(&one)),
        ("servers_of_both_families", of(&mixed)),
        ("thirty_two_servers", of(&servers(32))),
        ("expires_as_it_is_made", expires(netcode_net::START_UNIX_S)),
        ("expires_never", expires(u64::MAX)),
        ("times_out_never", token(&TokenSpec { timeout_s: -1, ..spec(42, &one) })),
    ]
}

fn refused() -> Vec<(&'static str, Vec<u8>, TokenError, &'static str)> {
    let of = |servers: &[SocketAddr]| token(&spec(42, servers)).to_bytes().to_vec();
    let patched = |mut bytes: Vec<u8>, at: usize, new: &[u8]| {
        bytes[at..at + new.len()].copy_from_slice(new);
        bytes
    };
    let one = of(&[SERVER]);
    let mut many = of(&servers(32));
    let (at, last) = (ADDRESS_AT + 32 * 7, many[ADDRESS_AT..ADDRESS_AT + 7].to_vec());
    many.splice(at..at, last);
    many.truncate(TOKEN_BYTES);
    let before = (netcode_net::START_UNIX_S - 1).to_le_bytes();
    vec![
        ("too_short", one[..TOKEN_BYTES - 1].to_vec(), TokenError::Length, "2,047 bytes; twin: one_server"),
        ("too_long", [&one[..], &[0]].concat(), TokenError::Length, "2,049 bytes; twin: one_server"),
        ("another_version", patched(one.clone(), 11, b"3"), TokenError::Version, "NETCODE 1.03; twin: one_server"),
        (
            "expires_before_it_is_made",
            patched(one.clone(), 29, &before),
            TokenError::Expiry,
            "twin: expires_as_it_is_made",
        ),
        ("no_servers", patched(one.clone(), COUNT_AT, &[0]), TokenError::Servers, "twin: one_server"),
        ("thirty_three_servers", patched(many, COUNT_AT, &[33]), TokenError::Servers, "twin: thirty_two_servers"),
        ("address_of_type_0", patched(one.clone(), ADDRESS_AT, &[0]), TokenError::Servers, "twin: one_server"),
        ("address_of_type_3", patched(one, ADDRESS_AT, &[3]), TokenError::Servers, "twin: servers_of_both_families"),
    ]
}

fn meaning(token: &ConnectToken) -> Value {
    let bytes = token.to_bytes();
    let secrets = netcode_net::secrets(1);
    json!({
        "protocol_id": json::word(token.protocol_id()),
        "create_unix_s": json::word(token.create_unix_s()),
        "expire_unix_s": json::word(token.expire_unix_s()),
        "timeout_s": i32::from_le_bytes(bytes[COUNT_AT - 4..COUNT_AT].try_into().unwrap()),
        "servers": token.servers().iter().map(|address| json!([address.ip().to_string(), address.port()])).collect::<Vec<_>>(),
        "client_to_server_key": json::bytes(secrets.client_to_server.as_bytes()),
        "server_to_client_key": json::bytes(secrets.server_to_client.as_bytes()),
    })
}

#[test]
fn tokens_have_these_bytes() {
    let mut vectors = Vectors::new(
        FILE,
        "Connect tokens as a client reads them: what is sealed in them is of no concern to it.\n\
         Dates are in hex, of 64 bits, in seconds since 1970; servers: the IP address and the port of each, in order.",
    );
    for (name, token) in taken() {
        vectors.accepted(name, &meaning(&token), |w| w.write_bytes(&token.to_bytes()));
    }
    for (name, bytes, _, why) in refused() {
        vectors.refused(name, why, |w| w.write_bytes(&bytes));
    }
    vectors.check();
}

#[test]
fn tokens_read_back() {
    for (name, token) in taken() {
        assert!(ConnectToken::from_bytes(&bytes(FILE, name)).as_ref() == Ok(&token), "{name}");
    }
    for (name, _, error, _) in refused() {
        assert_eq!(ConnectToken::from_bytes(&bytes(FILE, &format!("refused_{name}"))).err(), Some(error), "{name}");
    }
}
