use super::hash::hash;
use core::net::SocketAddr;

/// Listens on the wire: sums up every datagram, and keeps them if asked to.
#[derive(Debug, Default)]
pub(super) struct Tap {
    /// Over every datagram that anybody sent: equal for equal seeds.
    digest: u64,
    packets: Option<Vec<Packet>>,
    /// For strangers, if there are any.
    overheard: Option<Vec<Packet>>,
}

/// A datagram as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Who sent it.
    pub from: SocketAddr,
    /// Whom it was sent to.
    pub to: SocketAddr,
    /// Its bytes.
    pub datagram: Vec<u8>,
}

/// Packets kept at once; more are not.
const PACKETS_MAX: usize = 1 << 16;

impl Tap {
    pub(super) fn on_sent(&mut self, from: SocketAddr, to: SocketAddr, datagram: &[u8]) {
        self.digest = hash(self.digest, datagram);
        if let Some(overheard) = &mut self.overheard {
            overheard.push(Packet { from, to, datagram: datagram.to_vec() });
        }
        if let Some(packets) = self.packets.as_mut().filter(|packets| packets.len() < PACKETS_MAX) {
            packets.push(Packet { from, to, datagram: datagram.to_vec() });
        }
    }

    /// A stranger sent something: it counts as any other, but is not heard.
    pub(super) fn on_stranger(&mut self, datagram: &[u8]) {
        self.digest = hash(self.digest, datagram);
    }

    /// From now on keeps what is sent for strangers too.
    pub(super) fn overhear(&mut self) {
        self.overheard.get_or_insert_default();
    }

    /// What was sent since this was last asked.
    pub(super) fn take_overheard(&mut self) -> Vec<Packet> {
        self.overheard.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(super) const fn digest(&self) -> u64 {
        self.digest
    }

    pub(super) fn open(&mut self) {
        self.packets.get_or_insert_default();
    }

    pub(super) fn take(&mut self) -> Vec<Packet> {
        self.packets.as_mut().map(std::mem::take).unwrap_or_default()
    }
}
