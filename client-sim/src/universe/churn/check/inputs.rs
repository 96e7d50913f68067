use super::Known;
use crate::universe::check::{Checker, Scene};
use crate::universe::churn::{Chronicle, Page, Roster, Stamp};
use tidelock::ClientId;
use tidelock::netcode::TokenSecrets;

/// Each input acts once, in its own tick, for its own client, and never after its connection's end. Players must be
/// [piloted](crate::universe::churn::Churn::pilot).
#[derive(Debug)]
pub struct InputsOnce {
    known: Known<Actor>,
    acted: u64,
}

#[derive(Debug, Default)]
struct Actor {
    is_here: bool,
    /// Over which connection the last input came.
    era: Option<u32>,
    /// What comes over an earlier one comes too late.
    era_min: u32,
}

impl InputsOnce {
    /// Of the game that keeps this chronicle.
    #[must_use]
    pub fn new(chronicle: &Chronicle) -> Self {
        Self { known: Known::new(chronicle), acted: 0 }
    }

    fn on_page(&mut self, page: &Page) -> Result<(), String> {
        for (client_id, what) in &page.roster {
            let actor = self.known.players.entry(*client_id).or_default();
            actor.is_here = matches!(what, Roster::Joined | Roster::Back);
            actor.era_min = actor.era.map_or(actor.era_min, |era| era + 1);
        }
        if let Some([(who, _), _]) = page.inputs.array_windows().find(|[a, b]| a.0 >= b.0) {
            return Err(format!("client {who} has more than one input in {}", page.tick));
        }
        page.inputs.iter().filter(|(_, stamp)| stamp.0 != 0).try_for_each(|input| self.on_input(page, *input))
    }

    fn on_input(&mut self, page: &Page, (who, stamp): (ClientId, Stamp)) -> Result<(), String> {
        // Strangers do what they like: of their tokens nobody told.
        let newest = self.known.chronicle().era(who);
        if newest == 0 {
            return Ok(());
        }
        let Known { players, is_all, .. } = &mut self.known;
        let actor = players.entry(who).or_insert_with(|| Actor { is_here: !*is_all, ..Actor::default() });
        if !actor.is_here {
            return Err(format!("client {who} acts in {} and is not here", page.tick));
        }
        let mut eras = (actor.era_min..=newest).rev();
        actor.era = eras.find(|era| Stamp::by(who, page.tick, *era) == stamp);
        if actor.era.is_none() {
            let (tick, min) = (page.tick, actor.era_min);
            return Err(format!(
                "client {who} acts in {tick} by {stamp:?}, which it did not send for it since its connection {min}"
            ));
        }
        self.acted += 1;
        Ok(())
    }
}

impl Checker<Stamp> for InputsOnce {
    fn name(&self) -> &'static str {
        "inputs once"
    }

    fn looked(&self) -> u64 {
        self.acted
    }

    fn on_token(&mut self, client_id: ClientId, secrets: &TokenSecrets) {
        self.known.chronicle().on_token(client_id, secrets);
    }

    fn on_tick(&mut self, scene: &Scene<'_, Stamp>) -> Result<(), String> {
        let pages = self.known.read(scene.engine.tick_number());
        pages.iter().try_for_each(|page| self.on_page(page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidelock::Tick;

    const A: ClientId = ClientId(1);
    const B: ClientId = ClientId(2);

    fn checker() -> InputsOnce {
        let chronicle = Chronicle::default();
        for (client_id, nonce) in [(A, 1), (A, 2), (B, 3)] {
            let mut random = [0; TokenSecrets::RANDOM_BYTES];
            random.fill(nonce);
            chronicle.on_token(client_id, &TokenSecrets::from_random(random));
        }
        let mut checker = InputsOnce::new(&chronicle);
        let roster = vec![(A, Roster::Joined), (B, Roster::Joined)];
        checker.on_page(&Page { tick: Tick(1), roster, ..Page::default() }).unwrap();
        checker
    }

    fn page(tick: u32, inputs: Vec<(ClientId, Stamp)>) -> Page {
        Page { tick: Tick(tick), inputs, ..Page::default() }
    }

    #[test]
    fn what_was_sent_for_a_tick_may_act_in_it() {
        let mut checker = checker();
        checker.on_page(&page(2, vec![(A, Stamp::by(A, Tick(2), 1)), (B, Stamp::default())])).unwrap();
        checker.on_page(&page(3, vec![(A, Stamp::by(A, Tick(3), 2))])).unwrap();
        assert_eq!(checker.looked(), 2);
    }

    #[test]
    fn an_input_in_another_tick_of_another_client_or_twice_is_found() {
        let late = vec![(A, Stamp::by(A, Tick(2), 1))];
        assert!(checker().on_page(&page(3, late)).is_err());
        let strange = vec![(ClientId(9), Stamp::by(A, Tick(2), 1))];
        assert!(checker().on_page(&page(2, strange)).is_ok(), "of whom nobody told");
        let stolen = vec![(B, Stamp::by(A, Tick(2), 1))];
        assert!(checker().on_page(&page(2, stolen)).is_err());
        let doubled = vec![(A, Stamp::by(A, Tick(2), 1)), (A, Stamp::default())];
        assert!(checker().on_page(&page(2, doubled)).is_err());
    }

    #[test]
    fn an_input_of_who_is_away_or_of_an_earlier_connection_is_found() {
        for (news, era, is_found) in [(Roster::Away, 2, true), (Roster::Back, 1, true), (Roster::Back, 2, false)] {
            let mut checker = checker();
            checker.on_page(&page(2, vec![(A, Stamp::by(A, Tick(2), 1))])).unwrap();
            let inputs = vec![(A, Stamp::by(A, Tick(3), era))];
            let next = Page { roster: vec![(A, news)], ..page(3, inputs) };
            assert_eq!(checker.on_page(&next).is_err(), is_found, "{news:?}");
        }
    }
}
