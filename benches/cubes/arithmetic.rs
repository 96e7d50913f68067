//! An arithmetic coder: what is left between prefix codes and the entropy.
//!
//! Source: I. Witten, R. Neal and J. Cleary, "Arithmetic coding for data compression", 1987. It is exact to the bit, ends with
//! two bits, and is written for sizes, not for speed.

use tidelock::bits::{BitReader, BitWriter};

const TOP: u64 = 1 << 32;
const HALF: u64 = TOP / 2;
const QUARTER: u64 = TOP / 4;

/// A part of the code space: from `low` to `high` of `total`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) low: u32,
    pub(crate) high: u32,
    pub(crate) total: u32,
}

/// The writing end.
#[derive(Debug)]
pub(crate) struct Encoder {
    low: u64,
    high: u64,
    pending: usize,
}

impl Encoder {
    pub(crate) const fn new() -> Self {
        Self { low: 0, high: TOP - 1, pending: 0 }
    }

    pub(crate) fn encode(&mut self, span: Span, w: &mut BitWriter) {
        let range = self.high - self.low + 1;
        self.high = self.low + range * u64::from(span.high) / u64::from(span.total) - 1;
        self.low += range * u64::from(span.low) / u64::from(span.total);
        loop {
            if self.high < HALF {
                self.emit(false, w);
            } else if self.low >= HALF {
                self.emit(true, w);
                self.low -= HALF;
                self.high -= HALF;
            } else if self.low >= QUARTER && self.high < 3 * QUARTER {
                self.pending += 1;
                self.low -= QUARTER;
                self.high -= QUARTER;
            } else {
                return;
            }
            self.low *= 2;
            self.high = self.high * 2 + 1;
        }
    }

    /// Ends the code: whatever bits follow, it means the same.
    pub(crate) fn finish(mut self, w: &mut BitWriter) {
        self.pending += 1;
        let upper = self.low >= QUARTER;
        self.emit(upper, w);
    }

    fn emit(&mut self, bit: bool, w: &mut BitWriter) {
        w.write_bool(bit);
        for _ in 0..std::mem::take(&mut self.pending) {
            w.write_bool(!bit);
        }
    }
}

/// The reading end.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    low: u64,
    high: u64,
    code: u64,
    bits: BitReader<'a>,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bits: BitReader<'a>) -> Self {
        let mut decoder = Self { low: 0, high: TOP - 1, code: 0, bits };
        (0..32).for_each(|_| decoder.pull());
        decoder
    }

    /// Where in `total` the code lies: the symbol whose span has that is the next.
    pub(crate) fn place(&self, total: u32) -> u32 {
        let range = self.high - self.low + 1;
        (((self.code - self.low + 1) * u64::from(total) - 1) / range) as u32
    }

    pub(crate) fn consume(&mut self, span: Span) {
        let range = self.high - self.low + 1;
        self.high = self.low + range * u64::from(span.high) / u64::from(span.total) - 1;
        self.low += range * u64::from(span.low) / u64::from(span.total);
        loop {
            let shift = if self.high < HALF {
                0
            } else if self.low >= HALF {
                HALF
            } else if self.low >= QUARTER && self.high < 3 * QUARTER {
                QUARTER
            } else {
                return;
            };
            self.low = (self.low - shift) * 2;
            self.high = (self.high - shift) * 2 + 1;
            self.code -= shift;
            self.pull();
        }
    }

    /// Bits beyond the end are zero.
    fn pull(&mut self) {
        self.code = self.code * 2 + u64::from(self.bits.read_bool().unwrap_or(false));
    }
}
