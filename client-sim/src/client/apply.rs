//! From the records of a snapshot datagram to the view: decode all, verify, then store, or store nothing.

use super::view::View;
use tidelock::Tick;
use tidelock::bits::{BitReader, Malformed};
use tidelock::state::{Audience, Checksum, NetId, Version, VersionHead, decode_delta, decode_full, version_hash};
use tidelock::wire::{RecordHead, RecordReader, RecordsHead};

/// Records that were decoded, and wait for the checksum. Kept for its memory.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    records: Vec<Record>,
    /// Of all records, one after another.
    lanes: Vec<u32>,
    version: Version,
}

#[derive(Debug)]
struct Record {
    audience: Audience,
    index: u32,
    change: Change,
}

#[derive(Debug)]
enum Change {
    Delta { baseline: Tick, version: Decoded },
    Full { generation: u16, version: Decoded },
    Leave,
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

impl Decoder {
    /// Decodes all records of a datagram of the snapshot of `tick`, and gives the sum over what they lead to.
    pub(super) fn decode(&mut self, view: &View, tick: Tick, r: &mut BitReader<'_>) -> Result<Checksum, DecodeError> {
        self.records.clear();
        self.lanes.clear();
        let mut checksum = Checksum::default();
        let head = RecordsHead::read(tick, r)?;
        for (audience, list) in Audience::ALL.into_iter().zip(head.lists) {
            let mut heads = RecordReader::new(tick, head.base, list);
            while let Some((index, head)) = heads.next(r)? {
                let change = self.decode_record(view, tick, (audience, index), head, r)?;
                if let Change::Delta { version, .. } | Change::Full { version, .. } = &change {
                    checksum.add(version.head.hash);
                }
                self.records.push(Record { audience, index, change });
            }
        }
        Ok(checksum)
    }

    fn decode_record(
        &mut self,
        view: &View,
        tick: Tick,
        (audience, index): (Audience, u32),
        head: RecordHead,
        r: &mut BitReader<'_>,
    ) -> Result<Change, DecodeError> {
        let (layout, streams) = (view.schema().stream(audience), view.of(audience));
        Ok(match head {
            RecordHead::Delta { baseline } => {
                let stream = streams.at(index).ok_or(DecodeError::MissingBaseline)?;
                let old = streams.as_of(stream, baseline).ok_or(DecodeError::MissingBaseline)?;
                decode_delta(layout, old, r, &mut self.version)?;
                let id = NetId { index, generation: stream.generation };
                Change::Delta { baseline, version: self.take_version(tick, id, audience) }
            }
            RecordHead::Full { generation } => {
                decode_full(layout, r, &mut self.version)?;
                Change::Full { generation, version: self.take_version(tick, NetId { index, generation }, audience) }
            }
            RecordHead::Leave { .. } => Change::Leave,
        })
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
        for Record { audience, index, change } in &self.records {
            let streams = view.of_mut(*audience);
            match change {
                Change::Delta { baseline, version } => {
                    streams.keep(*index, version.head, &self.lanes[version.begin..version.end], Some(*baseline));
                }
                Change::Full { generation, version } => {
                    if enter(view, *audience, NetId { index: *index, generation: *generation }, tick) {
                        let lanes = &self.lanes[version.begin..version.end];
                        view.of_mut(*audience).keep(*index, version.head, lanes, None);
                    }
                }
                Change::Leave => leave(view, *audience, *index, tick),
            }
        }
        view.on_snapshot(tick);
    }
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
        if held.left.is_some() && is_news {
            streams.set_left(id.index, None);
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
    let Some(held) = streams.at(index) else {
        // What it ends has not come, or never will: when it does, it is late.
        streams.renew(index, 0, Some(tick));
        return;
    };
    let came_again = streams.newest(held).is_some_and(|(newest, _)| newest.tick.is_newer_than(tick));
    if !came_again {
        let left = held.left.filter(|left| left.is_newer_than(tick)).unwrap_or(tick);
        streams.set_left(index, Some(left));
    }
}
