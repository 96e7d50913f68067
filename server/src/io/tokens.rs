use super::clock;
use super::random::random;
use std::net::SocketAddr;
use std::time::Duration;
use tidelock::ClientId;
use tidelock::netcode::{ConnectToken, Key, TokenSecrets, TokenSpec};

/// After so long without a packet either end gives a connection up.
const TIMEOUT_S: i32 = 10;

/// Makes connect tokens: what a matchmaker does in production.
#[derive(Clone, Debug)]
pub struct TokenMint {
    /// Shared with the servers.
    pub key: Key,
    /// The game and its version.
    pub protocol_id: u64,
    /// How long a token may be used to connect, in whole seconds.
    pub lifetime: Duration,
    /// Where clients find the server.
    pub address: SocketAddr,
}

impl TokenMint {
    /// The same for a server that clients find elsewhere.
    #[must_use]
    pub(crate) fn leading_to(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// A token that lets `client_id` in from now on.
    ///
    /// # Panics
    /// If the lifetime is shorter than a second.
    #[must_use]
    pub fn issue(&self, client_id: ClientId) -> ConnectToken {
        let now_unix_s = clock::unix_s();
        let spec = TokenSpec {
            protocol_id: self.protocol_id,
            create_unix_s: now_unix_s,
            expire_unix_s: now_unix_s.saturating_add(self.lifetime.as_secs()),
            timeout_s: TIMEOUT_S,
            client_id,
            servers: &[self.address],
            user_data: [0; 256],
        };
        let secrets = TokenSecrets::from_random(random());
        ConnectToken::generate(&spec, &secrets, &self.key).expect("one address, and it expires after it was made")
    }

    /// As [`issue`](Self::issue), in base64: how tokens travel in JSON and on terminals.
    pub(crate) fn issue_text(&self, client_id: ClientId) -> String {
        data_encoding::BASE64.encode(&self.issue(client_id).to_bytes())
    }
}
