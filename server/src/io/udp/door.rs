use super::known::KnownAddresses;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tidelock::netcode::{DropReason, Shape};

/// Decides, before a datagram takes any room, whether it can be a packet at all, and whose room it takes.
#[derive(Debug)]
pub(super) struct Door {
    protocol_id: u64,
    pub(super) known: KnownAddresses,
    refused: [AtomicU64; DropReason::ALL.len()],
    refused_bytes: AtomicU64,
}

/// Whose room a datagram takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// That of those who are connected, with the place of the address.
    Players {
        /// In [`KnownAddresses`].
        place: usize,
    },
    /// That of those who want to be, and of whoever else sends.
    Strangers,
}

impl Door {
    pub(super) fn new(clients_max: usize, protocol_id: u64) -> Self {
        Self {
            protocol_id,
            known: KnownAddresses::new(clients_max),
            refused: [const { AtomicU64::new(0) }; DropReason::ALL.len()],
            refused_bytes: AtomicU64::new(0),
        }
    }

    /// Whose room a datagram takes; `None` if it can be no packet, which is counted.
    pub(super) fn admit(&self, from: SocketAddr, datagram: &[u8]) -> Option<Share> {
        match Shape::of(datagram, self.protocol_id) {
            // A handshake is a stranger's, whatever its address says.
            Ok(Shape::Handshake) => Some(Share::Strangers),
            Ok(Shape::Session) => {
                let place = self.known.place(from);
                Some(if self.known.contains(place) { Share::Players { place } } else { Share::Strangers })
            }
            Err(reason) => {
                self.refused[reason as usize].fetch_add(1, Relaxed);
                self.refused_bytes.fetch_add(datagram.len() as u64, Relaxed);
                None
            }
        }
    }

    /// How many datagrams were refused, in the order of [`DropReason::ALL`].
    pub(super) fn refused(&self) -> impl Iterator<Item = u64> {
        self.refused.iter().map(|count| count.load(Relaxed))
    }

    /// Their bytes.
    pub(super) fn refused_bytes(&self) -> u64 {
        self.refused_bytes.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAYER: ([u8; 4], u16) = ([10, 0, 0, 1], 1);

    fn door() -> Door {
        let door = Door::new(64, 7);
        door.known.note(PLAYER.into());
        door
    }

    #[test]
    fn what_is_no_packet_takes_no_room_and_counts_once() {
        let door = door();
        for datagram in [&[][..], &[0x17; 100], &[0x17; 100], &[0x15; 10], &[0; 50]] {
            assert_eq!(door.admit(PLAYER.into(), datagram), None);
        }
        let refused: Vec<_> = DropReason::ALL.iter().zip(door.refused()).filter(|(_, count)| *count > 0).collect();
        assert_eq!(refused, [(&DropReason::SizeInvalid, 3), (&DropReason::TypeInvalid, 2)]);
        assert_eq!(door.refused_bytes(), 100 + 100 + 10 + 50);
    }

    #[test]
    fn only_session_packets_of_players_take_the_room_of_players() {
        let door = door();
        let (payload, response) = ([0x15; 100], [0x13; 326]);
        assert!(matches!(door.admit(PLAYER.into(), &payload), Some(Share::Players { .. })));
        assert_eq!(door.admit(PLAYER.into(), &response), Some(Share::Strangers));
        let strangers =
            (0..200).filter(|port| door.admit(([10, 0, 0, 2], 1 + port).into(), &payload) == Some(Share::Strangers));
        assert!(strangers.count() > 190, "but for those that share a place");
    }
}
