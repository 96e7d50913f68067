use super::WIRE_VERSION;
use super::acks::{AckWindow, Acks, REPORT_BITS_MAX, Reported, expand};
use super::flight::{Fate, Flight, SendCounts};
use super::reliable::{ReliableReceiver, ReliableSender, SendError};
use super::rtt::RttEstimator;
use super::unreliable::{UNRELIABLE_PER_DATAGRAM_MAX, UnreliableSender, read_unreliable};
use crate::bits::{BitReader, BitWriter, Malformed};
use crate::{Buffer, Instant};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

/// One end of a connection: sequences, acks and messages of both directions. `T` is what each datagram sent
/// carries besides messages; it is given back when its fate is known.
#[derive(Debug)]
pub struct Connection<T> {
    received: AckWindow,
    newest_received_at: Instant,
    /// The newest sequence that came, held or not.
    newest_seen: Option<u64>,
    receive_counts: ReceiveCounts,
    flight: Flight<Outgoing<T>>,
    outgoing: ReliableSender,
    incoming: ReliableReceiver,
    unreliable: UnreliableSender,
    /// Unreliable messages that came; no more than one datagram holds before they are taken.
    arrived: VecDeque<Vec<u8>>,
    rtt: RttEstimator,
}

#[derive(Debug)]
struct Outgoing<T> {
    /// What this datagram reported as held.
    reported: Option<Reported>,
    content: T,
}

/// The head of a datagram received.
#[derive(Clone, Debug)]
pub struct Header {
    /// Its sequence.
    pub sequence: u64,
    /// What its sender holds.
    pub acks: Option<Acks>,
}

/// What arrived, judged by sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiveCounts {
    /// Sequences from the first received to the newest.
    pub expected: u64,
    /// Datagrams, duplicates not counted.
    pub received: u64,
    /// Datagrams that had arrived before.
    pub duplicate: u64,
    /// Datagrams older than one that had arrived before them.
    pub reordered: u64,
}

impl<T> Connection<T> {
    /// A connection that takes messages of at most `message_bytes_max` bytes from its peer.
    #[must_use]
    pub fn new(message_bytes_max: usize) -> Self {
        Self {
            received: AckWindow::default(),
            newest_received_at: Instant::default(),
            newest_seen: None,
            receive_counts: ReceiveCounts::default(),
            flight: Flight::default(),
            outgoing: ReliableSender::default(),
            incoming: ReliableReceiver::new(message_bytes_max),
            unreliable: UnreliableSender::default(),
            arrived: VecDeque::new(),
            rtt: RttEstimator::default(),
        }
    }

    /// Reads the head of a datagram. `None` if it was received before.
    ///
    /// ```text
    /// version 4 | sequence 16 | acks        then: unreliable messages | reliable fragments | the rest
    /// ```
    pub fn read_header(&mut self, r: &mut BitReader<'_>) -> Result<Option<Header>, Malformed> {
        if r.read(4)? != u64::from(WIRE_VERSION) {
            return Err(Malformed);
        }
        let sequence = expand(r.read(16)? as u16, self.newest_seen.unwrap_or(0));
        let acks = Acks::read(r, self.flight.next_sequence())?;
        if self.received.contains(sequence) {
            self.receive_counts.duplicate += 1;
            return Ok(None);
        }
        self.receive_counts.received += 1;
        match self.newest_seen {
            Some(newest) if sequence < newest => self.receive_counts.reordered += 1,
            newest => {
                self.receive_counts.expected += newest.map_or(1, |newest| sequence - newest);
                self.newest_seen = Some(sequence);
            }
        }
        Ok(Some(Header { sequence, acks }))
    }

