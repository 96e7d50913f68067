use super::super::layout::StreamLayout;
use super::super::version::{Version, VersionRef};
use super::codebook::Codebook;
use super::coder::DeltaCoder;
use super::context::{GROUP, Place, context};
use super::expected::{Expected, FIELDS_MAX};
use super::frame::{Frame, Numbers, Parts, Places, Whole};
use super::plan::{FieldPlan, Fields, Kind, Plan, Shape};
use super::predict::{Known, Manner, Past};
use super::sink::Code;
use super::telling::{Told, tell_lanes};
use super::{Baselines, MASK_CHANGED, SURPRISE, residual, rotation};
use crate::bits::{BitReader, Malformed};
use arrayvec::ArrayVec;

/// Reads what [`encode_full`](super::encode_full) wrote. `out` is overwritten; its content means nothing after an error.
pub fn decode_full(layout: &StreamLayout, r: &mut BitReader<'_>, out: &mut Version) -> Result<(), Malformed> {
    let plan = layout.coding_plan();
    let mask = r.read_u32(plan.lane_counts.len() as u32)?;
    read_components(plan, mask, VersionRef { mask: 0, lanes: &[] }, &Parts::default(), r, out)
}

/// Reads what [`encode_delta`](super::encode_delta) wrote against the same baselines. `out` is overwritten; its content means
/// nothing after an error. Whoever reads more than one makes a [`DeltaCoder`].
pub fn decode_delta(
    layout: &StreamLayout,
    baselines: &Baselines<'_>,
    r: &mut BitReader<'_>,
    out: &mut Version,
) -> Result<(), Malformed> {
    let (coder, second) = baselines.coder(layout);
    coder.decode(baselines.first, second, r, out)
}

impl DeltaCoder<'_> {
    /// Reads what [`DeltaCoder::encode`] wrote against the same baselines. `out` is overwritten; its content means nothing after an
    /// error.
    ///
    /// # Errors
    /// If no encoder writes such bits.
    pub fn decode(
        &self,
        first: VersionRef<'_>,
        second: Option<VersionRef<'_>>,
        r: &mut BitReader<'_>,
        out: &mut Version,
    ) -> Result<(), Malformed> {
        begin(first, out);
        match self.whole(first, second) {
            Some(known) => self.decode_by(&known, Whole, (first, second), r, out),
            None => self.decode_parts(first, second, r, out),
        }
    }

    /// The same of versions that have not all components.
    #[inline(never)]
    fn decode_parts(
        &self,
        first: VersionRef<'_>,
        second: Option<VersionRef<'_>>,
        r: &mut BitReader<'_>,
        out: &mut Version,
    ) -> Result<(), Malformed> {
        let places = self.parts(first, second);
        self.decode_by(&self.known_parts(first, second, &places), &places[0], (first, second), r, out)
    }

    /// The same of the versions that are `known`, the first of which has its components at `places`.
    #[inline(always)]
    fn decode_by<P: Places>(
        &self,
        known: &Known<'_, P>,
        places: P,
        (first, second): (VersionRef<'_>, Option<VersionRef<'_>>),
        r: &mut BitReader<'_>,
        out: &mut Version,
    ) -> Result<(), Malformed> {
        let (mut fields, mut block) = (self.plan.fields_of(first.mask), Block::default());
        block.fill(known, &mut fields);
        let symbol = self.book.read(block.expected.code(0), r)?;
        if symbol == MASK_CHANGED {
            return self.decode_changed(first, second, &block, r, out);
        }
        self.read_fields(symbol, &mut block, fields, (known, places), r, &mut out.lanes)
    }

    /// Reads what follows when the mask has changed; `told` is the first block that the fields would have had.
    #[cold]
    fn decode_changed(
        &self,
        first: VersionRef<'_>,
        second: Option<VersionRef<'_>>,
        told: &Block<'_>,
        r: &mut BitReader<'_>,
        out: &mut Version,
    ) -> Result<(), Malformed> {
        let mask = r.read_u32(self.plan.lane_counts.len() as u32)?;
        let (places, new) = (self.parts(first, second), Parts::new(self.plan, mask));
        read_components(self.plan, mask, first, &places[0], r, out)?;
        let known = self.known_parts(first, second, &places);
        let (mut fields, mut block) = (self.plan.fields_of(first.mask & mask), Block::default());
        if told.expected.is_full() {
            block.fill(&known, &mut fields);
        } else {
            // These are all, and what is known of them is the same.
            let left = told.fields.iter().filter(|(field, _)| mask >> field.component & 1 != 0);
            left.for_each(|(field, past)| block.push(field, *past));
            fields = Fields::default();
        }
        let symbol = self.book.read(block.expected.code(0), r)?;
        self.read_fields(symbol, &mut block, fields, (&known, &new), r, &mut out.lanes)
    }

    /// Reads a block, of which the first symbol is known, and the fields after it, into `lanes`, whose components are at `places`: as in
    /// the first baseline so far.
    #[inline(always)]
    fn read_fields<'p, P: Places>(
        &'p self,
        mut symbol: u8,
        block: &mut Block<'p>,
        mut fields: Fields<'p>,
        (known, places): (&Known<'_, P>, P),
        r: &mut BitReader<'_>,
        lanes: &mut [u32],
    ) -> Result<(), Malformed> {
        let mut reading = Reading { plan: self.plan, book: self.book, known, lanes, places };
        loop {
            if symbol == MASK_CHANGED {
                return Err(Malformed);
            }
            let differ = read_pattern(self.book, &block.expected, symbol, r)?;
            let mut left = differ | block.moving;
            while left != 0 {
                let n = left.trailing_zeros();
                let (field, past) = &block.fields[n as usize];
                reading.read(field, past, differ >> n & 1 != 0, r)?;
                left &= left - 1;
            }
            if fields.is_empty() {
                return Ok(());
            }
            *block = Block::default();
            block.fill(known, &mut fields);
            symbol = self.book.read(block.expected.code(0), r)?;
        }
    }
}

