use super::lane::{Coding, Lane};
use core::f32::consts::{FRAC_1_SQRT_2, TAU};

/// One declared field of a component or input: its name and how it becomes lanes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// For the schema hash and for messages to people.
    pub name: &'static str,
    /// Range, step and meaning.
    pub kind: FieldKind,
    /// Order of the Golomb code of its changes: about the binary logarithm of the size of a typical change, in steps.
    pub order: u8,
    /// Whether it is expected to stay as it is rather than to go on as it went.
    pub held: bool,
    /// The field that tells how fast this one changes, if one does.
    pub velocity: Option<VelocityLink>,
}

/// Names the field of the same stream that is another's velocity: how much it changes in a second, in its own units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VelocityLink {
    /// The [`NAME`](super::Replicate::NAME) of the component that has it; empty for the field's own.
    pub component: &'static str,
    /// The name of its field.
    pub field: &'static str,
}

/// What a field holds. Values outside a range are clamped to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldKind {
    /// A real number from `min` to `max` in steps of `step`: one lane.
    Range {
        /// The least value.
        min: f32,
        /// The greatest value.
        max: f32,
        /// The resolution.
        step: f32,
    },
    /// An angle in radians, in `2^bits` steps of a full turn: one lane on a circle. Read back in -pi to pi.
    Angle {
        /// Resolution, 1 to 20.
        bits: u8,
    },
    /// A unit quaternion by its three smallest components of `bits` bits each, and which is the largest: four lanes.
    /// Source: G. Fiedler, "Snapshot Compression", 2015.
    Rotation {
        /// Bits of each of the three components, 5 to 12: with fewer, rounding can leave the unit sphere, with more, the precision of `f32`.
        bits: u8,
    },
    /// A whole number: one lane.
    Integer {
        /// The least value.
        min: i32,
        /// The greatest value.
        max: i32,
    },
    /// `bits` independent bits: one lane.
    Flags {
        /// 1 to 31.
        bits: u8,
    },
}

impl Field {
    /// A real number from `min` to `max` in steps of `step`; at most 2^22 of them, so that quantization is idempotent.
    #[must_use]
    pub const fn range(name: &'static str, min: f32, max: f32, step: f32) -> Self {
        assert!(min < max && step > 0.0 && (max - min) / step <= 4_194_304.0, "a range has at most 2^22 steps");
        Self { name, kind: FieldKind::Range { min, max, step }, order: 4, held: false, velocity: None }
    }

    /// An angle in radians with a resolution of `2^bits` steps.
    #[must_use]
    pub const fn angle(name: &'static str, bits: u8) -> Self {
        assert!(bits >= 1 && bits <= 20, "an angle has 1 to 20 bits");
        Self { name, kind: FieldKind::Angle { bits }, order: bits / 3, held: false, velocity: None }
    }

    /// A unit quaternion with `bits` bits for each of its three smallest components.
    #[must_use]
    pub const fn rotation(name: &'static str, bits: u8) -> Self {
        assert!(bits >= 5 && bits <= 12, "a rotation has 5 to 12 bits a component");
        Self { name, kind: FieldKind::Rotation { bits }, order: bits / 3, held: false, velocity: None }
    }

    /// A whole number from `min` to `max`.
    #[must_use]
    pub const fn integer(name: &'static str, min: i32, max: i32) -> Self {
        assert!(min < max && max as i64 - (min as i64) < 1 << 31, "an integer spans less than 2^31");
        Self { name, kind: FieldKind::Integer { min, max }, order: 1, held: false, velocity: None }
    }

    /// `bits` independent flags.
    #[must_use]
    pub const fn flags(name: &'static str, bits: u8) -> Self {
        assert!(bits >= 1 && bits <= 31, "flags have 1 to 31 bits");
        Self { name, kind: FieldKind::Flags { bits }, order: 0, held: false, velocity: None }
    }

    /// The same field with another Golomb order for its changes.
    #[must_use]
    pub const fn with_order(mut self, order: u8) -> Self {
        assert!(order <= 16);
        self.order = order;
        self
    }

    /// The same field, expected to stay as it is: for what jumps about its value rather than goes on as it went, such as a
    /// velocity.
    #[must_use]
    pub const fn held(mut self) -> Self {
        self.held = true;
        self
    }

