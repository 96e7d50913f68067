//! Who looks on while a run goes: a terminal, or lines on standard error; a file of seconds; Prometheus.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::Context;
use tidelock_sim::live::Screen;
use tidelock_sim::measure::{Mood, Second};
use tidelock_sim::swarm::{SwarmOptions, Watcher};
use tidelock_sim::tell::{csv_header, csv_line, progress_line};

use crate::cli::{Orders, Tui};
use crate::metrics_server::MetricsServer;
use crate::results::BadFile;
use crate::screen::ScreenTerminal;

/// All of them.
pub(crate) struct Onlookers {
    view: View,
    duration_s: u64,
    csv: Option<Csv>,
    metrics: Option<MetricsServer>,
}

/// How a run is shown.
enum View {
    None,
    Lines,
    /// On a terminal, from the start of the run on.
    Screen(Box<Drawn>),
    ScreenToCome,
}

/// A terminal, and what is on it.
struct Drawn {
    terminal: ScreenTerminal,
    screen: Screen,
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
        let metrics = orders.metrics.map(MetricsServer::start).transpose()?;
        // Of a port that the system chose, nobody else can tell.
        if let Some(address) = metrics.as_ref().map(MetricsServer::address).filter(|own| Some(*own) != orders.metrics) {
            say(&format!("metrics at http://{address}/metrics"));
        }
        let duration_s = orders.swarm.load.duration().as_secs_f64().ceil() as u64;
        let view = match orders.tui {
            Tui::Always => View::ScreenToCome,
            Tui::Auto if !orders.quiet && io::stderr().is_terminal() => View::ScreenToCome,
            Tui::Auto | Tui::Never if orders.quiet => View::None,
            Tui::Auto | Tui::Never => View::Lines,
        };
        Ok(Self { view, duration_s, csv, metrics })
    }

    /// Ends them, and says if the file lacks something.
    pub(crate) fn end(self) -> anyhow::Result<()> {
        let Self { view, csv, .. } = self;
        if let View::Screen(drawn) = view {
            drop(drawn.terminal);
            drawn.screen.notes().iter().for_each(|note| say(note));
        }
        csv.map_or(Ok(()), Csv::end)
    }

    /// Draws what there is. A terminal on which that fails is let go.
    fn redraw(&mut self) {
        if let View::Screen(drawn) = &mut self.view
            && drawn.terminal.draw(&drawn.screen).is_err()
        {
            self.view = View::None;
        }
    }
}

/// Who plays where.
fn title(options: &SwarmOptions, server: &str) -> String {
    let (all, players) = (options.clients().count(), options.players().count());
    let hostile = if players < all { format!(" and {} hostile", all - players) } else { String::new() };
    format!("{players} clients{hostile} on {server}")
}

/// Nobody may be listening any more; the run goes on.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

impl Watcher for Onlookers {
    fn on_start(&mut self, options: &SwarmOptions, server: &str) {
        let seed = options.seed;
        let title = title(options, server);
        match self.view {
            View::Lines => say(&format!("{title} for {} s, seed {seed}", self.duration_s)),
            View::ScreenToCome => {
                let screen = Screen::new(title, self.duration_s, seed);
                let drawn = |terminal| View::Screen(Box::new(Drawn { terminal, screen }));
                self.view = ScreenTerminal::open().map_or(View::Lines, drawn);
                self.redraw();
            }
            View::None | View::Screen(_) => {}
        }
    }

    fn on_second(&mut self, second: &Second) {
        match &mut self.view {
            View::Lines => say(&progress_line(second, self.duration_s)),
            View::Screen(drawn) => drawn.screen.on_second(second),
            View::None | View::ScreenToCome => {}
        }
        if let Some(csv) = &mut self.csv {
            csv.write(&csv_line(second));
        }
        if let Some(metrics) = &mut self.metrics {
            metrics.on_second(second);
        }
    }

    fn on_moods(&mut self, moods: &[Mood]) {
        if let View::Screen(drawn) = &mut self.view {
            drawn.screen.on_moods(moods);
        }
        self.redraw();
    }

    fn note(&mut self, text: &str) {
        match &mut self.view {
            View::Lines => say(text),
            View::Screen(drawn) => drawn.screen.note(text),
            View::None | View::ScreenToCome => {}
        }
        self.redraw();
    }
}

impl Csv {
    fn create(path: PathBuf) -> anyhow::Result<Self> {
        let created = File::create(&path).map_err(BadFile::new(&path))?;
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
