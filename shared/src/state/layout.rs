use super::codec::{Codebook, Plan};
use super::field::Field;
use super::lane::Lane;
use super::motion::{LaneMotion, MotionError};
use super::replicate::Replicate;
use super::rules::Rules;
use super::schema::SchemaError;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::TypeId;

/// The components of one stream, in the order in which they were declared.
#[derive(Clone, Debug, Default)]
pub struct StreamLayout {
    components: Vec<ComponentLayout>,
    motions: Vec<Option<LaneMotion>>,
    coding: Coding,
}

/// How records of a stream are coded, once all components are declared.
#[derive(Clone, Debug, Default)]
struct Coding {
    plan: Plan,
    codebook: Arc<Codebook>,
    /// The bits of a full record of all components; 0 until then.
    whole_bits: usize,
}

/// One component within a stream.
#[derive(Clone, Debug)]
pub struct ComponentLayout {
    /// As declared by [`Replicate::NAME`].
    pub name: &'static str,
    /// As declared by [`Replicate::FIELDS`].
    pub fields: &'static [Field],
    /// As declared by [`Replicate::RULES`]; the audience is the stream's.
    pub rules: Rules,
    /// In order.
    pub lanes: Vec<Lane>,
    /// Where its lanes begin in the *full layout*: the lanes of all components of the stream, present or not.
    pub first_lane: usize,
    type_id: TypeId,
}

impl StreamLayout {
    /// The components, in the order of their mask bits.
    #[must_use]
    pub fn components(&self) -> &[ComponentLayout] {
        &self.components
    }

    /// The mask bit of a component.
    #[must_use]
    pub fn find<C: Replicate>(&self) -> Option<usize> {
        self.components.iter().position(|component| component.type_id == TypeId::of::<C>())
    }

    /// The components present in `mask`, with their bits.
    pub fn present(&self, mask: u32) -> impl Iterator<Item = (usize, &ComponentLayout)> {
        self.components.iter().enumerate().filter(move |(bit, _)| mask >> bit & 1 != 0)
    }

    /// How many lanes the components present in `mask` have.
    #[must_use]
    pub fn lane_count(&self, mask: u32) -> usize {
        let (mut left, mut count) = (mask & self.full_mask(), 0);
        while left != 0 {
            count += self.components[left.trailing_zeros() as usize].lanes.len();
            left &= left - 1;
        }
        count
    }

    /// Where in a version's lanes component `bit` begins, given that it is present in `mask`.
    #[must_use]
    pub fn lane_offset(&self, mask: u32, bit: usize) -> usize {
        // Most versions lack few components.
        self.components[bit].first_lane - self.lane_count(!mask & ((1 << bit) - 1))
    }

    /// The mask with all components.
    #[must_use]
    pub fn full_mask(&self) -> u32 {
        ((1u64 << self.components.len()) - 1) as u32
    }

    /// The bits of a full record of the components in `mask`.
    #[must_use]
    pub fn record_bits(&self, mask: u32) -> usize {
        if mask == self.full_mask() && self.coding.whole_bits > 0 {
            return self.coding.whole_bits;
        }
        let lanes = self.present(mask).flat_map(|(_, component)| &component.lanes);
        self.components.len() + lanes.map(|lane| lane.bits() as usize).sum::<usize>()
    }

    /// How soon a version with the components in `mask` goes out when not everything fits: the largest weight of them, and at
    /// least 1.
    #[must_use]
    pub fn priority(&self, mask: u32) -> u8 {
        self.present(mask).map(|(_, component)| component.rules.priority).max().unwrap_or(1).max(1)
    }

    /// For each lane of the full layout how it moves, if a velocity says so.
    #[must_use]
    pub fn motions(&self) -> &[Option<LaneMotion>] {
        &self.motions
    }

    /// In which order its fields are coded, and how each is predicted.
    pub(super) const fn coding_plan(&self) -> &Plan {
        &self.coding.plan
    }

    /// The prefix codes.
    pub(super) fn codebook(&self) -> &Codebook {
        &self.coding.codebook
    }

    /// Makes ready for coding, when velocities are linked.
    pub(super) fn plan(&mut self, codebook: Arc<Codebook>) {
        let whole_bits = self.record_bits(self.full_mask());
        self.coding = Coding { plan: Plan::new(&self.components, &self.motions), codebook, whole_bits };
    }

    pub(super) fn push<C: Replicate>(&mut self, rules: Rules) {
        let lanes = C::FIELDS.iter().flat_map(Field::lanes).collect();
        let first_lane = self.lane_count(self.full_mask());
        let (name, fields, type_id) = (C::NAME, C::FIELDS, TypeId::of::<C>());
        self.components.push(ComponentLayout { name, fields, rules, lanes, first_lane, type_id });
    }