    /// The same field with a velocity: a range that says by how much it changes in a second, in the units of both. It is
    /// the `field` of a `component` of the same stream; an empty name means the same component. What moves steadily is
    /// then foretold, and costs little.
    #[must_use]
    pub const fn with_velocity(mut self, component: &'static str, field: &'static str) -> Self {
        self.velocity = Some(VelocityLink { component, field });
        self
    }

    /// How many lanes this field becomes.
    #[must_use]
    pub const fn lane_count(&self) -> usize {
        if matches!(self.kind, FieldKind::Rotation { .. }) { 4 } else { 1 }
    }

    /// The lanes this field becomes, in order.
    pub fn lanes(&self) -> impl Iterator<Item = Lane> {
        let number = Coding::Number(self.order);
        let (lane, count) = match self.kind {
            FieldKind::Range { min, max, step } => (Lane { max: steps(min, max, step), coding: number }, 1),
            FieldKind::Angle { bits } => (Lane { max: (1 << bits) - 1, coding: Coding::Circle(self.order) }, 1),
            FieldKind::Rotation { bits } => (Lane { max: (1 << bits) - 1, coding: number }, 3),
            FieldKind::Integer { min, max } => (Lane { max: max.wrapping_sub(min).cast_unsigned(), coding: number }, 1),
            FieldKind::Flags { bits } => (Lane { max: (1 << bits) - 1, coding: Coding::Symbol }, 1),
        };
        let largest =
            matches!(self.kind, FieldKind::Rotation { .. }).then_some(Lane { max: 3, coding: Coding::Symbol });
        largest.into_iter().chain(core::iter::repeat_n(lane, count))
    }
}

/// The number of the last step of a range.
fn steps(min: f32, max: f32, step: f32) -> u32 {
    round((f64::from(max) - f64::from(min)) / f64::from(step))
}

/// Rounds a number that is not negative, without a platform's mathematics. Not a number becomes 0.
fn round(value: f64) -> u32 {
    (value + 0.5) as u32
}

pub(super) fn quantize_range(value: f32, min: f32, max: f32, step: f32) -> u32 {
    // `max` and `min` of floats also turn what is not a number into `min`.
    let clamped = value.max(min).min(max);
    round((f64::from(clamped) - f64::from(min)) / f64::from(step)).min(steps(min, max, step))
}

pub(super) fn dequantize_range(lane: u32, min: f32, step: f32) -> f32 {
    (f64::from(min) + f64::from(lane) * f64::from(step)) as f32
}

pub(super) fn quantize_angle(value: f32, bits: u8) -> u32 {
    let count = f64::from(1u32 << bits);
    let turns = f64::from(value) / f64::from(TAU);
    let turns = if turns.is_finite() { libm::fmod(turns, 1.0) } else { 0.0 };
    round((turns + 1.0) * count) & ((1 << bits) - 1)
}

pub(super) fn dequantize_angle(lane: u32, bits: u8) -> f32 {
    let unused = 32 - u32::from(bits);
    let signed = (lane << unused).cast_signed() >> unused;
    (f64::from(signed) * f64::from(TAU) / f64::from(1u32 << bits)) as f32
}

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

pub(super) fn smallest_three(unit: [f64; 4], largest: usize, bits: u8) -> [u32; 4] {
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

pub(super) fn dequantize_rotation_f64(lanes: [u32; 4], bits: u8) -> [f64; 4] {
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
        fn a_range_is_idempotent_and_within_half_a_step(value in -120.0f32..120.0, step in prop::sample::select(&[1.0f32 / 512.0, 0.01, 0.1, 0.37])) {
            let lane = quantize_range(value, -100.0, 100.0, step);
            let back = dequantize_range(lane, -100.0, step);
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
    fn what_is_not_a_number_becomes_a_value() {
        assert_eq!(quantize_range(f32::NAN, -1.0, 1.0, 0.1), 0);
        assert_eq!(quantize_range(f32::INFINITY, -1.0, 1.0, 0.1), 20);
        assert_eq!(quantize_angle(f32::NAN, 8), 0);
        assert_eq!(quantize_rotation([f32::NAN; 4], 8)[0], 3);
    }
}
