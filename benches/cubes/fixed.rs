//! The plainest way: a bit says whether a cube changed, and then all 73 bits of it follow.

use tidelock::bits::{BitReader, BitWriter};
use tidelock::state::codec::{decode_full, encode_full};
use tidelock::state::{StreamLayout, Version};

/// Writes a packet.
pub(crate) fn pack(layout: &StreamLayout, first: &[Version], new: &[Version], w: &mut BitWriter) {
    for (first, new) in first.iter().zip(new) {
        w.write_bool(first != new);
        if first != new {
            encode_full(layout, new.borrow(), w);
        }
    }
}

/// Reads a packet into a frame that is the baseline to begin with.
pub(crate) fn unpack(layout: &StreamLayout, bytes: &[u8], out: &mut [Version]) {
    let mut r = BitReader::new(bytes);
    for cube in out {
        if r.read_bool().expect("our own packet") {
            decode_full(layout, &mut r, cube).expect("our own packet");
        }
    }
}
