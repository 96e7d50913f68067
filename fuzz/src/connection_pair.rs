//! Two ends of a connection, behind the encryption, and a network as bad as the script says: an ack means that the other
//! end took the datagram, each has one fate, and messages come out once and in order.

use super::input::Input;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;
use tidelock::Instant;
use tidelock::bits::{BitReader, BitWriter};
use tidelock::wire::{Connection, DATAGRAM_BITS_MAX, Fate, HEAD_BITS_MAX};

/// Each step is something that one of the ends does, or the network.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut pair = Pair { ends: [End::new(), End::new()], now: super::backend::START };
    while let Some(step) = input.step() {
        let side = usize::from(step >> 7);
        match step % 8 {
            0 => pair.now += Duration::from_millis([0, 1, 20, 100, 400, 5_000][input.below(6)]),
            1 => pair.ends[side].queue(usize::from(input.byte()) * usize::from(1 + step / 16 % 8)),
            2 => pair.ends[side].send(input.below(DATAGRAM_BITS_MAX - HEAD_BITS_MAX), pair.now),
            3 => pair.arrive(side, input.byte(), Arrival::Taken),
            4 => pair.arrive(side, input.byte(), Arrival::TakenAndRepeated),
            5 => pair.arrive(side, input.byte(), Arrival::Refused),
            6 => (0..=input.below(128)).for_each(|_| pair.lose(side)),
            _ => (0..=input.below(16)).for_each(|_| pair.exchange(side)),
        }
    }
    pair.settle();
}

/// Datagrams under way in one direction.
const UNDER_WAY_MAX: usize = 64;
/// Exchanges in which all that is queued must arrive when nothing is lost.
const SETTLE_MAX: usize = 2_000;
/// How long both ends may sit on an ack.
const SLACK: Duration = Duration::from_millis(100);

/// What an end does with a datagram that reaches it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Arrival {
    Taken,
    /// A copy stays under way.
    TakenAndRepeated,
    /// What it carries does not verify: it is not acknowledged.
    Refused,
}

struct End {
    /// What a datagram carries besides messages is its sequence, so that its fate can be held against the truth.
    connection: Connection<u64>,
    /// From this end to the other.
    under_way: VecDeque<(u64, Vec<u8>)>,
    sent: u64,
    /// Of the other end's datagrams, those that were taken.
    taken: BTreeSet<u64>,
    acked: BTreeSet<u64>,
    messages_sent: Vec<Vec<u8>>,
    messages_received: usize,
}

impl End {
    fn new() -> Self {
        Self {
            connection: Connection::new(4_096),
            under_way: VecDeque::new(),
            sent: 0,
            taken: BTreeSet::new(),
            acked: BTreeSet::new(),
            messages_sent: Vec::new(),
            messages_received: 0,
        }
    }

    fn queue(&mut self, len: usize) {
        let message = vec![self.messages_sent.len() as u8; len.min(4_096)];
        if self.connection.send_message(&message).is_ok() {
            self.messages_sent.push(message);
        }
    }

    fn send(&mut self, room_bits: usize, now: Instant) {
        let mut w = BitWriter::new();
        let sequence = self.connection.write_head(now, room_bits, &mut w);
        assert!(w.len_bits() <= HEAD_BITS_MAX + room_bits);
        assert_eq!(sequence, self.sent);
        self.sent += 1;
        let acked = &mut self.acked;
        self.connection.commit(now, sequence, |sequence, fate| note(sequence, &fate, acked));
        self.under_way.push_back((sequence, w.finish().to_vec()));
        if self.under_way.len() > UNDER_WAY_MAX {
            self.under_way.pop_front();
        }
    }

    fn expire(&mut self, now: Instant) {
        let acked = &mut self.acked;
        self.connection.expire(now, SLACK, |sequence, fate| note(sequence, &fate, acked));
    }
}

