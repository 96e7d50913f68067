use std::time::Duration;

use serde::Deserialize;
use tidelock::ClientId;
use tidelock::netcode::ConnectToken;
use ureq::Agent;

use super::SwarmError;
use crate::measure::ServerFigures;

/// A server's admin endpoint.
#[derive(Clone)]
pub(super) struct Admin {
    agent: Agent,
    url: String,
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: String,
}

impl Admin {
    const TIMEOUT: Duration = Duration::from_secs(5);
    /// More is no answer of a server.
    const BODY_BYTES_MAX: u64 = 4 << 20;

    /// Of the endpoint at `url`, for example `http://127.0.0.1:9100`.
    pub(super) fn new(url: &str) -> Self {
        // A proxy that the environment names is not for a server's admin port, least of all on loopback.
        let config =
            Agent::config_builder().timeout_global(Some(Self::TIMEOUT)).http_status_as_error(false).proxy(None);
        Self { agent: config.build().new_agent(), url: url.trim_end_matches('/').to_owned() }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Asks `POST /token` for a token of this client.
    pub(super) fn token(&self, client_id: ClientId) -> Result<ConnectToken, SwarmError> {
        let body = serde_json::json!({ "client_id": client_id.0 }).to_string();
        let request = self.agent.post(format!("{}/token", self.url)).content_type("application/json");
        let mut answer = request.send(body).map_err(|error| self.unreachable(&error))?;
        let status = answer.status().as_u16();
        if status != 200 {
            return Err(SwarmError::TokenRefused { url: self.url.clone(), status });
        }
        let malformed = |why: String| SwarmError::TokenMalformed { url: self.url.clone(), why };
        let text = answer.body_mut().with_config().limit(Self::BODY_BYTES_MAX).read_to_string();
        let text = text.map_err(|error| self.unreachable(&error))?;
        let answer: TokenAnswer = serde_json::from_str(&text).map_err(|error| malformed(error.to_string()))?;
        let bytes =
            data_encoding::BASE64.decode(answer.token.as_bytes()).map_err(|error| malformed(error.to_string()))?;
        ConnectToken::from_bytes(&bytes).map_err(|error| malformed(error.to_string()))
    }

    /// What the server has counted so far; `None` if it does not tell.
    pub(super) fn figures(&self) -> Option<ServerFigures> {
        ServerFigures::read(&self.get("/metrics")?, &self.get("/ticks")?)
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut answer = self.agent.get(format!("{}{path}", self.url)).call().ok()?;
        if answer.status() != 200 {
            return None;
        }
        answer.body_mut().with_config().limit(Self::BODY_BYTES_MAX).read_to_string().ok()
    }

    fn unreachable(&self, error: &ureq::Error) -> SwarmError {
        let why = match error {
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                "nothing listens there".to_owned()
            }
            other => other.to_string(),
        };
        SwarmError::AdminUnreachable { url: self.url.clone(), why }
    }
}
