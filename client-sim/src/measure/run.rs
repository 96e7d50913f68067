use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::summary::{
    Bandwidth, BothWays, ClientFigures, Clients, ClockFit, Conditioner, Hostile, Inputs, Interpolation, LoadSummary,
    Loss, Origin, PredictedEffects, ProfileSummary, Server, Sim, Snapshots, Summary,
};
use super::{Account, Distribution, Figure, Seconds, ServerFigures};

/// All that a run measured, exactly: what a [`Summary`] is made of, and what runs of several workers are put together from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What was asked for.
    pub setup: Setup,
    /// Where and how it ran.
    pub origin: Origin,
    /// Of the clients with each kind of link, by its name.
    pub profiles: BTreeMap<String, ProfileRun>,
    /// Why it ended before its time.
    pub cut_short: Option<String>,
    /// Clients whose turn to come had come: all, unless it was cut short.
    pub called: u64,
    /// From the start of the first client to the goodbyes.
    pub duration_us: u64,
    /// The window.
    pub measured_us: u64,
    /// Processor time in the window, of each worker thread.
    pub cpu_us: Vec<u64>,
    /// Clients that attacked the server.
    pub hostile: Hostile,
    /// What the server tells of itself, if it could be asked.
    pub server: Option<ServerRun>,
    /// The server reads the same clock: an age is a difference.
    pub same_clock: bool,
    /// One after the other.
    pub timeline: Seconds,
}

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// The most that were to play at once.
    pub clients: u64,
    /// How many, and when.
    pub load: LoadSummary,
    /// The kinds of links, by weight.
    pub profile: String,
    /// The kinds of bots, by weight.
    pub bots: String,
    /// The share of clients that are thin.
    pub thin: f64,
    /// Of all chance.
    pub seed: u64,
    /// Which parts of the clients these are, from 1.
    pub workers: Vec<u32>,
    /// Of how many.
    pub workers_of: u32,
}

/// What clients with one kind of link measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProfileRun {
    /// What was set.
    pub conditioner: BothWays,
    /// What was measured.
    pub account: Account,
}

/// What the server counted, and in how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerRun {
    /// In that time.
    pub figures: ServerFigures,
    /// From one look at its counters to the next.
    pub over_us: u64,
}

/// One client in a hundred served later than this share of a tick makes the simulator part of what it measures.
const LAG_TICKS_MAX: f64 = 0.25;
/// So does a worker that is busy for more than this share of the time.
const BUSY_MAX: f64 = 0.95;

impl Run {
    /// Of all kinds of links together.
    #[must_use]
    pub fn account(&self) -> Account {
        let mut sum = Account::default();
        self.profiles.values().for_each(|profile| sum.add(&profile.account));
        sum
    }

    /// Whether snapshots have ages: the server's clock is ours.
    fn ages_are_ages(&self, of: &Account) -> bool {
        self.same_clock && of.events.ages_impossible == 0
    }

    /// The figures, thresholds apart.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let account = self.account();
        let all = Figures { of: &account, ages_are_ages: self.ages_are_ages(&account) };
        Summary {
            schema: Summary::SCHEMA,
            clients: self.clients(&account),
            duration_s: self.duration_us as f64 / 1e6,
            measured_s: self.measured_us as f64 / 1e6,
            tick_hz: account.tick_hz,
            figures: all.told(),
            predicted_effects: PredictedEffects { confirmed: account.events.confirmed, undone: account.events.undone },
            clock: ClockFit {
                shared: all.ages_are_ages,
                offset_error_ms: all.distribution(Figure::Offset),
                drift_ppm: all.distribution(Figure::Drift),
                jitter_ms: all.distribution(Figure::ClockJitter),
            },
            snapshots: all.snapshots(),
            inputs: self.inputs(&account),
            server: self.server(&account),
            hostile: self.hostile.clone(),
            sim: self.sim(&account),
            conditioner: self.conditioner(),
            profiles: self.profile_summaries(),
            load: self.setup.load.clone(),
            bots: self.setup.bots.clone(),
            seed: self.setup.seed,
            origin: self.origin.clone(),
            cut_short: self.cut_short.clone(),
            thresholds: Vec::new(),
        }
    }

    fn clients(&self, account: &Account) -> Clients {
        let attendance = &account.attendance;
        let mut reasons = attendance.failed.clone();
        for (reason, count) in &attendance.disconnected {
            *reasons.entry(reason.clone()).or_default() += count;
        }
        Clients {
            requested: self.setup.clients,
            connected: attendance.connected,
            failed: self.called.saturating_sub(attendance.connected),
            disconnected: attendance.disconnected.values().sum(),
            joins: attendance.joins,
            left: attendance.left,
            resumed: attendance.resumed,
            reasons,
        }
    }

    fn inputs(&self, account: &Account) -> Inputs {
        let sent = account.counts.inputs_sent;
        let Some(ServerRun { figures, .. }) = &self.server else { return Inputs { sent, ..Inputs::default() } };
        let wanted = figures.inputs_on_time + figures.inputs_missing;
        Inputs {
            sent,
            on_time: Some(figures.inputs_on_time),
            late: Some(figures.inputs_late),
            missing: Some(figures.inputs_missing),
            recovered: Some(figures.inputs_recovered),
            late_pct: percent(figures.inputs_late, wanted),
            missing_pct: percent(figures.inputs_missing, wanted),
        }
    }

    fn server(&self, account: &Account) -> Server {
        let load_level_max = Some(account.load_level_max);
        let Some(ServerRun { figures, over_us }) = &self.server else {
            return Server { load_level_max, ..Server::default() };
        };
        Server {
            tick_ms: figures.ticks.distribution_ms(),
            overruns: Some(figures.overruns),
            skipped: Some(figures.skipped),
            load_level_max,
            cpu_pct: figures.cpu_s.filter(|_| *over_us > 0).map(|cpu_s| cpu_s / (*over_us as f64 / 1e6) * 100.0),
            dropped: Some(figures.dropped.clone()),
            rss_mb: figures.rss_bytes.map(|bytes| bytes / f64::from(1 << 20)),
        }
    }

    fn sim(&self, account: &Account) -> Sim {
        let lag = account.histograms.distribution(Figure::Lag);
        let busy = |cpu_us: &u64| *cpu_us as f64 / self.measured_us.max(1) as f64;
        let lag_ms_max = LAG_TICKS_MAX * 1e3 / f64::from(account.tick_hz.unwrap_or(60));
        let busiest = self.cpu_us.iter().map(busy).fold(0.0, f64::max);
        Sim {
            thin_clients: account.attendance.thin,
            cpu_pct: (self.measured_us > 0).then(|| self.cpu_us.iter().map(busy).sum::<f64>() * 100.0),
            schedule_lag_ms: lag,
            saturated: lag.is_some_and(|lag| lag.p99 > lag_ms_max) || self.measured_us > 0 && busiest > BUSY_MAX,
        }
    }

    fn conditioner(&self) -> Conditioner {
        let profile = self.setup.profile.clone();
        match self.profiles.values().collect::<Vec<_>>()[..] {
            [ProfileRun { conditioner: BothWays { down, up }, .. }] => {
                Conditioner { profile, down: Some(down.clone()), up: Some(up.clone()) }
            }
            _ => Conditioner { profile, down: None, up: None },
        }
    }

    fn profile_summaries(&self) -> BTreeMap<String, ProfileSummary> {
        let summary = |ProfileRun { conditioner, account }: &ProfileRun| {
            let all = Figures { of: account, ages_are_ages: self.ages_are_ages(account) };
            ProfileSummary {
                clients: account.attendance.started,
                thin_clients: account.attendance.thin,
                conditioner: conditioner.clone(),
                figures: all.told(),
            }
        };
        self.profiles.iter().map(|(name, profile)| (name.clone(), summary(profile))).collect()
    }
}

