use super::super::layout::StreamLayout;
use super::super::version::VersionRef;
use super::coder::DeltaCoder;
use super::context::{Expectation, GROUP, Place, context};
use super::expected::{Expected, FIELDS_MAX};
use super::frame::{Frame, Numbers, Parts, Places};
use super::plan::{FieldPlan, Kind, LANES_MAX, Plan, Shape};
use super::predict::{Known, Manner, same};
use super::sink::{BitSink, Code, Sink};
use super::telling::{Told, tell_lanes};
use super::{Baselines, MASK_CHANGED, SURPRISE, residual, rotation};
use crate::bits::BitWriter;
use arrayvec::ArrayVec;
use core::convert::Infallible;

/// Writes all of `version`.
pub fn encode_full(layout: &StreamLayout, version: VersionRef<'_>, w: &mut BitWriter) {
    let plan = layout.coding_plan();
    let mut sink = BitSink::new(layout.codebook(), w);
    sink.raw(version.mask, plan.lane_counts.len() as u32);
    let places = Parts::new(plan, version.mask);
    write_components(plan, &Frame { lanes: version.lanes, places: &places }, version.mask, &mut sink);
    sink.finish();
}

/// Writes what leads from the baselines to `version`. Whoever writes more than one makes a [`DeltaCoder`].
pub fn encode_delta(layout: &StreamLayout, baselines: &Baselines<'_>, version: VersionRef<'_>, w: &mut BitWriter) {
    let (coder, second) = baselines.coder(layout);
    coder.encode(baselines.first, second, version, w);
}

/// The same into any [`Sink`]: how tables are trained, and other codes compared.
pub fn encode_delta_to<S: Sink>(
    layout: &StreamLayout,
    baselines: &Baselines<'_>,
    version: VersionRef<'_>,
    sink: &mut S,
) {
    let (coder, second) = baselines.coder(layout);
    coder.encode_to(baselines.first, second, version, sink);
}

impl DeltaCoder<'_> {
    /// Writes what leads from these baselines to `new`.
    pub fn encode(
        &self,
        first: VersionRef<'_>,
        second: Option<VersionRef<'_>>,
        new: VersionRef<'_>,
        w: &mut BitWriter,
    ) {
        let mut sink = BitSink::new(self.book, w);
        self.encode_to(first, second, new, &mut sink);
        sink.finish();
    }

    /// The same into any [`Sink`].
    #[inline(always)]
    fn encode_to<S: Sink>(
        &self,
        first: VersionRef<'_>,
        second: Option<VersionRef<'_>>,
        new: VersionRef<'_>,
        sink: &mut S,
    ) {
        if let Some(known) = self.whole(first, second)
            && let Some(new) = self.whole_frame(new)
        {
            return write_fields(self.plan, self.plan.full_mask, &known, &new, sink);
        }
        self.encode_parts(first, second, new, sink);
    }

    /// The same of versions that have not all components.
    #[inline(never)]
    fn encode_parts<S: Sink>(
        &self,
        first: VersionRef<'_>,
        second: Option<VersionRef<'_>>,
        new: VersionRef<'_>,
        sink: &mut S,
    ) {
        let places = self.parts(first, second);
        let (known, new_places) = (self.known_parts(first, second, &places), Parts::new(self.plan, new.mask));
        let new_frame = Frame { lanes: new.lanes, places: &new_places };
        if new.mask != first.mask {
            // The decoder does not know yet which components are still there.
            sink.symbol(expected(self.plan, first.mask, &known).code(0), MASK_CHANGED, 0, 0);
            sink.raw(new.mask, self.plan.lane_counts.len() as u32);
            write_components(self.plan, &new_frame, new.mask & !first.mask, sink);
        }
        write_fields(self.plan, first.mask & new.mask, &known, &new_frame, sink);
    }
}

#[cfg(test)]
impl DeltaCoder<'_> {
    /// [`DeltaCoder::encode`], as if components were missing.
    pub(super) fn encode_as_parts(
        &self,
        first: VersionRef<'_>,
        second: Option<VersionRef<'_>>,
        new: VersionRef<'_>,
        w: &mut BitWriter,
    ) {
        let mut sink = BitSink::new(self.book, w);
        self.encode_parts(first, second, new, &mut sink);
        sink.finish();
    }
}

/// What is expected of the first block of the components in `mask`.
fn expected<P: Places>(plan: &Plan, mask: u32, known: &Known<'_, P>) -> Expected {
    let mut expected = Expected::default();
    for field in plan.fields_of(mask).take(FIELDS_MAX) {
        expected.push(known.past_of(field).expectation);
    }
    expected
}

/// What a block says after its pattern, one after the other.
#[derive(Clone, Copy)]
enum Item<'a> {
    /// In a context.
    Residual(u16, i32),
    /// Another component of a rotation is the largest: how many numbers after the one before, 1 to 3; in a context.
    Turn(u16, u32),
    /// A field of what has no order.
    Symbols(&'a FieldPlan),
}

type Items<'a> = ArrayVec<Item<'a>, { FIELDS_MAX * LANES_MAX }>;

/// The fields of the components in `common`, block by block.
#[inline(always)]
fn write_fields<P: Places, S: Sink>(plan: &Plan, common: u32, known: &Known<'_, P>, new: &Frame<'_, P>, sink: &mut S) {
    let mut fields = plan.fields_of(common);
    loop {
        let (mut pattern, mut items) = (Pattern::default(), Items::new());
        for field in fields.by_ref().take(FIELDS_MAX) {
            let (expectation, differs) = match field.shape {
                Shape::Symbols => compare_symbols(field, known, new, &mut items),
                Shape::OneNumber => compare::<1, P>(field, known, new, &mut items),
                Shape::TwoNumbers => compare::<2, P>(field, known, new, &mut items),
                Shape::ThreeNumbers => compare::<3, P>(field, known, new, &mut items),
                Shape::FourNumbers => compare::<4, P>(field, known, new, &mut items),
            };
            pattern.push(expectation, differs);
        }
        write_block(plan, &pattern, &items, known, new, sink);
        if fields.is_empty() {
            return;
        }
    }
}

