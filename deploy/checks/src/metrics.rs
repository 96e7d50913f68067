//! Which metrics there are.

use crate::files;
use crate::promql::Selector;
use std::collections::BTreeSet;

/// Where metrics and the values of their labels are named. A file that moves is a failure, so that this list cannot rot.
const SOURCES: [&str; 6] = [
    "server/src/io/metrics.rs",
    "server/src/io/agones/call_counts.rs",
    "server/src/io/process.rs",
    "server/src/engine/stats.rs",
    "shared/src/netcode/drops.rs",
    "client-sim/src/tell/exposition.rs",
];

/// What a histogram's series are called beyond its name.
const SERIES: [&str; 3] = ["_bucket", "_sum", "_count"];

/// Names of metrics, and all words that may be values of labels.
#[derive(Debug, Default)]
pub struct Known {
    names: BTreeSet<String>,
    words: BTreeSet<String>,
}

impl Known {
    /// What the sources of the server and the simulator name.
    pub fn from_sources() -> Result<Self, String> {
        let mut known = Self::default();
        for source in SOURCES {
            let text = files::read(&files::repository(source))?;
            let words = text.split(|c: char| c != '_' && !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
            known.words.extend(words.map(str::to_owned));
            // Bounds of buckets, as the label `le` has them.
            let numbers =
                text.split(|c: char| c != '.' && !c.is_ascii_digit()).filter(|word| word.parse::<f64>().is_ok());
            known.words.extend(numbers.map(str::to_owned));
        }
        let is_metric = |word: &&String| word.starts_with("tidelock_") || word.starts_with("process_");
        known.names = known.words.iter().filter(is_metric).cloned().collect();
        known.names.insert("up".to_owned());
        known.words.insert("tidelock".to_owned());
        Ok(known)
    }

    /// What `/metrics` told.
    #[must_use]
    pub fn from_exposition(text: &str) -> Self {
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let names = types.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
        Self { names, words: BTreeSet::new() }
    }

    /// How many names there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Why a selector would find nothing, if so.
    pub fn check(&self, selector: &Selector) -> Result<(), String> {
        let metric = selector.metric.as_str();
        let of_histogram =
            || SERIES.iter().any(|end| metric.strip_suffix(end).is_some_and(|name| self.names.contains(name)));
        if !self.names.contains(metric) && !of_histogram() {
            return Err(format!("there is no metric {metric}"));
        }
        for (label, value) in
            selector.labels.iter().flat_map(|(label, values)| values.iter().map(move |value| (label, value)))
        {
            if !self.words.contains(value) {
                return Err(format!("{metric} has no {label}=\"{value}\""));
            }
        }
        Ok(())
    }
}
