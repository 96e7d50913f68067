use super::frame::Numbers;
use core::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

// Sums, products, quotients and roots of `f64` only: both ends compute the same bits.

/// The components other than the largest, in their order.
const OTHERS: [[usize; 3]; 4] = [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]];

/// The same rotation as `lanes`, with the component `largest` taken for the largest. What has not four lanes is none, and stays as it is.
#[inline(always)]
pub(super) fn expressed<const N: usize>(mut lanes: Numbers<N>, largest: u32, bits: u8) -> Numbers<N> {
    if let Some(rotation) = lanes.first_chunk_mut::<4>()
        && rotation[0] != largest
    {
        *rotation = expressed_anew(*rotation, largest, bits);
    }
    lanes
}

#[inline(never)]
fn expressed_anew(lanes: Numbers<4>, largest: u32, bits: u8) -> Numbers<4> {
    let [a, b, c] = to_lanes(from_lanes(lanes, bits), largest, bits);
    [largest, a, b, c]
}

/// A unit quaternion x, y, z, w from the largest component's number and the other three, each from -1/sqrt(2) to
/// 1/sqrt(2) in `2^bits - 1` steps.
fn from_lanes(lanes: Numbers<4>, bits: u8) -> [f64; 4] {
    let steps = (1u32 << bits) - 1;
    let step = FRAC_1_SQRT_2 / f64::from(steps);
    let largest = (lanes[0] & 3) as usize;
    let mut rotation = [0.0; 4];
    let mut square = 0.0;
    for (at, lane) in OTHERS[largest].into_iter().zip(&lanes[1..]) {
        let component = f64::from((2 * lane).cast_signed() - steps.cast_signed()) * step;
        rotation[at] = component;
        square += component * component;
    }
    rotation[largest] = libm::sqrt(if square < 1.0 { 1.0 - square } else { 0.0 });
    rotation
}

/// Its components other than `largest`, in steps. The quaternion is negated if that one is negative.
fn to_lanes(rotation: [f64; 4], largest: u32, bits: u8) -> [u32; 3] {
    let steps = (1u32 << bits) - 1;
    let half = f64::from(steps) / 2.0;
    let largest = (largest & 3) as usize;
    let scale = if rotation[largest] < 0.0 { -SQRT_2 } else { SQRT_2 } * half;
    // Halves round up; what is out of range ends at its ends.
    OTHERS[largest].map(|at| ((rotation[at] * scale + half + 0.5) as u32).min(steps))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_is_the_same_whichever_component_is_taken_for_the_largest() {
        // 0.68, 0.69, 0.18, 0.16 with y as the largest, in steps of 2^9 - 1.
        let lanes = [1, 501, 321, 313];
        let [_, y, z, w] = expressed(lanes, 0, 9);
        assert!(y.abs_diff(506) <= 3 && z.abs_diff(321) <= 1 && w.abs_diff(313) <= 1, "{y} {z} {w}");
        let back = expressed([0, y, z, w], 1, 9);
        assert!(back.iter().zip(&lanes).all(|(back, lane)| back.abs_diff(*lane) <= 2), "{back:?}");
    }

    #[test]
    fn a_rotation_keeps_its_lanes_if_nothing_is_changed() {
        assert_eq!(expressed([2, 7, 500, 255], 2, 9), [2, 7, 500, 255]);
    }
}
