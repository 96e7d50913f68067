use crate::bits::{BitReader, BitWriter, Malformed};
use crate::{Instant, Tick};
use core::ops::RangeInclusive;

/// The head of one datagram of a snapshot.
///
/// ```text
/// 0  no snapshot
/// 1 | tick 16 | index golomb 0 | datagrams after this one golomb 0 | complete 1 | in flight golomb 2
///   | inputs:  0, or 1 | ahead golomb 2 | lead: 0, or 1 and signed golomb 5 | missed: 0, or 1 and 8
///   | load:    0, or 1 | level 2 | dilation 10
///   | due:     0, or 1 | due 64 (us)
///   | audit:   0, or 1 | bucket 6 | hash 32
///   | records: 0, or 1 | checksum 16 | RecordsHead | records of each audience's streams
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
    /// How many sequences before this datagram's lies the oldest one with state that is not acknowledged, up to
    /// [`SnapshotHeader::IN_FLIGHT_MAX`]; 0 if none.
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
    /// Inputs of this many ticks after the snapshot's are there already, up to [`InputReport::AHEAD_MAX`] and without a gap: all
    /// up to these are confirmed.
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
    /// The most bits a header takes: that of the only datagram of its tick, with all that there is. Of several, none has all.
    pub const BITS_MAX: usize = 221;

    /// As many datagrams as a sender remembers.
    pub const IN_FLIGHT_MAX: u32 = 4096;

    /// The most datagrams that a snapshot has.
    pub const DATAGRAMS_MAX: u32 = 4096;

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
        let count = index
            .checked_add(after)
            .and_then(|n| n.checked_add(1))
            .filter(|n| *n <= Self::DATAGRAMS_MAX)
            .ok_or(Malformed)?;
        let complete = r.read_bool()?;
        let in_flight = at_most(Self::IN_FLIGHT_MAX, r.read_golomb(2)?)?;
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
    /// As many ticks as a server keeps inputs for.
    pub const AHEAD_MAX: u32 = 128;

    /// The range of leads, in 1/16 tick.
    pub const LEADS: RangeInclusive<i16> = -2_048..=2_047;

    fn read(r: &mut BitReader<'_>) -> Result<Self, Malformed> {
        let ahead = at_most(Self::AHEAD_MAX, r.read_golomb(2)?)?;
        let lead = match r.read_bool()? {
            true => Some(Self::lead_of(r.read_signed_golomb(5)?)?),
            false => None,
        };
        let missed = if r.read_bool()? { r.read(8)? as u8 } else { 0 };
        Ok(Self { ahead, lead, missed })
    }

    fn lead_of(lead: i32) -> Result<i16, Malformed> {
        i16::try_from(lead).ok().filter(|lead| Self::LEADS.contains(lead)).ok_or(Malformed)
    }
}

fn at_most(most: u32, value: u32) -> Result<u32, Malformed> {
    if value > most { Err(Malformed) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    #[test]
    fn a_header_comes_back_as_it_was() {
        let full = SnapshotHeader {
            tick: Tick(100_000),
            index: 0,
            count: 1,
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
    fn entities_side_by_side_are_audited_in_all_turns_one_after_the_other() {
        for first in [0, 1, 63, 64, 1_000_000] {
            let buckets: BTreeSet<u8> = (first..first + u32::from(Audit::BUCKETS)).map(audit_bucket).collect();
            assert!(buckets.into_iter().eq(0..Audit::BUCKETS));
            assert_eq!(audit_bucket(first), audit_bucket(first + u32::from(Audit::BUCKETS)));
        }
    }

    /// No more than a server says: of the tick in its first datagram, the audit in its last.
    fn header() -> impl Strategy<Value = SnapshotHeader> {
        let inputs = (0..=InputReport::AHEAD_MAX, prop::option::of(InputReport::LEADS), any::<u8>())
            .prop_map(|(ahead, lead, missed)| InputReport { ahead, lead, missed });
        let load = (0u8..4, 0u16..1_024).prop_map(|(level, dilation_pct)| Load { level, dilation_pct });
        let audit = (0..Audit::BUCKETS, any::<u32>()).prop_map(|(bucket, hash)| Audit { bucket, hash });
        (
            (any::<u32>(), 0u32..512, 0u32..512, any::<bool>(), 0..=SnapshotHeader::IN_FLIGHT_MAX),
            (prop::option::of(inputs), load, prop::option::of(any::<u64>()), prop::option::of(audit)),
            prop::option::of(any::<u16>()),
        )
            .prop_map(|((tick, index, after, complete, in_flight), (inputs, load, due, audit), checksum)| {
                let (tick, due) = (Tick(tick), due.map(Instant::from_us));
                let count = index + 1 + after;
                let header = SnapshotHeader { tick, index, count, complete, in_flight, checksum, ..Default::default() };
                let header = if index == 0 { SnapshotHeader { inputs, load, due, ..header } } else { header };
                if after == 0 { SnapshotHeader { audit, ..header } } else { header }
            })
    }

    proptest! {
        #[test]
        fn any_header_comes_back_as_it_was(header in header(), distance in i16::MIN..=i16::MAX) {
            let near = Tick(header.tick.0.wrapping_sub(i32::from(distance).cast_unsigned()));
            let mut w = BitWriter::new();
            header.write(&mut w);
            let len_bits = w.len_bits();
            prop_assert!(len_bits <= SnapshotHeader::BITS_MAX, "{} bits", len_bits);
            let mut r = BitReader::new(w.finish());
            prop_assert_eq!(SnapshotHeader::read(near, &mut r), Ok(Some(header)));
            prop_assert_eq!(r.position_bits(), len_bits);
        }

        #[test]
        fn any_bytes_read_as_a_header_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut r = BitReader::new(&bytes);
            let _ = SnapshotHeader::read(Tick(5), &mut r);
        }
    }
}
