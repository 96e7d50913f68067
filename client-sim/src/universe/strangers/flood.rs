use super::super::Packet;
use crate::link::Rng;
use core::net::{IpAddr, SocketAddr};

/// What strangers send who mean harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloodKind {
    /// Random bytes of random lengths.
    Garbage,
    /// Genuine packets again, from the addresses they came from and from others.
    Replays,
    /// Connection requests that are right in all that can be checked without a key, each from another address.
    ForgedRequests,
    /// Connection requests with good tokens, whose challenges nobody answers.
    HalfOpen,
    /// Packets of each type, cut or too long.
    WrongSizes,
    /// Well-formed packets from addresses of connected players, sealed with no key of theirs.
    WrongTags,
}

impl FloodKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Garbage, Self::Replays, Self::ForgedRequests, Self::HalfOpen, Self::WrongSizes, Self::WrongTags];

    /// The kind in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Garbage => "garbage",
            Self::Replays => "replays",
            Self::ForgedRequests => "forged_requests",
            Self::HalfOpen => "half_open",
            Self::WrongSizes => "wrong_sizes",
            Self::WrongTags => "wrong_tags",
        }
    }
}

/// What an attacker has learned or bought.
#[derive(Clone, Debug)]
pub struct Loot {
    /// Packets that players sent to the server, connection requests among them.
    pub genuine: Vec<Packet>,
    /// Connection requests with good tokens that were not used yet.
    pub requests: Vec<Vec<u8>>,
}

/// Hostile datagrams of one kind, without end.
#[derive(Debug)]
pub struct Flood {
    kind: FloodKind,
    loot: Loot,
    /// A request of the loot: its first bytes are right for everybody.
    request: Vec<u8>,
    rng: Rng,
    made: usize,
    learned: usize,
    datagram: Vec<u8>,
}

/// From how many addresses strangers send.
pub const STRANGERS: usize = 1 << 16;

/// The address of a stranger.
#[must_use]
pub fn stranger_address(number: u16) -> SocketAddr {
    let [high, low] = number.to_be_bytes();
    SocketAddr::from(([172, 16, high, low], 4_000))
}

/// Which stranger has this address, if it is one's.
#[must_use]
pub fn stranger_number(address: SocketAddr) -> Option<u16> {
    match address.ip() {
        IpAddr::V4(ip) if ip.octets()[..2] == [172, 16] => Some(ip.to_bits() as u16),
        _ => None,
    }
}

/// Genuine packets that are kept of those learned.
const GENUINE_MAX: usize = 512;
/// The longest datagram, longer than any packet.
const BYTES_MAX: u64 = 1_500;
/// `[0] [version 13] [protocol id u64] [expire u64]` is open in a request.
const REQUEST_OPEN_BYTES: usize = 30;
const REQUEST_BYTES: usize = 1_078;
const TAG_BYTES: usize = 16;

impl Flood {
    /// A flood that differs with its seed.
    ///
    /// # Panics
    /// If there is no request among the genuine packets, or none with a good token.
    #[must_use]
    pub fn new(kind: FloodKind, loot: Loot, seed: u64) -> Self {
        assert!(!loot.requests.is_empty(), "good tokens are part of the loot");
        let mut genuine = loot.genuine.iter().map(|packet| &packet.datagram);
        let request = genuine.find(|datagram| datagram.len() == REQUEST_BYTES).expect("somebody has connected").clone();
        Self { kind, loot, request, rng: Rng::stream(seed, 17), made: 0, learned: 0, datagram: Vec::new() }
    }

    /// Genuine packets are as good as any others: the newest are kept.
    pub fn learn(&mut self, packet: Packet) {
        let genuine = &mut self.loot.genuine;
        if genuine.len() >= GENUINE_MAX {
            let oldest = self.learned % genuine.len();
            genuine[oldest] = packet;
        } else {
            genuine.push(packet);
        }
        self.learned += 1;
    }

