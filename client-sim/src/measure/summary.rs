//! The figures of a run, named and shaped as the summary file has them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Distribution;
use crate::link::{LinkConfig, Profile};
use crate::mix::Kind;

/// What a run measured: the file that `--summary-json` writes. What could not be measured is null.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// Of this format. Grows when a field changes its meaning; new fields do not count.
    pub schema: u32,
    /// Who took part.
    pub clients: Clients,
    /// From the start of the first client to the goodbyes.
    pub duration_s: f64,
    /// The part of it in which all figures below were taken, but for `connect_ms`, `join_ms` and `desyncs`, which are of
    /// the whole run.
    pub measured_s: f64,
    /// As the server told.
    pub tick_hz: Option<u32>,
    /// Of all clients.
    #[serde(flatten)]
    pub figures: ClientFigures,
    /// What players were predicted to do besides moving: shots, pick-ups.
    pub predicted_effects: PredictedEffects,
    /// The server's clock, as clients see it, each once a second.
    pub clock: ClockFit,
    /// Snapshot datagrams by fate.
    pub snapshots: Snapshots,
    /// Inputs by fate.
    pub inputs: Inputs,
    /// The server, as it measures itself.
    pub server: Server,
    /// Those clients that attacked the server. No other figure has them.
    pub hostile: Hostile,
    /// This simulator.
    pub sim: Sim,
    /// The links that were simulated.
    pub conditioner: Conditioner,
    /// Of the clients with each kind of link, by its name.
    pub profiles: BTreeMap<String, ProfileSummary>,
    /// How many were to play, and when.
    pub load: LoadSummary,
    /// Who played.
    pub bots: String,
    /// Repeats the run's chances.
    pub seed: u64,
    /// Where and how it ran.
    pub origin: Origin,
    /// Why it ended before its time; null if it did not.
    pub cut_short: Option<String>,
    /// In the order they were given.
    pub thresholds: Vec<ThresholdResult>,
}

/// What some clients measured, all or those with one kind of link.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ClientFigures {
    /// From the start of a client, token in hand, to its admission to the game.
    pub connect_ms: Option<Distribution>,
    /// From the start of a client to its first complete view.
    pub join_ms: Option<Distribution>,
    /// Round trips.
    pub rtt_ms: Option<Distribution>,
    /// Each client's estimate of its jitter, once a second.
    pub jitter_ms: Option<Distribution>,
    /// From the moment a tick was due at the server to the application of its snapshot at the client.
    pub snapshot_age_ms: Option<Distribution>,
    /// From the moment an input was due to the receipt of the first snapshot with its effect.
    pub input_to_effect_ms: Option<Distribution>,
    /// How far predictions of the client's own avatar were off, for each snapshot applied; 0 where they were right.
    pub prediction_error_m: Option<Distribution>,
    /// How often predictions were corrected, of each client that predicts.
    pub corrections_per_client_s: Option<f64>,
    /// What clients showed between snapshots.
    pub interpolation: Interpolation,
    /// What the clients saw of the link.
    pub loss: Loss,
    /// Checksums of snapshots that did not match.
    pub desyncs: u64,
    /// UDP payload.
    pub bandwidth: Bandwidth,
}

/// Of the clients with one kind of link.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ProfileSummary {
    /// How many clients had it.
    pub clients: u64,
    /// How many of them were thin: what is seen, predicted and checked was of the others.
    pub thin_clients: u64,
    /// What was set.
    pub conditioner: BothWays,
    /// What they measured.
    #[serde(flatten)]
    pub figures: ClientFigures,
}

/// How many were to play, and when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadSummary {
    /// One after the other, from no clients at all.
    pub stages: Vec<StageSummary>,
    /// How many clients left and came back, a second, on average.
    pub churn_per_s: f64,
}

/// Clients come or go evenly until there are so many.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageSummary {
    /// How long it takes.
    pub duration_s: f64,
    /// How many play at its end.
    pub clients: u32,
}

/// Where and how it ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Of the simulator.
    pub version: String,
    /// What was typed; of each worker, if there were several.
    pub commands: Vec<String>,
    /// The machine of the simulator; of each worker, if they differ.
    pub machines: Vec<String>,
    /// Which server, as the simulator reached it.
    pub server: String,
    /// When it began, in seconds since 1970.
    pub started_unix_s: u64,
}

/// What players were predicted to do besides moving.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PredictedEffects {
    /// Done by the server too.
    pub confirmed: u64,
    /// Taken back.
    pub undone: u64,
}

