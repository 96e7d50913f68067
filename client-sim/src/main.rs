//! The simulator's program.

mod cli;
mod universes;

use std::fs::{self, File};
use std::io::{self, BufReader, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use cli::{Cli, Orders, Show, Task};
use tidelock_sim::seeds::ListError;
use tidelock_sim::show::{self, ShowError};
use tidelock_sim::swarm::{self, Ink, Summary, SwarmError, SwarmOptions, Target, Threshold};

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

fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<ShowError>() || error.is::<ListError>() {
        return EXIT_USAGE;
    }
    error.downcast_ref().map_or(EXIT_OTHER, SwarmError::exit_code)
}

/// Draws a recording.
fn show(Show { file, out }: &Show) -> anyhow::Result<bool> {
    let out = out.clone().unwrap_or_else(|| file.with_extension("html"));
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
    let swarm = &orders.swarm;
    if !swarm.quiet {
        let _ =
            writeln!(io::stderr(), "{} clients for {} s, seed {}", swarm.clients, swarm.duration.as_secs(), swarm.seed);
    }
    let (mut summary, recorded) = match &orders.record {
        Some(file) => swarm::record(swarm, file)?,
        None => (swarm::run(swarm)?, Ok(())),
    };
    summary.thresholds = orders.thresholds.iter().map(|threshold: &Threshold| threshold.check(&summary)).collect();
    print(&summary, swarm).context("writing the report")?;
    if let Some(file) = &orders.summary_json {
        write_json(&summary, file).with_context(|| format!("writing {}", file.display()))?;
    }
    recorded?;
    Ok(summary.thresholds.iter().all(|result| result.ok))
}

fn print(summary: &Summary, options: &SwarmOptions) -> io::Result<()> {
    let mut stdout = io::stdout();
    let is_inked = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let ink = if is_inked { Ink::Terminal } else { Ink::Plain };
    stdout.write_all(swarm::render(summary, &server_name(&options.target), ink).as_bytes())?;
    stdout.flush()
}

fn server_name(target: &Target) -> String {
    match target {
        Target::Embedded(_) => "an embedded server".to_owned(),
        Target::Remote(remote) => remote.server.clone().unwrap_or_else(|| remote.admin.clone()),
    }
}

fn write_json(summary: &Summary, file: &Path) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(summary)?;
    text.push('\n');
    Ok(fs::write(file, text)?)
}
