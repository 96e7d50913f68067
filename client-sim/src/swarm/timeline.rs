use std::collections::BTreeMap;
use std::time::Duration;

use super::scraper::Reading;
use crate::measure::{Second, Seconds, ServerSecond};

/// Puts the seconds together that workers and the server tell of, each in its own time.
pub(super) struct Timeline {
    workers: usize,
    /// Not whole yet, with how many workers have told.
    open: BTreeMap<u32, (Second, usize)>,
    readings: BTreeMap<u32, Reading>,
    /// The newest of those that are.
    latest: Option<Second>,
    done: Seconds,
}

impl Timeline {
    /// A second that all workers have told of waits for so many more until the server has told of it too.
    const PATIENCE: u32 = 1;

    pub(super) fn new(workers: usize) -> Self {
        Self { workers, open: BTreeMap::new(), readings: BTreeMap::new(), latest: None, done: Seconds::default() }
    }

    pub(super) fn on_second(&mut self, second: &Second) {
        let number = second.number;
        let (sum, told) = self.open.entry(number).or_insert_with(|| (Second::new(number), 0));
        sum.add(second);
        *told += 1;
    }

    pub(super) fn on_reading(&mut self, reading: Reading) {
        self.readings.insert(reading.number, reading);
    }

    /// The next second that is whole.
    pub(super) fn next(&mut self) -> Option<&Second> {
        let (number, (_, told)) = self.open.first_key_value()?;
        let newest = *self.open.last_key_value()?.0;
        let is_told = self.readings.contains_key(&(number + 1));
        if *told < self.workers || !(is_told || newest > number + Self::PATIENCE) {
            return None;
        }
        self.close_first()
    }

    /// The same at the end, when nothing more will come.
    pub(super) fn next_of_rest(&mut self) -> Option<&Second> {
        let (_, (_, told)) = self.open.first_key_value()?;
        if *told == self.workers { self.close_first() } else { None }
    }

    /// All that were whole, of so long.
    pub(super) fn finish(&mut self, lasted: Duration) -> Seconds {
        let mut done = std::mem::take(&mut self.done);
        done.cut(lasted.as_secs());
        done
    }

    fn close_first(&mut self) -> Option<&Second> {
        let (number, (mut second, _)) = self.open.pop_first()?;
        second.server = self.server(number);
        self.readings = self.readings.split_off(&(number + 1));
        self.done.push(&second);
        Some(self.latest.insert(second))
    }

    /// From one reading to the next.
    fn server(&self, number: u32) -> Option<ServerSecond> {
        let (before, after) = (self.readings.get(&number)?, self.readings.get(&(number + 1))?);
        let over_s = after.at.since(before.at).as_secs_f64();
        (over_s > 0.0).then(|| ServerSecond::of(&after.figures.since(&before.figures), over_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Presence, ServerFigures};
    use tidelock::Instant;

    fn second(number: u32, playing: u64) -> Second {
        Second { presence: Presence { playing, ..Presence::default() }, ..Second::new(number) }
    }

    fn reading(number: u32, overruns: u64) -> Reading {
        let figures = ServerFigures { overruns, ..ServerFigures::default() };
        Reading { number, at: Instant::from_us(u64::from(number) * 1_000_000), figures }
    }

    #[test]
    fn a_second_is_whole_when_all_workers_and_the_server_have_told() {
        let mut timeline = Timeline::new(2);
        timeline.on_reading(reading(0, 3));
        timeline.on_second(&second(0, 5));
        timeline.on_reading(reading(1, 4));
        assert_eq!(timeline.next(), None);
        timeline.on_second(&second(0, 7));
        let whole = timeline.next().unwrap();
        assert_eq!((whole.presence.playing, whole.server.as_ref().unwrap().overruns), (12, 1));
        assert_eq!(timeline.next(), None);
    }

    #[test]
    fn a_server_that_does_not_tell_is_not_waited_for() {
        let mut timeline = Timeline::new(1);
        (0..3).for_each(|number| timeline.on_second(&second(number, 1)));
        assert_eq!(timeline.next().map(|second| (second.number, second.server.is_none())), Some((0, true)));
        assert_eq!(timeline.next(), None);
        assert_eq!(timeline.next_of_rest().map(|second| second.number), Some(1));
        assert_eq!(timeline.next_of_rest().map(|second| second.number), Some(2));
        assert_eq!(timeline.finish(Duration::from_secs(2)).end_s(), 2);
    }

    #[test]
    fn what_a_worker_has_not_told_of_is_left_out_at_the_end() {
        let mut timeline = Timeline::new(2);
        timeline.on_second(&second(0, 1));
        timeline.on_second(&second(0, 1));
        timeline.on_second(&second(1, 1));
        assert_eq!(timeline.next_of_rest().map(|second| second.number), Some(0));
        assert_eq!(timeline.next_of_rest(), None);
    }
}
