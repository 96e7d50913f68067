use crate::arithmetic::Span;
use std::collections::BTreeMap;
use tidelock::state::codec::{Code, Sink};

/// How likely each symbol is in each context.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    contexts: BTreeMap<Context, [u32; SYMBOLS]>,
}

/// What a symbol is expected from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Context {
    /// A symbol of the codec's own.
    Codec(Code),
    /// Whether a cube has changed, by what its neighbours and its past tell.
    Changed(u8),
}

/// What a record is made of, before it becomes bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A symbol in its context.
    Symbol(Context, u8),
    /// Plain bits.
    Raw(u32, u32),
}

/// Symbols of a context at most.
const SYMBOLS: usize = 64;
/// What one occurrence adds.
const STEP: u32 = 24;
/// Where counts are halved, so that the past fades.
const TOTAL_MAX: u32 = 1 << 14;

impl Model {
    /// Counts one symbol.
    pub(crate) fn learn(&mut self, context: Context, symbol: u8) {
        let counts = self.contexts.entry(context).or_insert([1; SYMBOLS]);
        counts[usize::from(symbol)] += STEP;
        if counts.iter().sum::<u32>() > TOTAL_MAX {
            counts.iter_mut().for_each(|count| *count -= *count / 2);
        }
    }

    fn counts(&self, context: Context) -> [u32; SYMBOLS] {
        self.contexts.get(&context).copied().unwrap_or([1; SYMBOLS])
    }

    pub(crate) fn total(&self, context: Context) -> u32 {
        self.counts(context).iter().sum()
    }

    /// The part of the code space that is a symbol's.
    pub(crate) fn span(&self, context: Context, symbol: u8) -> Span {
        let counts = self.counts(context);
        let low = counts[..usize::from(symbol)].iter().sum();
        Span { low, high: low + counts[usize::from(symbol)], total: counts.iter().sum() }
    }

    /// The symbol to which a place in the code space belongs.
    pub(crate) fn symbol_at(&self, context: Context, place: u32) -> u8 {
        let mut end = 0;
        let counts = self.counts(context);
        let found = counts.iter().position(|count| {
            end += count;
            place < end
        });
        found.expect("the place is within the total") as u8
    }
}

/// Keeps what an encoder would write.
#[derive(Debug, Default)]
pub(crate) struct Items(pub(crate) Vec<Item>);

impl Sink for Items {
    fn symbol(&mut self, code: Code, symbol: u8, extra: u32, extra_bits: u32) {
        self.0.push(Item::Symbol(Context::Codec(code), symbol));
        self.raw(extra, extra_bits);
    }

    fn raw(&mut self, value: u32, bits: u32) {
        // The coder's spans are of 16 bits at most.
        if bits > 16 {
            self.0.push(Item::Raw(value & 0xFFFF, 16));
            self.0.push(Item::Raw(value >> 16, bits - 16));
        } else if bits > 0 {
            self.0.push(Item::Raw(value, bits));
        }
    }

    fn golomb(&mut self, value: u32, order: u32) {
        let shifted = value + (1 << order);
        let significant = 32 - shifted.leading_zeros();
        self.raw(0, significant - order - 1);
        self.raw(1, 1);
        self.raw(shifted & !(1 << (significant - 1)), significant - 1);
    }
}
