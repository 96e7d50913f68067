use super::super::layout::StreamLayout;
use super::super::version::VersionRef;
use super::block::Block;
use super::context::{GROUP, Place};
use super::frame::Frame;
use super::plan::{FieldPlan, Kind, Plan};
use super::predict::{Known, Prediction};
use super::sink::{BitSink, Sink};
use super::{Baselines, MASK_CHANGED, SURPRISE, residual};
use crate::bits::BitWriter;

/// Writes all of `version`.
pub fn encode_full(layout: &StreamLayout, version: VersionRef<'_>, w: &mut BitWriter) {
    let plan = layout.coding_plan();
    let mut sink = BitSink { book: layout.codebook(), w };
    sink.raw(version.mask, plan.lane_counts.len() as u32);
    write_components(plan, &Frame::new(plan, version, &mut [0; 32]), version.mask, &mut sink);
}

/// Writes what leads from the baselines to `version`.
pub fn encode_delta(layout: &StreamLayout, baselines: &Baselines<'_>, version: VersionRef<'_>, w: &mut BitWriter) {
    encode_delta_to(layout, baselines, version, &mut BitSink { book: layout.codebook(), w });
}

/// The same into any [`Sink`]: how tables are trained, and other codes compared.
pub fn encode_delta_to<S: Sink>(
    layout: &StreamLayout,
    baselines: &Baselines<'_>,
    version: VersionRef<'_>,
    sink: &mut S,
) {
    let plan = layout.coding_plan();
    let (mut places, mut place) = ([[0; 32]; 2], [0; 32]);
    let known = Known::new(plan, baselines, &mut places);
    let new = Frame::new(plan, version, &mut place);
    let old_mask = known.first.mask;
    let mut block = Block::default();
    if new.mask != old_mask {
        // The decoder does not know yet which components are still there.
        block.advance(plan, &known, old_mask);
        sink.symbol(block.code(0), MASK_CHANGED, 0, 0);
        sink.raw(new.mask, plan.lane_counts.len() as u32);
        write_components(plan, &new, new.mask & !old_mask, sink);
        block.rewind();
    }
    let common = old_mask & new.mask;
    loop {
        block.advance(plan, &known, common);
        let mut differ = Differ::default();
        for at in 0..block.len() {
            let (field, prediction) = block.field(at, plan);
            prediction.follow(plan, field, &known, &new);
            differ.note(at, !prediction.holds(field, &known, new.lanes_of(field)), block.is_active(at));
        }
        differ.write(&block, sink);
        while differ.fields != 0 {
            let (field, prediction) = block.field(differ.fields.trailing_zeros() as usize, plan);
            write_field(plan, field, prediction, &known, new.lanes_of(field), sink);
            differ.fields &= differ.fields - 1;
        }
        if block.is_last(plan, common) {
            return;
        }
    }
}

/// Which fields of a block differ from their predictions.
#[derive(Default)]
struct Differ {
    /// Of all.
    fields: u32,
    /// Of those that are expected to change, and of the others, one after the other, and how many these are.
    expected: u32,
    expected_count: u32,
    still: u32,
    still_count: u32,
}

impl Differ {
    #[inline]
    fn note(&mut self, at: usize, differs: bool, expected: bool) {
        let differs = u32::from(differs);
        self.fields |= differs << at;
        if expected {
            self.expected |= differs << self.expected_count;
            self.expected_count += 1;
        } else {
            self.still |= differs << self.still_count;
            self.still_count += 1;
        }
    }

    fn write<S: Sink>(&self, block: &Block, sink: &mut S) {
        let mut surprise = if self.still != 0 { SURPRISE } else { 0 };
        for group in 0..block.groups() {
            let bits = (self.expected >> (group * GROUP)) as u8 & ((1 << GROUP) - 1);
            sink.symbol(block.code(group), bits | surprise, 0, 0);
            surprise = 0;
        }
        if self.still != 0 && self.still_count > 1 {
            sink.raw(self.still, self.still_count);
        }
    }
}

/// The components of `mask`, absolute.
fn write_components<S: Sink>(plan: &Plan, frame: &Frame<'_>, mask: u32, sink: &mut S) {
    for (component, lanes) in plan.components(mask) {
        for (lane, value) in lanes.iter().zip(frame.lanes_from(component)) {
            sink.raw(*value, lane.bits());
        }
    }
}

fn write_field<S: Sink>(
    plan: &Plan,
    field: &FieldPlan,
    prediction: &mut Prediction,
    known: &Known<'_>,
    new: &[u32],
    sink: &mut S,
) {
    match field.kind {
        Kind::Symbols => write_symbols(plan, field, known.first.lanes_of(field), new, sink),
        Kind::Rotation(bits) => {
            if new[0] != prediction.values[0] {
                sink.symbol(
                    prediction.code(1, Place::FIRST),
                    residual::TURN,
                    new[0].wrapping_sub(prediction.values[0]) & 3,
                    2,
                );
                prediction.turn(new[0], bits);
            }
            write_residuals(plan, field, prediction, 1, new, sink);
        }
        Kind::Linear | Kind::Hold => write_residuals(plan, field, prediction, 0, new, sink),
    }
}

/// What each lane from `begin` on differs by from its prediction.
fn write_residuals<S: Sink>(
    plan: &Plan,
    field: &FieldPlan,
    prediction: &mut Prediction,
    begin: usize,
    new: &[u32],
    sink: &mut S,
) {
    let mut place = Place::first_of(field.count - begin);
    let lanes = plan.lanes_of(field);
    let order = prediction.order(field);
    for (told, at) in order[..field.count].iter().map(|at| usize::from(*at)).enumerate().skip(begin) {
        let difference = lanes[at].difference(prediction.values[at], new[at]);
        residual::write(difference, prediction.towards(at), prediction.code(at, place), sink);
        place = place.after(difference);
        if told == 0 {
            prediction.swerve(field, lanes, at, new[at]);
        }
    }
}

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
