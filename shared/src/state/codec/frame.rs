use super::super::version::VersionRef;
use super::plan::{FieldPlan, Plan};

/// A version, and where in it each component's lanes begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    plan: &'a Plan,
    pub(super) mask: u32,
    lanes: &'a [u32],
}

impl<'a> Frame<'a> {
    #[inline]
    pub(super) const fn new(plan: &'a Plan, version: VersionRef<'a>) -> Self {
        Self { plan, mask: version.mask, lanes: version.lanes }
    }

    #[inline]
    pub(super) const fn has(&self, component: usize) -> bool {
        self.mask >> component & 1 != 0
    }

    /// The lanes of a field, whose component is there.
    #[inline]
    pub(super) fn lanes_of(&self, field: &FieldPlan) -> &'a [u32] {
        let begin = self.plan.offset(self.mask, field.component) + field.offset;
        &self.lanes[begin..begin + field.count]
    }

    /// One lane of a component that is there.
    #[inline]
    pub(super) fn lane(&self, component: usize, offset: usize) -> u32 {
        self.lanes[self.plan.offset(self.mask, component) + offset]
    }

    /// All lanes of a component that is there.
    pub(super) fn component(&self, component: usize) -> &'a [u32] {
        let begin = self.plan.offset(self.mask, component);
        &self.lanes[begin..begin + self.plan.lane_counts[component]]
    }
}
