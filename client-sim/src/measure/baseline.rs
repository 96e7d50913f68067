use super::file::figures_of_file;
use super::names::{figures, figures_in};
use super::{Summary, SummaryFileError};
use serde_json::Value;

/// What has changed since another run.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Of the figures that matter most, those that both runs measured, in the order of the summary.
    pub changes: Vec<Change>,
    /// What was asked for differently, as "bots: wander, now fight".
    pub differences: Vec<String>,
}

/// One figure before, and now.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// As in thresholds.
    pub name: &'static str,
    /// In the other run.
    pub before: f64,
    /// In this one.
    pub now: f64,
}

/// Those that matter most. Less is better, except of clients that connected.
const FIGURES: [&str; 35] = [
    "clients_connected",
    "clients_disconnected",
    "connect_ms_p50",
    "join_ms_p50",
    "join_ms_p99",
    "rtt_ms_p50",
    "rtt_ms_p99",
    "jitter_ms_p50",
    "snapshot_age_ms_p50",
    "snapshot_age_ms_p99",
    "input_to_effect_ms_p50",
    "input_to_effect_ms_p99",
    "prediction_error_m_p99",
    "corrections_per_client_s",
    "interpolation_delay_ms_p50",
    "interpolation_underrun_pct",
    "interpolation_error_m_p99",
    "loss_down_pct",
    "loss_up_pct",
    "snapshots_undecodable",
    "inputs_late_pct",
    "inputs_missing_pct",
    "desyncs",
    "bandwidth_down_bytes_per_client_s",
    "bandwidth_up_bytes_per_client_s",
    "server_tick_ms_p50",
    "server_tick_ms_p99",
    "server_tick_ms_max",
    "server_overruns",
    "server_skipped",
    "server_load_level_max",
    "server_cpu_pct",
    "server_rss_mb",
    "sim_cpu_pct",
    "sim_schedule_lag_ms_p99",
];
/// What is asked for: where it is in the file, and what it is called.
const ASKED_FOR: [(&str, &str); 8] = [
    ("/clients/requested", "clients"),
    ("/load/stages", "load"),
    ("/load/churn_per_s", "churn"),
    ("/sim/thin_clients", "thin clients"),
    ("/conditioner", "links"),
    ("/bots", "bots"),
    ("/tick_hz", "tick rate"),
    ("/origin/machines", "machine"),
];

impl Change {
    /// By what part of what it was it has grown; `None` if it was nothing.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.before != 0.0).then(|| self.now / self.before - 1.0)
    }

    /// Whether it has changed for the worse.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        if self.name == "clients_connected" { self.now < self.before } else { self.now > self.before }
    }
}

impl Comparison {
    /// Of a run with the one that a summary file tells of.
    ///
    /// # Errors
    /// If the file is none.
    pub fn with_file(now: &Summary, file: &str) -> Result<Self, SummaryFileError> {
        let before = figures_of_file(file)?;
        let (old, new) = (figures_in(&before), figures(now));
        let change = |name: &'static str| {
            let (before, now) = (old.get(name).copied().flatten()?, new.get(name).copied().flatten()?);
            Some(Change { name, before, now })
        };
        let now = serde_json::to_value(now).expect("a summary is plain data");
        let difference = |(pointer, name): (&str, &str)| {
            let (before, now) = (before.pointer(pointer)?, now.pointer(pointer)?);
            (before != now).then(|| format!("{name}: {}, now {}", plain(before), plain(now)))
        };
        Ok(Self {
            changes: FIGURES.into_iter().filter_map(change).collect(),
            differences: ASKED_FOR.into_iter().filter_map(difference).collect(),
        })
    }
}

/// Without quotes and brackets where that is clear, and stages as `--stage` has them.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => match (fields.get("profile"), fields.get("duration_s"), fields.get("clients")) {
            (Some(profile), ..) => plain(profile),
            (None, Some(duration_s), Some(clients)) => format!("{duration_s}s:{clients}"),
            _ => value.to_string(),
        },
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join("; "),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Distribution;
    use crate::measure::summary::{LoadSummary, StageSummary};

    fn summary(p99: f64, connected: u64) -> Summary {
        let mut summary = Summary { schema: Summary::SCHEMA, bots: "wander".to_owned(), ..Summary::default() };
        summary.figures.snapshot_age_ms = Some(Distribution { p99, ..Distribution::default() });
        summary.clients.connected = connected;
        summary
    }

    fn file(summary: &Summary) -> String {
        serde_json::to_string(summary).unwrap()
    }

    #[test]
    fn figures_that_both_runs_measured_are_held_against_each_other() {
        let comparison = Comparison::with_file(&summary(75.0, 9), &file(&summary(50.0, 10))).unwrap();
        let change = |name| comparison.changes.iter().find(|change| change.name == name);
        let age = change("snapshot_age_ms_p99").unwrap();
        assert_eq!((age.before, age.now, age.share(), age.is_worse()), (50.0, 75.0, Some(0.5), true));
        assert!(change("clients_connected").unwrap().is_worse(), "fewer are worse");
        assert_eq!(change("rtt_ms_p99"), None);
        assert!(comparison.differences.is_empty());
    }

    #[test]
    fn what_was_asked_for_differently_is_told() {
        let other = Summary { bots: "fight".to_owned(), ..summary(50.0, 10) };
        let comparison = Comparison::with_file(&other, &file(&summary(50.0, 10))).unwrap();
        assert_eq!(comparison.differences, ["bots: wander, now fight"]);
        let staged = |clients: &[u32]| {
            let stages = clients.iter().map(|&clients| StageSummary { duration_s: 7.5, clients }).collect();
            Summary { load: LoadSummary { stages, ..LoadSummary::default() }, ..summary(50.0, 10) }
        };
        let comparison = Comparison::with_file(&staged(&[20]), &file(&staged(&[10, 5]))).unwrap();
        assert_eq!(comparison.differences, ["load: 7.5s:10; 7.5s:5, now 7.5s:20"]);
    }

    #[test]
    fn every_figure_exists() {
        let known = figures(&Summary::full());
        assert!(FIGURES.iter().all(|name| known.contains_key(*name)));
    }

    #[test]
    fn what_is_no_summary_is_refused() {
        for text in ["", "{}", "[]", r#"{"schema": 99}"#, "<html>"] {
            assert!(Comparison::with_file(&summary(1.0, 1), text).is_err(), "{text}");
        }
    }
}
