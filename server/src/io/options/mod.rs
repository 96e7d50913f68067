//! Settings: flags before the environment before a file before defaults.

mod byte_size;
mod error;
mod number;
mod settings;
mod span;
mod wording;

pub use byte_size::ByteSize;
pub use error::OptionsError;
pub use number::Number;
pub use span::Span;
pub(crate) use wording::in_plain_words;

use super::cores::Cores;
use crate::engine::REWIND_MAX;
use serde::{Deserialize, Serialize};
use settings::Settings;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The protocol id unless another is set: "tidelock" in ASCII.
pub const PROTOCOL_ID: u64 = u64::from_be_bytes(*b"tidelock");

/// The effective settings of a server, each in its range.
#[derive(Serialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub struct Options {
    /// UDP address for players.
    pub bind: SocketAddr,
    /// Address that tokens name; without it, [`reachable`] of the bound one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advertise: Option<SocketAddr>,
    /// HTTP address for metrics, health and administration.
    pub admin: SocketAddr,
    /// Ticks a second, 1 to 240.
    pub tick_hz: u32,
    /// Snapshots a second, a divisor of `tick_hz`.
    pub snapshot_hz: u32,
    /// Clients at once, 1 to 16,384.
    pub max_clients: usize,
    /// Threads that share the work of a tick, 1 to 64; without it, as many as there are cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// Files with a key each; none for a random key of this run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub key_file: Vec<PathBuf>,
    /// Longest life of a token: whole seconds, at least one.
    pub token_lifetime: Span,
    /// File with the bearer token for admin calls that change something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_token_file: Option<PathBuf>,
    /// Whether POST /token is answered though the admin address is not loopback.
    pub allow_token_endpoint: bool,
    /// Whether Agones' SDK sidecar is told of the server.
    pub agones: Agones,
    /// How long after the first player joined to drain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_time: Option<Span>,
    /// Whether to stop when the last player has left.
    pub exit_when_empty: bool,
    /// How long nobody may play before the server drains; where Agones answers, from its allocation on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<Span>,
    /// File of client ids that may not join.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ban_file: Option<PathBuf>,
    /// Must equal that of the tokens.
    #[serde(serialize_with = "number::in_hex")]
    pub protocol_id: Number,
    /// Most bytes a second that a client is sent, 4 KiB or more.
    pub client_bandwidth: ByteSize,
    /// How far clients see, in metres; without it, as far as the game says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view_radius: Option<f32>,
    /// How far shots are judged by what the shooter saw, at most 500 ms; zero for not at all; without it, as far as the
    /// game says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewind_max: Option<Span>,
    /// Non-player characters of the sample game.
    pub npcs: u32,
    /// Seed of the world; without it, a random one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<Number>,
    /// How long to wait for players to leave when draining.
    pub drain_timeout: Span,
    /// How long the place of a player whose connection is gone waits for it; zero for not at all.
    pub resume_time: Span,
    /// Where to write what each tick is, for those who judge clients by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truth: Option<PathBuf>,
    /// What to log.
    pub log: LogLevel,
    /// How to log it.
    pub log_format: LogFormat,
}

/// When to tell Agones' SDK sidecar of the server.
#[derive(clap::ValueEnum, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Agones {
    /// If the environment says where the sidecar is.
    Auto,
    /// In any case.
    On,
    /// Never.
    Off,
}

/// How much is logged.
#[derive(clap::ValueEnum, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What ends or breaks the server.
    Error,
    /// What an operator should change.
    Warn,
    /// Starts, stops and what operators did.
    Info,
    /// Also what single players do.
    Debug,
    /// Everything.
    Trace,
}

/// What a line of the log looks like.
#[derive(clap::ValueEnum, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The flags of a server.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Flags {
    /// TOML file of settings, named as the flags are
    #[arg(long, env = "TIDELOCK_CONFIG", hide_env_values = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Print the effective settings as TOML and exit, with 2 if any is wrong
    #[arg(long)]
    pub check_config: bool,

    #[command(flatten)]
    settings: Settings,
}

impl Flags {
    /// The effective settings: these flags, with the environment that clap put behind them, before the file that they
    /// name.
    ///
    /// # Errors
    /// [`OptionsError`], if the file cannot be read, has an unknown key, or a value is out of range.
    pub fn resolve(self) -> Result<Options, OptionsError> {
        Options::of(self.with_file()?.settings)
    }

    /// These flags, and what the file that they name says besides. Values may be out of range.
    pub(super) fn with_file(self) -> Result<Self, OptionsError> {
        let file = self.config.as_deref().map(read).transpose()?;
        Ok(Self { settings: self.settings.or(file.unwrap_or_default()), config: None, ..self })
    }

    /// As far as these say.
    pub(super) fn log_format(&self) -> Option<LogFormat> {
        self.settings.log_format
    }
}

