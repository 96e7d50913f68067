//! What the C reference makes of fixed inputs, and so must we.

extern crate std;

use alloc::vec::Vec;
use core::array;
use core::net::SocketAddr;
use std::string::String;

use super::cipher::{Cipher, Protocol};
use super::packet::{Body, Header, Request, read_challenge, read_keep_alive, write_request};
use super::private_token::{
    CHALLENGE_TOKEN_BYTES, PRIVATE_TOKEN_BYTES, PrivateToken, open_challenge_token, token_aad, write_challenge_token,
};
use super::{ConnectToken, Key, PACKET_BYTES_MAX, TOKEN_BYTES, TokenSecrets, TokenSpec, aead};
use crate::ClientId;

const VECTORS: &str = include_str!("../../vectors/netcode_reference.txt");
const PROTOCOL_ID: u64 = 0x1122_3344_5566_7788;
const PROTOCOL: Protocol = Protocol { id: PROTOCOL_ID, cipher: Cipher::ChaCha20Poly1305 };
const CLIENT_ID: ClientId = ClientId(0x0102_0304_0506_0708);
const EXPIRE_UNIX_S: u64 = 1_720_000_100;
const SEQUENCE: u64 = 0x11_2233_4455;
const CHALLENGE_SEQUENCE: u64 = 1000;

fn bytes(name: &str) -> Vec<u8> {
    let prefix = String::from(name) + " = ";
    let line = VECTORS.lines().find_map(|line| line.strip_prefix(&prefix)).expect("a vector of this name");
    (0..line.len() / 2).map(|i| u8::from_str_radix(&line[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn challenge_token() -> [u8; CHALLENGE_TOKEN_BYTES] {
    bytes("challenge_token").try_into().unwrap()
}

fn private_key() -> Key {
    Key::new(bytes("private_key").try_into().unwrap())
}

fn counting<const N: usize>(of: impl Fn(u8) -> u8) -> [u8; N] {
    array::from_fn(|i| of(i as u8))
}

fn packet_key() -> Key {
    Key::new(counting(|i| i + 17))
}

fn token() -> ConnectToken {
    let servers: [SocketAddr; 2] = ["127.0.0.1:40000".parse().unwrap(), "[::1]:50000".parse().unwrap()];
    let spec = TokenSpec {
        protocol_id: PROTOCOL_ID,
        create_unix_s: 1_720_000_000,
        expire_unix_s: EXPIRE_UNIX_S,
        timeout_s: 15,
        client_id: CLIENT_ID,
        servers: &servers,
        user_data: counting(|i| i),
    };
    let secrets = TokenSecrets {
        nonce: counting(|i| i + 100),
        client_to_server: Key::new(counting(|i| i)),
        server_to_client: Key::new(counting(|i| 255 - i)),
    };
    ConnectToken::generate(&spec, &secrets, &private_key()).unwrap()
}

#[test]
fn tokens_are_those_of_the_reference() {
    let token = token();
    assert_eq!(token.sealed()[..], bytes("private_token_sealed"));
    assert_eq!(token.to_bytes()[..], bytes("connect_token"));
    assert!(ConnectToken::from_bytes(&bytes("connect_token")) == Ok(token));
    assert_eq!(bytes("connect_token").len(), TOKEN_BYTES);
}

#[test]
fn private_tokens_are_those_of_the_reference() {
    let mut sealed = bytes("private_token_sealed");
    let nonce = counting(|i| i + 100);
    let aad = token_aad(PROTOCOL_ID, EXPIRE_UNIX_S);
    let message = aead::open_extended(&mut sealed, &aad, &nonce, &private_key()).unwrap();
    let plain = bytes("private_token");
    assert_eq!(*message, plain[..message.len()]);
    let mut written = [0; PRIVATE_TOKEN_BYTES];
    PrivateToken::read(message).unwrap().write(&mut written);
    assert_eq!(written[..message.len()], plain[..message.len()]);
}

#[test]
fn challenge_tokens_are_those_of_the_reference() {
    let key = Key::new(counting(|i| i * 2));
    let user_data = counting(|i| i);
    assert_eq!(write_challenge_token(CLIENT_ID, &user_data, CHALLENGE_SEQUENCE, &key), challenge_token());
    let mut sealed = challenge_token();
    assert_eq!(open_challenge_token(&mut sealed, CHALLENGE_SEQUENCE, &key), Ok((CLIENT_ID, &user_data)));
}

#[test]
fn requests_are_those_of_the_reference() {
    let mut out = [0; PACKET_BYTES_MAX];
    let len = write_request(&token(), &mut out);
    assert_eq!(out[..len], bytes("request"));
    let request = Request::read(&out[..len], PROTOCOL_ID).unwrap();
    assert_eq!((request.expire_unix_s, &request.sealed[..]), (EXPIRE_UNIX_S, &bytes("private_token_sealed")[..]));
}

#[test]
fn encrypted_packets_are_those_of_the_reference() {
    let token = challenge_token();
    let payload: [u8; 1200] = counting(|i| i);
    let packets = [
        ("denied", Body::Denied),
        ("challenge", Body::Challenge { sequence: CHALLENGE_SEQUENCE, token: &token }),
        ("response", Body::Response { sequence: CHALLENGE_SEQUENCE, token: &token }),
        ("keep_alive", Body::KeepAlive { client_index: 7, max_clients: 32 }),
        ("payload", Body::Payload(&payload)),
        ("disconnect", Body::Disconnect),
    ];
    for (name, body) in packets {
        let mut out = [0; PACKET_BYTES_MAX];
        let len = body.seal(&mut out, SEQUENCE, &packet_key(), PROTOCOL);
        assert_eq!(out[..len], bytes(name), "{name}");
        let header = Header::read(&out[..len]).unwrap();
        assert_eq!(header.sequence, SEQUENCE);
        let opened = header.open(&mut out[..len], &packet_key(), PROTOCOL).unwrap();
        match body {
            Body::Denied | Body::Disconnect => assert!(opened.is_empty()),
            Body::Challenge { .. } | Body::Response { .. } => {
                assert_eq!(read_challenge(opened), (CHALLENGE_SEQUENCE, &mut challenge_token()));
            }
            Body::KeepAlive { .. } => assert_eq!(read_keep_alive(opened), (7, 32)),
            Body::Payload(_) => assert_eq!(*opened, payload),
        }
    }
}
