use super::context::CONTEXTS;
use super::prefix::{PrefixCode, Word};
use super::sink::Code;
use super::{residual, tables};
use crate::bits::{BitReader, Malformed};
use alloc::vec::Vec;

/// All prefix codes, made from the frozen tables. The default one has none.
#[derive(Debug, Default)]
pub(crate) struct Codebook {
    /// Residual codes, then pattern codes.
    codes: Vec<PrefixCode>,
    /// The words of each code.
    words: Vec<[Word; WORDS]>,
}

/// Places for the words of a code.
const WORDS: usize = 64;

impl Codebook {
    pub(crate) fn new() -> Self {
        let residuals = tables::RESIDUAL_LENGTHS.iter().map(|lengths| PrefixCode::new(lengths));
        let codes: Vec<PrefixCode> =
            residuals.chain(tables::PATTERN_LENGTHS.iter().map(|lengths| PrefixCode::new(lengths))).collect();
        let words = codes.iter().map(|code| core::array::from_fn(|symbol| code.word(symbol))).collect();
        Self { codes, words }
    }

    /// The word of a symbol.
    #[inline]
    pub(super) fn word(&self, code: Code, symbol: u8) -> Word {
        self.words[Self::number(code)][usize::from(symbol) % WORDS]
    }

    /// Reads a residual.
    #[inline(never)]
    pub(super) fn read_residual(&self, context: usize, r: &mut BitReader<'_>) -> Result<i32, Malformed> {
        residual::read(&self.codes[Self::number(Code::Residual(context))], r)
    }

    /// Reads one symbol.
    #[inline(always)]
    pub(super) fn read(&self, code: Code, r: &mut BitReader<'_>) -> Result<u8, Malformed> {
        self.codes[Self::number(code)].read(r)
    }

    /// Reads `symbol`, if it is the next. Whether it was.
    pub(super) fn read_if(&self, code: Code, symbol: u8, r: &mut BitReader<'_>) -> Result<bool, Malformed> {
        let (found, len) = self.codes[Self::number(code)].find(r.ahead())?;
        if found == symbol {
            r.skip(len)?;
        }
        Ok(found == symbol)
    }

    #[inline(always)]
    const fn number(code: Code) -> usize {
        match code {
            Code::Residual(context) => tables::TABLE_OF_CONTEXT[context] as usize,
            Code::Pattern(pattern) => tables::RESIDUAL_LENGTHS.len() + pattern,
        }
    }
}

/// The number of the residual code of each context.
pub const TABLE_OF_CONTEXT: &[u8] = &tables::TABLE_OF_CONTEXT;

/// The lengths of the words of all residual codes, then of all pattern codes, by symbol.
pub fn code_lengths() -> impl Iterator<Item = &'static [u8]> {
    let residuals = tables::RESIDUAL_LENGTHS.iter().map(<[u8; _]>::as_slice);
    residuals.chain(tables::PATTERN_LENGTHS.iter().map(<[u8; _]>::as_slice))
}

const _: () = assert!(tables::TABLE_OF_CONTEXT.len() == CONTEXTS);
