use std::collections::BTreeMap;
use tidelock::state::codec::{Baselines, Code, Sink, encode_delta_to};
use tidelock_benches::corpus::Corpus;

/// How often each symbol of each code occurs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) codes: BTreeMap<Code, Vec<f64>>,
    /// Bits that no code can save.
    pub(crate) plain_bits: f64,
    pub(crate) records: f64,
}

impl Sink for Counts {
    fn symbol(&mut self, code: Code, symbol: u8, _: u32, extra_bits: u32) {
        let counts = self.codes.entry(code).or_insert_with(|| vec![0.0; 64]);
        counts[usize::from(symbol)] += 1.0;
        self.plain_bits += f64::from(extra_bits);
    }

    fn raw(&mut self, _: u32, bits: u32) {
        self.plain_bits += f64::from(bits);
    }

    fn golomb(&mut self, value: u32, order: u32) {
        let significant = 32 - (value + (1 << order)).leading_zeros();
        self.plain_bits += f64::from(2 * significant - order - 1);
    }
}

impl Counts {
    /// Counts a corpus, as clients of these baselines' ages would see it: each change against the state so many ticks before, and, as
    /// the second number says, against one that many ticks older (0: none).
    pub(crate) fn of(corpus: &Corpus, ages: &[(u32, u32)], keep: impl Fn(u32) -> bool) -> Self {
        let mut counts = Self::default();
        for stream in 0..corpus.streams.len() {
            for (tick, version) in corpus.streams[stream].iter().filter(|(tick, _)| keep(*tick)) {
                for (age, span) in ages.iter().filter(|(age, span)| age + span <= *tick) {
                    let Some(first) = corpus.at(stream, tick - age) else { continue };
                    let older = if *span > 0 { corpus.at(stream, tick - age - span) } else { None };
                    let second = older.map(|version| (version.borrow(), age + span));
                    let baselines =
                        Baselines { first: first.borrow(), first_age: *age, second, tick_hz: corpus.tick_hz };
                    counts.records += 1.0;
                    encode_delta_to(corpus.layout(), &baselines, version.borrow(), &mut counts);
                }
            }
        }
        counts
    }

    /// Those of some codes alone.
    pub(crate) fn part(&self, of: impl Fn(Code) -> bool) -> Self {
        let codes = self.codes.iter().filter(|(code, _)| of(**code)).map(|(code, counts)| (*code, counts.clone()));
        Self { codes: codes.collect(), plain_bits: 0.0, records: self.records }
    }

    /// Adds others, weighted.
    pub(crate) fn add(&mut self, other: &Self, weight: f64) {
        for (code, counts) in &other.codes {
            let sum = self.codes.entry(*code).or_insert_with(|| vec![0.0; 64]);
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count * weight);
        }
    }

    /// Bits of all symbols, were each coded in `-log2 p` bits by its own context.
    pub(crate) fn entropy_bits(&self) -> f64 {
        self.codes.values().map(|counts| entropy_bits(counts)).sum()
    }

    /// Bits of all symbols with these lengths.
    pub(crate) fn coded_bits(&self, lengths: impl Fn(Code) -> Vec<u8>) -> f64 {
        let bits = |(code, counts): (&Code, &Vec<f64>)| -> f64 {
            lengths(*code).iter().zip(counts).map(|(len, count)| f64::from(*len) * count).sum()
        };
        self.codes.iter().map(bits).sum()
    }
}

/// `sum(-n log2(n / N))`.
pub(crate) fn entropy_bits(counts: &[f64]) -> f64 {
    let total: f64 = counts.iter().sum();
    counts.iter().filter(|count| **count > 0.0).map(|count| -count * (count / total).log2()).sum()
}
