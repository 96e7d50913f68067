use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tidelock::Instant;

use super::system;
use super::worker::WorkerProgress;

/// What a run tells on standard error while it lasts: a line that changes on a terminal, else a line now and then.
pub(super) struct Progress {
    line: Line,
    last: Sum,
    last_at: Instant,
}

enum Line {
    None,
    Live(ProgressBar),
    Plain,
}

/// All workers together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    pub(super) all: WorkerProgress,
}

impl Progress {
    const LIVE_INTERVAL: Duration = Duration::from_millis(250);
    const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

    pub(super) fn new(quiet: bool, now: Instant) -> Self {
        let line = match (quiet, system::is_watched()) {
            (true, _) => Line::None,
            (false, true) => {
                let bar = ProgressBar::new_spinner();
                bar.set_style(ProgressStyle::with_template("{spinner} {msg}").expect("the template is right"));
                Line::Live(bar)
            }
            (false, false) => Line::Plain,
        };
        Self { line, last: Sum::default(), last_at: now }
    }

    /// Shows how it goes, if it is time to.
    pub(super) fn show(&mut self, now: Instant, elapsed: Duration, of: Duration, sum: Sum) {
        let interval = match self.line {
            Line::None => return,
            Line::Live(_) => Self::LIVE_INTERVAL,
            Line::Plain => Self::PLAIN_INTERVAL,
        };
        let since_s = now.since(self.last_at);
        if since_s < interval {
            return;
        }
        let text = describe(elapsed, of, since_s.as_secs_f64(), self.last, sum);
        (self.last, self.last_at) = (sum, now);
        match &self.line {
            Line::Live(bar) => {
                bar.set_message(text);
                bar.tick();
            }
            // Nobody may be listening any more; the run goes on.
            _ => drop(writeln!(std::io::stderr(), "{text}")),
        }
    }

    /// Says something worth a line of its own.
    pub(super) fn note(&self, text: &str) {
        match &self.line {
            Line::None => {}
            Line::Live(bar) => bar.suspend(|| drop(writeln!(std::io::stderr(), "{text}"))),
            Line::Plain => drop(writeln!(std::io::stderr(), "{text}")),
        }
    }

    pub(super) fn end(self) {
        if let Line::Live(bar) = self.line {
            bar.finish_and_clear();
        }
    }
}

impl Sum {
    pub(super) fn add(&mut self, worker: &WorkerProgress) {
        self.all.started += worker.started;
        self.all.playing += worker.playing;
        self.all.over += worker.over;
        self.all.bytes_down += worker.bytes_down;
        self.all.bytes_up += worker.bytes_up;
        self.all.rtt.merge(worker.rtt);
        self.all.age.merge(worker.age);
    }
}

fn describe(elapsed: Duration, of: Duration, since_s: f64, last: Sum, sum: Sum) -> String {
    let (last, all) = (last.all, sum.all);
    let ms = |mean: Option<f64>| mean.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.0} ms"));
    let rate = |now: u64, then: u64| super::table::rate(now.saturating_sub(then) as f64 / since_s);
    let mut text = format!(
        "{:>3}/{} s  {} of {} playing  rtt {}  age {}  in {}  out {}",
        elapsed.as_secs(),
        of.as_secs(),
        all.playing,
        all.started,
        ms(all.rtt.since(last.rtt).ms()),
        ms(all.age.since(last.age).ms()),
        rate(all.bytes_down, last.bytes_down),
        rate(all.bytes_up, last.bytes_up),
    );
    if all.over > 0 {
        text.push_str(&format!("  {} gone", all.over));
    }
    text
}
