//! What must hold in a universe, whatever happens: one invariant a file.

mod acks;
mod amplification;
mod bounds;
mod budget;
mod client_refusals;
mod converged;
#[cfg(test)]
mod fixture;
mod heartbeats;
mod ids;
mod interest;
mod meant;
mod messages;
mod reference;
mod refusals;
mod sent_in_interest;
mod sound;
mod true_records;
mod versions;
mod whole;

pub use acks::Acks;
pub use amplification::Amplification;
pub use bounds::Bounds;
pub use budget::Budget;
pub use client_refusals::ClientRefusals;
pub use heartbeats::Heartbeats;
pub use ids::Ids;
pub use interest::InterestOnly;
pub use meant::{Meant, StreamKey};
pub use messages::Messages;
pub use reference::ReferenceModel;
pub use refusals::Refusals;
pub use sent_in_interest::SentInInterest;
pub use sound::Sound;
pub use true_records::TrueRecords;
pub use versions::EqualVersions;
pub use whole::WholeViews;

pub(super) use converged::converged;

use super::Player;
use super::wiretap::{Said, Wiretap};
use crate::client::{Client, ClientEvent};
use core::net::SocketAddr;
use tidelock::netcode::TokenSecrets;
use tidelock::state::Input;
use tidelock::wire::Load;
use tidelock::{ClientId, Instant, Tick};
use tidelock_server::engine::Engine;

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{invariant}, tick {tick}: {what}")]
pub struct Violation {
    /// The name of the checker that found it.
    pub invariant: &'static str,
    /// The server's tick at that time.
    pub tick: Tick,
    /// Who, what and how.
    pub what: String,
}

/// Watches over one invariant, or a few that go together. What it says when one does not hold is a sentence with everything
/// that helps to find out why.
pub trait Checker<I: Input> {
    /// As reports call it.
    fn name(&self) -> &'static str;

    /// How many things it has looked at and found right: a checker that looks at nothing finds nothing.
    fn looked(&self) -> u64;

    /// It watches again, and knows nothing of what happened meanwhile.
    fn on_resumed(&mut self, engine: &Engine) {
        let _ = engine;
    }

    /// A token was made for a client, which will connect with it.
    fn on_token(&mut self, client_id: ClientId, secrets: &TokenSecrets) {
        let _ = (client_id, secrets);
    }

    /// Somebody sent a datagram, though it may never arrive.
    ///
    /// # Errors
    /// What is wrong.
    fn on_sent(&mut self, sent: &Sent<'_>, engine: &Engine) -> Result<(), String> {
        let _ = (sent, engine);
        Ok(())
    }

    /// The server is about to take a datagram.
    fn on_arriving(&mut self, arriving: &Arriving<'_>, engine: &Engine) {
        let _ = (arriving, engine);
    }

    /// The server has taken the datagram that [`Checker::on_arriving`] told of.
    ///
    /// # Errors
    /// What is wrong.
    fn on_taken(&mut self, engine: &Engine) -> Result<(), String> {
        let _ = engine;
        Ok(())
    }

    /// A player's client is about to take a datagram.
    fn on_delivering(&mut self, client: &Client<I>) {
        let _ = client;
    }

    /// A player has taken a datagram that the server sent, or somebody in its name.
    ///
    /// # Errors
    /// What is wrong.
    fn on_delivered(&mut self, player: &Player<I>, datagram: &[u8], engine: &Engine) -> Result<(), String> {
        let _ = (player, datagram, engine);
        Ok(())
    }

    /// A client has told its game something.
    ///
    /// # Errors
    /// What is wrong.
    fn on_event(&mut self, player: &Player<I>, event: &ClientEvent) -> Result<(), String> {
        let _ = (player, event);
        Ok(())
    }

    /// Whether it listens to what datagrams say: only who does is told, by [`Checker::on_said`] and the two after that. They are read if
    /// anybody does.
    fn listens(&self) -> bool {
        false
    }

    /// Somebody sent a payload on a connection whose token was made since somebody listens. It may never arrive.
    ///
    /// # Errors
    /// What is wrong.
    fn on_said(&mut self, said: &Said, ears: &Ears<'_>) -> Result<(), String> {
        let _ = (said, ears);
        Ok(())
    }

    /// What a client said arrives at the server, for the first time. Whether the server takes it is open.
    fn on_arrived(&mut self, said: &Said) {
        let _ = said;
    }

    /// What the server said has come to a player, for the first time, whatever its client has made of it.
    ///
    /// # Errors
    /// What is wrong.
    fn on_heard(&mut self, said: &Said, player: &Player<I>) -> Result<(), String> {
        let _ = (said, player);
        Ok(())
    }

