use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::Duration;

use tidelock::ClientId;
use tidelock::netcode::ConnectToken;
use tidelock_server::io::{TokenMint, read_key};

use super::SwarmError;
use super::admin::Admin;
use super::embedded::EmbeddedServer;
use super::options::{RemoteOptions, Target};
use crate::measure::{Reasons, commonest};

/// The way into a server.
pub(super) struct Gate {
    admin: Admin,
    source: TokenSource,
    embedded: Option<EmbeddedServer>,
}

/// Who makes connect tokens.
enum TokenSource {
    /// The admin endpoint, and they are to name this server, if one is given.
    Admin { server: Option<SocketAddr> },
    /// This process.
    Mint(TokenMint),
}

/// How long a token made here may be used to connect.
const LIFETIME: Duration = Duration::from_secs(30);

impl Gate {
    pub(super) fn open(target: &Target, clients: u32, seed: u64) -> Result<Self, SwarmError> {
        match target {
            Target::Embedded(options) => {
                let server = EmbeddedServer::start(options, clients, seed)?;
                let admin = Admin::new(server.admin());
                Ok(Self { admin, source: TokenSource::Admin { server: None }, embedded: Some(server) })
            }
            Target::Remote(remote) => {
                let source = TokenSource::of(remote)?;
                Ok(Self { admin: Admin::new(&remote.admin), source, embedded: None })
            }
        }
    }

    /// A token that lets `client_id` in from now on.
    pub(super) fn token(&self, client_id: ClientId) -> Result<ConnectToken, SwarmError> {
        match &self.source {
            TokenSource::Mint(mint) => Ok(mint.issue(client_id)),
            TokenSource::Admin { server } => {
                let token = self.admin.token(client_id)?;
                match server.filter(|server| !token.servers().contains(server)) {
                    Some(server) => Err(SwarmError::OtherServer {
                        admin: self.admin.url().to_owned(),
                        advertised: token.servers()[0].to_string(),
                        server: server.to_string(),
                    }),
                    None => Ok(token),
                }
            }
        }
    }

    /// Where the server tells of itself.
    pub(super) const fn admin(&self) -> &Admin {
        &self.admin
    }

    /// What to tell somebody whose requests the server at the end did not answer, of which it may say what it refused.
    pub(super) fn silence_hint(&self, refused: Option<&Reasons>) -> String {
        if let Some(reason) = refused.and_then(commonest) {
            return refusal(reason).to_owned();
        }
        let hint = match self {
            Self { embedded: Some(_), .. } => "the embedded server did not answer",
            Self { source: TokenSource::Admin { .. }, .. } => {
                "it did not answer (does its --advertise address lead there?)"
            }
            Self { source: TokenSource::Mint(_), .. } => {
                "it did not answer (does it run, is this its key, and its --protocol-id?)"
            }
        };
        hint.to_owned()
    }

    pub(super) fn close(self) -> Result<(), SwarmError> {
        self.embedded.map_or(Ok(()), EmbeddedServer::stop)
    }
}

impl TokenSource {
    fn of(remote: &RemoteOptions) -> Result<Self, SwarmError> {
        let Some(file) = &remote.key_file else {
            let server = remote.server.as_deref().map(resolve).transpose()?;
            return Ok(Self::Admin { server });
        };
        let key = read_key(file)?;
        let address = resolve(remote.server.as_deref().unwrap_or(RemoteOptions::SERVER_DEFAULT))?;
        Ok(Self::Mint(TokenMint { key, protocol_id: remote.protocol_id, lifetime: LIFETIME, address }))
    }
}

/// What is wrong with tokens that a server refuses for this.
fn refusal(reason: &str) -> &'static str {
    match reason {
        "token_undecryptable" => {
            "it refuses the connect tokens, which were made with another key than its own: see --key-file"
        }
        "protocol_mismatch" => "it refuses the connect tokens, which are for another game: see --protocol-id",
        "token_for_other_server" => {
            "it refuses the connect tokens, which name another address than its own: see its --advertise"
        }
        "token_predates_start" => {
            "it refuses connect tokens that an earlier run of it may have taken: it started less than its --token-lifetime ago"
        }
        "token_expired" | "token_lives_too_long" => {
            "it refuses the connect tokens for their time: do both machines' clocks agree?"
        }
        _ => "it refuses the connect tokens",
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
