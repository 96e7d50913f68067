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
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

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

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Set(usize, u64),
        Clear(usize),
        /// So much later all that passed are polled, and after the first of them this one is set.
        Poll(u64, usize, u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (0usize..6, 0u64..40).prop_map(|(slot, us)| Step::Set(slot, us)),
            1 => (0usize..6).prop_map(Step::Clear),
            3 => (0u64..15, 0usize..6, 0u64..40).prop_map(|(later, slot, us)| Step::Poll(later, slot, us)),
        ]
    }

    proptest! {
        #[test]
        fn they_pass_as_those_of_a_map_do(steps in prop::collection::vec(step(), 0..120)) {
            let mut deadlines = Deadlines::new(6);
            let mut expected = BTreeMap::new();
            let mut now = 0;
            for step in steps {
                match step {
                    Step::Set(slot, us) => {
                        deadlines.set(slot, at(now + us));
                        expected.insert(slot, now + us);
                    }
                    Step::Clear(slot) => {
                        deadlines.clear(slot);
                        expected.remove(&slot);
                    }
                    Step::Poll(later, again, us) => {
                        now += later;
                        let mut again = Some(again);
                        while let Some(slot) = deadlines.poll(at(now)) {
                            let due = expected.remove(&slot);
                            prop_assert!(due.is_some_and(|due| due <= now), "slot {} at {}", slot, now);
                            if let Some(slot) = again.take() {
                                // What lies ahead, as a timeout does.
                                deadlines.set(slot, at(now + 1 + us));
                                expected.insert(slot, now + 1 + us);
                            }
                        }
                        prop_assert!(expected.values().all(|at| *at > now), "{:?} at {}", &expected, now);
                        prop_assert!(deadlines.next().is_none_or(|next| next > at(now)), "asked for nothing in a circle");
                    }
                }
                let first = expected.values().min().copied();
                let next = deadlines.next().map(Instant::as_us);
                prop_assert!(first.is_none_or(|first| next.is_some_and(|next| next <= first)), "{:?} {:?}", next, first);
            }
        }
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
