use serde::{Deserialize, Serialize};

use super::run::percent;
use super::{Counts, Distribution, Figure, Histograms, ServerFigures, TickTimes};

/// What happened in one second of a run, warm-up and all; or in a few seconds of a long one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// Which, from 0: of the start of the first client.
    pub number: u32,
    /// How many seconds it lasts.
    pub lasts_s: u32,
    /// At its end.
    pub presence: Presence,
    /// Round trips, ages, effects and lag, with two digits.
    #[serde(deserialize_with = "Histograms::deserialize_second")]
    pub histograms: Histograms,
    /// What clients counted.
    pub counts: Counts,
    /// Processor time of the worker threads, in microseconds.
    pub cpu_us: u64,
    /// What the server counted, if it could be asked, and in how long.
    pub server: Option<ServerSecond>,
}

/// How many clients are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Started, and not told to leave.
    pub wanted: u64,
    /// In the game.
    pub playing: u64,
    /// Lost, or never in, of those wanted.
    pub lost: u64,
}

/// A second of the server's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerSecond {
    /// How long ticks took, in microseconds to three digits, each with how many did.
    pub tick_us: Vec<(u64, u64)>,
    /// Ticks that took longer than a tick.
    pub overruns: u64,
    /// Of one core.
    pub cpu_pct: Option<f64>,
    /// In MiB.
    pub rss_mb: Option<f64>,
    /// 0 to 3.
    pub load_level: u8,
    /// Players.
    pub clients: u64,
    /// Entities of the game.
    pub entities: u64,
}

impl Presence {
    /// Adds other clients.
    pub const fn add(&mut self, other: &Self) {
        self.wanted += other.wanted;
        self.playing += other.playing;
        self.lost += other.lost;
    }
}

impl ServerSecond {
    /// Of what it counted in so long.
    #[must_use]
    pub fn of(figures: &ServerFigures, over_s: f64) -> Self {
        Self {
            tick_us: figures.ticks.pairs(),
            overruns: figures.overruns,
            cpu_pct: figures.cpu_s.map(|cpu_s| cpu_s / over_s * 100.0),
            rss_mb: figures.rss_bytes.map(|bytes| bytes / f64::from(1 << 20)),
            load_level: figures.load_level,
            clients: figures.clients,
            entities: figures.entities,
        }
    }
}

impl ServerSecond {
    /// How long ticks took; `None` if there were none.
    #[must_use]
    pub fn tick_ms(&self) -> Option<Distribution> {
        TickTimes::of(&self.tick_us).distribution_ms()
    }

    /// Adds what comes after it: this lasts for `mine_s`, and that for `next_s`.
    fn append(&mut self, mine_s: f64, next: &Self, next_s: f64) {
        self.tick_us.extend(&next.tick_us);
        self.tick_us = TickTimes::of(&self.tick_us).pairs();
        self.overruns += next.overruns;
        let mean = |(mine, next): (f64, f64)| (mine * mine_s + next * next_s) / (mine_s + next_s);
        self.cpu_pct = self.cpu_pct.zip(next.cpu_pct).map(mean);
        self.load_level = self.load_level.max(next.load_level);
        (self.rss_mb, self.clients, self.entities) = (next.rss_mb, next.clients, next.entities);
    }
}

impl Second {
    /// In which nothing has happened yet.
    #[must_use]
    pub fn new(number: u32) -> Self {
        Self {
            number,
            lasts_s: 1,
            presence: Presence::default(),
            histograms: Histograms::of_a_second(),
            counts: Counts::default(),
            cpu_us: 0,
            server: None,
        }
    }

    /// Adds the same second of other clients.
    pub fn add(&mut self, other: &Self) {
        self.presence.add(&other.presence);
        self.histograms.add(&other.histograms);
        self.counts.add(&other.counts);
        self.cpu_us += other.cpu_us;
        if self.server.is_none() {
            self.server.clone_from(&other.server);
        }
    }

    /// Adds what comes after it.
    pub(super) fn append(&mut self, next: &Self) {
        self.presence = next.presence;
        self.histograms.add(&next.histograms);
        self.counts.add(&next.counts);
        self.cpu_us += next.cpu_us;
        match (&mut self.server, &next.server) {
            (Some(mine), Some(after)) => mine.append(f64::from(self.lasts_s), after, f64::from(next.lasts_s)),
            (None, Some(after)) => self.server = Some(after.clone()),
            (_, None) => {}
        }
        self.lasts_s = next.end_s() - self.number;
    }

    /// When it ends, in seconds from the start.
    #[must_use]
    pub const fn end_s(&self) -> u32 {
        self.number + self.lasts_s
    }

    /// The distribution of a figure that is kept for each second; `None` if nothing was measured.
    #[must_use]
    pub fn distribution(&self, figure: Figure) -> Option<Distribution> {
        self.histograms.distribution(figure)
    }

    /// Datagrams of the server that did not come, in percent.
    #[must_use]
    pub fn loss_down_pct(&self) -> Option<f64> {
        percent(self.counts.down_expected.saturating_sub(self.counts.down_received), self.counts.down_expected)
    }

    /// Datagrams of clients given up for lost, in percent.
    #[must_use]
    pub fn loss_up_pct(&self) -> Option<f64> {
        percent(self.counts.up_lost, self.counts.up_lost + self.counts.up_acked)
    }

    /// Of one core, all workers together.
    #[must_use]
    pub fn sim_cpu_pct(&self) -> f64 {
        self.cpu_us as f64 / 1e4 / f64::from(self.lasts_s)
    }

    /// UDP payload from the server, in bytes a second.
    #[must_use]
    pub fn bytes_down_s(&self) -> f64 {
        self.counts.bytes_down as f64 / f64::from(self.lasts_s)
    }

    /// UDP payload to the server, in bytes a second.
    #[must_use]
    pub fn bytes_up_s(&self) -> f64 {
        self.counts.bytes_up as f64 / f64::from(self.lasts_s)
    }
}
