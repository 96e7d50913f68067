/// A part of a tick, for measuring where its time goes. The engine owns no clock: it says when a phase ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Taking inputs and running the game.
    Step,
    /// Finding what changed and keeping it as versions.
    Capture,
    /// Choosing what each client sees and writing it.
    Send,
}

impl Phase {
    /// All, in the order in which they end.
    pub const ALL: [Self; 3] = [Self::Step, Self::Capture, Self::Send];

    /// The label in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Capture => "capture",
            Self::Send => "send",
        }
    }
}
