use super::super::version::VersionRef;
use super::plan::{FieldPlan, Plan};

/// A version, and where in it each component's lanes begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) mask: u32,
    lanes: &'a [u32],
    offsets: [u16; 32],
}

impl<'a> Frame<'a> {
    pub(super) fn new(plan: &Plan, version: VersionRef<'a>) -> Self {
        Self { mask: version.mask, lanes: version.lanes, offsets: offsets(plan, version.mask) }
    }

    /// A version of which some lanes may still be missing.
    pub(super) const fn of(lanes: &'a [u32], mask: u32, offsets: &[u16; 32]) -> Self {
        Self { mask, lanes, offsets: *offsets }
    }

    pub(super) const fn has(&self, component: usize) -> bool {
        self.mask >> component & 1 != 0
    }

    /// The lanes of a field, whose component is there.
    #[inline]
    pub(super) fn lanes_of(&self, field: &FieldPlan) -> &'a [u32] {
        let begin = usize::from(self.offsets[field.component]) + field.offset;
        &self.lanes[begin..begin + field.count]
    }

    /// `count` lanes of a component that is there.
    #[inline]
    pub(super) fn lanes_at(&self, component: usize, offset: usize, count: usize) -> &'a [u32] {
        let begin = usize::from(self.offsets[component]) + offset;
        &self.lanes[begin..begin + count]
    }
}

/// Where each component of `mask` begins in a version.
pub(super) fn offsets(plan: &Plan, mask: u32) -> [u16; 32] {
    let mut offsets = [0; 32];
    let mut next = 0;
    for (component, count) in plan.lane_counts.iter().enumerate() {
        offsets[component] = next as u16;
        if mask >> component & 1 != 0 {
            next += count;
        }
    }
    offsets
}