    /// Finds the velocities that fields are linked to, when all components are declared.
    pub(super) fn link_velocities(&mut self) -> Result<(), SchemaError> {
        self.motions = alloc::vec![None; self.lane_count(self.full_mask())];
        for component in &self.components {
            for (field, at) in component.fields_with_lanes() {
                let motion = self.motion(component, field);
                let error = |problem| SchemaError::Velocity { component: component.name, field: field.name, problem };
                self.motions[at] = motion.map_err(error)?;
            }
        }
        Ok(())
    }

    fn motion(&self, component: &ComponentLayout, field: &Field) -> Result<Option<LaneMotion>, MotionError> {
        let Some(link) = field.velocity else { return Ok(None) };
        let (bit, moved_by) = if link.component.is_empty() {
            self.components.iter().enumerate().find(|(_, other)| other.type_id == component.type_id)
        } else {
            self.components.iter().enumerate().find(|(_, other)| other.name == link.component)
        }
        .ok_or(MotionError::NoComponent)?;
        let mut named = moved_by.fields_with_lanes().filter(|(other, _)| other.name == link.field);
        match (named.next(), named.next()) {
            (None, _) => Err(MotionError::NoField),
            (Some(_), Some(_)) => Err(MotionError::Ambiguous),
            (Some((velocity, at)), None) => LaneMotion::new(field, velocity, bit, at).map(Some),
        }
    }
}

impl ComponentLayout {
    /// Each field with the place of its first lane in the full layout.
    fn fields_with_lanes(&self) -> impl Iterator<Item = (&'static Field, usize)> {
        let mut at = self.first_lane;
        self.fields.iter().map(move |field| {
            at += field.lane_count();
            (field, at - field.lane_count())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Audience, Input, Replicate, Schema};
    use super::*;

    #[derive(Replicate)]
    #[replicate(priority = 3)]
    struct Mood(#[field(flags, bits = 5)] u32);

    #[derive(Replicate)]
    struct Spot {
        #[field(range(0.0..=100.0), step = 1.0)]
        x: f32,
        #[field(range(0.0..=200.0), step = 1.0)]
        y: f32,
    }

    #[derive(Replicate)]
    #[replicate(priority = 9)]
    struct Turn(#[field(bits = 9)] glam::Quat);

    #[derive(Replicate, Clone, Default)]
    struct Press(bool);

    impl Input for Press {
        fn clear_one_shots(&mut self) {}
    }

    fn schema() -> Schema {
        Schema::builder("layout")
            .replicate::<Mood>()
            .replicate::<Spot>()
            .replicate::<Turn>()
            .input::<Press>()
            .build()
            .unwrap()
    }

    #[test]
    fn lanes_of_components_that_are_absent_take_no_room() {
        let schema = schema();
        let layout = schema.stream(Audience::Public);
        assert_eq!([0b000, 0b001, 0b010, 0b101, 0b111].map(|mask| layout.lane_count(mask)), [0, 1, 2, 5, 7]);
        assert_eq!([0b100, 0b101, 0b110, 0b111].map(|mask| layout.lane_offset(mask, 2)), [0, 1, 2, 3]);
        assert_eq!((layout.lane_offset(0b111, 0), layout.lane_offset(0b111, 1)), (0, 1));
        assert_eq!((layout.full_mask(), schema.stream(Audience::Team).full_mask()), (0b111, 0));
        let present = |mask| layout.present(mask).map(|(bit, component)| (bit, component.name)).collect::<Vec<_>>();
        assert_eq!((present(0b101), present(0)), ([(0, "mood"), (2, "turn")].to_vec(), [].to_vec()));
    }

    #[test]
    fn a_record_has_a_bit_for_each_component_and_the_lanes_of_those_that_are_present() {
        let schema = schema();
        let layout = schema.stream(Audience::Public);
        let (mood, spot, turn) = (5, 7 + 8, 2 + 3 * 9);
        let expected = [3, 3 + mood, 3 + spot, 3 + mood + turn, 3 + mood + spot + turn];
        assert_eq!([0b000, 0b001, 0b010, 0b101, 0b111].map(|mask| layout.record_bits(mask)), expected);
        assert_eq!(schema.stream(Audience::Owner).record_bits(0), 0);
    }

    #[test]
    fn a_version_has_the_largest_priority_of_its_components() {
        let schema = schema();
        let priority = |mask| schema.stream(Audience::Public).priority(mask);
        assert_eq!([0b000, 0b001, 0b010, 0b011, 0b111].map(priority), [1, 3, 1, 3, 9]);
    }
}
