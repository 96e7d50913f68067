use std::path::PathBuf;

use super::Links;
use crate::bots::BotMix;
use crate::load::Load;

/// What to run.
#[derive(Clone, Debug)]
pub struct SwarmOptions {
    /// Against which server.
    pub target: Target,
    /// How many clients, and when.
    pub load: Load,
    /// What lies between them and the server.
    pub links: Links,
    /// Who plays.
    pub bots: BotMix,
    /// Of all chance: links, bots, client ids, and the embedded server's world.
    pub seed: u64,
    /// Which part of the clients is run here.
    pub share: Share,
    /// What was typed, for reports.
    pub command: String,
}

/// Which part of the clients is run by this process, if several share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// From 1.
    pub worker: u32,
    /// How many there are.
    pub of: u32,
}

impl Share {
    /// Everybody.
    pub const ALL: Self = Self { worker: 1, of: 1 };

    /// Whether it is the client with this index.
    #[must_use]
    pub const fn has(&self, index: u32) -> bool {
        index % self.of == self.worker - 1
    }
}

/// Which server.
#[derive(Clone, Debug)]
pub enum Target {
    /// One that is started for the run, in a process of its own.
    Embedded(EmbeddedOptions),
    /// One that runs already.
    Remote(RemoteOptions),
}

/// Settings of the embedded server; `None` is the server's own default.
#[derive(Clone, Debug, Default)]
pub struct EmbeddedOptions {
    /// The `tidelock-sim` that is started as the server.
    pub program: PathBuf,
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
