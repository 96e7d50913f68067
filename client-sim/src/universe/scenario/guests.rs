use crate::client::{ClientEvent, DisconnectReason, Status};
use crate::link::Rng;
use crate::universe::Universe;
use std::time::Duration;
use tidelock::state::Input;
use tidelock::wire::{CloseReason, RejectReason};

/// What the people behind the players do: who is thrown out comes back after a while.
#[derive(Debug)]
pub(super) struct Guests {
    guests: Vec<Guest>,
    rng: Rng,
    /// How often one of them lost its connection, though it was fast enough.
    lost: u64,
}

#[derive(Clone, Copy, Debug)]
struct Guest {
    wants_in: bool,
    /// When it tries again.
    tries_at: Option<Duration>,
    /// Its program is gone, and another is to be started then.
    starts_at: Option<Duration>,
    was_playing: bool,
    /// How many of its events were looked at.
    heard: usize,
}

/// How long somebody waits at most before it tries again.
pub(super) const PATIENCE_MAX: Duration = Duration::from_millis(1_250);

impl Guests {
    pub(super) fn new(seed: u64) -> Self {
        Self { guests: Vec::new(), rng: Rng::stream(seed, 100), lost: 0 }
    }

    /// The next of them comes.
    pub(super) fn arrive(&mut self) {
        self.guests.push(Guest { wants_in: true, tries_at: None, starts_at: None, was_playing: false, heard: 0 });
    }

    pub(super) fn wants_in(&mut self, number: usize, wants_in: bool) {
        self.guests[number].wants_in = wants_in;
    }

    /// How often somebody whose connection was fast enough lost it so far, or thought so.
    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }

    /// Whether each wants to play, in order.
    pub(super) fn wanting(&self) -> impl Iterator<Item = bool> {
        self.guests.iter().map(|guest| guest.wants_in)
    }

    /// Its program is gone until then.
    pub(super) fn crash(&mut self, number: usize, starts_at: Duration) {
        self.guests[number].starts_at = Some(starts_at);
    }

    /// Connects anew at once, if its program runs.
    pub(super) fn come_back<I: Input>(&mut self, number: usize, universe: &mut Universe<I>) {
        if self.guests[number].starts_at.is_some() {
            return;
        }
        self.guests[number].tries_at = None;
        universe.resume(number);
    }

    /// Does what each of them does now, and tells what has become of them.
    pub(super) fn follow<I: Input>(&mut self, universe: &mut Universe<I>, now: Duration) -> Vec<String> {
        let mut told = Vec::new();
        for (number, guest) in self.guests.iter_mut().enumerate() {
            if guest.starts_at.is_some_and(|at| at <= now) {
                guest.starts_at = None;
                // What the former program was told is no news to this one.
                guest.heard = universe.players()[number].events.len();
                universe.restart(number);
                told.push(format!("player {number}: its program starts again"));
            }
            if guest.hears_nothing(number, universe) {
                self.lost += 1;
                told.push(format!("player {number}: it hears nothing, and comes back"));
                universe.resume(number);
            }
            let status = universe.players()[number].client.status();
            guest.was_playing |= status == Status::Playing;
            let Status::Disconnected(reason) = status else { continue };
            if guest.tries_at.is_none() {
                guest.wants_in &= reason != DisconnectReason::Rejected(RejectReason::Draining);
                guest.tries_at = Some(now + PATIENCE_MAX / 5 + (PATIENCE_MAX * 4 / 5).mul_f64(self.rng.unit()));
                // At a high rate the game writes more than a small budget takes.
                self.lost += u64::from(reason != DisconnectReason::Closed(CloseReason::TooSlow));
                told.push(format!("player {number}: it is disconnected, {reason}"));
            }
            if guest.wants_in && guest.tries_at.is_some_and(|at| at <= now) && guest.starts_at.is_none() {
                guest.tries_at = None;
                // Some start the program again, and know nothing.
                if guest.was_playing && self.rng.chance(0.7) {
                    universe.resume(number);
                } else {
                    universe.restart(number);
                }
            }
        }
        told
    }

    /// Whether everybody who wants to plays, and holds all that it should.
    pub(super) fn all_is_well<I: Input>(&self, universe: &Universe<I>) -> Result<(), String> {
        for (guest, player) in self.guests.iter().zip(universe.players()) {
            if guest.wants_in && player.client.status() != Status::Playing {
                return Err(format!("client {} does not play but is {:?}", player.client_id, player.client.status()));
            }
            if guest.wants_in && universe.engine().visible_to(player.client_id).next().is_none() {
                return Err(format!("client {} sees nothing yet, not even itself", player.client_id));
            }
            // A view may be right, and nobody left to tell of what comes next.
            if guest.wants_in && universe.engine().address_of(player.client_id) != Some(player.address) {
                return Err(format!("client {} has been elsewhere when it was last heard of", player.client_id));
            }
        }
        universe.converged()
    }
}

impl Guest {
    /// Takes up what its client tells: whether the server fell silent, so that it is to come back.
    fn hears_nothing<I: Input>(&mut self, number: usize, universe: &Universe<I>) -> bool {
        let events = &universe.players()[number].events;
        let news = &events[self.heard.min(events.len())..];
        let is_silent = news.iter().any(|event| matches!(event, ClientEvent::Silent { .. }));
        self.heard = events.len();
        is_silent && self.wants_in && self.starts_at.is_none()
    }
}
