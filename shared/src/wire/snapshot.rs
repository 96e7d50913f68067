use crate::bits::{BitReader, BitWriter, Malformed};
use crate::{Instant, Tick};

/// The head of one datagram of a snapshot.
///
/// ```text
/// 0  no snapshot
/// 1 | tick 16 | index golomb 0 | datagrams after this one golomb 0 | complete 1 | in flight golomb 2
///   | inputs:  0, or 1 | ahead golomb 2 | lead: 0, or 1 and signed golomb 5 | missed: 0, or 1 and 8
///   | load:    0, or 1 | level 2 | dilation 10
///   | due:     0, or 1 | due 64 (us)
///   | audit:   0, or 1 | bucket 6 | hash 32
///   | records: 0, or 1 | checksum 16 | records of the public streams | records of the owner streams
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotHeader {
    /// The state is that of the end of this tick.
    pub tick: Tick,
    /// Which datagram of this tick's this is, from 0.
    pub index: u32,
    /// How many datagrams this tick has, at least 1.
    pub count: u32,
    /// Whether all that changed and is visible has been sent. Whoever holds every datagram from `sequence - in_flight` to
    /// the last of this tick then holds the full state of this tick: what is absent is unchanged.
    pub complete: bool,
    /// How many sequences before this datagram's lies the oldest one with state that is not acknowledged; 0 if none.
    pub in_flight: u32,
    /// What became of the client's inputs.
    pub inputs: Option<InputReport>,
    /// How overloaded the server is, if it is.
    pub load: Load,
    /// When this tick was due by the server's clock; now and then, and after every slip of the schedule.
    pub due: Option<Instant>,
    /// A check of a part of everything that the client should hold.
    pub audit: Option<Audit>,
    /// Over the versions that the records in this datagram lead to; `None` if it has no records.
    pub checksum: Option<u16>,
}

/// How early or late a client's inputs arrive, and which were used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InputReport {
    /// Inputs of this many ticks after the snapshot's are there already, without a gap: all up to these are confirmed.
    pub ahead: u32,
    /// How long before its use the newest input of a datagram came, in 1/16 tick, negative if late: the least of all
    /// datagrams since the last report, -2,048 to 2,047. `None` if none came with inputs.
    pub lead: Option<i16>,
    /// Bit `n` is set when the input of `n` ticks before the snapshot's was missing. Bits of earlier ticks are not known.
    pub missed: u8,
}

/// How overloaded the server is. Told to clients: they may then steer harder than usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// 0: none. 1: the snapshot rate is halved. 2: ticks slip as well. 3: they slip badly, by half their length or more.
    pub level: u8,
    /// By how much ticks are longer than they should be, in percent, up to 1,023.
    pub dilation_pct: u16,
}

/// The sum of the hashes of all versions, at the snapshot's tick, of the streams in one bucket that the client sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Which bucket, below [`Audit::BUCKETS`].
    pub bucket: u8,
    /// [`Checksum::to_u32`](crate::state::Checksum::to_u32).
    pub hash: u32,
}

impl Audit {
    /// Entities are audited in this many turns.
    pub const BUCKETS: u8 = 64;
}

/// The bucket in which an entity is audited.
#[must_use]
pub const fn audit_bucket(index: u32) -> u8 {
    (index % Audit::BUCKETS as u32) as u8
}

impl SnapshotHeader {
    /// The most bits a header takes.
    pub const BITS_MAX: usize = 256;

    /// Writes it; the records follow.
    pub fn write(&self, w: &mut BitWriter) {
        w.write_bool(true);
        w.write(u64::from(self.tick.low()), 16);
        w.write_golomb(self.index, 0);
        w.write_golomb(self.count - 1 - self.index, 0);
        w.write_bool(self.complete);
        w.write_golomb(self.in_flight, 2);
        w.write_bool(self.inputs.is_some());
        if let Some(inputs) = self.inputs {
            w.write_golomb(inputs.ahead, 2);
            w.write_bool(inputs.lead.is_some());
            if let Some(lead) = inputs.lead {
                w.write_signed_golomb(i32::from(lead), 5);
            }
            w.write_bool(inputs.missed != 0);
            if inputs.missed != 0 {
                w.write(u64::from(inputs.missed), 8);
            }
        }
        w.write_bool(self.load != Load::default());
        if self.load != Load::default() {
            w.write(u64::from(self.load.level.min(3)), 2);
            w.write(u64::from(self.load.dilation_pct.min(1023)), 10);
        }
        w.write_bool(self.due.is_some());
        if let Some(due) = self.due {
            w.write(due.as_us(), 64);
        }
        w.write_bool(self.audit.is_some());
        if let Some(audit) = self.audit {
            w.write(u64::from(audit.bucket), 6);
            w.write(u64::from(audit.hash), 32);
        }
        w.write_bool(self.checksum.is_some());
        if let Some(checksum) = self.checksum {
            w.write(u64::from(checksum), 16);
        }
    }

