//! Which server, and how to get in.

use std::path::PathBuf;

use tidelock_server::io::options::{ByteSize, Number, PROTOCOL_ID};
use tidelock_sim::swarm::{EmbeddedOptions, RemoteOptions, Target};

use super::values::client_bandwidth;

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Server")]
#[group(skip)]
pub(super) struct TargetFlags {
    /// Start a server for the run, on a free loopback port
    #[arg(long, conflicts_with_all = ["server", "admin", "key_file", "protocol_id"])]
    embedded: bool,

    /// Where the server takes players [default: what its tokens say; 127.0.0.1:7777 with --key-file]
    #[arg(long, value_name = "HOST:PORT")]
    server: Option<String>,

    /// The server's admin endpoint: metrics, and connect tokens unless there is a key [default: http://127.0.0.1:9100]
    #[arg(long, value_name = "URL")]
    admin: Option<String>,

    /// Make connect tokens with this key instead of asking for them
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// For tokens made with --key-file [default: the server's]
    #[arg(long, value_name = "ID", requires = "key_file")]
    protocol_id: Option<Number>,

    /// Ticks a second of an embedded server [default: the server's]
    #[arg(long, value_name = "HZ", requires = "embedded", value_parser = clap::value_parser!(u32).range(1..=240))]
    tick_hz: Option<u32>,

    /// Wanderers of an embedded server's [default: the server's]
    #[arg(long, value_name = "N", requires = "embedded")]
    npcs: Option<u32>,

    /// Most bytes a second that an embedded server sends a client [default: the server's]
    #[arg(long, value_name = "SIZE", requires = "embedded", value_parser = client_bandwidth)]
    client_bandwidth: Option<ByteSize>,
}

impl TargetFlags {
    /// Whether a server is named.
    pub(super) const fn is_remote(&self) -> bool {
        self.server.is_some() || self.admin.is_some() || self.key_file.is_some()
    }

    /// The server of a run, which runs already unless one is to be embedded.
    pub(super) fn target(self) -> Result<Target, String> {
        if self.embedded {
            return self.own_server();
        }
        Ok(Target::Remote(RemoteOptions {
            admin: self.admin.map_or_else(|| RemoteOptions::ADMIN_DEFAULT.to_owned(), with_scheme),
            server: self.server,
            key_file: self.key_file,
            protocol_id: self.protocol_id.map_or(PROTOCOL_ID, |id| id.0),
        }))
    }

    /// One that is started for the run.
    pub(super) fn own_server(self) -> Result<Target, String> {
        Ok(Target::Embedded(EmbeddedOptions {
            program: std::env::current_exe().map_err(|error| format!("--embedded: {error}"))?,
            tick_hz: self.tick_hz,
            npcs: self.npcs,
            client_bandwidth_bytes_s: self.client_bandwidth.map(|size| size.0),
        }))
    }
}

/// As a URL, also of an address as the server is told it.
fn with_scheme(admin: String) -> String {
    if admin.contains("://") { admin } else { format!("http://{admin}") }
}
