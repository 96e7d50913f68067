use alloc::boxed::Box;
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use arrayvec::ArrayVec;
use thiserror::Error;

use super::aead::seal_extended;
use super::bytes::{Reader, Writer};
use super::key::Key;
use super::private_token::{PRIVATE_TOKEN_BYTES, PrivateToken, token_aad};
use super::{SERVERS_MAX, TOKEN_BYTES, TOKEN_NONCE_BYTES, USER_DATA_BYTES, VERSION};
use crate::ClientId;

/// What a backend decides when it lets a client play.
#[derive(Clone, Debug)]
pub struct TokenSpec<'a> {
    /// The game and its version: a client and a server of different protocols do not connect.
    pub protocol_id: u64,
    /// When the token is made, in seconds since 1970.
    pub create_unix_s: u64,
    /// From when on the token connects no more, in seconds since 1970.
    pub expire_unix_s: u64,
    /// After how many seconds without a packet either end gives up. Negative: never, for development only.
    pub timeout_s: i32,
    /// Whom the token is for.
    pub client_id: ClientId,
    /// The servers' public addresses, 1 to 32, tried in this order.
    pub servers: &'a [SocketAddr],
    /// Whatever the backend wants to tell the server. The client carries it but cannot read it.
    pub user_data: [u8; USER_DATA_BYTES],
}

/// What makes a token unique: never use the same twice.
#[derive(Clone)]
pub struct TokenSecrets {
    /// Encrypts what the client sends.
    pub client_to_server: Key,
    /// Encrypts what the server sends.
    pub server_to_client: Key,
    /// Encrypts the private part of the token, together with the private key.
    pub nonce: [u8; TOKEN_NONCE_BYTES],
}

impl TokenSecrets {
    /// How many random bytes one token takes.
    pub const RANDOM_BYTES: usize = 88;

    /// Splits bytes drawn from a cryptographically secure source.
    #[must_use]
    pub fn from_random(random: [u8; Self::RANDOM_BYTES]) -> Self {
        let mut reader = Reader::new(&random);
        let mut key = || reader.key().expect("88 bytes hold two keys");
        let (client_to_server, server_to_client) = (key(), key());
        Self { client_to_server, server_to_client, nonce: *reader.array().expect("and a nonce") }
    }
}

/// Why bytes are no connect token, or none can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Not 2048 bytes.
    #[error("a connect token has 2048 bytes")]
    Length,
    /// Made by another version of netcode.
    #[error("not a connect token of netcode 1.02")]
    Version,
    /// It expires before it was made.
    #[error("the connect token expires before it was created")]
    Expiry,
    /// A timeout of zero seconds: no handshake could finish within it.
    #[error("the timeout of a connect token is not zero")]
    Timeout,
    /// None, or more than 32, server addresses, or one of an unknown kind.
    #[error("a connect token names 1 to 32 IPv4 or IPv6 addresses")]
    Servers,
}

/// What a backend gives to a client over a secure channel, and what the client connects with.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectToken {
    protocol_id: u64,
    create_unix_s: u64,
    expire_unix_s: u64,
    nonce: [u8; TOKEN_NONCE_BYTES],
    sealed: Box<[u8; PRIVATE_TOKEN_BYTES]>,
    timeout_s: i32,
    servers: ArrayVec<SocketAddr, SERVERS_MAX>,
    client_to_server: Key,
    server_to_client: Key,
}

impl ConnectToken {
    /// Makes a token that servers holding `private_key` accept.
    ///
    /// # Errors
    /// [`TokenError::Expiry`], [`TokenError::Timeout`] or [`TokenError::Servers`], for what the specification asks.
    pub fn generate(spec: &TokenSpec<'_>, secrets: &TokenSecrets, private_key: &Key) -> Result<Self, TokenError> {
        if spec.create_unix_s > spec.expire_unix_s {
            return Err(TokenError::Expiry);
        }
        if spec.timeout_s == 0 {
            return Err(TokenError::Timeout);
        }
        let servers = ArrayVec::try_from(spec.servers).map_err(|_| TokenError::Servers)?;
        if servers.is_empty() {
            return Err(TokenError::Servers);
        }
        let private = PrivateToken {
            client_id: spec.client_id,
            timeout_s: spec.timeout_s,
            servers: servers.clone(),
            client_to_server: secrets.client_to_server.clone(),
            server_to_client: secrets.server_to_client.clone(),
            user_data: spec.user_data,
        };
        let mut sealed = Box::new([0; PRIVATE_TOKEN_BYTES]);
        private.write(&mut sealed);
        let aad = token_aad(spec.protocol_id, spec.expire_unix_s);
        seal_extended(&mut sealed[..], &aad, &secrets.nonce, private_key);
        Ok(Self {
            protocol_id: spec.protocol_id,
            create_unix_s: spec.create_unix_s,
            expire_unix_s: spec.expire_unix_s,
            nonce: secrets.nonce,
            sealed,
            timeout_s: spec.timeout_s,
            servers,
            client_to_server: secrets.client_to_server.clone(),
            server_to_client: secrets.server_to_client.clone(),
        })
    }

