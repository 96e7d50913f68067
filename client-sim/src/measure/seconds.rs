use serde::{Deserialize, Deserializer, Serialize};

use super::Second;

/// A run second by second; of a long one, by stretches of two, four, eight seconds and so on: so a run of a day takes no more room than
/// one of ten minutes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Seconds(Vec<Second>);

impl Seconds {
    /// As many stretches as a chart has columns.
    pub const STRETCHES_MAX: usize = 600;

    /// Adds what comes after all that is there.
    pub fn push(&mut self, second: &Second) {
        let each_s = self.each_s();
        self.place(second, each_s);
        if self.0.len() > Self::STRETCHES_MAX {
            self.coarsen(each_s * 2);
        }
    }

    /// Adds the same seconds of other clients.
    pub fn add(&mut self, other: &Self) {
        let each_s = self.each_s().max(other.each_s());
        self.coarsen(each_s);
        let mut other = other.clone();
        other.coarsen(each_s);
        for second in other.0 {
            match self.0.iter_mut().find(|mine| mine.number == second.number) {
                Some(mine) => mine.add(&second),
                None => self.0.push(second),
            }
        }
        self.0.sort_by_key(|second| second.number);
    }

    /// Forgets all that begins after that, in seconds from the start.
    pub fn cut(&mut self, end_s: u64) {
        self.0.retain(|second| u64::from(second.number) < end_s);
    }

    /// Forgets what the server told.
    pub fn forget_server(&mut self) {
        self.0.iter_mut().for_each(|second| second.server = None);
    }

    /// One after another.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Second> {
        self.0.iter()
    }

    /// How long each is, but for the last, which may be shorter.
    #[must_use]
    pub fn each_s(&self) -> u32 {
        self.0.iter().map(|second| second.lasts_s).max().unwrap_or(1).next_power_of_two()
    }

    /// When the last ends, in seconds from the start.
    #[must_use]
    pub fn end_s(&self) -> u32 {
        self.0.last().map_or(0, Second::end_s)
    }

    fn coarsen(&mut self, each_s: u32) {
        if each_s > self.each_s() {
            let finer = std::mem::take(&mut self.0);
            finer.iter().for_each(|second| self.place(second, each_s));
        }
    }

    fn place(&mut self, second: &Second, each_s: u32) {
        match self.0.last_mut() {
            Some(last) if last.number / each_s == second.number / each_s => last.append(second),
            _ => self.0.push(second.clone()),
        }
    }
}

impl FromIterator<Second> for Seconds {
    fn from_iter<T: IntoIterator<Item = Second>>(seconds: T) -> Self {
        let mut all = Self::default();
        seconds.into_iter().for_each(|second| all.push(&second));
        all
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Second>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Figure, Presence, ServerSecond};

    fn second(number: u32) -> Second {
        let mut second = Second::new(number);
        second.counts.bytes_down = 100;
        second.cpu_us = 10_000;
        second.presence = Presence { wanted: u64::from(number), ..Presence::default() };
        second.histograms.record(Figure::Rtt, u64::from(number) + 1);
        second.server =
            Some(ServerSecond { tick_us: vec![(1_000, 60)], cpu_pct: Some(5.0), ..ServerSecond::default() });
        second
    }

    fn counts(seconds: &Seconds) -> (u64, u64) {
        let rtts = seconds.iter().filter_map(|second| second.distribution(Figure::Rtt)).map(|rtt| rtt.count);
        (seconds.iter().map(|second| second.counts.bytes_down).sum(), rtts.sum())
    }

    #[test]
    fn a_short_run_has_each_second() {
        let seconds: Seconds = (0..600).map(second).collect();
        assert_eq!((seconds.iter().count(), seconds.each_s(), seconds.end_s()), (600, 1, 600));
    }

    #[test]
    fn a_run_of_a_day_has_stretches_and_lacks_nothing() {
        let seconds: Seconds = (0..86_400).map(second).collect();
        assert!((300..=600).contains(&seconds.iter().count()), "{}", seconds.iter().count());
        assert_eq!((counts(&seconds), seconds.end_s()), ((8_640_000, 86_400), 86_400));
        let second = seconds.iter().next_back().unwrap();
        assert_eq!(second.presence.wanted, 86_399, "as it was at its end");
        assert!((second.sim_cpu_pct() - 1.0).abs() < 1e-9 && (second.bytes_down_s() - 100.0).abs() < 1e-9);
        let server = seconds.iter().next().unwrap().server.as_ref().unwrap();
        let ticks = server.tick_ms().unwrap();
        assert_eq!((ticks.count, ticks.p50, server.cpu_pct), (60 * u64::from(seconds.each_s()), 1.0, Some(5.0)));
    }

    #[test]
    fn stretches_are_read_as_they_were_written() {
        let seconds: Seconds = (0..1_501).map(second).collect();
        let read: Seconds = serde_json::from_str(&serde_json::to_string(&seconds).unwrap()).unwrap();
        assert_eq!(read, seconds);
    }

    #[test]
    fn runs_of_different_lengths_are_added_stretch_by_stretch() {
        let mut seconds: Seconds = (0..500).map(second).collect();
        seconds.add(&(0..1_500).map(second).collect());
        assert_eq!((seconds.each_s(), seconds.end_s()), (4, 1_500));
        assert_eq!(counts(&seconds), (200_000, 2_000));
    }
}
