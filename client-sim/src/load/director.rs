use std::time::Duration;

use super::Load;
use crate::link::Rng;

/// Decides who comes and who goes. Clients are numbered from 0; those with the highest numbers come last and go first.
#[derive(Debug)]
pub struct Director {
    load: Load,
    playing: u32,
    churn: Option<Churn>,
    /// Who has left to come back at once.
    returning: Option<u32>,
}

/// Who comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A client starts, for the first time or again.
    Start(u32),
    /// A client says goodbye.
    Leave(u32),
}

/// Leaves at the moments of a Poisson process.
#[derive(Debug)]
struct Churn {
    rng: Rng,
    pause: Duration,
    next: Duration,
}

impl Director {
    /// The same seed makes the same clients leave at the same moments.
    #[must_use]
    pub fn new(load: Load, seed: u64) -> Self {
        let churn = (load.churn_hz() > 0.0).then(|| Churn::new(load.churn_hz(), Rng::new(seed)));
        Self { load, playing: 0, churn, returning: None }
    }

    /// What is to be done by now, one by one, so long after the start. `None` if that is all.
    pub fn act(&mut self, elapsed: Duration) -> Option<Act> {
        if let Some(client) = self.returning.take() {
            return Some(Act::Start(client));
        }
        let wanted = self.load.wanted(elapsed);
        if self.playing < wanted {
            self.playing += 1;
            return Some(Act::Start(self.playing - 1));
        }
        if self.playing > wanted {
            self.playing -= 1;
            return Some(Act::Leave(self.playing));
        }
        let client = self.churn.as_mut()?.leave(self.playing, elapsed)?;
        self.returning = Some(client);
        Some(Act::Leave(client))
    }

    /// When there may be something to do again.
    #[must_use]
    pub fn next_at(&self, elapsed: Duration) -> Option<Duration> {
        let churn = self.churn.as_ref().map(|churn| churn.next);
        [self.load.next_change(elapsed), churn].into_iter().flatten().min()
    }

    /// What is wanted.
    #[must_use]
    pub const fn load(&self) -> &Load {
        &self.load
    }

    /// How many have started and not left.
    #[must_use]
    pub const fn playing(&self) -> u32 {
        self.playing
    }
}

impl Churn {
    fn new(hz: f64, rng: Rng) -> Self {
        let mut churn = Self { rng, pause: Duration::from_secs_f64(hz.recip()), next: Duration::ZERO };
        churn.wait();
        churn
    }

    fn wait(&mut self) {
        self.next += self.pause.mul_f64(self.rng.exponential());
    }

    /// Who leaves, of so many; `None` if it is too early, or nobody is there.
    fn leave(&mut self, playing: u32, elapsed: Duration) -> Option<u32> {
        while elapsed >= self.next {
            self.wait();
            if playing > 0 {
                return Some(self.rng.below(u64::from(playing)) as u32);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Stage;

    const fn s(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    /// All acts of each tenth of a second.
    fn acts(load: Load, seed: u64) -> Vec<(Duration, Act)> {
        let end = load.duration();
        let mut director = Director::new(load, seed);
        let mut acts = Vec::new();
        let mut elapsed = Duration::ZERO;
        while elapsed <= end {
            while let Some(act) = director.act(elapsed) {
                acts.push((elapsed, act));
            }
            elapsed += Duration::from_millis(100);
        }
        acts
    }

    #[test]
    fn the_last_to_come_are_the_first_to_go() {
        let stages = vec![Stage { lasts: s(3), clients: 3 }, Stage { lasts: s(3), clients: 1 }];
        let told: Vec<_> = acts(Load::stages(stages), 1).into_iter().map(|(at, act)| (at.as_millis(), act)).collect();
        let wanted = [
            (0, Act::Start(0)),
            (1000, Act::Start(1)),
            (2000, Act::Start(2)),
            (4500, Act::Leave(2)),
            (6000, Act::Leave(1)),
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn a_herd_comes_at_once() {
        let acts = acts(Load::steady(50, Duration::ZERO, s(2)), 1);
        assert_eq!(acts.len(), 50);
        assert!(acts.iter().all(|(at, _)| at.is_zero()));
    }

    #[test]
    fn those_who_leave_by_churn_come_back_at_once_and_as_often_as_was_asked() {
        let load = Load::steady(20, Duration::ZERO, s(200)).with_churn(5.0);
        let again = acts(load.clone(), 7);
        let acts = acts(load, 7);
        assert_eq!(acts, again, "the same seed repeats them");
        let (mut playing, mut left) = (vec![false; 20], 0);
        for pair in acts.windows(2) {
            match pair[0].1 {
                Act::Start(client) => assert!(!std::mem::replace(&mut playing[client as usize], true)),
                Act::Leave(client) => {
                    assert!(std::mem::replace(&mut playing[client as usize], false));
                    assert_eq!(pair[1], (pair[0].0, Act::Start(client)));
                    left += 1;
                }
            }
        }
        assert!((900..1100).contains(&left), "{left} left in 200 s");
    }

    #[test]
    fn nobody_leaves_before_somebody_came() {
        let stages = vec![Stage { lasts: s(1), clients: 0 }, Stage { lasts: s(1), clients: 1 }];
        let load = Load::stages(stages).with_churn(100.0);
        assert_eq!(acts(load, 1).iter().find(|(at, _)| *at < s(1)), None);
    }

    #[test]
    fn it_is_told_when_to_look_again() {
        let mut director = Director::new(Load::steady(4, s(2), s(10)).with_churn(2.0), 3);
        let (mut elapsed, mut done) = (Duration::ZERO, 0);
        while elapsed < s(10) {
            done += std::iter::from_fn(|| director.act(elapsed)).count();
            let next = director.next_at(elapsed).unwrap_or(s(10));
            assert!(next > elapsed, "{elapsed:?}");
            elapsed = next;
        }
        assert!((4 + 2 * 10..4 + 2 * 32).contains(&done), "{done}");
    }
}
