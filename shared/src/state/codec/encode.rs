use super::super::layout::StreamLayout;
use super::super::version::VersionRef;
use super::chunk::Chunk;
use super::context::{Place, context};
use super::frame::Frame;
use super::plan::{FieldPlan, Kind, Plan};
use super::predict::{Known, Prediction};
use super::sink::{BitSink, Code, Sink};
use super::{Baselines, MASK_CHANGED, residual};
use crate::bits::BitWriter;

/// Writes all of `version`.
pub fn encode_full(layout: &StreamLayout, version: VersionRef<'_>, w: &mut BitWriter) {
    let plan = layout.coding_plan();
    let mut sink = BitSink { book: layout.codebook(), w };
    sink.raw(version.mask, plan.lane_counts.len() as u32);
    write_components(plan, &Frame::new(plan, version), version.mask, &mut sink);
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
    let known = Known::new(plan, baselines);
    let new = Frame::new(plan, version);
    let old_mask = known.first.mask;
    if new.mask != old_mask {
        // The decoder does not know yet which components are still there.
        sink.symbol(Chunk::take(plan, &known, old_mask, &mut 0).code(), MASK_CHANGED, 0, 0);
        sink.raw(new.mask, plan.lane_counts.len() as u32);
        write_components(plan, &new, new.mask & !old_mask, sink);
    }
    let mut next = 0;
    let mut chunk = Chunk::take(plan, &known, old_mask & new.mask, &mut next);
    loop {
        let code = chunk.code();
        let mut differ = 0;
        for (bit, field, prediction) in chunk.fields() {
            prediction.follow(plan, field, &known, &new);
            if !prediction.holds(field, &known, new.lanes_of(field)) {
                differ |= bit;
            }
        }
        sink.symbol(code, differ, 0, 0);
        for (bit, field, prediction) in chunk.fields() {
            if differ & bit != 0 {
                write_field(plan, field, prediction, &known, new.lanes_of(field), sink);
            }
        }
        if chunk.is_last {
            return;
        }
        chunk = Chunk::take(plan, &known, old_mask & new.mask, &mut next);
    }
}

/// The components of `mask`, absolute.
fn write_components<S: Sink>(plan: &Plan, frame: &Frame<'_>, mask: u32, sink: &mut S) {
    for (component, lanes) in plan.components(mask) {
        for (lane, value) in lanes.iter().zip(frame.lanes_at(component, 0, lanes.len())) {
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
                let code = Code::Residual(context(prediction.family, prediction.scale, Place::FIRST));
                sink.symbol(code, residual::TURN, new[0].wrapping_sub(prediction.values[0]) & 3, 2);
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
    prediction: &Prediction,
    begin: usize,
    new: &[u32],
    sink: &mut S,
) {
    let mut place = Place::first_of(field.count - begin);
    for (at, lane) in plan.lanes_of(field).iter().enumerate().skip(begin) {
        let difference = lane.difference(prediction.values[at], new[at]);
        let code = context(prediction.family, prediction.scale, place);
        residual::write(difference, prediction.towards[at], code, sink);
        place = place.after(difference);
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
