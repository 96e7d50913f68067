use super::plan::{COMPONENTS_MAX, FieldPlan, LANES_MAX, Plan};

/// Where in a version's lanes its components are.
pub(super) trait Places: Copy {
    /// Whether all components of a mask are there.
    fn has(self, mask: u32) -> bool;

    /// Where a lane of a component that is there lies, given where it lies in the full layout.
    fn place(self, component: usize, lane: usize) -> usize;
}

/// Of a version that has all components, as nearly all have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole;

/// Of a version that may have only some. The default one has none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts {
    mask: u32,
    /// By component: how many lanes of the full layout are missing before it.
    missing: [u16; COMPONENTS_MAX],
}

/// A version's lanes, and where they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a, P> {
    pub(super) lanes: &'a [u32],
    pub(super) places: P,
}

/// The lanes of a field of so many numbers. That they are counted when the code is compiled makes it twice as fast.
pub(super) type Numbers<const N: usize = LANES_MAX> = [u32; N];

impl Places for Whole {
    #[inline]
    fn has(self, _: u32) -> bool {
        true
    }

    #[inline]
    fn place(self, _: usize, lane: usize) -> usize {
        lane
    }
}

impl Parts {
    pub(super) fn new(plan: &Plan, mask: u32) -> Self {
        let (mut missing, mut absent) = ([0; COMPONENTS_MAX], plan.full_mask & !mask);
        while absent != 0 {
            // Nearly always few are absent, and all components at once are as fast as one.
            for (missing, count) in missing.iter_mut().zip(&plan.missing_without[absent.trailing_zeros() as usize]) {
                *missing += count;
            }
            absent &= absent - 1;
        }
        Self { mask, missing }
    }
}

impl Places for &Parts {
    #[inline]
    fn has(self, mask: u32) -> bool {
        self.mask & mask == mask
    }

    #[inline]
    fn place(self, component: usize, lane: usize) -> usize {
        lane - usize::from(self.missing[component])
    }
}

impl<'a, P: Places> Frame<'a, P> {
    /// The lanes of a field, whose component is there.
    #[inline]
    pub(super) fn lanes_of(&self, field: &FieldPlan) -> &'a [u32] {
        let begin = self.places.place(field.component, usize::from(field.first_lane));
        &self.lanes[begin..begin + field.count]
    }

    /// The same of a field of `N` numbers.
    #[inline(always)]
    pub(super) fn numbers_of<const N: usize>(&self, field: &FieldPlan) -> Numbers<N> {
        let begin = self.places.place(field.component, usize::from(field.first_lane));
        *self.lanes[begin..begin + N].first_chunk().expect("it has so many lanes")
    }

    /// One lane of a component that is there.
    #[inline]
    pub(super) fn lane(&self, component: usize, lane: usize) -> u32 {
        self.lanes[self.places.place(component, lane)]
    }
}
