use super::super::layout::StreamLayout;
use super::super::version::{Version, VersionRef};
use super::codebook::Codebook;
use super::coder::DeltaCoder;
use super::context::{GROUP, Place, context};
use super::expected::{Expected, FIELDS_MAX};
use super::frame::{Frame, Numbers, Parts, Places, Whole};
use super::plan::{FieldPlan, Kind, Plan, Shape};
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
    begin(plan, mask, out);
    read_components(plan, mask, &Parts::new(plan, mask), r, &mut out.lanes)
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

/// Whether fields were read, or the first symbol says that the mask has changed.
enum Fields {
    Read,
    MaskChanged,
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
        begin(self.plan, first.mask, out);
        let fields = if let Some(known) = self.whole(first, second) {
            self.read_fields(first.mask, &known, Whole, r, &mut out.lanes)?
        } else {
            self.read_parts(first, second, r, &mut out.lanes)?
        };
        match fields {
            Fields::Read => Ok(()),
            Fields::MaskChanged => self.decode_changed(first, second, r, out),
        }
    }

    /// Reads fields against versions that have not all components.
    #[inline(never)]
    fn read_parts(
        &self,
        first: VersionRef<'_>,
        second: Option<VersionRef<'_>>,
        r: &mut BitReader<'_>,
        lanes: &mut [u32],
    ) -> Result<Fields, Malformed> {
        let places = self.parts(first, second);
        self.read_fields(first.mask, &self.known_parts(first, second, &places), &places[0], r, lanes)
    }

    /// Reads what follows when the mask has changed.
    #[cold]
    fn decode_changed(
        &self,
        first: VersionRef<'_>,
        second: Option<VersionRef<'_>>,
        r: &mut BitReader<'_>,
        out: &mut Version,
    ) -> Result<(), Malformed> {
        let mask = r.read_u32(self.plan.lane_counts.len() as u32)?;
        begin(self.plan, mask, out);
        let new = Parts::new(self.plan, mask);
        read_components(self.plan, mask & !first.mask, &new, r, &mut out.lanes)?;
        let places = self.parts(first, second);
        let known = self.known_parts(first, second, &places);
        match self.read_fields(first.mask & mask, &known, &new, r, &mut out.lanes)? {
            Fields::Read => Ok(()),
            Fields::MaskChanged => Err(Malformed),
        }
    }

    /// The fields of the components in `common`, block by block, into `lanes`, whose components are at `places`.
    #[inline(always)]
    fn read_fields<P: Places>(
        &self,
        common: u32,
        known: &Known<'_, P>,
        places: P,
        r: &mut BitReader<'_>,
        lanes: &mut [u32],
    ) -> Result<Fields, Malformed> {
        let mut fields = self.plan.fields_of(common);
        let mut reading = Reading { plan: self.plan, book: self.book, known, lanes, places };
        let mut is_first = true;
        loop {
            let mut expected = Expected::default();
            let mut pasts = ArrayVec::<(&FieldPlan, Past), FIELDS_MAX>::new();
            for field in fields.by_ref().take(FIELDS_MAX) {
                let past = known.past_of(field);
                expected.push(past.expectation);
                pasts.push((field, past));
            }
            let symbol = self.book.read(expected.code(0), r)?;
            if symbol == MASK_CHANGED {
                return if is_first { Ok(Fields::MaskChanged) } else { Err(Malformed) };
            }
            is_first = false;
            let mut differ = read_pattern(self.book, &expected, symbol, r)?;
            for (field, past) in &pasts {
                reading.read(field, past, differ & 1 != 0, r)?;
                differ >>= 1;
            }
            if fields.is_empty() {
                return Ok(Fields::Read);
            }
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
        self.read_parts(first, second, r, &mut out.lanes).map(|_| ())
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
    /// What has been read: velocities come before what they move.
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
        let begin = self.places.place(field.component, field.first_lane);
        let values = &mut self.lanes[begin..begin + field.count];
        values.copy_from_slice(self.known.first.lanes_of(field));
        if differs {
            for (lane, value) in self.plan.lanes_of(field).iter().zip(values) {
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
        let begin = self.places.place(field.component, field.first_lane);
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

/// Makes room for the lanes of `mask`.
#[inline]
fn begin(plan: &Plan, mask: u32, out: &mut Version) {
    out.mask = mask;
    out.lanes.clear();
    out.lanes.resize(plan.lanes_in(mask), 0);
}

/// Reads the components of `mask`, which are at `places`, absolute.
fn read_components(
    plan: &Plan,
    mask: u32,
    places: &Parts,
    r: &mut BitReader<'_>,
    out: &mut [u32],
) -> Result<(), Malformed> {
    for (component, first_lane, lanes) in plan.components(mask) {
        let begin = places.place(component, first_lane);
        for (lane, value) in lanes.iter().zip(&mut out[begin..]) {
            *value = r.read_up_to(lane.max)?;
        }
    }
    Ok(())
}
