use super::Known;
use crate::universe::check::{Checker, Scene};
use crate::universe::churn::{Chronicle, Page, Roster};
use tidelock::state::Input;

/// What the game is told of who comes and goes makes sense: a player is gone, here or away, and each message leads from
/// one of these to another.
#[derive(Debug)]
pub struct RosterSense {
    known: Known<State>,
    told: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Gone,
    Here,
    Away,
}

impl RosterSense {
    /// Of the game that keeps this chronicle.
    #[must_use]
    pub fn new(chronicle: &Chronicle) -> Self {
        Self { known: Known::new(chronicle), told: 0 }
    }

    fn on_page(&mut self, page: &Page) -> Result<(), String> {
        for (who, what) in &page.roster {
            let was = self.known.players.get(who).copied().or(self.known.is_all.then_some(State::Gone));
            let is = match (was, what) {
                (Some(State::Gone) | None, Roster::Joined) => State::Here,
                (Some(State::Here | State::Away) | None, Roster::Back) => State::Here,
                (Some(State::Here) | None, Roster::Away) => State::Away,
                (Some(State::Here | State::Away) | None, Roster::Left) => State::Gone,
                (Some(was), what) => {
                    return Err(format!("client {who} was {was:?}, and is told in {} to have {what:?}", page.tick));
                }
            };
            self.known.players.insert(*who, is);
            self.told += 1;
        }
        Ok(())
    }
}

impl<I: Input> Checker<I> for RosterSense {
    fn name(&self) -> &'static str {
        "roster"
    }

    fn looked(&self) -> u64 {
        self.told
    }

    fn on_tick(&mut self, scene: &Scene<'_, I>) -> Result<(), String> {
        let pages = self.known.read(scene.engine.tick_number());
        pages.iter().try_for_each(|page| self.on_page(page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidelock::ClientId;

    fn told(news: &[Roster]) -> Result<(), String> {
        let mut checker = RosterSense::new(&Chronicle::default());
        news.iter()
            .try_for_each(|what| checker.on_page(&Page { roster: vec![(ClientId(1), *what)], ..Page::default() }))
    }

    #[test]
    fn whole_lives_make_sense() {
        use Roster::{Away, Back, Joined, Left};
        told(&[Joined, Away, Back, Back, Away, Left, Joined, Left]).unwrap();
    }

    #[test]
    fn what_makes_no_sense_is_found() {
        use Roster::{Away, Back, Joined, Left};
        for news in [&[Joined, Joined][..], &[Away], &[Back], &[Left], &[Joined, Away, Away], &[Joined, Left, Back]] {
            assert!(told(news).is_err(), "{news:?}");
        }
    }
}
