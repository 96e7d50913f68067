//! From the records of a snapshot datagram to the view: decode all, verify, then store, or store nothing.

use super::baselines::{Baseline, Baselines};
use super::view::View;
use core::ops::Range;
use tidelock::Tick;
use tidelock::bits::{BitReader, Malformed};
use tidelock::state::codec::{DeltaCoder, decode_full};
use tidelock::state::{Audience, Checksum, NetId, Version, VersionHead, version_hash};
use tidelock::wire::{GhostId, RecordHead, RecordReader, RecordsHead, RunReader};

/// Records that were decoded, and wait for the checksum. Kept for its memory.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// Of the list that is being read.
    runs: Vec<Range<GhostId>>,
    baselines: Baselines,
    records: Vec<Record>,
    /// Of all records, one after another.
    lanes: Vec<u32>,
    version: Version,
}

#[derive(Debug)]
struct Record {
    audience: Audience,
    change: Change,
}

#[derive(Debug)]
enum Change {
    Delta { index: u32, baseline: Tick, version: Decoded },
    Full { ghost: GhostId, id: NetId, version: Decoded },
    Leave { ghost: GhostId },
}

/// What the records of one list have in common.
#[derive(Clone, Copy, Debug)]
struct Snapshot<'a> {
    view: &'a View,
    audience: Audience,
    tick: Tick,
    tick_hz: u32,
}

#[derive(Clone, Copy, Debug)]
struct Decoded {
    head: VersionHead,
    /// Where its lanes begin and end.
    begin: usize,
    end: usize,
}

/// Why records cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DecodeError {
    /// A record builds on a version that is not held.
    MissingBaseline,
    /// The bits are none that a server writes.
    Malformed,
}

impl From<Malformed> for DecodeError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl<'a> Snapshot<'a> {
    /// A coder of records against these baselines.
    fn coder(self, first: Tick, second: Option<Tick>) -> DeltaCoder<'a> {
        let age = |baseline| self.tick.since(baseline).cast_unsigned();
        DeltaCoder::new(self.view.schema().stream(self.audience), age(first), second.map(age), self.tick_hz)
    }
}

impl Decoder {
    /// Decodes all records of a datagram of the snapshot of `tick`, and gives the sum over what they lead to. The server
    /// has `tick_hz` ticks in a second.
    pub(super) fn decode(
        &mut self,
        view: &View,
        tick: Tick,
        tick_hz: u32,
        r: &mut BitReader<'_>,
    ) -> Result<Checksum, DecodeError> {
        self.records.clear();
        self.lanes.clear();
        let head = RecordsHead::read(tick, r)?;
        for (audience, list) in Audience::ALL.into_iter().zip(head.lists) {
            let snapshot = Snapshot { view, audience, tick, tick_hz };
            let coder = head.base.map(|base| snapshot.coder(base, head.second));
            let of_base = head.base.zip(coder.as_ref()).ok_or(DecodeError::Malformed);
            let mut runs = RunReader::new(list);
            self.runs.clear();
            while let Some((begin, len)) = runs.next(r)? {
                self.runs.push(begin..begin + len);
            }
            if !self.runs.is_empty() {
                let (base, coder) = of_base?;
                self.decode_runs(snapshot, (base, head.second), coder, r)?;
            }
            let mut others = RecordReader::new(tick, &head, list);
            while let Some((ghost, other)) = others.next(r)? {
                if is_in_run(&self.runs, ghost) {
                    return Err(DecodeError::Malformed);
                }
                match other {
                    RecordHead::Base => {
                        let (base, coder) = of_base?;
                        self.decode_delta(snapshot, ghost, base, coder, r)?;
                    }
                    RecordHead::Delta { baseline } => {
                        self.decode_delta(snapshot, ghost, baseline, &snapshot.coder(baseline, None), r)?;
                    }
                    RecordHead::Full { id } => {
                        decode_full(view.schema().stream(audience), r, &mut self.version)?;
                        let version = self.take_version(tick, id, audience);
                        self.records.push(Record { audience, change: Change::Full { ghost, id, version } });
                    }
                    RecordHead::Leave { .. } => {
                        self.records.push(Record { audience, change: Change::Leave { ghost } });
                    }
                }
            }
        }
        let mut checksum = Checksum::default();
        for record in &self.records {
            if let Change::Delta { version, .. } | Change::Full { version, .. } = &record.change {
                checksum.add(version.head.hash);
            }
        }
        Ok(checksum)
    }

    /// Decodes the records of all runs, which build on the same ticks.
    fn decode_runs(
        &mut self,
        snapshot: Snapshot<'_>,
        (base, second): (Tick, Option<Tick>),
        coder: &DeltaCoder<'_>,
        r: &mut BitReader<'_>,
    ) -> Result<(), DecodeError> {
        let Snapshot { view, audience, tick, .. } = snapshot;
        let mut baselines = core::mem::take(&mut self.baselines);
        let gathered = baselines.gather(view, audience, &self.runs, tick, (base, second));
        let decoded = gathered.and_then(|()| {
            baselines.iter().try_for_each(|baseline| self.decode_on(snapshot, baseline, base, coder, r))
        });
        self.baselines = baselines;
        decoded
    }

