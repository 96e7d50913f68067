use super::zigzag;
use alloc::vec::Vec;

/// Collects bits into a growing buffer that is kept between uses: after a few packets it allocates no more.
#[derive(Clone, Debug, Default)]
pub struct BitWriter {
    /// Whole bytes already written out.
    bytes: Vec<u8>,
    /// The bits not yet in `bytes`, lowest first; always fewer than eight between calls.
    pending: u64,
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
    pub fn len_bits(&self) -> usize {
        self.bytes.len() * 8 + self.pending_bits as usize
    }

    /// Bytes needed for what was written so far.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        self.len_bits().div_ceil(8)
    }

    /// Writes the low `bits` bits of `value`.
    ///
    /// # Panics
    /// If `bits` exceeds 64 or `value` does not fit.
    #[inline]
    pub fn write(&mut self, value: u64, bits: u32) {
        assert!(bits == 64 || (bits < 64 && value >> bits == 0), "{value} does not fit {bits} bits");
        if bits > 32 {
            self.push(value & 0xFFFF_FFFF, 32);
            self.push(value >> 32, bits - 32);
        } else {
            self.push(value, bits);
        }
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
        assert!(k < 32);
        let shifted = u64::from(value) + (1 << k);
        let significant = u64::BITS - shifted.leading_zeros();
        self.push(0, significant - k - 1);
        self.push(1, 1);
        self.write(shifted & !(1 << (significant - 1)), significant - 1);
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

    /// Writes the first `len_bits` bits of `bytes`: how a record that was encoded once reaches many datagrams.
    ///
    /// # Panics
    /// If `bytes` is shorter than that.
    pub fn append(&mut self, bytes: &[u8], len_bits: usize) {
        assert!(len_bits <= bytes.len() * 8);
        let (words, rest) = bytes[..len_bits.div_ceil(8)].as_chunks::<4>();
        let mut left = len_bits;
        for word in words {
            let take = left.min(32) as u32;
            let value = u64::from(u32::from_le_bytes(*word));
            self.push(value & ((1 << take) - 1), take);
            left -= take as usize;
        }
        for byte in rest {
            let take = left.min(8) as u32;
            self.push(u64::from(*byte) & ((1 << take) - 1), take);
            left -= take as usize;
        }
    }

    /// Writes all that another writer has.
    pub fn append_writer(&mut self, other: &Self) {
        self.append(&other.bytes, other.bytes.len() * 8);
        self.push(other.pending, other.pending_bits);
    }

    /// Pads with zero bits to a whole byte and returns all bytes.
    pub fn finish(&mut self) -> &[u8] {
        if self.pending_bits > 0 {
            self.bytes.push(self.pending as u8);
            self.pending = 0;
            self.pending_bits = 0;
        }
        &self.bytes
    }

    /// At most 32 bits at a time: with fewer than eight pending they fit the word.
    #[inline]
    fn push(&mut self, value: u64, bits: u32) {
        self.pending |= value << self.pending_bits;
        self.pending_bits += bits;
        let whole = (self.pending_bits / 8) as usize;
        self.bytes.extend_from_slice(&self.pending.to_le_bytes()[..whole]);
        self.pending >>= whole * 8;
        self.pending_bits %= 8;
    }
}
