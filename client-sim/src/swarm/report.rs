use std::time::Duration;

use super::options::SwarmOptions;
use super::recorder::Recorder;
use super::server_figures::ServerFigures;
use super::summary::{
    Bandwidth, Clients, ClockFit, Conditioner, Distribution, Inputs, Interpolation, Loss, PredictedEffects, Server,
    Sim, Snapshots, Summary,
};
use super::totals::{Reasons, Totals};
use super::worker::WorkerReport;

/// What all workers measured.
pub(super) struct Measured {
    recorder: Recorder,
    pub(super) totals: Totals,
    measured: Duration,
    /// Of each worker's thread.
    cpu: Vec<Duration>,
}

/// What the server counted, and in how long.
pub(super) struct ServerMeasured {
    pub(super) figures: ServerFigures,
    pub(super) over: Duration,
    /// Its processor time includes the workers'.
    pub(super) is_embedded: bool,
}

/// One client in a hundred served later than this share of a tick makes the simulator part of what it measures.
const LAG_TICKS_MAX: f64 = 0.25;
/// So does a worker that is busy for more than this share of the time.
const BUSY_MAX: f64 = 0.95;

impl Measured {
    pub(super) fn add_up(reports: &[WorkerReport], tokenless: &Reasons) -> Self {
        let mut sum = Self {
            recorder: Recorder::new(),
            totals: Totals { failed: tokenless.clone(), ..Totals::default() },
            measured: Duration::ZERO,
            cpu: Vec::new(),
        };
        for report in reports {
            sum.recorder.add(&report.recorder);
            sum.totals.add(&report.totals);
            sum.measured = sum.measured.max(report.measured);
            sum.cpu.push(report.cpu);
        }
        sum
    }

    pub(super) fn summary(
        &self,
        options: &SwarmOptions,
        duration: Duration,
        server: Option<&ServerMeasured>,
        same_clock: bool,
    ) -> Summary {
        let ms = |histogram| Distribution::of(histogram, 1e3);
        let recorder = &self.recorder;
        let ages_are_ages = same_clock && recorder.ages_impossible == 0;
        Summary {
            schema: Summary::SCHEMA,
            clients: self.clients(options),
            duration_s: duration.as_secs_f64(),
            measured_s: self.measured.as_secs_f64(),
            tick_hz: self.totals.tick_hz,
            connect_ms: ms(&recorder.connect_us),
            join_ms: ms(&recorder.join_us),
            rtt_ms: ms(&recorder.rtt_us),
            jitter_ms: ms(&recorder.jitter_us),
            snapshot_age_ms: ms(&recorder.age_us).filter(|_| ages_are_ages),
            input_to_effect_ms: ms(&recorder.effect_us),
            prediction_error_m: Distribution::of(&recorder.prediction_mm, 1e3),
            corrections_per_client_s: self.corrections_per_client_s(),
            predicted_effects: PredictedEffects {
                confirmed: self.recorder.deeds.confirmed,
                undone: self.recorder.deeds.undone,
            },
            interpolation: self.interpolation(),
            clock: ClockFit {
                offset_error_ms: ms(&recorder.offset_us).filter(|_| ages_are_ages),
                drift_ppm: ms(&recorder.drift_ppb),
                jitter_ms: ms(&recorder.clock_jitter_us),
            },
            loss: self.loss(),
            snapshots: self.snapshots(),
            inputs: self.inputs(server),
            desyncs: self.totals.desyncs,
            bandwidth: self.bandwidth(),
            server: self.server(server),
            sim: self.sim(),
            conditioner: Conditioner { down: options.down.into(), up: options.up.into() },
            bots: options.bots.to_string(),
            seed: options.seed,
            thresholds: Vec::new(),
        }
    }

    fn clients(&self, options: &SwarmOptions) -> Clients {
        Clients {
            requested: u64::from(options.clients),
            connected: self.totals.connected,
            failed: u64::from(options.clients).saturating_sub(self.totals.connected),
            disconnected: self.totals.disconnected.values().sum(),
        }
    }

