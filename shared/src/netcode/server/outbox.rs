use alloc::collections::VecDeque;
use core::net::SocketAddr;

use crate::Buffer;
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

    /// How much waits to be sent.
    pub(super) fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        see(Buffer { name: "answers to handshakes", len: self.replies.len(), max: self.replies_max });
        see(Buffer { name: "goodbyes", len: self.farewells.len(), max: self.farewells_max });
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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    fn to(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    /// Seals one byte.
    fn byte(byte: u8) -> impl FnOnce(&mut [u8]) -> usize {
        move |out| {
            out[0] = byte;
            1
        }
    }

    fn drain(outbox: &mut Outbox) -> Vec<(u16, u8)> {
        let mut out = [0; CHALLENGE_BYTES_MAX];
        core::iter::from_fn(|| {
            let (len, to) = outbox.poll(&mut out)?;
            assert_eq!(len, 1);
            Some((to.port(), out[0]))
        })
        .collect()
    }

    #[test]
    fn replies_go_first_and_only_as_many_as_there_is_room_for() {
        let mut outbox = Outbox::new(2, 1);
        assert!(outbox.is_empty() && !outbox.is_full());
        outbox.farewell(to(9), byte(9));
        assert!(!outbox.is_empty() && !outbox.is_full());
        for port in 1..=3 {
            outbox.reply(to(port), byte(port as u8));
        }
        assert!(outbox.is_full());
        let expected: Vec<(u16, u8)> =
            [(1, 1), (2, 2)].into_iter().chain(vec![(9, 9); usize::from(FAREWELLS)]).collect();
        assert_eq!(drain(&mut outbox), expected);
        assert!(outbox.is_empty() && !outbox.is_full());
        outbox.reply(to(4), byte(4));
        assert!(!outbox.is_empty());
    }

    #[test]
    fn goodbyes_take_turns_and_the_oldest_makes_room() {
        let mut outbox = Outbox::new(1, 2);
        (1..=3).for_each(|port| outbox.farewell(to(port), byte(port as u8)));
        assert_eq!(drain(&mut outbox), [(2, 2), (3, 3)].repeat(usize::from(FAREWELLS)));
    }
}
