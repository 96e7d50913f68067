use super::reliable::SendError;
use crate::Buffer;
use crate::bits::{BitReader, BitWriter, Malformed};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// The longest unreliable message: with the head of a datagram and the longest input it fits one.
pub const UNRELIABLE_BYTES_MAX: usize = 800;

/// Bits of a message beside its bytes: more 1, length 10.
const MESSAGE_HEAD_BITS: usize = 11;
/// Messages in one datagram.
pub(super) const UNRELIABLE_PER_DATAGRAM_MAX: usize = super::DATAGRAM_BITS_MAX / MESSAGE_HEAD_BITS;
/// Messages that may wait.
const WAITING_MAX: usize = 64;
/// Their bytes.
const WAITING_BYTES_MAX: usize = 16 * 1024;

/// Sends messages once each, with the next datagram that has room, or never: what is lost stays lost.
#[derive(Debug, Default)]
pub struct UnreliableSender {
    waiting: VecDeque<Vec<u8>>,
    waiting_bytes: usize,
}

impl UnreliableSender {
    /// Queues a message.
    ///
    /// # Errors
    /// If it is longer than [`UNRELIABLE_BYTES_MAX`], or 64 messages or 16 KiB wait already.
    pub fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        if message.len() > UNRELIABLE_BYTES_MAX {
            return Err(SendError::TooLong(message.len()));
        }
        if self.waiting.len() == WAITING_MAX || self.waiting_bytes + message.len() > WAITING_BYTES_MAX {
            return Err(SendError::Full);
        }
        self.waiting_bytes += message.len();
        self.waiting.push_back(message.to_vec());
        Ok(())
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How much waits.
    pub fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        see(Buffer { name: "unreliable messages", len: self.waiting.len(), max: WAITING_MAX });
        see(Buffer { name: "unreliable messages, bytes", len: self.waiting_bytes, max: WAITING_BYTES_MAX });
    }

    /// Writes as many waiting messages as fit `room_bits`, the oldest first. Takes at least one bit.
    ///
    /// ```text
    /// for each: 1 | length 10 | bytes        then: 0
    /// ```
    pub fn write(&mut self, room_bits: usize, w: &mut BitWriter) {
        let end = w.len_bits() + room_bits;
        while let Some(message) = self.waiting.front()
            && w.len_bits() + MESSAGE_HEAD_BITS + message.len() * 8 < end
        {
            w.write_bool(true);
            w.write(message.len() as u64, 10);
            w.write_bytes(message);
            self.waiting_bytes -= message.len();
            self.waiting.pop_front();
        }
        w.write_bool(false);
    }

    /// Drops what still waits: it would come too late to be worth anything. Returns how many messages that are.
    pub fn drop_waiting(&mut self) -> usize {
        self.waiting_bytes = 0;
        self.waiting.drain(..).count()
    }
}

/// Reads what [`UnreliableSender::write`] wrote, and gives each message to `sink`.
pub fn read_unreliable(r: &mut BitReader<'_>, mut sink: impl FnMut(Vec<u8>)) -> Result<(), Malformed> {
    while r.read_bool()? {
        let len = r.read(10)? as usize;
        if len > UNRELIABLE_BYTES_MAX {
            return Err(Malformed);
        }
        sink(r.read_bytes(len)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Malformed> {
        let mut messages = Vec::new();
        read_unreliable(&mut BitReader::new(bytes), |message| messages.push(message)).map(|()| messages)
    }

    #[test]
    fn what_fits_goes_out_once_and_the_rest_with_the_next() {
        let mut sender = UnreliableSender::default();
        let messages = [vec![1; 10], vec![], vec![3; 700], vec![4; 5]];
        messages.iter().for_each(|message| sender.send(message).unwrap());
        let mut got = Vec::new();
        for datagram in 0..3 {
            let mut w = BitWriter::new();
            // Of a datagram whose room is too small for the third.
            sender.write(if datagram == 0 { 800 } else { 8_000 }, &mut w);
            assert!(w.len_bits() <= 8_000);
            got.push(read(w.finish()).unwrap());
        }
        assert_eq!(got, [messages[..2].to_vec(), messages[2..].to_vec(), vec![]]);
        assert!(sender.is_empty());
    }

    proptest! {
        #[test]
        fn each_goes_out_once_in_order_as_soon_as_it_fits_to_the_bit(
            sizes in prop::collection::vec(0usize..300, 0..50), rooms in prop::collection::vec((0usize..10, 0usize..3), 1..20),
        ) {
            let mut sender = UnreliableSender::default();
            sizes.iter().for_each(|len| sender.send(&vec![9; *len]).unwrap());
            let mut left = &sizes[..];
            for (count, beside) in rooms {
                // What so many take, and the bit that no more follow, or a bit less or more.
                let bits = left.iter().take(count).map(|len| MESSAGE_HEAD_BITS + len * 8).sum::<usize>();
                let room_bits = (bits + beside).max(1);
                let mut w = BitWriter::new();
                sender.write(room_bits, &mut w);
                let len_bits = w.len_bits();
                prop_assert!(len_bits <= room_bits);
                let got = read(w.finish()).unwrap();
                prop_assert!(got.iter().map(Vec::len).eq(left[..got.len()].iter().copied()));
                left = &left[got.len()..];
                prop_assert!(left.first().is_none_or(|next| len_bits + MESSAGE_HEAD_BITS + next * 8 > room_bits));
                prop_assert_eq!((sender.is_empty(), sender.waiting_bytes), (left.is_empty(), left.iter().sum()));
            }
            prop_assert_eq!(sender.drop_waiting(), left.len());
            // All of their room is free again.
            prop_assert_eq!((0..1_000).filter(|_| sender.send(&[7; 800]).is_ok()).count(), WAITING_BYTES_MAX / 800);
        }
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut sender = UnreliableSender::default();
        assert_eq!((0..1_000).filter(|_| sender.send(&[7; 4]).is_ok()).count(), WAITING_MAX);
        assert_eq!((sender.send(&[]), sender.drop_waiting()), (Err(SendError::Full), WAITING_MAX));
        assert_eq!((0..1_000).filter(|_| sender.send(&[7; 800]).is_ok()).count(), WAITING_BYTES_MAX / 800);
        assert_eq!(sender.send(&[7; WAITING_BYTES_MAX % 800]), Ok(()), "to the last byte");
        assert_eq!(sender.send(&[7]), Err(SendError::Full));
        assert_eq!(sender.send(&[0; 801]), Err(SendError::TooLong(801)));
    }

    #[test]
    fn what_is_too_long_or_cut_off_is_malformed() {
        let mut w = BitWriter::new();
        w.write_bool(true);
        w.write(801, 10);
        w.write_bytes(&[0; 801]);
        w.write_bool(false);
        assert_eq!(read(w.finish()), Err(Malformed));
        assert_eq!(read(&[0xFF, 0]), Err(Malformed));
        assert_eq!(read(&[]), Err(Malformed));
    }
}
