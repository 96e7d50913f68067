use crate::Tick;
use crate::bits::{BitReader, BitWriter, Malformed};
use crate::state::{Audience, Checksum, NetId};
use alloc::vec::Vec;

/// What a client that comes back says it still holds of its last connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResumeClaim {
    /// [`fnv1a`](crate::state::fnv1a) over the join payload that it was given.
    pub payload_hash: u64,
    /// By audience, then by ascending index. Whatever is not in it the client has forgotten.
    pub streams: Vec<HeldStream>,
}

/// One stream that is held as of one snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldStream {
    /// Whose stream of the entity.
    pub audience: Audience,
    /// Of the entity.
    pub index: u32,
    /// Of the snapshot that brought the newest version held.
    pub tick: Tick,
    /// [`HeldStream::proof_of`] that version.
    pub proof: u16,
}

impl HeldStream {
    /// The 16 bits of a version's hash that prove that it is held, folded as the checksum of a snapshot is.
    #[must_use]
    pub fn proof_of(hash: u64) -> u16 {
        Checksum(hash).to_u16()
    }
}

impl ResumeClaim {
    /// Writes it. Golomb codes are exponential, of the order behind the slash.
    ///
    /// ```text
    /// payload hash u64 | newest tick u32 | for each audience: (1 | index gap /2 | age /4 | proof u16)... 0
    /// ```
    ///
    /// The gap counts the indices passed over since the last, the age the ticks before the newest.
    pub(super) fn write(&self, w: &mut BitWriter) {
        w.write(self.payload_hash, 64);
        let newest = self.streams.iter().map(|held| held.tick).reduce(|a, b| if b.is_newer_than(a) { b } else { a });
        let newest = newest.unwrap_or_default();
        w.write(u64::from(newest.0), 32);
        for audience in Audience::ALL {
            let mut next = 0;
            for held in self.streams.iter().filter(|held| held.audience == audience) {
                w.write_bool(true);
                w.write_golomb(held.index - next, 2);
                w.write_golomb(newest.since(held.tick).cast_unsigned(), 4);
                w.write(u64::from(held.proof), 16);
                next = held.index + 1;
            }
            w.write_bool(false);
        }
    }

    pub(super) fn read(r: &mut BitReader<'_>) -> Result<Self, Malformed> {
        let payload_hash = r.read(64)?;
        let newest = Tick(r.read_u32(32)?);
        let mut streams = Vec::new();
        for audience in Audience::ALL {
            let mut next = 0_u32;
            while r.read_bool()? {
                let index = next.checked_add(r.read_golomb(2)?).ok_or(Malformed)?;
                if index > NetId::INDEX_MAX {
                    return Err(Malformed);
                }
                next = index + 1;
                let age = i32::try_from(r.read_golomb(4)?).map_err(|_| Malformed)?;
                let tick = newest.sub(age.cast_unsigned());
                streams.push(HeldStream { audience, index, tick, proof: r.read(16)? as u16 });
            }
        }
        Ok(Self { payload_hash, streams })
    }
}
