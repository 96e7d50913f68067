use std::time::Duration;

/// How many clients play, from the start of the first to the goodbyes.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// One at least.
    stages: Vec<Stage>,
    /// How many clients leave and come back, a second, on average.
    churn_hz: f64,
}

/// A part of a run, in which clients come or go evenly until there are so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// How long it takes.
    pub lasts: Duration,
    /// How many clients play at its end.
    pub clients: u32,
}

impl Load {
    /// Until the last clients have settled, figures are not of the load that was asked for.
    const SETTLING_MAX: Duration = Duration::from_secs(1);

    /// So many clients come in the time of the `ramp`, a third of the `duration` at most, and stay.
    #[must_use]
    pub fn steady(clients: u32, ramp: Duration, duration: Duration) -> Self {
        let ramp = ramp.min(duration / 3);
        Self::stages(vec![Stage { lasts: ramp, clients }, Stage { lasts: duration - ramp, clients }])
    }

    /// As the stages say, one after the other, from no clients at all.
    ///
    /// # Panics
    /// If there are none.
    #[must_use]
    pub fn stages(stages: Vec<Stage>) -> Self {
        assert!(!stages.is_empty(), "a load has stages");
        Self { stages, churn_hz: 0.0 }
    }

    /// With so many clients that leave and come back, a second, on average.
    #[must_use]
    pub fn with_churn(self, churn_hz: f64) -> Self {
        Self { churn_hz, ..self }
    }

    /// How many leave and come back, a second, on average.
    #[must_use]
    pub const fn churn_hz(&self) -> f64 {
        self.churn_hz
    }

    /// One after the other.
    #[must_use]
    pub fn all_stages(&self) -> &[Stage] {
        &self.stages
    }

    /// How long it takes.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.stages.iter().map(|stage| stage.lasts).sum()
    }

    /// The most that play at once.
    #[must_use]
    pub fn clients_max(&self) -> u32 {
        self.stages.iter().map(|stage| stage.clients).max().unwrap_or(0)
    }

    /// What measuring leaves out at the start: the first stage, up to a third of it all, and a moment for the last clients to settle.
    #[must_use]
    pub fn warm_up(&self) -> Duration {
        let duration = self.duration();
        let first = self.stages[0].lasts.min(duration / 3);
        first + Self::SETTLING_MAX.min((duration - first) / 4)
    }

    /// How many clients there are to be, so long after the start.
    ///
    /// Where they come, a stage begins with the first of them; where they leave, it ends with the last.
    #[must_use]
    pub fn wanted(&self, elapsed: Duration) -> u32 {
        self.at(elapsed).0
    }

    /// When that may change next; `None` if never again.
    #[must_use]
    pub fn next_change(&self, elapsed: Duration) -> Option<Duration> {
        self.at(elapsed).1
    }

    fn at(&self, elapsed: Duration) -> (u32, Option<Duration>) {
        let (mut begin, mut from) = (Duration::ZERO, 0_u32);
        for stage in &self.stages {
            let end = begin + stage.lasts;
            if elapsed < end {
                let steps = u128::from(from.abs_diff(stage.clients));
                let lasts_ns = stage.lasts.as_nanos();
                let done = (elapsed - begin).as_nanos() * steps / lasts_ns;
                let next_ns = (lasts_ns * (done + 1)).div_ceil(steps.max(1));
                let (done, next) = (done as u32, begin + Duration::from_nanos(next_ns as u64));
                let comes = stage.clients >= from;
                let wanted = if comes { stage.clients.min(from + done + 1) } else { from - done };
                return (wanted, Some(next.min(end)));
            }
            (begin, from) = (end, stage.clients);
        }
        (from, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn stages(stages: &[(u64, u32)]) -> Load {
        Load::stages(stages.iter().map(|(lasts_s, clients)| Stage { lasts: s(*lasts_s), clients: *clients }).collect())
    }

    #[test]
    fn a_ramp_starts_a_client_at_each_of_its_shares() {
        let load = Load::steady(10, s(5), s(30));
        let starts = (0..10).map(|number| Duration::from_millis(500) * number);
        for (number, start) in starts.enumerate() {
            let number = number as u32;
            assert_eq!(load.wanted(start), number + 1);
            assert_eq!(load.wanted(start.saturating_sub(Duration::from_nanos(1))), number.max(1));
        }
        assert_eq!((load.wanted(s(29)), load.wanted(s(99))), (10, 10));
        assert_eq!((load.duration(), load.clients_max(), load.warm_up()), (s(30), 10, s(6)));
    }

    #[test]
    fn a_ramp_takes_a_third_of_the_time_at_most_and_none_is_everybody_at_once() {
        let load = Load::steady(10, s(60), s(6));
        assert_eq!((load.wanted(s(1)), load.wanted(s(2)), load.warm_up()), (6, 10, s(3)));
        let herd = Load::steady(10, Duration::ZERO, s(6));
        assert_eq!((herd.wanted(Duration::ZERO), herd.warm_up()), (10, s(1)));
    }

    #[test]
    fn stages_rise_hold_and_fall() {
        let load = stages(&[(10, 100), (10, 100), (0, 200), (10, 200), (20, 0)]);
        let wanted: Vec<_> = [0, 5, 10, 19, 20, 29, 30, 40, 49, 50, 60].map(|at| load.wanted(s(at))).into();
        assert_eq!(wanted, [1, 51, 100, 100, 200, 200, 200, 100, 10, 0, 0]);
        assert_eq!((load.duration(), load.clients_max()), (s(50), 200));
    }

    #[test]
    fn whoever_looks_only_at_changes_misses_none() {
        let load = stages(&[(3, 7), (1, 7), (2, 3), (0, 5), (5, 4)]);
        let mut changes = vec![(Duration::ZERO, load.wanted(Duration::ZERO))];
        while let Some(next) = load.next_change(changes[changes.len() - 1].0) {
            changes.push((next, load.wanted(next)));
        }
        for us in (0..12_000_000).step_by(997) {
            let at = Duration::from_micros(us);
            let known = changes.iter().rfind(|(from, _)| *from <= at).unwrap().1;
            assert_eq!(load.wanted(at), known, "{at:?}");
        }
    }
}
