use super::lane::{Coding, Lane};
use super::net_id::NetId;
use super::{numbers, text};

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
    /// One of several things without an order, by its number: one lane. What is too large counts as the last.
    Choice {
        /// How many there are; at least one.
        count: u32,
    },
    /// A whole number that begins anew at 0 after `2^bits - 1`: one lane on a circle.
    Counter {
        /// 1 to 31.
        bits: u8,
    },
    /// An [`EntityRef`](super::EntityRef): two lanes, one above the index or 0 for none, and the generation.
    Reference,
    /// UTF-8, cut between characters to what fits: a lane for its length in bytes, and one for every three bytes.
    Text {
        /// 1 to 48.
        bytes_max: u8,
    },
    /// Bytes, cut to what fits, as the lanes of text.
    Blob {
        /// 1 to 48.
        bytes_max: u8,
    },
}

impl Field {
    /// A real number from `min` to `max` in steps of `step`; at most 2^22 of them, and as many from 0 to either end, so that
    /// quantization is idempotent in 32-bit floats.
    #[must_use]
    pub const fn range(name: &'static str, min: f32, max: f32, step: f32) -> Self {
        assert!(min < max, "a range begins below its end");
        assert!(step > 0.0, "a range has a step above 0");
        assert!((max - min) / step <= 4_194_304.0, "a range has at most 2^22 steps: take a coarser one");
        let far = if -min > max { -min } else { max };
        assert!(
            far / step <= 4_194_304.0,
            "a range ends at most 2^22 steps from 0, or floats are too coarse for its step"
        );
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

    /// One of `count` things without an order.
    #[must_use]
    pub const fn choice(name: &'static str, count: u32) -> Self {
        assert!(count >= 1 && count <= 1 << 16, "a choice is one of 1 to 2^16");
        Self { name, kind: FieldKind::Choice { count }, order: 0, held: false, velocity: None }
    }

    /// A whole number of `bits` bits that begins anew after the largest.
    #[must_use]
    pub const fn counter(name: &'static str, bits: u8) -> Self {
        assert!(bits >= 1 && bits <= 31, "a counter has 1 to 31 bits");
        Self { name, kind: FieldKind::Counter { bits }, order: 1, held: false, velocity: None }
    }

    /// A reference to another entity.
    #[must_use]
    pub const fn reference(name: &'static str) -> Self {
        Self { name, kind: FieldKind::Reference, order: 0, held: false, velocity: None }
    }

    /// At most `bytes_max` bytes of UTF-8. What is longer goes by an event.
    #[must_use]
    pub const fn text(name: &'static str, bytes_max: u8) -> Self {
        assert!(bytes_max >= 1 && bytes_max <= text::BYTES_MAX, "text has at most 1 to 48 bytes");
        Self { name, kind: FieldKind::Text { bytes_max }, order: 0, held: false, velocity: None }
    }

    /// At most `bytes_max` bytes. What is longer goes by an event.
    #[must_use]
    pub const fn blob(name: &'static str, bytes_max: u8) -> Self {
        assert!(bytes_max >= 1 && bytes_max <= text::BYTES_MAX, "a blob has at most 1 to 48 bytes");
        Self { name, kind: FieldKind::Blob { bytes_max }, order: 0, held: false, velocity: None }
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

    /// The same field with a velocity, which has none itself: a range that says by how much it changes in a second, in the
    /// units of both. It is the `field` of a `component` of the same stream; an empty name means the same component. What
    /// moves steadily is then foretold, and costs little.
    #[must_use]
    pub const fn with_velocity(mut self, component: &'static str, field: &'static str) -> Self {
        self.velocity = Some(VelocityLink { component, field });
        self
    }

    /// How many lanes this field becomes.
    #[must_use]
    pub const fn lane_count(&self) -> usize {
        match self.kind {
            FieldKind::Rotation { .. } => 4,
            FieldKind::Reference => 2,
            FieldKind::Text { bytes_max } | FieldKind::Blob { bytes_max } => 1 + text::lanes_of(bytes_max),
            _ => 1,
        }
    }

    /// The lanes this field becomes, in order.
    pub fn lanes(&self) -> impl Iterator<Item = Lane> {
        let bits = |bits: u8, coding| Lane { max: (1 << bits) - 1, coding };
        let (number, circle) = (Coding::Number(self.order), Coding::Circle(self.order));
        let symbol = |max| Lane { max, coding: Coding::Symbol };
        // Some have a lane of another kind before the others.
        let (first, lane) = match self.kind {
            FieldKind::Range { min, max, step } => (None, Lane { max: numbers::steps(min, max, step), coding: number }),
            FieldKind::Angle { bits: n } | FieldKind::Counter { bits: n } => (None, bits(n, circle)),
            FieldKind::Rotation { bits: n } => (Some(symbol(3)), bits(n, number)),
            FieldKind::Integer { min, max } => {
                (None, Lane { max: max.wrapping_sub(min).cast_unsigned(), coding: number })
            }
            FieldKind::Flags { bits: n } => (None, bits(n, Coding::Symbol)),
            FieldKind::Choice { count } => (None, symbol(count - 1)),
            FieldKind::Reference => (Some(symbol(NetId::INDEX_MAX + 1)), symbol(u16::MAX.into())),
            FieldKind::Text { bytes_max } | FieldKind::Blob { bytes_max } => {
                (Some(Lane { max: bytes_max.into(), coding: number }), bits(24, Coding::Symbol))
            }
        };
        let count = self.lane_count() - usize::from(first.is_some());
        first.into_iter().chain(core::iter::repeat_n(lane, count))
    }
}

/// All fields of several lists, one after the other: for what `derive(Replicate)` makes of types within types.
///
/// # Panics
/// If they are not `N` in all.
#[doc(hidden)]
#[must_use]
pub const fn join_fields<const N: usize>(lists: &[&[Field]]) -> [Field; N] {
    let mut joined = [Field::flags("", 1); N];
    let (mut list, mut at) = (0, 0);
    while list < lists.len() {
        let mut i = 0;
        while i < lists[list].len() {
            joined[at] = lists[list][i];
            (i, at) = (i + 1, at + 1);
        }
        list += 1;
    }
    assert!(at == N);
    joined
}

#[cfg(test)]
mod tests {
    use super::super::EntityRef;
    use super::*;

    /// From one end of what a range may have to the other.
    const FAR: f32 = 4_194_304.0;

    #[test]
    fn a_range_may_end_2_to_the_22_steps_from_zero_on_either_side() {
        for (min, max) in [(-FAR, 0.0), (0.0, FAR), (-FAR, 1.0 - FAR), (FAR - 1.0, FAR)] {
            assert_eq!(Field::range("x", min, max, 1.0).kind, FieldKind::Range { min, max, step: 1.0 });
        }
    }

    #[test]
    #[should_panic(expected = "2^22 steps from 0")]
    fn a_range_too_far_below_zero_is_refused() {
        let _ = Field::range("x", -FAR - 1.0, -FAR, 1.0);
    }

    #[test]
    #[should_panic(expected = "2^22 steps from 0")]
    fn a_range_too_far_above_zero_is_refused() {
        let _ = Field::range("x", FAR, FAR + 1.0, 1.0);
    }

    #[test]
    fn a_reference_has_room_for_any_entity_and_for_none() {
        let field = Field::reference("target");
        let mut lanes = field.lanes().map(|lane| lane.max);
        let maxima = [(); 2].map(|()| lanes.next().expect("it has two lanes"));
        let last = NetId { index: NetId::INDEX_MAX, generation: u16::MAX };
        assert_eq!(EntityRef::to_lanes(Some(last)), maxima);
        assert_eq!((EntityRef::from_lanes(maxima), EntityRef::from_lanes([0, 7])), (Some(last), None));
    }

    #[test]
    fn the_order_of_an_angle_and_of_a_rotation_is_a_third_of_their_bits() {
        assert_eq!((Field::angle("a", 20).order, Field::rotation("r", 11).order), (6, 3));
    }
}
