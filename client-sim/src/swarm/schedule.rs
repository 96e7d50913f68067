use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tidelock::Instant;

/// Whose turn it is, and since when. Each client has at most one turn ahead.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    heap: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Of each client; entries of the heap that differ are out of date.
    next: Vec<Option<Instant>>,
}

impl Schedule {
    /// Sets when `client` has its next turn, in place of what was set before.
    pub(super) fn set(&mut self, client: usize, due: Option<Instant>) {
        if client >= self.next.len() {
            self.next.resize(client + 1, None);
        }
        if self.next[client] == due {
            return;
        }
        self.next[client] = due;
        if let Some(due) = due {
            self.heap.push(Reverse((due, client)));
        }
    }

    /// Brings the turn of `client` forward to `due`, if it is later.
    pub(super) fn hasten(&mut self, client: usize, due: Option<Instant>) {
        let next = self.next.get(client).copied().flatten();
        if due.is_some_and(|due| next.is_none_or(|next| due < next)) {
            self.set(client, due);
        }
    }

    /// The earliest turn.
    pub(super) fn next_due(&mut self) -> Option<Instant> {
        while let Some(Reverse((due, client))) = self.heap.peek() {
            if self.next[*client] == Some(*due) {
                return Some(*due);
            }
            self.heap.pop();
        }
        None
    }

    /// The client with the earliest turn and when that was due, if it is by `now`. The client has no turn until one is
    /// set.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<(usize, Instant)> {
        self.next_due().filter(|due| *due <= now)?;
        let Reverse((due, client)) = self.heap.pop()?;
        self.next[client] = None;
        Some((client, due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(us: u64) -> Instant {
        Instant::from_us(us)
    }

    #[test]
    fn turns_come_in_order_of_time() {
        let mut schedule = Schedule::default();
        for (client, due) in [(0, 30), (1, 10), (2, 20)] {
            schedule.set(client, Some(at(due)));
        }
        assert_eq!(schedule.pop_due(at(9)), None);
        assert_eq!(schedule.pop_due(at(25)), Some((1, at(10))));
        assert_eq!(schedule.pop_due(at(25)), Some((2, at(20))));
        assert_eq!(schedule.pop_due(at(25)), None);
        assert_eq!(schedule.next_due(), Some(at(30)));
    }

    #[test]
    fn a_turn_that_was_moved_comes_once() {
        let mut schedule = Schedule::default();
        schedule.set(0, Some(at(10)));
        schedule.set(0, Some(at(20)));
        schedule.set(0, Some(at(5)));
        schedule.hasten(0, Some(at(7)));
        schedule.hasten(0, Some(at(4)));
        assert_eq!(schedule.pop_due(at(100)), Some((0, at(4))));
        assert_eq!(schedule.pop_due(at(100)), None);
        schedule.set(0, Some(at(10)));
        schedule.set(0, None);
        assert_eq!(schedule.next_due(), None);
    }

    #[test]
    fn who_has_no_turn_gets_one_when_hastened() {
        let mut schedule = Schedule::default();
        schedule.hasten(3, None);
        schedule.hasten(3, Some(at(8)));
        assert_eq!(schedule.next_due(), Some(at(8)));
    }
}
