use alloc::vec;
use alloc::vec::Vec;

use crate::Instant;

const NEVER: Instant = Instant::from_us(u64::MAX);

/// One deadline for each of a fixed number of slots. Setting one is a store; finding those that passed is a scan of
/// eight bytes a slot, and only once the earliest that the last scan saw can have passed. Deadlines that are pushed
/// back with every packet, as timeouts are, so cost almost nothing.
pub(super) struct Deadlines {
    at: Vec<Instant>,
    /// No deadline lies before this.
    earliest: Instant,
    /// How far the scan under way has come, and the earliest deadline it will leave behind.
    scanned: usize,
    left: Instant,
}

impl Deadlines {
    pub(super) fn new(slots: usize) -> Self {
        Self { at: vec![NEVER; slots], earliest: NEVER, scanned: 0, left: NEVER }
    }

    pub(super) fn set(&mut self, slot: usize, at: Instant) {
        self.at[slot] = at;
        self.earliest = self.earliest.min(at);
        if slot < self.scanned {
            self.left = self.left.min(at);
        }
    }

    pub(super) fn clear(&mut self, slot: usize) {
        self.at[slot] = NEVER;
    }

    /// A slot whose deadline has passed. It has none from then on.
    pub(super) fn poll(&mut self, now: Instant) -> Option<usize> {
        if self.earliest > now || self.earliest == NEVER {
            return None;
        }
        while let Some(at) = self.at.get_mut(self.scanned) {
            let slot = self.scanned;
            self.scanned += 1;
            if *at <= now && *at != NEVER {
                *at = NEVER;
                return Some(slot);
            }
            self.left = self.left.min(*at);
        }
        self.earliest = self.left;
        self.left = NEVER;
        self.scanned = 0;
        None
    }

    /// When [`Deadlines::poll`] may next have something: never after a deadline, now and then before the first.
    pub(super) fn next(&self) -> Option<Instant> {
        (self.earliest != NEVER).then_some(self.earliest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(us: u64) -> Instant {
        Instant::from_us(us)
    }

    fn passed(deadlines: &mut Deadlines, us: u64) -> Vec<usize> {
        core::iter::from_fn(|| deadlines.poll(at(us))).collect()
    }

    #[test]
    fn a_deadline_is_polled_once_when_it_has_passed() {
        let mut deadlines = Deadlines::new(4);
        deadlines.set(2, at(10));
        assert_eq!(passed(&mut deadlines, 9), []);
        assert_eq!(passed(&mut deadlines, 10), [2]);
        assert_eq!(passed(&mut deadlines, 11), []);
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn a_deadline_pushed_back_is_not_polled_early() {
        let mut deadlines = Deadlines::new(2);
        deadlines.set(0, at(10));
        deadlines.set(0, at(20));
        deadlines.set(1, at(30));
        assert_eq!(passed(&mut deadlines, 15), []);
        assert_eq!(deadlines.next(), Some(at(20)));
        deadlines.clear(0);
        assert_eq!(passed(&mut deadlines, 25), []);
        assert_eq!(passed(&mut deadlines, 30), [1]);
    }

    #[test]
    fn a_deadline_set_during_a_scan_is_not_lost() {
        let mut deadlines = Deadlines::new(3);
        for slot in 0..3 {
            deadlines.set(slot, at(10));
        }
        assert_eq!(deadlines.poll(at(10)), Some(0));
        deadlines.set(0, at(12));
        assert_eq!(passed(&mut deadlines, 11), [1, 2]);
        assert_eq!(deadlines.next(), Some(at(12)));
        assert_eq!(passed(&mut deadlines, 12), [0]);
    }
}
