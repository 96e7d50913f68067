use std::time::Duration;
use tidelock::netcode::Cipher;

/// What a universe begins with.
#[derive(Clone, Copy, Debug)]
pub struct UniverseConfig {
    /// Of everything that is left to chance.
    pub seed: u64,
    /// Ticks in a second.
    pub tick_hz: u32,
    /// Snapshots in a second; divides `tick_hz`.
    pub snapshot_hz: u32,
    /// Upper end of what a client is sent.
    pub client_bandwidth_bytes_s: u32,
    /// Players at once.
    pub max_clients: usize,
    /// How long the place of a player whose connection is gone waits for it.
    pub resume_time: Duration,
    /// How far the game may look back; `None` leaves it to the game.
    pub rewind_max: Option<Duration>,
    /// How packets are protected: [`Cipher::Null`] where time is short.
    pub cipher: Cipher,
    /// The whole view of a player is looked at in every so many ticks, others' in others, from 1. What datagrams say and what they
    /// change is looked at always.
    pub look_every_ticks: u32,
}

impl Default for UniverseConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            tick_hz: 60,
            snapshot_hz: 60,
            client_bandwidth_bytes_s: 64 * 1024,
            max_clients: 64,
            resume_time: Duration::from_secs(30),
            rewind_max: None,
            cipher: Cipher::default(),
            look_every_ticks: 1,
        }
    }
}