    /// Applies the acks of a datagram: `on_fate` hears of each of our datagrams whose fate is now known.
    pub fn on_acks(&mut self, header: &Header, now: Instant, mut on_fate: impl FnMut(u64, Fate<'_, T>)) {
        let Some(acks) = &header.acks else { return };
        let Self { flight, rtt, outgoing, received, .. } = self;
        flight.on_acks(acks, now, rtt, &mut |sequence, fate| settle(outgoing, received, sequence, fate, &mut on_fate));
    }

    /// Gives up on what was sent too long ago. `slack` is how long both ends may sit on an ack.
    pub fn expire(&mut self, now: Instant, slack: Duration, mut on_fate: impl FnMut(u64, Fate<'_, T>)) {
        let timeout = self.rtt.timeout(slack);
        let Self { flight, outgoing, received, .. } = self;
        flight.expire(now, timeout, &mut |sequence, fate| settle(outgoing, received, sequence, fate, &mut on_fate));
    }

    /// Whether the messages of a datagram, which are read next, include reliable ones. Who has no room for them leaves the datagram
    /// as it is and does not accept it: then they come again.
    pub fn brings_reliable_messages(r: &BitReader<'_>) -> Result<bool, Malformed> {
        let mut r = r.clone();
        read_unreliable(&mut r, |_| {})?;
        r.read_bool()
    }

    /// Reads the messages of a datagram; take them with [`Connection::poll_unreliable`] and [`Connection::poll_message`].
    /// Unreliable ones of an earlier datagram that nobody took are gone.
    pub fn read_messages(&mut self, r: &mut BitReader<'_>) -> Result<(), Malformed> {
        self.arrived.clear();
        read_unreliable(r, |message| self.arrived.push_back(message))?;
        self.incoming.read(r)
    }

    /// Takes note that a datagram was decoded, verified and stored: from now on it is acknowledged.
    pub fn accept(&mut self, sequence: u64, now: Instant) {
        if self.received.newest().is_none_or(|newest| sequence > newest) {
            self.newest_received_at = now;
        }
        self.received.accept(sequence);
        self.newest_seen = self.newest_seen.max(Some(sequence));
    }

    /// Whether the peer's messages break the protocol: it is to be disconnected.
    #[must_use]
    pub const fn messages_broken(&self) -> bool {
        self.incoming.is_broken()
    }

    /// The next unreliable message from the peer.
    pub fn poll_unreliable(&mut self) -> Option<Vec<u8>> {
        self.arrived.pop_front()
    }

    /// The next message from the peer.
    pub fn poll_message(&mut self) -> Option<Vec<u8>> {
        self.incoming.poll()
    }

    /// Queues a message for the peer.
    pub fn send_message(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.outgoing.send(message)
    }

    /// Queues a message for the peer that is sent once: it arrives, or does not.
    pub fn send_unreliable(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.unreliable.send(message)
    }

    /// Drops unreliable messages for which no datagram had room, and returns how many.
    pub fn drop_unreliable(&mut self) -> usize {
        self.unreliable.drop_waiting()
    }

    /// Begins the next datagram: head, and as many messages as fit `room_bits`. Returns its sequence;
    /// [`Connection::commit`] follows. At most [`HEAD_BITS_MAX`] bits, and `room_bits` more.
    pub fn write_head(&mut self, now: Instant, room_bits: usize, w: &mut BitWriter) -> u64 {
        let sequence = self.flight.next_sequence();
        w.write(u64::from(WIRE_VERSION), 4);
        w.write(sequence & 0xFFFF, 16);
        self.received.write(now.since(self.newest_received_at), w);
        let end = w.len_bits() + room_bits + 2;
        self.unreliable.write(room_bits + 1, w);
        self.outgoing.write(sequence, end - w.len_bits(), w);
        sequence
    }

    /// The datagram begun with [`Connection::write_head`] is sent, with `content`.
    pub fn commit(&mut self, now: Instant, content: T, mut on_fate: impl FnMut(u64, Fate<'_, T>)) {
        let reported = self.received.reported();
        let Self { flight, outgoing, received, .. } = self;
        flight.send(now, Outgoing { reported, content }, &mut |sequence, fate| {
            settle(outgoing, received, sequence, fate, &mut on_fate);
        });
    }

    /// The oldest datagram in flight for whose content `matters` holds.
    pub fn oldest_in_flight(&self, matters: impl Fn(&T) -> bool) -> Option<u64> {
        self.flight.oldest_in_flight(|outgoing| matters(&outgoing.content))
    }

    /// The oldest datagram whose fate may still be heard of.
    #[must_use]
    pub const fn oldest_remembered(&self) -> u64 {
        self.flight.oldest_remembered()
    }

    /// What is held of the peer's datagrams.
    #[must_use]
    pub const fn received(&self) -> &AckWindow {
        &self.received
    }

    /// Whether messages wait to be sent, for the first time or again.
    #[must_use]
    pub fn wants_to_send_messages(&self) -> bool {
        self.outgoing.wants_to_send() || !self.unreliable.is_empty()
    }

    /// Whether the peer acknowledged every message.
    #[must_use]
    pub fn messages_delivered(&self) -> bool {
        self.outgoing.is_empty()
    }

    /// A mark behind all messages queued so far, for [`Connection::messages_delivered_to`].
    #[must_use]
    pub fn message_mark(&self) -> u64 {
        self.outgoing.next_id()
    }

    /// Whether the peer acknowledged every message that was queued before a mark, whatever came after.
    #[must_use]
    pub const fn messages_delivered_to(&self, mark: u64) -> bool {
        self.outgoing.is_acked_before(mark)
    }

    /// Round-trip time, from acks.
    #[must_use]
    pub const fn rtt(&self) -> &RttEstimator {
        &self.rtt
    }

    /// What became of our datagrams.
    #[must_use]
    pub const fn send_counts(&self) -> SendCounts {
        self.flight.counts()
    }

    /// Every buffer that the peer can fill, by what it sends or by what it does not acknowledge.
    pub fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        see(Buffer { name: "datagrams whose fate is open", len: self.flight.len(), max: Flight::<T>::LEN_MAX });
        self.outgoing.buffers(see);
        self.incoming.buffers(see);
        self.unreliable.buffers(see);
        let (name, len) = ("unreliable messages that came", self.arrived.len());
        see(Buffer { name, len, max: UNRELIABLE_PER_DATAGRAM_MAX });
    }

    /// What came of the peer's datagrams.
    #[must_use]
    pub const fn receive_counts(&self) -> ReceiveCounts {
        self.receive_counts
    }
}

/// The most bits of a datagram's head without messages: version, sequence, acks, and that no message follows of either kind.
pub const HEAD_BITS_MAX: usize = 4 + 16 + REPORT_BITS_MAX + 2;

fn settle<T>(
    outgoing: &mut ReliableSender,
    received: &mut AckWindow,
    sequence: u64,
    fate: Fate<'_, Outgoing<T>>,
    on_fate: &mut impl FnMut(u64, Fate<'_, T>),
) {
    match fate {
        Fate::Acked(sent) => {
            outgoing.on_acked(sequence);
            if let Some(reported) = sent.reported {
                received.on_report_received(reported);
            }
            on_fate(sequence, Fate::Acked(sent.content));
        }
        Fate::Lost(sent) => {
            outgoing.on_lost(sequence);
            on_fate(sequence, Fate::Lost(&sent.content));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::WIRE_VERSION;
    use alloc::collections::{BTreeMap, BTreeSet};
    use alloc::vec;
    use proptest::prelude::*;

    /// One datagram: who sends it, which messages are queued before, and what becomes of it.
    #[derive(Clone, Debug)]
    struct Step {
        from: usize,
        /// How many bytes long.
        reliable: Option<usize>,
        unreliable: bool,
        fate: Arrival,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Arrival {
        Once,
        Twice,
        Never,
        /// After later ones: when this many steps have passed.
        Late(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let fate = prop_oneof![
            5 => Just(Arrival::Once),
            1 => Just(Arrival::Twice),
            2 => Just(Arrival::Never),
            2 => (1usize..15).prop_map(Arrival::Late),
        ];
        let reliable = prop::option::weighted(0.4, prop_oneof![4 => 4usize..30, 1 => 4..2_000usize]);
        (0usize..2, reliable, any::<bool>(), fate).prop_map(|(from, reliable, unreliable, fate)| Step {
            from,
            reliable,
            unreliable,
            fate,
        })
    }

    /// One end, and what is true of it.
    struct End {
        connection: Connection<u64>,
        /// Messages that were to be sent, and those that came; the marks behind the former.
        said: Vec<Vec<u8>>,
        heard: Vec<Vec<u8>>,
        marks: Vec<u64>,
        /// Which unreliable message each datagram carried; those that came.
        carried: BTreeMap<u64, Vec<u8>>,
        heard_once: Vec<Vec<u8>>,
        /// The peer's datagrams that came, in their order.
        arrived: Vec<u64>,
        duplicates: u64,
        /// Of our own datagrams.
        acked: BTreeSet<u64>,
        lost: BTreeSet<u64>,
    }

    impl End {
        fn new() -> Self {
            Self {
                connection: Connection::new(2_000),
                said: Vec::new(),
                heard: Vec::new(),
                marks: Vec::new(),
                carried: BTreeMap::new(),
                heard_once: Vec::new(),
                arrived: Vec::new(),
                duplicates: 0,
                acked: BTreeSet::new(),
                lost: BTreeSet::new(),
            }
        }

        fn send(&mut self, step: &Step, now: Instant) -> (u64, Vec<u8>) {
            const ROOM_BITS: usize = 8_000;
            if let Some(len) = step.reliable {
                let mut message = vec![7; len];
                message[..4].copy_from_slice(&(self.said.len() as u32).to_le_bytes());
                self.connection.send_message(&message).unwrap();
                self.said.push(message);
                self.marks.push(self.connection.message_mark());
                assert!(
                    !self.connection.messages_delivered()
                        && !self.connection.messages_delivered_to(self.marks[self.marks.len() - 1])
                );
            }
            let unreliable = step.unreliable.then(|| self.connection.flight.next_sequence().to_le_bytes().to_vec());
            if let Some(message) = &unreliable {
                self.connection.send_unreliable(message).unwrap();
                assert!(self.connection.wants_to_send_messages());
            }
            let mut w = BitWriter::new();
            let sequence = self.connection.write_head(now, ROOM_BITS, &mut w);
            assert!(w.len_bits() <= HEAD_BITS_MAX + ROOM_BITS);
            self.connection.commit(now, sequence, |_, _| panic!("nothing is too old"));
            self.carried.extend(unreliable.map(|message| (sequence, message)));
            (sequence, w.finish().to_vec())
        }

        fn receive(&mut self, datagram: &[u8], now: Instant) {
            let mut r = BitReader::new(datagram);
            let Some(header) = self.connection.read_header(&mut r).unwrap() else {
                self.duplicates += 1;
                return;
            };
            self.connection.read_messages(&mut r).unwrap();
            self.connection.accept(header.sequence, now);
            self.arrived.push(header.sequence);
            let (acked, lost) = (&mut self.acked, &mut self.lost);
            self.connection.on_acks(&header, now, |sequence, fate| note(sequence, &fate, acked, lost));
            self.heard.extend(core::iter::from_fn(|| self.connection.poll_message()));
            self.heard_once.extend(core::iter::from_fn(|| self.connection.poll_unreliable()));
        }

        fn expire(&mut self, now: Instant) {
            let (acked, lost) = (&mut self.acked, &mut self.lost);
            self.connection.expire(now, Duration::ZERO, |sequence, fate| note(sequence, &fate, acked, lost));
        }
    }

    fn note(sequence: u64, fate: &Fate<'_, u64>, acked: &mut BTreeSet<u64>, lost: &mut BTreeSet<u64>) {
        match fate {
            Fate::Acked(content) => assert!(*content == sequence && acked.insert(sequence), "{sequence} twice"),
            Fate::Lost(content) => {
                assert!(**content == sequence && !acked.contains(&sequence) && lost.insert(sequence), "{sequence}");
            }
        }
    }

    /// What is true at any time of who sends and who receives.
    fn check(from: &End, to: &End) {
        let arrived: BTreeSet<u64> = to.arrived.iter().copied().collect();
        assert!(from.acked.is_subset(&arrived), "an ack is the truth");
        assert!(from.said.starts_with(&to.heard), "each once, in their order");
        let delivered = from.marks.iter().take_while(|mark| from.connection.messages_delivered_to(**mark)).count();
        assert!(delivered <= to.heard.len());
        let carried: Vec<&Vec<u8>> = to.arrived.iter().filter_map(|sequence| from.carried.get(sequence)).collect();
        assert!(to.heard_once.iter().eq(carried), "what a datagram carried came with it");
        let counts = to.connection.receive_counts();
        assert_eq!((counts.received, counts.duplicate), (arrived.len() as u64, to.duplicates));
        let newest_before = |n: usize| to.arrived[..n].iter().copied().max();
        let late = (0..to.arrived.len()).filter(|n| newest_before(*n) > Some(to.arrived[*n])).count();
        assert_eq!(counts.reordered, late as u64);
        let expected = to.arrived.first().map_or(0, |first| newest_before(to.arrived.len()).unwrap() + 1 - first);
        assert_eq!(counts.expected, expected);
        let counts = from.connection.send_counts();
        assert_eq!(counts.acked, from.acked.len() as u64);
        assert_eq!(counts.lost, from.lost.difference(&from.acked).count() as u64);
        let settled: BTreeSet<u64> = from.acked.union(&from.lost).copied().collect();
        let oldest = (0..counts.sent).find(|sequence| !settled.contains(sequence));
        assert_eq!(from.connection.oldest_in_flight(|_| true), oldest);
        let even = (0..counts.sent).find(|sequence| sequence % 2 == 0 && !settled.contains(sequence));
        assert_eq!(from.connection.oldest_in_flight(|content| content % 2 == 0), even);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn both_ends_agree_on_what_arrived_whatever_is_lost_late_or_doubled(steps in prop::collection::vec(step(), 1..80)) {
            let mut ends = [End::new(), End::new()];
            let mut now = Instant::from_us(1_000_000);
            let mut late: Vec<(usize, usize, Vec<u8>)> = Vec::new();
            let last = steps.len();
            // Afterwards nothing is lost any more, until everything is settled.
            let clear = |n: usize| Step { from: n % 2, reliable: None, unreliable: false, fate: Arrival::Once };
            let mut sent = [0; 2];
            for (n, step) in steps.into_iter().chain((0..120).map(clear)).enumerate() {
                now += Duration::from_millis(5);
                if n == last {
                    sent = [0, 1].map(|end: usize| ends[end].connection.send_counts().sent);
                }
                let to = 1 - step.from;
                let (_, datagram) = ends[step.from].send(&step, now);
                match step.fate {
                    Arrival::Never => {}
                    Arrival::Late(steps) => late.push((n + steps, to, datagram)),
                    fate => {
                        (0..if fate == Arrival::Twice { 2 } else { 1 }).for_each(|_| ends[to].receive(&datagram, now));
                    }
                }
                for at in (0..late.len()).rev() {
                    if late[at].0 <= n {
                        let (_, to, datagram) = late.remove(at);
                        ends[to].receive(&datagram, now);
                    }
                }
                check(&ends[0], &ends[1]);
                check(&ends[1], &ends[0]);
            }
            for end in 0..2 {
                let (from, to) = (&ends[end], &ends[1 - end]);
                for sequence in 0..sent[end] {
                    prop_assert_eq!(from.acked.contains(&sequence), to.arrived.contains(&sequence), "datagram {}", sequence);
                }
                prop_assert_eq!(&to.heard, &from.said);
                prop_assert!(from.connection.messages_delivered() && !from.connection.wants_to_send_messages());
                prop_assert!(from.marks.iter().all(|mark| from.connection.messages_delivered_to(*mark)));
            }
            for end in &mut ends {
                end.expire(now + Duration::from_secs(20));
                let counts = end.connection.send_counts();
                prop_assert_eq!((counts.acked + counts.lost, end.connection.oldest_remembered()), (counts.sent, counts.sent));
            }
        }
    }

    #[test]
    fn an_ack_is_delayed_since_the_newest_came_first() {
        let (mut peer, mut w) = (Connection::new(100), BitWriter::new());
        (0..6).for_each(|_| peer.commit(Instant::default(), (), |_, _| {}));
        let at = |ms: u64| Instant::from_us(5_000_000 + ms * 1_000);
        let mut connection = Connection::<()>::new(100);
        for (sequence, ms) in [(4, 0), (5, 20), (3, 30), (5, 40)] {
            connection.accept(sequence, at(ms));
        }
        connection.write_head(at(84), 0, &mut w);
        let header = peer.read_header(&mut BitReader::new(w.finish())).unwrap().unwrap();
        assert_eq!(header.acks.unwrap().delay, Some(Duration::from_millis(64)));
    }

    #[test]
    fn what_was_dropped_after_its_head_may_come_again() {
        let (mut peer, mut w) = (Connection::<()>::new(100), BitWriter::new());
        peer.write_head(Instant::default(), 0, &mut w);
        let mut connection = Connection::<()>::new(100);
        let datagram = w.finish().to_vec();
        let mut is_new = || connection.read_header(&mut BitReader::new(&datagram)).unwrap().is_some();
        assert!(is_new() && is_new(), "it is not held");
        assert_eq!((connection.receive_counts().expected, connection.receive_counts().reordered), (1, 0));
        connection.accept(0, Instant::default());
        assert!(connection.read_header(&mut BitReader::new(&datagram)).unwrap().is_none());
    }

    #[test]
    fn messages_take_the_room_they_are_given_and_no_bit_more() {
        // Version, sequence, nothing held, no more of either kind of message.
        const HEAD_BITS: usize = 4 + 16 + 1 + 2;
        for room_bits in 0..1_500 {
            let mut connection = Connection::<()>::new(100);
            connection.send_unreliable(&[1; 10]).unwrap();
            (0..64).for_each(|_| connection.send_message(&[2; 3]).unwrap());
            let mut w = BitWriter::new();
            connection.write_head(Instant::default(), room_bits, &mut w);
            let taken_bits = w.len_bits() - HEAD_BITS;
            // A message of 3 bytes takes 52 bits, and what is left is less than one.
            assert!(taken_bits <= room_bits && taken_bits + 52 > room_bits, "{taken_bits} of {room_bits}");
        }
    }

    #[test]
    fn what_breaks_the_rules_of_messages_breaks_the_connection_for_good() {
        let mut connection = Connection::<()>::new(100);
        let mut w = BitWriter::new();
        connection.write_head(Instant::default(), 0, &mut w);
        let mut none = BitReader::new(w.finish());
        none.read(4 + 16 + 1).unwrap();
        assert_eq!((connection.read_messages(&mut none.clone()), connection.messages_broken()), (Ok(()), false));
        assert_eq!(connection.read_messages(&mut BitReader::new(&[0b10])), Err(Malformed));
        assert!(connection.messages_broken());
        assert_eq!(connection.read_messages(&mut none), Err(Malformed));
    }

    #[test]
    fn unreliable_messages_that_found_no_room_can_be_dropped() {
        let mut connection = Connection::<()>::new(100);
        assert_eq!(connection.drop_unreliable(), 0);
        (0..3).for_each(|n| connection.send_unreliable(&[n; 20]).unwrap());
        let mut w = BitWriter::new();
        connection.write_head(Instant::default(), 20 * 8 + 11, &mut w);
        assert_eq!((connection.drop_unreliable(), connection.wants_to_send_messages()), (2, false));
        assert_eq!(connection.send_unreliable(&[0; 801]), Err(SendError::TooLong(801)));
        assert_eq!(u64::from(w.finish()[0] & 0xF), u64::from(WIRE_VERSION));
    }
}
