use super::Reader;
use crate::universe::check::{Checker, Scene};
use crate::universe::churn::{Chronicle, Page};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tidelock::state::Input;
use tidelock::{ClientId, Instant};

/// No player's avatar is lost or doubled: whoever plays or may still come back has one, and nobody else.
#[derive(Debug)]
pub struct Avatars {
    reader: Reader,
    /// Who was in the game at the end of the tick before.
    before: BTreeSet<ClientId>,
    /// When each who has one was connected last.
    connected_at: BTreeMap<ClientId, Instant>,
    counted: u64,
}

/// Who is connected, who plays, and who is in the game, be it away, by the engine.
struct Present {
    connected: Vec<ClientId>,
    playing: Vec<ClientId>,
    in_game: Vec<ClientId>,
    now: Instant,
    /// Who was connected is in the game for no longer than this.
    patience: Duration,
}

/// Ticks may be late.
const SLACK: Duration = Duration::from_secs(2);

impl Avatars {
    /// Of the game that keeps this chronicle.
    #[must_use]
    pub fn new(chronicle: &Chronicle) -> Self {
        let reader = Reader::new(chronicle);
        Self { reader, before: BTreeSet::new(), connected_at: BTreeMap::new(), counted: 0 }
    }

    fn on_page(&mut self, page: &Page, present: &Present) -> Result<(), String> {
        let avatars: BTreeSet<ClientId> = page.avatars.iter().copied().collect();
        let in_game: BTreeSet<ClientId> = present.in_game.iter().copied().collect();
        if avatars.len() < page.avatars.len() {
            return Err(format!("somebody has two avatars: {:?}", page.avatars));
        }
        if in_game.len() < present.in_game.len() {
            return Err(format!("somebody is in the game twice: {:?}", present.in_game));
        }
        if let Some(who) = present.playing.iter().chain(&in_game).find(|who| !avatars.contains(*who)) {
            return Err(format!("client {who} is in the game and has no avatar"));
        }
        // Of who was let go after the game's step it is told in the next.
        if let Some(who) = avatars.iter().find(|who| !in_game.contains(*who) && !self.before.contains(*who)) {
            return Err(format!("client {who} has an avatar and is not in the game"));
        }
        self.connected_at.retain(|who, _| avatars.contains(who));
        self.connected_at.extend(present.connected.iter().map(|who| (*who, present.now)));
        if let Some((who, at)) = self.connected_at.iter().find(|(_, at)| present.now.since(**at) > present.patience) {
            return Err(format!("client {who} has an avatar, though it was gone {:?}", present.now.since(*at)));
        }
        self.counted += avatars.len() as u64;
        self.before = in_game;
        Ok(())
    }
}

impl<I: Input> Checker<I> for Avatars {
    fn name(&self) -> &'static str {
        "avatars"
    }

    fn looked(&self) -> u64 {
        self.counted
    }

    fn on_tick(&mut self, scene: &Scene<'_, I>) -> Result<(), String> {
        let (pages, _) = self.reader.read(scene.engine.tick_number());
        let Some(page) = pages.last() else { return Ok(()) };
        let clients = scene.engine.clients();
        let playing = clients.iter().filter(|client| client.joined_tick.is_some()).map(|client| client.client_id);
        let present = Present {
            connected: clients.iter().map(|client| client.client_id).collect(),
            playing: playing.collect(),
            in_game: scene.engine.in_game().collect(),
            now: scene.now,
            patience: scene.engine.config().resume_time + SLACK,
        };
        self.on_page(page, &present)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ClientId = ClientId(1);
    const B: ClientId = ClientId(2);

    fn told(checker: &mut Avatars, avatars: &[ClientId], in_game: &[ClientId], playing: &[ClientId]) -> bool {
        let page = Page { avatars: avatars.to_vec(), ..Page::default() };
        let (playing, in_game) = (playing.to_vec(), in_game.to_vec());
        let now = Instant::from_us(1_000_000);
        checker.on_page(&page, &Present { connected: playing.clone(), playing, in_game, now, patience: SLACK }).is_ok()
    }

    fn checker() -> Avatars {
        Avatars::new(&Chronicle::default())
    }

    #[test]
    fn who_plays_or_is_away_has_one() {
        assert!(told(&mut checker(), &[A, B], &[B, A], &[A]));
    }

    #[test]
    fn one_that_is_lost_doubled_or_left_over_is_found() {
        assert!(!told(&mut checker(), &[A], &[A, B], &[A]));
        assert!(!told(&mut checker(), &[A, A], &[A], &[A]));
        assert!(!told(&mut checker(), &[A], &[A, A], &[A]));
        assert!(!told(&mut checker(), &[A], &[], &[]));
    }

    #[test]
    fn who_was_let_go_in_this_tick_has_one_until_the_next() {
        let mut checker = checker();
        assert!(told(&mut checker, &[A], &[A], &[A]));
        assert!(told(&mut checker, &[A], &[], &[]));
        assert!(!told(&mut checker, &[A], &[], &[]));
    }

    #[test]
    fn who_is_away_for_too_long_is_found() {
        let mut checker = checker();
        assert!(told(&mut checker, &[A], &[A], &[A]));
        let page = Page { avatars: vec![A], ..Page::default() };
        let now = Instant::from_us(9_000_000);
        let present = Present { connected: vec![], playing: vec![], in_game: vec![A], now, patience: SLACK };
        assert!(checker.on_page(&page, &present).is_err());
    }
}
