use super::entity_ref::{Entities, EntityRef};
use super::field::{Field, FieldKind};
use super::{numbers, rotation, text};
use alloc::string::String;
use alloc::vec::Vec;

/// Gives a component's fields back in their declared order. Panics like [`LaneWriter`](super::LaneWriter).
#[derive(Debug)]
pub struct LaneReader<'a> {
    pub(super) fields: &'static [Field],
    pub(super) lanes: &'a [u32],
    pub(super) entities: Entities<'a>,
}

impl LaneReader<'_> {
    /// The next field: a range.
    #[inline]
    pub fn range(&mut self) -> f32 {
        let FieldKind::Range { min, max, step } = self.next() else { panic!("the field is not a range") };
        numbers::dequantize_range(self.one(), min, max, step)
    }

    /// The next fields: one range for each element.
    #[inline]
    pub fn ranges<const N: usize>(&mut self) -> [f32; N] {
        core::array::from_fn(|_| self.range())
    }

    /// The next field: an angle in radians, -pi to pi.
    #[inline]
    pub fn angle(&mut self) -> f32 {
        let FieldKind::Angle { bits } = self.next() else { panic!("the field is not an angle") };
        numbers::dequantize_angle(self.one(), bits)
    }

    /// The next field: a rotation.
    pub fn rotation(&mut self) -> glam::Quat {
        let FieldKind::Rotation { bits } = self.next() else { panic!("the field is not a rotation") };
        let lanes = core::array::from_fn(|_| self.one());
        glam::Quat::from_array(rotation::dequantize_rotation(lanes, bits))
    }

    /// The next field: a whole number.
    #[inline]
    pub fn integer(&mut self) -> i32 {
        let FieldKind::Integer { min, .. } = self.next() else { panic!("the field is not an integer") };
        min.wrapping_add_unsigned(self.one())
    }

    /// The next field: flags.
    #[inline]
    pub fn flags(&mut self) -> u32 {
        let FieldKind::Flags { .. } = self.next() else { panic!("the field is not flags") };
        self.one()
    }

    /// The next field: a counter.
    #[inline]
    pub fn counter(&mut self) -> u32 {
        let FieldKind::Counter { .. } = self.next() else { panic!("the field is not a counter") };
        self.one()
    }

    /// The next field: a choice, by its number.
    #[inline]
    pub fn choice(&mut self) -> u32 {
        let FieldKind::Choice { .. } = self.next() else { panic!("the field is not a choice") };
        self.one()
    }

    /// The next field: a reference to an entity.
    pub fn reference(&mut self) -> EntityRef {
        let FieldKind::Reference = self.next() else { panic!("the field is not a reference") };
        let lanes = [self.one(), self.one()];
        self.entities.of_lanes(lanes)
    }

    /// The next field: text.
    pub fn text(&mut self) -> String {
        let FieldKind::Text { bytes_max } = self.next() else { panic!("the field is not text") };
        text::read_text(self.take(1 + text::lanes_of(bytes_max)))
    }

    /// The next field: a blob.
    pub fn blob(&mut self) -> Vec<u8> {
        let FieldKind::Blob { bytes_max } = self.next() else { panic!("the field is not a blob") };
        text::read_blob(self.take(1 + text::lanes_of(bytes_max)))
    }

    #[inline]
    fn next(&mut self) -> FieldKind {
        let (first, rest) = self.fields.split_first().expect("more fields are read than declared");
        self.fields = rest;
        first.kind
    }

    #[inline]
    fn one(&mut self) -> u32 {
        self.take(1)[0]
    }

    #[inline]
    fn take(&mut self, count: usize) -> &[u32] {
        let (first, rest) = self.lanes.split_at_checked(count).expect("lanes for each field");
        self.lanes = rest;
        first
    }
}