    /// The server has run a tick, and what it sends is still to be sent.
    ///
    /// # Errors
    /// What is wrong.
    fn on_tick(&mut self, scene: &Scene<'_, I>) -> Result<(), String> {
        let _ = scene;
        Ok(())
    }
}

/// A datagram as it is sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// Who sends it.
    pub from: SocketAddr,
    /// Whom it is sent to.
    pub to: SocketAddr,
    /// Its bytes.
    pub datagram: &'a [u8],
    /// When.
    pub now: Instant,
}

/// A datagram that reaches the server.
#[derive(Clone, Copy, Debug)]
pub struct Arriving<'a> {
    /// From where it seems to come.
    pub from: SocketAddr,
    /// Its bytes.
    pub datagram: &'a [u8],
    /// Who made it.
    pub origin: Origin,
    /// When.
    pub now: Instant,
}

/// Who made a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A player, who is honest.
    Player,
    /// A stranger with a key of its own.
    Insider,
    /// A stranger without one.
    Outsider,
    /// A test, which knows.
    Unknown,
}

/// What there is to compare with what is said.
#[derive(Clone, Copy, Debug)]
pub struct Ears<'a> {
    /// The server.
    pub engine: &'a Engine,
    /// What each player is meant to see, and was in the last ticks.
    pub meant: &'a Meant,
}

/// Everything there is to look at.
#[derive(Debug)]
pub struct Scene<'a, I: Input> {
    /// The server.
    pub engine: &'a Engine,
    /// All players.
    pub players: &'a [Player<I>],
    /// What each is meant to see, and was in the last ticks.
    pub meant: &'a Meant,
    /// Now.
    pub now: Instant,
    /// Of the tick that just ran.
    pub turn: Turn,
    /// See [`UniverseConfig::look_every_ticks`](super::UniverseConfig).
    pub look_every_ticks: u32,
}

impl<'a, I: Input> Scene<'a, I> {
    /// The players whose whole views are looked at in this tick.
    pub fn in_turn(&self) -> impl Iterator<Item = &'a Player<I>> + use<'a, I> {
        let (every, tick) = (self.look_every_ticks as usize, self.engine.tick_number().0 as usize);
        self.players.iter().skip(tick % every).step_by(every)
    }
}

/// When a tick should have run, and how.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// When it was due.
    pub due: Instant,
    /// Since when the server had nothing else to do.
    pub free_at: Instant,
    /// How overloaded the server took itself to be.
    pub load: Load,
}

/// All that watch over a universe.
pub(super) struct Checks<I: Input> {
    checkers: Vec<Box<dyn Checker<I>>>,
    /// Which of them listen.
    listens: Vec<bool>,
    meant: Meant,
    /// For those that listen, if any does.
    wiretap: Option<Wiretap>,
    is_enabled: bool,
    look_every_ticks: u32,
}

impl<I: Input> Checks<I> {
    /// Those that any game must pass.
    pub(super) fn new(look_every_ticks: u32) -> Self {
        let checkers: Vec<Box<dyn Checker<I>>> = vec![
            Box::<EqualVersions>::default(),
            Box::<InterestOnly>::default(),
            Box::<WholeViews>::default(),
            Box::<Ids>::default(),
            Box::<Bounds>::default(),
            Box::<Heartbeats>::default(),
            Box::<Refusals>::default(),
            Box::<ClientRefusals>::default(),
            Box::<Amplification>::default(),
        ];
        Self {
            listens: vec![false; checkers.len()],
            checkers,
            meant: Meant::default(),
            wiretap: None,
            is_enabled: true,
            look_every_ticks,
        }
    }

    pub(super) fn add(&mut self, checker: Box<dyn Checker<I>>, engine: &Engine) {
        if checker.listens() {
            let config = engine.config();
            self.wiretap.get_or_insert_with(|| Wiretap::new(config.protocol_id, config.cipher));
        }
        self.listens.push(checker.listens());
        self.checkers.push(checker);
    }

    /// From now on it is looked, or not.
    pub(super) fn enable(&mut self, is_enabled: bool, engine: &Engine) {
        if is_enabled && !self.is_enabled {
            self.checkers.iter_mut().for_each(|checker| checker.on_resumed(engine));
        }
        self.is_enabled = is_enabled;
        self.wiretap.iter_mut().for_each(Wiretap::lose_thread);
    }

    /// How much each has looked at.
    pub(super) fn looked(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.checkers.iter().map(|checker| (checker.name(), checker.looked()))
    }

