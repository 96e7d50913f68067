use std::io;
use std::path::PathBuf;

use tidelock_server::io::options::OptionsError;

/// Why a run gave no figures.
#[derive(Debug, thiserror::Error)]
pub enum SwarmError {
    /// Nothing answers there.
    #[error("the server's admin endpoint {url} does not answer: {why}")]
    AdminUnreachable {
        /// As given.
        url: String,
        /// One clause.
        why: String,
    },
    /// It answers, but gives no token.
    #[error(
        "{url} gives no connect tokens (HTTP {status}): the endpoint is open on loopback and with \
             --allow-token-endpoint only; else use --key-file"
    )]
    TokenRefused {
        /// As given.
        url: String,
        /// HTTP.
        status: u16,
    },
    /// What it gives is no token.
    #[error("{url} answers, but not with connect tokens: is this a Tidelock server? ({why})")]
    TokenMalformed {
        /// As given.
        url: String,
        /// One clause.
        why: String,
    },
    /// The key cannot be read.
    #[error(transparent)]
    KeyFile(#[from] OptionsError),
    /// The name leads nowhere.
    #[error("{address} is no address of a server: {why}")]
    Address {
        /// As given.
        address: String,
        /// One clause.
        why: String,
    },
    /// The token leads to another server than the one asked for.
    #[error(
        "the tokens of {admin} lead to {advertised}, not to {server}: correct --server, or the server's --advertise"
    )]
    OtherServer {
        /// Where the tokens are from.
        admin: String,
        /// Where they lead.
        advertised: String,
        /// Where they should.
        server: String,
    },
    /// All clients failed.
    #[error("none of {clients} clients could connect to {address}: {why}")]
    NobodyConnected {
        /// Requested.
        clients: u64,
        /// Of the server.
        address: String,
        /// One clause.
        why: String,
    },
    /// The server was gone before the end. There are figures of the time before.
    #[error("{0}: the figures are of the time until then")]
    CutShort(String),
    /// More sockets than the system allows.
    #[error("{clients} clients need {needed} open files, and the limit is {limit}: raise it with `ulimit -n`")]
    TooManyFiles {
        /// Requested.
        clients: u32,
        /// At least.
        needed: u64,
        /// Hard limit.
        limit: u64,
    },
    /// The embedded server does not start.
    #[error("the embedded server does not start: {0}")]
    Embedded(String),
    /// The embedded server ended before its time.
    #[error("the embedded server did not end well: {0}")]
    EmbeddedEnded(String),
    /// There is nowhere to record to.
    #[error("cannot create {}: {why}", file.display())]
    RecordCreate {
        /// As given.
        file: PathBuf,
        /// The system's reason.
        why: io::Error,
    },
    /// The recording could not be written to its end.
    #[error("the recording {} lacks its end: {why}", file.display())]
    RecordWrite {
        /// As given.
        file: PathBuf,
        /// The system's reason.
        why: io::Error,
    },
    /// The operating system refuses something it should not.
    #[error("{what}: {why}")]
    System {
        /// What was tried.
        what: &'static str,
        /// The system's reason.
        why: io::Error,
    },
}

impl SwarmError {
    /// The exit code: 2 for bad usage, 3 when there was no connection, 1 for anything else.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::KeyFile(_) | Self::TooManyFiles { .. } | Self::RecordCreate { .. } => 2,
            Self::AdminUnreachable { .. }
            | Self::TokenRefused { .. }
            | Self::TokenMalformed { .. }
            | Self::Address { .. }
            | Self::OtherServer { .. }
            | Self::NobodyConnected { .. }
            | Self::CutShort(_) => 3,
            Self::Embedded(_) | Self::EmbeddedEnded(_) | Self::RecordWrite { .. } | Self::System { .. } => 1,
        }
    }

    pub(super) fn system<E: Into<io::Error>>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |why| Self::System { what, why: why.into() }
    }
}
