use super::super::layout::StreamLayout;
use super::super::version::VersionRef;
use super::Baselines;
use super::ages::Ages;
use super::codebook::Codebook;
use super::frame::{Frame, Parts, Whole};
use super::plan::Plan;
use super::predict::Known;

/// Codes deltas of one layout against versions of the same ages: what all records of a snapshot that name the same baselines have in
/// common is worked out once.
#[derive(Clone, Debug)]
pub struct DeltaCoder<'a> {
    pub(super) plan: &'a Plan,
    pub(super) book: &'a Codebook,
    ages: Ages,
}

impl<'a> DeltaCoder<'a> {
    /// A coder for baselines whose ticks lie so many before the snapshot: the first at least 1, the second more than the first. There
    /// are `tick_hz` ticks in a second, 1 to 240.
    #[must_use]
    pub fn new(layout: &'a StreamLayout, first_age: u32, second_age: Option<u32>, tick_hz: u32) -> Self {
        let ages = Ages::new(first_age, second_age, tick_hz);
        Self { plan: layout.coding_plan(), book: layout.codebook(), ages }
    }

    /// A version, if it has all components.
    #[inline]
    pub(super) fn whole_frame<'v>(&self, version: VersionRef<'v>) -> Option<Frame<'v, Whole>> {
        (version.mask == self.plan.full_mask).then_some(Frame { lanes: version.lanes, places: Whole })
    }

    /// The baselines, if they have all components.
    #[inline]
    pub(super) fn whole<'v>(
        &'v self,
        first: VersionRef<'v>,
        second: Option<VersionRef<'v>>,
    ) -> Option<Known<'v, Whole>> {
        let second = match second {
            Some(second) => Some(self.whole_frame(second)?),
            None => None,
        };
        Some(Known { first: self.whole_frame(first)?, second, ages: &self.ages })
    }

    /// Where in the baselines the components are.
    pub(super) fn parts(&self, first: VersionRef<'_>, second: Option<VersionRef<'_>>) -> [Parts; 2] {
        let places = Parts::new(self.plan, first.mask);
        match second {
            Some(second) if second.mask != first.mask => [places, Parts::new(self.plan, second.mask)],
            _ => [places; 2],
        }
    }

    /// The baselines, given their [`DeltaCoder::parts`].
    pub(super) fn known_parts<'v>(
        &'v self,
        first: VersionRef<'v>,
        second: Option<VersionRef<'v>>,
        [first_places, second_places]: &'v [Parts; 2],
    ) -> Known<'v, &'v Parts> {
        let second = second.map(|second| Frame { lanes: second.lanes, places: second_places });
        Known { first: Frame { lanes: first.lanes, places: first_places }, second, ages: &self.ages }
    }
}

impl<'a> Baselines<'a> {
    /// A coder for these ages, and the second version.
    pub(super) fn coder<'l>(&self, layout: &'l StreamLayout) -> (DeltaCoder<'l>, Option<VersionRef<'a>>) {
        let (second, age) = self.second.unzip();
        (DeltaCoder::new(layout, self.first_age, age, self.tick_hz), second)
    }
}
