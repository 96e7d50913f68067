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
}

/// Who plays: one kind, or several by weight, as in `wander=3,fight=1`.
pub type BotMix = Mix<BotKind>;

impl Kind for BotKind {
    const ALL: &'static [Self] = &[Self::Wander, Self::Fight, Self::Idle, Self::Gather];
    const NOUN: &'static str = "bot";
    const STRIDE: f64 = 0.618_033_988_749_894_8;

    fn name(self) -> &'static str {
        match self {
            Self::Wander => "wander",
            Self::Fight => "fight",
            Self::Idle => "idle",
            Self::Gather => "gather",
        }
    }
}