/// A datagram is acknowledged once, and not lost after that.
fn note(sequence: u64, fate: &Fate<'_, u64>, acked: &mut BTreeSet<u64>) {
    match fate {
        Fate::Acked(content) => {
            assert_eq!(*content, sequence, "each gets its own back");
            assert!(acked.insert(sequence), "{sequence} is acknowledged once");
        }
        Fate::Lost(content) => assert!(**content == sequence && !acked.contains(&sequence)),
    }
}

struct Pair {
    ends: [End; 2],
    now: Instant,
}

impl Pair {
    /// One of those under way from this side arrives.
    fn arrive(&mut self, side: usize, which: u8, arrival: Arrival) {
        let count = self.ends[side].under_way.len();
        if count == 0 {
            return;
        }
        let index = usize::from(which) % count;
        let (sequence, bytes) = self.ends[side].under_way[index].clone();
        if arrival != Arrival::TakenAndRepeated {
            self.ends[side].under_way.remove(index);
        }
        self.read(side, sequence, &bytes, arrival != Arrival::Refused);
    }

    fn read(&mut self, side: usize, sequence: u64, bytes: &[u8], takes: bool) {
        let now = self.now;
        let [sender, receiver] = self.sides(side);
        let mut r = BitReader::new(bytes);
        let header = receiver.connection.read_header(&mut r).expect("an honest head is read");
        let Some(header) = header else {
            let newest = receiver.taken.last().copied().unwrap_or_default();
            assert!(receiver.taken.contains(&sequence) || sequence + 1_024 <= newest, "{sequence} was not received");
            return;
        };
        assert_eq!(header.sequence, sequence, "16 bits are enough to tell");
        assert!(!receiver.taken.contains(&sequence), "a copy is told from the first");
        assert!(receiver.connection.read_messages(&mut r).is_ok());
        if takes {
            receiver.connection.accept(sequence, now);
            receiver.taken.insert(sequence);
        }
        let acked = &mut receiver.acked;
        receiver.connection.on_acks(&header, now, |sequence, fate| {
            note(sequence, &fate, acked);
            let is_acked = matches!(fate, Fate::Acked(_));
            assert!(!is_acked || sender.taken.contains(&sequence), "an ack means that it was taken");
        });
        while let Some(message) = receiver.connection.poll_message() {
            assert_eq!(sender.messages_sent.get(receiver.messages_received), Some(&message), "once and in order");
            receiver.messages_received += 1;
        }
    }

    /// The end that sent from this side, and the other.
    fn sides(&mut self, side: usize) -> [&mut End; 2] {
        let [first, second] = &mut self.ends;
        if side == 0 { [first, second] } else { [second, first] }
    }

    /// One goes out and is lost.
    fn lose(&mut self, side: usize) {
        let now = self.now;
        self.ends[side].send(0, now);
        self.ends[side].under_way.pop_back();
    }

    /// This side says something, which arrives, and is answered; time passes.
    fn exchange(&mut self, side: usize) {
        self.now += Duration::from_millis(10);
        for side in [side, 1 - side] {
            let now = self.now;
            self.ends[side].expire(now);
            self.ends[side].send(DATAGRAM_BITS_MAX - HEAD_BITS_MAX, now);
            let (sequence, bytes) = self.ends[side].under_way.pop_back().expect("it was just sent");
            self.read(side, sequence, &bytes, true);
        }
    }

    /// The faults stop: all messages arrive, and every datagram has its fate.
    fn settle(&mut self) {
        let delivered = |pair: &Self| pair.ends.iter().all(|end| end.connection.messages_delivered());
        let exchanges = (0..SETTLE_MAX).take_while(|_| {
            self.exchange(0);
            !delivered(self)
        });
        assert!(exchanges.count() < SETTLE_MAX, "messages arrive when nothing is lost");
        self.now += Duration::from_secs(60);
        let now = self.now;
        for side in 0..2 {
            self.ends[side].expire(now);
            let [sender, receiver] = self.sides(side);
            assert_eq!(receiver.messages_received, sender.messages_sent.len());
            let counts = sender.connection.send_counts();
            assert_eq!((counts.sent, counts.acked), (sender.sent, sender.acked.len() as u64));
            assert_eq!(counts.acked + counts.lost, counts.sent, "each has one fate");
        }
    }
}
