use core::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

/// A unit quaternion as x, y, z, w. Sums, products, quotients and roots of `f64` only: both ends compute the same bits.
pub(super) type Quaternion = [f64; 4];

/// The components other than the largest, in their order.
const OTHERS: [[usize; 3]; 4] = [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]];

/// The rotation that four lanes stand for: the largest component's number, then the other three, each from -1/sqrt(2) to
/// 1/sqrt(2) in `2^bits - 1` steps.
pub(super) fn from_lanes(lanes: &[u32], bits: u8) -> Quaternion {
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

/// The three smaller components in steps, given which is taken for the largest.
pub(super) fn to_lanes(rotation: Quaternion, largest: u32, bits: u8) -> [u32; 3] {
    let steps = (1u32 << bits) - 1;
    let half = f64::from(steps) / 2.0;
    let largest = (largest & 3) as usize;
    let scale = if rotation[largest] < 0.0 { -SQRT_2 } else { SQRT_2 } * half;
    // Halves round up; what is out of range ends at its ends.
    OTHERS[largest].map(|at| ((rotation[at] * scale + half + 0.5) as u32).min(steps))
}

/// Where a body is that turned from `earlier` to `later` in `span` ticks, `ahead` ticks after that, if it goes on turning
/// about the same axis. Turns are small between ticks: the sine of half an angle stands for half the angle.
pub(super) fn extrapolate(earlier: Quaternion, later: Quaternion, span: u32, ahead: u32) -> Quaternion {
    let mut turn = product(later, conjugate(earlier));
    let shorter_way = if turn[3] < 0.0 { -1.0 } else { 1.0 };
    let part = f64::from(ahead) / f64::from(span) * shorter_way;
    let square: f64 = turn[..3].iter().map(|c| c * part * (c * part)).sum();
    if square >= 1.0 {
        return later;
    }
    turn = [turn[0] * part, turn[1] * part, turn[2] * part, libm::sqrt(1.0 - square)];
    product(turn, later)
}

const fn conjugate([x, y, z, w]: Quaternion) -> Quaternion {
    [-x, -y, -z, w]
}

/// Source: W. R. Hamilton's rule, as in any text on quaternions.
const fn product([ax, ay, az, aw]: Quaternion, [bx, by, bz, bw]: Quaternion) -> Quaternion {
    [
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A turn by `angle` about z.
    fn about_z(angle: f64) -> Quaternion {
        [0.0, 0.0, libm::sin(angle / 2.0), libm::cos(angle / 2.0)]
    }

    #[test]
    fn a_steady_turn_goes_on() {
        let predicted = extrapolate(about_z(0.1), about_z(0.2), 6, 6);
        let expected = about_z(0.3);
        assert!(predicted.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3), "{predicted:?}");
    }

    #[test]
    fn a_quaternion_and_its_negative_are_one_rotation() {
        let negative = about_z(0.2).map(|c| -c);
        let predicted = extrapolate(about_z(0.1), negative, 6, 3);
        let expected = about_z(0.25).map(|c| -c);
        assert!(predicted.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3), "{predicted:?}");
    }

    #[test]
    fn a_turn_too_wild_to_go_on_is_held() {
        assert_eq!(extrapolate(about_z(0.0), about_z(3.0), 1, 5), about_z(3.0));
    }
}
