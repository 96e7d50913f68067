use std::path::PathBuf;

use tidelock_server::io::options::PROTOCOL_ID;

use super::Links;
use crate::bots::Cast;
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
    pub bots: Cast,
    /// Which of them read no more than heads of snapshots.
    pub thin: ThinShare,
    /// Of all chance: links, bots, client ids, and the embedded server's world.
    pub seed: u64,
    /// Which part of the clients is run here.
    pub share: Share,
    /// What was typed, for reports.
    pub command: String,
}

impl SwarmOptions {
    /// The clients of this process, by their numbers.
    pub fn clients(&self) -> impl Iterator<Item = u32> {
        (0..self.load.clients_max()).filter(|client| self.share.has(*client))
    }

    /// Those of them that play, and do not attack.
    pub fn players(&self) -> impl Iterator<Item = u32> {
        self.clients().filter(|client| !self.bots.is_hostile(*client))
    }
}

/// How many clients are [thin](crate::client::Client::thin), as a share: from none, 0, to less than all, 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ThinShare(pub f64);

impl ThinShare {
    /// Clients get their places in steps of the fraction of an irrational number, which is that of no [`Mix`](crate::mix::Mix):
    /// so thin ones are as many as they should be in any run of clients, and of any kind.
    const STRIDE: f64 = 2.236_067_977_499_79;

    /// Whether the client with this index is. The first is not: it may be recorded.
    #[must_use]
    pub fn has(self, index: u32) -> bool {
        let place = f64::from(index) * Self::STRIDE;
        place - place.floor() >= 1.0 - self.0
    }
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

    /// A server whose admin endpoint, with this URL, hands out tokens.
    #[must_use]
    pub fn at(admin: &str) -> Self {
        Self { admin: admin.to_owned(), server: None, key_file: None, protocol_id: PROTOCOL_ID }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thin_clients_are_as_many_as_they_should_be_in_any_run_of_clients() {
        for (share, first, every, clients) in
            [(0.0, 0, 1, 1_000), (0.9, 0, 1, 1_000), (0.98, 5_000, 1, 2_000), (0.5, 1, 2, 400), (0.9, 3, 10, 500)]
        {
            let thin = (0..clients).filter(|n| ThinShare(share).has(first + n * every)).count();
            let wanted = share * f64::from(clients);
            assert!((thin as f64 - wanted).abs() <= 3.0, "{thin} of {clients}, {wanted} wanted");
        }
    }

    #[test]
    fn the_first_client_sees() {
        assert!([0.0, 0.5, 0.999].iter().all(|share| !ThinShare(*share).has(0)));
    }
}
