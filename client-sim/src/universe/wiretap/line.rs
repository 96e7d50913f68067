use super::under_way::UnderWay;
use tidelock::ClientId;
use tidelock::netcode::{Eavesdropper, Side};
use tidelock::wire::{ClientMessage, MESSAGE_BYTES_MAX, ReliableReceiver};

/// Names a connection: those of all clients are counted from 0, in the order in which tokens were made for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineId(pub usize);

/// One connection as it is overheard.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) client_id: ClientId,
    pub(super) ears: Eavesdropper,
    /// Whether all that was said on it was heard.
    pub(super) is_followed: bool,
    ways: [Way; 2],
}

/// One direction.
#[derive(Debug)]
pub(super) struct Way {
    /// The sequence that the next datagram is to have.
    pub(super) next: u64,
    /// Hears every datagram, in the order in which they were sent.
    pub(super) messages: ReliableReceiver,
    pub(super) under_way: UnderWay,
}

impl Line {
    pub(super) fn new(client_id: ClientId, ears: Eavesdropper) -> Self {
        let way =
            |bytes_max| Way { next: 0, messages: ReliableReceiver::new(bytes_max), under_way: UnderWay::default() };
        let ways = [way(ClientMessage::BYTES_MAX), way(MESSAGE_BYTES_MAX)];
        Self { client_id, ears, is_followed: true, ways }
    }

    pub(super) fn way(&self, from: Side) -> &Way {
        &self.ways[from as usize]
    }

    pub(super) fn way_mut(&mut self, from: Side) -> &mut Way {
        &mut self.ways[from as usize]
    }

    /// Nobody listens any more.
    pub(super) fn retire(&mut self) {
        self.is_followed = false;
        self.ways.iter_mut().for_each(|way| way.under_way = UnderWay::default());
    }
}
