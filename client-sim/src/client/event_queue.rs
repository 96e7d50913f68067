use super::event::ClientEvent;
use std::collections::VecDeque;
use tidelock::Buffer;
use tidelock::wire::{DATAGRAM_BYTES_MAX, MESSAGE_BYTES_MAX, ReliableReceiver};

/// What waits for the game to look at it.
///
/// A game that does not look for long misses news, such as that a snapshot came or how long a round trip was, and events that may
/// get lost anyway. What came reliably is never dropped: when there may be no room for what one more datagram brings, none is taken
/// that brings such messages ([`EventQueue::has_room`]). So they are not acknowledged, and come again until the game looks, or the server
/// gives up on a client that is too slow.
#[derive(Debug, Default)]
pub(super) struct EventQueue {
    /// Each with whether it is kept at any price.
    events: VecDeque<(ClientEvent, bool)>,
    /// How many of them are.
    kept: usize,
    kept_bytes: usize,
}

/// News that may wait.
const NEWS_MAX: usize = 4_096;
/// The most messages that a single datagram completes.
const COMPLETED_MAX: usize = ReliableReceiver::MESSAGES_MAX;
/// What is kept at any price.
const KEPT_MAX: usize = 4 * COMPLETED_MAX;
/// The most bytes that a single datagram completes: a longest message, and what came before its time.
const COMPLETED_BYTES_MAX: usize = MESSAGE_BYTES_MAX + 64 * DATAGRAM_BYTES_MAX;
/// Bytes of events that are kept at any price.
const KEPT_BYTES_MAX: usize = 4 * COMPLETED_BYTES_MAX;

impl EventQueue {
    /// Whether there is room for all messages that one more datagram can bring.
    pub(super) const fn has_room(&self) -> bool {
        self.kept + COMPLETED_MAX <= KEPT_MAX && self.kept_bytes + COMPLETED_BYTES_MAX <= KEPT_BYTES_MAX
    }

    /// Adds what may be missed. False if it is.
    pub(super) fn push_news(&mut self, event: ClientEvent) -> bool {
        let has_room = self.events.len() - self.kept < NEWS_MAX;
        if has_room {
            self.events.push_back((event, false));
        }
        has_room
    }

    /// Adds what must not be missed: a message, for which there was room, or one of the few events that a connection has. False if
    /// a game that never looked has so many of these that it is missed all the same.
    pub(super) fn push(&mut self, event: ClientEvent) -> bool {
        let has_room = self.kept < KEPT_MAX;
        if has_room {
            self.kept += 1;
            self.kept_bytes += bytes(&event);
            self.events.push_back((event, true));
        }
        has_room
    }

    /// The next.
    pub(super) fn poll(&mut self) -> Option<ClientEvent> {
        let (event, is_kept) = self.events.pop_front()?;
        if is_kept {
            self.kept -= 1;
            self.kept_bytes -= bytes(&event);
        }
        Some(event)
    }

    /// How much waits.
    pub(super) fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        see(Buffer { name: "client's events", len: self.events.len(), max: NEWS_MAX + KEPT_MAX });
        see(Buffer { name: "client's events, bytes", len: self.kept_bytes, max: KEPT_BYTES_MAX });
    }
}

/// What an event takes besides its place.
fn bytes(event: &ClientEvent) -> usize {
    match event {
        ClientEvent::Event { body, .. } | ClientEvent::Joined { payload: body, .. } => body.len(),
        _ => 0,
    }
}
