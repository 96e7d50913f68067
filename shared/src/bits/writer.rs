use super::golomb::golomb;
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

    /// Makes room for so many bytes more.
    pub fn reserve_bytes(&mut self, bytes: usize) {
        self.bytes.reserve(bytes);
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

    /// Writes `len_bits` bits of `source` from bit `begin` on: how records that were encoded once reach many datagrams.
    ///
    /// # Panics
    /// If `source` does not go on for another [`BitWriter::TAIL_BYTES`] after the byte of the last bit.
    #[inline]
    pub fn append_from(&mut self, source: &[u8], begin: usize, len_bits: usize) {
        let (mut at, end) = (begin, begin + len_bits);
        while end - at >= 64 {
            self.push(word_at(source, at), 64);
            at += 64;
        }
        if at < end {
            let rest = (end - at) as u32;
            self.push(low_bits(word_at(source, at), rest), rest);
        }
    }

    /// What [`BitWriter::append_from`] may look at beyond the bits that it copies.
    pub const TAIL_BYTES: usize = 9;

    /// Takes back all but the first `len_bits` bits, unless the writer was padded by [`BitWriter::finish`].
    ///
    /// # Panics
    /// If fewer were written.
    pub fn truncate(&mut self, len_bits: usize) {
        assert!(len_bits <= self.len_bits(), "{len_bits} bits were not written");
        let whole = len_bits / 64 * 8;
        if whole < self.bytes.len() {
            self.pending = u64::from_le_bytes(core::array::from_fn(|n| self.bytes[whole + n]));
            self.bytes.truncate(whole);
        }
        self.pending_bits = (len_bits % 64) as u32;
        self.pending = low_bits(self.pending, self.pending_bits);
    }

    /// The bytes that are complete. Up to 63 bits may not be among them.
    #[must_use]
    pub fn complete_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes all that another writer has.
    pub fn append_writer(&mut self, other: &Self) {
        self.append(&other.bytes, other.bytes.len() * 8);
        self.push(other.pending, other.pending_bits);
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

/// The 64 bits from bit `at` on.
#[inline]
fn word_at(source: &[u8], at: usize) -> u64 {
    let (byte, shift) = (at / 8, at % 8);
    let bytes: &[u8; 9] = source[byte..byte + 9].first_chunk().unwrap_or(&[0; 9]);
    let [a, b, c, d, e, f, g, h, last] = *bytes;
    // A shift by 64 has no meaning, so it is done in two steps.
    u64::from_le_bytes([a, b, c, d, e, f, g, h]) >> shift | u64::from(last) << 1 << (63 - shift)
}

#[inline]
const fn low_bits(value: u64, bits: u32) -> u64 {
    match bits {
        64 => value,
        _ => value & ((1 << bits) - 1),
    }
}
