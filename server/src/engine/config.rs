use super::audits::Audits;
use super::session::HEARTBEAT;
use core::net::SocketAddr;
use std::time::Duration;
use tidelock::netcode::{CLIENTS_MAX, Cipher, Key, ServerConfig, ServerConfigError, ServerSecrets};

/// What an engine is started with. Secrets and the seed are arguments: the engine draws no randomness of its own.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Ticks in a second, 1 to 240.
    pub tick_hz: u32,
    /// Snapshots in a second to each client; divides `tick_hz`.
    pub snapshot_hz: u32,
    /// Players at once, 1 to 16,384. A few clients more are let in as far as to be told why they cannot play.
    pub max_clients: usize,
    /// Must equal that of the tokens.
    pub protocol_id: u64,
    /// Keys that tokens may be sealed with; at least one.
    pub private_keys: Vec<Key>,
    /// The addresses that tokens name: where clients believe this server to be.
    pub public_addresses: Vec<SocketAddr>,
    /// Tokens that expire earlier may predate the start and are refused. Unix time in seconds.
    pub token_floor_unix_s: Option<u64>,
    /// Tokens that expire later than so many seconds from now are refused.
    pub token_lifetime_max_s: Option<u64>,
    /// Random bytes, secret and new for each run: see [`ServerSecrets`].
    pub secrets: [u8; ServerSecrets::RANDOM_BYTES],
    /// Of the game's randomness.
    pub seed: u64,
    /// Upper end of what a client is sent, in bytes a second of UDP payload; `u32::MAX` for no budget at all. Below it, what is
    /// sent follows what the client's link takes.
    pub client_bandwidth_bytes_s: u32,
    /// How far clients see; `None` leaves it to the game.
    pub view_radius: Option<f32>,
    /// How far systems may look back: see [`Rewind`](crate::game::Rewind). At most 500 ms, and zero for no lag compensation;
    /// `None` leaves it to the game.
    pub rewind_max: Option<Duration>,
    /// How long the place of a player whose connection is gone waits for it; zero for not at all.
    pub resume_time: Duration,
    /// How packets are protected: [`Cipher::default`] wherever there is a network.
    pub cipher: Cipher,
}

impl EngineConfig {
    /// The length of a tick.
    #[must_use]
    pub fn tick_period(&self) -> Duration {
        Duration::from_secs(1) / self.tick_hz
    }

    /// By when everything that a client should hold is audited, what stands still included: the longest turn of all buckets,
    /// when nothing is lost and snapshots have their full rate. Each loss costs what it made void about a round trip more.
    #[must_use]
    pub fn audit_rotation(&self) -> Duration {
        Audits::rotation(self.tick_period() * self.ticks_per_snapshot(), HEARTBEAT)
    }

    pub(crate) fn ticks_per_snapshot(&self) -> u32 {
        self.tick_hz / self.snapshot_hz
    }

    pub(crate) fn check(&self) -> Result<(), EngineError> {
        let Self { tick_hz, snapshot_hz, max_clients, .. } = *self;
        if !(1..=240).contains(&tick_hz) {
            Err(EngineError::TickRate(tick_hz))
        } else if snapshot_hz == 0 || !tick_hz.is_multiple_of(snapshot_hz) {
            Err(EngineError::SnapshotRate { snapshot_hz, tick_hz })
        } else if !(1..=PLAYERS_MAX).contains(&max_clients) {
            Err(EngineError::MaxClients(max_clients))
        } else {
            Ok(())
        }
    }

    pub(crate) fn netcode(&self) -> Result<ServerConfig, ServerConfigError> {
        let key = self.private_keys.first().ok_or(ServerConfigError::PrivateKeys)?;
        let address = self.public_addresses.first().ok_or(ServerConfigError::PublicAddresses)?;
        let secrets = ServerSecrets::from_random(self.secrets);
        Ok(ServerConfig {
            private_keys: self.private_keys.clone(),
            public_addresses: self.public_addresses.clone(),
            token_floor_unix_s: self.token_floor_unix_s,
            token_lifetime_max_s: self.token_lifetime_max_s,
            cipher: self.cipher,
            ..ServerConfig::new(
                self.protocol_id,
                key.clone(),
                *address,
                self.max_clients + self.refusal_slots(),
                secrets,
            )
        })
    }

    /// Connections beyond those of players, for clients that are told why they cannot play, and for the old ones of
    /// players who come back.
    pub(crate) fn refusal_slots(&self) -> usize {
        (self.max_clients / 8).clamp(8, REFUSAL_SLOTS_MAX)
    }
}

/// Players at once.
const PLAYERS_MAX: usize = 16_384;
const REFUSAL_SLOTS_MAX: usize = 256;
const _: () = assert!(PLAYERS_MAX + REFUSAL_SLOTS_MAX <= CLIENTS_MAX);

/// Why an engine cannot start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The tick rate is out of range.
    #[error("tick-hz is {0}, and must be 1 to 240")]
    TickRate(u32),
    /// The snapshot rate does not divide the tick rate.
    #[error("snapshot-hz is {snapshot_hz}, and must divide tick-hz, which is {tick_hz}")]
    SnapshotRate {
        /// As asked for.
        snapshot_hz: u32,
        /// As asked for.
        tick_hz: u32,
    },
    /// The number of clients is out of range.
    #[error("max-clients is {0}, and must be 1 to 16384")]
    MaxClients(usize),
    /// Keys or addresses are missing or too many.
    #[error(transparent)]
    Netcode(#[from] ServerConfigError),
    /// What the game declares cannot be replicated.
    #[error("the game's schema: {0}")]
    Schema(#[from] tidelock::state::SchemaError),
}
