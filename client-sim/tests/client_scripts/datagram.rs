//! What a server says, also what none would say: each datagram by itself, with sequence, acks and baselines as told.

use super::schema::{TICK_HZ, layout};
use tidelock::bits::BitWriter;
use tidelock::state::codec::{Baselines, encode_delta, encode_full};
use tidelock::state::{Audience, Checksum, EventId, NetId, Version, version_hash};
use tidelock::wire::{
    AckWindow, Audit, RecordHead, RecordList, RecordWriter, RecordsHead, RunWriter, ServerMessage, SnapshotHeader,
    WIRE_VERSION, Welcome,
};
use tidelock::{Instant, Tick};

#[derive(Clone, Default)]
pub(crate) struct Datagram {
    pub(crate) sequence: u64,
    version: Option<u8>,
    /// The server has all of the client's datagrams up to this one.
    acked: Option<u64>,
    unreliable: Vec<Vec<u8>>,
    fragments: Vec<Fragment>,
    snapshot: Option<Snapshot>,
    cut_bytes: usize,
    has_more: bool,
}

#[derive(Clone)]
struct Fragment {
    id: u64,
    last: bool,
    bytes: Vec<u8>,
}

#[derive(Clone, Default)]
struct Snapshot {
    header: SnapshotHeader,
    base: Option<Tick>,
    second: Option<Tick>,
    records: Vec<Record>,
    has_records: bool,
    is_wrong: bool,
    /// Of the audit.
    audited: Vec<(Audience, NetId, Vec<u32>)>,
}

#[derive(Clone)]
struct Record {
    audience: Audience,
    ghost: u32,
    id: NetId,
    how: How,
    lanes: Vec<u32>,
}

/// How a record is told, with the lanes that it builds on.
#[derive(Clone)]
enum How {
    Run(Vec<u32>, Option<Vec<u32>>),
    Delta(Tick, Vec<u32>),
    Full,
    Leave,
}

/// The lanes of a public stream.
pub(crate) fn spot(x: u32) -> Vec<u32> {
    vec![x, 64]
}

fn version(lanes: &[u32]) -> Version {
    Version { mask: 1, lanes: lanes.to_vec() }
}

fn hash(audience: Audience, id: NetId, lanes: &[u32]) -> u64 {
    version_hash(id, audience, 1, lanes)
}

/// A datagram without a snapshot.
pub(crate) fn bare(sequence: u64) -> Datagram {
    Datagram { sequence, ..Datagram::default() }
}

/// The only datagram of a snapshot.
pub(crate) fn at(sequence: u64, tick: u32) -> Datagram {
    let header = SnapshotHeader { tick: Tick(tick), count: 1, complete: true, ..SnapshotHeader::default() };
    Datagram { snapshot: Some(Snapshot { header, ..Snapshot::default() }), ..bare(sequence) }
}

/// The message that lets a client in.
pub(crate) fn welcome(tick: u32) -> Vec<u8> {
    let welcome = Welcome {
        tick_hz: TICK_HZ,
        snapshot_hz: 20,
        tick: Tick(tick),
        due: Instant::from_us(0),
        resumed: false,
        state_kept: false,
        payload: Some(b"map".to_vec()),
    };
    message(&ServerMessage::Welcome(welcome))
}

/// The message that brings an event of one byte.
pub(crate) fn event(id: u8, byte: u8) -> Vec<u8> {
    message(&ServerMessage::Event { id: EventId(id), body: vec![byte] })
}

fn message(message: &ServerMessage) -> Vec<u8> {
    let mut w = BitWriter::new();
    message.write(&mut w);
    w.finish().to_vec()
}

impl Datagram {
    pub(crate) fn of_version(mut self, version: u8) -> Self {
        self.version = Some(version);
        self
    }

    pub(crate) fn acks(mut self, newest: u64) -> Self {
        self.acked = Some(newest);
        self
    }

    pub(crate) fn unreliable(mut self, bytes: &[u8]) -> Self {
        self.unreliable.push(bytes.to_vec());
        self
    }

    /// A reliable message in one fragment.
    pub(crate) fn reliable(self, id: u64, bytes: &[u8]) -> Self {
        self.fragment(id, true, bytes)
    }

    pub(crate) fn fragment(mut self, id: u64, last: bool, bytes: &[u8]) -> Self {
        self.fragments.push(Fragment { id, last, bytes: bytes.to_vec() });
        self
    }

    pub(crate) fn in_flight(self, sequences: u32) -> Self {
        self.with(|snapshot| snapshot.header.in_flight = sequences)
    }

    /// Which of the tick's datagrams it is, from 0.
    pub(crate) fn number(self, index: u32, count: u32) -> Self {
        self.with(|snapshot| (snapshot.header.index, snapshot.header.count) = (index, count))
    }

    pub(crate) fn full(self, ghost: u32, id: NetId, x: u32) -> Self {
        self.record(Audience::Public, ghost, id, How::Full, spot(x))
    }

