use super::codebook::Codebook;
use crate::bits::{BitWriter, golomb};

/// Which prefix code a symbol belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// Of residuals, in one of [`CONTEXTS`](super::CONTEXTS) contexts.
    Residual(usize),
    /// Of which fields change, in one of [`PATTERNS`](super::PATTERNS) expectations.
    Pattern(usize),
}

/// Where an encoder's symbols go: into bits, or, when tables are trained, into counts.
pub trait Sink {
    /// One symbol, and the `extra_bits` plain bits that complete it.
    fn symbol(&mut self, code: Code, symbol: u8, extra: u32, extra_bits: u32);

    /// Plain bits.
    fn raw(&mut self, value: u32, bits: u32);

    /// A number in exponential Golomb code.
    fn golomb(&mut self, value: u32, order: u32);
}

/// Writes bits with the frozen tables. It keeps a few of them: [`BitSink::finish`] writes these too.
pub(super) struct BitSink<'a> {
    book: &'a Codebook,
    w: &'a mut BitWriter,
    /// Lowest first; what lies above them is zero.
    pending: u64,
    /// At most 32 between calls.
    pending_bits: u32,
}

impl<'a> BitSink<'a> {
    pub(super) const fn new(book: &'a Codebook, w: &'a mut BitWriter) -> Self {
        Self { book, w, pending: 0, pending_bits: 0 }
    }

    /// At most 32 bits.
    #[inline(always)]
    fn push(&mut self, value: u64, bits: u32) {
        self.pending |= value << self.pending_bits;
        self.pending_bits += bits;
        if self.pending_bits > 32 {
            self.w.push(self.pending & 0xFFFF_FFFF, 32);
            self.pending >>= 32;
            self.pending_bits -= 32;
        }
    }

    #[inline(always)]
    pub(super) fn finish(self) {
        self.w.push(self.pending, self.pending_bits);
    }
}

impl Sink for BitSink<'_> {
    #[inline(always)]
    fn symbol(&mut self, code: Code, symbol: u8, extra: u32, extra_bits: u32) {
        let word = self.book.word(code, symbol);
        self.push(u64::from(word.bits) | u64::from(extra) << word.len, u32::from(word.len) + extra_bits);
    }

    #[inline(always)]
    fn raw(&mut self, value: u32, bits: u32) {
        assert!(u64::from(value) >> bits == 0, "{value} does not fit {bits} bits");
        self.push(u64::from(value), bits);
    }

    #[inline(always)]
    fn golomb(&mut self, value: u32, order: u32) {
        let (code, bits) = golomb(value, order);
        assert!(bits <= 64, "numbers of order 0 are below 2^32 - 1");
        self.push(code & 0xFFFF_FFFF, bits.min(32));
        self.push(code >> 32, bits.saturating_sub(32));
    }
}