    fn interpolation(&self) -> Interpolation {
        let (frames, recorder) = (&self.totals.frames, &self.recorder);
        Interpolation {
            delay_ms: Distribution::of(&recorder.delay_us, 1e3),
            underrun_pct: percent(frames.underruns, frames.frames),
            stalled_pct: percent(frames.stalled, frames.frames),
            partial_pct: percent(frames.partial, frames.frames),
            extrapolated_pct: percent(recorder.extrapolated, recorder.shown),
            jumps: frames.jumps,
            error_m: Distribution::of(&recorder.display_mm, 1e3),
        }
    }

    fn loss(&self) -> Loss {
        let totals = &self.totals;
        let missing = totals.down_expected.saturating_sub(totals.down_received);
        Loss {
            down_pct: percent(missing, totals.down_expected),
            up_pct: percent(totals.up_lost, totals.up_acked + totals.up_lost),
            duplicate_pct: percent(totals.down_duplicate, totals.down_received),
            reordered_pct: percent(totals.down_reordered, totals.down_received),
        }
    }

    fn snapshots(&self) -> Snapshots {
        Snapshots {
            received: self.totals.snapshots_received,
            applied: self.totals.snapshots_applied,
            stale: self.totals.snapshots_stale,
            undecodable: self.totals.snapshots_undecodable,
        }
    }

    fn inputs(&self, server: Option<&ServerMeasured>) -> Inputs {
        let sent = self.totals.inputs_sent;
        let Some(ServerMeasured { figures, .. }) = server else { return Inputs { sent, ..Inputs::default() } };
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

    /// `None` if nothing was predicted.
    fn corrections_per_client_s(&self) -> Option<f64> {
        let played_s = self.totals.played.as_secs_f64();
        let is_measured = played_s > 0.0 && !self.recorder.prediction_mm.is_empty();
        is_measured.then(|| self.recorder.corrections as f64 / played_s)
    }

    fn bandwidth(&self) -> Bandwidth {
        let played_s = self.totals.played.as_secs_f64();
        let rate = |bytes: u64| (played_s > 0.0).then(|| bytes as f64 / played_s);
        Bandwidth {
            down_bytes_per_client_s: rate(self.totals.bytes_down),
            up_bytes_per_client_s: rate(self.totals.bytes_up),
            down_bytes_total: self.totals.bytes_down,
            up_bytes_total: self.totals.bytes_up,
        }
    }

    fn server(&self, server: Option<&ServerMeasured>) -> Server {
        let load_level_max = Some(self.totals.load_level_max);
        let Some(ServerMeasured { figures, over, is_embedded }) = server else {
            return Server { load_level_max, ..Server::default() };
        };
        let workers_s = if *is_embedded { self.cpu.iter().sum::<Duration>().as_secs_f64() } else { 0.0 };
        Server {
            tick_ms: figures.ticks.distribution_ms(),
            overruns: Some(figures.overruns),
            skipped: Some(figures.skipped),
            load_level_max,
            cpu_pct: figures.cpu_s.map(|cpu_s| (cpu_s - workers_s).max(0.0) / over.as_secs_f64() * 100.0),
            rss_mb: figures.rss_bytes.map(|bytes| bytes / f64::from(1 << 20)),
        }
    }

    fn sim(&self) -> Sim {
        let lag = Distribution::of(&self.recorder.lag_us, 1e3);
        let measured_s = self.measured.as_secs_f64();
        let share = |cpu: Duration| if measured_s > 0.0 { cpu.as_secs_f64() / measured_s } else { 0.0 };
        let lag_ms_max = LAG_TICKS_MAX * 1e3 / f64::from(self.totals.tick_hz.unwrap_or(60));
        let busiest = self.cpu.iter().copied().map(share).fold(0.0, f64::max);
        let total: f64 = self.cpu.iter().copied().map(share).sum();
        Sim {
            cpu_pct: (measured_s > 0.0).then_some(total * 100.0),
            schedule_lag_ms: lag,
            saturated: lag.is_some_and(|lag| lag.p99 > lag_ms_max) || busiest > BUSY_MAX,
        }
    }
}

/// `None` of nothing.
fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64 * 100.0)
}
