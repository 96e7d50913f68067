//! The command line.

mod capacity;
mod link;
mod load;
mod target;
mod values;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use capacity::CapacityFlags;
pub(crate) use capacity::{CapacityOrders, Targets};
use clap::{CommandFactory, Parser, Subcommand};
use link::LinkFlags;
use load::LoadFlags;
use target::TargetFlags;
use tidelock_sim::bots::{BotKind, BotMix};
use tidelock_sim::measure::Threshold;
use tidelock_sim::swarm::{EmbeddedOptions, Share, SwarmOptions, ThinShare, random_seed};
use values::{listen_address, seed, share_of_some, worker};

/// Loads a Tidelock server with clients over bad links, and measures what players would feel
///
/// Needs a running server, or --embedded. Exits with 0, also when Ctrl-C ended it early; 2 for bad usage; 3 when no client could connect, or
/// the server was gone before the end; 99 when a threshold failed; 1 for all else that goes wrong.
#[derive(Parser, Debug)]
#[command(name = "tidelock-sim", version, max_term_width = 100, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    target: TargetFlags,

    /// Who plays: wander, fight, idle, gather, hostile, or a mix such as wander=3,fight=1. The hostile do not play, but attack the
    /// server, each in another way; no figure of players has them
    #[arg(long, value_name = "MIX", default_value = "wander", help_heading = "Load")]
    bots: BotMix,

    /// So many of the clients are thin: they do all that the server and the network notice, but leave the records of snapshots
    /// unread, and play blindly. Thousands fit on a few cores; what players see is measured of the others
    #[arg(long, value_name = "SHARE", value_parser = share_of_some, allow_hyphen_values = true, default_value = "0%", hide_default_value = true, help_heading = "Load")]
    thin: f64,

    /// Repeats links, bots and the embedded world [default: random, printed]
    #[arg(long, value_parser = seed, help_heading = "Load")]
    seed: Option<u64>,

    /// Write what the first client to be started receives and does, for `tidelock-sim show`
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    record: Option<PathBuf>,

    /// Write a line of figures for each second
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    csv: Option<PathBuf>,

    /// Tell Prometheus how it goes: GET /metrics at this address
    #[arg(long, value_name = "ADDRESS", value_parser = listen_address, help_heading = "Results")]
    metrics: Option<SocketAddr>,

    /// Run every N-th of the clients only, the K-th of them: others are run by other processes with the same flags and seed, and
    /// `tidelock-sim merge` puts their summaries together
    #[arg(long, value_name = "K/N", value_parser = worker, requires = "seed", help_heading = "Load")]
    worker: Option<Share>,

    /// No progress while it runs
    #[arg(long, help_heading = "Progress")]
    quiet: bool,

    /// Draw how it goes on the terminal: if there is one, or in any case, or never; then a line for each second
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value = "auto",
        hide_default_value = true,
        help_heading = "Progress"
    )]
    tui: Tui,

    #[command(flatten)]
    results: ResultFlags,

    #[command(flatten)]
    load: LoadFlags,

    #[command(flatten)]
    link: LinkFlags,
}

/// When to draw on the terminal.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tui {
    Auto,
    Always,
    Never,
}

/// What is made of what was measured.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Results")]
pub(crate) struct ResultFlags {
    /// Write the figures as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) summary_json: Option<PathBuf>,
    /// Write a report with plots, to be opened in a browser
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
    /// Exit with 99 unless this holds, as in snapshot_age_ms_p99<100; repeatable
    #[arg(long = "threshold", value_name = "EXPR")]
    pub(crate) thresholds: Vec<Threshold>,
    /// Tell what has changed since the run with this JSON
    #[arg(long, value_name = "OLD.json")]
    pub(crate) baseline: Option<PathBuf>,
}

/// Whose figures belong together.
#[derive(clap::Args, Debug)]
pub(crate) struct MergeFlags {
    /// What --summary-json of each wrote
    #[arg(required = true, value_name = "FILE.json")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) results: ResultFlags,
}

