use super::super::field::{Field, FieldKind};
use super::super::lane::Lane;
use super::super::layout::ComponentLayout;
use super::super::motion::LaneMotion;
use super::frame::Begins;
use alloc::vec::Vec;

/// The order in which a stream's fields are coded, and how each is predicted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Fields that others are predicted from come first.
    pub(super) fields: Vec<FieldPlan>,
    /// How many lanes each component has.
    pub(super) lane_counts: Vec<usize>,
    /// Where each component's lanes begin among [`Plan::lanes`].
    pub(super) first_lanes: Vec<u16>,
    /// All lanes of the stream, in schema order.
    pub(super) lanes: Vec<Lane>,
    /// The mask of all components.
    full_mask: u32,
}

/// One field of a component, or several that are the coordinates of one vector, or four lanes of a longer one.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldPlan {
    /// Its component's bit in the mask.
    pub(super) component: usize,
    /// Where its lanes begin within the component.
    pub(super) offset: usize,
    /// How many lanes it has.
    pub(super) count: usize,
    /// Where its lanes begin among [`Plan::lanes`].
    pub(super) first_lane: usize,
    pub(super) kind: Kind,
    /// About the binary logarithm of a usual change, in steps.
    pub(super) order: u32,
    /// Of its range.
    step: Option<f32>,
    /// For each of its lanes how it moves, if a velocity says so.
    pub(super) motions: [Option<LaneMotion>; LANES_MAX],
    /// If it is a velocity: the values of its lanes that mean standing still.
    pub(super) rests: [Option<u32>; LANES_MAX],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Numbers that go on as they went.
    Linear,
    /// Numbers that stay as they are.
    Hold,
    /// A rotation of so many bits a component.
    Rotation(u8),
    /// What has no order.
    Symbols,
}

/// Lanes that are predicted together.
pub(super) const LANES_MAX: usize = 4;

impl Plan {
    /// The plan of a stream with these components, of whose lanes some move by a velocity.
    pub(crate) fn new(components: &[ComponentLayout], motions: &[Option<LaneMotion>]) -> Self {
        let mut plan = Self::default();
        for (component, layout) in components.iter().enumerate() {
            for field in layout.fields {
                plan.add(component, layout.first_lane, field, motions);
            }
            plan.lane_counts.push(layout.lanes.len());
            plan.first_lanes.push(layout.first_lane as u16);
            plan.full_mask |= 1 << component;
        }
        // What moves is told after its velocity.
        plan.fields.sort_by_key(|field| field.motions[0].is_some());
        plan
    }

    fn add(&mut self, component: usize, component_first: usize, field: &Field, motions: &[Option<LaneMotion>]) {
        let begin = self.lanes.len();
        self.lanes.extend(field.lanes());
        let end = self.lanes.len();
        let is_velocity = |motion: &LaneMotion| (begin..end).contains(&usize::from(motion.velocity_lane));
        let held = field.held || motions.iter().flatten().any(is_velocity);
        let kind = match field.kind {
            FieldKind::Range { .. } if !held => Kind::Linear,
            FieldKind::Range { .. }
            | FieldKind::Angle { .. }
            | FieldKind::Integer { .. }
            | FieldKind::Counter { .. } => Kind::Hold,
            FieldKind::Rotation { bits } => Kind::Rotation(bits),
            FieldKind::Flags { .. }
            | FieldKind::Choice { .. }
            | FieldKind::Reference
            | FieldKind::Text { .. }
            | FieldKind::Blob { .. } => Kind::Symbols,
        };
        let step = if let FieldKind::Range { step, .. } = field.kind { Some(step) } else { None };
        let together = if kind == Kind::Symbols { end - begin } else { LANES_MAX };
        for first_lane in (begin..end).step_by(together) {
            let mut new = FieldPlan {
                component,
                offset: first_lane - component_first,
                count: together.min(end - first_lane),
                first_lane,
                kind,
                order: u32::from(field.order),
                step,
                motions: [None; LANES_MAX],
                rests: [None; LANES_MAX],
            };
            for (rest, lane) in new.rests.iter_mut().zip(first_lane..end) {
                let moves = motions.iter().flatten().find(|motion| usize::from(motion.velocity_lane) == lane);
                *rest = moves.map(|motion| motion.rest);
            }
            new.motions.iter_mut().zip(&motions[first_lane..end]).for_each(|(mine, motion)| *mine = *motion);
            match self.fields.last_mut() {
                Some(last) if last.takes(&new) => last.append(&new),
                _ => self.fields.push(new),
            }
        }
    }

    /// Where each component begins in the lanes of a version with `mask`. `place` is used if it has not all of them.
    #[inline]
    pub(super) fn begins<'a>(&'a self, mask: u32, place: &'a mut Begins) -> &'a [u16] {
        if mask == self.full_mask { &self.first_lanes } else { self.find_begins(mask, place) }
    }

    fn find_begins<'a>(&self, mask: u32, place: &'a mut Begins) -> &'a [u16] {
        let mut next = 0;
        for (component, (begin, count)) in place.iter_mut().zip(&self.lane_counts).enumerate() {
            *begin = next;
            next += if mask >> component & 1 != 0 { *count as u16 } else { 0 };
        }
        place
    }

    /// The components of `mask` with their lanes.
    pub(super) fn components(&self, mask: u32) -> impl Iterator<Item = (usize, &[Lane])> {
        let all = self.lane_counts.iter().zip(&self.first_lanes).enumerate();
        let present = all.filter(move |(component, _)| mask >> component & 1 != 0);
        present.map(|(component, (count, first))| (component, &self.lanes[usize::from(*first)..][..*count]))
    }

    /// The lanes of a field.
    pub(super) fn lanes_of(&self, field: &FieldPlan) -> &[Lane] {
        &self.lanes[field.first_lane..field.first_lane + field.count]
    }
}

impl FieldPlan {
    /// Whether another field is one more coordinate of the same vector: then its residuals are like those of this one.
    fn takes(&self, next: &Self) -> bool {
        let alike = |field: &Self| (field.component, field.kind, field.step, field.motions[0].is_some());
        alike(self) == alike(next) && self.step.is_some() && self.count + next.count <= LANES_MAX
    }

    fn append(&mut self, next: &Self) {
        self.motions[self.count..].iter_mut().zip(next.motions).for_each(|(mine, motion)| *mine = motion);
        self.rests[self.count..].iter_mut().zip(next.rests).for_each(|(mine, rest)| *mine = rest);
        self.count += next.count;
        self.order = self.order.max(next.order);
    }
}
