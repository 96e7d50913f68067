use super::context::CONTEXTS;
use super::prefix::{PrefixCode, Word};
use super::sink::Code;
use super::tables;
use crate::bits::{BitReader, Malformed};
use alloc::vec::Vec;

/// All prefix codes, made from the frozen tables. The default one has none.
#[derive(Debug, Default)]
pub(crate) struct Codebook {
    residuals: Vec<PrefixCode>,
    patterns: Vec<PrefixCode>,
}

impl Codebook {
    pub(crate) fn new() -> Self {
        Self {
            residuals: tables::RESIDUAL_LENGTHS.iter().map(|lengths| PrefixCode::new(lengths)).collect(),
            patterns: tables::PATTERN_LENGTHS.iter().map(|lengths| PrefixCode::new(lengths)).collect(),
        }
    }

    #[inline]
    pub(super) fn word(&self, code: Code, symbol: u8) -> Word {
        self.code(code).word(symbol)
    }

    #[inline]
    pub(super) fn read(&self, code: Code, r: &mut BitReader<'_>) -> Result<u8, Malformed> {
        self.code(code).read(r)
    }

    #[inline]
    fn code(&self, code: Code) -> &PrefixCode {
        match code {
            Code::Residual(context) => &self.residuals[usize::from(tables::TABLE_OF_CONTEXT[context])],
            Code::Pattern(pattern) => &self.patterns[pattern],
        }
    }
}

const _: () = assert!(tables::TABLE_OF_CONTEXT.len() == CONTEXTS);