/// What to do instead.
#[derive(Subcommand, Debug)]
enum Command {
    /// Draw a recording of --record as a page: tick lead, round trips, snapshot age, corrections, bandwidth, loss
    Show(Show),
    /// Run server, players and a bad network in one thread on virtual time, with everything left to chance, and check it
    ///
    /// A seed chooses rates, players, links, clocks, strangers, and what goes wrong; what must hold is checked after every
    /// tick. Prints a line for each seed. Exits with 0, or 99 when something did not hold.
    Universe(UniverseFlags),
    /// Find the most clients that a server holds on this machine: how many players?
    ///
    /// Doubles the clients until a target fails, then halves what is in between. Starts a server of its own for each try, unless
    /// it is told of one. Exits with 99 when not even the first few are held.
    Capacity(Box<CapacityFlags>),
    /// Put the figures of several workers together, exactly: of --worker, or of runs of their own at the same time
    Merge(MergeFlags),
    /// A server for a run with --embedded, which starts it
    #[command(hide = true)]
    EmbeddedServer(EmbeddedServerFlags),
}

/// What the server is to be like.
#[derive(clap::Args, Debug)]
pub(crate) struct EmbeddedServerFlags {
    #[arg(long)]
    pub(crate) clients: u32,
    #[arg(long)]
    pub(crate) seed: u64,
    #[arg(long)]
    tick_hz: Option<u32>,
    #[arg(long)]
    npcs: Option<u32>,
    #[arg(long)]
    client_bandwidth: Option<u32>,
}

impl EmbeddedServerFlags {
    pub(crate) fn options(&self) -> EmbeddedOptions {
        EmbeddedOptions {
            program: PathBuf::new(),
            tick_hz: self.tick_hz,
            npcs: self.npcs,
            client_bandwidth_bytes_s: self.client_bandwidth,
        }
    }
}

/// Which universes.
#[derive(clap::Args, Debug)]
pub(crate) struct UniverseFlags {
    /// The first
    #[arg(long, value_name = "S", value_parser = seed, default_value = "1")]
    pub(crate) seed: u64,
    /// How many, from there on
    #[arg(long, value_name = "K", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: u64,
    /// A list instead: NAME SEED [clients=N] [ticks=T], one a line
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "count"])]
    pub(crate) list: Option<PathBuf>,
    /// So many players, instead of what the seed says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_024))]
    pub(crate) clients: Option<u64>,
    /// So many ticks until nothing goes wrong any more, instead of what the seed says
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) ticks: Option<u32>,
    /// Universes at once [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_024))]
    pub(crate) jobs: Option<u64>,
    /// Stop at the first in which something does not hold
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Only what did not hold, and the sum
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// What to draw.
#[derive(clap::Args, Debug)]
pub(crate) struct Show {
    /// The recording
    pub(crate) file: PathBuf,
    /// Where the page goes [default: the recording's name and .html, as in run.rec.html]
    #[arg(long, value_name = "FILE.html")]
    pub(crate) out: Option<PathBuf>,
}

/// What the command line asks for.
pub(crate) enum Task {
    Run(Box<Orders>),
    Show(Show),
    Universe(UniverseFlags),
    Capacity(Box<CapacityOrders>),
    Merge(MergeFlags),
    EmbeddedServer(EmbeddedServerFlags),
}

/// What to run.
#[derive(Debug)]
pub(crate) struct Orders {
    pub(crate) swarm: SwarmOptions,
    pub(crate) results: ResultFlags,
    pub(crate) csv: Option<PathBuf>,
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) record: Option<PathBuf>,
    pub(crate) quiet: bool,
    pub(crate) tui: Tui,
}

