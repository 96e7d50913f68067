//! The simulator's program.

mod capacity_run;
mod cli;
mod metrics_server;
mod onlookers;
mod results;
mod screen;
mod universes;

use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use cli::{Cli, MergeFlags, Orders, Show, Task, check_profiles, refuse};
use onlookers::Onlookers;
use results::{BadFile, Results};
use tidelock_sim::measure::Run;
use tidelock_sim::seeds::ListError;
use tidelock_sim::show::{self, ShowError};
use tidelock_sim::swarm::{self, End, SwarmError};

/// A threshold does not hold, or an invariant.
const EXIT_THRESHOLD: u8 = 99;
/// What was given cannot be used.
const EXIT_USAGE: u8 = 2;
/// Anything that is not bad usage, a missing server or a threshold.
const EXIT_OTHER: u8 = 1;

fn main() -> ExitCode {
    let done = match Cli::parse().task() {
        Task::Run(orders) => run(&orders),
        Task::Show(file) => show(&file),
        Task::Universe(flags) => universes::run(&flags),
        Task::Capacity(orders) => capacity_run::run(&orders),
        Task::Merge(flags) => merge(&flags),
        Task::EmbeddedServer(flags) => {
            swarm::serve_embedded(&flags.options(), flags.clients, flags.seed).map(|()| true).map_err(Into::into)
        }
    };
    match done {
        Ok(all_is_well) => ExitCode::from(if all_is_well { 0 } else { EXIT_THRESHOLD }),
        Err(error) => {
            // Without standard error there is nowhere left to complain.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::from(exit_code(&error))
        }
    }
}

/// A reader that wants no more, as after `| head`, is no trouble.
fn unless_nobody_reads(written: io::Result<()>) -> io::Result<()> {
    written.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<ShowError>() || error.is::<ListError>() || error.is::<BadFile>() {
        return EXIT_USAGE;
    }
    error.downcast_ref().map_or(EXIT_OTHER, SwarmError::exit_code)
}

/// Draws a recording.
fn show(Show { file, out }: &Show) -> anyhow::Result<bool> {
    // Not the recording's name with another ending: that may be a report.
    let out = out.clone().unwrap_or_else(|| file.with_added_extension("html"));
    anyhow::ensure!(out != *file, "{} is the recording itself: name another file with --out", out.display());
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let page =
        show::page(&name, || File::open(file).map(BufReader::new)).with_context(|| file.display().to_string())?;
    fs::write(&out, &page.html).with_context(|| format!("writing {}", out.display()))?;
    if !page.is_complete {
        let _ = writeln!(io::stderr(), "warning: {}: it was cut off, and shown is what is left", file.display());
    }
    let _ = writeln!(io::stdout(), "{}", out.display());
    Ok(true)
}

/// Runs, reports, and tells whether all thresholds hold.
fn run(orders: &Orders) -> anyhow::Result<bool> {
    let results = Results::prepare(&orders.results)?;
    let mut onlookers = Onlookers::of(orders)?;
    let outcome = match &orders.record {
        Some(file) => swarm::record(&orders.swarm, file, &mut onlookers)?,
        None => swarm::run(&orders.swarm, &mut onlookers)?,
    };
    let csv = onlookers.end();
    let all_is_well = results.tell(&outcome.run)?;
    csv?;
    outcome.recorded?;
    match (outcome.end, outcome.end.cut_short()) {
        (End::ServerGone { .. } | End::NobodyLeft { .. }, Some(why)) => Err(SwarmError::CutShort(why).into()),
        _ => outcome.closed.map(|()| all_is_well).map_err(Into::into),
    }
}

/// Puts what several workers measured together.
fn merge(flags: &MergeFlags) -> anyhow::Result<bool> {
    let results = Results::prepare(&flags.results)?;
    let mut sum: Option<Run> = None;
    for file in &flags.files {
        let read = fs::read_to_string(file).map_err(BadFile::new(file))?;
        let run = Run::from_file(&read).map_err(BadFile::new(file))?;
        match &mut sum {
            None => sum = Some(run),
            Some(sum) => sum.merge(&run).map_err(BadFile::new(file))?,
        }
    }
    let sum = sum.expect("one file is required");
    let links = sum.profiles.keys().map(String::as_str);
    check_profiles("--threshold", &flags.results.thresholds, links).unwrap_or_else(|why| refuse(&why));
    let (workers, of) = (sum.setup.workers.len() as u32, sum.setup.workers_of);
    if workers < of {
        let _ = writeln!(io::stderr(), "warning: these are {workers} of {of} workers: the others' clients are missing");
    }
    results.tell(&sum)
}
