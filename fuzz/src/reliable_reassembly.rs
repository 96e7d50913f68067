//! The reliable channel under loss, reordering and duplication: messages come out once, in order and as they went in. And
//! under garbage: nothing outgrows its bound.

use super::input::Input;
use super::mutation::mutate;
use std::collections::VecDeque;
use tidelock::bits::{BitReader, BitWriter};
use tidelock::wire::{DATAGRAM_BITS_MAX, ReliableReceiver, ReliableSender};

/// The longest message that the receiver takes.
const MESSAGE_BYTES_MAX: usize = 3_000;
/// Complete messages that may wait in the receiver.
const WAITING_MAX: usize = 1_024;
/// Datagrams under way at once.
const UNDER_WAY_MAX: usize = 32;

/// Each step sends a message, a datagram, or decides what becomes of one that is under way.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut channel = Channel::new();
    while let Some(step) = input.step() {
        match step % 8 {
            0 | 1 => channel.send(usize::from(input.byte()) * usize::from(1 + step / 16), step),
            2 | 3 => channel.write(input.below(DATAGRAM_BITS_MAX)),
            4 => channel.arrive(input.byte(), true),
            5 => channel.arrive(input.byte(), false),
            6 => channel.lose(input.byte()),
            _ => channel.garbage(&mut input),
        }
        channel.check();
    }
    channel.settle();
}

struct Channel {
    sender: ReliableSender,
    receiver: ReliableReceiver,
    sequence: u64,
    /// Sequence, bytes, and whether it arrived or was given up already.
    under_way: VecDeque<(u64, Vec<u8>)>,
    sent: Vec<Vec<u8>>,
    received: usize,
    /// Bytes of messages that were sent and have not come out.
    missing_bytes: usize,
    /// Somebody else spoke: what comes out may be anything from then on.
    is_corrupt: bool,
}

impl Channel {
    fn new() -> Self {
        Self {
            sender: ReliableSender::default(),
            receiver: ReliableReceiver::new(MESSAGE_BYTES_MAX),
            sequence: 0,
            under_way: VecDeque::new(),
            sent: Vec::new(),
            received: 0,
            missing_bytes: 0,
            is_corrupt: false,
        }
    }

    fn send(&mut self, len: usize, fill: u8) {
        let message: Vec<u8> = (0..len.min(MESSAGE_BYTES_MAX)).map(|at| fill.wrapping_add(at as u8)).collect();
        if self.sender.send(&message).is_ok() {
            self.missing_bytes += message.len();
            self.sent.push(message);
        }
    }

    /// A datagram goes under way; the oldest of too many is lost.
    fn write(&mut self, room_bits: usize) {
        let mut w = BitWriter::new();
        self.sender.write(self.sequence, room_bits, &mut w);
        assert!(w.len_bits() <= room_bits.max(1), "{} bits where {room_bits} fit", w.len_bits());
        self.under_way.push_back((self.sequence, w.finish().to_vec()));
        self.sequence += 1;
        if self.under_way.len() > UNDER_WAY_MAX {
            self.lose(0);
        }
    }

    /// One of those under way arrives; it may stay there, to arrive again.
    fn arrive(&mut self, which: u8, again: bool) {
        if self.under_way.is_empty() {
            return;
        }
        let index = usize::from(which) % self.under_way.len();
        let (sequence, bytes) = self.under_way[index].clone();
        if !again {
            self.under_way.remove(index);
        }
        let was_broken = self.receiver.is_broken();
        let taken = self.receiver.read(&mut BitReader::new(&bytes));
        assert!(self.is_corrupt || taken.is_ok(), "an honest sender is taken");
        assert_eq!(taken.is_err(), self.receiver.is_broken());
        assert!(!was_broken || taken.is_err(), "who broke the protocol once is never taken again");
        if taken.is_ok() {
            self.sender.on_acked(sequence);
        }
    }

    /// The sender takes one for lost; it may arrive all the same.
    fn lose(&mut self, which: u8) {
        if self.under_way.is_empty() {
            return;
        }
        let index = usize::from(which) % self.under_way.len();
        self.sender.on_lost(self.under_way[index].0);
        if which < 128 {
            self.under_way.remove(index);
        }
    }

    /// Bytes that nobody sent, or somebody otherwise.
    fn garbage(&mut self, input: &mut Input<'_>) {
        let mut bytes = self.under_way.back().map_or_else(Vec::new, |(_, bytes)| bytes.clone());
        if input.byte().is_multiple_of(2) {
            bytes = input.block(900).to_vec();
        } else {
            mutate(&mut bytes, input, DATAGRAM_BITS_MAX / 8);
        }
        self.is_corrupt = true;
        let taken = self.receiver.read(&mut BitReader::new(&bytes));
        assert_eq!(taken.is_err(), self.receiver.is_broken());
    }

    fn check(&mut self) {
        let mut waiting = 0;
        while let Some(message) = self.receiver.poll() {
            waiting += 1;
            assert!(message.len() <= MESSAGE_BYTES_MAX);
            if !self.is_corrupt {
                assert_eq!(self.sent.get(self.received), Some(&message), "once, in order, and as it was");
                self.received += 1;
                self.missing_bytes -= message.len();
            }
        }
        assert!(waiting <= WAITING_MAX);
        assert!(self.is_corrupt || self.missing_bytes <= ReliableSender::QUEUED_BYTES_MAX);
        assert!(!self.sender.is_empty() || !self.sender.wants_to_send());
    }

    /// The faults stop: all of it arrives.
    fn settle(&mut self) {
        if self.is_corrupt {
            return;
        }
        while let Some((sequence, _)) = self.under_way.pop_front() {
            self.sender.on_lost(sequence);
        }
        while self.sender.wants_to_send() {
            self.write(DATAGRAM_BITS_MAX);
            self.arrive(0, false);
            self.check();
        }
        assert!(self.sender.is_empty());
        assert_eq!(self.received, self.sent.len());
    }
}
