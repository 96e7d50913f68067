use std::fmt::Write;

use crate::measure::{Counts, Distribution, Figure, Second};

/// A run so far, in the text format of Prometheus: counters since its start, and levels of the last second.
///
/// Source: "Exposition formats", Prometheus documentation, text format 0.0.4.
#[derive(Clone, Debug, Default)]
pub struct Exposition {
    counts: Counts,
    cpu_us: u64,
    /// Of each of [`FIGURES`], how many there were since the start, and their sum in seconds.
    totals: [(u64, f64); FIGURES.len()],
    last: Option<Second>,
}

/// Figures that are summaries, with quantiles of the last second.
const FIGURES: [(&str, &str, Figure); 4] = [
    ("tidelock_sim_rtt_seconds", "Round trips; quantiles are of the last second.", Figure::Rtt),
    ("tidelock_sim_snapshot_age_seconds", "Ages of snapshots; quantiles are of the last second.", Figure::Age),
    (
        "tidelock_sim_input_to_effect_seconds",
        "From inputs to their effects; quantiles are of the last second.",
        Figure::Effect,
    ),
    (
        "tidelock_sim_schedule_lag_seconds",
        "How late clients were served; quantiles are of the last second.",
        Figure::Lag,
    ),
];
/// One of them, and its label.
type Quantile = (&'static str, fn(&Distribution) -> f64);
/// What is told of each.
const QUANTILES: [Quantile; 4] =
    [("0.5", |of| of.p50), ("0.9", |of| of.p90), ("0.95", |of| of.p95), ("0.99", |of| of.p99)];

impl Exposition {
    /// A second is over.
    pub fn on_second(&mut self, second: &Second) {
        self.counts.add(&second.counts);
        self.cpu_us += second.cpu_us;
        for ((count, sum_s), (_, _, figure)) in self.totals.iter_mut().zip(FIGURES) {
            let Some(of) = second.distribution(figure) else { continue };
            *count += of.count;
            *sum_s += of.mean / 1e3 * of.count as f64;
        }
        self.last = Some(second.clone());
    }

    /// What a scrape is answered with.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = Text(String::new());
        self.counters(&mut text);
        if let Some(second) = &self.last {
            levels(second, &mut text);
            self.summaries(second, &mut text);
        }
        text.0
    }

    fn summaries(&self, second: &Second, text: &mut Text) {
        // What is never measured, such as ages where clocks are not shared, is not told.
        let measured = FIGURES.into_iter().zip(self.totals).filter(|(_, (count, _))| *count > 0);
        for ((name, help, figure), (count, sum_s)) in measured {
            text.head(name, help, "summary");
            for (quantile, value) in QUANTILES {
                // A second of nothing has no quantile, and Prometheus says that so.
                let value = second.distribution(figure).map_or(f64::NAN, |of| value(&of) / 1e3);
                text.value(&format!("{name}{{quantile=\"{quantile}\"}}"), value);
            }
            text.value(&format!("{name}_sum"), sum_s);
            text.value(&format!("{name}_count"), count as f64);
        }
    }

    fn counters(&self, text: &mut Text) {
        let counts = &self.counts;
        text.head("tidelock_sim_bytes_total", "UDP payload of all clients.", "counter");
        text.value("tidelock_sim_bytes_total{direction=\"down\"}", counts.bytes_down as f64);
        text.value("tidelock_sim_bytes_total{direction=\"up\"}", counts.bytes_up as f64);
        text.head("tidelock_sim_snapshots_total", "Snapshot datagrams by fate.", "counter");
        let fates = [
            ("applied", counts.snapshots_applied),
            ("stale", counts.snapshots_stale),
            ("undecodable", counts.snapshots_undecodable),
        ];
        for (fate, count) in fates {
            text.value(&format!("tidelock_sim_snapshots_total{{fate=\"{fate}\"}}"), count as f64);
        }
        text.head("tidelock_sim_inputs_total", "Inputs, without redundant copies.", "counter");
        text.value("tidelock_sim_inputs_total", counts.inputs_sent as f64);
        text.head("tidelock_sim_desyncs_total", "Checksums that did not match.", "counter");
        text.value("tidelock_sim_desyncs_total", counts.desyncs as f64);
        text.head("tidelock_sim_cpu_seconds_total", "Processor time of the clients' threads.", "counter");
        text.value("tidelock_sim_cpu_seconds_total", self.cpu_us as f64 / 1e6);
    }
}

fn levels(second: &Second, text: &mut Text) {
    text.head("tidelock_sim_clients", "Clients by how they are.", "gauge");
    let presence = second.presence;
    for (state, count) in [("wanted", presence.wanted), ("playing", presence.playing), ("lost", presence.lost)] {
        text.value(&format!("tidelock_sim_clients{{state=\"{state}\"}}"), count as f64);
    }
    text.head("tidelock_sim_loss_ratio", "Datagrams lost in the last second, of those sent.", "gauge");
    for (direction, pct) in [("down", second.loss_down_pct()), ("up", second.loss_up_pct())] {
        if let Some(pct) = pct {
            text.value(&format!("tidelock_sim_loss_ratio{{direction=\"{direction}\"}}"), pct / 100.0);
        }
    }
}

/// The text so far.
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn value(&mut self, name: &str, value: f64) {
        let _ = writeln!(self.0, "{name} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Presence;
    use std::time::Duration;

    fn second(number: u32) -> Second {
        let mut second = Second::new(number);
        second.presence = Presence { wanted: 3, playing: 2, lost: 1 };
        second.counts.bytes_down = 1000;
        (second.counts.down_expected, second.counts.down_received) = (100, 95);
        second.histograms.record_duration(Figure::Rtt, Duration::from_millis(40));
        second
    }

    #[test]
    fn counters_grow_and_levels_are_of_the_last_second() {
        let mut exposition = Exposition::default();
        assert!(exposition.render().contains("tidelock_sim_bytes_total{direction=\"down\"} 0\n"));
        (0..3).for_each(|number| exposition.on_second(&second(number)));
        let text = exposition.render();
        for line in [
            "tidelock_sim_bytes_total{direction=\"down\"} 3000",
            "tidelock_sim_clients{state=\"playing\"} 2",
            "tidelock_sim_loss_ratio{direction=\"down\"} 0.05",
            "# TYPE tidelock_sim_rtt_seconds summary",
        ] {
            assert!(text.lines().any(|known| known == line), "{line}:\n{text}");
        }
        assert!(text.contains("tidelock_sim_rtt_seconds{quantile=\"0.99\"} 0.04"), "{text}");
        assert!(text.contains("_seconds_sum 0.12") && text.contains("_seconds_count 3"), "{text}");
        assert!(
            !text.contains("snapshot_age") && !text.contains("direction=\"up\"} NaN"),
            "nothing is made up: {text}"
        );
    }

    #[test]
    fn each_metric_is_described_once() {
        let mut exposition = Exposition::default();
        exposition.on_second(&second(0));
        let text = exposition.render();
        let mut described: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        let count = described.len();
        described.sort_unstable();
        described.dedup();
        assert_eq!(described.len(), count);
    }
}
