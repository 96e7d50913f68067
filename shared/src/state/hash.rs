use super::{Audience, NetId};

/// Where [`fnv1a`] begins.
pub const FNV1A_OFFSET: u64 = 0xCBF2_9CE4_8422_2325;

/// FNV-1a over bytes, 64 bits: names and numbers of the schema. Source: Fowler, Noll, Vo, RFC 9923.
#[must_use]
pub const fn fnv1a(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01B3);
        i += 1;
    }
    hash
}

/// The hash of one version of one stream: which entity and stream it is, which components are present, and all lanes.
///
/// Starting from 0, each 32-bit word `w` in turn gives `h = (h ^ w) * 0x9E3779B97F4A7C15`, then `h ^= h >> 32`. The words
/// are index, generation, audience (0 public, 1 team, 2 owner), mask, lanes.
#[must_use]
pub fn version_hash(id: NetId, audience: Audience, mask: u32, lanes: &[u32]) -> u64 {
    let head = [id.index, u32::from(id.generation), audience as u32, mask];
    mix(mix(0, &head), lanes)
}

/// Goes on with a hash. Two loops are faster than one over both halves.
#[inline(always)]
fn mix(mut hash: u64, words: &[u32]) -> u64 {
    for word in words {
        hash = (hash ^ u64::from(*word)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hash ^= hash >> 32;
    }
    hash
}

/// The sum of version hashes: the order in which streams are added does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checksum(pub u64);

impl Checksum {
    /// Adds one version's hash.
    pub fn add(&mut self, hash: u64) {
        self.0 = self.0.wrapping_add(hash);
    }

    /// The 16 bits that each snapshot carries.
    #[must_use]
    pub const fn to_u16(self) -> u16 {
        let folded = self.to_u32();
        (folded ^ folded >> 16) as u16
    }

    /// The 32 bits that an audit carries.
    #[must_use]
    pub const fn to_u32(self) -> u32 {
        (self.0 ^ self.0 >> 32) as u32
    }
}