/// A block. By itself, as it needs all registers.
#[inline(never)]
fn write_block<P: Places, S: Sink>(
    plan: &Plan,
    pattern: &Pattern,
    items: &[Item<'_>],
    known: &Known<'_, P>,
    new: &Frame<'_, P>,
    sink: &mut S,
) {
    pattern.write(sink);
    for item in items {
        match *item {
            Item::Residual(context, residual) => residual::write(residual, usize::from(context), sink),
            Item::Turn(context, turn) => sink.symbol(Code::Residual(usize::from(context)), residual::TURN, turn, 2),
            Item::Symbols(field) => {
                write_symbols(plan, field, known.first.lanes_of(field), new.lanes_of(field), sink);
            }
        }
    }
}

/// What is expected of a field of numbers, and whether it differs from its prediction: then also by what.
#[inline(always)]
fn compare<const N: usize, P: Places>(
    field: &FieldPlan,
    known: &Known<'_, P>,
    new_frame: &Frame<'_, P>,
    items: &mut Items<'_>,
) -> (Expectation, bool) {
    let past = known.past::<N>(field);
    let (predicted, new) = (known.predict::<N>(field, &past, new_frame), new_frame.numbers_of::<N>(field));
    if predicted == new {
        return (past.expectation, false);
    }
    let manner = known.manner::<N>(field, &past, new_frame);
    if let (Kind::Rotation(bits), Some(predicted), Some(new)) = (field.kind, predicted.first_chunk(), new.first_chunk())
    {
        tell_rotation(predicted, new, bits, &manner, items);
        return (past.expectation, true);
    }
    let Ok(()) = tell_lanes(field, predicted, &manner, |lane| {
        let value = new[lane.at];
        let difference = field.difference::<N>(lane.predicted, value);
        let residual = if lane.backward { -difference } else { difference };
        items.push(Item::Residual(lane.context as u16, residual));
        Ok::<_, Infallible>(Told { value, residual })
    });
    (past.expectation, true)
}

/// Which component is the largest, if it is another one, then the residuals of the others.
fn tell_rotation(predicted: &Numbers<4>, new: &Numbers<4>, bits: u8, manner: &Manner, items: &mut Items<'_>) {
    let (mut predicted, mut backward, mut place) = (*predicted, manner.backward, Place::FIRST);
    let context = |place| context(manner.family, manner.scale, place) as u16;
    if new[0] != predicted[0] {
        items.push(Item::Turn(context(place), new[0].wrapping_sub(predicted[0]) & 3));
        (predicted, backward) = (rotation::expressed(predicted, new[0], bits), 0);
    }
    for at in 1..4 {
        let difference = new[at].wrapping_sub(predicted[at]).cast_signed();
        let residual = if backward >> at & 1 != 0 { -difference } else { difference };
        items.push(Item::Residual(context(place), residual));
        place = place.after(residual);
    }
}

/// The same of a field of what has no order.
fn compare_symbols<'a, P: Places>(
    field: &'a FieldPlan,
    known: &Known<'_, P>,
    new: &Frame<'_, P>,
    items: &mut Items<'a>,
) -> (Expectation, bool) {
    let differs = !same(known.first.lanes_of(field), new.lanes_of(field));
    if differs {
        items.push(Item::Symbols(field));
    }
    (known.past_of_symbols(field).expectation, differs)
}

/// Which fields of a block differ from their predictions.
#[derive(Default)]
struct Pattern {
    expected: Expected,
    /// Of those that are expected to change, one after the other, and of the others.
    active: u32,
    still: u32,
}

impl Pattern {
    #[inline]
    fn push(&mut self, expectation: Expectation, differs: bool) {
        let (active_at, still_at) = (self.expected.active_count(), self.expected.still_count());
        if self.expected.push(expectation) {
            self.active |= u32::from(differs) << active_at;
        } else {
            self.still |= u32::from(differs) << still_at;
        }
    }

    #[inline(always)]
    fn write<S: Sink>(&self, sink: &mut S) {
        let mut surprise = if self.still != 0 { SURPRISE } else { 0 };
        for group in 0..self.expected.groups() {
            let bits = (self.active >> (group * GROUP)) as u8 & ((1 << GROUP) - 1);
            sink.symbol(self.expected.code(group), bits | surprise, 0, 0);
            surprise = 0;
        }
        if self.still != 0 && self.expected.still_count() > 1 {
            sink.raw(self.still, self.expected.still_count());
        }
    }
}

#[inline(always)]
fn write_symbols<S: Sink>(plan: &Plan, field: &FieldPlan, old: &[u32], new: &[u32], sink: &mut S) {
    for (at, lane) in plan.lanes_of(field).iter().enumerate() {
        if field.count > 1 {
            sink.raw(u32::from(old[at] != new[at]), 1);
        }
        if field.count == 1 || old[at] != new[at] {
            sink.raw(new[at], lane.bits());
        }
    }
}

/// The components of `mask`, absolute.
fn write_components<S: Sink>(plan: &Plan, frame: &Frame<'_, &Parts>, mask: u32, sink: &mut S) {
    for (component, first_lane, lanes) in plan.components(mask) {
        let begin = frame.places.place(component, first_lane);
        for (lane, value) in lanes.iter().zip(&frame.lanes[begin..]) {
            sink.raw(*value, lane.bits());
        }
    }
}
