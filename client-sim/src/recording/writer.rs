use super::bytes::Fields;
use super::entry::{Header, What};
use super::{BODY_BYTES_MAX, MAGIC, VERSION};
use crate::client::{Client, ClientStats, Correction, Playback, Status};
use std::io::{self, Write};
use std::time::Duration;
use tidelock::state::Input;
use tidelock::{Instant, Tick};

/// A recording that is being written, in memory that does not grow with it.
///
/// An error of the writer ends the recording but not the game: what follows is dropped, and [`Recording::end`] says what
/// went wrong.
///
/// ```
/// use tidelock::Instant;
/// use tidelock_sim::recording::{Header, Reader, Recording};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let header = Header { facts: vec![("map".to_owned(), "harbour".to_owned())], ..Header::default() };
/// let recording = Recording::begin(Vec::new(), header);
/// // In the game's loop: client.open_tap() once, then recording.follow(&mut client, now) after every call of the client.
/// let file = recording.end(Instant::default())?;
/// assert_eq!(Reader::new(&file[..])?.header().facts[0].1, "harbour");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Recording<W: Write> {
    pub(crate) out: W,
    /// The first error; nothing is written after it.
    failed: Option<io::Error>,
    fields: Fields,
    /// Of the last entry.
    at: Instant,
    next_sample: Instant,
    next_flush: Instant,
    counted: ClientStats,
    values: Vec<(u32, f32)>,
}

/// Between two samples.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(50);
/// What a program that is killed may lose.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// The figures of a sample: name and unit. Counts are those since the last sample.
pub(super) const SERIES: [(&str, &str); 11] = [
    ("tick lead", "ticks"),
    ("tick lead target", "ticks"),
    ("round trip", "ms"),
    ("jitter", "ms"),
    ("entities", "entities"),
    ("datagrams down", "datagrams"),
    ("datagrams down missing", "datagrams"),
    ("datagrams up", "datagrams"),
    ("datagrams up lost", "datagrams"),
    ("interpolation delay", "ms"),
    ("interpolation delay target", "ms"),
];

impl<W: Write> Recording<W> {
    /// Begins with who is recorded.
    pub fn begin(out: W, header: Header) -> Self {
        let start = header.start;
        let mut recording = Self {
            out,
            failed: None,
            fields: Fields::default(),
            at: Instant::default(),
            next_sample: start,
            next_flush: start,
            counted: ClientStats::default(),
            values: Vec::new(),
        };
        recording.put(&MAGIC);
        recording.put(&VERSION.to_le_bytes());
        recording.at = start;
        recording.write(start, &What::Begin(header));
        for (number, (name, unit)) in (0..).zip(SERIES) {
            recording.write(start, &What::Series { number, name: name.to_owned(), unit: unit.to_owned() });
        }
        recording
    }

    /// Writes what passed the client's edge since the last call, and, when it is time, how it fares. The client's tap must
    /// be open.
    pub fn follow<I: Input>(&mut self, client: &mut Client<I>, now: Instant) {
        while let Some((at, tapped)) = client.poll_tapped() {
            if let Some(what) = What::of_tapped(tapped) {
                self.write(at, &what);
            }
        }
        if now >= self.next_sample {
            self.next_sample = now + SAMPLE_INTERVAL;
            self.sample(client, now);
        }
        if now >= self.next_flush {
            self.next_flush = now + FLUSH_INTERVAL;
            self.flush();
        }
    }

    /// A prediction was corrected.
    pub fn on_correction(&mut self, correction: Correction, now: Instant) {
        let Correction { tick, error_m, .. } = correction;
        self.write(now, &What::Correction { tick, error_m });
    }

    /// A predicted effect turned out not to have happened.
    pub fn on_undone(&mut self, tick: Tick, now: Instant) {
        self.write(now, &What::Undone { tick });
    }

    /// Ends the recording, and gives the writer back.
    ///
    /// # Errors
    /// The first error of the writer: the recording lacks what came after it.
    pub fn end(mut self, now: Instant) -> io::Result<W> {
        self.write(now, &What::End);
        self.flush();
        self.failed.map_or(Ok(self.out), Err)
    }

    fn sample<I: Input>(&mut self, client: &Client<I>, now: Instant) {
        let stats = *client.stats();
        let before = std::mem::replace(&mut self.counted, stats);
        if client.status() != Status::Playing {
            return;
        }
        let ms = |duration: Duration| duration.as_secs_f32() * 1e3;
        // What comes late is missing first, and then more than was expected.
        let missing = |stats: &ClientStats| stats.down.expected.cast_signed() - stats.down.received.cast_signed();
        let lead = client.input_lead_ticks();
        let figures = [
            // It is exactly that only before the first report.
            lead.map(|(lead, _)| lead).filter(|lead| *lead != 0.0),
            lead.map(|(_, target)| target),
            client.rtt().map(ms),
            Some(ms(client.jitter())),
            Some(client.view().len() as f32),
            Some(stats.down.received.saturating_sub(before.down.received) as f32),
            Some((missing(&stats) - missing(&before)) as f32),
            Some(stats.up.sent.saturating_sub(before.up.sent) as f32),
            Some(stats.up.lost.cast_signed().wrapping_sub(before.up.lost.cast_signed()) as f32),
            client.playback().map(Playback::delay_ms),
            client.playback().map(Playback::target_ms),
        ];
        let mut values = std::mem::take(&mut self.values);
        values.clear();
        values.extend((0..).zip(figures).filter_map(|(number, figure): (u32, Option<f32>)| Some((number, figure?))));
        let what = What::Sample(values);
        self.write(now, &what);
        if let What::Sample(values) = what {
            self.values = values;
        }
    }

    /// Writes an entry: so a game adds figures of its own, as [`What::Series`] and [`What::Sample`] with numbers from 100 on.
    pub fn write(&mut self, at: Instant, what: &What) {
        let mut fields = std::mem::take(&mut self.fields);
        fields.0.clear();
        fields.zigzag(at.us_from(self.at));
        let kind = what.write(&mut fields);
        if fields.0.len() > BODY_BYTES_MAX {
            fields.0.clear();
            fields.zigzag(at.us_from(self.at));
            self.put_entry(What::Missed(1).write(&mut fields), &fields.0);
        } else {
            self.put_entry(kind, &fields.0);
        }
        self.at = at;
        self.fields = fields;
    }

    fn put_entry(&mut self, kind: u8, body: &[u8]) {
        let mut head = Fields::default();
        head.u8(kind).varint(body.len() as u64);
        self.put(&head.0);
        self.put(body);
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.out.write_all(bytes).err();
        }
    }

    fn flush(&mut self) {
        if self.failed.is_none() {
            self.failed = self.out.flush().err();
        }
    }
}
