use super::trial::{Judged, Trial};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Tries all of them, so many at once, and tells what came of each in their order, until `on_judged` has enough.
pub fn run(trials: &[Trial], jobs: usize, mut on_judged: impl FnMut(Judged) -> ControlFlow<()>) {
    let (next, enough) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (results, judged) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            let (results, next, enough) = (results.clone(), &next, &enough);
            scope.spawn(move || {
                while !enough.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(trial) = trials.get(number) else { return };
                    // Nobody listens any more when there was enough.
                    let _ = results.send((number, trial.judge(stopwatch())));
                }
            });
        }
        drop(results);
        let mut waiting = BTreeMap::new();
        let mut told = 0;
        for (number, result) in judged {
            waiting.insert(number, result);
            while let Some(result) = waiting.remove(&told) {
                told += 1;
                if !enough.load(Ordering::Relaxed) && on_judged(result).is_break() {
                    enough.store(true, Ordering::Relaxed);
                }
            }
        }
    });
}

/// Tells the time since it was made.
#[expect(clippy::disallowed_methods, reason = "how long a trial takes is measured, and changes nothing in it")]
fn stopwatch() -> impl Fn() -> Duration {
    let began = Instant::now();
    move || began.elapsed()
}
