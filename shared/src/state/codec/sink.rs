use super::codebook::Codebook;
use crate::bits::BitWriter;

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

/// Writes bits with the frozen tables.
pub(super) struct BitSink<'a> {
    pub(super) book: &'a Codebook,
    pub(super) w: &'a mut BitWriter,
}

impl Sink for BitSink<'_> {
    #[inline]
    fn symbol(&mut self, code: Code, symbol: u8, extra: u32, extra_bits: u32) {
        let word = self.book.word(code, symbol);
        self.w.push(u64::from(word.bits) | u64::from(extra) << word.len, u32::from(word.len) + extra_bits);
    }

    #[inline]
    fn raw(&mut self, value: u32, bits: u32) {
        self.w.write(u64::from(value), bits);
    }

    #[inline]
    fn golomb(&mut self, value: u32, order: u32) {
        self.w.write_golomb(value, order);
    }
}
