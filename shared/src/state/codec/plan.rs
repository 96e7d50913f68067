use super::super::field::{Field, FieldKind};
use super::super::lane::{Coding, Lane};
use super::super::layout::ComponentLayout;
use super::super::motion::LaneMotion;
use super::context::SCALES;
use super::frame::Numbers;
use alloc::vec::Vec;
use core::slice;

/// The order in which a stream's fields are coded, and how each is predicted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Fields that others are predicted from come first.
    pub(super) fields: Vec<FieldPlan>,
    /// How many lanes each component has.
    pub(super) lane_counts: Vec<usize>,
    /// For each component how many lanes are missing before each, if it is absent.
    pub(super) missing_without: Vec<[u16; COMPONENTS_MAX]>,
    /// Where each component's lanes begin among [`Plan::lanes`].
    pub(super) first_lanes: Vec<u16>,
    /// All lanes of the stream, in schema order.
    pub(super) lanes: Vec<Lane>,
    /// The mask of all components.
    pub(super) full_mask: u32,
}

/// One field of a component, or several that are the coordinates of one vector, or four lanes of a longer one.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldPlan {
    /// Its component's bit in the mask.
    pub(super) component: usize,
    /// How many lanes it has.
    pub(super) count: usize,
    /// Where its lanes begin among [`Plan::lanes`].
    pub(super) first_lane: u16,
    pub(super) kind: Kind,
    pub(super) shape: Shape,
    /// About the binary logarithm of a usual change, in steps.
    pub(super) order: u8,
    /// Of its range.
    step: Option<f32>,
    /// Of numbers: the largest value of each lane.
    pub(super) maxes: Numbers,
    /// Of numbers on a circle, which are alone: how many bits of 32 they leave unused. 0 for those on a line.
    pub(super) unused_bits: u32,
    /// The components in which the velocities of its lanes are; 0 if it has none.
    pub(super) velocities: u32,
    /// How its lanes move by those.
    pub(super) motions: [LaneMotion; LANES_MAX],
    /// For each of its lanes, if it is a velocity, the value that means standing still.
    rests: [Option<u32>; LANES_MAX],
}

/// Which code is for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Symbols,
    OneNumber,
    TwoNumbers,
    ThreeNumbers,
    FourNumbers,
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

/// Components of a stream: each has a bit of its mask.
pub(super) const COMPONENTS_MAX: usize = 32;

/// Lanes that are predicted together.
pub(super) const LANES_MAX: usize = 4;

impl Plan {
    /// The plan of a stream with these components, of whose lanes some move by a velocity.
    pub(crate) fn new(components: &[ComponentLayout], motions: &[Option<LaneMotion>]) -> Self {
        let mut plan = Self::default();
        for (component, layout) in components.iter().enumerate() {
            for field in layout.fields {
                plan.add(component, field, motions);
            }
            plan.lane_counts.push(layout.lanes.len());
            let missing = |other| if other > component { layout.lanes.len() as u16 } else { 0 };
            plan.missing_without.push(core::array::from_fn(missing));
            plan.first_lanes.push(layout.first_lane as u16);
            plan.full_mask |= 1 << component;
        }
        // What moves is told after its velocity.
        plan.fields.sort_by_key(|field| field.velocities != 0);
        plan
    }

