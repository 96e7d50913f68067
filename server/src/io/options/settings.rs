use super::{Agones, ByteSize, LogFormat, LogLevel, Number, Span};
use serde::{Deserialize, Deserializer};
use std::net::SocketAddr;
use std::path::PathBuf;

/// What one source of settings says: flags with the environment behind them, or a file. Nothing is a default yet.
#[derive(clap::Args, Deserialize, Clone, Debug, Default)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Settings {
    /// UDP address for players [default: 0.0.0.0:7777]
    #[arg(long, env = "TIDELOCK_BIND", hide_env_values = true, value_name = "ADDRESS")]
    pub(super) bind: Option<SocketAddr>,

    /// Address that tokens name, behind Docker or NAT [default: the bind address, loopback for 0.0.0.0]
    #[arg(long, env = "TIDELOCK_ADVERTISE", hide_env_values = true, value_name = "ADDRESS")]
    pub(super) advertise: Option<SocketAddr>,

    /// HTTP address for metrics, health and administration [default: 127.0.0.1:9100]
    #[arg(long, env = "TIDELOCK_ADMIN", hide_env_values = true, value_name = "ADDRESS")]
    pub(super) admin: Option<SocketAddr>,

    /// Ticks a second, 1 to 240 [default: 60]
    #[arg(long, env = "TIDELOCK_TICK_HZ", hide_env_values = true, value_name = "HZ")]
    pub(super) tick_hz: Option<u32>,

    /// Snapshots a second, a divisor of the tick rate [default: the tick rate]
    #[arg(long, env = "TIDELOCK_SNAPSHOT_HZ", hide_env_values = true, value_name = "HZ")]
    pub(super) snapshot_hz: Option<u32>,

    /// Clients at once, 1 to 16384 [default: 1024]
    #[arg(long, env = "TIDELOCK_MAX_CLIENTS", hide_env_values = true, value_name = "COUNT")]
    pub(super) max_clients: Option<usize>,

    /// Threads that share the work of a tick, 1 to 64 [default: as many as there are cores]
    #[arg(long, env = "TIDELOCK_THREADS", hide_env_values = true, value_name = "COUNT")]
    pub(super) threads: Option<usize>,

    /// File with a key shared with the matchmaker, 64 hex digits; repeat it while keys rotate, or separate files by commas, the one that seals the tokens of POST /token first [default: a random key]
    #[arg(long, env = "TIDELOCK_KEY_FILE", hide_env_values = true, value_name = "FILE", value_delimiter = ',')]
    #[serde(deserialize_with = "one_or_many")]
    pub(super) key_file: Vec<PathBuf>,

    /// Longest life of a token, in whole seconds, which POST /token gives; change the key to shorten it [default: 30s]
    #[arg(long, env = "TIDELOCK_TOKEN_LIFETIME", hide_env_values = true, value_name = "TIME")]
    pub(super) token_lifetime: Option<Span>,

    /// File with the bearer token for admin calls that change something [default: those only from loopback]
    #[arg(long, env = "TIDELOCK_ADMIN_TOKEN_FILE", hide_env_values = true, value_name = "FILE")]
    pub(super) admin_token_file: Option<PathBuf>,

    /// Answer POST /token though the admin address is not loopback: whoever reaches it may play
    #[arg(long, env = "TIDELOCK_ALLOW_TOKEN_ENDPOINT", hide_env_values = true, value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub(super) allow_token_endpoint: Option<bool>,

    /// Tell Agones' SDK sidecar of this server: auto, on or off; auto where AGONES_SDK_HTTP_PORT is set [default: auto]
    #[arg(long, hide_possible_values = true, env = "TIDELOCK_AGONES", hide_env_values = true, value_name = "WHEN")]
    pub(super) agones: Option<Agones>,

    /// Drain this long after the first player joined [default: off]
    #[arg(long, env = "TIDELOCK_MATCH_TIME", hide_env_values = true, value_name = "TIME")]
    pub(super) match_time: Option<Span>,

    /// Stop when the last player has left
    #[arg(long, env = "TIDELOCK_EXIT_WHEN_EMPTY", hide_env_values = true, value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub(super) exit_when_empty: Option<bool>,

    /// Drain when nobody has played for so long; where Agones answers, since the server was allocated [default: off]
    #[arg(long, env = "TIDELOCK_IDLE_TIMEOUT", hide_env_values = true, value_name = "TIME")]
    pub(super) idle_timeout: Option<Span>,

    /// File of client ids that may not join, one a line, comments after #; !ID lifts the bans of ID above; admin calls append to it
    #[arg(long, env = "TIDELOCK_BAN_FILE", hide_env_values = true, value_name = "FILE")]
    pub(super) ban_file: Option<PathBuf>,

    /// Names the game and its version to netcode, decimal or 0x... [default: Tidelock's]
    #[arg(long, env = "TIDELOCK_PROTOCOL_ID", hide_env_values = true, value_name = "NUMBER")]
    pub(super) protocol_id: Option<Number>,

    /// Most bytes a second that a client is sent; less over links that take less [default: 64KiB]
    #[arg(long, env = "TIDELOCK_CLIENT_BANDWIDTH", hide_env_values = true, value_name = "SIZE")]
    pub(super) client_bandwidth: Option<ByteSize>,

    /// How far clients see, in metres [default: the game's]
    #[arg(long, env = "TIDELOCK_VIEW_RADIUS", hide_env_values = true, value_name = "METRES")]
    pub(super) view_radius: Option<f32>,

    /// How far a shot is judged by what the shooter saw, at most 500ms; 0s for not at all [default: the game's]
    #[arg(long, env = "TIDELOCK_REWIND_MAX", hide_env_values = true, value_name = "TIME")]
    pub(super) rewind_max: Option<Span>,

    /// Non-player characters of the sample game [default: 200]
    #[arg(long, env = "TIDELOCK_NPCS", hide_env_values = true, value_name = "COUNT")]
    pub(super) npcs: Option<u32>,

    /// Seed of the world, decimal or 0x... [default: random, and logged]
    #[arg(long, env = "TIDELOCK_SEED", hide_env_values = true, value_name = "NUMBER")]
    pub(super) seed: Option<Number>,

    /// How long to wait for players to leave after the first SIGTERM or Ctrl-C [default: 30s]
    #[arg(long, env = "TIDELOCK_DRAIN_TIMEOUT", hide_env_values = true, value_name = "TIME")]
    pub(super) drain_timeout: Option<Span>,

    /// How long the place of a player whose connection is gone waits for it; 0s for not at all [default: 30s]
    #[arg(long, env = "TIDELOCK_RESUME_TIME", hide_env_values = true, value_name = "TIME")]
    pub(super) resume_time: Option<Span>,

    /// Write what each tick is to this file, to judge clients by: large and slow, for tests
    #[arg(long, env = "TIDELOCK_TRUTH", hide_env_values = true, value_name = "FILE")]
    pub(super) truth: Option<PathBuf>,

    /// What to log to standard error: off, error, warn, info, debug or trace [default: info]
    #[arg(long, hide_possible_values = true, env = "TIDELOCK_LOG", hide_env_values = true, value_name = "LEVEL")]
    pub(super) log: Option<LogLevel>,

    /// How to log it: text or json [default: text]
    #[arg(
        long,
        hide_possible_values = true,
        env = "TIDELOCK_LOG_FORMAT",
        hide_env_values = true,
        value_name = "FORMAT"
    )]
    pub(super) log_format: Option<LogFormat>,
}

macro_rules! or {
    ($first:ident, $second:ident: $($setting:ident)*) => {
        Settings {
            key_file: if $first.key_file.is_empty() { $second.key_file } else { $first.key_file },
            $($setting: $first.$setting.or($second.$setting),)*
        }
    };
}

impl Settings {
    /// What this source says, or else the other.
    pub(super) fn or(self, other: Self) -> Self {
        or!(self, other:
            bind advertise admin tick_hz snapshot_hz max_clients threads token_lifetime admin_token_file allow_token_endpoint
            agones match_time exit_when_empty idle_timeout ban_file protocol_id client_bandwidth view_radius rewind_max npcs seed drain_timeout resume_time
            truth log log_format)
    }
}

/// `"FILE"` or `["FILE", "FILE"]`.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PathBuf>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        One(PathBuf),
        Many(Vec<PathBuf>),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::One(file) => vec![file],
        Written::Many(files) => files,
    })
}
