use hdrhistogram::Histogram;

use super::metrics_text::{number, samples};
use super::summary::Distribution;

/// What a server has counted so far. Two of them, one before and one after, give a run's figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ServerFigures {
    pub(super) ticks: TickTimes,
    pub(super) overruns: u64,
    pub(super) skipped: u64,
    pub(super) inputs_on_time: u64,
    pub(super) inputs_late: u64,
    pub(super) inputs_missing: u64,
    pub(super) inputs_recovered: u64,
    pub(super) cpu_s: Option<f64>,
    /// A level, not a count.
    pub(super) rss_bytes: Option<f64>,
}

impl ServerFigures {
    /// Reads the server's `/metrics`. `None` if they are not a Tidelock server's.
    pub(super) fn from_metrics(text: &str) -> Option<Self> {
        let mut figures = Self::default();
        let mut ticks = BucketHistogram::default();
        for sample in samples(text) {
            let count = sample.value as u64;
            match sample.name {
                "tidelock_tick_duration_seconds_bucket" => {
                    let bound = sample.label("le").and_then(number)?;
                    ticks.buckets.push((bound, count));
                }
                "tidelock_tick_duration_seconds_sum" => ticks.sum_s = sample.value,
                "tidelock_tick_overruns_total" => figures.overruns = count,
                "tidelock_ticks_skipped_total" => figures.skipped = count,
                "tidelock_inputs_total" => match sample.label("fate")? {
                    "on_time" => figures.inputs_on_time = count,
                    "late" => figures.inputs_late = count,
                    "missing" => figures.inputs_missing = count,
                    "recovered" => figures.inputs_recovered = count,
                    _ => {}
                },
                "process_cpu_seconds_total" => figures.cpu_s = Some(sample.value),
                "process_resident_memory_bytes" => figures.rss_bytes = Some(sample.value),
                _ => {}
            }
        }
        (!ticks.buckets.is_empty()).then_some(Self { ticks: TickTimes::Buckets(ticks), ..figures })
    }

    /// What was counted since `earlier`.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        Self {
            ticks: self.ticks.since(&earlier.ticks),
            overruns: self.overruns.saturating_sub(earlier.overruns),
            skipped: self.skipped.saturating_sub(earlier.skipped),
            inputs_on_time: self.inputs_on_time.saturating_sub(earlier.inputs_on_time),
            inputs_late: self.inputs_late.saturating_sub(earlier.inputs_late),
            inputs_missing: self.inputs_missing.saturating_sub(earlier.inputs_missing),
            inputs_recovered: self.inputs_recovered.saturating_sub(earlier.inputs_recovered),
            cpu_s: self.cpu_s.zip(earlier.cpu_s).map(|(now, then)| now - then),
            rss_bytes: self.rss_bytes,
        }
    }
}

/// How long ticks took.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TickTimes {
    /// As `/metrics` tells.
    Buckets(BucketHistogram),
    /// As a server in this process tells, in microseconds.
    Exact(Histogram<u64>),
}

impl Default for TickTimes {
    fn default() -> Self {
        Self::Buckets(BucketHistogram::default())
    }
}

impl TickTimes {
    fn since(&self, earlier: &Self) -> Self {
        match (self, earlier) {
            (Self::Buckets(now), Self::Buckets(then)) => Self::Buckets(now.since(then)),
            (Self::Exact(now), Self::Exact(then)) => {
                let mut between = now.clone();
                between.subtract(then).expect("the server only ever adds");
                Self::Exact(between)
            }
            _ => unreachable!("a server tells in one way"),
        }
    }

    /// `None` if there were none.
    pub(super) fn distribution_ms(&self) -> Option<Distribution> {
        match self {
            Self::Buckets(buckets) => buckets.distribution_ms(),
            Self::Exact(histogram) => Distribution::of(histogram, 1e3),
        }
    }
}

/// Counts of measurements by upper bound, in seconds, as Prometheus keeps them: each bucket includes all before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct BucketHistogram {
    /// Upper bound and cumulative count, ascending; the last bound is infinite.
    pub(super) buckets: Vec<(f64, u64)>,
    pub(super) sum_s: f64,
}