/// What an account comes to.
struct Figures<'a> {
    of: &'a Account,
    ages_are_ages: bool,
}

impl Figures<'_> {
    fn told(&self) -> ClientFigures {
        ClientFigures {
            connect_ms: self.distribution(Figure::Connect),
            join_ms: self.distribution(Figure::Join),
            rtt_ms: self.distribution(Figure::Rtt),
            jitter_ms: self.distribution(Figure::Jitter),
            snapshot_age_ms: self.distribution(Figure::Age),
            input_to_effect_ms: self.distribution(Figure::Effect),
            prediction_error_m: self.distribution(Figure::Prediction),
            corrections_per_client_s: self.corrections_per_client_s(),
            interpolation: self.interpolation(),
            loss: self.loss(),
            bandwidth: self.bandwidth(),
            desyncs: self.of.attendance.desyncs,
        }
    }

    fn distribution(&self, figure: Figure) -> Option<Distribution> {
        let is_meant = self.ages_are_ages || !matches!(figure, Figure::Age | Figure::Offset);
        self.of.histograms.distribution(figure).filter(|_| is_meant)
    }

    /// `None` if nothing was predicted.
    fn corrections_per_client_s(&self) -> Option<f64> {
        let seen_s = self.of.seen_s();
        let is_measured = seen_s > 0.0 && self.distribution(Figure::Prediction).is_some();
        is_measured.then(|| self.of.events.corrections as f64 / seen_s)
    }

    fn interpolation(&self) -> Interpolation {
        let (counts, events) = (&self.of.counts, &self.of.events);
        Interpolation {
            delay_ms: self.distribution(Figure::Delay),
            underrun_pct: percent(counts.underruns, counts.frames),
            stalled_pct: percent(counts.stalled, counts.frames),
            partial_pct: percent(counts.partial, counts.frames),
            extrapolated_pct: percent(events.extrapolated, events.shown),
            jumps: counts.jumps,
            error_m: self.distribution(Figure::Display),
        }
    }

    fn loss(&self) -> Loss {
        let counts = &self.of.counts;
        let missing = counts.down_expected.saturating_sub(counts.down_received);
        Loss {
            down_pct: percent(missing, counts.down_expected),
            up_pct: percent(counts.up_lost, counts.up_acked + counts.up_lost),
            duplicate_pct: percent(counts.down_duplicate, counts.down_received),
            reordered_pct: percent(counts.down_reordered, counts.down_received),
        }
    }

    const fn snapshots(&self) -> Snapshots {
        let counts = &self.of.counts;
        Snapshots {
            received: counts.snapshots_received,
            applied: counts.snapshots_applied,
            stale: counts.snapshots_stale,
            undecodable: counts.snapshots_undecodable,
        }
    }

    fn bandwidth(&self) -> Bandwidth {
        let (counts, played_s) = (&self.of.counts, self.of.played_s());
        let rate = |bytes: u64| (played_s > 0.0).then(|| bytes as f64 / played_s);
        Bandwidth {
            down_bytes_per_client_s: rate(counts.bytes_down),
            up_bytes_per_client_s: rate(counts.bytes_up),
            down_bytes_total: counts.bytes_down,
            up_bytes_total: counts.bytes_up,
        }
    }
}

/// `None` of nothing.
pub(super) fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64 * 100.0)
}
