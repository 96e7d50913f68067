//! A server that is started for a run, in a process of its own: so that its processor time and memory are its own.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use tidelock_server::arena::Arena;
use tidelock_server::io::options::{ByteSize, Number, Options};
use tidelock_server::io::{Server, ServerConfig};

use super::SwarmError;
use super::options::EmbeddedOptions;

/// The server's process, which ends when its standard input does.
pub(super) struct EmbeddedServer {
    child: Child,
    /// The URL of its admin endpoint.
    admin: String,
}

/// What the simulator's program is told to be a server.
pub const EMBEDDED_SUBCOMMAND: &str = "embedded-server";
/// Begins the line with which a server says that it is ready.
const READY: &str = "ready ";

impl EmbeddedServer {
    /// Starts one that has room for `clients`.
    pub(super) fn start(options: &EmbeddedOptions, clients: u32, seed: u64) -> Result<Self, SwarmError> {
        let failed = |why: io::Error| SwarmError::Embedded(why.to_string());
        let mut command = Command::new(&options.program);
        command.arg(EMBEDDED_SUBCOMMAND).arg(format!("--clients={clients}")).arg(format!("--seed={seed}"));
        command.args(options.tick_hz.map(|hz| format!("--tick-hz={hz}")));
        command.args(options.npcs.map(|npcs| format!("--npcs={npcs}")));
        command.args(options.client_bandwidth_bytes_s.map(|bytes_s| format!("--client-bandwidth={bytes_s}")));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).map_err(failed)?;
        match line.trim().strip_prefix(READY) {
            Some(admin) => Ok(Self { child, admin: admin.to_owned() }),
            None => {
                let _ = child.wait();
                Err(SwarmError::Embedded(line.trim().to_owned()))
            }
        }
    }

    pub(super) fn admin(&self) -> &str {
        &self.admin
    }

    /// Stops it.
    pub(super) fn stop(mut self) -> Result<(), SwarmError> {
        drop(self.child.stdin.take());
        let status = self.child.wait().map_err(|why| SwarmError::EmbeddedEnded(why.to_string()))?;
        if status.success() { Ok(()) } else { Err(SwarmError::EmbeddedEnded(status.to_string())) }
    }
}

impl Drop for EmbeddedServer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Runs such a server until standard input ends, and says on standard output where it is, or why it does not start.
///
/// # Errors
/// If it does not start, or crashes.
pub fn serve_embedded(options: &EmbeddedOptions, clients: u32, seed: u64) -> Result<(), SwarmError> {
    let server = start(options, clients, seed).inspect_err(|error| drop(say(&error.to_string())))?;
    let admin = server.admin_address().expect("it has an admin endpoint");
    // Whoever started it has gone again if nobody reads this; then there is nothing to read either.
    let _ = say(&format!("{READY}http://{admin}"));
    let _ = io::stdin().read_to_end(&mut Vec::new());
    server.stop().map(drop).map_err(|crashed| SwarmError::Embedded(crashed.to_string()))
}

fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

fn start(options: &EmbeddedOptions, clients: u32, seed: u64) -> Result<tidelock_server::io::ServerHandle, SwarmError> {
    let defaults = Options::default();
    let tick_hz = options.tick_hz.unwrap_or(defaults.tick_hz);
    let npcs = options.npcs.unwrap_or(defaults.npcs);
    let any_port = "127.0.0.1:0".parse().expect("an address");
    let options = Options {
        bind: any_port,
        admin: any_port,
        tick_hz,
        snapshot_hz: tick_hz,
        npcs,
        max_clients: defaults.max_clients.max(clients as usize),
        client_bandwidth: options.client_bandwidth_bytes_s.map_or(defaults.client_bandwidth, ByteSize),
        seed: Some(Number(seed)),
        ..defaults
    };
    let failed = |why: String| SwarmError::Embedded(why);
    let config = ServerConfig::from_options(options).map_err(|error| failed(error.to_string()))?;
    Server::start(&config, Arena { npcs }).map_err(|error| failed(error.to_string()))
}
