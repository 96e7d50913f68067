use super::entity_ref::{EntityRef, NetIds};
use super::field::{Field, FieldKind};
use super::{numbers, rotation, text};

/// Takes a component's fields in their declared order and stores their lanes.
///
/// Its methods panic when the field called for is not the one declared: that is a mistake in the component.
#[derive(Debug)]
pub struct LaneWriter<'a> {
    pub(super) fields: &'static [Field],
    pub(super) lanes: &'a mut [u32],
    pub(super) net_ids: NetIds<'a>,
}

impl LaneWriter<'_> {
    /// The next field: a range.
    #[inline]
    pub fn range(&mut self, value: f32) {
        let FieldKind::Range { min, max, step } = self.next() else { panic!("the field is not a range") };
        self.put(numbers::quantize_range(value, min, max, step));
    }

    /// The next fields: one range for each element.
    #[inline]
    pub fn ranges<const N: usize>(&mut self, values: [f32; N]) {
        for value in values {
            self.range(value);
        }
    }

    /// The next field: an angle in radians.
    #[inline]
    pub fn angle(&mut self, value: f32) {
        let FieldKind::Angle { bits } = self.next() else { panic!("the field is not an angle") };
        self.put(numbers::quantize_angle(value, bits));
    }

    /// The next field: a rotation.
    pub fn rotation(&mut self, value: glam::Quat) {
        let FieldKind::Rotation { bits } = self.next() else { panic!("the field is not a rotation") };
        for lane in rotation::quantize_rotation(value.to_array(), bits) {
            self.put(lane);
        }
    }

    /// The next field: a whole number.
    #[inline]
    pub fn integer(&mut self, value: i32) {
        let FieldKind::Integer { min, max } = self.next() else { panic!("the field is not an integer") };
        self.put(value.clamp(min, max).wrapping_sub(min).cast_unsigned());
    }

    /// The next field: flags; bits beyond the declared ones are dropped.
    #[inline]
    pub fn flags(&mut self, value: u32) {
        let FieldKind::Flags { bits } = self.next() else { panic!("the field is not flags") };
        self.put(value & mask(bits));
    }

    /// The next field: a counter; bits beyond the declared ones are dropped.
    #[inline]
    pub fn counter(&mut self, value: u32) {
        let FieldKind::Counter { bits } = self.next() else { panic!("the field is not a counter") };
        self.put(value & mask(bits));
    }

    /// The next field: a choice, by its number; what is too large is the last.
    #[inline]
    pub fn choice(&mut self, number: u32) {
        let FieldKind::Choice { count } = self.next() else { panic!("the field is not a choice") };
        self.put(number.min(count - 1));
    }

    /// The next field: a reference to an entity.
    pub fn reference(&mut self, reference: EntityRef) {
        let FieldKind::Reference = self.next() else { panic!("the field is not a reference") };
        for lane in self.net_ids.lanes_of(reference) {
            self.put(lane);
        }
    }

    /// The next field: text; as many characters as fit.
    pub fn text(&mut self, value: &str) {
        let FieldKind::Text { bytes_max } = self.next() else { panic!("the field is not text") };
        text::write_text(value, bytes_max, self.take(1 + text::lanes_of(bytes_max)));
    }

    /// The next field: a blob; as many bytes as fit.
    pub fn blob(&mut self, value: &[u8]) {
        let FieldKind::Blob { bytes_max } = self.next() else { panic!("the field is not a blob") };
        text::write_blob(value, bytes_max, self.take(1 + text::lanes_of(bytes_max)));
    }

    #[inline]
    fn next(&mut self) -> FieldKind {
        let (first, rest) = self.fields.split_first().expect("more fields are written than declared");
        self.fields = rest;
        first.kind
    }

    #[inline]
    fn put(&mut self, value: u32) {
        self.take(1)[0] = value;
    }

    #[inline]
    fn take(&mut self, count: usize) -> &mut [u32] {
        let lanes = core::mem::take(&mut self.lanes);
        let (first, rest) = lanes.split_at_mut_checked(count).expect("lanes for each field");
        self.lanes = rest;
        first
    }
}

const fn mask(bits: u8) -> u32 {
    (1 << bits) - 1
}
