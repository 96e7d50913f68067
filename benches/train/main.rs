//! Trains the frozen tables of the delta codec on recorded play and on the physics trace, and says what they cost.
//!
//! `cargo bench -p tidelock-benches --bench train [-- --tables 48 --write shared/src/state/codec/tables.rs]`
//!
//! Tables are trained on every other stretch of 200 ticks of each corpus and judged on the rest; the ones that are written are
//! trained on everything.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

mod arena;
mod cluster;
mod count;
mod crowd;
mod huffman;
mod tables;

use clap::Parser;
use count::Counts;
use std::path::{Path, PathBuf};
use tables::Tables;
use tidelock::state::Audience;
use tidelock::state::codec::{CONTEXTS, Code};
use tidelock_benches::corpus::Corpus;
use tidelock_benches::trace;

#[derive(Parser)]
struct Flags {
    /// How many residual codes there are.
    #[arg(long, default_value_t = 64)]
    tables: usize,
    /// The physics trace.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/traces/cubes-901.d1i16.xz"))]
    trace: PathBuf,
    /// Seconds of each match.
    #[arg(long, default_value_t = 40)]
    seconds: u32,
    /// Where the tables go, as Rust.
    #[arg(long)]
    write: Option<PathBuf>,
    /// Passed by cargo; ignored.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Ages of baselines and how much older the second is: 0 for none.
const AGES: [(u32, u32); 9] = [(1, 1), (2, 2), (3, 3), (4, 4), (6, 6), (9, 9), (12, 12), (1, 0), (6, 0)];
/// Ticks that are judged alternate with ticks that are trained on, in stretches of this length.
const STRETCH: u32 = 200;

fn main() -> std::io::Result<()> {
    let flags = Flags::parse();
    let corpora = corpora(&flags)?;
    let count = |keep: &dyn Fn(u32) -> bool| -> Vec<Counts> {
        corpora.iter().map(|corpus| Counts::of(corpus, &AGES, keep)).collect()
    };
    let trained = Tables::train(&sum(&count(&|tick| (tick / STRETCH).is_multiple_of(2))), flags.tables);
    let judged = count(&|tick| !(tick / STRETCH).is_multiple_of(2));
    println!("corpus                records   bits/record: plain   entropy   these tables");
    for (corpus, counts) in corpora.iter().zip(&judged) {
        let per_record = |bits: f64| (bits + counts.plain_bits) / counts.records;
        println!(
            "{:<20} {:>9} {:>20.2} {:>9.2} {:>14.2}",
            corpus.name,
            counts.records,
            per_record(0.0),
            per_record(counts.entropy_bits()),
            per_record(counts.coded_bits(|code| trained.lengths(code))),
        );
    }
    println!("\nbits/record, entropy/these tables, by what is told");
    println!(
        "corpus                   patterns       alone        hold      linear      linked   rotations     turning    swerving"
    );
    for (corpus, counts) in corpora.iter().zip(&judged) {
        let families = (0..FAMILIES).map(|family| counts.part(|code| is_of_family(code, family)));
        let parts = [counts.part(|code| matches!(code, Code::Pattern(_)))].into_iter().chain(families);
        let cells = parts.map(|part| {
            let per_record = |bits: f64| bits / counts.records;
            let coded = part.coded_bits(|code| trained.lengths(code));
            format!(" {:>5.2}/{:<5.2}", per_record(part.entropy_bits()).abs(), per_record(coded).abs())
        });
        println!("{:<20} {}", corpus.name, cells.collect::<String>());
    }
    if let Some(path) = &flags.write {
        let all = Tables::train(&sum(&count(&|_| true)), flags.tables);
        std::fs::write(path, all.to_rust())?;
    }
    Ok(())
}

/// How a residual's field was predicted: `context.rs` has as many contexts for each family.
const FAMILIES: usize = 7;

fn is_of_family(code: Code, family: usize) -> bool {
    matches!(code, Code::Residual(context) if context / (CONTEXTS / FAMILIES) == family)
}

fn corpora(flags: &Flags) -> std::io::Result<Vec<Corpus>> {
    Ok(vec![
        trace::corpus(&trace::load(Path::new(&flags.trace))?),
        arena::play(Audience::Public, 60, flags.seconds, 1),
        arena::play(Audience::Public, 30, flags.seconds, 2),
        arena::play(Audience::Owner, 60, flags.seconds / 2, 3),
        crowd::walk(400),
    ])
}

/// All corpora count alike, however long they are.
fn sum(counts: &[Counts]) -> Counts {
    let mut sum = Counts::default();
    for counts in counts {
        sum.add(counts, 1e6 / counts.records.max(1.0));
    }
    sum
}
