use tidelock::Tick;

/// The client held something else than the server said, forgot everything, and asks for all of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resync {
    /// Of the snapshot that did not verify. What it and those before it brought is forgotten.
    tick: Tick,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The server is still to be told.
    Telling,
    /// The message is under way: the last before this mark of the connection's messages.
    Told(u64),
    /// The server knows: whatever it sends from then on starts from nothing.
    Heard,
}

impl Resync {
    pub(super) const fn new(tick: Tick) -> Self {
        Self { tick, state: State::Telling }
    }

    /// Whether datagrams may still build on what is forgotten.
    pub(super) fn is_pending(&self) -> bool {
        self.state != State::Heard
    }

    /// Whether a snapshot of `tick` is from before: what it would bring could not be told apart from what was forgotten.
    pub(super) const fn forgot(&self, tick: Tick) -> bool {
        !tick.is_newer_than(self.tick)
    }

    /// What the server is to be told.
    pub(super) fn to_tell(self) -> Option<Tick> {
        (self.state == State::Telling).then_some(self.tick)
    }

    /// The mark up to which messages must be delivered for the server to know.
    pub(super) const fn told(self) -> Option<u64> {
        match self.state {
            State::Told(mark) => Some(mark),
            _ => None,
        }
    }

    pub(super) const fn on_told(&mut self, mark: u64) {
        self.state = State::Told(mark);
    }

    pub(super) const fn on_heard(&mut self) {
        self.state = State::Heard;
    }
}
