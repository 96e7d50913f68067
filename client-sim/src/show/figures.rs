use super::moments::mark;
use crate::plot::{Columns, Marks, Span};
use crate::recording::{Entry, What};
use std::collections::BTreeMap;
use tidelock::{Instant, Tick};

/// All that a page shows of a recording, gathered entry by entry in memory that does not grow with it.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) span: Span,
    pub(super) marks: Marks,
    /// In ms, as measured.
    pub(super) rtt: Columns,
    /// In ms; above the least of them, if the server's clock is another.
    pub(super) age: Columns,
    /// From one snapshot's arrival to the next one's, in ms.
    pub(super) gap: Columns,
    /// In m.
    pub(super) corrections: Columns,
    /// One for each effect that was predicted and did not happen.
    pub(super) undone: Columns,
    /// Bytes of datagrams.
    pub(super) down: Columns,
    pub(super) up: Columns,
    /// How late ticks were run, in ms.
    pub(super) late: Columns,
    /// What was sampled, by number.
    pub(super) series: BTreeMap<u32, Series>,
    pub(super) snapshots: u64,
    pub(super) desyncs: u64,
    pub(super) tick_hz: Option<u32>,
    last_snapshot: Option<(Tick, Instant)>,
}

/// Samples of one name.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) columns: Columns,
}

/// Of a chart's width.
const COLUMNS: usize = 600;
/// Bytes are counted for so long at least ...
const RATE_WIDTH_S: f64 = 0.25;
/// ... and what is lost for longer, as there is little of it.
const LOSS_WIDTH_S: f64 = 1.0;
const LOSS_COLUMNS: usize = 120;
/// A recording that declares more is none of ours.
const SERIES_MAX: usize = 32;

impl Figures {
    pub(super) fn new(span: Span) -> Self {
        let columns = || Columns::new(span, COLUMNS);
        let rates = || Columns::at_least(span, RATE_WIDTH_S, COLUMNS);
        Self {
            span,
            marks: Marks::default(),
            rtt: columns(),
            age: columns(),
            gap: columns(),
            corrections: columns(),
            undone: columns(),
            down: rates(),
            up: rates(),
            late: columns(),
            series: BTreeMap::new(),
            snapshots: 0,
            desyncs: 0,
            tick_hz: None,
            last_snapshot: None,
        }
    }

    pub(super) fn take(&mut self, entry: &Entry) {
        let at = entry.at;
        mark(self.span.seconds(at), &entry.what).into_iter().for_each(|mark| self.marks.add(mark));
        match &entry.what {
            What::Received { bytes, .. } => self.down.add(at, *bytes as f64),
            What::Sent { bytes } => self.up.add(at, *bytes as f64),
            What::Ticked { late, .. } => self.late.add(at, late.as_secs_f64() * 1e3),
            What::Joined { tick_hz, .. } => self.tick_hz = Some(*tick_hz),
            What::Rtt(rtt) => self.rtt.add(at, rtt.as_secs_f64() * 1e3),
            What::Snapshot { tick, age_us } => {
                self.age.add(at, *age_us as f64 / 1e3);
                self.on_snapshot(*tick, at);
            }
            What::Desync { .. } => self.desyncs += 1,
            What::Correction { error_m, .. } => self.corrections.add(at, f64::from(*error_m)),
            What::Undone { .. } => self.undone.add(at, 1.0),
            What::Series { number, name, unit } => self.declare(*number, name, unit),
            What::Sample(values) => {
                for (number, value) in values {
                    if let Some(series) = self.series.get_mut(number) {
                        series.columns.add(at, f64::from(*value));
                    }
                }
            }
            // Nothing is to be expected until it is back.
            What::Reconnecting => self.last_snapshot = None,
            _ => {}
        }
    }

    /// The samples of a name.
    pub(super) fn sampled(&self, name: &str) -> Option<&Columns> {
        self.series.values().find(|series| series.name == name).map(|series| &series.columns)
    }

    fn declare(&mut self, number: u32, name: &str, unit: &str) {
        if self.series.len() < SERIES_MAX && !self.series.contains_key(&number) {
            // Counts need as long as what is lost does.
            let columns = if unit == "datagrams" {
                Columns::at_least(self.span, LOSS_WIDTH_S, LOSS_COLUMNS)
            } else {
                Columns::new(self.span, COLUMNS)
            };
            self.series.insert(number, Series { name: name.to_owned(), unit: unit.to_owned(), columns });
        }
    }

    fn on_snapshot(&mut self, tick: Tick, at: Instant) {
        if self.last_snapshot.is_some_and(|(last, _)| !tick.is_newer_than(last)) {
            return;
        }
        self.snapshots += 1;
        if let Some((_, before)) = self.last_snapshot.replace((tick, at)) {
            self.gap.add(at, at.since(before).as_secs_f64() * 1e3);
        }
    }
}