    fn add(&mut self, component: usize, field: &Field, motions: &[Option<LaneMotion>]) {
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
            let lanes = &self.lanes[first_lane..end.min(first_lane + together)];
            let mut new = FieldPlan {
                component,
                count: lanes.len(),
                first_lane: first_lane as u16,
                kind,
                shape: Shape::of(kind, lanes.len()),
                order: field.order.min(SCALES as u8 - 1),
                step,
                maxes: [0; LANES_MAX],
                unused_bits: 0,
                velocities: 0,
                motions: [LaneMotion::default(); LANES_MAX],
                rests: [None; LANES_MAX],
            };
            for (at, lane) in lanes.iter().take(LANES_MAX).enumerate() {
                new.maxes[at] = lane.max;
                if matches!(lane.coding, Coding::Circle(_)) {
                    new.unused_bits = lane.max.leading_zeros();
                }
                if let Some(motion) = motions[first_lane + at] {
                    new.velocities |= 1 << motion.velocity_bit;
                    new.motions[at] = motion;
                }
                let moves =
                    motions.iter().flatten().find(|motion| usize::from(motion.velocity_lane) == first_lane + at);
                new.rests[at] = moves.map(|motion| motion.rest);
            }
            match self.fields.last_mut() {
                Some(last) if last.takes(&new) => last.append(&new),
                _ => self.fields.push(new),
            }
        }
    }

    /// The fields of the components in `mask`, in order.
    pub(super) fn fields_of(&self, mask: u32) -> Fields<'_> {
        Fields { left: self.fields.iter(), mask }
    }

    /// The components of `mask`, where their lanes begin in the full layout, and these.
    pub(super) fn components(&self, mask: u32) -> impl Iterator<Item = (usize, usize, &[Lane])> {
        let all = self.lane_counts.iter().zip(&self.first_lanes).enumerate();
        let present = all.filter(move |(component, _)| mask >> component & 1 != 0);
        present.map(|(component, (count, first))| {
            let first = usize::from(*first);
            (component, first, &self.lanes[first..first + count])
        })
    }

    /// The lanes of a field.
    pub(super) fn lanes_of(&self, field: &FieldPlan) -> &[Lane] {
        &self.lanes[usize::from(field.first_lane)..][..field.count]
    }
}

impl Shape {
    const fn of(kind: Kind, count: usize) -> Self {
        match (kind, count) {
            (Kind::Symbols, _) => Self::Symbols,
            (_, 1) => Self::OneNumber,
            (_, 2) => Self::TwoNumbers,
            (_, 3) => Self::ThreeNumbers,
            (..) => Self::FourNumbers,
        }
    }
}

impl FieldPlan {
    /// Whether another field is one more coordinate of the same vector: then its residuals are like those of this one.
    fn takes(&self, next: &Self) -> bool {
        let alike = |field: &Self| (field.component, field.kind, field.step, field.velocities != 0);
        alike(self) == alike(next) && self.step.is_some() && self.count + next.count <= LANES_MAX
    }

    fn append(&mut self, next: &Self) {
        self.maxes[self.count] = next.maxes[0];
        self.motions[self.count] = next.motions[0];
        self.rests[self.count] = next.rests[0];
        self.velocities |= next.velocities;
        self.count += next.count;
        self.shape = Shape::of(self.kind, self.count);
        self.order = self.order.max(next.order);
    }

    /// The difference that leads from one value of a lane to another: on a circle the shorter way round.
    #[inline]
    pub(super) const fn difference<const N: usize>(&self, from: u32, to: u32) -> i32 {
        let difference = to.wrapping_sub(from).cast_signed();
        if N == 1 { difference << self.unused_bits >> self.unused_bits } else { difference }
    }

    /// The value that lies so far from `from`; `None` if there is no such.
    #[inline]
    pub(super) fn value<const N: usize>(&self, at: usize, from: u32, difference: i32) -> Option<u32> {
        let value = from.wrapping_add_signed(difference);
        if N == 1 && self.unused_bits > 0 {
            return Some(value & self.maxes[at]);
        }
        (value <= self.maxes[at]).then_some(value)
    }

    /// The value `motion` away from `from`; on a line it ends at its ends.
    #[inline]
    pub(super) fn advance<const N: usize>(&self, at: usize, from: u32, motion: i64) -> u32 {
        let value = i64::from(from) + motion;
        if N == 1 && self.unused_bits > 0 {
            value as u32 & self.maxes[at]
        } else {
            value.clamp(0, i64::from(self.maxes[at])) as u32
        }
    }

    /// If it is a velocity along the ground: the values of its first two lanes that mean standing still.
    #[inline]
    pub(super) const fn rests_on_ground(&self) -> Option<[u32; 2]> {
        match self.rests {
            [Some(x), Some(y), ..] => Some([x, y]),
            _ => None,
        }
    }
}

/// The fields of some components.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields<'a> {
    left: slice::Iter<'a, FieldPlan>,
    mask: u32,
}

impl Fields<'_> {
    /// Whether there are no more.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.clone().next().is_none()
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a FieldPlan;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left.find(|field| self.mask >> field.component & 1 != 0)
    }
}
