use super::acks::expand;
use crate::Buffer;
use crate::bits::{BitReader, BitWriter, Malformed};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// The longest message.
pub const MESSAGE_BYTES_MAX: usize = super::JOIN_PAYLOAD_BYTES_MAX + 64;

/// The longest fragment: with the head of a datagram and the longest input it fits one.
const FRAGMENT_BYTES_MAX: usize = 800;
/// Fragments that may be under way at once; also what the receiver keeps out of order.
const WINDOW: u64 = 64;
/// Bits of a fragment beside its bytes: more 1, id 16, last 1, length 10.
const FRAGMENT_HEAD_BITS: usize = 28;

/// Sends messages in order, whatever is lost: cuts them into fragments and repeats those that are.
#[derive(Debug, Default)]
pub struct ReliableSender {
    /// Fragments not yet acknowledged, oldest first; `first` is the id of the front.
    fragments: VecDeque<Fragment>,
    first: u64,
    queued_bytes: usize,
}

#[derive(Debug)]
struct Fragment {
    bytes: Vec<u8>,
    last: bool,
    state: State,
    /// The datagrams that carried it, the latest first: on a long way the ack of one that was taken for lost comes when others have
    /// been sent already.
    carriers: [Option<u64>; CARRIERS],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To be sent, or sent again.
    Waiting,
    /// Under way.
    Sent,
    Acked,
}

/// Datagrams of one fragment whose acks count.
const CARRIERS: usize = 4;

/// Why a message cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Longer than [`MESSAGE_BYTES_MAX`].
    #[error("a message of {0} bytes is longer than {MESSAGE_BYTES_MAX}")]
    TooLong(usize),
    /// The peer does not take what is queued already.
    #[error("too many bytes wait for the peer already")]
    Full,
    /// There is no connection to send on.
    #[error("not connected")]
    NotConnected,
}

impl ReliableSender {
    /// The most bytes that wait for acknowledgement: a longest message and as much again.
    pub const QUEUED_BYTES_MAX: usize = 2 * MESSAGE_BYTES_MAX;

    /// Fragments that wait for acknowledgement, after the longest message was added to as many as are no reason to refuse it.
    const FRAGMENTS_MAX: usize = Self::QUEUED_BYTES_MAX / 64 + MESSAGE_BYTES_MAX.div_ceil(FRAGMENT_BYTES_MAX);

    /// How much waits for acknowledgement.
    pub fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        see(Buffer { name: "reliable fragments", len: self.fragments.len(), max: Self::FRAGMENTS_MAX });
        see(Buffer { name: "reliable messages, bytes", len: self.queued_bytes, max: Self::QUEUED_BYTES_MAX });
    }

    /// Queues a message.
    pub fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        if message.len() > MESSAGE_BYTES_MAX {
            return Err(SendError::TooLong(message.len()));
        }
        if self.queued_bytes + message.len() > Self::QUEUED_BYTES_MAX
            || self.fragments.len() > Self::QUEUED_BYTES_MAX / 64
        {
            return Err(SendError::Full);
        }
        self.queued_bytes += message.len();
        let count = message.len().div_ceil(FRAGMENT_BYTES_MAX).max(1);
        for n in 0..count {
            let bytes = &message[n * FRAGMENT_BYTES_MAX..message.len().min((n + 1) * FRAGMENT_BYTES_MAX)];
            self.fragments.push_back(Fragment {
                bytes: bytes.to_vec(),
                last: n + 1 == count,
                state: State::Waiting,
                carriers: [None; CARRIERS],
            });
        }
        Ok(())
    }

    /// Whether everything was acknowledged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fragments.is_empty()
    }

    /// The id that the next fragment will have.
    #[must_use]
    pub fn next_id(&self) -> u64 {
        self.first + self.fragments.len() as u64
    }

    /// Whether every fragment before this id was acknowledged.
    #[must_use]
    pub const fn is_acked_before(&self, id: u64) -> bool {
        id <= self.first
    }

    /// Whether a fragment waits to be sent, for the first time or again.
    #[must_use]
    pub fn wants_to_send(&self) -> bool {
        self.fragments.iter().take(WINDOW as usize).any(|fragment| fragment.state == State::Waiting)
    }

    /// Writes as many waiting fragments as fit `room_bits` into the datagram of `sequence`. Takes at least one bit.
    ///
    /// ```text
    /// for each: 1 | id 16 | last 1 | length 10 | bytes        then: 0
    /// ```
    pub fn write(&mut self, sequence: u64, room_bits: usize, w: &mut BitWriter) {
        let mut left = room_bits.saturating_sub(1);
        for (n, fragment) in self.fragments.iter_mut().take(WINDOW as usize).enumerate() {
            let size = FRAGMENT_HEAD_BITS + fragment.bytes.len() * 8;
            if fragment.state != State::Waiting {
                continue;
            }
            if size > left {
                break;
            }
            left -= size;
            fragment.state = State::Sent;
            fragment.carriers.rotate_right(1);
            fragment.carriers[0] = Some(sequence);
            w.write_bool(true);
            w.write((self.first + n as u64) & 0xFFFF, 16);
            w.write_bool(fragment.last);
            w.write(fragment.bytes.len() as u64, 10);
            w.write_bytes(&fragment.bytes);
        }
        w.write_bool(false);
    }

    /// The datagram of `sequence` arrived.
    pub fn on_acked(&mut self, sequence: u64) {
        for fragment in self.fragments.iter_mut().take(WINDOW as usize) {
            if fragment.carriers.contains(&Some(sequence)) {
                fragment.state = State::Acked;
            }
        }
        while self.fragments.front().is_some_and(|fragment| fragment.state == State::Acked) {
            let fragment = self.fragments.pop_front();
            self.queued_bytes -= fragment.map_or(0, |fragment| fragment.bytes.len());
            self.first += 1;
        }
    }

    /// The datagram of `sequence` seems lost: what it carried goes out again.
    pub fn on_lost(&mut self, sequence: u64) {
        for fragment in self.fragments.iter_mut().take(WINDOW as usize) {
            if fragment.state == State::Sent && fragment.carriers[0] == Some(sequence) {
                fragment.state = State::Waiting;
            }
        }
    }
}

