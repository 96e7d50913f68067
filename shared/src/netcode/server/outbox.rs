use alloc::collections::VecDeque;
use core::net::SocketAddr;

use crate::netcode::FAREWELLS;
use crate::netcode::packet::{CHALLENGE_BYTES_MAX, EMPTY_BYTES_MAX};

/// Sealed packets that wait to be sent: one answer each to handshakes, and goodbyes, each said ten times.
pub(super) struct Outbox {
    replies: VecDeque<Reply>,
    replies_max: usize,
    farewells: VecDeque<Farewell>,
    farewells_max: usize,
}

struct Reply {
    to: SocketAddr,
    len: usize,
    bytes: [u8; CHALLENGE_BYTES_MAX],
}

/// The same bytes each time: it is the same packet, so that its nonce is not used twice.
struct Farewell {
    to: SocketAddr,
    len: usize,
    bytes: [u8; EMPTY_BYTES_MAX],
    left: u8,
}

impl Outbox {
    pub(super) fn new(replies_max: usize, farewells_max: usize) -> Self {
        Self {
            replies: VecDeque::with_capacity(replies_max),
            replies_max,
            farewells: VecDeque::with_capacity(farewells_max),
            farewells_max,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.replies.is_empty() && self.farewells.is_empty()
    }

    /// Whether another reply would not be kept.
    pub(super) fn is_full(&self) -> bool {
        self.replies.len() >= self.replies_max
    }

    /// Keeps the packet that `seal` writes, unless full.
    pub(super) fn reply(&mut self, to: SocketAddr, seal: impl FnOnce(&mut [u8]) -> usize) {
        if !self.is_full() {
            let mut bytes = [0; CHALLENGE_BYTES_MAX];
            let len = seal(&mut bytes);
            self.replies.push_back(Reply { to, len, bytes });
        }
    }

    /// Keeps the disconnect packet that `seal` writes. One more than there are slots displaces the oldest.
    pub(super) fn farewell(&mut self, to: SocketAddr, seal: impl FnOnce(&mut [u8]) -> usize) {
        if self.farewells.len() >= self.farewells_max {
            self.farewells.pop_front();
        }
        let mut bytes = [0; EMPTY_BYTES_MAX];
        let len = seal(&mut bytes);
        self.farewells.push_back(Farewell { to, len, bytes, left: FAREWELLS });
    }

    /// The next packet. Goodbyes take turns, so that a burst of loss does not take all of one client's.
    pub(super) fn poll(&mut self, out: &mut [u8]) -> Option<(usize, SocketAddr)> {
        if let Some(Reply { to, len, bytes }) = self.replies.pop_front() {
            out[..len].copy_from_slice(&bytes[..len]);
            return Some((len, to));
        }
        let mut farewell = self.farewells.pop_front()?;
        let (to, len) = (farewell.to, farewell.len);
        out[..len].copy_from_slice(&farewell.bytes[..len]);
        farewell.left -= 1;
        if farewell.left > 0 {
            self.farewells.push_back(farewell);
        }
        Some((len, to))
    }
}
