use super::game_server::{GameServer, PLAYERS};
use serde_json::{Value, json};
use std::io::Read;
use std::time::Duration;
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
    /// One more is here.
    Enlist(String),
    /// One is here no more.
    Delist(String),
    /// This server is not needed any more.
    Shutdown,
}

impl Call {
    /// All [names](Self::name).
    pub(super) const NAMES: [&str; 7] = ["gameserver", "health", "ready", "allocate", "counter", "list", "shutdown"];

    /// For the log and the metrics.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Look => "gameserver",
            Self::Health => "health",
            Self::Ready => "ready",
            Self::Allocate => "allocate",
            Self::Count { .. } => "counter",
            Self::Enlist(_) | Self::Delist(_) => "list",
            Self::Shutdown => "shutdown",
        }
    }
}

/// Why a call did not do what it should, in a clause. The sidecar answers HTTP 500 to most of what it will never do, so
/// there is no telling whether another attempt will help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Failure(pub(super) String);

impl Sidecar {
    /// The longest that a call takes.
    pub(super) const TIMEOUT: Duration = Duration::from_millis(1500);
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
        let empty = json!({});
        match call {
            Call::Look => return self.game_server().map(Some),
            Call::Health => self.post("health", &empty),
            Call::Ready => self.post("ready", &empty),
            Call::Allocate => self.post("allocate", &empty),
            Call::Shutdown => self.post("shutdown", &empty),
            Call::Count { players, capacity } => {
                self.patch_counter(&json!({ "count": players.to_string(), "capacity": capacity.to_string() }))
            }
            Call::Enlist(player) => {
                self.post(&format!("v1beta1/lists/{PLAYERS}:addValue"), &json!({ "value": player }))
            }
            Call::Delist(player) => {
                self.post(&format!("v1beta1/lists/{PLAYERS}:removeValue"), &json!({ "value": player }))
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
        let text = answer.body_mut().with_config().limit(Self::ANSWER_BYTES_MAX).read_to_string().map_err(failed)?;
        serde_json::from_str(&text).map_err(failed)
    }

    fn post(&self, path: &str, body: &Value) -> Result<(), Failure> {
        let request = self.agent.post(format!("{}/{path}", self.url)).content_type("application/json");
        answered(request.send(body.to_string())).map(drop)
    }

    fn patch_counter(&self, body: &Value) -> Result<(), Failure> {
        let request =
            self.agent.patch(format!("{}/v1beta1/counters/{PLAYERS}", self.url)).content_type("application/json");
        answered(request.send(body.to_string())).map(drop)
    }
}

fn failed(why: impl std::fmt::Display) -> Failure {
    Failure(why.to_string())
}

fn answered(result: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>, Failure> {
    let answer = result.map_err(failed)?;
    if answer.status().is_success() {
        Ok(answer)
    } else {
        Err(failed(format_args!("HTTP {}", answer.status().as_u16())))
    }
}
