//! Netcode as a stranger may write it: any type, length, sequence and key, by RFC 8439 and PROTOCOL.md alone.
#![allow(dead_code, reason = "each test file uses a part of it")]

use chacha20::{R20, hchacha};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

pub(crate) const VERSION: &[u8; 13] = b"NETCODE 1.02\0";

/// An encrypted packet before it is one.
#[derive(Clone)]
pub(crate) struct Packet {
    pub(crate) kind: u8,
    pub(crate) sequence: u64,
    /// What the prefix says; a writer of the standard takes as few as the sequence needs.
    pub(crate) sequence_bytes: u8,
    pub(crate) body: Vec<u8>,
}

impl Packet {
    pub(crate) fn new(kind: u8, sequence: u64, body: &[u8]) -> Self {
        let sequence_bytes = (8 - sequence.leading_zeros() / 8).max(1) as u8;
        Self { kind, sequence, sequence_bytes, body: body.to_vec() }
    }

    /// The prefix as it is said to be, even where there are no such packets.
    pub(crate) fn seal(&self, protocol_id: u64, key: &[u8; 32]) -> Vec<u8> {
        let prefix = self.sequence_bytes << 4 | self.kind;
        let mut packet = vec![prefix];
        packet.extend(self.sequence.to_le_bytes().iter().cycle().take(self.sequence_bytes.into()));
        let mut body = self.body.clone();
        seal(&mut body, &[VERSION, &protocol_id.to_le_bytes()[..], &[prefix]].concat(), self.sequence, key);
        packet.extend(body);
        packet
    }
}

/// The sealed part of a connect token, by XChaCha20-Poly1305.
pub(crate) fn seal_private(
    private: &[u8],
    protocol_id: u64,
    expire_unix_s: u64,
    nonce: &[u8; 24],
    key: &[u8; 32],
) -> Vec<u8> {
    let aad = [VERSION, &protocol_id.to_le_bytes()[..], &expire_unix_s.to_le_bytes()].concat();
    let (first, last) = nonce.split_first_chunk::<16>().unwrap();
    let subkey = hchacha::<R20>(key.into(), first.into()).into();
    let mut sealed = private.to_vec();
    seal(&mut sealed, &aad, u64::from_le_bytes(last.try_into().unwrap()), &subkey);
    sealed
}

fn seal(message: &mut Vec<u8>, aad: &[u8], sequence: u64, key: &[u8; 32]) {
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).unwrap());
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&sequence.to_le_bytes());
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), message).unwrap();
}