    /// Reads it. `near` is a tick not far from its own. `None` if the datagram carries no snapshot.
    pub fn read(near: Tick, r: &mut BitReader<'_>) -> Result<Option<Self>, Malformed> {
        if !r.read_bool()? {
            return Ok(None);
        }
        let tick = Tick::expand(r.read(16)? as u16, near);
        let (index, after) = (r.read_golomb(0)?, r.read_golomb(0)?);
        let count = index.checked_add(after).and_then(|n| n.checked_add(1)).filter(|n| *n <= 4096).ok_or(Malformed)?;
        let complete = r.read_bool()?;
        let in_flight = r.read_golomb(2)?;
        let inputs = if r.read_bool()? { Some(InputReport::read(r)?) } else { None };
        let load = match r.read_bool()? {
            true => Load { level: r.read(2)? as u8, dilation_pct: r.read(10)? as u16 },
            false => Load::default(),
        };
        let due = if r.read_bool()? { Some(Instant::from_us(r.read(64)?)) } else { None };
        let audit = match r.read_bool()? {
            true => Some(Audit { bucket: r.read(6)? as u8, hash: r.read_u32(32)? }),
            false => None,
        };
        let checksum = if r.read_bool()? { Some(r.read(16)? as u16) } else { None };
        Ok(Some(Self { tick, index, count, complete, in_flight, inputs, load, due, audit, checksum }))
    }
}

impl InputReport {
    fn read(r: &mut BitReader<'_>) -> Result<Self, Malformed> {
        let ahead = r.read_golomb(2)?;
        let lead = match r.read_bool()? {
            true => Some(i16::try_from(r.read_signed_golomb(5)?).map_err(|_| Malformed)?),
            false => None,
        };
        let missed = if r.read_bool()? { r.read(8)? as u8 } else { 0 };
        Ok(Self { ahead, lead, missed })
    }
}

/// What comes before a record's body and is each client's own.
///
/// ```text
/// 1 | index: distance to the last one's golomb 2
///   | 0                                  delta | 1 as old a baseline as the last delta's, or 0 and its age in ticks golomb 3
///   | 1 0 | generation 16 | epoch 8      full
///   | 1 1 | despawned 1 | epoch 8        leave
/// 0  the end
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordHead {
    /// The body is a delta.
    Delta {
        /// The tick of the snapshot that brought the version it starts from. Held and acknowledged by the client.
        baseline: Tick,
    },
    /// The body is full: the entity enters, or no baseline is left.
    Full {
        /// Of the entity.
        generation: u16,
        /// Counts, per client, how often something entered its view; wraps.
        epoch: u8,
    },
    /// The stream is no longer visible. No body.
    Leave {
        /// Whether the entity is gone from the world, too.
        despawned: bool,
        /// Which visibility ends.
        epoch: u8,
    },
}

/// Writes the heads of one audience's records in a datagram, by ascending index.
#[derive(Clone, Copy, Debug)]
pub struct RecordWriter {
    tick: Tick,
    next_index: u32,
    last_age: u32,
}

/// Reads what [`RecordWriter`] wrote.
#[derive(Clone, Copy, Debug)]
pub struct RecordReader(RecordWriter);

impl RecordWriter {
    /// The most bits of a head: that of a delta with the largest distance of index, 39, and of age, 61.
    pub const BITS_MAX: usize = 1 + 39 + 2 + 61;

    /// A writer for the records of a snapshot of `tick`.
    #[must_use]
    pub const fn new(tick: Tick) -> Self {
        Self { tick, next_index: 0, last_age: 0 }
    }

    /// Writes one head; the body follows, if it has one.
    pub fn write(&mut self, index: u32, head: RecordHead, w: &mut BitWriter) {
        w.write_bool(true);
        w.write_golomb(index - self.next_index, 2);
        self.next_index = index + 1;
        match head {
            RecordHead::Delta { baseline } => {
                w.write_bool(false);
                let age = self.tick.since(baseline).cast_unsigned();
                w.write_bool(age == self.last_age);
                if age != self.last_age {
                    w.write_golomb(age, 3);
                    self.last_age = age;
                }
            }
            RecordHead::Full { generation, epoch } => {
                w.write(0b01, 2);
                w.write(u64::from(generation), 16);
                w.write(u64::from(epoch), 8);
            }
            RecordHead::Leave { despawned, epoch } => {
                w.write(0b11, 2);
                w.write_bool(despawned);
                w.write(u64::from(epoch), 8);
            }
        }
    }

