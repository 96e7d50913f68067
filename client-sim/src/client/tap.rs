use super::ClientEvent;
use std::collections::VecDeque;
use std::time::Duration;
use tidelock::state::{Delivery, EventId};
use tidelock::{Buffer, Instant, Tick};

/// Something that passed a client's edge: a call from outside, or what it told. All of them, in order, are what a client
/// did, and enough to have another do the same. Payloads are those below encryption.
#[derive(Clone, Debug, PartialEq)]
pub enum Tapped {
    /// Netcode's handshake is complete.
    Connected,
    /// A datagram came.
    Received {
        /// Its length.
        bytes: usize,
        /// What was in it, 1 to 1,200 bytes; `None` if it was netcode's own, or refused.
        payload: Option<Vec<u8>>,
    },
    /// [`Client::update`](super::Client::update) was called.
    Updated,
    /// [`Client::tick`](super::Client::tick) was called.
    Ticked {
        /// The tick that the input is for.
        tick: Tick,
        /// How long before now it was due.
        late: Duration,
        /// The input.
        lanes: Vec<u32>,
    },
    /// A datagram of so many bytes went out.
    Sent {
        /// Its length.
        bytes: usize,
    },
    /// An event of the game was queued for the server.
    EventSent {
        /// Which type.
        id: EventId,
        /// How it travels.
        delivery: Delivery,
        /// Encoded.
        body: Vec<u8>,
    },
    /// [`Client::resume`](super::Client::resume) was called.
    Reconnecting,
    /// [`Client::disconnect`](super::Client::disconnect) was called.
    Left,
    /// What [`Client::poll_event`](super::Client::poll_event) gives too, but for the effects of inputs.
    Event(ClientEvent),
    /// Nobody took so many of these in time, and they are lost.
    Missed(u64),
}

/// What passed and was not taken yet. Closed, and then next to nothing, unless somebody listens.
#[derive(Debug, Default)]
pub(super) struct Tap {
    is_open: bool,
    /// Of the last call: what follows from it happens at its time.
    at: Instant,
    waiting: VecDeque<(Instant, Tapped)>,
    missed: u64,
}

/// What may wait to be taken: seconds of a client at work.
const WAITING_MAX: usize = 4096;

impl Tap {
    /// How much nobody took.
    pub(super) fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        see(Buffer { name: "tapped", len: self.waiting.len(), max: WAITING_MAX });
    }

    pub(super) const fn open(&mut self) {
        self.is_open = true;
    }

    /// A call at `at`.
    pub(super) fn on_call(&mut self, at: Instant, tapped: impl FnOnce() -> Tapped) {
        self.at = at;
        self.on(tapped);
    }

    /// What follows from the last call.
    pub(super) fn on(&mut self, tapped: impl FnOnce() -> Tapped) {
        if !self.is_open {
            return;
        }
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back((self.at, tapped()));
        } else {
            self.missed += 1;
        }
    }

    pub(super) fn poll(&mut self) -> Option<(Instant, Tapped)> {
        self.waiting.pop_front().or_else(|| {
            let missed = std::mem::take(&mut self.missed);
            (missed > 0).then_some((self.at, Tapped::Missed(missed)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_tap_keeps_nothing() {
        let mut tap = Tap::default();
        tap.on_call(Instant::from_us(1), || unreachable!("nobody listens"));
        assert_eq!(tap.poll(), None);
    }

    #[test]
    fn what_follows_has_the_time_of_its_call() {
        let mut tap = Tap::default();
        tap.open();
        tap.on_call(Instant::from_us(7), || Tapped::Updated);
        tap.on(|| Tapped::Connected);
        assert_eq!(tap.poll(), Some((Instant::from_us(7), Tapped::Updated)));
        assert_eq!(tap.poll(), Some((Instant::from_us(7), Tapped::Connected)));
        assert_eq!(tap.poll(), None);
    }

    #[test]
    fn what_nobody_takes_is_counted() {
        let mut tap = Tap::default();
        tap.open();
        (0..WAITING_MAX + 3).for_each(|_| tap.on(|| Tapped::Updated));
        assert_eq!(std::iter::from_fn(|| tap.poll()).last(), Some((Instant::default(), Tapped::Missed(3))));
        assert_eq!(tap.poll(), None);
    }
}
