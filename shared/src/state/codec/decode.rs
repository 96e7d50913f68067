use super::super::layout::StreamLayout;
use super::super::version::Version;
use super::block::{Block, scatter};
use super::codebook::Codebook;
use super::context::{GROUP, Place};
use super::frame::Frame;
use super::plan::{FieldPlan, Kind, Plan};
use super::predict::{Known, Prediction};
use super::{Baselines, MASK_CHANGED, SURPRISE, residual};
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
    let (mut places, mut place) = ([[0; 32]; 2], [0; 32]);
    let known = Known::new(plan, baselines, &mut places);
    let old_mask = known.first.mask;
    out.mask = old_mask;
    begin(plan, out);
    let mut common = old_mask;
    let mut block = Block::default();
    block.advance(plan, &known, common);
    let mut symbol = book.read(block.code(0), r)?;
    if symbol == MASK_CHANGED {
        out.mask = r.read_u32(plan.lane_counts.len() as u32)?;
        begin(plan, out);
        read_components(plan, out.mask & !old_mask, r, out)?;
        common = old_mask & out.mask;
        block.rewind();
        block.advance(plan, &known, common);
        symbol = book.read(block.code(0), r)?;
    }
    let begins = plan.begins(out.mask, &mut place);
    loop {
        let differ = read_pattern(book, &block, symbol, r)?;
        for at in 0..block.len() {
            let (field, prediction) = block.field(at, plan);
            prediction.follow(plan, field, &known, &Frame::of(out.mask, &out.lanes, begins));
            let begin = usize::from(begins[field.component]) + field.offset;
            let place = &mut out.lanes[begin..begin + field.count];
            prediction.copy_to(field, &known, place);
            if differ >> at & 1 != 0 {
                read_field(plan, book, field, prediction, r, place)?;
            }
        }
        if block.is_last(plan, common) {
            return Ok(());
        }
        block.advance(plan, &known, common);
        symbol = book.read(block.code(0), r)?;
    }
}

/// Which fields of a block differ from their predictions; `symbol` is that of its first group.
fn read_pattern(book: &Codebook, block: &Block, symbol: u8, r: &mut BitReader<'_>) -> Result<u32, Malformed> {
    let (active, still) = block.active_and_still();
    if symbol == MASK_CHANGED {
        return Err(Malformed);
    }
    let mut expected = u32::from(symbol & !SURPRISE);
    for group in 1..block.groups() {
        let bits = book.read(block.code(group), r)?;
        if bits >= SURPRISE {
            return Err(Malformed);
        }
        expected |= u32::from(bits) << (group * GROUP);
    }
    if u64::from(expected) >> active.count_ones() != 0 {
        return Err(Malformed);
    }
    let surprises = match (symbol & SURPRISE != 0, still.count_ones()) {
        (false, _) => 0,
        (true, 1) => 1,
        (true, count) => r.read_u32(count)?,
    };
    if symbol & SURPRISE != 0 && surprises == 0 {
        return Err(Malformed);
    }
    Ok(scatter(expected, active) | scatter(surprises, still))
}

/// Makes room for the lanes of `out.mask`.
fn begin(plan: &Plan, out: &mut Version) {
    out.lanes.clear();
    out.lanes.resize(plan.components(out.mask).map(|(_, lanes)| lanes.len()).sum(), 0);
}

/// Reads the components of `mask`, which are part of `out.mask`.
fn read_components(plan: &Plan, mask: u32, r: &mut BitReader<'_>, out: &mut Version) -> Result<(), Malformed> {
    let mut place = [0; 32];
    let begins = plan.begins(out.mask, &mut place);
    for (component, lanes) in plan.components(mask) {
        let begin = usize::from(begins[component]);
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
    let order = prediction.order(field);
    for (told, at) in order[..field.count].iter().map(|at| usize::from(*at)).enumerate().skip(begin) {
        let code = prediction.code(at, place);
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
        let difference = residual::read(symbol, prediction.towards(at), r)?;
        values[at] = lanes[at].advance(prediction.values[at], difference).ok_or(Malformed)?;
        place = place.after(difference);
        if told == 0 {
            prediction.swerve(field, lanes, at, values[at]);
        }
    }
    Ok(())
}
