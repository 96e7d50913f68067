use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Of a set of measurements, in the unit that the field's name ends with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Half are not above it.
    pub p50: f64,
    /// 90 % are not above it.
    pub p90: f64,
    /// 95 % are not above it.
    pub p95: f64,
    /// 99 % are not above it.
    pub p99: f64,
    /// The greatest; null where only a histogram's buckets are known.
    pub max: Option<f64>,
    /// The arithmetic mean.
    pub mean: f64,
    /// How many there are.
    pub count: u64,
}

impl Distribution {
    /// Of a histogram whose unit is `1 / per_unit` of the wanted one. `None` if it is empty.
    #[must_use]
    pub fn of(histogram: &Histogram<u64>, per_unit: f64) -> Option<Self> {
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / per_unit;
        (!histogram.is_empty()).then(|| Self {
            p50: at(0.50),
            p90: at(0.90),
            p95: at(0.95),
            p99: at(0.99),
            max: Some(histogram.max() as f64 / per_unit),
            mean: histogram.mean() / per_unit,
            count: histogram.len(),
        })
    }
}