    pub(crate) fn owned(self, ghost: u32, id: NetId, coins: u32) -> Self {
        self.record(Audience::Owner, ghost, id, How::Full, vec![coins])
    }

    /// Built on `old`, the state of the tick that is named.
    pub(crate) fn delta(self, ghost: u32, id: NetId, x: u32, (named, old): (u32, u32)) -> Self {
        self.record(Audience::Public, ghost, id, How::Delta(Tick(named), spot(old)), spot(x))
    }

    /// Runs build on this tick, and on one before it if there is one.
    pub(crate) fn on(self, base: u32, second: Option<u32>) -> Self {
        self.with(|snapshot| (snapshot.base, snapshot.second) = (Some(Tick(base)), second.map(Tick)))
    }

    pub(crate) fn run(self, ghost: u32, id: NetId, x: u32, (old, older): (u32, Option<u32>)) -> Self {
        self.record(Audience::Public, ghost, id, How::Run(spot(old), older.map(spot)), spot(x))
    }

    pub(crate) fn leave(self, ghost: u32) -> Self {
        self.leave_of(Audience::Public, ghost)
    }

    pub(crate) fn leave_of(self, audience: Audience, ghost: u32) -> Self {
        self.record(audience, ghost, NetId::default(), How::Leave, Vec::new())
    }

    fn record(self, audience: Audience, ghost: u32, id: NetId, how: How, lanes: Vec<u32>) -> Self {
        self.of_records().with(|snapshot| snapshot.records.push(Record { audience, ghost, id, how, lanes }))
    }

    /// It has records, though it may be none.
    pub(crate) fn of_records(self) -> Self {
        self.with(|snapshot| snapshot.has_records = true)
    }

    pub(crate) fn with_a_wrong_checksum(self) -> Self {
        self.with(|snapshot| snapshot.is_wrong = true)
    }

    /// Audits the bucket of `id`, as if this were all that is in it. More calls add to that.
    pub(crate) fn audits(self, audience: Audience, id: NetId, lanes: &[u32]) -> Self {
        self.with(|snapshot| {
            snapshot.audited.push((audience, id, lanes.to_vec()));
            let mut sum = Checksum::default();
            snapshot.audited.iter().for_each(|(audience, id, lanes)| sum.add(hash(*audience, *id, lanes)));
            snapshot.header.audit = Some(Audit { bucket: (id.index % 64) as u8, hash: sum.to_u32() });
        })
    }

    /// The last byte is missing.
    pub(crate) fn cut(mut self) -> Self {
        self.cut_bytes = 1;
        self
    }

    /// After the last field come ones, and a byte more.
    pub(crate) fn and_more(mut self) -> Self {
        self.has_more = true;
        self
    }

    pub(crate) const fn has_no_snapshot(&self) -> bool {
        self.snapshot.is_none()
    }

    fn with(mut self, change: impl FnOnce(&mut Snapshot)) -> Self {
        change(self.snapshot.as_mut().expect("it has a snapshot"));
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut w = BitWriter::new();
        self.write(&mut w);
        if self.has_more {
            (0..w.len_bits().next_multiple_of(8) - w.len_bits() + 8).for_each(|_| w.write_bool(true));
        }
        let bytes = w.finish();
        bytes[..bytes.len() - self.cut_bytes].to_vec()
    }

    fn write(&self, w: &mut BitWriter) {
        w.write(u64::from(self.version.unwrap_or(WIRE_VERSION)), 4);
        w.write(self.sequence & 0xFFFF, 16);
        let mut acks = AckWindow::default();
        self.acked.iter().for_each(|newest| (0..=*newest).for_each(|sequence| acks.accept(sequence)));
        acks.write(std::time::Duration::ZERO, w);
        for bytes in &self.unreliable {
            w.write_bool(true);
            w.write(bytes.len() as u64, 10);
            w.write_bytes(bytes);
        }
        w.write_bool(false);
        for Fragment { id, last, bytes } in &self.fragments {
            w.write_bool(true);
            w.write(id & 0xFFFF, 16);
            w.write_bool(*last);
            w.write(bytes.len() as u64, 10);
            w.write_bytes(bytes);
        }
        w.write_bool(false);
        match &self.snapshot {
            Some(snapshot) => snapshot.write(w),
            None => w.write_bool(false),
        }
    }

    /// What it says, for people.
    pub(crate) fn about(&self) -> String {
        let mut about = vec![format!("sequence {}", self.sequence)];
        about.extend(self.version.map(|version| format!("of version {version}")));
        about.extend(self.acked.map(|newest| format!("acks 0 to {newest}")));
        about.extend(self.unreliable.iter().map(|bytes| format!("an unreliable message of {} bytes", bytes.len())));
        about.extend(self.fragments.iter().map(Fragment::about));
        about.extend(self.snapshot.iter().flat_map(Snapshot::about));
        about.extend((self.cut_bytes > 0).then(|| "cut short".to_owned()));
        about.extend(self.has_more.then(|| "more behind its end".to_owned()));
        about.join("; ")
    }
}

