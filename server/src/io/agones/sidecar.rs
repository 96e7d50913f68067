use super::game_server::{GameServer, PLAYERS};
use serde_json::json;
use std::io::Read;
use std::time::Duration;
use tidelock::ClientId;
use ureq::http::Response;
use ureq::{Agent, Body};

/// The SDK server that Agones runs beside this one, as its REST interface has it:
/// <https://agones.dev/site/docs/guides/client-sdks/rest/>. No call takes longer than [`Sidecar::TIMEOUT`].
pub(super) struct Sidecar {
    agent: Agent,
    url: String,
}

/// What is told or asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// What is known of this server?
    Look,
    /// Ticks are run.
    Health,
    /// Players may come.
    Ready,
    /// This server is in use.
    Allocate,
    /// So many players of so many are here.
    Count { players: usize, capacity: usize },
    /// These are here.
    List(Vec<ClientId>),
    /// This server is not needed any more.
    Shutdown,
}

/// Why a call did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// It came to nothing, and may not the next time.
    #[error("{0}")]
    Passing(String),
    /// The sidecar does not do such a thing.
    #[error("HTTP {0}")]
    Refused(u16),
}

impl Sidecar {
    /// The longest that a call takes.
    pub(super) const TIMEOUT: Duration = Duration::from_secs(2);
    /// A game server is described in less.
    pub(super) const ANSWER_BYTES_MAX: u64 = 256 << 10;

    /// At this port of loopback.
    pub(super) fn new(port: u16) -> Self {
        // A proxy that the environment names does not lead to this pod's own loopback.
        let config =
            Agent::config_builder().timeout_global(Some(Self::TIMEOUT)).http_status_as_error(false).proxy(None);
        Self { agent: config.build().new_agent(), url: format!("http://127.0.0.1:{port}") }
    }

    /// Makes a call. What is known of this server is the answer to [`Call::Look`] alone.
    pub(super) fn make(&self, call: &Call) -> Result<Option<GameServer>, Failure> {
        let players = format!("counters/{PLAYERS}");
        match call {
            Call::Look => return self.game_server().map(Some),
            Call::Health => self.post("health"),
            Call::Ready => self.post("ready"),
            Call::Allocate => self.post("allocate"),
            Call::Shutdown => self.post("shutdown"),
            Call::Count { players: count, capacity } => {
                let body = json!({ "count": count.to_string(), "capacity": capacity.to_string() });
                self.patch(&players, &body.to_string())
            }
            Call::List(clients) => {
                let values: Vec<_> = clients.iter().map(|client| client.0.to_string()).collect();
                self.patch(&format!("lists/{PLAYERS}"), &json!({ "values": values }).to_string())
            }
        }?;
        Ok(None)
    }

    /// A stream of [`Watched`] lines, one for each change, which the sidecar keeps open. It ends when it is silent for
    /// `silence_max`.
    pub(super) fn watch(&self, silence_max: Duration) -> Result<impl Read + use<>, Failure> {
        let request = self.agent.get(format!("{}/watch/gameserver", self.url));
        let request = request.config().timeout_global(None).timeout_connect(Some(Self::TIMEOUT));
        let request = request.timeout_per_read(Some(silence_max)).build();
        Ok(answered(request.call())?.into_body().into_reader())
    }

    fn game_server(&self) -> Result<GameServer, Failure> {
        let mut answer = answered(self.agent.get(format!("{}/gameserver", self.url)).call())?;
        let text = answer.body_mut().with_config().limit(Self::ANSWER_BYTES_MAX).read_to_string().map_err(passing)?;
        serde_json::from_str(&text).map_err(passing)
    }

    fn post(&self, path: &str) -> Result<(), Failure> {
        let request = self.agent.post(format!("{}/{path}", self.url)).content_type("application/json");
        answered(request.send("{}")).map(drop)
    }

    fn patch(&self, path: &str, body: &str) -> Result<(), Failure> {
        let request = self.agent.patch(format!("{}/v1beta1/{path}", self.url)).content_type("application/json");
        answered(request.send(body)).map(drop)
    }
}

fn passing(error: impl std::fmt::Display) -> Failure {
    Failure::Passing(error.to_string())
}

fn answered(result: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>, Failure> {
    let answer = result.map_err(passing)?;
    match answer.status().as_u16() {
        200..300 => Ok(answer),
        status @ 400..500 => Err(Failure::Refused(status)),
        status => Err(Failure::Passing(format!("HTTP {status}"))),
    }
}