    /// Writes that no more follow.
    pub fn finish(self, w: &mut BitWriter) {
        w.write_bool(false);
    }
}

impl RecordReader {
    /// A reader for the records of a snapshot of `tick`.
    #[must_use]
    pub const fn new(tick: Tick) -> Self {
        Self(RecordWriter::new(tick))
    }

    /// Reads the next head; `None` at the end.
    pub fn next(&mut self, r: &mut BitReader<'_>) -> Result<Option<(u32, RecordHead)>, Malformed> {
        if !r.read_bool()? {
            return Ok(None);
        }
        let index = self.0.next_index.checked_add(r.read_golomb(2)?).filter(|i| *i <= crate::state::NetId::INDEX_MAX);
        let index = index.ok_or(Malformed)?;
        self.0.next_index = index + 1;
        if !r.read_bool()? {
            if !r.read_bool()? {
                self.0.last_age = r.read_golomb(3)?;
            }
            if self.0.last_age == 0 || self.0.last_age > i32::MAX as u32 {
                return Err(Malformed);
            }
            return Ok(Some((index, RecordHead::Delta { baseline: self.0.tick.sub(self.0.last_age) })));
        }
        let head = match r.read_bool()? {
            false => RecordHead::Full { generation: r.read(16)? as u16, epoch: r.read(8)? as u8 },
            true => RecordHead::Leave { despawned: r.read_bool()?, epoch: r.read(8)? as u8 },
        };
        Ok(Some((index, head)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_header_comes_back_as_it_was() {
        let full = SnapshotHeader {
            tick: Tick(100_000),
            index: 2,
            count: 5,
            complete: true,
            in_flight: 9,
            inputs: Some(InputReport { ahead: 3, lead: Some(-20), missed: 0b101 }),
            load: Load { level: 2, dilation_pct: 30 },
            due: Some(Instant::from_us(77)),
            audit: Some(Audit { bucket: 63, hash: 0xDEAD_BEEF }),
            checksum: Some(0xABCD),
        };
        let bare = SnapshotHeader { tick: Tick(99_999), count: 1, ..Default::default() };
        for header in [full, bare] {
            let mut w = BitWriter::new();
            header.write(&mut w);
            assert!(w.len_bits() <= SnapshotHeader::BITS_MAX);
            assert_eq!(SnapshotHeader::read(Tick(100_300), &mut BitReader::new(w.finish())), Ok(Some(header)));
        }
    }

    #[test]
    fn record_heads_come_back_as_they_were() {
        let tick = Tick(1_000);
        let heads = [
            (0, RecordHead::Delta { baseline: Tick(994) }),
            (1, RecordHead::Delta { baseline: Tick(994) }),
            (40, RecordHead::Full { generation: 7, epoch: 255 }),
            (1_000_000, RecordHead::Leave { despawned: true, epoch: 3 }),
        ];
        let mut w = BitWriter::new();
        let mut writer = RecordWriter::new(tick);
        heads.iter().for_each(|(index, head)| writer.write(*index, *head, &mut w));
        writer.finish(&mut w);
        let bytes = w.finish().to_vec();
        let mut r = BitReader::new(&bytes);
        let mut reader = RecordReader::new(tick);
        for expected in heads {
            assert_eq!(reader.next(&mut r), Ok(Some(expected)));
        }
        assert_eq!(reader.next(&mut r), Ok(None));
    }

    #[test]
    fn no_record_head_is_longer_than_the_longest() {
        let mut w = BitWriter::new();
        let baseline = Tick(5).sub(i32::MAX as u32);
        RecordWriter::new(Tick(5)).write(crate::state::NetId::INDEX_MAX, RecordHead::Delta { baseline }, &mut w);
        assert!(w.len_bits() <= RecordWriter::BITS_MAX, "{}", w.len_bits());
    }

    proptest! {
        #[test]
        fn any_bytes_read_as_a_header_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut r = BitReader::new(&bytes);
            let _ = SnapshotHeader::read(Tick(5), &mut r);
            let mut reader = RecordReader::new(Tick(5));
            while let Ok(Some((index, _))) = reader.next(&mut r) {
                prop_assert!(index <= crate::state::NetId::INDEX_MAX);
            }
        }
    }
}
