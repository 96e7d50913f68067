use crate::universe::scenario::{Outcome, Run, Scenario, Trouble, Wishes};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use tidelock_server::engine::Executor;

/// A universe to be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// What it was named for, if it was.
    pub name: Option<String>,
    /// Of everything.
    pub seed: u64,
    /// What is not as the seed says.
    pub wishes: Wishes,
}

/// What came of a trial.
#[derive(Debug)]
pub struct Judged {
    /// Of which.
    pub trial: Trial,
    /// Of the server.
    pub rates_hz: (u32, u32),
    /// Players.
    pub clients: usize,
    /// What came of it.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
}

/// Whether everything held.
#[derive(Debug)]
pub enum Verdict {
    /// It did.
    Held(Outcome),
    /// Something did not.
    Failed(Box<Trouble>),
    /// The second time, with the work shared out in another order, other bytes were sent.
    Differs,
    /// Something panicked.
    Panicked(String),
}

/// Each seed that this divides is tried twice.
const TWICE_EVERY: u64 = 16;

impl Trial {
    pub(super) fn judge(&self, now: impl Fn() -> Duration) -> Judged {
        let scenario = Scenario::draw(self.seed, self.wishes);
        let (rates_hz, clients) = ((scenario.config.tick_hz, scenario.config.snapshot_hz), scenario.players.len());
        let began = now();
        let verdict = catch_unwind(AssertUnwindSafe(|| self.happen(scenario)));
        let verdict = verdict.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Verdict::Panicked(text.unwrap_or("without a word").to_owned())
        });
        Judged { trial: self.clone(), rates_hz, clients, verdict, took: now() - began }
    }

    fn happen(&self, scenario: Scenario) -> Verdict {
        let again = self.seed.is_multiple_of(TWICE_EVERY).then(|| scenario.clone());
        let outcome = match Run::new(scenario).finish() {
            Ok(outcome) => outcome,
            Err(trouble) => return Verdict::Failed(Box::new(trouble)),
        };
        let Some(again) = again else { return Verdict::Held(outcome) };
        let mut run = Run::new(again);
        run.set_executor(Box::new(Backwards));
        match run.finish() {
            Ok(second) if second == outcome => Verdict::Held(outcome),
            _ => Verdict::Differs,
        }
    }
}

/// What could be done by several at once is done by one, the last part first.
#[derive(Debug)]
struct Backwards;

impl Executor for Backwards {
    fn width(&self) -> usize {
        3
    }

    fn join(&self, a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
        b();
        a();
    }
}