/// Who took part.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Clients {
    /// Asked for.
    pub requested: u64,
    /// Admitted to the game.
    pub connected: u64,
    /// Never admitted.
    pub failed: u64,
    /// Admitted, and lost before the end.
    pub disconnected: u64,
    /// How often clients were admitted, those that came back included.
    pub joins: u64,
    /// How often clients left because they were to.
    pub left: u64,
    /// How often clients whose connection had broken down got their place back.
    pub resumed: u64,
    /// Of `failed` and `disconnected`: why, by how many.
    pub reasons: BTreeMap<String, u64>,
}

/// What clients showed between snapshots: of other entities than their own, in each of their ticks.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Interpolation {
    /// How far what is shown lies behind the newest tick that could have arrived, of each client once a second.
    pub delay_ms: Option<Distribution>,
    /// Frames that showed a moment past the newest snapshot.
    pub underrun_pct: Option<f64>,
    /// Frames in which time stood still for want of snapshots.
    pub stalled_pct: Option<f64>,
    /// Frames that showed a moment at which something may have been missing that was lost and not yet sent again.
    pub partial_pct: Option<f64>,
    /// Of entities sampled: shown by a guess, past what was known of them.
    pub extrapolated_pct: Option<f64>,
    /// How often time jumped ahead or was stopped, of all clients.
    pub jumps: u64,
    /// How far from what was shown they were at that moment, as later snapshots say.
    pub error_m: Option<Distribution>,
}

/// The server's clock, as clients see it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ClockFit {
    /// The simulator reads the same clock: only then snapshots have ages.
    pub shared: bool,
    /// How far it is from the client's, ahead or behind; null unless both are one clock in truth: then it is the error.
    pub offset_error_ms: Option<Distribution>,
    /// How much faster or slower it runs, by the fit.
    pub drift_ppm: Option<Distribution>,
    /// How unevenly snapshots arrive (RFC 3550).
    pub jitter_ms: Option<Distribution>,
}

/// What the clients saw of the link, in percent.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Loss {
    /// Datagrams of the server that never came.
    pub down_pct: Option<f64>,
    /// Datagrams of the clients that the server never acknowledged.
    pub up_pct: Option<f64>,
    /// Datagrams of the server that came again.
    pub duplicate_pct: Option<f64>,
    /// Datagrams of the server that came after a later one.
    pub reordered_pct: Option<f64>,
}

/// Snapshot datagrams by fate.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Snapshots {
    /// All.
    pub received: u64,
    /// Changed the client's view.
    pub applied: u64,
    /// Too old to be shown.
    pub stale: u64,
    /// Against a baseline that the client lacks, or malformed.
    pub undecodable: u64,
}

/// Inputs by fate, as the server counts them; but for `sent`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Inputs {
    /// By the clients, without redundant copies.
    pub sent: u64,
    /// There when their tick took them.
    pub on_time: Option<u64>,
    /// There after their tick.
    pub late: Option<u64>,
    /// Not there when their tick wanted them.
    pub missing: Option<u64>,
    /// There first in a redundant copy.
    pub recovered: Option<u64>,
    /// Of the ticks that wanted an input: `on_time + missing`.
    pub late_pct: Option<f64>,
    /// Of the ticks that wanted an input: `on_time + missing`.
    pub missing_pct: Option<f64>,
}

/// UDP payload. Per client: over the time that clients played.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Bandwidth {
    /// To each client.
    pub down_bytes_per_client_s: Option<f64>,
    /// From each client.
    pub up_bytes_per_client_s: Option<f64>,
    /// To all clients.
    pub down_bytes_total: u64,
    /// From all clients.
    pub up_bytes_total: u64,
}

/// The server, as it measures itself.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Server {
    /// How long ticks took.
    pub tick_ms: Option<Distribution>,
    /// Ticks that took longer than a tick.
    pub overruns: Option<u64>,
    /// Ticks that the schedule gave up.
    pub skipped: Option<u64>,
    /// The highest load level that any client was told.
    pub load_level_max: Option<u8>,
    /// Of one core.
    pub cpu_pct: Option<f64>,
    /// At the end, in MiB.
    pub rss_mb: Option<f64>,
    /// Datagrams that it refused, or did not send, by reason.
    pub dropped: Option<BTreeMap<String, u64>>,
}

/// Clients that attacked the server, in the whole run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hostile {
    /// How many there were.
    pub clients: u64,
    /// How often they connected, with good tokens: they were thrown out, or left, in between.
    pub connections: u64,
    /// All that they sent.
    pub datagrams_sent: u64,
    /// The same in UDP payload.
    pub bytes_sent: u64,
}