impl Fragment {
    fn about(&self) -> String {
        let last = if self.last { ", the last of its message" } else { "" };
        format!("fragment {} of {} bytes{last}", self.id, self.bytes.len())
    }
}

impl Snapshot {
    fn list(&self, audience: Audience) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(move |record| record.audience == audience)
    }

    /// The runs of a list: first ghost and length.
    fn runs(&self, audience: Audience) -> Vec<(u32, u32)> {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for Record { ghost, .. } in self.list(audience).filter(|record| record.is_in_run()) {
            match runs.last_mut() {
                Some((begin, len)) if *begin + *len == *ghost => *len += 1,
                _ => runs.push((*ghost, 1)),
            }
        }
        runs
    }

    fn write(&self, w: &mut BitWriter) {
        let mut sum = Checksum::default();
        let told = self.records.iter().filter(|record| !matches!(record.how, How::Leave));
        told.for_each(|Record { audience, id, lanes, .. }| sum.add(hash(*audience, *id, lanes)));
        let checksum = self.has_records.then(|| sum.to_u16() ^ u16::from(self.is_wrong));
        SnapshotHeader { checksum, ..self.header.clone() }.write(w);
        if self.has_records {
            self.write_records(w);
        }
    }

    fn write_records(&self, w: &mut BitWriter) {
        let lists = Audience::ALL.map(|audience| RecordList {
            runs: self.runs(audience).len() as u32,
            gap_order: 0,
            others: self.list(audience).filter(|record| !record.is_in_run()).count() as u32,
        });
        RecordsHead { base: self.base, second: self.second, lists }.write(self.header.tick, w);
        for audience in Audience::ALL {
            let mut runs = RunWriter::new(0);
            self.runs(audience).into_iter().for_each(|(begin, len)| runs.write(begin, len, w));
            self.list(audience).filter(|record| record.is_in_run()).for_each(|record| self.write_body(record, w));
            let mut heads = RecordWriter::new(self.header.tick);
            for record in self.list(audience).filter(|record| !record.is_in_run()) {
                heads.write(record.ghost, record.head(), w);
                self.write_body(record, w);
            }
        }
    }

    fn write_body(&self, record: &Record, w: &mut BitWriter) {
        let age = |tick: Tick| self.header.tick.since(tick).cast_unsigned();
        let (layout, new) = (layout(record.audience), version(&record.lanes));
        match &record.how {
            How::Run(old, older) => {
                let (old, older) = (version(old), older.as_deref().map(version));
                let base = self.base.expect("a run has a base");
                let second = older.as_ref().map(|older| older.borrow()).zip(self.second.map(age));
                let baselines = Baselines { second, ..Baselines::one(old.borrow(), age(base), u32::from(TICK_HZ)) };
                encode_delta(layout, &baselines, new.borrow(), w);
            }
            How::Delta(named, old) => {
                let old = version(old);
                let baselines = Baselines::one(old.borrow(), age(*named), u32::from(TICK_HZ));
                encode_delta(layout, &baselines, new.borrow(), w);
            }
            How::Full => encode_full(layout, new.borrow(), w),
            How::Leave => {}
        }
    }

    fn about(&self) -> Vec<String> {
        let header = &self.header;
        let mut about = vec![format!("tick {}", header.tick.0)];
        about.extend((header.count > 1).then(|| format!("index {} of {}", header.index, header.count)));
        about.extend((header.in_flight > 0).then(|| format!("in flight {}", header.in_flight)));
        about.extend(header.audit.map(|audit| format!("audit of bucket {}", audit.bucket)));
        about.extend(self.base.map(|base| format!("base {}", base.0)));
        about.extend(self.second.map(|second| format!("second {}", second.0)));
        about.extend(self.records.iter().map(Record::about));
        about.extend((self.has_records && self.records.is_empty()).then(|| "three empty lists".to_owned()));
        about.extend(self.is_wrong.then(|| "wrong checksum".to_owned()));
        about
    }
}

impl Record {
    const fn is_in_run(&self) -> bool {
        matches!(self.how, How::Run(..))
    }

    const fn head(&self) -> RecordHead {
        match self.how {
            How::Delta(baseline, _) => RecordHead::Delta { baseline },
            How::Leave => RecordHead::Leave { despawned: false },
            How::Run(..) | How::Full => RecordHead::Full { id: self.id },
        }
    }

    fn about(&self) -> String {
        let whose = if self.audience == Audience::Public { "" } else { "owner's " };
        let (ghost, NetId { index, generation }) = (self.ghost, self.id);
        match &self.how {
            How::Run(..) => format!("{whose}ghost {ghost} in a run"),
            How::Delta(named, _) => format!("{whose}ghost {ghost}: delta on {}", named.0),
            How::Full => format!("{whose}ghost {ghost}: full, index {index}, generation {generation}"),
            How::Leave => format!("{whose}ghost {ghost} leaves"),
        }
    }
}
