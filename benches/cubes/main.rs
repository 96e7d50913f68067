//! The delta codec on a physics trace: bytes a packet, and nanoseconds a changed cube.
//!
//! `cargo bench -p tidelock-benches --bench cubes [-- --trace FILE.d1i16.xz --ages 1,3,6,12,18 --json OUT.json]`
//!
//! Packet i codes frame i for a client that holds frame i - age and, as second baseline, i - 2 age: at an age of 6 those frames of
//! Fiedler's challenge that are of the same phase. It lists the cubes that changed since the first baseline, as a snapshot does, and after each run
//! of them their records, which depend on nothing but the cube. Every packet is decoded and compared.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

mod arithmetic;
mod dense;
mod fixed;
mod method;
mod model;
mod models;
mod packet;
mod runs;
mod snapshot;

use clap::Parser;
use method::{Measured, Method};
use std::path::PathBuf;
use tidelock_benches::{trace, write_json};

#[derive(Parser)]
struct Flags {
    /// The trace.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/traces/cubes-901.d1i16.xz"))]
    trace: PathBuf,
    /// How many frames old the baseline is, separated by commas.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 3, 6, 12, 18])]
    ages: Vec<u32>,
    /// Where the same goes as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Passed by cargo; ignored.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> std::io::Result<()> {
    let flags = Flags::parse();
    let frames = trace::load(&flags.trace)?;
    println!(
        "method                              age   packets   changed   bytes: mean    p95    max   kbit/s   encode   decode ns/cube"
    );
    let mut all: Vec<Measured> = Vec::new();
    for age in &flags.ages {
        for method in Method::ALL {
            let measured = method.measure(&frames, *age);
            println!("{measured}");
            all.push(measured);
        }
    }
    flags.json.as_deref().map_or(Ok(()), |path| write_json(path, &all))
}
