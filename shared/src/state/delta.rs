use super::lane::{Coding, Lane};
use super::layout::StreamLayout;
use super::version::{Version, VersionRef};
use crate::bits::{BitReader, BitWriter, Malformed};

// A record's body depends only on the layout and the versions it names, never on its neighbours in the packet: so it is
// encoded once a tick and copied to every client that holds the same baseline.
//
//   full:  mask (one bit a component) | for each present component: its lanes, absolute
//   delta: 0, or 1 and the new mask | for each component present now:
//            in the baseline too:  0 unchanged, or 1 and for each lane:  0 unchanged, or 1 and its change
//            (a component of one lane has no bit of its own for the lane)
//            new:                  its lanes, absolute

/// Writes all of `version`.
pub fn encode_full(layout: &StreamLayout, version: VersionRef<'_>, w: &mut BitWriter) {
    w.write(u64::from(version.mask), layout.components().len() as u32);
    let mut lanes = version.lanes;
    for (_, component) in layout.present(version.mask) {
        let (mine, rest) = lanes.split_at(component.lanes.len());
        write_absolute(&component.lanes, mine, w);
        lanes = rest;
    }
}

/// Writes what leads from `baseline` to `version`.
pub fn encode_delta(layout: &StreamLayout, baseline: VersionRef<'_>, version: VersionRef<'_>, w: &mut BitWriter) {
    w.write_bool(baseline.mask != version.mask);
    if baseline.mask != version.mask {
        w.write(u64::from(version.mask), layout.components().len() as u32);
    }
    let (mut old, mut new) = (baseline.lanes, version.lanes);
    for (bit, component) in layout.present(baseline.mask | version.mask) {
        let count = component.lanes.len();
        let (was, is) = (baseline.mask >> bit & 1 != 0, version.mask >> bit & 1 != 0);
        if was && is {
            write_change(&component.lanes, &old[..count], &new[..count], w);
        } else if is {
            write_absolute(&component.lanes, &new[..count], w);
        }
        old = if was { &old[count..] } else { old };
        new = if is { &new[count..] } else { new };
    }
}

/// Reads what [`encode_full`] wrote. `out` is overwritten; its content means nothing after an error.
pub fn decode_full(layout: &StreamLayout, r: &mut BitReader<'_>, out: &mut Version) -> Result<(), Malformed> {
    out.mask = r.read_u32(layout.components().len() as u32)?;
    out.lanes.clear();
    for (_, component) in layout.present(out.mask) {
        read_absolute(&component.lanes, r, out)?;
    }
    Ok(())
}

/// Reads what [`encode_delta`] wrote against the same `baseline`. `out` is overwritten; its content means nothing after an
/// error.
pub fn decode_delta(
    layout: &StreamLayout,
    baseline: VersionRef<'_>,
    r: &mut BitReader<'_>,
    out: &mut Version,
) -> Result<(), Malformed> {
    out.mask = if r.read_bool()? { r.read_u32(layout.components().len() as u32)? } else { baseline.mask };
    out.lanes.clear();
    let mut old = baseline.lanes;
    for (bit, component) in layout.present(baseline.mask | out.mask) {
        let count = component.lanes.len();
        let (was, is) = (baseline.mask >> bit & 1 != 0, out.mask >> bit & 1 != 0);
        if was && is {
            read_change(&component.lanes, &old[..count], r, out)?;
        } else if is {
            read_absolute(&component.lanes, r, out)?;
        }
        old = if was { &old[count..] } else { old };
    }
    Ok(())
}

fn write_absolute(lanes: &[Lane], values: &[u32], w: &mut BitWriter) {
    for (lane, value) in lanes.iter().zip(values) {
        w.write(u64::from(*value), lane.bits());
    }
}

fn read_absolute(lanes: &[Lane], r: &mut BitReader<'_>, out: &mut Version) -> Result<(), Malformed> {
    for lane in lanes {
        out.lanes.push(r.read_up_to(lane.max)?);
    }
    Ok(())
}

/// One component against its baseline.
pub(crate) fn write_change(lanes: &[Lane], old: &[u32], new: &[u32], w: &mut BitWriter) {
    w.write_bool(old != new);
    if old == new {
        return;
    }
    for ((lane, old), new) in lanes.iter().zip(old).zip(new) {
        if lanes.len() > 1 {
            w.write_bool(old != new);
            if old == new {
                continue;
            }
        }
        match lane.coding {
            // Zero does not occur here, so magnitudes start at one: the folded code is shifted down by one.
            Coding::Number(order) | Coding::Circle(order) => {
                w.write_golomb(crate::bits::zigzag(lane.difference(*old, *new)) - 1, u32::from(order));
            }
            Coding::Symbol => w.write(u64::from(*new), lane.bits()),
        }
    }
}

fn read_change(lanes: &[Lane], old: &[u32], r: &mut BitReader<'_>, out: &mut Version) -> Result<(), Malformed> {
    if !r.read_bool()? {
        out.lanes.extend_from_slice(old);
        return Ok(());
    }
    for (lane, old) in lanes.iter().zip(old) {
        let changed = lanes.len() == 1 || r.read_bool()?;
        out.lanes.push(if changed { read_lane_change(*lane, *old, r)? } else { *old });
    }
    Ok(())
}

