use core::net::SocketAddr;

use super::{Slot, session::Session};
use crate::netcode::PAYLOAD_BYTES_MAX;
use crate::netcode::cipher::Protocol;
use crate::netcode::packet::Body;

/// The clients of some slots, to seal payloads for them: those of one server can be shared out among threads.
///
/// [`Server::sent`](super::Server::sent) is to hear of each client for whom something was sealed.
pub struct Sealers<'a> {
    sessions: &'a mut [Option<Session>],
    /// The slot of the first of them.
    first: usize,
    protocol: Protocol,
}

impl<'a> Sealers<'a> {
    pub(super) const fn new(sessions: &'a mut [Option<Session>], protocol: Protocol) -> Self {
        Self { sessions, first: 0, protocol }
    }

    /// Those below a slot, and the others.
    ///
    /// # Panics
    /// If the slot is none of these, nor the one after the last.
    #[must_use]
    pub fn split_at(self, slot: usize) -> (Self, Self) {
        let (below, others) = self.sessions.split_at_mut(slot - self.first);
        let of = |sessions, first| Self { sessions, first, protocol: self.protocol };
        (of(below, self.first), of(others, slot))
    }

    /// Encrypts a payload for a client into `out`; gives the packet's length and where to send it. `None` if the slot is
    /// none of these, or has no client.
    ///
    /// # Panics
    /// If the payload is empty or longer than [`PAYLOAD_BYTES_MAX`], or does not fit `out`.
    pub fn seal(&mut self, slot: Slot, payload: &[u8], out: &mut [u8]) -> Option<(usize, SocketAddr)> {
        assert!((1..=PAYLOAD_BYTES_MAX).contains(&payload.len()), "a payload has 1 to {PAYLOAD_BYTES_MAX} bytes");
        let session = self.sessions.get_mut(slot.index().checked_sub(self.first)?)?.as_mut()?;
        Some((session.seal(Body::Payload(payload), out, self.protocol), session.address))
    }
}
