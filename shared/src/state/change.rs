//! One component against another value of it, each lane for itself: how inputs are coded, which need no prediction.

use super::lane::{Coding, Lane};
use crate::bits::{BitReader, BitWriter, Malformed};

/// Writes what leads from `old` to `new`.
///
/// ```text
/// 0 unchanged, or 1 and for each lane: 0 unchanged, or 1 and its change; a component of one lane has no bit for the lane
/// ```
pub(crate) fn write_change(lanes: &[Lane], old: &[u32], new: &[u32], w: &mut BitWriter) {
    w.write_bool(old != new);
    if old == new {
        return;
    }
    for ((lane, old), new) in lanes.iter().zip(old).zip(new) {
        if lanes.len() > 1 {
            w.write_bool(old != new);
            if old == new {
                continue;
            }
        }
        match lane.coding {
            // Zero does not occur here, so magnitudes start at one: the folded code is shifted down by one.
            Coding::Number(order) | Coding::Circle(order) => {
                w.write_golomb(crate::bits::zigzag(lane.difference(*old, *new)) - 1, u32::from(order));
            }
            Coding::Symbol => w.write(u64::from(*new), lane.bits()),
        }
    }
}

fn read_lane_change(lane: Lane, old: u32, r: &mut BitReader<'_>) -> Result<u32, Malformed> {
    match lane.coding {
        Coding::Number(order) | Coding::Circle(order) => {
            let folded = r.read_golomb(u32::from(order))?.checked_add(1).ok_or(Malformed)?;
            lane.advance(old, crate::bits::unzigzag(folded)).ok_or(Malformed)
        }
        Coding::Symbol => r.read_up_to(lane.max),
    }
}

/// Reads one component against its baseline, both as slices of the same length.
pub(crate) fn read_change_into(lanes: &[Lane], values: &mut [u32], r: &mut BitReader<'_>) -> Result<(), Malformed> {
    if !r.read_bool()? {
        return Ok(());
    }
    for (lane, value) in lanes.iter().zip(values) {
        if lanes.len() == 1 || r.read_bool()? {
            *value = read_lane_change(*lane, *value, r)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_of_one_lane_has_no_bit_for_the_lane() {
        let lane = Lane { max: 15, coding: Coding::Symbol };
        for (lanes, old, new, bits) in
            [(&[lane][..], &[3][..], &[9][..], 1 + 4), (&[lane; 2], &[3, 3], &[3, 9], 1 + 1 + 1 + 4)]
        {
            let mut w = BitWriter::new();
            write_change(lanes, old, new, &mut w);
            assert_eq!(w.len_bits(), bits);
            let mut values = old.to_vec();
            read_change_into(lanes, &mut values, &mut BitReader::new(w.finish())).unwrap();
            assert_eq!(values, new);
        }
    }
}