fn read_lane_change(lane: Lane, old: u32, r: &mut BitReader<'_>) -> Result<u32, Malformed> {
    match lane.coding {
        Coding::Number(order) | Coding::Circle(order) => {
            let folded = r.read_golomb(u32::from(order))?.checked_add(1).ok_or(Malformed)?;
            lane.advance(old, crate::bits::unzigzag(folded)).ok_or(Malformed)
        }
        Coding::Symbol => r.read_up_to(lane.max),
    }
}

/// Reads one component against its baseline, both as slices of the same length.
pub(crate) fn read_change_into(lanes: &[Lane], values: &mut [u32], r: &mut BitReader<'_>) -> Result<(), Malformed> {
    if !r.read_bool()? {
        return Ok(());
    }
    for (lane, value) in lanes.iter().zip(values) {
        if lanes.len() == 1 || r.read_bool()? {
            *value = read_lane_change(*lane, *value, r)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Audience, Field, Input, LaneReader, LaneWriter, Replicate, Schema};
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    macro_rules! component {
        ($name:ident, $($field:expr),*) => {
            #[derive(Clone, Default)]
            struct $name;
            impl Replicate for $name {
                const NAME: &'static str = stringify!($name);
                const FIELDS: &'static [Field] = &[$($field),*];
                fn quantize(&self, _: &mut LaneWriter<'_>) {}
                fn dequantize(_: &mut LaneReader<'_>) -> Self { Self }
            }
        };
    }
    component!(
        Place,
        Field::range("x", -100.0, 100.0, 0.01),
        Field::range("y", -100.0, 100.0, 0.01),
        Field::angle("yaw", 10)
    );
    component!(Health, Field::integer("points", 0, 100));
    component!(Look, Field::rotation("look", 9), Field::flags("flags", 5));
    component!(Nothing, Field::flags("none", 1));
    impl Input for Nothing {
        fn clear_one_shots(&mut self) {}
    }

    fn schema() -> Schema {
        Schema::builder("test")
            .component::<Place>(Audience::Public)
            .component::<Health>(Audience::Public)
            .component::<Look>(Audience::Public)
            .input::<Nothing>()
            .build()
            .unwrap()
    }

    fn version() -> impl Strategy<Value = Version> {
        (0u32..8, prop::collection::vec((any::<u32>(), any::<bool>()), 16)).prop_map(|(mask, noise)| {
            let schema = schema();
            let layout = schema.stream(Audience::Public);
            let lanes: Vec<Lane> = layout.present(mask).flat_map(|(_, c)| c.lanes.clone()).collect();
            // Half of the lanes keep a common value, so that deltas have unchanged lanes too.
            let value = |(lane, (noise, keep)): (&Lane, &(u32, bool))| {
                if *keep { lane.max / 2 } else { noise % (lane.max + 1) }
            };
            Version { mask, lanes: lanes.iter().zip(&noise).map(value).collect() }
        })
    }

    proptest! {
        #[test]
        fn a_delta_leads_from_any_version_to_any_other(old in version(), new in version()) {
            let schema = schema();
            let layout = schema.stream(Audience::Public);
            let mut w = BitWriter::new();
            encode_delta(layout, old.borrow(), new.borrow(), &mut w);
            encode_full(layout, new.borrow(), &mut w);
            let bytes = w.finish().to_vec();
            let mut r = BitReader::new(&bytes);
            let mut out = Version::default();
            decode_delta(layout, old.borrow(), &mut r, &mut out).unwrap();
            prop_assert_eq!(&out, &new);
            decode_full(layout, &mut r, &mut out).unwrap();
            prop_assert_eq!(&out, &new);
        }

        #[test]
        fn any_bytes_decode_to_lanes_in_range_or_to_an_error(old in version(), bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let schema = schema();
            let layout = schema.stream(Audience::Public);
            let mut out = Version::default();
            if decode_delta(layout, old.borrow(), &mut BitReader::new(&bytes), &mut out).is_ok() {
                let lanes: Vec<Lane> = layout.present(out.mask).flat_map(|(_, c)| c.lanes.clone()).collect();
                prop_assert_eq!(lanes.len(), out.lanes.len());
                prop_assert!(lanes.iter().zip(&out.lanes).all(|(lane, value)| *value <= lane.max));
            }
        }
    }

    #[test]
    fn nothing_changed_costs_one_bit_a_component() {
        let schema = schema();
        let same = Version { mask: 7, lanes: vec![1, 2, 3, 4, 0, 6, 7, 8, 9] };
        let mut w = BitWriter::new();
        encode_delta(schema.stream(Audience::Public), same.borrow(), same.borrow(), &mut w);
        assert_eq!(w.len_bits(), 1 + 3);
    }

    #[test]
    fn two_schemas_that_differ_in_a_step_have_two_hashes() {
        component!(Coarse, Field::range("x", -100.0, 100.0, 0.02));
        component!(Fine, Field::range("x", -100.0, 100.0, 0.01));
        let hash = |builder: super::super::SchemaBuilder| builder.input::<Nothing>().build().unwrap().hash();
        let coarse = hash(Schema::builder("g").component::<Coarse>(Audience::Public));
        let fine = hash(Schema::builder("g").component::<Fine>(Audience::Public));
        let owner = hash(Schema::builder("g").component::<Fine>(Audience::Owner));
        assert!(coarse != fine && fine != owner && coarse != owner);
    }
}
