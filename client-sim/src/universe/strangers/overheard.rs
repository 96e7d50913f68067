use super::super::{Packet, SERVER};
use crate::link::Rng;
use core::net::SocketAddr;
use std::collections::BTreeMap;

/// What an eavesdropper has heard of players' packets to the server: the newest, and all that is not harmful to repeat.
///
/// A connect token belongs to the first address that presents it. So a request is kept back until its player is connected:
/// who presents it before takes the token from him, and no server could tell.
#[derive(Debug, Default)]
pub(super) struct Overheard {
    packets: Vec<Packet>,
    /// Where the next goes, once there are as many as are kept.
    next: usize,
    /// The newest request of who is not connected.
    requests: BTreeMap<SocketAddr, Packet>,
}

const PACKETS_MAX: usize = 512;
const REQUEST: u8 = 0;
const KEEP_ALIVE: u8 = 4;
const PAYLOAD: u8 = 5;

impl Overheard {
    /// Takes note of a packet; gives those that are not harmful to repeat from now on.
    pub(super) fn on_packet(&mut self, packet: &Packet) -> Option<Packet> {
        let kind = packet.datagram.first()? & 0xF;
        if packet.from == SERVER {
            if kind != KEEP_ALIVE && kind != PAYLOAD {
                return None;
            }
            let request = self.requests.remove(&packet.to)?;
            self.keep(request.clone());
            return Some(request);
        }
        if packet.to != SERVER {
            return None;
        }
        if packet.datagram[0] == REQUEST {
            self.requests.insert(packet.from, packet.clone());
            return None;
        }
        self.keep(packet.clone());
        Some(packet.clone())
    }

    /// Any of them.
    pub(super) fn any(&self, rng: &mut Rng) -> Option<&Packet> {
        (!self.packets.is_empty()).then(|| &self.packets[rng.below(self.packets.len() as u64) as usize])
    }

    fn keep(&mut self, packet: Packet) {
        if self.packets.len() < PACKETS_MAX {
            self.packets.push(packet);
        } else {
            self.packets[self.next] = packet;
            self.next = (self.next + 1) % PACKETS_MAX;
        }
    }
}
