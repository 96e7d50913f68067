//! What must hold in a universe, whatever happens: one invariant a file.

mod amplification;
mod bounds;
mod converged;
#[cfg(test)]
mod fixture;
mod heartbeats;
mod ids;
mod interest;
mod meant;
mod refusals;
mod sound;
mod versions;
mod whole;

pub use amplification::Amplification;
pub use bounds::Bounds;
pub use heartbeats::Heartbeats;
pub use ids::Ids;
pub use interest::InterestOnly;
pub use meant::{Meant, StreamKey};
pub use refusals::Refusals;
pub use sound::Sound;
pub use versions::EqualVersions;
pub use whole::WholeViews;

pub(super) use converged::converged;

use super::Player;
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

    /// A player has taken a datagram that the server sent.
    ///
    /// # Errors
    /// What is wrong.
    fn on_delivered(&mut self, player: &Player<I>, datagram: &[u8], engine: &Engine) -> Result<(), String> {
        let _ = (player, datagram, engine);
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
    meant: Meant,
    enabled: bool,
}

impl<I: Input> Checks<I> {
    /// Those that any game must pass.
    pub(super) fn new() -> Self {
        let checkers: Vec<Box<dyn Checker<I>>> = vec![
            Box::<EqualVersions>::default(),
            Box::<InterestOnly>::default(),
            Box::<WholeViews>::default(),
            Box::<Ids>::default(),
            Box::<Bounds>::default(),
            Box::<Heartbeats>::default(),
            Box::<Refusals>::default(),
            Box::<Amplification>::default(),
        ];
        Self { checkers, meant: Meant::default(), enabled: true }
    }

    pub(super) fn set_enabled(&mut self, enabled: bool, engine: &Engine) {
        if enabled && !self.enabled {
            self.checkers.iter_mut().for_each(|checker| checker.on_resumed(engine));
        }
        self.enabled = enabled;
    }

    pub(super) fn add(&mut self, checker: Box<dyn Checker<I>>) {
        self.checkers.push(checker);
    }

    /// How much each has looked at.
    pub(super) fn looked(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.checkers.iter().map(|checker| (checker.name(), checker.looked()))
    }

    pub(super) fn on_token(&mut self, client_id: ClientId, secrets: &TokenSecrets) {
        self.checkers.iter_mut().for_each(|checker| checker.on_token(client_id, secrets));
    }

    pub(super) fn on_sent(&mut self, sent: &Sent<'_>, engine: &Engine) -> Result<(), Violation> {
        self.all(engine, |checker| checker.on_sent(sent, engine))
    }

    pub(super) fn on_delivered(
        &mut self,
        player: &Player<I>,
        datagram: &[u8],
        engine: &Engine,
    ) -> Result<(), Violation> {
        self.all(engine, |checker| checker.on_delivered(player, datagram, engine))
    }

    pub(super) fn on_arriving(&mut self, arriving: &Arriving<'_>, engine: &Engine) {
        if self.enabled {
            self.checkers.iter_mut().for_each(|checker| checker.on_arriving(arriving, engine));
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
        if !self.enabled {
            return Ok(());
        }
        let mut meant = std::mem::take(&mut self.meant);
        meant.remember(engine, players.iter().map(|player| player.client_id));
        let scene = Scene { engine, players, meant: &meant, now, turn };
        let found = self.all(engine, |checker| checker.on_tick(&scene));
        self.meant = meant;
        found
    }

    /// The first violation, if there is one.
    fn all(
        &mut self,
        engine: &Engine,
        mut look: impl FnMut(&mut dyn Checker<I>) -> Result<(), String>,
    ) -> Result<(), Violation> {
        if !self.enabled {
            return Ok(());
        }
        self.checkers.iter_mut().try_for_each(|checker| {
            let found = look(checker.as_mut());
            found.map_err(|what| Violation { invariant: checker.name(), tick: engine.tick_number(), what })
        })
    }
}
