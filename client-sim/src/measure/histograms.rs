use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Distribution, Figure};

/// A histogram for each [`Figure`], or for the first of them, in thousandths of the summary's units: microseconds of
/// milliseconds, millimetres of metres.
#[derive(Clone, Debug, PartialEq)]
pub struct Histograms(Vec<Histogram<u64>>);

/// Two minutes, in microseconds. What is greater counts as that.
const VALUE_MAX: u64 = 120_000_000;

impl Histograms {
    /// Of all figures, with three digits.
    #[must_use]
    pub fn of_a_run() -> Self {
        Self::new(Figure::COUNT, 3)
    }

    /// Of the figures that are kept for each second, with two digits.
    #[must_use]
    pub fn of_a_second() -> Self {
        Self::new(Figure::LIVE, 2)
    }

    fn new(count: usize, digits: u8) -> Self {
        let histogram = Histogram::new_with_bounds(1, VALUE_MAX, digits).expect("the bounds are right");
        Self(vec![histogram; count])
    }

    /// Counts a value. A figure that is not kept is passed over.
    pub fn record(&mut self, figure: Figure, value: u64) {
        if let Some(histogram) = self.0.get_mut(figure as usize) {
            histogram.saturating_record(value);
        }
    }

    /// Counts a duration.
    pub fn record_duration(&mut self, figure: Figure, duration: Duration) {
        self.record(figure, duration.as_micros() as u64);
    }

    /// All values of a figure; `None` if it is not kept.
    #[must_use]
    pub fn get(&self, figure: Figure) -> Option<&Histogram<u64>> {
        self.0.get(figure as usize)
    }

    /// The distribution of a figure in the summary's unit; `None` if nothing was counted.
    #[must_use]
    pub fn distribution(&self, figure: Figure) -> Option<Distribution> {
        Distribution::of(self.get(figure)?, 1e3)
    }

    /// Adds another's values, of the same figures.
    pub fn add(&mut self, other: &Self) {
        for (sum, other) in self.0.iter_mut().zip(&other.0) {
            sum.add(other).expect("all have the same range");
        }
    }

    /// Forgets all values.
    pub fn clear(&mut self) {
        self.0.iter_mut().for_each(Histogram::reset);
    }
}

/// By name, each value that was counted with how often: `{"rtt_us": [[1203, 7], [1204, 2]]}`. A value stands for all that share its
/// three digits.
#[derive(Serialize, Deserialize)]
struct Exact(BTreeMap<String, Vec<(u64, u64)>>);

impl Serialize for Histograms {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named = Figure::ALL.iter().zip(&self.0);
        Exact(named.map(|(figure, histogram)| (figure.exact_name().to_owned(), pairs(histogram))).collect())
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Histograms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of_a_run().filled(&Exact::deserialize(deserializer)?))
    }
}

impl Histograms {
    /// Reads those of a second.
    pub(super) fn deserialize_second<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of_a_second().filled(&Exact::deserialize(deserializer)?))
    }

    fn filled(mut self, Exact(named): &Exact) -> Self {
        for (figure, histogram) in Figure::ALL.iter().zip(&mut self.0) {
            for (value, count) in named.get(figure.exact_name()).into_iter().flatten() {
                histogram.saturating_record_n(*value, *count);
            }
        }
        self
    }
}

/// Each value with how often it was counted.
pub(super) fn pairs(histogram: &Histogram<u64>) -> Vec<(u64, u64)> {
    histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_exactly_is_read_exactly() {
        let mut histograms = Histograms::of_a_run();
        for value in (1..2_000_000_u64).step_by(997) {
            histograms.record(Figure::Rtt, value);
            histograms.record(Figure::Display, value / 1000);
        }
        histograms.record(Figure::Join, u64::MAX);
        let read: Histograms = serde_json::from_str(&serde_json::to_string(&histograms).unwrap()).unwrap();
        for figure in Figure::ALL {
            assert_eq!(read.distribution(figure), histograms.distribution(figure), "{figure:?}");
        }
    }

    #[test]
    fn a_part_and_the_rest_make_the_whole() {
        let (mut part, mut rest, mut whole) = (Histograms::of_a_run(), Histograms::of_a_run(), Histograms::of_a_run());
        for value in 1..10_000_u64 {
            if value.is_multiple_of(3) { &mut part } else { &mut rest }.record(Figure::Age, value * value);
            whole.record(Figure::Age, value * value);
        }
        part.add(&rest);
        assert_eq!(part, whole);
    }

    #[test]
    fn a_second_keeps_some_figures_only() {
        let mut second = Histograms::of_a_second();
        second.record_duration(Figure::Rtt, Duration::from_millis(40));
        second.record(Figure::Join, 1);
        assert_eq!(second.distribution(Figure::Rtt).map(|rtt| rtt.count), Some(1));
        assert!(second.get(Figure::Join).is_none() && second.distribution(Figure::Join).is_none());
        second.clear();
        assert_eq!(second, Histograms::of_a_second());
    }
}
