//! The two datagrams whose form is the same in every version of the protocol, so that a client and a server of different
//! versions can still tell each other. Where other datagrams have their version, in the low 4 bits, these have a value
//! that is no version.
//!
//! ```text
//! greeting   14 u4 | 0 u4 | "TIDELOCK" 8 bytes | version u16      from a client
//! farewell   15 u4 | kind u4 | reason u8                           from the server
//! ```
//!
//! Numbers are little-endian. What follows in a longer datagram is left to later versions, and ignored.

use super::reason::{CloseReason, RejectReason};

const GREETING: u8 = 14;
const FAREWELL: u8 = 15;
const MAGIC: &[u8; 8] = b"TIDELOCK";

/// Which version a client speaks. Sent beside the hello until the server answers, for a server that cannot read that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// [`WIRE_VERSION`](super::WIRE_VERSION) of the client.
    pub version: u16,
}

impl Greeting {
    /// Its length.
    pub const BYTES: usize = 11;

    /// Writes it.
    #[must_use]
    pub fn write(self) -> [u8; Self::BYTES] {
        let mut bytes = [GREETING; Self::BYTES];
        bytes[1..9].copy_from_slice(MAGIC);
        bytes[9..].copy_from_slice(&self.version.to_le_bytes());
        bytes
    }

    /// Reads it; `None` if the datagram is something else.
    #[must_use]
    pub fn read(datagram: &[u8]) -> Option<Self> {
        let (head, rest) = datagram.split_first_chunk::<9>()?;
        let version = rest.first_chunk()?;
        (head[0] == GREETING && head[1..] == MAGIC[..]).then(|| Self { version: u16::from_le_bytes(*version) })
    }
}

/// The server's last word, said several times: no ack is waited for, as the one spoken to may understand nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// The client is not let in.
    Rejected(RejectReason),
    /// The connection is over.
    Closed(CloseReason),
}

impl Farewell {
    /// Its length.
    pub const BYTES: usize = 2;

    /// Writes it.
    #[must_use]
    pub const fn write(self) -> [u8; Self::BYTES] {
        match self {
            Self::Rejected(reason) => [FAREWELL, reason as u8],
            Self::Closed(reason) => [FAREWELL | 1 << 4, reason as u8],
        }
    }

    /// Reads it; `None` if the datagram is something else.
    #[must_use]
    pub fn read(datagram: &[u8]) -> Option<Self> {
        let [head, reason] = *datagram.first_chunk()?;
        match (head & 0xF, head >> 4) {
            (FAREWELL, 0) => Some(Self::Rejected(RejectReason::from_code(reason))),
            (FAREWELL, 1) => Some(Self::Closed(CloseReason::from_code(reason))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// A later version may say more.
    fn longer(bytes: &[u8]) -> Vec<u8> {
        [bytes, &[1, 2, 3]].concat()
    }

    #[test]
    fn a_greeting_comes_back() {
        for version in [0, 1, u16::MAX] {
            let greeting = Greeting { version };
            assert_eq!(Greeting::read(&greeting.write()), Some(greeting));
            assert_eq!(Greeting::read(&longer(&greeting.write())), Some(greeting));
            assert_eq!(Greeting::read(&greeting.write()[..10]), None);
            assert_eq!(Farewell::read(&greeting.write()), None);
        }
    }

    #[test]
    fn what_is_not_quite_a_greeting_is_none() {
        for at in 0..9 {
            let mut bytes = Greeting { version: 1 }.write();
            bytes[at] ^= 0x20;
            assert_eq!(Greeting::read(&bytes), None, "byte {at}");
        }
    }

    #[test]
    fn every_farewell_comes_back() {
        let rejected = RejectReason::ALL.iter().copied().map(Farewell::Rejected);
        for farewell in rejected.chain(CloseReason::ALL.iter().copied().map(Farewell::Closed)) {
            assert_eq!(Farewell::read(&farewell.write()), Some(farewell));
            assert_eq!(Farewell::read(&longer(&farewell.write())), Some(farewell));
            assert_eq!(Farewell::read(&farewell.write()[..1]), None);
            assert_eq!(Greeting::read(&longer(&farewell.write())), None);
        }
    }

    #[test]
    fn a_reason_from_the_future_is_unknown() {
        assert_eq!(Farewell::read(&[0x0F, 200]), Some(Farewell::Rejected(RejectReason::Unknown)));
        assert_eq!(Farewell::read(&[0x1F, 200]), Some(Farewell::Closed(CloseReason::Unknown)));
        assert_eq!(Farewell::read(&[0x2F, 1]), None);
    }
}
