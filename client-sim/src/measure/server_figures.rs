use hdrhistogram::Histogram;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::histograms::pairs;
use super::metrics_text::samples;
use super::{Distribution, Reasons};

/// What a server has counted so far. Two of them, one before and one after, give a run's figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerFigures {
    /// How long ticks took.
    pub ticks: TickTimes,
    /// Ticks that took longer than a tick.
    pub overruns: u64,
    /// Ticks that the schedule gave up.
    pub skipped: u64,
    /// Inputs that were there when their tick took them.
    pub inputs_on_time: u64,
    /// Inputs that came after their tick.
    pub inputs_late: u64,
    /// Inputs that were not there when their tick wanted them.
    pub inputs_missing: u64,
    /// Inputs that were there first in a redundant copy.
    pub inputs_recovered: u64,
    /// Datagrams that were refused or not sent, by reason.
    pub dropped: Reasons,
    /// Processor time.
    pub cpu_s: Option<f64>,
    /// A level, not a count, as all that follow.
    pub rss_bytes: Option<f64>,
    /// 0 to 3.
    pub load_level: u8,
    /// Players.
    pub clients: u64,
    /// Entities of the game.
    pub entities: u64,
}

/// How long ticks took, in microseconds to three digits, as the server's `/ticks` tells.
#[derive(Clone, Debug, PartialEq)]
pub struct TickTimes(Histogram<u64>);

/// The server's answer to `GET /ticks`.
#[derive(Deserialize)]
struct TicksAnswer {
    tick_us: TickTimes,
}

impl Default for TickTimes {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are right"))
    }
}

impl Serialize for TickTimes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.pairs().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TickTimes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of(&Vec::deserialize(deserializer)?))
    }
}

impl TickTimes {
    /// Of values in microseconds, each with how often it was.
    #[must_use]
    pub fn of(pairs: &[(u64, u64)]) -> Self {
        let mut times = Self::default();
        pairs.iter().for_each(|(value, count)| times.0.saturating_record_n(*value, *count));
        times
    }

    /// Those values, ascending.
    #[must_use]
    pub fn pairs(&self) -> Vec<(u64, u64)> {
        pairs(&self.0)
    }

    /// Those after `earlier`. Of a server that was started anew in between: since then.
    fn since(&self, earlier: &Self) -> Self {
        let mut between = self.0.clone();
        if between.subtract(&earlier.0).is_err() {
            return self.clone();
        }
        Self(between)
    }

    /// `None` if there were none.
    #[must_use]
    pub fn distribution_ms(&self) -> Option<Distribution> {
        Distribution::of(&self.0, 1e3)
    }

    /// All of them.
    #[must_use]
    pub const fn histogram_us(&self) -> &Histogram<u64> {
        &self.0
    }
}

impl ServerFigures {
    /// Reads what a server answers to `GET /metrics` and `GET /ticks`. `None` if it is not a Tidelock server.
    #[must_use]
    pub fn read(metrics: &str, ticks: &str) -> Option<Self> {
        let TicksAnswer { tick_us: ticks } = serde_json::from_str(ticks).ok()?;
        let mut figures = Self { ticks, ..Self::default() };
        let mut is_tidelock = false;
        for sample in samples(metrics) {
            let count = sample.value as u64;
            is_tidelock |= sample.name.starts_with("tidelock_");
            match sample.name {
                "tidelock_tick_overruns_total" => figures.overruns = count,
                "tidelock_ticks_skipped_total" => figures.skipped = count,
                "tidelock_inputs_total" => match sample.label("fate")? {
                    "on_time" => figures.inputs_on_time = count,
                    "late" => figures.inputs_late = count,
                    "missing" => figures.inputs_missing = count,
                    "recovered" => figures.inputs_recovered = count,
                    _ => {}
                },
                "tidelock_packets_dropped_total" => {
                    figures.dropped.extend(sample.label("reason").map(|reason| (reason.to_owned(), count)));
                }
                "tidelock_load_level" => figures.load_level = sample.value as u8,
                "tidelock_clients" => figures.clients = count,
                "tidelock_entities" => figures.entities = count,
                "process_cpu_seconds_total" => figures.cpu_s = Some(sample.value),
                "process_resident_memory_bytes" => figures.rss_bytes = Some(sample.value),
                _ => {}
            }
        }
        is_tidelock.then_some(figures)
    }

    /// Whether its counters have begun anew since `earlier`.
    fn is_of_a_later_start(&self, earlier: &Self) -> bool {
        let has_less_time = self.cpu_s.zip(earlier.cpu_s).is_some_and(|(now, then)| now < then);
        has_less_time || self.ticks.0.len() < earlier.ticks.0.len()
    }

    /// Connection requests that were refused for their token, by reason.
    #[must_use]
    pub fn refused_tokens(&self) -> Reasons {
        let of_tokens = self.dropped.iter().filter(|(reason, count)| is_of_a_token(reason) && **count > 0);
        of_tokens.map(|(reason, count)| (reason.clone(), *count)).collect()
    }

