//! Short strings and blobs as lanes: the length, then three bytes a lane, the first in the lowest bits, unused ones zero.

use alloc::string::String;
use alloc::vec::Vec;

/// A blob or string of a field is at most this long.
pub(super) const BYTES_MAX: u8 = 48;

/// Bytes in a lane.
const BYTES_A_LANE: usize = 3;

/// Lanes of the bytes, without that of the length.
pub(super) const fn lanes_of(bytes_max: u8) -> usize {
    (bytes_max as usize).div_ceil(BYTES_A_LANE)
}

/// As many bytes as fit; `lanes` are those of the field, the length first.
pub(super) fn write_blob(bytes: &[u8], bytes_max: u8, lanes: &mut [u32]) {
    let bytes = &bytes[..bytes.len().min(usize::from(bytes_max))];
    let Some((len, lanes)) = lanes.split_first_mut() else { return };
    *len = bytes.len() as u32;
    lanes.fill(0);
    for (lane, chunk) in lanes.iter_mut().zip(bytes.chunks(BYTES_A_LANE)) {
        *lane = chunk.iter().rev().fold(0, |lane, byte| lane << 8 | u32::from(*byte));
    }
}

/// As many whole characters as fit.
pub(super) fn write_text(text: &str, bytes_max: u8, lanes: &mut [u32]) {
    let end = text.floor_char_boundary(usize::from(bytes_max));
    write_blob(&text.as_bytes()[..end], bytes_max, lanes);
}

pub(super) fn read_blob(lanes: &[u32]) -> Vec<u8> {
    let Some((len, lanes)) = lanes.split_first() else { return Vec::new() };
    let bytes = lanes.iter().flat_map(|lane| lane.to_le_bytes().into_iter().take(BYTES_A_LANE));
    bytes.take(*len as usize).collect()
}

/// What of it is text: all up to the first byte that is none.
pub(super) fn read_text(lanes: &[u32]) -> String {
    let mut bytes = read_blob(lanes);
    if let Err(error) = core::str::from_utf8(&bytes) {
        bytes.truncate(error.valid_up_to());
    }
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lanes(bytes_max: u8) -> Vec<u32> {
        alloc::vec![u32::MAX; 1 + lanes_of(bytes_max)]
    }

    proptest! {
        #[test]
        fn a_blob_comes_back_as_far_as_it_fits(bytes in prop::collection::vec(any::<u8>(), 0..60), bytes_max in 1..=BYTES_MAX) {
            let mut lanes = lanes(bytes_max);
            write_blob(&bytes, bytes_max, &mut lanes);
            prop_assert!(lanes[0] <= bytes_max.into() && lanes[1..].iter().all(|lane| *lane < 1 << 24));
            prop_assert_eq!(read_blob(&lanes), &bytes[..bytes.len().min(bytes_max.into())]);
        }

        #[test]
        fn a_text_is_cut_between_characters_and_stays(text in ".{0,40}", bytes_max in 1..=BYTES_MAX) {
            let mut first = lanes(bytes_max);
            write_text(&text, bytes_max, &mut first);
            let back = read_text(&first);
            prop_assert!(text.starts_with(&back) && back.len() <= bytes_max.into());
            prop_assert!(back.len() + 4 > text.len().min(bytes_max.into()), "no more is cut than must be");
            let mut second = lanes(bytes_max);
            write_text(&back, bytes_max, &mut second);
            prop_assert_eq!(first, second);
        }

        #[test]
        fn any_lanes_are_some_text(lanes in prop::collection::vec(any::<u32>(), 0..17)) {
            prop_assert!(read_text(&lanes).len() <= BYTES_MAX.into());
        }
    }
}
