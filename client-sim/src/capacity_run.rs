//! `tidelock-sim capacity`.

use std::fs;
use std::io::{self, Write};

use anyhow::Context;
use serde_json::json;
use tidelock_sim::capacity::{Answer, Search, Trial, Verdict, answer, head, line};
use tidelock_sim::swarm::{self, End, Nobody};

use crate::cli::CapacityOrders;
use crate::unless_nobody_reads;

/// Tries, tells, and says whether any number of clients is held.
pub(crate) fn run(orders: &CapacityOrders) -> anyhow::Result<bool> {
    let mut search = Search::new(orders.first, orders.max);
    let mut trials: Vec<Trial> = Vec::new();
    say(&head(&orders.shown))?;
    while let Some(clients) = search.next() {
        let Some(trial) = try_twice(orders, clients)? else {
            say("interrupted: what is known so far")?;
            break;
        };
        search.on_result(clients, trial.verdict == Verdict::Holds);
        trials.push(trial);
    }
    let Some(found) = search.answer() else { return Ok(false) };
    say(&format!("\n{}", answer(found, &trials)))?;
    if let Some(file) = &orders.summary_json {
        let (held, failed) = match found {
            Answer::Between { held, failed } => (Some(held), Some(failed)),
            Answer::AtLeast(held) => (Some(held), None),
            Answer::LessThan(failed) => (None, Some(failed)),
        };
        let text = format!("{:#}\n", json!({ "schema": 1, "held": held, "failed": failed, "trials": trials }));
        fs::write(file, text).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(!matches!(found, Answer::LessThan(_)))
}

/// What fails once may be the machine's doing: it gets a second chance. `None` if somebody interrupts.
fn try_twice(orders: &CapacityOrders, clients: u32) -> anyhow::Result<Option<Trial>> {
    for is_last in [false, true] {
        let outcome = swarm::run(&orders.with_clients(clients), &mut Nobody)?;
        if outcome.end == End::Interrupted {
            return Ok(None);
        }
        let mut summary = outcome.run.summary();
        summary.thresholds = orders.targets.iter().map(|target| target.check(&summary)).collect();
        let trial = Trial::of(clients, &summary);
        say(&line(&trial, &orders.shown))?;
        if trial.verdict == Verdict::Holds || is_last {
            return Ok(Some(trial));
        }
    }
    unreachable!("the second try is the last")
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(unless_nobody_reads(writeln!(io::stdout(), "{text}"))?)
}
