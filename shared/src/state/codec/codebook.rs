use super::context::CONTEXTS;
use super::prefix::{PrefixCode, Word};
use super::sink::Code;
use super::tables;
use crate::bits::{BitReader, Malformed};
use alloc::vec::Vec;

/// All prefix codes, made from the frozen tables. The default one has none.
#[derive(Debug, Default)]
pub(crate) struct Codebook {
    /// Residual codes, then pattern codes.
    codes: Vec<PrefixCode>,
    /// All words, code after code, each code's at a multiple of [`WORDS`].
    words: Vec<Word>,
}

/// Places for the words of a code.
const WORDS: usize = 64;

impl Codebook {
    pub(crate) fn new() -> Self {
        let residuals = tables::RESIDUAL_LENGTHS.iter().map(|lengths| PrefixCode::new(lengths));
        let codes: Vec<PrefixCode> =
            residuals.chain(tables::PATTERN_LENGTHS.iter().map(|lengths| PrefixCode::new(lengths))).collect();
        let words = codes.iter().flat_map(|code| (0..WORDS).map(|symbol| code.word(symbol))).collect();
        Self { codes, words }
    }

    /// The word of a symbol.
    #[inline]
    pub(super) fn word(&self, code: Code, symbol: u8) -> Word {
        self.words[Self::number(code) * WORDS + usize::from(symbol)]
    }

    /// Reads one symbol.
    #[inline]
    pub(super) fn read(&self, code: Code, r: &mut BitReader<'_>) -> Result<u8, Malformed> {
        self.codes[Self::number(code)].read(r)
    }

    #[inline]
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