impl Hostile {
    /// Adds others.
    pub const fn add(&mut self, other: &Self) {
        self.clients += other.clients;
        self.connections += other.connections;
        self.datagrams_sent += other.datagrams_sent;
        self.bytes_sent += other.bytes_sent;
    }
}

/// This simulator.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Sim {
    /// Clients that left the records of snapshots unread. Predictions, corrections, `interpolation.extrapolated_pct`,
    /// `interpolation.error_m` and desyncs are of the others.
    pub thin_clients: u64,
    /// Of one core, all workers together.
    pub cpu_pct: Option<f64>,
    /// How late clients were served.
    pub schedule_lag_ms: Option<Distribution>,
    /// The simulator itself was late: the other figures are worse than the server deserves.
    pub saturated: bool,
}

/// The links that were simulated.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Conditioner {
    /// One kind of link, or several by weight.
    pub profile: String,
    /// From the server; null if clients have different links: see [`Summary::profiles`].
    pub down: Option<Direction>,
    /// To the server; null as `down` is.
    pub up: Option<Direction>,
}

/// A link.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BothWays {
    /// From the server.
    pub down: Direction,
    /// To the server.
    pub up: Direction,
}

/// One direction of a link, as it was set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Direction {
    /// Mean delay.
    pub latency_ms: f64,
    /// Standard deviation of the delay.
    pub jitter_ms: f64,
    /// Never arrives.
    pub loss_pct: f64,
    /// How many of those there are in a row, on average; null if each is lost on its own, or everything is.
    pub burst_datagrams: Option<f64>,
    /// Arrives twice.
    pub duplicate_pct: f64,
    /// Is overtaken.
    pub reorder_pct: f64,
    /// What passes in a second; null if everything does.
    pub bandwidth_bytes_s: Option<u32>,
    /// What may wait to pass; null as `bandwidth_bytes_s` is.
    pub queue_bytes: Option<u32>,
    /// How long nothing passes, once in `stall_every_s`; null if that never is.
    pub stall_ms: Option<f64>,
    /// See `stall_ms`.
    pub stall_every_s: Option<f64>,
}

impl From<LinkConfig> for Direction {
    fn from(link: LinkConfig) -> Self {
        Self {
            latency_ms: link.latency.as_secs_f64() * 1e3,
            jitter_ms: link.jitter.as_secs_f64() * 1e3,
            loss_pct: percent(link.mean_loss()),
            burst_datagrams: link.bursts.map(|bursts| bursts.mean_length()).filter(|length| length.is_finite()),
            duplicate_pct: percent(link.duplicate),
            reorder_pct: percent(link.reorder),
            bandwidth_bytes_s: link.bottleneck.map(|bottleneck| bottleneck.bandwidth_bytes_s),
            queue_bytes: link.bottleneck.map(|bottleneck| bottleneck.queue_bytes),
            stall_ms: link.stalls.map(|stalls| stalls.length.as_secs_f64() * 1e3),
            stall_every_s: link.stalls.map(|stalls| stalls.every.as_secs_f64()),
        }
    }
}

/// A hundred times, but without the noise of binary fractions: 0.07 is 7, not 7.000000000000001.
fn percent(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}

/// One threshold's verdict.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ThresholdResult {
    /// As given.
    pub expr: String,
    /// What was measured, if it was.
    pub value: Option<f64>,
    /// Whether it holds.
    pub ok: bool,
}

impl Summary {
    /// Of this format.
    pub const SCHEMA: u32 = 1;

    /// A summary in which everything has a value: it knows every name.
    #[must_use]
    pub fn full() -> Self {
        let some = || Some(Distribution { max: Some(0.0), ..Distribution::default() });
        let figures = ClientFigures {
            connect_ms: some(),
            join_ms: some(),
            rtt_ms: some(),
            jitter_ms: some(),
            snapshot_age_ms: some(),
            input_to_effect_ms: some(),
            prediction_error_m: some(),
            interpolation: Interpolation { delay_ms: some(), error_m: some(), ..Interpolation::default() },
            ..ClientFigures::default()
        };
        let profile = ProfileSummary { figures: figures.clone(), ..ProfileSummary::default() };
        Self {
            tick_hz: Some(0),
            figures,
            clock: ClockFit { shared: true, offset_error_ms: some(), drift_ppm: some(), jitter_ms: some() },
            server: Server { tick_ms: some(), ..Server::default() },
            sim: Sim { schedule_lag_ms: some(), ..Sim::default() },
            profiles: Profile::ALL.iter().map(|kind| (kind.name().to_owned(), profile.clone())).collect(),
            ..Self::default()
        }
    }
}
