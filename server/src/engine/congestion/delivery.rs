use std::collections::VecDeque;
use std::time::Duration;
use tidelock::{Buffer, Instant};

/// What was sent and what has arrived, in bytes, and how fast lately.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    /// Bytes of consecutive datagrams, and `LOST`; `first` is the sequence of the front. 0: it arrived.
    in_flight: VecDeque<u16>,
    first: u64,
    sent_bytes: u64,
    arrived_bytes: u64,
    lost_bytes: u64,
    /// Marks of the last while, the newest at `newest`.
    marks: [Mark; MARKS],
    newest: usize,
}

/// How much had been sent and had arrived when acks came.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    at: Instant,
    sent_bytes: u64,
    arrived_bytes: u64,
}

/// Bytes a second over the last while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rates {
    pub(super) sent_bytes_s: f64,
    pub(super) arrived_bytes_s: f64,
}

/// Seems lost. No datagram has so many bytes.
const LOST: u16 = 1 << 15;
const MARKS: usize = 24;
const MARK_INTERVAL: Duration = Duration::from_millis(15);
/// Rates are those of about so long.
const SPAN: Duration = Duration::from_millis(300);
/// A shorter while says nothing.
const SPAN_MIN: Duration = Duration::from_millis(50);
/// Of those older than the newest that arrived, so many are remembered.
const LATE_MAX: u64 = 256;
/// As many as a flight remembers.
const LEN_MAX: usize = 4096;

impl Delivery {
    pub(super) fn on_sent(&mut self, sequence: u64, bytes: usize) {
        // What was not told of has no bytes.
        if self.in_flight.is_empty() {
            self.first = sequence;
        }
        while self.first + (self.in_flight.len() as u64) < sequence {
            self.in_flight.push_back(0);
        }
        assert!(bytes < usize::from(LOST), "a datagram is shorter");
        self.in_flight.push_back(bytes as u16);
        self.sent_bytes += bytes as u64;
        while self.in_flight.len() > LEN_MAX {
            self.forget_first();
        }
    }

    /// How many datagrams it remembers.
    pub(super) fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        see(Buffer { name: "bytes in flight, datagrams", len: self.in_flight.len(), max: LEN_MAX });
    }

    pub(super) fn on_lost(&mut self, sequence: u64) {
        let Some(bytes) = self.at_mut(sequence).filter(|bytes| **bytes & LOST == 0) else { return };
        let lost = u64::from(*bytes);
        *bytes |= LOST;
        self.lost_bytes += lost;
    }

    /// Whether it had been taken for lost.
    pub(super) fn on_acked(&mut self, sequence: u64) -> bool {
        let bytes = self.at_mut(sequence).map_or(0, std::mem::take);
        let was_lost = bytes & LOST != 0;
        self.arrived_bytes += u64::from(bytes & !LOST);
        self.lost_bytes -= if was_lost { u64::from(bytes & !LOST) } else { 0 };
        while self.in_flight.front().is_some_and(|bytes| *bytes == 0 || sequence > self.first + LATE_MAX) {
            self.forget_first();
        }
        was_lost
    }

    /// All that a datagram said of ours is known.
    pub(super) fn mark(&mut self, now: Instant) {
        if now.since(self.marks[self.newest].at) >= MARK_INTERVAL {
            self.newest = (self.newest + 1) % MARKS;
            self.marks[self.newest] = Mark { at: now, sent_bytes: self.sent_bytes, arrived_bytes: self.arrived_bytes };
        }
    }

    /// Between the first and the last acks of the last while, so that it does not matter how often they come.
    pub(super) fn rates(&self) -> Option<Rates> {
        let newest = self.marks[self.newest];
        let older = (1..MARKS).map(|back| self.marks[(self.newest + MARKS - back) % MARKS]);
        let oldest =
            older.take_while(|mark| mark.at > Instant::default() && newest.at.since(mark.at) <= SPAN).last()?;
        let span = newest.at.since(oldest.at);
        let rate = |bytes: u64| bytes as f64 / span.as_secs_f64();
        (span >= SPAN_MIN).then(|| Rates {
            sent_bytes_s: rate(newest.sent_bytes - oldest.sent_bytes),
            arrived_bytes_s: rate(newest.arrived_bytes - oldest.arrived_bytes),
        })
    }

    fn at_mut(&mut self, sequence: u64) -> Option<&mut u16> {
        let at = sequence.checked_sub(self.first)?;
        self.in_flight.get_mut(usize::try_from(at).ok()?)
    }

    /// Sent, and neither arrived nor lost as far as is known.
    pub(super) fn in_flight_bytes(&self) -> u64 {
        self.sent_bytes - self.arrived_bytes - self.lost_bytes
    }

    fn forget_first(&mut self) {
        self.on_lost(self.first);
        self.in_flight.pop_front();
        self.first += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_last_while() {
        let mut delivery = Delivery::default();
        assert_eq!(delivery.rates(), None);
        for n in 0..200u64 {
            // 100 bytes each 10 ms; from the hundredth on, half of it does not arrive.
            delivery.on_sent(n, 100);
            if n < 100 || n % 2 == 0 {
                delivery.on_acked(n);
            }
            delivery.mark(Instant::from_us(1_000_000 + n * 10_000));
            if n == 90 {
                let Rates { sent_bytes_s, arrived_bytes_s } = delivery.rates().unwrap();
                assert!((sent_bytes_s - 10_000.0).abs() < 1.0, "{sent_bytes_s}");
                assert!((arrived_bytes_s - 10_000.0).abs() < 1.0, "{arrived_bytes_s}");
            }
        }
        let Rates { sent_bytes_s, arrived_bytes_s } = delivery.rates().unwrap();
        assert!((sent_bytes_s - 10_000.0).abs() < 1.0, "{sent_bytes_s}");
        assert!((arrived_bytes_s - 5_000.0).abs() < 300.0, "{arrived_bytes_s}");
    }

    #[test]
    fn what_never_arrives_is_forgotten_and_what_comes_twice_counts_once() {
        let mut delivery = Delivery::default();
        for n in 0..10_000u64 {
            delivery.on_sent(n, 100);
            if n % 10 != 0 {
                assert!(!delivery.on_acked(n));
                assert!(!delivery.on_acked(n));
            }
            assert!(delivery.in_flight.len() <= LATE_MAX as usize + 2, "{}", delivery.in_flight.len());
        }
        assert_eq!(delivery.arrived_bytes, 900_000);
        assert!(delivery.in_flight_bytes() <= 100 * (LATE_MAX / 10 + 2), "{}", delivery.in_flight_bytes());
        (10_000..20_000).for_each(|n| delivery.on_sent(n, 100));
        assert_eq!(delivery.in_flight.len(), LEN_MAX);
    }

    #[test]
    fn what_comes_late_was_taken_for_lost() {
        let mut delivery = Delivery::default();
        (0..5).for_each(|n| delivery.on_sent(n, 100));
        delivery.on_lost(1);
        assert!(!delivery.on_acked(4));
        assert!(delivery.on_acked(1));
        assert_eq!((delivery.arrived_bytes, delivery.in_flight_bytes()), (200, 300));
    }
}
