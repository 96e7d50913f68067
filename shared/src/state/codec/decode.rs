use super::super::layout::StreamLayout;
use super::super::version::Version;
use super::chunk::Chunk;
use super::codebook::Codebook;
use super::context::Place;
use super::frame::Frame;
use super::plan::{FieldPlan, Kind, Plan};
use super::predict::{Known, Prediction};
use super::{Baselines, MASK_CHANGED, residual};
use crate::bits::{BitReader, Malformed};

/// Reads what [`encode_full`](super::encode_full) wrote. `out` is overwritten; its content means nothing after an error.
pub fn decode_full(layout: &StreamLayout, r: &mut BitReader<'_>, out: &mut Version) -> Result<(), Malformed> {
    let plan = layout.coding_plan();
    out.mask = r.read_u32(plan.lane_counts.len() as u32)?;
    begin(plan, out);
    read_components(plan, out.mask, r, out)
}

/// Reads what [`encode_delta`](super::encode_delta) wrote against the same baselines. `out` is overwritten; its content means
/// nothing after an error.
pub fn decode_delta(
    layout: &StreamLayout,
    baselines: &Baselines<'_>,
    r: &mut BitReader<'_>,
    out: &mut Version,
) -> Result<(), Malformed> {
    let (plan, book) = (layout.coding_plan(), layout.codebook());
    let known = Known::new(plan, baselines);
    let old_mask = known.first.mask;
    out.mask = old_mask;
    begin(plan, out);
    let mut common = old_mask;
    let mut chunk = Chunk::default();
    chunk.advance(plan, &known, common);
    let mut differ = book.read(chunk.code(), r)?;
    if differ == MASK_CHANGED {
        out.mask = r.read_u32(plan.lane_counts.len() as u32)?;
        begin(plan, out);
        read_components(plan, out.mask & !old_mask, r, out)?;
        common = old_mask & out.mask;
        chunk.rewind();
        chunk.advance(plan, &known, common);
        differ = book.read(chunk.code(), r)?;
    }
    loop {
        if differ & !chunk.bits() != 0 {
            return Err(Malformed);
        }
        for (bit, field, prediction) in chunk.fields(plan) {
            let begin = plan.offset(out.mask, field.component) + field.offset;
            prediction.follow(plan, field, &known, &Frame::new(plan, out.borrow()));
            let place = &mut out.lanes[begin..begin + field.count];
            prediction.copy_to(field, &known, place);
            if differ & bit != 0 {
                read_field(plan, book, field, prediction, &known, r, place)?;
            }
        }
        if chunk.is_last(plan, common) {
            return Ok(());
        }
        chunk.advance(plan, &known, common);
        differ = book.read(chunk.code(), r)?;
    }
}

/// Makes room for the lanes of `out.mask`.
fn begin(plan: &Plan, out: &mut Version) {
    out.lanes.clear();
    out.lanes.resize(plan.components(out.mask).map(|(_, lanes)| lanes.len()).sum(), 0);
}

/// Reads the components of `mask`, which are part of `out.mask`.
fn read_components(plan: &Plan, mask: u32, r: &mut BitReader<'_>, out: &mut Version) -> Result<(), Malformed> {
    for (component, lanes) in plan.components(mask) {
        let begin = plan.offset(out.mask, component);
        for (lane, value) in lanes.iter().zip(&mut out.lanes[begin..]) {
            *value = r.read_up_to(lane.max)?;
        }
    }
    Ok(())
}

/// Reads what `values`, which are what was predicted, differ by from it.
fn read_field(
    plan: &Plan,
    book: &Codebook,
    field: &FieldPlan,
    prediction: &mut Prediction,
    known: &Known<'_>,
    r: &mut BitReader<'_>,
    values: &mut [u32],
) -> Result<(), Malformed> {
    let lanes = plan.lanes_of(field);
    if field.kind == Kind::Symbols {
        for (lane, value) in lanes.iter().zip(values) {
            if lanes.len() == 1 || r.read_bool()? {
                *value = r.read_up_to(lane.max)?;
            }
        }
        return Ok(());
    }
    let begin = usize::from(matches!(field.kind, Kind::Rotation(_)));
    let mut place = Place::first_of(field.count - begin);
    for at in begin..field.count {
        let code = prediction.code(place);
        let mut symbol = book.read(code, r)?;
        if let (residual::TURN, Kind::Rotation(bits), true) = (symbol, field.kind, at == begin) {
            let turn = r.read_u32(2)?;
            if turn == 0 {
                return Err(Malformed);
            }
            prediction.turn(field, known, prediction.values[0].wrapping_add(turn) & 3, bits);
            values.copy_from_slice(&prediction.values);
            symbol = book.read(code, r)?;
        }
        let difference = residual::read(symbol, prediction.towards(at), r)?;
        values[at] = lanes[at].advance(prediction.values[at], difference).ok_or(Malformed)?;
        place = place.after(difference);
    }
    Ok(())
}