    pub(super) fn on_token(&mut self, client_id: ClientId, secrets: &TokenSecrets) {
        self.checkers.iter_mut().for_each(|checker| checker.on_token(client_id, secrets));
        self.wiretap.iter_mut().for_each(|wiretap| wiretap.on_token(client_id, secrets));
    }

    pub(super) fn on_sent(&mut self, sent: &Sent<'_>, engine: &Engine) -> Result<(), Violation> {
        self.all(engine, |checker| checker.on_sent(sent, engine))?;
        let Self { checkers, listens, meant, wiretap: Some(wiretap), is_enabled: true, .. } = self else {
            return Ok(());
        };
        let Some(said) = wiretap.on_sent(sent, engine) else { return Ok(()) };
        let ears = Ears { engine, meant };
        ask(listening(checkers, listens), engine, |checker| checker.on_said(said, &ears))
    }

    pub(super) fn on_delivering(&mut self, client: &Client<I>) {
        if self.is_enabled {
            self.checkers.iter_mut().for_each(|checker| checker.on_delivering(client));
        }
    }

    pub(super) fn on_delivered(
        &mut self,
        player: &Player<I>,
        datagram: &[u8],
        engine: &Engine,
    ) -> Result<(), Violation> {
        self.all(engine, |checker| checker.on_delivered(player, datagram, engine))?;
        let Self { checkers, listens, wiretap: Some(wiretap), is_enabled: true, .. } = self else { return Ok(()) };
        let Some(said) = wiretap.on_delivered(player.client_id, datagram) else { return Ok(()) };
        let found = ask(listening(checkers, listens), engine, |checker| checker.on_heard(&said, player));
        wiretap.give_back(said);
        found
    }

    pub(super) fn on_event(
        &mut self,
        player: &Player<I>,
        event: &ClientEvent,
        engine: &Engine,
    ) -> Result<(), Violation> {
        self.all(engine, |checker| checker.on_event(player, event))
    }

    /// A datagram reaches the server, of this player if it is one's.
    pub(super) fn on_arriving(&mut self, arriving: &Arriving<'_>, player: Option<ClientId>, engine: &Engine) {
        if !self.is_enabled {
            return;
        }
        let Self { checkers, listens, wiretap, .. } = self;
        checkers.iter_mut().for_each(|checker| checker.on_arriving(arriving, engine));
        let Some(wiretap) = wiretap else { return };
        if let Some(said) = wiretap.on_arrived(player, arriving.from, arriving.datagram) {
            listening(checkers, listens).for_each(|checker| checker.on_arrived(&said));
            wiretap.give_back(said);
        }
    }

    pub(super) fn on_taken(&mut self, engine: &Engine) -> Result<(), Violation> {
        self.all(engine, |checker| checker.on_taken(engine))
    }

    pub(super) fn on_tick(
        &mut self,
        engine: &Engine,
        players: &[Player<I>],
        now: Instant,
        turn: Turn,
    ) -> Result<(), Violation> {
        if !self.is_enabled {
            return Ok(());
        }
        let mut meant = std::mem::take(&mut self.meant);
        meant.remember(engine, players.iter().map(|player| player.client_id));
        let scene = Scene { engine, players, meant: &meant, now, turn, look_every_ticks: self.look_every_ticks };
        let found = self.all(engine, |checker| checker.on_tick(&scene));
        self.meant = meant;
        found
    }

    /// The first violation, if there is one, and it is looked.
    fn all(
        &mut self,
        engine: &Engine,
        look: impl FnMut(&mut dyn Checker<I>) -> Result<(), String>,
    ) -> Result<(), Violation> {
        if self.is_enabled { ask(self.checkers.iter_mut(), engine, look) } else { Ok(()) }
    }
}

/// Those of the checkers that listen.
fn listening<'a, I: Input>(
    checkers: &'a mut [Box<dyn Checker<I>>],
    listens: &[bool],
) -> impl Iterator<Item = &'a mut Box<dyn Checker<I>>> {
    checkers.iter_mut().zip(listens).filter(|(_, listens)| **listens).map(|(checker, _)| checker)
}

/// The first violation, if there is one.
fn ask<'a, I: Input>(
    mut checkers: impl Iterator<Item = &'a mut Box<dyn Checker<I>>>,
    engine: &Engine,
    mut look: impl FnMut(&mut dyn Checker<I>) -> Result<(), String>,
) -> Result<(), Violation> {
    checkers.try_for_each(|checker| {
        let found = look(checker.as_mut());
        found.map_err(|what| Violation { invariant: checker.name(), tick: engine.tick_number(), what })
    })
}
