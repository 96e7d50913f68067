use super::{Bot, Fighter, Gatherer, Idler, Wanderer};
use crate::mix::{Kind, Mix};

/// The kinds of bots there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BotKind {
    /// See [`Wanderer`](super::Wanderer).
    Wander,
    /// See [`Fighter`](super::Fighter).
    Fight,
    /// See [`Idler`](super::Idler).
    Idle,
    /// See [`Gatherer`](super::Gatherer).
    Gather,
    /// No player at all: a swarm has it attack the server. Elsewhere it stands where it is.
    Hostile,
}

impl BotKind {
    /// One of this kind. The same seed plays the same way.
    #[must_use]
    pub fn bot(self, seed: u64) -> Box<dyn Bot> {
        match self {
            Self::Wander => Box::new(Wanderer::new(seed)),
            Self::Fight => Box::new(Fighter::new(seed)),
            Self::Idle | Self::Hostile => Box::new(Idler),
            Self::Gather => Box::new(Gatherer::new(seed)),
        }
    }
}

/// Who plays: one kind, or several by weight, as in `wander=3,fight=1`.
pub type BotMix = Mix<BotKind>;

impl Kind for BotKind {
    const ALL: &'static [Self] = &[Self::Wander, Self::Fight, Self::Idle, Self::Gather, Self::Hostile];
    const NOUN: &'static str = "bot";
    const STRIDE: f64 = 0.618_033_988_749_894_8;

    fn name(self) -> &'static str {
        match self {
            Self::Wander => "wander",
            Self::Fight => "fight",
            Self::Idle => "idle",
            Self::Gather => "gather",
            Self::Hostile => "hostile",
        }
    }
}
