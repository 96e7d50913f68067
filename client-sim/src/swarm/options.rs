use std::path::PathBuf;
use std::time::Duration;

use crate::bots::BotMix;
use crate::link::LinkConfig;

/// What to run.
#[derive(Clone, Debug)]
pub struct SwarmOptions {
    /// Against which server.
    pub target: Target,
    /// How many clients, at least one.
    pub clients: u32,
    /// From the start of the first client to the start of the last. More than a third of the duration counts as a third.
    pub ramp: Duration,
    /// From the start of the first client to the goodbyes.
    pub duration: Duration,
    /// From the server.
    pub down: LinkConfig,
    /// To the server.
    pub up: LinkConfig,
    /// Who plays.
    pub bots: BotMix,
    /// Of all chance: links, bots, client ids, and the embedded server's world.
    pub seed: u64,
    /// Says nothing while it runs.
    pub quiet: bool,
}

/// Which server.
#[derive(Clone, Debug)]
pub enum Target {
    /// One in this process.
    Embedded(EmbeddedOptions),
    /// One that runs already.
    Remote(RemoteOptions),
}

/// Settings of the embedded server; `None` is the server's own default.
#[derive(Clone, Debug, Default)]
pub struct EmbeddedOptions {
    /// Ticks a second.
    pub tick_hz: Option<u32>,
    /// Wanderers of the server's.
    pub npcs: Option<u32>,
    /// Upper end of what a client is sent, in bytes a second.
    pub client_bandwidth_bytes_s: Option<u32>,
}

/// Where a server is, and how to get in.
#[derive(Clone, Debug)]
pub struct RemoteOptions {
    /// The URL of its admin endpoint: metrics, and tokens unless there is a key.
    pub admin: String,
    /// Where it listens for players, `host:port`. Tokens of the admin endpoint name an address themselves; if this one is
    /// given too, the two must agree.
    pub server: Option<String>,
    /// Makes tokens here instead of asking the admin endpoint.
    pub key_file: Option<PathBuf>,
    /// For tokens made here.
    pub protocol_id: u64,
}

impl RemoteOptions {
    /// Where a server listens unless told otherwise.
    pub const SERVER_DEFAULT: &'static str = "127.0.0.1:7777";
    /// Where its admin endpoint is unless told otherwise.
    pub const ADMIN_DEFAULT: &'static str = "http://127.0.0.1:9100";
}

impl SwarmOptions {
    /// The ramp that is run: the wanted one, but no more than a third of the duration.
    #[must_use]
    pub fn ramp_effective(&self) -> Duration {
        self.ramp.min(self.duration / 3)
    }

    /// What measuring leaves out at the start: the ramp, and then a moment for the last clients to settle.
    #[must_use]
    pub fn warm_up(&self) -> Duration {
        let ramp = self.ramp_effective();
        ramp + Duration::from_secs(1).min((self.duration - ramp) / 4)
    }
}
