use std::collections::VecDeque;
use tidelock::Buffer;
use tidelock::state::EventId;
use tidelock::wire::ClientMessage;

/// A client's events on their way to the game: so many in a tick, and the rest in later ones. They come in bursts, for all
/// that came after one that was lost wait for it; so what is more than a tick's is no reason to drop what is reliable.
#[derive(Debug)]
pub(crate) struct EventQueue {
    /// Of this tick's allowance.
    left: u32,
    bytes_left: usize,
    waiting: VecDeque<(EventId, Vec<u8>)>,
    waiting_bytes: usize,
}

/// Events that the game gets from one client in a tick, ...
const PER_TICK: u32 = 16;
/// ... and their bytes: decoded they can be a hundred times as large.
const BYTES_PER_TICK: usize = 2 * ClientMessage::BYTES_MAX;
/// Events that may wait: several times what can be under way at once.
const WAITING_MAX: usize = 256;
/// Their bytes.
const WAITING_BYTES_MAX: usize = 64 * 1024;

impl Default for EventQueue {
    fn default() -> Self {
        Self { left: PER_TICK, bytes_left: BYTES_PER_TICK, waiting: VecDeque::new(), waiting_bytes: 0 }
    }
}

impl EventQueue {
    /// A tick begins, and the allowance is a full one.
    pub(crate) const fn begin_tick(&mut self) {
        self.left = PER_TICK;
        self.bytes_left = BYTES_PER_TICK;
    }

    /// Takes an event that arrived. False if too much waits already: it is dropped.
    pub(crate) fn push(&mut self, id: EventId, body: Vec<u8>) -> bool {
        let fits = self.waiting.len() < WAITING_MAX && self.waiting_bytes + body.len() <= WAITING_BYTES_MAX;
        if fits {
            self.waiting_bytes += body.len();
            self.waiting.push_back((id, body));
        }
        fits
    }

    /// How much waits.
    pub(crate) fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        see(Buffer { name: "events that wait", len: self.waiting.len(), max: WAITING_MAX });
        see(Buffer { name: "events that wait, bytes", len: self.waiting_bytes, max: WAITING_BYTES_MAX });
    }

    /// The next event that the game may have in this tick.
    pub(crate) fn pop(&mut self) -> Option<(EventId, Vec<u8>)> {
        let (id, body) = self.waiting.pop_front_if(|(_, body)| self.left > 0 && body.len() <= self.bytes_left)?;
        self.left -= 1;
        self.bytes_left -= body.len();
        self.waiting_bytes -= body.len();
        Some((id, body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_spread_over_ticks_in_order() {
        let mut queue = EventQueue::default();
        (0..60u8).for_each(|n| assert!(queue.push(EventId(0), vec![n; 50])));
        let mut taken = Vec::new();
        for _ in 0..4 {
            queue.begin_tick();
            let before = taken.len();
            taken.extend(std::iter::from_fn(|| queue.pop()).map(|(_, body)| body[0]));
            assert!(taken.len() - before <= PER_TICK as usize);
        }
        assert_eq!(taken, (0..60).collect::<Vec<u8>>());
    }

    #[test]
    fn bytes_are_spread_over_ticks_too_and_the_longest_event_passes() {
        let mut queue = EventQueue::default();
        (0..5).for_each(|_| assert!(queue.push(EventId(0), vec![0; ClientMessage::EVENT_BYTES_MAX])));
        let counts = [(); 4].map(|()| {
            queue.begin_tick();
            std::iter::from_fn(|| queue.pop()).count()
        });
        assert_eq!(counts, [2, 2, 1, 0]);
    }

    #[test]
    fn who_sends_without_end_is_not_buffered_for_without_end() {
        let mut queue = EventQueue::default();
        assert_eq!((0..1_000).filter(|_| queue.push(EventId(0), Vec::new())).count(), WAITING_MAX);
        let mut queue = EventQueue::default();
        assert_eq!((0..1_000).filter(|_| queue.push(EventId(0), vec![0; 1_024])).count(), 64);
    }
}
