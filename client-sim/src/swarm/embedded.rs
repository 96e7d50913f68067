use tidelock::ClientId;
use tidelock::netcode::ConnectToken;
use tidelock_server::arena::Arena;
use tidelock_server::io::options::{ByteSize, Number, Options};
use tidelock_server::io::{Server, ServerConfig, ServerHandle};

use super::SwarmError;
use super::options::EmbeddedOptions;
use super::server_figures::{ServerFigures, TickTimes};
use super::system::{process_cpu, thread_cpu};

/// A server in this process, on a free loopback port: all that is known here of the server's crate.
pub(super) struct EmbeddedServer {
    handle: ServerHandle,
}

impl EmbeddedServer {
    /// Starts one that has room for `clients`.
    pub(super) fn start(options: &EmbeddedOptions, clients: u32, seed: u64) -> Result<Self, SwarmError> {
        let defaults = Options::default();
        let tick_hz = options.tick_hz.unwrap_or(defaults.tick_hz);
        let npcs = options.npcs.unwrap_or(defaults.npcs);
        let options = Options {
            tick_hz,
            snapshot_hz: tick_hz,
            npcs,
            max_clients: defaults.max_clients.max(clients as usize),
            client_bandwidth: options.client_bandwidth_bytes_s.map_or(defaults.client_bandwidth, ByteSize),
            seed: Some(Number(seed)),
            ..defaults
        };
        let failed = |why: String| SwarmError::Embedded(why);
        let config = ServerConfig::embedded(options).map_err(|error| failed(error.to_string()))?;
        let handle = Server::start(&config, Arena { npcs }).map_err(|error| failed(error.to_string()))?;
        Ok(Self { handle })
    }

    pub(super) fn token(&self, client_id: ClientId) -> ConnectToken {
        self.handle.issue_token(client_id)
    }

    /// The processor time is that of all threads but this one, the workers' too: theirs is to be taken off. The memory
    /// is the whole process's, so it is not told.
    pub(super) fn figures(&self) -> ServerFigures {
        let stats = self.handle.stats();
        let inputs = stats.engine.inputs;
        ServerFigures {
            ticks: TickTimes::Exact(stats.tick_duration_us),
            overruns: stats.overruns,
            skipped: stats.skipped,
            inputs_on_time: inputs.on_time,
            inputs_late: inputs.late,
            inputs_missing: inputs.missing,
            inputs_recovered: inputs.recovered,
            cpu_s: Some(process_cpu().saturating_sub(thread_cpu()).as_secs_f64()),
            rss_bytes: None,
        }
    }

    pub(super) fn stop(self) -> Result<(), SwarmError> {
        self.handle.stop().map(drop).map_err(|error| SwarmError::Embedded(error.to_string()))
    }
}
