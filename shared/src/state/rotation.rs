//! Unit quaternions as lanes, by their three smallest components.

use super::numbers::round;
use core::f32::consts::FRAC_1_SQRT_2;

/// Which component is the largest, then the other three in the order x, y, z, w.
pub(super) fn quantize_rotation(rotation: [f32; 4], bits: u8) -> [u32; 4] {
    let length = libm::sqrt(rotation.iter().map(|c| f64::from(*c) * f64::from(*c)).sum::<f64>());
    let mut unit = [0.0, 0.0, 0.0, 1.0];
    if length.is_finite() && length > 1e-9 {
        unit = rotation.map(|c| f64::from(c) / length);
    }
    // Near a tie the rounded components can name another as the largest than the exact ones do. So what already is the
    // image of some lanes keeps them, and everything else is rounded first and then treated like that.
    image_of(unit, bits).unwrap_or_else(|| {
        let rounded = smallest_three(unit, largest_of(unit), bits);
        image_of(dequantize_rotation_f64(rounded, bits), bits).unwrap_or(rounded)
    })
}

fn largest_of(unit: [f64; 4]) -> usize {
    (1..4).fold(0, |largest, i| if unit[i].abs() > unit[largest].abs() { i } else { largest })
}

/// The first lanes that read back as `unit`, if any do.
fn image_of(unit: [f64; 4], bits: u8) -> Option<[u32; 4]> {
    let could_be_largest = (0..4).filter(|i| unit[*i].abs() > 0.4);
    could_be_largest.map(|i| smallest_three(unit, i, bits)).find(|lanes| {
        let back = dequantize_rotation_f64(*lanes, bits);
        let sign = if unit[lanes[0] as usize] < 0.0 { -1.0 } else { 1.0 };
        back.iter().zip(unit).all(|(back, unit)| (back - unit * sign).abs() < 5e-7)
    })
}

fn smallest_three(unit: [f64; 4], largest: usize, bits: u8) -> [u32; 4] {
    let sign = if unit[largest] < 0.0 { -1.0 } else { 1.0 };
    let center = f64::from((1u32 << bits) - 1) / 2.0;
    let mut lanes = [largest as u32, 0, 0, 0];
    let others = (0..4).filter(|i| *i != largest);
    for (lane, i) in lanes[1..].iter_mut().zip(others) {
        let scaled = (unit[i] * sign / f64::from(FRAC_1_SQRT_2)).clamp(-1.0, 1.0);
        *lane = round(center + scaled * center).min((1 << bits) - 1);
    }
    lanes
}

fn dequantize_rotation_f64(lanes: [u32; 4], bits: u8) -> [f64; 4] {
    let center = f64::from((1u32 << bits) - 1) / 2.0;
    let largest = lanes[0].min(3) as usize;
    let mut unit = [0.0; 4];
    let mut square = 0.0;
    let others = (0..4).filter(|i| *i != largest);
    for (lane, i) in lanes[1..].iter().zip(others) {
        unit[i] = (f64::from(*lane) - center) / center * f64::from(FRAC_1_SQRT_2);
        square += unit[i] * unit[i];
    }
    unit[largest] = libm::sqrt((1.0 - square).max(0.0));
    unit
}

pub(super) fn dequantize_rotation(lanes: [u32; 4], bits: u8) -> [f32; 4] {
    dequantize_rotation_f64(lanes, bits).map(|c| c as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_rotation_is_idempotent(x in any::<f32>(), y in any::<f32>(), z in -1.0f32..1.0, w in -1.0f32..1.0, bits in 5u8..=12) {
            for rotation in [[x, y, z, w], [z, w, x, y], [z, w, z, -w], [z * 1e-3, w * 1e-3, z, z]] {
                let lanes = quantize_rotation(rotation, bits);
                prop_assert_eq!(quantize_rotation(dequantize_rotation(lanes, bits), bits), lanes);
            }
        }

        #[test]
        fn a_rotation_and_its_negative_are_the_same_also_near_a_tie(
            near in prop::array::uniform4(-0.03f32..0.03), signs in 0u32..16, bits in 5u8..=12
        ) {
            let tied = [0, 1, 2, 3].map(|i| if signs >> i & 1 == 0 { 0.5 + near[i] } else { -0.5 - near[i] });
            let lanes = quantize_rotation(tied, bits);
            let back = dequantize_rotation(lanes, bits);
            prop_assert_eq!(quantize_rotation(back.map(|c| -c), bits), lanes);
        }

        #[test]
        fn a_rotation_is_idempotent_and_near(x in -1.0f32..1.0, y in -1.0f32..1.0, z in -1.0f32..1.0, w in -1.0f32..1.0, bits in 8u8..=12) {
            prop_assume!(x * x + y * y + z * z + w * w > 0.01);
            let lanes = quantize_rotation([x, y, z, w], bits);
            let back = dequantize_rotation(lanes, bits);
            prop_assert_eq!(quantize_rotation(back, bits), lanes);
            let length = (x * x + y * y + z * z + w * w).sqrt();
            let dot = (x * back[0] + y * back[1] + z * back[2] + w * back[3]).abs() / length;
            prop_assert!(dot > 1.0 - 1e-6 - 40.0 / f32::from(1u16 << bits).powi(2));
        }
    }

    #[test]
    fn a_tied_rotation_is_idempotent() {
        for bits in 5..=12 {
            for signs in 0..16u32 {
                let tied = [0, 1, 2, 3].map(|i| if signs >> i & 1 == 0 { 0.5 } else { -0.5 });
                let lanes = quantize_rotation(tied, bits);
                assert_eq!(
                    quantize_rotation(dequantize_rotation(lanes, bits), bits),
                    lanes,
                    "{bits} bits, signs {signs:b}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_a_number_is_no_rotation() {
        assert_eq!(quantize_rotation([f32::NAN; 4], 8)[0], 3);
    }

    #[test]
    fn what_has_no_length_or_no_end_does_not_turn() {
        let still = quantize_rotation([0.0, 0.0, 0.0, 1.0], 8);
        for nothing in [[0.0; 4], [1e-12; 4], [f32::INFINITY; 4], [0.0, f32::NEG_INFINITY, 0.0, 0.0]] {
            assert_eq!(quantize_rotation(nothing, 8), still, "{nothing:?}");
        }
    }
}