/// Puts fragments back into messages, each once and in order.
#[derive(Debug)]
pub struct ReliableReceiver {
    next: u64,
    /// Fragment `next + n` at `n`, if it came already.
    early: VecDeque<Option<(Vec<u8>, bool)>>,
    partial: Vec<u8>,
    messages: VecDeque<Vec<u8>>,
    message_bytes_max: usize,
    /// The peer sent what it must not: nothing after that can be trusted to be in order.
    broken: bool,
}

impl ReliableReceiver {
    /// Complete messages that may wait to be taken. The owner takes them after each datagram.
    pub const MESSAGES_MAX: usize = 1024;

    /// A receiver that takes messages of at most `message_bytes_max` bytes.
    #[must_use]
    pub const fn new(message_bytes_max: usize) -> Self {
        Self {
            next: 0,
            early: VecDeque::new(),
            partial: Vec::new(),
            messages: VecDeque::new(),
            message_bytes_max,
            broken: false,
        }
    }

    /// How much waits for what is missing, or to be taken.
    pub fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        see(Buffer { name: "early fragments", len: self.early.len(), max: WINDOW as usize });
        see(Buffer { name: "part of a message, bytes", len: self.partial.len(), max: self.message_bytes_max });
        see(Buffer { name: "messages that came", len: self.messages.len(), max: Self::MESSAGES_MAX });
    }

    /// Reads the fragments of one datagram. An error means that the peer breaks the protocol.
    pub fn read(&mut self, r: &mut BitReader<'_>) -> Result<(), Malformed> {
        if self.broken {
            return Err(Malformed);
        }
        let read = self.read_fragments(r);
        self.broken = read.is_err();
        read
    }

    fn read_fragments(&mut self, r: &mut BitReader<'_>) -> Result<(), Malformed> {
        while r.read_bool()? {
            let id = expand(r.read(16)? as u16, self.next);
            let last = r.read_bool()?;
            let len = r.read(10)? as usize;
            let bytes = r.read_bytes(len)?;
            if len > FRAGMENT_BYTES_MAX || id >= self.next + WINDOW {
                return Err(Malformed);
            }
            if id >= self.next {
                self.keep((id - self.next) as usize, bytes, last)?;
            }
        }
        Ok(())
    }

    /// Whether the peer broke the protocol: it is to be disconnected.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// The next complete message.
    pub fn poll(&mut self) -> Option<Vec<u8>> {
        self.messages.pop_front()
    }

    fn keep(&mut self, place: usize, bytes: Vec<u8>, last: bool) -> Result<(), Malformed> {
        if self.early.len() <= place {
            self.early.resize_with(place + 1, || None);
        }
        self.early[place].get_or_insert((bytes, last));
        while let Some(Some((bytes, last))) = self.early.front_mut().map(Option::take) {
            self.early.pop_front();
            self.next += 1;
            if self.partial.len() + bytes.len() > self.message_bytes_max || self.messages.len() == Self::MESSAGES_MAX {
                return Err(Malformed);
            }
            self.partial.extend_from_slice(&bytes);
            if last {
                self.messages.push_back(core::mem::take(&mut self.partial));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn messages_arrive_once_and_in_order_under_loss_and_reorder(
            sizes in prop::collection::vec(0usize..5_000, 1..20),
            fates in prop::collection::vec((0u8..4, 0usize..12_000), 0..150),
        ) {
            let messages: Vec<Vec<u8>> = sizes.iter().enumerate().map(|(n, len)| alloc::vec![n as u8; *len]).collect();
            let mut sender = ReliableSender::default();
            let mut receiver = ReliableReceiver::new(MESSAGE_BYTES_MAX);
            let mut delayed: Option<(u64, Vec<u8>)> = None;
            let mut got = Vec::new();
            messages.iter().for_each(|message| sender.send(message).unwrap());
            let mark = sender.next_id();
            prop_assert!(!sender.is_acked_before(mark) && !sender.is_empty());
            // After so many nothing is lost any more, so that all has to arrive, a fragment with each datagram at least.
            let last = fates.len() as u64;
            let clear = core::iter::repeat_n((0, 8_000), mark as usize);
            for ((fate, room_bits), sequence) in fates.into_iter().chain(clear).zip(0..) {
                if sequence == last && let Some((s, _)) = delayed.take() {
                    sender.on_lost(s);
                }
                let mut w = BitWriter::new();
                sender.write(sequence, room_bits, &mut w);
                prop_assert!(w.len_bits() <= room_bits.max(1));
                let datagram = w.finish().to_vec();
                let mut arrive = |s: u64, bytes: &[u8]| {
                    receiver.read(&mut BitReader::new(bytes)).unwrap();
                    sender.on_acked(s);
                };
                match fate {
                    0 => { arrive(sequence, &datagram); }
                    1 => { arrive(sequence, &datagram); arrive(sequence, &datagram); }
                    2 => sender.on_lost(sequence),
                    _ => {
                        if let Some((s, bytes)) = delayed.replace((sequence, datagram)) { arrive(s, &bytes); }
                    }
                }
                while let Some(message) = receiver.poll() { got.push(message); }
                prop_assert!(messages.starts_with(&got));
            }
            prop_assert_eq!(got, messages);
            prop_assert!(sender.is_empty() && sender.is_acked_before(mark) && !sender.wants_to_send());
            prop_assert_eq!((sender.queued_bytes, sender.next_id()), (0, mark));
        }

        #[test]
        fn as_many_fragments_go_out_as_fit_to_the_bit(
            sizes in prop::collection::vec(0usize..60, 1..70), nth in any::<prop::sample::Index>(), beside in 0usize..3,
        ) {
            let mut sender = ReliableSender::default();
            sizes.iter().for_each(|len| sender.send(&alloc::vec![5; *len]).unwrap());
            let ends = sizes.iter().take(WINDOW as usize).scan(1, |end, len| {
                *end += FRAGMENT_HEAD_BITS + len * 8;
                Some(*end)
            });
            let ends: Vec<usize> = ends.collect();
            let room_bits = nth.get(&ends) + beside - 1;
            let mut w = BitWriter::new();
            sender.write(0, room_bits, &mut w);
            prop_assert_eq!(w.len_bits(), ends.iter().copied().take_while(|end| *end <= room_bits).last().unwrap_or(1));
            prop_assert_eq!(sender.wants_to_send(), ends.last() > Some(&room_bits));
        }

        #[test]
        fn any_bytes_stay_within_bounds(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut receiver = ReliableReceiver::new(100);
            let _ = receiver.read(&mut BitReader::new(&bytes));
            prop_assert!(receiver.early.len() <= WINDOW as usize && receiver.partial.len() <= 100);
        }
    }

    #[test]
    fn a_peer_that_never_acknowledges_fills_no_memory() {
        let mut sender = ReliableSender::default();
        let refused = (0..100_000).find(|_| sender.send(&[7; 100]).is_err());
        assert!(refused.is_some());
        assert!(sender.queued_bytes <= ReliableSender::QUEUED_BYTES_MAX);
        assert_eq!(sender.send(&[0; MESSAGE_BYTES_MAX + 1]), Err(SendError::TooLong(MESSAGE_BYTES_MAX + 1)));
        let mut sender = ReliableSender::default();
        assert_eq!([0; 3].map(|_| sender.send(&[7; MESSAGE_BYTES_MAX])), [Ok(()), Ok(()), Err(SendError::Full)]);
        assert_eq!(sender.send(&[7]), Err(SendError::Full), "to the last byte");
        let mut sender = ReliableSender::default();
        let empty = (0..100_000).take_while(|_| sender.send(&[]).is_ok()).count();
        assert_eq!(empty, ReliableSender::QUEUED_BYTES_MAX / 64 + 1, "what has no bytes takes room, too");
    }

    #[test]
    fn the_ack_of_any_of_the_last_datagrams_that_carried_a_message_counts() {
        for acked in 0..=CARRIERS as u64 {
            let mut sender = ReliableSender::default();
            sender.send(&[1]).unwrap();
            for sequence in 0..=CARRIERS as u64 {
                sender.write(sequence, 8_000, &mut BitWriter::new());
                assert!(!sender.wants_to_send());
                sender.on_lost(sequence.wrapping_sub(1));
                assert!(!sender.wants_to_send(), "it is under way again");
                if sequence < CARRIERS as u64 {
                    sender.on_lost(sequence);
                    assert!(sender.wants_to_send());
                }
            }
            sender.on_acked(acked);
            assert_eq!(sender.is_empty(), acked > 0, "of datagram {acked}");
        }
    }

    #[test]
    fn a_message_longer_than_the_receiver_takes_is_refused() {
        let mut sender = ReliableSender::default();
        sender.send(&[1; 200]).unwrap();
        let mut w = BitWriter::new();
        sender.write(0, 9_000, &mut w);
        assert_eq!(ReliableReceiver::new(199).read(&mut BitReader::new(w.finish())), Err(Malformed));
    }
}
