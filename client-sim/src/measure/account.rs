use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Counts, Events, Histograms};

/// All that was measured of some clients: a worker's with one kind of link, a profile's, a run's. Accounts add up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Distributions.
    pub histograms: Histograms,
    /// Counted in the window.
    pub counts: Counts,
    /// Counted in the window.
    pub events: Events,
    /// The time that clients played in the window, added up, in microseconds.
    pub played_us: u64,
    /// The part of it that is of clients that are not thin: they alone see, predict and notice desyncs.
    pub seen_us: u64,
    /// Who came and went, in the whole run.
    pub attendance: Attendance,
    /// As the server told.
    pub tick_hz: Option<u32>,
    /// The highest that any client was told.
    pub load_level_max: u8,
}

/// Who came and went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attendance {
    /// Clients that were started, once or more.
    pub started: u64,
    /// Those of them that were thin.
    pub thin: u64,
    /// Those of them that got in.
    pub connected: u64,
    /// How often clients got in, those that came back included.
    pub joins: u64,
    /// How often clients left because they were to.
    pub left: u64,
    /// How often clients that had lost their connection got their place back.
    pub resumed: u64,
    /// Why clients did not get in, by how many.
    pub failed: Reasons,
    /// Why clients that were in are no more, by how many.
    pub disconnected: Reasons,
    /// Checksums that did not match.
    pub desyncs: u64,
}

/// How many for each reason.
pub type Reasons = BTreeMap<String, u64>;

impl Default for Account {
    fn default() -> Self {
        Self {
            histograms: Histograms::of_a_run(),
            counts: Counts::default(),
            events: Events::default(),
            played_us: 0,
            seen_us: 0,
            attendance: Attendance::default(),
            tick_hz: None,
            load_level_max: 0,
        }
    }
}

impl Account {
    /// Adds what was measured of other clients.
    pub fn add(&mut self, other: &Self) {
        self.histograms.add(&other.histograms);
        self.counts.add(&other.counts);
        self.events.add(&other.events);
        self.played_us += other.played_us;
        self.seen_us += other.seen_us;
        self.attendance.add(&other.attendance);
        self.tick_hz = self.tick_hz.or(other.tick_hz);
        self.load_level_max = self.load_level_max.max(other.load_level_max);
    }

    /// The time that clients played, added up.
    #[must_use]
    pub fn played_s(&self) -> f64 {
        self.played_us as f64 / 1e6
    }

    /// The time that clients that are not thin played, added up.
    #[must_use]
    pub fn seen_s(&self) -> f64 {
        self.seen_us as f64 / 1e6
    }
}

impl Attendance {
    /// Adds other clients.
    pub fn add(&mut self, other: &Self) {
        self.started += other.started;
        self.thin += other.thin;
        self.connected += other.connected;
        self.joins += other.joins;
        self.left += other.left;
        self.resumed += other.resumed;
        merge(&mut self.failed, &other.failed);
        merge(&mut self.disconnected, &other.disconnected);
        self.desyncs += other.desyncs;
    }
}

/// The most frequent reason.
#[must_use]
pub fn commonest(reasons: &Reasons) -> Option<&str> {
    reasons.iter().max_by_key(|(_, count)| **count).map(|(reason, _)| reason.as_str())
}

fn merge(reasons: &mut Reasons, other: &Reasons) {
    for (reason, count) in other {
        *reasons.entry(reason.clone()).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Figure;

    #[test]
    fn accounts_add_up() {
        let account = |value: u64, why: &str| {
            let mut account = Account { played_us: value, tick_hz: Some(60), ..Account::default() };
            account.histograms.record(Figure::Rtt, value);
            account.counts.bytes_down = value;
            account.attendance.joins = 1;
            account.attendance.failed.insert(why.to_owned(), value);
            account
        };
        let (mut sum, other) = (account(2_000_000, "no"), account(3_000_000, "no"));
        sum.add(&other);
        sum.add(&account(1, "full"));
        assert_eq!((sum.played_us, sum.counts.bytes_down, sum.attendance.joins), (5_000_001, 5_000_001, 3));
        assert_eq!(sum.histograms.distribution(Figure::Rtt).map(|rtt| rtt.count), Some(3));
        assert_eq!(commonest(&sum.attendance.failed), Some("no"));
        assert_eq!(sum.attendance.failed["no"], 5_000_000);
    }
}
