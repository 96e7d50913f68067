use super::trial::{Judged, Trial, Verdict};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// What came of a trial, in one line, and more where something did not hold.
#[must_use]
pub fn line(judged: &Judged) -> String {
    let Judged { trial, rates_hz: (tick_hz, snapshot_hz), clients, verdict, .. } = judged;
    let mut text = format!("seed {:<6}", trial.seed);
    if let Some(name) = &trial.name {
        let _ = write!(text, " {name}");
    }
    let rates = format!("{tick_hz}/{snapshot_hz} Hz");
    let _ = write!(text, "{clients:>4} clients {rates:>11}");
    match verdict {
        Verdict::Held(outcome) => {
            let _ = write!(
                text,
                " {:>6} ticks {:>4} faults, whole after {:>6.3} of {:>6.3} s  ok",
                outcome.ticks,
                outcome.faults,
                outcome.converged_after.as_secs_f64(),
                outcome.converge_max.as_secs_f64(),
            );
        }
        Verdict::Failed(trouble) => {
            let _ = write!(text, "  FAILED after {:.3} s: {}", trouble.at.as_secs_f64(), trouble.violation);
            for line in &trouble.story {
                let _ = write!(text, "\n  {line}");
            }
            let _ = write!(text, "\n  again: {}", repeat(trial));
        }
        Verdict::Differs => {
            let _ = write!(text, "  FAILED: the second time other bytes were sent\n  again: {}", repeat(trial));
        }
        Verdict::Panicked(message) => {
            let _ = write!(text, "  FAILED with a panic: {message}\n  again: {}", repeat(trial));
        }
    }
    text
}

/// The command that repeats a trial.
#[must_use]
pub fn repeat(trial: &Trial) -> String {
    let mut command = format!("tidelock-sim universe --seed {} --count 1", trial.seed);
    if let Some(clients) = trial.wishes.clients {
        let _ = write!(command, " --clients {clients}");
    }
    if let Some(ticks) = trial.wishes.ticks {
        let _ = write!(command, " --ticks {ticks}");
    }
    command
}

/// What came of all trials.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    seeds: u64,
    failed: u64,
    client_ticks: u64,
    lasted: Duration,
    took: Duration,
    faults: u64,
    looked: BTreeMap<&'static str, u64>,
}

impl Totals {
    /// Adds one.
    pub fn add(&mut self, judged: &Judged) {
        self.seeds += 1;
        self.took += judged.took;
        let Verdict::Held(outcome) = &judged.verdict else {
            self.failed += 1;
            return;
        };
        self.client_ticks += outcome.client_ticks;
        self.lasted += outcome.lasted;
        self.faults += outcome.faults as u64;
        outcome.looked.iter().for_each(|(name, looked)| *self.looked.entry(name).or_default() += looked);
    }

    /// Whether something did not hold.
    #[must_use]
    pub const fn failed(&self) -> bool {
        self.failed > 0
    }

    /// For people, after `wall` time.
    #[must_use]
    pub fn render(&self, wall: Duration) -> String {
        let per_s = |count: f64, time: Duration| count / time.as_secs_f64().max(1e-6);
        let mut text = format!(
            "{} seeds, {} failed; {} faults, {} client-ticks in {:.1} s of virtual time\n{:.1} s: {:.0} client-ticks a second, {:.0} times real time on each core\n",
            self.seeds,
            self.failed,
            self.faults,
            self.client_ticks,
            self.lasted.as_secs_f64(),
            wall.as_secs_f64(),
            per_s(self.client_ticks as f64, wall),
            per_s(self.lasted.as_secs_f64(), self.took),
        );
        for (name, looked) in &self.looked {
            let _ = writeln!(text, "  {name:<28} {looked:>14}");
        }
        text
    }
}