    /// Decodes one record that is in no run.
    fn decode_delta(
        &mut self,
        snapshot: Snapshot<'_>,
        ghost: GhostId,
        base: Tick,
        coder: &DeltaCoder<'_>,
        r: &mut BitReader<'_>,
    ) -> Result<(), DecodeError> {
        let Snapshot { view, audience, tick, .. } = snapshot;
        let streams = view.of(audience);
        let index = view.ghosts(audience).at(ghost, tick).ok_or(DecodeError::MissingBaseline)?;
        let stream = streams.at(index).ok_or(DecodeError::MissingBaseline)?;
        let first = streams.as_of(stream, base).ok_or(DecodeError::MissingBaseline)?;
        let id = NetId { index, generation: stream.generation };
        self.decode_on(snapshot, Baseline { id, first, second: None }, base, coder, r)
    }

    fn decode_on(
        &mut self,
        snapshot: Snapshot<'_>,
        Baseline { id, first, second }: Baseline<'_>,
        base: Tick,
        coder: &DeltaCoder<'_>,
        r: &mut BitReader<'_>,
    ) -> Result<(), DecodeError> {
        let Snapshot { audience, tick, .. } = snapshot;
        coder.decode(first, second, r, &mut self.version)?;
        let version = self.take_version(tick, id, audience);
        self.records.push(Record { audience, change: Change::Delta { index: id.index, baseline: base, version } });
        Ok(())
    }

    /// Puts the version that was just decoded beside the others.
    fn take_version(&mut self, tick: Tick, id: NetId, audience: Audience) -> Decoded {
        let Version { mask, lanes } = &self.version;
        let begin = self.lanes.len();
        self.lanes.extend_from_slice(lanes);
        let hash = version_hash(id, audience, *mask, lanes);
        Decoded { head: VersionHead::new(tick, *mask, hash), begin, end: self.lanes.len() }
    }

    /// Stores all of it, as brought by the snapshot of `tick`.
    pub(super) fn apply(&self, view: &mut View, tick: Tick) {
        for Record { audience, change } in &self.records {
            match change {
                Change::Delta { index, baseline, version } => {
                    let lanes = &self.lanes[version.begin..version.end];
                    view.of_mut(*audience).keep(*index, version.head, lanes, Some(*baseline));
                }
                Change::Full { ghost, id, version } => {
                    if view.ghosts_mut(*audience).enter(*ghost, id.index, tick) && enter(view, *audience, *id, tick) {
                        let lanes = &self.lanes[version.begin..version.end];
                        view.of_mut(*audience).keep(id.index, version.head, lanes, None);
                    }
                }
                Change::Leave { ghost } => {
                    if let Some(index) = view.ghosts_mut(*audience).leave(*ghost, tick) {
                        leave(view, *audience, index, tick);
                    }
                }
            }
        }
        view.on_snapshot(tick);
    }
}

/// Whether one of `runs`, which ascend, has a record of it already.
fn is_in_run(runs: &[Range<GhostId>], ghost: GhostId) -> bool {
    let at = runs.partition_point(|run| run.end <= ghost);
    runs.get(at).is_some_and(|run| run.contains(&ghost))
}

/// A full record of an entity came with the snapshot of `tick`. Whether it belongs to what is held after that; else it is
/// of an entity that had the index before, or of a visibility that is over.
fn enter(view: &mut View, audience: Audience, id: NetId, tick: Tick) -> bool {
    let streams = view.of_mut(audience);
    let Some(held) = streams.at(id.index).copied() else {
        streams.renew(id.index, id.generation, None);
        return true;
    };
    let newest = streams.newest(&held).map(|(head, _)| head.tick);
    let is_news = held.left.or(newest).is_none_or(|last| tick.is_newer_than(last));
    if held.generation == id.generation && newest.is_some() {
        // It goes on with what it holds, and if it had left it is back.
        if is_news {
            streams.come_back(id.index, tick);
        }
        return true;
    }
    if is_news {
        streams.renew(id.index, id.generation, None);
    }
    is_news
}

/// A stream was not visible any more in the snapshot of `tick`.
fn leave(view: &mut View, audience: Audience, index: u32, tick: Tick) {
    let streams = view.of_mut(audience);
    let Some(held) = streams.at(index) else { return };
    let came_again = streams.newest(held).is_some_and(|(newest, _)| newest.tick.is_newer_than(tick));
    if !came_again {
        let left = held.left.filter(|left| left.is_newer_than(tick)).unwrap_or(tick);
        streams.leave(index, left);
    }
}
