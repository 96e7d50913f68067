use super::super::layout::StreamLayout;
use super::super::version::Version;
use super::chunk::Chunk;
use super::codebook::Codebook;
use super::context::{Place, context};
use super::frame::{Frame, offsets};
use super::plan::{FieldPlan, Kind, Plan};
use super::predict::{Known, Prediction};
use super::sink::Code;
use super::{Baselines, MASK_CHANGED, residual};
use crate::bits::{BitReader, Malformed};

/// Reads what [`encode_full`](super::encode_full) wrote. `out` is overwritten; its content means nothing after an error.
pub fn decode_full(layout: &StreamLayout, r: &mut BitReader<'_>, out: &mut Version) -> Result<(), Malformed> {
    let plan = layout.coding_plan();
    out.mask = r.read_u32(plan.lane_counts.len() as u32)?;
    let offsets = begin(plan, out);
    read_components(plan, out.mask, &offsets, r, &mut out.lanes)
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
    let mut offsets = begin(plan, out);
    let mut next = 0;
    let mut chunk = Chunk::take(plan, &known, old_mask, &mut next);
    let mut differ = book.read(chunk.code(), r)?;
    if differ == MASK_CHANGED {
        out.mask = r.read_u32(plan.lane_counts.len() as u32)?;
        offsets = begin(plan, out);
        read_components(plan, out.mask & !old_mask, &offsets, r, &mut out.lanes)?;
        next = 0;
        chunk = Chunk::take(plan, &known, old_mask & out.mask, &mut next);
        differ = book.read(chunk.code(), r)?;
    }
    loop {
        if differ & !chunk.bits() != 0 {
            return Err(Malformed);
        }
        for (bit, field, prediction) in chunk.fields() {
            let begin = usize::from(offsets[field.component]) + field.offset;
            prediction.follow(plan, field, &known, &Frame::of(&out.lanes, out.mask, &offsets));
            let place = &mut out.lanes[begin..begin + field.count];
            prediction.copy_to(field, &known, place);
            if differ & bit != 0 {
                read_field(plan, book, field, prediction, r, place)?;
            }
        }
        if chunk.is_last {
            return Ok(());
        }
        chunk = Chunk::take(plan, &known, old_mask & out.mask, &mut next);
        differ = book.read(chunk.code(), r)?;
    }
}

/// Makes room for the lanes of `out.mask`, and says where each component begins.
fn begin(plan: &Plan, out: &mut Version) -> [u16; 32] {
    out.lanes.clear();
    out.lanes.resize(plan.components(out.mask).map(|(_, lanes)| lanes.len()).sum(), 0);
    offsets(plan, out.mask)
}

fn read_components(
    plan: &Plan,
    mask: u32,
    offsets: &[u16; 32],
    r: &mut BitReader<'_>,
    out: &mut [u32],
) -> Result<(), Malformed> {
    for (component, lanes) in plan.components(mask) {
        for (lane, value) in lanes.iter().zip(&mut out[usize::from(offsets[component])..]) {
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
        let code = Code::Residual(context(prediction.family, prediction.scale, place));
        let mut symbol = book.read(code, r)?;
        if let (residual::TURN, Kind::Rotation(bits), true) = (symbol, field.kind, at == begin) {
            let turn = r.read_u32(2)?;
            if turn == 0 {
                return Err(Malformed);
            }
            prediction.turn(prediction.values[0].wrapping_add(turn) & 3, bits);
            values.copy_from_slice(&prediction.values);
            symbol = book.read(code, r)?;
        }
        let difference = residual::read(symbol, prediction.towards[at], r)?;
        values[at] = lanes[at].advance(prediction.values[at], difference).ok_or(Malformed)?;
        place = place.after(difference);
    }
    Ok(())
}
