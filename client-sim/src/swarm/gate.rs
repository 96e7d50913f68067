use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::Duration;

use tidelock::ClientId;
use tidelock::netcode::ConnectToken;
use tidelock_server::io::{TokenMint, read_key};

use super::SwarmError;
use super::admin::Admin;
use super::embedded::EmbeddedServer;
use super::options::{RemoteOptions, Target};
use super::server_figures::ServerFigures;

/// The way into a server, and what the server tells of itself.
pub(super) enum Gate {
    Embedded(EmbeddedServer),
    /// The admin endpoint makes the tokens.
    Admin {
        admin: Admin,
        server: Option<SocketAddr>,
    },
    /// Tokens are made here.
    Key {
        admin: Admin,
        mint: TokenMint,
    },
}

/// How long a token made here may be used to connect.
const LIFETIME: Duration = Duration::from_secs(30);

impl Gate {
    pub(super) fn open(target: &Target, clients: u32, seed: u64) -> Result<Self, SwarmError> {
        let remote = match target {
            Target::Embedded(options) => return EmbeddedServer::start(options, clients, seed).map(Self::Embedded),
            Target::Remote(remote) => remote,
        };
        let admin = Admin::new(&remote.admin);
        let Some(file) = &remote.key_file else {
            let server = remote.server.as_deref().map(resolve).transpose()?;
            return Ok(Self::Admin { admin, server });
        };
        let key = read_key(file)?;
        let address = resolve(remote.server.as_deref().unwrap_or(RemoteOptions::SERVER_DEFAULT))?;
        let mint = TokenMint { key, protocol_id: remote.protocol_id, lifetime: LIFETIME, address };
        Ok(Self::Key { admin, mint })
    }

    /// A token that lets `client_id` in from now on.
    pub(super) fn token(&self, client_id: ClientId) -> Result<ConnectToken, SwarmError> {
        match self {
            Self::Embedded(server) => Ok(server.token(client_id)),
            Self::Admin { admin, server } => {
                let token = admin.token(client_id)?;
                match server.filter(|server| !token.servers().contains(server)) {
                    Some(server) => Err(SwarmError::OtherServer {
                        admin: admin.url().to_owned(),
                        advertised: token.servers()[0].to_string(),
                        server: server.to_string(),
                    }),
                    None => Ok(token),
                }
            }
            Self::Key { mint, .. } => Ok(mint.issue(client_id)),
        }
    }

    /// What the server has counted so far, if it tells.
    pub(super) fn figures(&self) -> Option<ServerFigures> {
        match self {
            Self::Embedded(server) => Some(server.figures()),
            Self::Admin { admin, .. } | Self::Key { admin, .. } => admin.figures(),
        }
    }

    pub(super) fn is_embedded(&self) -> bool {
        matches!(self, Self::Embedded(_))
    }

    /// What to tell somebody whose request the server at the end did not answer.
    pub(super) fn silence_hint(&self) -> &'static str {
        match self {
            Self::Embedded(_) => "the embedded server did not answer",
            Self::Admin { .. } => "it did not answer (does its --advertise address lead there?)",
            Self::Key { .. } => "it did not answer (does it run, is this its key, and its --protocol-id?)",
        }
    }

    pub(super) fn close(self) -> Result<(), SwarmError> {
        match self {
            Self::Embedded(server) => server.stop(),
            Self::Admin { .. } | Self::Key { .. } => Ok(()),
        }
    }
}

/// Whether a server with this address runs on this machine, and so reads the same monotonic clock.
pub(super) fn is_local(server: SocketAddr) -> bool {
    // Only addresses of this machine can be bound.
    server.ip().is_loopback() || UdpSocket::bind((server.ip(), 0)).is_ok()
}

fn resolve(address: &str) -> Result<SocketAddr, SwarmError> {
    let refused = |why: String| SwarmError::Address { address: address.to_owned(), why };
    let mut found = address.to_socket_addrs().map_err(|error| refused(error.to_string()))?;
    found.next().ok_or_else(|| refused("the name has no address".to_owned()))
}