    /// The next datagram, and where it seems to come from.
    pub fn make(&mut self) -> (SocketAddr, &[u8]) {
        self.made += 1;
        self.datagram.clear();
        let from = match self.kind {
            FloodKind::Garbage => self.garbage(),
            FloodKind::Replays => self.replay(),
            FloodKind::ForgedRequests => self.forged_request(),
            FloodKind::HalfOpen => self.half_open(),
            FloodKind::WrongSizes => self.wrong_size(),
            FloodKind::WrongTags => self.wrong_tag(),
        };
        (from, &self.datagram)
    }

    fn garbage(&mut self) -> SocketAddr {
        let bytes = self.rng.below(BYTES_MAX + 1) as usize;
        self.random_bytes(bytes);
        if self.rng.below(8) == 0 { self.genuine().from } else { self.stranger() }
    }

    fn replay(&mut self) -> SocketAddr {
        let packet = self.genuine();
        let from = packet.from;
        self.datagram.extend_from_slice(&packet.datagram);
        if self.rng.below(2) == 0 { from } else { self.stranger() }
    }

    fn forged_request(&mut self) -> SocketAddr {
        self.datagram.extend_from_slice(&self.request[..REQUEST_OPEN_BYTES]);
        self.random_bytes(REQUEST_BYTES - REQUEST_OPEN_BYTES);
        self.stranger()
    }

    fn half_open(&mut self) -> SocketAddr {
        let number = self.made % self.loot.requests.len();
        self.datagram.extend_from_slice(&self.loot.requests[number]);
        stranger_address(number as u16)
    }

    fn wrong_size(&mut self) -> SocketAddr {
        let kind = (self.made % 7) as u8;
        let packet = self.genuine();
        let from = packet.from;
        self.datagram.extend_from_slice(if kind == 0 { &self.request } else { &packet.datagram });
        if kind > 0 {
            self.datagram[0] = self.datagram[0].max(0x10) & 0xf0 | kind;
            // What follows the sequence: nothing, a challenge, indices, or a payload of the greatest length.
            let body_bytes = [0, 0, 308, 308, 8, 1_200, 0][usize::from(kind)];
            let bytes = 1 + usize::from(self.datagram[0] >> 4) + body_bytes + TAG_BYTES;
            self.datagram.resize(bytes, 0x5a);
        }
        // A payload may be shorter, but not as short as that.
        let cut_to = if kind == 5 { 1 + 8 + TAG_BYTES as u64 - 7 } else { self.datagram.len() as u64 };
        if self.rng.below(2) == 0 {
            let bytes = self.rng.below(cut_to) as usize;
            self.datagram.truncate(bytes);
        } else {
            let extra = 1 + self.rng.below(BYTES_MAX - self.datagram.len() as u64) as usize;
            self.random_bytes(extra);
        }
        if self.rng.below(2) == 0 { from } else { self.stranger() }
    }

    fn wrong_tag(&mut self) -> SocketAddr {
        let (kind, body_bytes) = match self.rng.below(8) {
            0 => (3, 308),
            1 => (4, 8),
            2 => (6, 0),
            _ => (5, 1 + self.rng.below(1_200) as usize),
        };
        // Six bytes of sequence: newer than anything genuine.
        self.datagram.push(0x60 | kind);
        self.random_bytes(6 + body_bytes + TAG_BYTES);
        self.genuine().from
    }

    /// Any packet of the loot.
    fn genuine(&mut self) -> Packet {
        self.loot.genuine[self.rng.below(self.loot.genuine.len() as u64) as usize].clone()
    }

    fn stranger(&mut self) -> SocketAddr {
        stranger_address(self.rng.next_u64() as u16)
    }

    fn random_bytes(&mut self, count: usize) {
        let end = self.datagram.len() + count;
        while self.datagram.len() < end {
            self.datagram.extend_from_slice(&self.rng.next_u64().to_le_bytes());
        }
        self.datagram.truncate(end);
    }
}
