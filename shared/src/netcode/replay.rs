/// How far behind the newest sequence a packet may arrive: over a second of a client's packets at 1 MiB/s.
pub(super) const REPLAY_WINDOW: u64 = 1024;

const WORDS: usize = (REPLAY_WINDOW / 64) as usize;

/// Which of the last [`REPLAY_WINDOW`] sequences have arrived. Tested before a packet is decrypted, and marked only
/// after, so that a stranger can never move it.
#[derive(Clone, Debug)]
pub(super) struct ReplayWindow {
    newest: u64,
    /// Bit `sequence % REPLAY_WINDOW`, for the sequences from `newest - REPLAY_WINDOW + 1` to `newest`.
    arrived: [u64; WORDS],
}

impl ReplayWindow {
    pub(super) const fn new() -> Self {
        Self { newest: 0, arrived: [0; WORDS] }
    }

    /// Whether a packet of this sequence must be refused: it arrived before, or is too old to tell.
    pub(super) fn refuses(&self, sequence: u64) -> bool {
        if sequence > self.newest {
            return false;
        }
        self.newest - sequence >= REPLAY_WINDOW || self.arrived[word(sequence)] & bit(sequence) != 0
    }

    /// Notes an authentic packet that [`ReplayWindow::refuses`] did not refuse.
    pub(super) fn mark(&mut self, sequence: u64) {
        if sequence > self.newest {
            if sequence - self.newest >= REPLAY_WINDOW {
                self.arrived = [0; WORDS];
            } else {
                for skipped in self.newest + 1..sequence {
                    self.arrived[word(skipped)] &= !bit(skipped);
                }
            }
            self.newest = sequence;
        }
        self.arrived[word(sequence)] |= bit(sequence);
    }
}

const fn word(sequence: u64) -> usize {
    (sequence % REPLAY_WINDOW / 64) as usize
}

const fn bit(sequence: u64) -> u64 {
    1 << (sequence % 64)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    #[test]
    fn sequence_zero_is_accepted_once() {
        let mut window = ReplayWindow::new();
        assert!(!window.refuses(0));
        window.mark(0);
        assert!(window.refuses(0));
    }

    #[test]
    fn the_oldest_sequence_inside_the_window_is_accepted_and_the_next_older_is_not() {
        let mut window = ReplayWindow::new();
        window.mark(5000);
        assert!(!window.refuses(5000 - REPLAY_WINDOW + 1));
        assert!(window.refuses(5000 - REPLAY_WINDOW));
    }

    #[test]
    fn the_end_of_the_sequence_space_does_not_overflow() {
        let mut window = ReplayWindow::new();
        window.mark(u64::MAX - 1);
        assert!(!window.refuses(u64::MAX));
        window.mark(u64::MAX);
        assert!(window.refuses(u64::MAX));
        assert!(!window.refuses(u64::MAX - 2));
        assert!(window.refuses(0));
    }

    fn step() -> impl Strategy<Value = i64> {
        let window = REPLAY_WINDOW.cast_signed();
        prop_oneof![8 => -3..4i64, 2 => -window - 3..window + 3, 1 => Just(window), 1 => Just(-window)]
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set_of_all_that_arrived(
            start in prop_oneof![0u64..5000, u64::MAX - 5000..=u64::MAX], steps in prop::collection::vec(step(), 1..400),
        ) {
            let mut window = ReplayWindow::new();
            let mut arrived = BTreeSet::new();
            let mut newest = 0u64;
            let mut sequence = start;
            for step in steps {
                sequence = sequence.saturating_add_signed(step);
                let refused = arrived.contains(&sequence) || newest.saturating_sub(sequence) >= REPLAY_WINDOW;
                prop_assert_eq!(window.refuses(sequence), refused);
                if !refused {
                    window.mark(sequence);
                    arrived.insert(sequence);
                    newest = newest.max(sequence);
                }
            }
        }
    }
}