impl Cli {
    /// What was asked for. Ends the program if that makes no sense.
    pub(crate) fn task(mut self) -> Task {
        match self.command.take() {
            Some(Command::Show(show)) => Task::Show(show),
            Some(Command::Universe(flags)) => Task::Universe(flags),
            Some(Command::Capacity(flags)) => {
                Task::Capacity(Box::new(flags.orders().unwrap_or_else(|why| refuse(&why))))
            }
            Some(Command::Merge(flags)) => Task::Merge(flags),
            Some(Command::EmbeddedServer(flags)) => Task::EmbeddedServer(flags),
            None => Task::Run(Box::new(self.orders().unwrap_or_else(|why| refuse(&why)))),
        }
    }

    fn orders(self) -> Result<Orders, String> {
        if self.bots.kinds().all(|kind| kind == BotKind::Hostile) {
            return Err("--bots: besides the hostile somebody has to play, as in wander=9,hostile=1".to_owned());
        }
        self.check_files()?;
        let links = self.link.links();
        check_profiles("--threshold", &self.results.thresholds, links.kinds().map(|(name, _)| name))?;
        let swarm = SwarmOptions {
            target: self.target.target()?,
            load: self.load.load()?,
            links,
            bots: self.bots.into(),
            thin: ThinShare(self.thin),
            seed: self.seed.unwrap_or_else(random_seed),
            share: self.worker.unwrap_or(Share::ALL),
            command: command_line(),
        };
        let Self { results, csv, metrics, record, quiet, tui, .. } = self;
        Ok(Orders { swarm, results, csv, metrics, record, quiet, tui })
    }

    /// Whether each result has a file of its own.
    fn check_files(&self) -> Result<(), String> {
        let results = &self.results;
        let files = [
            ("--summary-json", &results.summary_json),
            ("--report", &results.report),
            ("--csv", &self.csv),
            ("--record", &self.record),
        ];
        let mut flags: BTreeMap<&Path, &str> = BTreeMap::new();
        for (flag, file) in files {
            if let Some(file) = file
                && let Some(other) = flags.insert(file, flag)
            {
                return Err(format!("{other} and {flag} are both to be written to {}", file.display()));
            }
        }
        Ok(())
    }
}

/// Whether somebody has the kinds of links that thresholds are about.
pub(crate) fn check_profiles<'a>(
    flag: &str,
    thresholds: &[Threshold],
    links: impl Iterator<Item = &'a str>,
) -> Result<(), String> {
    let links: Vec<_> = links.collect();
    for threshold in thresholds {
        if let Some(profile) = threshold.profile().filter(|profile| !links.contains(profile)) {
            return Err(format!("{flag} {threshold}: no client has the link {profile}, only {}", links.join(", ")));
        }
    }
    Ok(())
}

/// What was typed.
fn command_line() -> String {
    std::env::args().collect::<Vec<_>>().join(" ")
}

/// Says what is wrong, as clap does.
pub(crate) fn refuse(why: &str) -> ! {
    Cli::command().error(clap::error::ErrorKind::ValueValidation, why).exit()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn parse(flags: &[&str]) -> Result<Orders, String> {
        let cli = Cli::try_parse_from(["tidelock-sim"].iter().chain(flags)).map_err(|error| error.to_string())?;
        cli.orders()
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for flags in [
            &["--embedded", "--burst", "4"][..],
            &["--embedded", "--loss", "5%", "--burst", "0.5"],
            &["--embedded", "--loss", "5%", "--burst", "nan"],
            &["--embedded", "--loss", "5%", "--burst", "4ms"],
            &["--embedded", "--server", "127.0.0.1:7777"],
            &["--embedded", "--key-file", "k"],
            &["--tick-hz", "30"],
            &["--protocol-id", "7"],
            &["--worker", "1/2"],
            &["--threshold", "no_such_figure<1"],
            &["--bots", "swim"],
            &["--embedded", "--bots", "hostile"],
            &["--embedded", "--queue", "8KiB"],
            &["--embedded", "--client-bandwidth", "1KiB"],
            &["--embedded", "--loss", "-1%"],
        ] {
            assert!(parse(flags).is_err(), "{flags:?}");
        }
    }
}
