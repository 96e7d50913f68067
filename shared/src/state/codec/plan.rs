use super::super::field::{Field, FieldKind};
use super::super::lane::Lane;
use alloc::vec::Vec;

/// The order in which a stream's fields are coded, and how each is predicted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Fields that others are predicted from come first.
    pub(super) fields: Vec<FieldPlan>,
    /// How many lanes each component has.
    pub(super) lane_counts: Vec<usize>,
    /// All lanes of the stream, in schema order.
    pub(super) lanes: Vec<Lane>,
}

/// One field of a component, or up to four lanes of a longer one.
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
    pub(super) velocity: Option<Link>,
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

/// Where the velocity of a position is found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) component: usize,
    pub(super) offset: usize,
    /// Steps of the position that a step of the velocity makes in a tick, in 1/2^20.
    pub(super) slope: i64,
    /// Steps of the position that the velocity's lane 0 makes in a tick, in 1/2^20: negative.
    pub(super) intercept: [i64; LANES_MAX],
}

impl FieldPlan {
    /// Whether a range with this step is one more coordinate of the same vector: then its residuals are like these.
    fn continues(&self, component: usize, kind: Kind, step: f32) -> bool {
        self.component == component && self.kind == kind && self.step == Some(step) && self.count < LANES_MAX
    }
}

impl Link {
    /// Bits of a step after the point.
    pub(super) const FRACTION_BITS: u32 = 20;
}

/// Lanes that are predicted together.
pub(super) const LANES_MAX: usize = 4;

impl Plan {
    /// The plan of the stream whose components have these fields, in schema order.
    pub(crate) fn new<'a>(components: impl Iterator<Item = &'a [Field]>) -> Self {
        let mut plan = Self::default();
        for (component, fields) in components.enumerate() {
            let first = plan.lanes.len();
            for field in fields {
                plan.add(component, first, field);
            }
            plan.lane_counts.push(plan.lanes.len() - first);
        }
        // Links would need their velocities first.
        plan.fields.sort_by_key(|field| field.velocity.is_some());
        plan
    }

    fn add(&mut self, component: usize, component_first: usize, field: &Field) {
        let kind = match field.kind {
            FieldKind::Range { .. } if field.held => Kind::Hold,
            FieldKind::Range { .. } => Kind::Linear,
            FieldKind::Angle { .. } | FieldKind::Integer { .. } => Kind::Hold,
            FieldKind::Rotation { bits } => Kind::Rotation(bits),
            FieldKind::Flags { .. } => Kind::Symbols,
        };
        let begin = self.lanes.len();
        self.lanes.extend(field.lanes());
        let end = self.lanes.len();
        if let (Some(last), FieldKind::Range { step, .. }) = (self.fields.last_mut(), field.kind)
            && last.continues(component, kind, step)
        {
            last.count += 1;
            last.order = last.order.max(u32::from(field.order));
            return;
        }
        let step = if let FieldKind::Range { step, .. } = field.kind { Some(step) } else { None };
        let together = if kind == Kind::Symbols { end - begin } else { LANES_MAX };
        for first_lane in (begin..end).step_by(together) {
            self.fields.push(FieldPlan {
                component,
                offset: first_lane - component_first,
                count: together.min(end - first_lane),
                first_lane,
                kind,
                order: u32::from(field.order),
                step,
                velocity: None,
            });
        }
    }

    /// The components of `mask` with their lanes.
    pub(super) fn components(&self, mask: u32) -> impl Iterator<Item = (usize, &[Lane])> {
        let mut first = 0;
        let all = self.lane_counts.iter().enumerate().map(move |(component, count)| {
            first += count;
            (component, &self.lanes[first - count..first])
        });
        all.filter(move |(component, _)| mask >> component & 1 != 0)
    }

    /// The lanes of a field.
    pub(super) fn lanes_of(&self, field: &FieldPlan) -> &[Lane] {
        &self.lanes[field.first_lane..field.first_lane + field.count]
    }
}