impl BucketHistogram {
    fn since(&self, earlier: &Self) -> Self {
        let before =
            |bound: f64| earlier.buckets.iter().find(|(other, _)| *other == bound).map_or(0, |(_, count)| *count);
        let buckets = self.buckets.iter().map(|&(bound, count)| (bound, count.saturating_sub(before(bound)))).collect();
        Self { buckets, sum_s: self.sum_s - earlier.sum_s }
    }

    /// Percentiles by linear interpolation within a bucket, in milliseconds. `None` if it is empty. The greatest
    /// measurement is not known.
    fn distribution_ms(&self) -> Option<Distribution> {
        let count = self.buckets.last().map_or(0, |(_, count)| *count);
        let at = |quantile| self.quantile(quantile, count) * 1e3;
        (count > 0).then(|| Distribution {
            p50: at(0.50),
            p90: at(0.90),
            p95: at(0.95),
            p99: at(0.99),
            max: None,
            mean: self.sum_s / count as f64 * 1e3,
            count,
        })
    }

    /// In the infinite bucket, its lower bound: it is at least that.
    fn quantile(&self, quantile: f64, count: u64) -> f64 {
        let rank = quantile * count as f64;
        let (mut lower, mut counted) = (0.0, 0);
        for &(upper, cumulative) in &self.buckets {
            if cumulative as f64 >= rank && cumulative > counted {
                let share = (rank - counted as f64) / (cumulative - counted) as f64;
                return if upper.is_finite() { lower + (upper - lower) * share } else { lower };
            }
            (lower, counted) = (upper, cumulative);
        }
        lower
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = r#"
# TYPE tidelock_tick_duration_seconds histogram
tidelock_tick_duration_seconds_bucket{le="0.001"} 10
tidelock_tick_duration_seconds_bucket{le="0.002"} 10
tidelock_tick_duration_seconds_bucket{le="+Inf"} 10
tidelock_tick_duration_seconds_sum 0.005
tidelock_inputs_total{fate="on_time"} 100
tidelock_inputs_total{fate="flood"} 1
process_cpu_seconds_total 2.5
"#;
    const AFTER: &str = r#"
tidelock_tick_duration_seconds_bucket{le="0.001"} 60
tidelock_tick_duration_seconds_bucket{le="0.002"} 108
tidelock_tick_duration_seconds_bucket{le="+Inf"} 110
tidelock_tick_duration_seconds_sum 0.105
tidelock_tick_overruns_total 3
tidelock_inputs_total{fate="on_time"} 1100
tidelock_inputs_total{fate="missing"} 7
process_cpu_seconds_total 4.0
process_resident_memory_bytes 1048576
"#;

    fn between() -> ServerFigures {
        let read = |text| ServerFigures::from_metrics(text).unwrap();
        read(AFTER).since(&read(BEFORE))
    }

    #[test]
    fn counters_are_what_was_counted_in_between() {
        let figures = between();
        assert_eq!((figures.overruns, figures.skipped), (3, 0));
        assert_eq!((figures.inputs_on_time, figures.inputs_missing), (1000, 7));
        assert_eq!((figures.cpu_s, figures.rss_bytes), (Some(1.5), Some(1_048_576.0)));
    }

    #[test]
    fn percentiles_are_interpolated_within_their_bucket() {
        let ticks = between().ticks.distribution_ms().unwrap();
        assert_eq!(ticks.count, 100);
        assert!((ticks.p50 - 1.0).abs() < 1e-9, "{ticks:?}");
        assert!((ticks.p90 - (1.0 + 40.0 / 48.0)).abs() < 1e-9, "{ticks:?}");
        assert!((ticks.p99 - 2.0).abs() < 1e-9, "in the infinite bucket: at least its lower bound, {ticks:?}");
        assert!((ticks.mean - 1.0).abs() < 1e-9, "{ticks:?}");
        assert_eq!(ticks.max, None);
    }

    #[test]
    fn other_metrics_are_not_taken_for_a_server() {
        assert_eq!(ServerFigures::from_metrics("go_goroutines 7"), None);
        assert_eq!(ServerFigures::from_metrics("<html>"), None);
    }

    #[test]
    fn no_ticks_have_no_distribution() {
        let figures = ServerFigures::from_metrics(BEFORE).unwrap();
        assert_eq!(figures.since(&figures).ticks.distribution_ms(), None);
    }
}
