//! What the benchmarks of this crate share. Each benchmark is a program with a table, and JSON with `--json FILE`.

pub mod corpus;
pub mod heap;
pub mod instructions;
pub mod trace;

use nix::time::ClockId;
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};

/// Quantiles of durations, in microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Quantiles {
    /// The median.
    pub p50_us: f64,
    /// One in a hundred is longer.
    pub p99_us: f64,
    /// The longest.
    pub max_us: f64,
    /// The arithmetic mean.
    pub mean_us: f64,
}

impl Quantiles {
    /// Of `durations`, which are sorted on the way. All zero for none.
    pub fn of(durations: &mut [Duration]) -> Self {
        durations.sort_unstable();
        let us = |duration: Option<&Duration>| duration.map_or(0.0, |duration| duration.as_secs_f64() * 1e6);
        let at = |share: f64| us(durations.get((durations.len() as f64 * share) as usize).or(durations.last()));
        let sum: Duration = durations.iter().sum();
        Self {
            p50_us: at(0.5),
            p99_us: at(0.99),
            max_us: us(durations.last()),
            mean_us: sum.as_secs_f64() * 1e6 / durations.len().max(1) as f64,
        }
    }
}

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
