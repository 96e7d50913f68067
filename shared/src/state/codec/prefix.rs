use crate::bits::{BitReader, Malformed};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// The longest code word, in bits.
pub(super) const LEN_MAX: u32 = 15;
/// The number of lengths, 0 included.
const LENGTHS: usize = LEN_MAX as usize + 1;
/// Words up to this long are found by one look-up.
const LOOKUP_BITS: u32 = 9;
const LOOKUP: usize = 1 << LOOKUP_BITS;

/// A code word. Its first bit is the lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) bits: u16,
    pub(super) len: u16,
}

/// A canonical prefix code, from the lengths of its words alone: shorter words come first, equally long ones in the
/// order of their symbols, each one more than the last. Source: E. Schwartz and B. Kallick, "Generating a canonical prefix
/// encoding", 1964; the form is that of RFC 1951, section 3.2.2, with the first bit of a word written first.
#[derive(Clone, Debug)]
pub(super) struct PrefixCode {
    words: Vec<Word>,
    /// For each value of the next [`LOOKUP_BITS`] bits the symbol and the length of its word, or length 0 if it is longer.
    lookup: Box<[(u8, u8); LOOKUP]>,
    /// Symbols by their words' length, then by number.
    by_length: Vec<u8>,
    /// For each length the end of its words, as numbers of [`LEN_MAX`] bits with the first bit highest: the words that are not longer
    /// than that lie before it.
    ends: [u32; LENGTHS],
    /// For each length what to add to a word of it, taken for a number, to get its place in `by_length`.
    places: [u32; LENGTHS],
}

impl PrefixCode {
    /// The code with these lengths, each 1 to [`LEN_MAX`]. They fill the code space exactly.
    pub(super) fn new(lengths: &[u8]) -> Self {
        let mut counts = [0u16; LENGTHS];
        lengths.iter().for_each(|len| counts[usize::from(*len)] += 1);
        let space: u32 = (1..=LEN_MAX).map(|len| u32::from(counts[len as usize]) << (LEN_MAX - len)).sum();
        assert!(counts[0] == 0 && space == 1 << LEN_MAX, "the words do not fill the code space");
        let (mut next, mut ends, mut places) = ([0u32; LENGTHS], [0; LENGTHS], [0u32; LENGTHS]);
        let mut before = 0;
        for len in 1..LENGTHS {
            next[len] = (next[len - 1] + u32::from(counts[len - 1])) << 1;
            ends[len] = (next[len] + u32::from(counts[len])) << (LENGTHS - 1 - len);
            places[len] = u32::wrapping_sub(before, next[len]);
            before += u32::from(counts[len]);
        }
        let mut by_length: Vec<u8> = (0..lengths.len() as u8).collect();
        by_length.sort_by_key(|symbol| lengths[usize::from(*symbol)]);
        let words = lengths.iter().map(|len| {
            let code = next[usize::from(*len)];
            next[usize::from(*len)] += 1;
            Word { bits: (code.reverse_bits() >> (32 - u32::from(*len))) as u16, len: u16::from(*len) }
        });
        let words: Vec<Word> = words.collect();
        let mut lookup = Box::new([(0, 0); LOOKUP]);
        for (symbol, word) in words.iter().enumerate().filter(|(_, word)| u32::from(word.len) <= LOOKUP_BITS) {
            for rest in 0..1usize << (LOOKUP_BITS - u32::from(word.len)) {
                lookup[usize::from(word.bits) | rest << word.len] = (symbol as u8, word.len as u8);
            }
        }
        Self { words, lookup, by_length, ends, places }
    }

    /// The word of a symbol; an empty one if there is no such symbol.
    pub(super) fn word(&self, symbol: usize) -> Word {
        self.words.get(symbol).copied().unwrap_or_default()
    }

    /// Reads one symbol.
    #[inline(always)]
    pub(super) fn read(&self, r: &mut BitReader<'_>) -> Result<u8, Malformed> {
        let (symbol, len) = self.find(r.ahead())?;
        r.skip(len)?;
        Ok(symbol)
    }

    /// The symbol whose word the next bits begin with, and the length of that. There are at least [`LEN_MAX`] bits.
    #[inline(always)]
    pub(super) fn find(&self, ahead: u64) -> Result<(u8, u32), Malformed> {
        let (symbol, len) = self.lookup[ahead as usize % LOOKUP];
        if len > 0 { Ok((symbol, u32::from(len))) } else { self.find_long(ahead as u32) }
    }

    /// Word by word length: the canonical order makes those of one length a range.
    #[inline(never)]
    fn find_long(&self, ahead: u32) -> Result<(u8, u32), Malformed> {
        let word = ahead.reverse_bits() >> (u32::BITS - LEN_MAX);
        for len in LOOKUP_BITS + 1..=LEN_MAX {
            if word < self.ends[len as usize] {
                let place = (word >> (LEN_MAX - len)).wrapping_add(self.places[len as usize]);
                return Ok((self.by_length[place as usize], len));
            }
        }
        Err(Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitWriter;

    #[test]
    fn every_symbol_is_read_back() {
        // Lengths 1, 2, ..., 14, 15, 15.
        let lengths: Vec<u8> = (1..=15).chain([15]).collect();
        let code = PrefixCode::new(&lengths);
        let mut w = BitWriter::new();
        for symbol in 0..16 {
            let word = code.word(symbol);
            w.write(u64::from(word.bits), u32::from(word.len));
        }
        let mut r = BitReader::new(w.finish());
        (0..16).for_each(|symbol| assert_eq!(code.read(&mut r), Ok(symbol)));
    }

    #[test]
    fn bits_that_end_within_a_word_are_refused() {
        let code = PrefixCode::new(&[1, 2, 3, 3]);
        let mut r = BitReader::new(&[0xFF]);
        assert_eq!((code.read(&mut r), code.read(&mut r), code.read(&mut r)), (Ok(3), Ok(3), Err(Malformed)));
    }
}