    /// The token as a backend sends it.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; TOKEN_BYTES] {
        let mut bytes = [0; TOKEN_BYTES];
        let mut writer = Writer::new(&mut bytes);
        writer.bytes(VERSION);
        writer.u64(self.protocol_id);
        writer.u64(self.create_unix_s);
        writer.u64(self.expire_unix_s);
        writer.bytes(&self.nonce);
        writer.bytes(&self.sealed[..]);
        writer.u32(self.timeout_s.cast_unsigned());
        writer.addresses(&self.servers);
        writer.key(&self.client_to_server);
        writer.key(&self.server_to_client);
        bytes
    }

    /// Reads a token as a backend sends it.
    ///
    /// # Errors
    /// Any [`TokenError`]: the standard's state *invalid connect token*.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TokenError> {
        let bytes: &[u8; TOKEN_BYTES] = bytes.try_into().map_err(|_| TokenError::Length)?;
        let mut reader = Reader::new(bytes);
        if reader.array() != Some(VERSION) {
            return Err(TokenError::Version);
        }
        Self::read(&mut reader).ok_or(TokenError::Servers).and_then(|token| {
            if token.create_unix_s > token.expire_unix_s { Err(TokenError::Expiry) } else { Ok(token) }
        })
    }

    /// All after the version. Of 2048 bytes only the addresses can be unreadable.
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            protocol_id: reader.u64()?,
            create_unix_s: reader.u64()?,
            expire_unix_s: reader.u64()?,
            nonce: *reader.array()?,
            sealed: Box::new(*reader.array()?),
            timeout_s: reader.i32()?,
            servers: read_servers(reader)?,
            client_to_server: reader.key()?,
            server_to_client: reader.key()?,
        })
    }

    /// The protocol the token is for.
    #[must_use]
    pub fn protocol_id(&self) -> u64 {
        self.protocol_id
    }

    /// When the token was made, in seconds since 1970.
    #[must_use]
    pub fn create_unix_s(&self) -> u64 {
        self.create_unix_s
    }

    /// From when on the token connects no more, in seconds since 1970.
    #[must_use]
    pub fn expire_unix_s(&self) -> u64 {
        self.expire_unix_s
    }

    /// After how long without a packet either end gives up; `None` for never.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        timeout(self.timeout_s)
    }

    /// The servers to try, in order: 1 to 32.
    #[must_use]
    pub fn servers(&self) -> &[SocketAddr] {
        &self.servers
    }

    pub(super) fn nonce(&self) -> &[u8; TOKEN_NONCE_BYTES] {
        &self.nonce
    }

    pub(super) fn sealed(&self) -> &[u8; PRIVATE_TOKEN_BYTES] {
        &self.sealed
    }

    pub(super) fn client_to_server(&self) -> &Key {
        &self.client_to_server
    }

    pub(super) fn server_to_client(&self) -> &Key {
        &self.server_to_client
    }
}

/// Says nothing of keys or of what is sealed.
impl fmt::Debug for ConnectToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectToken")
            .field("protocol_id", &self.protocol_id)
            .field("create_unix_s", &self.create_unix_s)
            .field("expire_unix_s", &self.expire_unix_s)
            .field("timeout_s", &self.timeout_s)
            .field("servers", &self.servers)
            .finish_non_exhaustive()
    }
}

/// The standard's timeout, of which zero and less mean none.
pub(super) fn timeout(timeout_s: i32) -> Option<Duration> {
    u64::try_from(timeout_s).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

/// `[count u32] (address)*`, 1 to 32 of them.
pub(super) fn read_servers(reader: &mut Reader<'_>) -> Option<ArrayVec<SocketAddr, SERVERS_MAX>> {
    let count = reader.u32()? as usize;
    if !(1..=SERVERS_MAX).contains(&count) {
        return None;
    }
    (0..count).map(|_| reader.address()).collect()
}
