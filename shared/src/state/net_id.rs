use super::Shaped;
use bitcode::{Decode, Encode};
use core::fmt;

/// Names a replicated entity on the wire, in events too. The index is small and reused; the generation tells its users apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Shaped)]
pub struct NetId {
    /// At most [`NetId::INDEX_MAX`]; snapshots list entities by ascending index.
    pub index: u32,
    /// Counts the entities that had this index before; wraps.
    pub generation: u16,
}

impl NetId {
    /// The largest index: a server holds at most this many replicated entities at a time, plus one.
    pub const INDEX_MAX: u32 = (1 << 20) - 1;
}

impl fmt::Display for NetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}v{}", self.index, self.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn it_is_read_as_index_and_generation() {
        assert_eq!(NetId { index: NetId::INDEX_MAX, generation: 7 }.to_string(), "1048575v7");
    }
}
