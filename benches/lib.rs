//! What the benchmarks of this crate share. Each benchmark is a program with a table, and JSON with `--json FILE`.

pub mod cell;
pub mod corpus;
pub mod instructions;
pub mod plot;
pub mod stage;
pub mod trace;

use nix::time::ClockId;
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};
pub use tidelock_workload::{Quantiles, heap};

/// Writes a report as JSON.
///
/// # Errors
/// If the file cannot be written.
pub fn write_json(path: &Path, report: &impl Serialize) -> std::io::Result<()> {
    std::fs::write(path, serde_json::to_string_pretty(report)? + "\n")
}

/// How long `work` takes, and what it says.
pub fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    let now = Instant::now;
    let began = now();
    let said = work();
    (now().duration_since(began), said)
}

/// How much processor time `work` takes of this thread, whatever else the machine does meanwhile, and what it says. Asking
/// takes a fraction of a microsecond itself.
pub fn cpu_timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let now = || Duration::from(ClockId::CLOCK_THREAD_CPUTIME_ID.now().expect("threads have clocks"));
    let began = now();
    let said = work();
    (now() - began, said)
}

/// The one in the middle, of a copy. Zero for none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}
