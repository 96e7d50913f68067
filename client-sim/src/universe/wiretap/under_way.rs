use super::Said;
use super::spare::Spare;
use std::collections::VecDeque;

/// What one end of a connection sent and the other did not take yet, by the sequence of its packets.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    first: u64,
    slots: VecDeque<Slot>,
}

#[derive(Debug)]
enum Slot {
    /// A packet that is no payload.
    Nothing,
    UnderWay(Box<Said>, u64),
    Taken(u64),
}

/// What is known of a datagram that comes.
#[derive(Debug)]
pub(super) enum Found {
    /// It was sent, and comes for the first time.
    News(Box<Said>),
    /// It came before.
    Again,
    /// It is too old to matter, or of another connection.
    TooOld,
    /// Nobody sent it.
    Unknown,
}

/// Packets remembered: more than a link holds, and twice as many as netcode would still take.
const SLOTS_MAX: usize = 4096;

impl UnderWay {
    /// A payload is sent, in a later packet than all before. What is forgotten for that is given back.
    pub(super) fn push(&mut self, said: Box<Said>, print: u64, spare: &mut Spare) -> &Said {
        let end = self.first + self.slots.len() as u64;
        let skipped = said.packet.saturating_sub(end);
        if self.slots.is_empty() || skipped >= SLOTS_MAX as u64 {
            self.clear(spare);
            self.first = said.packet;
        } else {
            self.slots.extend((0..skipped).map(|_| Slot::Nothing));
        }
        while self.slots.len() >= SLOTS_MAX {
            self.first += 1;
            if let Some(Slot::UnderWay(said, _)) = self.slots.pop_front() {
                spare.give_back(said);
            }
        }
        self.slots.push_back(Slot::UnderWay(said, print));
        match self.slots.back() {
            Some(Slot::UnderWay(said, _)) => said,
            _ => unreachable!("it was put there"),
        }
    }

    /// A datagram with this fingerprint comes, in the packet of this sequence.
    pub(super) fn take(&mut self, packet: u64, print: u64) -> Found {
        let Some(at) = packet.checked_sub(self.first) else { return Found::TooOld };
        let Some(slot) = usize::try_from(at).ok().and_then(|at| self.slots.get_mut(at)) else { return Found::Unknown };
        match std::mem::replace(slot, Slot::Taken(print)) {
            Slot::UnderWay(said, sent) if sent == print => Found::News(said),
            Slot::Taken(taken) if taken == print => Found::Again,
            other => {
                *slot = other;
                Found::Unknown
            }
        }
    }

    pub(super) fn clear(&mut self, spare: &mut Spare) {
        for slot in self.slots.drain(..) {
            if let Slot::UnderWay(said, _) = slot {
                spare.give_back(said);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(packet: u64) -> Box<Said> {
        Box::new(Said { packet, ..Said::default() })
    }

    #[test]
    fn what_is_under_way_comes_once_and_is_known_after_that() {
        let (mut under_way, mut spare) = (UnderWay::default(), Spare::default());
        for packet in [3, 4, 7] {
            under_way.push(said(packet), packet * 10, &mut spare);
        }
        assert!(matches!(under_way.take(7, 70), Found::News(said) if said.packet == 7));
        assert!(matches!(under_way.take(7, 70), Found::Again));
        assert!(matches!(under_way.take(7, 71), Found::Unknown), "another one under the same sequence");
        assert!(matches!(under_way.take(4, 41), Found::Unknown));
        assert!(matches!(under_way.take(4, 40), Found::News(_)));
        assert!(matches!(under_way.take(5, 50), Found::Unknown), "nobody sent that");
        assert!(matches!(under_way.take(8, 80), Found::Unknown));
        assert!(matches!(under_way.take(1, 10), Found::TooOld));
    }

    #[test]
    fn memory_is_bounded_and_given_back() {
        let (mut under_way, mut spare) = (UnderWay::default(), Spare::default());
        for packet in 0..3 * SLOTS_MAX as u64 {
            under_way.push(said(packet), packet, &mut spare);
        }
        assert_eq!((under_way.slots.len(), spare.len()), (SLOTS_MAX, 2 * SLOTS_MAX));
        under_way.push(said(1 << 40), 0, &mut spare);
        assert_eq!((under_way.slots.len(), spare.len()), (1, 3 * SLOTS_MAX));
    }
}
