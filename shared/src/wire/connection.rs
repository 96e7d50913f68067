use super::WIRE_VERSION;
use super::acks::{AckWindow, Acks, REPORT_BITS_MAX, Reported, expand};
use super::flight::{Fate, Flight, SendCounts};
use super::reliable::{ReliableReceiver, ReliableSender, SendError};
use super::rtt::RttEstimator;
use super::unreliable::{UnreliableSender, read_unreliable};
use crate::Instant;
use crate::bits::{BitReader, BitWriter, Malformed};
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
