//! `tidelock-sim capacity`.

use std::fs;
use std::io::{self, Write};

use anyhow::{Context, bail};
use serde_json::json;
use tidelock_sim::capacity::{Answer, Search, Trial, Verdict, answer, head, line};
use tidelock_sim::swarm::{self, End, Nobody, SwarmError};

use crate::cli::{CapacityOrders, Targets};
use crate::results::check_folder;
use crate::unless_nobody_reads;

/// Tries, tells, and says whether any number of clients is held.
pub(crate) fn run(orders: &CapacityOrders) -> anyhow::Result<bool> {
    orders.summary_json.iter().try_for_each(|file| check_folder(file))?;
    let mut search = Search::new(orders.first, orders.max);
    let mut trials = Trials { orders, targets: None, all: Vec::new() };
    while let Some(clients) = search.next() {
        let Some(verdict) = trials.try_twice(clients)? else {
            say("interrupted: what is known so far")?;
            break;
        };
        search.on_result(clients, verdict == Verdict::Holds);
    }
    let Some(found) = search.answer() else { return Ok(false) };
    say(&format!("\n{}", answer(found, orders.max, &trials.all)))?;
    if let Some(file) = &orders.summary_json {
        let (held, failed) = match found {
            Answer::Between { held, failed } => (Some(held), Some(failed)),
            Answer::AtLeast(held) => (Some(held), None),
            Answer::LessThan(failed) => (None, Some(failed)),
        };
        let text = format!("{:#}\n", json!({ "schema": 1, "held": held, "failed": failed, "trials": trials.all }));
        fs::write(file, text).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(!matches!(found, Answer::LessThan(_)))
}

/// All tries so far.
struct Trials<'a> {
    orders: &'a CapacityOrders,
    /// Since the first try, which tells whether the server's clock is ours.
    targets: Option<Targets>,
    /// The last of each number of clients.
    all: Vec<Trial>,
}

impl Trials<'_> {
    /// What fails once may be the machine's doing: it gets a second chance. `None` if somebody interrupts.
    fn try_twice(&mut self, clients: u32) -> anyhow::Result<Option<Verdict>> {
        for is_last in [false, true] {
            let Some(trial) = self.try_once(clients)? else { return Ok(None) };
            let shown = self.targets.as_ref().map_or(&[][..], |targets| &targets.shown);
            say(&line(&trial, shown))?;
            let verdict = trial.verdict;
            if verdict == Verdict::Holds || is_last {
                self.all.push(trial);
                return Ok(Some(verdict));
            }
        }
        unreachable!("the second try is the last")
    }

    fn try_once(&mut self, clients: u32) -> anyhow::Result<Option<Trial>> {
        let outcome = match swarm::run(&self.orders.with_clients(clients), &mut Nobody) {
            // Fewer got in, or fit here: so many are too many.
            Err(why @ (SwarmError::NobodyConnected { .. } | SwarmError::TooManyFiles { .. }))
                if self.targets.is_some() =>
            {
                return Ok(Some(Trial::failed(clients, why.to_string())));
            }
            outcome => outcome?,
        };
        match outcome.end {
            End::Interrupted => return Ok(None),
            End::Planned => {}
            end @ (End::ServerGone { .. } | End::NobodyLeft { .. }) => {
                return Ok(Some(Trial::failed(clients, end.cut_short().unwrap_or_default())));
            }
        }
        outcome.closed?;
        let mut summary = outcome.run.summary();
        let is_first = self.targets.is_none();
        let targets = self.targets.get_or_insert_with(|| self.orders.targets(summary.clock.shared));
        summary.thresholds = targets.all.iter().map(|target| target.check(&summary)).collect();
        if is_first {
            if let Some(missing) = summary.thresholds.iter().find(|result| result.value.is_none()) {
                bail!("--target {}: that cannot be measured of this server", missing.expr);
            }
            say(&head(&targets.shown))?;
        }
        Ok(Some(Trial::of(clients, &summary)))
    }
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(unless_nobody_reads(writeln!(io::stdout(), "{text}"))?)
}
