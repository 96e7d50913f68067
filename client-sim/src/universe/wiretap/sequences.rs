/// A set of sequences, of which those that lie 2,048 or more before the newest are forgotten.
#[derive(Clone, Debug, Default)]
pub struct Sequences {
    newest: Option<u64>,
    /// Bit `s % 2,048` for each sequence `s`.
    words: [u64; WORDS],
}

const WORDS: usize = 32;
const LEN: u64 = 64 * WORDS as u64;

impl Sequences {
    /// The newest.
    #[must_use]
    pub const fn newest(&self) -> Option<u64> {
        self.newest
    }

    /// Adds one. What is forgotten already stays so.
    pub fn insert(&mut self, sequence: u64) {
        match self.newest {
            Some(newest) if sequence + LEN <= newest => return,
            Some(newest) if sequence <= newest => {}
            newest => {
                let skipped = newest.map_or(0, |newest| newest + 1)..sequence;
                skipped.take(LEN as usize).for_each(|skipped| self.words[word(skipped)] &= !bit(skipped));
                self.newest = Some(sequence);
            }
        }
        self.words[word(sequence)] |= bit(sequence);
    }

    /// Whether it is in the set, as far as that is known.
    #[must_use]
    pub fn contains(&self, sequence: u64) -> bool {
        let is_known = |newest| sequence <= newest && sequence + LEN > newest;
        self.newest.is_some_and(is_known) && self.words[word(sequence)] & bit(sequence) != 0
    }
}

const fn word(sequence: u64) -> usize {
    (sequence / 64) as usize % WORDS
}

const fn bit(sequence: u64) -> u64 {
    1 << (sequence % 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn it_is_a_set_of_the_newest(steps in prop::collection::vec(0u64..4_000, 1..100)) {
            let (mut sequences, mut all, mut base) = (Sequences::default(), BTreeSet::new(), 0);
            for step in steps {
                sequences.insert(base + step);
                all.insert(base + step);
                base += step / 2;
                let newest = *all.last().unwrap();
                prop_assert_eq!(sequences.newest(), Some(newest));
                for sequence in newest.saturating_sub(LEN - 1)..newest + 3 {
                    prop_assert_eq!(sequences.contains(sequence), all.contains(&sequence), "{}", sequence);
                }
            }
        }
    }
}