fn read(file: &Path) -> Result<Settings, OptionsError> {
    let text = std::fs::read_to_string(file).map_err(|why| OptionsError::file("config", file, &why))?;
    toml::from_str(&text).map_err(|error| OptionsError::toml(file, &text, &error))
}

impl Default for Options {
    /// What a server without flags, environment or file runs with.
    fn default() -> Self {
        Self::of(Settings::default()).expect("defaults are in range")
    }
}

impl Options {
    fn of(settings: Settings) -> Result<Self, OptionsError> {
        let seconds = |seconds| Span(Duration::from_secs(seconds));
        let tick_hz = settings.tick_hz.unwrap_or(60);
        let options = Self {
            bind: settings.bind.unwrap_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 7777))),
            advertise: settings.advertise,
            admin: settings.admin.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 9100))),
            tick_hz,
            snapshot_hz: settings.snapshot_hz.unwrap_or(tick_hz),
            max_clients: settings.max_clients.unwrap_or(1024),
            threads: settings.threads,
            key_file: settings.key_file,
            token_lifetime: settings.token_lifetime.unwrap_or(seconds(30)),
            admin_token_file: settings.admin_token_file,
            allow_token_endpoint: settings.allow_token_endpoint.unwrap_or(false),
            agones: settings.agones.unwrap_or(Agones::Auto),
            match_time: settings.match_time,
            idle_timeout: settings.idle_timeout,
            exit_when_empty: settings.exit_when_empty.unwrap_or(false),
            ban_file: settings.ban_file,
            protocol_id: settings.protocol_id.unwrap_or(Number(PROTOCOL_ID)),
            client_bandwidth: settings.client_bandwidth.unwrap_or(ByteSize(64 << 10)),
            view_radius: settings.view_radius,
            rewind_max: settings.rewind_max,
            npcs: settings.npcs.unwrap_or(200),
            seed: settings.seed,
            drain_timeout: settings.drain_timeout.unwrap_or(seconds(30)),
            resume_time: settings.resume_time.unwrap_or(seconds(30)),
            truth: settings.truth,
            log: settings.log.unwrap_or(LogLevel::Info),
            log_format: settings.log_format.unwrap_or(LogFormat::Text),
        };
        options.check()?;
        Ok(options)
    }

    fn check(&self) -> Result<(), OptionsError> {
        require("tick-hz", &self.tick_hz, (1..=240).contains(&self.tick_hz), "1 to 240")?;
        let divides = self.snapshot_hz > 0 && self.tick_hz.is_multiple_of(self.snapshot_hz);
        require("snapshot-hz", &self.snapshot_hz, divides, "a divisor of tick-hz")?;
        require("max-clients", &self.max_clients, (1..=16_384).contains(&self.max_clients), "1 to 16384")?;
        if let Some(threads) = self.threads {
            require("threads", &threads, (1..=Cores::MAX).contains(&threads), "1 to 64")?;
        }
        check_lifetime("token-lifetime", self.token_lifetime)?;
        require("client-bandwidth", &self.client_bandwidth, self.client_bandwidth.0 >= 4 << 10, "at least 4KiB")?;
        if let Some(address) = self.advertise {
            check_advertise(address)?;
        }
        if let Some(radius) = self.view_radius {
            require("view-radius", &radius, radius.is_finite() && radius > 0.0, "above zero")?;
        }
        if let Some(longest) = self.rewind_max {
            require("rewind-max", &longest, longest.0 <= REWIND_MAX, "at most 500ms")?;
        }
        if let Some(time) = self.match_time {
            require("match-time", &time, !time.0.is_zero(), "above zero")?;
        }
        if let Some(time) = self.idle_timeout {
            require("idle-timeout", &time, !time.0.is_zero(), "above zero")?;
        }
        Ok(())
    }

    /// These settings as a file that could be given as `--config`. What is not set is a comment that says what holds instead.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let advertise = self.advertise.or_else(|| (self.bind.port() != 0).then(|| reachable(self.bind)));
        let set = toml::to_string(&Self { advertise, ..self.clone() }).expect("settings are plain keys and values");
        let unset = [
            ("advertise", "the address that --bind gets", advertise.is_none()),
            ("threads", "as many as there are cores", self.threads.is_none()),
            ("key-file", "a random key of this run", self.key_file.is_empty()),
            ("admin-token-file", "changes from loopback alone", self.admin_token_file.is_none()),
            ("match-time", "off", self.match_time.is_none()),
            ("idle-timeout", "off", self.idle_timeout.is_none()),
            ("ban-file", "bans are of this run", self.ban_file.is_none()),
            ("view-radius", "the game's", self.view_radius.is_none()),
            ("rewind-max", "the game's", self.rewind_max.is_none()),
            ("seed", "random, and logged", self.seed.is_none()),
            ("truth", "off", self.truth.is_none()),
        ];
        let comments = unset.iter().filter(|(.., is_unset)| *is_unset);
        comments.fold(set, |text, (key, instead, _)| format!("{text}# {key}: {instead}\n"))
    }
}

