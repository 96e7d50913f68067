use std::collections::VecDeque;

use crate::measure::{Figure, Mood, Presence, Second};
use crate::tell::{ms, pct, rate};

/// What there is to see of a run so far.
#[derive(Clone, Debug)]
pub struct Screen {
    pub(super) title: String,
    pub(super) seed: u64,
    pub(super) duration_s: u64,
    pub(super) elapsed_s: u64,
    pub(super) presence: Presence,
    pub(super) desyncs: u64,
    pub(super) load_level: Option<u8>,
    pub(super) sim_cpu_pct: f64,
    pub(super) panels: [Panel; 6],
    /// By the number of the client.
    pub(super) moods: Vec<Mood>,
    /// The newest last.
    pub(super) notes: Vec<String>,
}

/// A figure, and how it was.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    pub(super) name: &'static str,
    /// The newest value, as people say it.
    pub(super) now: String,
    /// The newest last; `None` where nothing was measured.
    pub(super) history: VecDeque<Option<f64>>,
    read: fn(&Second) -> Option<f64>,
    say: fn(f64) -> String,
}

/// Seconds that are remembered: more than a terminal is wide.
const HISTORY_S: usize = 512;

impl Screen {
    /// At the start of a run that is to last so long.
    #[must_use]
    pub fn new(title: String, duration_s: u64, seed: u64) -> Self {
        let say_ms = |value: f64| format!("{} ms", ms(value));
        let panel = |name, read, say| Panel { name, now: "-".to_owned(), history: VecDeque::new(), read, say };
        Self {
            title,
            seed,
            duration_s,
            elapsed_s: 0,
            presence: Presence::default(),
            desyncs: 0,
            load_level: None,
            sim_cpu_pct: 0.0,
            panels: [
                panel("snapshot age p99", |second| Some(second.distribution(Figure::Age)?.p99), say_ms),
                panel("server tick p99", |second| Some(second.server.as_ref()?.tick_ms()?.p99), say_ms),
                panel("input to effect p50", |second| Some(second.distribution(Figure::Effect)?.p50), say_ms),
                panel("lost down", Second::loss_down_pct, |value| pct(Some(value))),
                panel("round trip p50", |second| Some(second.distribution(Figure::Rtt)?.p50), say_ms),
                panel("bandwidth down", |second| Some(second.counts.bytes_down as f64), rate),
            ],
            moods: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// A second is over.
    pub fn on_second(&mut self, second: &Second) {
        self.elapsed_s = u64::from(second.end_s());
        self.presence = second.presence;
        self.desyncs += second.counts.desyncs;
        self.load_level = second.server.as_ref().map(|server| server.load_level);
        self.sim_cpu_pct = second.sim_cpu_pct();
        for panel in &mut self.panels {
            let value = (panel.read)(second);
            panel.now = value.map_or_else(|| "-".to_owned(), panel.say);
            panel.history.push_back(value);
            if panel.history.len() > HISTORY_S {
                panel.history.pop_front();
            }
        }
    }

    /// How clients are, by their numbers.
    pub fn on_moods(&mut self, moods: &[Mood]) {
        self.moods.clear();
        self.moods.extend_from_slice(moods);
    }

    /// All that was worth a word.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Something is worth a word.
    pub fn note(&mut self, text: &str) {
        self.notes.push(text.to_owned());
    }
}
