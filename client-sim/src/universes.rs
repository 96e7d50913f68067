//! `tidelock-sim universe`.

use crate::unless_nobody_reads;
use std::fs;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::thread;
use std::time::Instant;

use anyhow::Context;
use tidelock_sim::seeds::{self, Judged, Totals, Trial, Verdict};
use tidelock_sim::universe::scenario::Wishes;

use crate::cli::UniverseFlags;

/// Runs, prints, and tells whether everything held.
#[expect(clippy::disallowed_methods, reason = "how long all of it takes is printed")]
pub(crate) fn run(flags: &UniverseFlags) -> anyhow::Result<bool> {
    let trials = trials(flags)?;
    let jobs = match flags.jobs {
        Some(jobs) => jobs as usize,
        None => thread::available_parallelism().map_or(1, usize::from),
    };
    let began = Instant::now();
    let mut totals = Totals::default();
    let mut printed = Ok(());
    seeds::run(&trials, jobs, |judged| {
        totals.add(&judged);
        let held = matches!(judged.verdict, Verdict::Held(_));
        if !(flags.quiet && held) {
            printed = print(&judged);
        }
        // Nobody reads on: as after `| head`.
        if printed.is_err() || (flags.fail_fast && !held) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let printed = printed.and_then(|()| io::stdout().write_all(totals.render(began.elapsed()).as_bytes()));
    unless_nobody_reads(printed).context("writing")?;
    Ok(!totals.failed())
}

fn print(judged: &Judged) -> io::Result<()> {
    writeln!(io::stdout(), "{}", seeds::line(judged))
}

fn trials(flags: &UniverseFlags) -> anyhow::Result<Vec<Trial>> {
    let wishes = Wishes { clients: flags.clients.map(|clients| clients as usize), ticks: flags.ticks };
    if let Some(file) = &flags.list {
        let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        let trials = seeds::read_list(&text).with_context(|| file.display().to_string())?;
        return Ok(trials.into_iter().map(|trial| Trial { wishes: trial.wishes.or(wishes), ..trial }).collect());
    }
    let seeds = flags.seed..flags.seed.saturating_add(flags.count);
    Ok(seeds.map(|seed| Trial { name: None, seed, wishes }).collect())
}
