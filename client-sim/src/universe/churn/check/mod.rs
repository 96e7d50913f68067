//! What must hold in the full game, which only the game can tell: one invariant a file. Each of them is right about what it
//! finds by the game's chronicle, and knows nothing of how the engine does it.

mod avatars;
mod events;
mod inputs;
mod known;
mod past;
mod payloads;
mod reader;
mod references;
mod roster;
mod secrets;
mod shown;

pub use avatars::Avatars;
pub use events::EventsOnce;
pub use inputs::InputsOnce;
pub use past::PastIsTrue;
pub use payloads::Payloads;
pub use references::References;
pub use roster::RosterSense;
pub use secrets::Secrets;
pub use shown::Shown;

use super::{Churn, Stamp};
use crate::universe::Universe;
use crate::universe::check::Checker;
use known::Known;
use reader::Reader;

/// All of them, for a game.
#[must_use]
pub fn all(game: &Churn) -> Vec<Box<dyn Checker<Stamp>>> {
    let chronicle = &game.chronicle;
    vec![
        Box::new(InputsOnce::new(chronicle)),
        Box::new(Avatars::new(chronicle)),
        Box::new(RosterSense::new(chronicle)),
        Box::new(References::new(chronicle)),
        Box::new(EventsOnce::new(chronicle)),
        Box::new(PastIsTrue::new(chronicle)),
        Box::new(Payloads::new(chronicle)),
        Box::new(Secrets::new(chronicle)),
        Box::new(Shown::new(chronicle)),
    ]
}

impl Churn {
    /// From now on all of these watch over a universe that plays this game. Players come after that: of tokens that were
    /// made before, nobody has heard.
    pub fn watch(&self, universe: &mut Universe<Stamp>) {
        all(self).into_iter().for_each(|checker| universe.add_checker(checker));
    }
}