fn require(
    key: &'static str,
    value: &dyn fmt::Display,
    holds: bool,
    must_be: &'static str,
) -> Result<(), OptionsError> {
    if holds { Ok(()) } else { Err(OptionsError::Range { key, value: value.to_string(), must_be }) }
}

/// The life of a token is counted in seconds.
pub(super) fn check_lifetime(key: &'static str, span: Span) -> Result<(), OptionsError> {
    let holds = span.0.subsec_nanos() == 0 && !span.0.is_zero();
    require(key, &span, holds, "whole seconds, and at least one")
}

/// Clients connect to it.
pub(super) fn check_advertise(address: SocketAddr) -> Result<(), OptionsError> {
    let holds = address.port() != 0 && !address.ip().is_unspecified();
    require("advertise", &address, holds, "an address with a port that clients can reach")
}

/// Where a socket bound to this address is reached from the same machine: the address, with loopback for "all".
#[must_use]
pub fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bound.port())
}

fn one_of(units: &[(&str, u64)], name: &str) -> Option<u64> {
    units.iter().find(|(unit, _)| *unit == name).map(|(_, factor)| *factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_toml(text: &str) -> Result<Options, OptionsError> {
        let read = toml::from_str(text).map_err(|error| OptionsError::toml(Path::new("s.toml"), text, &error));
        read.and_then(Options::of)
    }

    #[test]
    fn the_printed_settings_are_a_file_of_the_same_settings() {
        let options = of_toml(
            r#"
            bind = "[::]:1"
            key-file = ["a", "b"]
            seed = "0xffffffffffffffff"
            threads = 3
            match-time = "1h30m"
            view-radius = 30.5
            rewind-max = "100ms"
            client-bandwidth = 100000
            log = "debug"
            exit-when-empty = true
            "#,
        )
        .unwrap();
        let again = of_toml(&options.to_toml()).unwrap();
        assert_eq!(again.advertise, Some("[::1]:1".parse().unwrap()));
        assert_eq!(Options { advertise: None, ..again }, options);
    }

    #[test]
    fn the_printed_settings_tell_what_holds_for_each_that_is_not_set() {
        let printed = of_toml("seed = 7").unwrap().to_toml();
        assert!(printed.contains("\nprotocol-id = \"0x746964656c6f636b\"\n"), "{printed}");
        assert!(printed.contains("\n# view-radius: the game's\n"), "{printed}");
        assert!(printed.contains("\nseed = 7\n") && !printed.contains("# seed"), "{printed}");
    }

    #[test]
    fn a_wrong_file_is_told_by_line_and_reason() {
        for (text, sentence) in [
            ("tick-hz = 30\ntick-hs = 60", "config s.toml: line 2, `tick-hs = 60`: unknown field `tick-hs`"),
            (
                "tick-hz = \"x\"",
                "config s.toml: line 1, `tick-hz = \"x\"`: invalid type: string \"x\", expected a whole number",
            ),
            ("token-lifetime = \"30\"", "`30` is no length of time such as 30s, 500ms, 5m or 1h30m"),
            ("client-bandwidth = \"1 GB\"", "`1 GB` is no size such as 64KiB, 1MiB or 65536, below 4GiB"),
            ("bind = \"localhost\"", "line 1, `bind = \"localhost\"`: not an IP address and a port, such as"),
            ("log = \"loud\"", "unknown variant `loud`"),
            ("resume-time = 30", "invalid type: integer `30`, expected a length of time such as \"30s\""),
            ("resume-time = \"-1s\"", "`-1s` is no length of time"),
            ("= 1", "line 1, `= 1`: "),
            ("tick-hz = 0", "tick-hz is 0, and must be 1 to 240"),
            ("tick-hz = 241", "tick-hz is 241, and must be 1 to 240"),
            ("snapshot-hz = 25", "snapshot-hz is 25, and must be a divisor of tick-hz"),
            ("snapshot-hz = 0", "snapshot-hz is 0, and must be a divisor of tick-hz"),
            ("threads = 0", "threads is 0, and must be 1 to 64"),
            ("max-clients = 16385", "max-clients is 16385, and must be 1 to 16384"),
            ("token-lifetime = \"1500ms\"", "token-lifetime is 1500ms, and must be whole seconds, and at least one"),
            ("client-bandwidth = \"1KiB\"", "client-bandwidth is 1KiB, and must be at least 4KiB"),
            ("advertise = \"0.0.0.0:1\"", "advertise is 0.0.0.0:1, and must be an address with a port"),
            ("view-radius = nan", "view-radius is NaN, and must be above zero"),
            ("rewind-max = \"600ms\"", "rewind-max is 600ms, and must be at most 500ms"),
            ("match-time = \"0s\"", "match-time is 0s, and must be above zero"),
            ("idle-timeout = \"0s\"", "idle-timeout is 0s, and must be above zero"),
        ] {
            let error = of_toml(text).expect_err(text).to_string();
            assert!(error.contains(sentence), "{text}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}
