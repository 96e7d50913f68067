//! Who looks on while a run goes: lines on standard error, a file of seconds.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context;
use tidelock_sim::measure::Second;
use tidelock_sim::swarm::{SwarmOptions, Watcher};
use tidelock_sim::tell::{csv_header, csv_line, progress_line};

use crate::cli::Orders;

/// All of them.
pub(crate) struct Onlookers {
    quiet: bool,
    duration_s: u64,
    csv: Option<Csv>,
}

/// A file of seconds.
struct Csv {
    path: PathBuf,
    file: BufWriter<File>,
    /// The first thing that went wrong.
    trouble: Option<io::Error>,
}

impl Onlookers {
    /// Those that were asked for.
    pub(crate) fn of(orders: &Orders) -> anyhow::Result<Self> {
        let csv = orders.csv.clone().map(Csv::create).transpose()?;
        let duration_s = orders.swarm.load.duration().as_secs_f64().ceil() as u64;
        Ok(Self { quiet: orders.quiet, duration_s, csv })
    }

    /// Ends them, and says if the file lacks something.
    pub(crate) fn end(self) -> anyhow::Result<()> {
        self.csv.map_or(Ok(()), Csv::end)
    }

    fn say(&self, text: &str) {
        if !self.quiet {
            // Nobody may be listening any more; the run goes on.
            let _ = writeln!(io::stderr(), "{text}");
        }
    }
}

impl Watcher for Onlookers {
    fn on_start(&mut self, options: &SwarmOptions, server: &str) {
        let (clients, seed) = (options.load.clients_max(), options.seed);
        self.say(&format!("{clients} clients on {server} for {} s, seed {seed}", self.duration_s));
    }

    fn on_second(&mut self, second: &Second) {
        self.say(&progress_line(second, self.duration_s));
        if let Some(csv) = &mut self.csv {
            csv.write(&csv_line(second));
        }
    }

    fn note(&mut self, text: &str) {
        self.say(text);
    }
}

impl Csv {
    fn create(path: PathBuf) -> anyhow::Result<Self> {
        let created = File::create(&path).with_context(|| format!("--csv: creating {}", path.display()))?;
        let mut csv = Self { path, file: BufWriter::new(created), trouble: None };
        csv.write(&csv_header());
        Ok(csv)
    }

    /// Each line is in the file at once: somebody may follow it.
    fn write(&mut self, line: &str) {
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.flush());
        self.trouble = self.trouble.take().or(written.err());
    }

    fn end(self) -> anyhow::Result<()> {
        self.trouble.map_or(Ok(()), |error| Err(error).with_context(|| format!("writing {}", self.path.display())))
    }
}