#[cfg(test)]
impl DeltaCoder<'_> {
    /// [`DeltaCoder::decode`] of versions with the same components, as if some were missing.
    pub(super) fn decode_as_parts(
        &self,
        first: VersionRef<'_>,
        second: Option<VersionRef<'_>>,
        r: &mut BitReader<'_>,
        out: &mut Version,
    ) -> Result<(), Malformed> {
        begin(first, out);
        self.decode_parts(first, second, r, out)
    }
}

/// Fields whose changes are told together.
#[derive(Default)]
struct Block<'a> {
    expected: Expected,
    /// Those that may become something else even if they are as predicted.
    moving: u32,
    fields: ArrayVec<(&'a FieldPlan, Past), FIELDS_MAX>,
}

impl<'a> Block<'a> {
    /// Takes as many of the fields that are left as there is room for.
    #[inline(always)]
    fn fill<P: Places>(&mut self, known: &Known<'_, P>, left: &mut Fields<'a>) {
        while !self.expected.is_full()
            && let Some(field) = left.next()
        {
            self.push(field, known.past_of(field));
        }
    }

    #[inline(always)]
    fn push(&mut self, field: &'a FieldPlan, past: Past) {
        let moves = self.expected.push(past.expectation) || field.velocities != 0;
        self.moving |= u32::from(moves) << self.fields.len();
        self.fields.push((field, past));
    }
}

/// Which fields of a block differ from their predictions; `symbol` is that of its first group.
#[inline]
fn read_pattern(book: &Codebook, expected: &Expected, symbol: u8, r: &mut BitReader<'_>) -> Result<u32, Malformed> {
    let mut active = u32::from(symbol & !SURPRISE);
    for group in 1..expected.groups() {
        let bits = book.read(expected.code(group), r)?;
        if bits >= SURPRISE {
            return Err(Malformed);
        }
        active |= u32::from(bits) << (group * GROUP);
    }
    if active >> expected.active_count() != 0 {
        return Err(Malformed);
    }
    let still = match (symbol & SURPRISE != 0, expected.still_count()) {
        (false, _) => 0,
        (true, 1) => 1,
        (true, count) => r.read_u32(count)?,
    };
    if symbol & SURPRISE != 0 && still == 0 {
        return Err(Malformed);
    }
    Ok(expected.in_order(active, still))
}

/// A version that is being read.
struct Reading<'a, P> {
    plan: &'a Plan,
    book: &'a Codebook,
    known: &'a Known<'a, P>,
    /// What has been read, and what is still as it was: velocities come before what they move.
    lanes: &'a mut [u32],
    places: P,
}

