/// Which streams a client may see: two sets of indices, one within the other, that are filled, drained and used again.
///
/// 64 indices make a word, and 64 words have a bit each in a summary: so a set costs what is in it, however large the world.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    summary: Vec<u64>,
    words: Vec<MarkedWord>,
}

/// What is marked of 64 indices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MarkedWord {
    /// Of those that are seen even if they were not before.
    pub(crate) may_enter: u64,
    /// Of those that stay seen, these included.
    pub(crate) may_stay: u64,
}

impl Marks {
    /// Makes room for indices below `len`.
    pub(crate) fn reach(&mut self, len: usize) {
        let words = len.div_ceil(64);
        if self.words.len() < words {
            self.words.resize(words, MarkedWord::default());
            self.summary.resize(words.div_ceil(64), 0);
        }
    }

    /// Marks one index, below what was reached.
    #[inline]
    pub(crate) fn add(&mut self, index: u32, may_enter: bool) {
        let (word, bit) = (index as usize / 64, index % 64);
        self.summary[word / 64] |= 1 << (word % 64);
        self.words[word].may_enter |= u64::from(may_enter) << bit;
        self.words[word].may_stay |= 1 << bit;
    }

    /// Marks what a set has.
    pub(crate) fn add_all(&mut self, set: &IndexSet) {
        for (word, bits) in set.words() {
            self.summary[word / 64] |= 1 << (word % 64);
            self.words[word].may_enter |= bits;
            self.words[word].may_stay |= bits;
        }
    }

    /// Marks what two sets have in common; work goes by the first.
    pub(crate) fn add_both(&mut self, set: &IndexSet, other: &IndexSet) {
        set.words().for_each(|(word, bits)| self.add_word(word as u32, bits & other.word(word as u32)));
    }

    /// Marks streams of one word.
    pub(crate) fn add_word(&mut self, word: u32, bits: u64) {
        if bits == 0 {
            return;
        }
        let word = word as usize;
        self.summary[word / 64] |= 1 << (word % 64);
        self.words[word].may_enter |= bits;
        self.words[word].may_stay |= bits;
    }

    /// Takes marks of one word back.
    pub(crate) fn remove_word(&mut self, word: u32, bits: u64) {
        if let Some(marked) = self.words.get_mut(word as usize) {
            marked.may_enter &= !bits;
            marked.may_stay &= !bits;
        }
    }

    /// Takes back what is not among those that `visible` tells of each word with marks.
    pub(crate) fn retain(&mut self, visible: impl Fn(u32) -> u64) {
        let Self { summary, words } = self;
        for (n, summary) in summary.iter().enumerate() {
            for word in bits(*summary).map(|bit| n as u32 * 64 + bit) {
                let (marked, visible) = (&mut words[word as usize], visible(word));
                marked.may_enter &= visible;
                marked.may_stay &= visible;
            }
        }
    }

    /// Takes the lowest word with marks off.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (u32, MarkedWord)> {
        let Self { summary, words } = self;
        summary
            .iter_mut()
            .enumerate()
            .flat_map(move |(n, summary)| drain_bits(summary).map(move |bit| n as u32 * 64 + bit))
            .map(|word| (word, std::mem::take(&mut words[word as usize])))
    }
}

/// A set of indices.
#[derive(Debug, Default)]
pub(crate) struct IndexSet {
    words: Vec<u64>,
}

impl IndexSet {
    pub(crate) fn set(&mut self, index: u32, value: bool) {
        let word = index as usize / 64;
        if self.words.len() <= word {
            if !value {
                return;
            }
            self.words.resize(word + 1, 0);
        }
        self.words[word] = self.words[word] & !(1 << (index % 64)) | u64::from(value) << (index % 64);
    }

    pub(crate) fn has(&self, index: u32) -> bool {
        self.words.get(index as usize / 64).is_some_and(|word| word >> (index % 64) & 1 != 0)
    }

    /// Those of one word.
    pub(crate) fn word(&self, word: u32) -> u64 {
        self.words.get(word as usize).copied().unwrap_or(0)
    }

    /// The words that are not empty.
    fn words(&self) -> impl Iterator<Item = (usize, u64)> {
        self.words.iter().copied().enumerate().filter(|(_, bits)| *bits != 0)
    }
}

/// A set of few indices, wherever they are.
#[derive(Debug, Default)]
pub(crate) struct SparseSet {
    /// Words that are not empty, by ascending number.
    words: Vec<(u32, u64)>,
}

impl SparseSet {
    pub(crate) fn set(&mut self, index: u32, value: bool) {
        let (word, bit) = (index / 64, 1 << (index % 64));
        match self.words.binary_search_by_key(&word, |(word, _)| *word) {
            Ok(at) if value => self.words[at].1 |= bit,
            Ok(at) => {
                self.words[at].1 &= !bit;
                if self.words[at].1 == 0 {
                    self.words.remove(at);
                }
            }
            Err(at) if value => self.words.insert(at, (word, bit)),
            Err(_) => {}
        }
    }

    pub(crate) fn has(&self, index: u32) -> bool {
        let at = self.words.binary_search_by_key(&(index / 64), |(word, _)| *word);
        at.is_ok_and(|at| self.words[at].1 >> (index % 64) & 1 != 0)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The words that are not empty.
    pub(crate) fn words(&self) -> impl Iterator<Item = (u32, u64)> {
        self.words.iter().copied()
    }

    /// All of them, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        self.words().flat_map(|(word, set)| bits(set).map(move |bit| word * 64 + bit))
    }
}

/// The bits that are set, from the lowest.
#[inline]
pub(crate) fn bits(mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros())?;
        word &= word - 1;
        Some(bit)
    })
}

fn drain_bits(word: &mut u64) -> impl Iterator<Item = u32> {
    bits(std::mem::take(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_out_by_ascending_word_and_are_gone() {
        let mut marks = Marks::default();
        marks.reach(100_000);
        let mut always = IndexSet::default();
        always.set(70, true);
        always.set(71, true);
        always.set(71, false);
        marks.add(99_999, false);
        marks.add_all(&always);
        marks.add(64, true);
        marks.add(0, true);
        let word = |may_enter, rim| MarkedWord { may_enter, may_stay: may_enter | rim };
        let expected = [(0, word(1, 0)), (1, word(0b100_0001, 0)), (1_562, word(0, 1 << 31))];
        assert_eq!(marks.drain().collect::<Vec<_>>(), expected);
        assert_eq!(marks.drain().count(), 0);
    }

    #[test]
    fn marks_can_be_taken_back() {
        let mut marks = Marks::default();
        marks.reach(200);
        [0, 1, 70, 71].into_iter().for_each(|index| marks.add(index, true));
        marks.remove_word(0, 0b01);
        marks.remove_word(9, u64::MAX);
        marks.retain(|word| if word == 1 { 1 << 6 } else { u64::MAX });
        let left = marks.drain().map(|(word, marked)| (word, marked.may_enter, marked.may_stay));
        assert_eq!(left.collect::<Vec<_>>(), [(0, 0b10, 0b10), (1, 1 << 6, 1 << 6)]);
    }

    #[test]
    fn a_sparse_set_keeps_no_word_that_is_empty() {
        let mut set = SparseSet::default();
        [500_000, 3, 2, 500_001].into_iter().for_each(|index| set.set(index, true));
        set.set(3, false);
        set.set(2, false);
        set.set(90, false);
        assert_eq!((set.iter().collect::<Vec<_>>(), set.words().count()), (vec![500_000, 500_001], 1));
        assert!(set.has(500_000) && !set.has(500_002) && !set.has(2));
    }
}
