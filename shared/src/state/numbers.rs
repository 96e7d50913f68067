//! Real numbers and angles as lanes.

use core::f32::consts::TAU;

/// The number of the last step of a range.
pub(super) const fn steps(min: f32, max: f32, step: f32) -> u32 {
    round((max as f64 - min as f64) / step as f64)
}

/// Rounds a number that is not negative, without a platform's mathematics.
#[inline]
pub(super) const fn round(value: f64) -> u32 {
    (value + 0.5) as u32
}

/// What is not a number asks for nothing: it counts as 0, or what is nearest to it.
#[inline]
pub(super) fn quantize_range(value: f32, min: f32, max: f32, step: f32) -> u32 {
    let value = if value.is_nan() { 0.0 } else { value };
    let clamped = value.max(min).min(max);
    // The last step may lie beyond `max` by less than half of one, so this is never above it.
    round((f64::from(clamped) - f64::from(min)) / f64::from(step))
}

#[inline]
pub(super) fn dequantize_range(lane: u32, min: f32, max: f32, step: f32) -> f32 {
    ((f64::from(min) + f64::from(lane) * f64::from(step)) as f32).min(max)
}

#[inline]
pub(super) fn quantize_angle(value: f32, bits: u8) -> u32 {
    let count = f64::from(1u32 << bits);
    let turns = f64::from(value) / f64::from(TAU);
    let turns = match turns.abs() {
        // Its own remainder, which is most of them.
        less if less < 1.0 => turns,
        more if more.is_finite() => libm::fmod(turns, 1.0),
        _ => 0.0,
    };
    round((turns + 1.0) * count) & ((1 << bits) - 1)
}

#[inline]
pub(super) fn dequantize_angle(lane: u32, bits: u8) -> f32 {
    let unused = 32 - u32::from(bits);
    let signed = (lane << unused).cast_signed() >> unused;
    (f64::from(signed) * f64::from(TAU) / f64::from(1u32 << bits)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::f32::consts::TAU;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_range_is_idempotent_and_within_half_a_step(value in -120.0f32..120.0, step in prop::sample::select(&[1.0f32 / 512.0, 0.01, 0.1, 0.37])) {
            let lane = quantize_range(value, -100.0, 100.0, step);
            let back = dequantize_range(lane, -100.0, 100.0, step);
            prop_assert_eq!(quantize_range(back, -100.0, 100.0, step), lane);
            prop_assert!((back - value.clamp(-100.0, 100.0)).abs() <= step * 0.51 + 1e-5);
        }

        #[test]
        fn an_angle_is_idempotent_and_near(value in -20.0f32..20.0, bits in 1u8..=20) {
            let lane = quantize_angle(value, bits);
            let back = dequantize_angle(lane, bits);
            prop_assert_eq!(quantize_angle(back, bits), lane);
            let apart = libm::fmod(f64::from(back - value), f64::from(TAU)).abs();
            let step = f64::from(TAU) / f64::from(1u32 << bits);
            prop_assert!(apart.min(f64::from(TAU) - apart) <= step * 0.5 + 1e-5);
        }

        #[test]
        fn any_range_that_a_field_may_have_is_idempotent_and_kept(
            min in -1e6f32..1e6, width in 1e-3f32..1e6, exponent in 1i32..22, value in any::<f32>(), part in 0.0f32..=1.0,
        ) {
            let max = min + width;
            let step = min.abs().max(max.abs()).max(width) * libm::exp2f(-exponent as f32);
            prop_assume!(min < max);
            for value in [value, min + width * part, min, max] {
                let lane = quantize_range(value, min, max, step);
                prop_assert!(lane <= steps(min, max, step));
                let back = dequantize_range(lane, min, max, step);
                prop_assert!((min..=max).contains(&back), "{back} in {min} to {max}");
                prop_assert_eq!(quantize_range(back, min, max, step), lane, "{} of {} to {} by {}", back, min, max, step);
            }
        }

        #[test]
        fn any_angle_is_idempotent(value in any::<f32>(), bits in 1u8..=20) {
            let lane = quantize_angle(value, bits);
            prop_assert_eq!(quantize_angle(dequantize_angle(lane, bits), bits), lane);
        }
    }

    #[test]
    fn what_is_not_a_number_counts_as_zero() {
        assert_eq!(quantize_range(f32::NAN, -1.0, 1.0, 0.1), 10);
        assert_eq!(quantize_range(f32::NAN, 5.0, 6.0, 0.1), 0);
        assert_eq!(quantize_range(f32::INFINITY, -1.0, 1.0, 0.1), 20);
        assert_eq!(quantize_range(f32::NEG_INFINITY, -1.0, 1.0, 0.1), 0);
        assert_eq!(quantize_angle(f32::NAN, 8), 0);
    }
}
