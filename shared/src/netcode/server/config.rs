use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;

use thiserror::Error;

use crate::netcode::cipher::Protocol;
use crate::netcode::{CLIENTS_MAX, Cipher, Key};

/// What a [`super::Server`] is told at its start. [`ServerConfig::new`] fills in what few need to change.
#[derive(Clone)]
pub struct ServerConfig {
    /// The game and its version. Only clients whose token names the same connect.
    pub protocol_id: u64,
    /// The keys shared with the backends, 1 to 4: several while they rotate, the most used first.
    pub private_keys: Vec<Key>,
    /// The addresses by which connect tokens may name this server, at least one.
    pub public_addresses: Vec<SocketAddr>,
    /// How many clients may be connected, 1 to 16,640.
    pub max_clients: usize,
    /// Refuse tokens that expire before this second since 1970. With keys that were in use before this start, set it to
    /// the start plus the longest lifetime that backends give a token: what a server before this one may have accepted
    /// is then refused, and no key encrypts two sessions. `None` when the keys are new.
    pub token_floor_unix_s: Option<u64>,
    /// Refuse tokens that expire later than so many seconds from now: the longest lifetime that backends give, without
    /// which the floor lets through what lives longer. It also bounds how long [`ServerConfig::token_history_max`] is
    /// taken up. `None` to take any.
    pub token_lifetime_max_s: Option<u64>,
    /// Where the sequences of packets outside a session begin, above 2^63. Draw it at random for every start: servers that
    /// one token names share its keys, and must not share a sequence.
    pub global_sequence: u64,
    /// Encrypts challenge tokens. Draw it at random for every start.
    pub challenge_key: Key,
    /// Keys the hash maps. Draw it at random for every start.
    pub hash_key: [u8; 16],
    /// How many handshakes can be under way, 1 to 16,640.
    pub handshakes_max: usize,
    /// How many connect tokens are remembered until they expire. When all are in use, new ones are refused.
    pub token_history_max: usize,
    /// How many answers to handshakes can wait to be sent.
    pub replies_max: usize,
    /// How many connect tokens may be decrypted per second, each about 2 µs of work, ...
    pub token_opens_per_s: u32,
    /// ... and how many in a burst.
    pub token_opens_burst: u32,
    /// How many tokens that cannot be decrypted one address may send per second before nothing more is tried for it. An
    /// IPv6 network of 64 bits counts as one address.
    pub token_failures_per_address_per_s: u32,
    /// How packets are protected.
    pub cipher: Cipher,
}

impl ServerConfig {
    /// A configuration whose bounds suit `max_clients`.
    #[must_use]
    pub fn new(
        protocol_id: u64,
        private_key: Key,
        public_address: SocketAddr,
        max_clients: usize,
        secrets: ServerSecrets,
    ) -> Self {
        let ServerSecrets { challenge_key, hash_key, global_sequence } = secrets;
        Self {
            protocol_id,
            private_keys: alloc::vec![private_key],
            public_addresses: alloc::vec![public_address],
            max_clients,
            token_floor_unix_s: None,
            token_lifetime_max_s: None,
            global_sequence,
            challenge_key,
            hash_key,
            handshakes_max: (max_clients * 4).clamp(64, CLIENTS_MAX),
            token_history_max: (max_clients * 8).max(1024),
            // Everybody may ask at once: after a restart, or when a match begins. For a few clients a smaller burst will do,
            // as strangers can use it too.
            replies_max: max_clients.clamp(128, 4096),
            token_opens_per_s: 20_000,
            token_opens_burst: max_clients.clamp(256, 4096) as u32,
            token_failures_per_address_per_s: 1_000,
            cipher: Cipher::default(),
        }
    }

    pub(super) const fn protocol(&self) -> Protocol {
        Protocol { id: self.protocol_id, cipher: self.cipher }
    }

    pub(super) fn check(&self) -> Result<(), ServerConfigError> {
        let slots = 1..=CLIENTS_MAX;
        if !(1..=PRIVATE_KEYS_MAX).contains(&self.private_keys.len()) {
            Err(ServerConfigError::PrivateKeys)
        } else if self.public_addresses.is_empty() {
            Err(ServerConfigError::PublicAddresses)
        } else if !slots.contains(&self.max_clients) || !slots.contains(&self.handshakes_max) {
            Err(ServerConfigError::Slots)
        } else if self.token_history_max == 0
            || self.replies_max == 0
            || self.token_opens_burst == 0
            || self.token_failures_per_address_per_s == 0
        {
            Err(ServerConfigError::Bounds)
        } else {
            Ok(())
        }
    }
}

/// Says nothing of keys.
impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfig")
            .field("protocol_id", &self.protocol_id)
            .field("public_addresses", &self.public_addresses)
            .field("max_clients", &self.max_clients)
            .field("token_floor_unix_s", &self.token_floor_unix_s)
            .field("token_lifetime_max_s", &self.token_lifetime_max_s)
            .finish_non_exhaustive()
    }
}

/// A request is tried with every key, so that their number is a factor of what strangers can cost.
pub(super) const PRIVATE_KEYS_MAX: usize = 4;

/// What a server needs of randomness, for each start anew.
#[derive(Clone)]
pub struct ServerSecrets {
    /// See [`ServerConfig::challenge_key`].
    pub challenge_key: Key,
    /// See [`ServerConfig::hash_key`].
    pub hash_key: [u8; 16],
    /// See [`ServerConfig::global_sequence`].
    pub global_sequence: u64,
}

impl ServerSecrets {
    /// How many random bytes one start takes.
    pub const RANDOM_BYTES: usize = 56;

    /// Splits bytes drawn from a cryptographically secure source.
    #[must_use]
    pub fn from_random(random: [u8; Self::RANDOM_BYTES]) -> Self {
        let (challenge_key, rest) = random.split_first_chunk().expect("56 bytes hold a key");
        let (hash_key, sequence) = rest.split_first_chunk().expect("24 bytes hold another");
        let sequence = u64::from_le_bytes(sequence.try_into().expect("8 bytes are left"));
        // Far from the end, so that it never wraps.
        Self { challenge_key: Key::new(*challenge_key), hash_key: *hash_key, global_sequence: sequence >> 2 }
    }
}

/// What is wrong with a [`ServerConfig`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ServerConfigError {
    /// None, or more than four.
    #[error("a server has 1 to 4 private keys")]
    PrivateKeys,
    /// None: no token could name this server.
    #[error("a server has at least one public address")]
    PublicAddresses,
    /// `max_clients` or `handshakes_max` is out of range.
    #[error("a server has 1 to 16640 slots for clients, and as many for handshakes")]
    Slots,
    /// A bound that lets nobody in.
    #[error("token_history_max, replies_max, token_opens_burst and token_failures_per_address_per_s are not zero")]
    Bounds,
}