    /// What was counted since `earlier`. Of a server that was started anew in between: since then, but for its processor time, which would be of another
    /// stretch of time.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        if self.is_of_a_later_start(earlier) {
            return Self { cpu_s: None, ..self.clone() };
        }
        let before = |reason: &String| earlier.dropped.get(reason).copied().unwrap_or(0);
        let dropped = self.dropped.iter().map(|(reason, count)| (reason.clone(), count.saturating_sub(before(reason))));
        Self {
            ticks: self.ticks.since(&earlier.ticks),
            overruns: self.overruns.saturating_sub(earlier.overruns),
            skipped: self.skipped.saturating_sub(earlier.skipped),
            inputs_on_time: self.inputs_on_time.saturating_sub(earlier.inputs_on_time),
            inputs_late: self.inputs_late.saturating_sub(earlier.inputs_late),
            inputs_missing: self.inputs_missing.saturating_sub(earlier.inputs_missing),
            inputs_recovered: self.inputs_recovered.saturating_sub(earlier.inputs_recovered),
            dropped: dropped.filter(|(_, count)| *count > 0).collect(),
            cpu_s: self.cpu_s.zip(earlier.cpu_s).map(|(now, then)| now - then),
            rss_bytes: self.rss_bytes,
            load_level: self.load_level,
            clients: self.clients,
            entities: self.entities,
        }
    }
}

/// Whether a packet is dropped for this because of the connect token in it.
fn is_of_a_token(reason: &str) -> bool {
    reason.starts_with("token_") || reason == "protocol_mismatch"
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = r#"
# TYPE tidelock_inputs_total counter
tidelock_inputs_total{fate="on_time"} 100
tidelock_inputs_total{fate="flood"} 1
tidelock_packets_dropped_total{reason="token_expired"} 2
process_cpu_seconds_total 2.5
"#;
    const AFTER: &str = r#"
tidelock_tick_overruns_total 3
tidelock_inputs_total{fate="on_time"} 1100
tidelock_inputs_total{fate="missing"} 7
tidelock_packets_dropped_total{reason="token_expired"} 2
tidelock_packets_dropped_total{reason="token_undecryptable"} 40
tidelock_packets_dropped_total{reason="replayed"} 9
tidelock_load_level 2
process_cpu_seconds_total 4.0
process_resident_memory_bytes 1048576
"#;

    fn between() -> ServerFigures {
        let before = ServerFigures::read(BEFORE, r#"{"tick_us": [[500, 10], [90000, 1]]}"#).unwrap();
        let after = ServerFigures::read(AFTER, r#"{"tick_us": [[500, 110], [2000, 1], [90000, 1]]}"#).unwrap();
        after.since(&before)
    }

    #[test]
    fn counters_are_what_was_counted_in_between() {
        let figures = between();
        assert_eq!((figures.overruns, figures.skipped), (3, 0));
        assert_eq!((figures.inputs_on_time, figures.inputs_missing), (1000, 7));
        assert_eq!((figures.cpu_s, figures.rss_bytes, figures.load_level), (Some(1.5), Some(1_048_576.0), 2));
        let reasons = |reasons: &[(&str, u64)]| -> Reasons {
            reasons.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect()
        };
        assert_eq!(figures.dropped, reasons(&[("replayed", 9), ("token_undecryptable", 40)]));
        assert_eq!(figures.refused_tokens(), reasons(&[("token_undecryptable", 40)]));
    }

    #[test]
    fn a_reason_that_never_was_is_none() {
        let never = "tidelock_packets_dropped_total{reason=\"token_expired\"} 0";
        let figures = ServerFigures::read(never, r#"{"tick_us": []}"#).unwrap();
        assert_eq!(figures.refused_tokens(), Reasons::new());
    }

    #[test]
    fn ticks_of_before_are_not_among_them() {
        let ticks = between().ticks.distribution_ms().unwrap();
        assert_eq!((ticks.count, ticks.p50), (101, 0.5));
        assert!(ticks.max.is_some_and(|max| (2.0..2.01).contains(&max)), "{ticks:?}");
    }

    #[test]
    fn a_server_that_was_started_anew_is_told_since_then() {
        let read = |ticks| ServerFigures::read(AFTER, ticks).unwrap();
        let figures = read(r#"{"tick_us": [[700, 3]]}"#).since(&read(r#"{"tick_us": [[500, 10]]}"#));
        assert_eq!((figures.overruns, figures.inputs_missing, figures.cpu_s), (3, 7, None));
        assert_eq!(figures.ticks.distribution_ms().map(|ticks| ticks.count), Some(3));
    }

    #[test]
    fn what_is_no_server_is_not_taken_for_one() {
        for (metrics, ticks) in [("go_goroutines 7", r#"{"tick_us": []}"#), ("<html>", "<html>"), (AFTER, "{}")] {
            assert_eq!(ServerFigures::read(metrics, ticks), None);
        }
    }

    #[test]
    fn no_ticks_have_no_distribution() {
        let figures = between();
        assert_eq!(figures.since(&figures).ticks.distribution_ms(), None);
    }
}
