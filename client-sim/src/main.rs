//! The simulator's program.

mod cli;

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use cli::{Cli, Orders};
use tidelock_sim::swarm::{self, Ink, Summary, SwarmError, SwarmOptions, Target, Threshold};

/// A threshold does not hold.
const EXIT_THRESHOLD: u8 = 99;
/// Anything that is not bad usage, a missing server or a threshold.
const EXIT_OTHER: u8 = 1;

fn main() -> ExitCode {
    let orders = Cli::parse().orders();
    match run(&orders) {
        Ok(all_hold) => ExitCode::from(if all_hold { 0 } else { EXIT_THRESHOLD }),
        Err(error) => {
            // Without standard error there is nowhere left to complain.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::from(error.downcast_ref().map_or(EXIT_OTHER, SwarmError::exit_code))
        }
    }
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