impl<P: Places> Reading<'_, P> {
    /// A field, which may differ from its prediction.
    #[inline(always)]
    fn read(&mut self, field: &FieldPlan, past: &Past, differs: bool, r: &mut BitReader<'_>) -> Result<(), Malformed> {
        match field.shape {
            Shape::Symbols => self.read_symbols(field, differs, r),
            Shape::OneNumber => self.read_numbers::<1>(field, past, differs, r),
            Shape::TwoNumbers => self.read_numbers::<2>(field, past, differs, r),
            Shape::ThreeNumbers => self.read_numbers::<3>(field, past, differs, r),
            Shape::FourNumbers => self.read_numbers::<4>(field, past, differs, r),
        }
    }

    fn read_symbols(&mut self, field: &FieldPlan, differs: bool, r: &mut BitReader<'_>) -> Result<(), Malformed> {
        if differs {
            let begin = self.places.place(field.component, usize::from(field.first_lane));
            for (lane, value) in self.plan.lanes_of(field).iter().zip(&mut self.lanes[begin..begin + field.count]) {
                if field.count == 1 || r.read_bool()? {
                    *value = r.read_up_to(lane.max)?;
                }
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn read_numbers<const N: usize>(
        &mut self,
        field: &FieldPlan,
        past: &Past,
        differs: bool,
        r: &mut BitReader<'_>,
    ) -> Result<(), Malformed> {
        let begin = self.places.place(field.component, usize::from(field.first_lane));
        let new = Frame { lanes: self.lanes, places: self.places };
        let mut values = self.known.predict::<N>(field, past, &new);
        if differs {
            let manner = self.known.manner::<N>(field, past, &new);
            if let (Kind::Rotation(bits), Some(values)) = (field.kind, values.first_chunk_mut()) {
                read_rotation(self.book, field, &manner, bits, r, values)?;
            } else {
                tell_lanes(field, values, &manner, |lane| {
                    let residual = self.book.read_residual(lane.context, r)?;
                    let difference = if lane.backward { -residual } else { residual };
                    let value = field.value::<N>(lane.at, lane.predicted, difference).ok_or(Malformed)?;
                    values[lane.at] = value;
                    Ok(Told { value, residual })
                })?;
            }
        }
        self.lanes[begin..begin + N].copy_from_slice(&values);
        Ok(())
    }
}

/// Reads what a rotation, of which another component may be the largest now, differs by from `values`.
fn read_rotation(
    book: &Codebook,
    field: &FieldPlan,
    manner: &Manner,
    bits: u8,
    r: &mut BitReader<'_>,
    values: &mut Numbers<4>,
) -> Result<(), Malformed> {
    let (mut backward, mut place) = (manner.backward, Place::FIRST);
    let first = Code::Residual(context(manner.family, manner.scale, place));
    if book.read_if(first, residual::TURN, r)? {
        let turn = r.read_u32(2)?;
        if turn == 0 {
            return Err(Malformed);
        }
        *values = rotation::expressed(*values, values[0].wrapping_add(turn) & 3, bits);
        backward = 0;
    }
    for (at, value) in values.iter_mut().enumerate().skip(1) {
        let residual = book.read_residual(context(manner.family, manner.scale, place), r)?;
        let difference = if backward >> at & 1 != 0 { -residual } else { residual };
        *value = field.value::<4>(at, *value, difference).ok_or(Malformed)?;
        place = place.after(residual);
    }
    Ok(())
}

/// Begins with what the first baseline says: most of it stays as it is.
#[inline]
fn begin(first: VersionRef<'_>, out: &mut Version) {
    out.mask = first.mask;
    out.lanes.clear();
    out.lanes.extend_from_slice(first.lanes);
}

/// Reads the components of `mask` that `first` has not, absolute; the others are as in `first`, where they are at `places`.
fn read_components(
    plan: &Plan,
    mask: u32,
    first: VersionRef<'_>,
    places: &Parts,
    r: &mut BitReader<'_>,
    out: &mut Version,
) -> Result<(), Malformed> {
    out.mask = mask;
    out.lanes.clear();
    for (component, first_lane, lanes) in plan.components(mask) {
        if first.mask >> component & 1 != 0 {
            let begin = places.place(component, first_lane);
            out.lanes.extend_from_slice(&first.lanes[begin..begin + lanes.len()]);
        } else {
            for lane in lanes {
                out.lanes.push(r.read_up_to(lane.max)?);
            }
        }
    }
    Ok(())
}
