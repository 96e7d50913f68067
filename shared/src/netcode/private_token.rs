use core::net::SocketAddr;

use arrayvec::ArrayVec;

use super::aead::{Forged, open, seal};
use super::bytes::{Reader, Writer};
use super::key::Key;
use super::token::read_servers;
use super::{SERVERS_MAX, TAG_BYTES, USER_DATA_BYTES, VERSION};
use crate::ClientId;

/// The sealed part of a connect token, tag included.
pub(super) const PRIVATE_TOKEN_BYTES: usize = 1024;
/// A sealed challenge token, tag included.
pub(super) const CHALLENGE_TOKEN_BYTES: usize = 300;

/// What only the backend and the servers can read of a connect token.
pub(super) struct PrivateToken {
    pub(super) client_id: ClientId,
    pub(super) timeout_s: i32,
    pub(super) servers: ArrayVec<SocketAddr, SERVERS_MAX>,
    pub(super) client_to_server: Key,
    pub(super) server_to_client: Key,
    pub(super) user_data: [u8; USER_DATA_BYTES],
}

impl PrivateToken {
    /// Writes it at the start of a zeroed buffer, whose last 16 bytes stay free for the tag.
    pub(super) fn write(&self, bytes: &mut [u8; PRIVATE_TOKEN_BYTES]) {
        let mut writer = Writer::new(&mut bytes[..PRIVATE_TOKEN_BYTES - TAG_BYTES]);
        writer.u64(self.client_id.0);
        writer.u32(self.timeout_s.cast_unsigned());
        writer.addresses(&self.servers);
        writer.key(&self.client_to_server);
        writer.key(&self.server_to_client);
        writer.bytes(&self.user_data);
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        Some(Self {
            client_id: ClientId(reader.u64()?),
            timeout_s: reader.i32()?,
            servers: read_servers(&mut reader)?,
            client_to_server: reader.key()?,
            server_to_client: reader.key()?,
            user_data: *reader.array()?,
        })
    }
}

/// `[version 13] [protocol id u64] [expire u64]`: what of a connection request is open, but cannot be changed.
pub(super) fn token_aad(protocol_id: u64, expire_unix_s: u64) -> [u8; 29] {
    let mut aad = [0; 29];
    let mut writer = Writer::new(&mut aad);
    writer.bytes(VERSION);
    writer.u64(protocol_id);
    writer.u64(expire_unix_s);
    aad
}

/// `[client id u64] [user data 256] [0 20] [tag 16]`: the server's note to itself, which a client returns to show that
/// it receives at the address it sends from.
pub(super) fn write_challenge_token(
    client_id: ClientId,
    user_data: &[u8; USER_DATA_BYTES],
    sequence: u64,
    challenge_key: &Key,
) -> [u8; CHALLENGE_TOKEN_BYTES] {
    let mut bytes = [0; CHALLENGE_TOKEN_BYTES];
    let mut writer = Writer::new(&mut bytes);
    writer.u64(client_id.0);
    writer.bytes(user_data);
    seal(&mut bytes, &[], sequence, challenge_key);
    bytes
}

/// Decrypts a challenge token in place.
pub(super) fn open_challenge_token<'a>(
    bytes: &'a mut [u8; CHALLENGE_TOKEN_BYTES],
    sequence: u64,
    challenge_key: &Key,
) -> Result<(ClientId, &'a [u8; USER_DATA_BYTES]), Forged> {
    let message: &'a [u8] = open(bytes, &[], sequence, challenge_key)?;
    let mut reader = Reader::new(message);
    let client_id = ClientId(reader.u64().ok_or(Forged)?);
    Ok((client_id, reader.array().ok_or(Forged)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Only a backend can make one that opens; what it then holds is not to be trusted all the same.
        #[test]
        fn any_bytes_are_written_as_they_were_read_or_are_no_token(
            bytes in prop::collection::vec(any::<u8>(), PRIVATE_TOKEN_BYTES - TAG_BYTES),
            count in 0u32..40,
            kinds in prop::collection::vec(0u8..4, 40),
            is_plausible: bool,
        ) {
            let mut bytes = bytes;
            if is_plausible {
                // Counts and kinds of addresses as they often are: chance alone finds none.
                bytes[12..16].copy_from_slice(&count.to_le_bytes());
                let mut at = 16;
                for kind in kinds.into_iter().take(count as usize) {
                    bytes[at] = if kind == 0 { 1 } else { kind };
                    at += if bytes[at] == 1 { 7 } else { 19 };
                }
            }
            if let Some(token) = PrivateToken::read(&bytes) {
                prop_assert!((1..=SERVERS_MAX).contains(&token.servers.len()));
                let mut written = [0; PRIVATE_TOKEN_BYTES];
                token.write(&mut written);
                let address_bytes = |address: &SocketAddr| if address.is_ipv4() { 7 } else { 19 };
                let end = 16 + token.servers.iter().map(address_bytes).sum::<usize>() + 2 * 32 + USER_DATA_BYTES;
                prop_assert!(written[..end] == bytes[..end]);
            }
        }
    }

    #[test]
    fn a_token_with_as_many_ipv6_addresses_as_allowed_fits() {
        let token = PrivateToken {
            client_id: ClientId(u64::MAX),
            timeout_s: -1,
            servers: (0..SERVERS_MAX).map(|_| "[::1]:7777".parse().unwrap()).collect(),
            client_to_server: Key::new([1; 32]),
            server_to_client: Key::new([2; 32]),
            user_data: [3; USER_DATA_BYTES],
        };
        let mut bytes = [0; PRIVATE_TOKEN_BYTES];
        token.write(&mut bytes);
        let read = PrivateToken::read(&bytes).unwrap();
        assert_eq!((read.client_id, read.timeout_s), (token.client_id, token.timeout_s));
        assert_eq!((&read.servers, read.user_data), (&token.servers, token.user_data));
        assert!(read.client_to_server == token.client_to_server && read.server_to_client == token.server_to_client);
    }

    #[test]
    fn a_challenge_token_opens_only_with_its_own_key_and_sequence() {
        let key = Key::new([4; 32]);
        let sealed = write_challenge_token(ClientId(9), &[5; 256], 77, &key);
        assert_eq!(open_challenge_token(&mut sealed.clone(), 77, &key), Ok((ClientId(9), &[5; 256])));
        assert_eq!(open_challenge_token(&mut sealed.clone(), 78, &key), Err(Forged));
        assert_eq!(open_challenge_token(&mut sealed.clone(), 77, &Key::new([5; 32])), Err(Forged));
    }
}
