use super::super::version::VersionRef;
use super::plan::{FieldPlan, Plan};

/// A version, and where in it each component's lanes begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) mask: u32,
    lanes: &'a [u32],
    /// By component.
    begins: &'a [u16],
}

/// Place for where components begin in a version that has not all of them.
pub(super) type Begins = [u16; 32];

impl<'a> Frame<'a> {
    #[inline]
    pub(super) fn new(plan: &'a Plan, version: VersionRef<'a>, place: &'a mut Begins) -> Self {
        Self { mask: version.mask, lanes: version.lanes, begins: plan.begins(version.mask, place) }
    }

    /// A version of which some lanes may still be missing.
    #[inline]
    pub(super) const fn of(mask: u32, lanes: &'a [u32], begins: &'a [u16]) -> Self {
        Self { mask, lanes, begins }
    }

    #[inline]
    pub(super) const fn has(&self, component: usize) -> bool {
        self.mask >> component & 1 != 0
    }

    /// The lanes of a field, whose component is there.
    #[inline]
    pub(super) fn lanes_of(&self, field: &FieldPlan) -> &'a [u32] {
        let begin = usize::from(self.begins[field.component]) + field.offset;
        &self.lanes[begin..begin + field.count]
    }

    /// One lane of a component that is there.
    #[inline]
    pub(super) fn lane(&self, component: usize, offset: usize) -> u32 {
        self.lanes[usize::from(self.begins[component]) + offset]
    }

    /// From where a component that is there begins.
    pub(super) fn lanes_from(&self, component: usize) -> &'a [u32] {
        &self.lanes[usize::from(self.begins[component])..]
    }
}
