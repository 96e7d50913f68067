//! From the records of a snapshot datagram to the view: decode all, verify, then store, or store nothing.

use super::view::{Stream, View};
use tidelock::Tick;
use tidelock::bits::{BitReader, Malformed};
use tidelock::state::{Audience, Checksum, NetId, Version, decode_delta, decode_full, version_hash};
use tidelock::wire::{RecordHead, RecordReader};

/// Records that were decoded, and wait for the checksum.
#[derive(Debug)]
pub(super) struct Decoded {
    tick: Tick,
    records: Vec<Record>,
    pub(super) checksum: Checksum,
}

#[derive(Debug)]
struct Record {
    audience: Audience,
    index: u32,
    change: Change,
}

#[derive(Debug)]
enum Change {
    Delta { baseline: Tick, version: Version, hash: u64 },
    Full { generation: u16, epoch: u8, version: Version, hash: u64 },
    Leave { epoch: u8 },
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

/// Decodes all records of a datagram of the snapshot of `tick`.
pub(super) fn decode(view: &View, tick: Tick, r: &mut BitReader<'_>) -> Result<Decoded, DecodeError> {
    let mut decoded = Decoded { tick, records: Vec::new(), checksum: Checksum::default() };
    for audience in Audience::ALL {
        let mut heads = RecordReader::new(tick);
        while let Some((index, head)) = heads.next(r)? {
            let change = decode_record(view, audience, index, head, r)?;
            if let Change::Delta { hash, .. } | Change::Full { hash, .. } = change {
                decoded.checksum.add(hash);
            }
            decoded.records.push(Record { audience, index, change });
        }
    }
    Ok(decoded)
}

fn decode_record(
    view: &View,
    audience: Audience,
    index: u32,
    head: RecordHead,
    r: &mut BitReader<'_>,
) -> Result<Change, DecodeError> {
    let layout = view.schema().stream(audience);
    let mut version = Version::default();
    let hash = |generation, version: &Version| {
        version_hash(NetId { index, generation }, audience, version.mask, &version.lanes)
    };
    Ok(match head {
        RecordHead::Delta { baseline } => {
            let stream = view.stream(audience, index).ok_or(DecodeError::MissingBaseline)?;
            let old = stream.at(baseline).ok_or(DecodeError::MissingBaseline)?;
            decode_delta(layout, old.borrow(), r, &mut version)?;
            Change::Delta { baseline, hash: hash(stream.generation, &version), version }
        }
        RecordHead::Full { generation, epoch } => {
            decode_full(layout, r, &mut version)?;
            Change::Full { generation, epoch, hash: hash(generation, &version), version }
        }
        RecordHead::Leave { epoch, .. } => Change::Leave { epoch },
    })
}

impl Decoded {
    /// Stores all of it.
    pub(super) fn apply(self, view: &mut View) {
        let tick = self.tick;
        for Record { audience, index, change } in self.records {
            match change {
                Change::Delta { baseline, version, hash } => {
                    if let Some(stream) = view.stream_mut(audience, index) {
                        stream.keep(tick, hash, version, Some(baseline));
                    }
                }
                Change::Full { generation, epoch, version, hash } => {
                    if let Some(stream) = enter(view, audience, index, tick, (generation, epoch)) {
                        stream.keep(tick, hash, version, None);
                    }
                }
                Change::Leave { epoch } => leave(view, audience, index, tick, epoch),
            }
        }
        view.on_snapshot(tick);
    }
}

/// The stream that a full record belongs to: the one held, a new one, or none if the record is older than what is held.
fn enter(
    view: &mut View,
    audience: Audience,
    index: u32,
    tick: Tick,
    (generation, epoch): (u16, u8),
) -> Option<&mut Stream> {
    let renew = match view.stream(audience, index) {
        None => true,
        Some(held) => {
            let same = held.generation == generation && held.epoch == epoch;
            match held.left {
                Some(left) => tick.is_newer_than(left),
                None => !same && tick.is_newer_than(held.since),
            }
        }
    };
    if renew {
        view.insert(audience, index, Stream::new(generation, epoch, tick));
    }
    view.stream_mut(audience, index).filter(|held| held.generation == generation && held.epoch == epoch)
}

fn leave(view: &mut View, audience: Audience, index: u32, tick: Tick, epoch: u8) {
    match view.stream_mut(audience, index) {
        Some(held) if tick.is_newer_than(held.since) => {
            held.left = Some(held.left.filter(|left| left.is_newer_than(tick)).unwrap_or(tick));
        }
        Some(_) => {}
        None => {
            // Its entry has not come, or never will: when it does, it is late.
            let mut gone = Stream::new(0, epoch, tick);
            gone.left = Some(tick);
            view.insert(audience, index, gone);
        }
    }
}
