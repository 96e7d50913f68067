use crate::cluster::cluster;
use crate::count::Counts;
use crate::huffman;
use std::fmt::Write;
use tidelock::state::codec::{CONTEXTS, Code, PATTERNS};

/// Symbols of a residual.
const RESIDUAL_SYMBOLS: usize = 53;
/// Fields of a group; a pattern's symbol has a bit for each, one for surprises, and there is one that says that the mask has changed.
const GROUP: usize = 4;
const PATTERN_SYMBOLS: usize = (2 << GROUP) + 1;
/// A pattern is believed to be what its fields are by themselves until it was seen about so often.
const PATTERN_PRIOR: f64 = 2e4;
/// How often the mask changes, about.
const MASK_CHANGES: f64 = 1.0 / 2048.0;
/// The longest word, in bits.
const LEN_MAX: usize = 15;
/// Places of a residual within its field, and expected scales: `context.rs` numbers contexts by family, scale and place.
const PLACES: usize = 12;
const SCALES: usize = 17;

/// Lengths of code words.
pub(crate) struct Tables {
    of_context: Vec<usize>,
    residuals: Vec<Vec<u8>>,
    patterns: Vec<Vec<u8>>,
}

impl Tables {
    pub(crate) fn train(counts: &Counts, keep: usize) -> Self {
        let of = |code| counts.codes.get(&code).map_or(vec![0.0; 64], Clone::clone);
        let contexts: Vec<Vec<f64>> =
            (0..CONTEXTS).map(|context| of(Code::Residual(context))[..RESIDUAL_SYMBOLS].to_vec()).collect();
        let (tables, sums) = cluster(&contexts, keep);
        let of_context = (0..CONTEXTS).map(|context| nearest(&tables, context)).collect();
        let residuals = sums.iter().map(|sum| huffman::lengths(&smoothed(sum), LEN_MAX)).collect();
        Self { of_context, residuals, patterns: patterns(counts) }
    }

    pub(crate) fn lengths(&self, code: Code) -> Vec<u8> {
        match code {
            Code::Residual(context) => self.residuals[self.of_context[context]].clone(),
            Code::Pattern(pattern) => self.patterns[pattern].clone(),
        }
    }

    pub(crate) fn to_rust(&self) -> String {
        let mut out = String::from(
            "//! The frozen tables: the lengths of all code words. Written by `benches/train`; changing them changes the wire.\n\n",
        );
        let table = |out: &mut String, name: &str, doc: &str, rows: &[Vec<u8>]| {
            let width = rows[0].len();
            writeln!(out, "/// {doc}\n#[rustfmt::skip]\npub(super) const {name}: [[u8; {width}]; {}] = [", rows.len())
                .unwrap();
            for row in rows {
                writeln!(out, "    {row:?},").unwrap();
            }
            writeln!(out, "];\n").unwrap();
        };
        writeln!(
            out,
            "/// The residual code of each context.\n#[rustfmt::skip]\npub(super) const TABLE_OF_CONTEXT: [u8; {CONTEXTS}] = ["
        )
        .unwrap();
        for row in self.of_context.chunks(PLACES) {
            writeln!(out, "    {},", row.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")).unwrap();
        }
        writeln!(out, "];\n").unwrap();
        table(&mut out, "RESIDUAL_LENGTHS", "Of the words of each residual code.", &self.residuals);
        table(&mut out, "PATTERN_LENGTHS", "Of the words of each pattern code.", &self.patterns);
        out.trim_end().to_owned() + "\n"
    }
}

/// Every symbol may occur, and those beside a common one more likely.
fn smoothed(counts: &[f64]) -> Vec<f64> {
    let total: f64 = counts.iter().sum();
    let near = |at: usize, step: usize| {
        let below = at.checked_sub(step).map_or(0.0, |below| counts[below]);
        below + counts.get(at + step).copied().unwrap_or(0.0)
    };
    (0..counts.len()).map(|at| counts[at] + 0.01 * near(at, 1) + 0.02 * near(at, 2) + total * 2e-5 + 1e-9).collect()
}

/// The table of a context, or of the one most like it that occurred.
fn nearest(tables: &[Option<usize>], context: usize) -> usize {
    let parts = |context: usize| (context / PLACES / SCALES, context / PLACES % SCALES, context % PLACES);
    let (family, scale, place) = parts(context);
    let far = |other: usize| {
        let (f, s, p) = parts(other);
        let kind = usize::from(f != family) * 1000 + usize::from((p == 0) != (place == 0)) * 100;
        kind + s.abs_diff(scale) * 2 + p.abs_diff(place)
    };
    let occurred = (0..tables.len()).filter(|other| tables[*other].is_some());
    occurred.min_by_key(|other| far(*other)).and_then(|other| tables[other]).unwrap_or(0)
}

/// For each expectation of four fields what was seen, and where little was: each changes or not by itself, as likely as fields
/// of which that is expected do.
fn patterns(counts: &Counts) -> Vec<Vec<u8>> {
    let expected = |pattern: usize, at: usize| pattern >> (2 * at) & 3;
    let mut change = [[0.0f64; 2]; 4];
    let mut surprise = [0.0f64; 2];
    for pattern in 0..PATTERNS {
        let Some(symbols) = counts.codes.get(&Code::Pattern(pattern)) else { continue };
        for (symbol, count) in symbols[..2 << GROUP].iter().enumerate() {
            (0..GROUP).for_each(|at| change[expected(pattern, at)][symbol >> at & 1] += count);
            surprise[symbol >> GROUP & 1] += count;
        }
    }
    let share = |[no, yes]: [f64; 2]| (yes + 1.0) / (no + yes + 2.0);
    // A place without a field changes never; a word of it must exist all the same.
    let likely = [1e-4, share(change[1]), share(change[2]), share(change[3])];
    let lengths = |pattern: usize| {
        let either = |likely: f64, yes: bool| if yes { likely } else { 1.0 - likely };
        let weight = |symbol: usize| -> f64 {
            let of = |at: usize| either(likely[expected(pattern, at)], symbol >> at & 1 != 0);
            (0..GROUP).map(of).product::<f64>() * either(share(surprise), symbol >> GROUP & 1 != 0)
        };
        let seen = counts.codes.get(&Code::Pattern(pattern));
        let total: f64 = seen.map_or(0.0, |seen| seen[..2 << GROUP].iter().sum());
        let blended = |symbol: usize| {
            let seen = seen.map_or(0.0, |seen| seen[symbol]);
            (seen + weight(symbol) * PATTERN_PRIOR) / (total + PATTERN_PRIOR)
        };
        let weights: Vec<f64> = (0..PATTERN_SYMBOLS - 1).map(blended).chain([MASK_CHANGES]).collect();
        huffman::lengths(&weights, LEN_MAX)
    };
    (0..PATTERNS).map(lengths).collect()
}
