use super::zigzag;
use alloc::vec::Vec;

/// Collects bits into a growing buffer that is kept between uses: after a few packets it allocates no more.
#[derive(Clone, Debug, Default)]
pub struct BitWriter {
    /// Whole bytes already written out.
    bytes: Vec<u8>,
    /// The bits not yet in `bytes`, lowest first; what lies above them is zero.
    pending: u64,
    /// Always below 64 between calls.
    pending_bits: u32,
}

impl BitWriter {
    /// An empty writer.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), pending: 0, pending_bits: 0 }
    }

    /// Forgets what was written and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.pending = 0;
        self.pending_bits = 0;
    }

    /// Bits written so far.
    #[must_use]
    pub const fn len_bits(&self) -> usize {
        self.bytes.len() * 8 + self.pending_bits as usize
    }

    /// Bytes needed for what was written so far.
    #[must_use]
    pub const fn len_bytes(&self) -> usize {
        self.len_bits().div_ceil(8)
    }

    /// Writes the low `bits` bits of `value`.
    ///
    /// # Panics
    /// If `bits` exceeds 64 or `value` does not fit.
    #[inline]
    pub fn write(&mut self, value: u64, bits: u32) {
        assert!(bits == 64 || (bits < 64 && value >> bits == 0), "{value} does not fit {bits} bits");
        self.push(value, bits);
    }

    /// Writes one bit.
    #[inline]
    pub fn write_bool(&mut self, value: bool) {
        self.push(u64::from(value), 1);
    }

    /// Writes `value` in exponential Golomb code of order `k`.
    ///
    /// # Panics
    /// If `k` exceeds 31.
    #[inline]
    pub fn write_golomb(&mut self, value: u32, k: u32) {
        let (code, bits) = golomb(value, k);
        if bits <= 64 {
            self.push(code, bits);
        } else {
            // The one number of order 0 that is longer: 2^32 - 1.
            self.push(0, bits - 64);
            self.push(code, 64);
        }
    }

    /// Writes a signed number, zigzag folded, in exponential Golomb code of order `k`.
    #[inline]
    pub fn write_signed_golomb(&mut self, value: i32, k: u32) {
        self.write_golomb(zigzag(value), k);
    }

    /// Writes whole bytes, at whatever bit the writer stands.
    pub fn write_bytes(&mut self, bytes: &[u8]) {
        self.append(bytes, bytes.len() * 8);
    }

    /// Writes the first `len_bits` bits of `bytes`.
    ///
    /// # Panics
    /// If `bytes` is shorter than that.
    pub fn append(&mut self, bytes: &[u8], len_bits: usize) {
        assert!(len_bits <= bytes.len() * 8);
        let (words, rest) = bytes[..len_bits.div_ceil(8)].as_chunks::<8>();
        let mut left = len_bits;
        for word in words {
            let take = left.min(64) as u32;
            self.push(low_bits(u64::from_le_bytes(*word), take), take);
            left -= take as usize;
        }
        for byte in rest {
            let take = left.min(8) as u32;
            self.push(low_bits(u64::from(*byte), take), take);
            left -= take as usize;
        }
    }

    /// Writes the first `len_bits` bits of `words`, each from its least significant bit on: how a record that was encoded
    /// once reaches many datagrams. What follows those bits in the last word must be zero.
    ///
    /// # Panics
    /// If `words` is shorter than that.
    #[inline]
    pub fn append_words(&mut self, words: &[u64], len_bits: usize) {
        let (whole, rest) = (len_bits / 64, (len_bits % 64) as u32);
        words[..whole].iter().for_each(|word| self.push(*word, 64));
        if rest > 0 {
            self.push(words[whole], rest);
        }
    }

    /// Writes all that another writer has.
    pub fn append_writer(&mut self, other: &Self) {
        self.append(&other.bytes, other.bytes.len() * 8);
        self.push(other.pending, other.pending_bits);
    }

    /// Moves what was written to the end of `out`, in whole words, the last one filled with zeros, and empties the writer.
    pub fn drain_words(&mut self, out: &mut Vec<u64>) {
        let (words, rest) = self.bytes.as_chunks::<8>();
        out.extend(words.iter().map(|word| u64::from_le_bytes(*word)));
        if rest.is_empty() {
            out.extend((self.pending_bits > 0).then_some(self.pending));
        } else {
            // After `finish`, whole bytes need not be whole words.
            let tail = rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
            let at = rest.len() as u32 * 8;
            out.push(tail | self.pending << at);
            out.extend((at + self.pending_bits > 64).then(|| self.pending >> (64 - at)));
        }
        self.clear();
    }

    /// Pads with zero bits to a whole byte and returns all bytes.
    pub fn finish(&mut self) -> &[u8] {
        let whole = self.pending_bits.div_ceil(8) as usize;
        self.bytes.extend_from_slice(&self.pending.to_le_bytes()[..whole]);
        self.pending = 0;
        self.pending_bits = 0;
        &self.bytes
    }

    /// Writes the low `bits` bits of `value`, at most 64, above which it is zero.
    #[inline]
    pub(crate) fn push(&mut self, value: u64, bits: u32) {
        self.pending |= value << self.pending_bits;
        let total = self.pending_bits + bits;
        if total < 64 {
            self.pending_bits = total;
            return;
        }
        self.bytes.extend_from_slice(&self.pending.to_le_bytes());
        // With nothing pending, all of `value` is out; a shift by 64 has no meaning.
        self.pending = value.checked_shr(64 - self.pending_bits).unwrap_or(0);
        self.pending_bits = total - 64;
    }
}

/// The code of `value` in exponential Golomb code of order `k`, first bit lowest, and its bits; of more than 64 only the
/// last 64, as the others are zeros.
///
/// # Panics
/// If `k` exceeds 31.
#[inline]
#[must_use]
pub(crate) const fn golomb(value: u32, k: u32) -> (u64, u32) {
    assert!(k < 32);
    let shifted = value as u64 + (1 << k);
    let significant = u64::BITS - shifted.leading_zeros();
    let zeros = significant - k - 1;
    let bits = zeros + significant;
    let low = shifted & !(1 << (significant - 1));
    let skip = bits.saturating_sub(64);
    ((low << 1 | 1) << (zeros - skip), bits)
}

#[inline]
const fn low_bits(value: u64, bits: u32) -> u64 {
    match bits {
        64 => value,
        _ => value & ((1 << bits) - 1),
    }
}
