use super::*;
use crate::bits::{BitReader, BitWriter};
use crate::state::declared::component;
use crate::state::{Audience, Field, Input, Lane, LaneReader, LaneWriter, Replicate, Schema, Version};
use alloc::vec::Vec;
use proptest::prelude::*;

component!(
    Place,
    Field::range("x", -100.0, 100.0, 0.01).with_velocity("Speed", "x"),
    Field::range("y", -100.0, 100.0, 0.01).held(),
    Field::angle("yaw", 10)
);
component!(Speed, Field::range("x", -10.0, 10.0, 0.1));
component!(Health, Field::integer("points", 0, 100), Field::integer("coins", -2_000_000_000, 10));
component!(Look, Field::rotation("look", 9), Field::flags("flags", 5));
component!(
    Run,
    Field::range("x", -100.0, 100.0, 0.01).with_velocity("Pace", "x"),
    Field::range("y", -100.0, 100.0, 0.01).with_velocity("Pace", "y"),
    Field::range("z", 0.0, 10.0, 0.001).with_velocity("Pace", "z")
);
component!(
    Pace,
    Field::range("x", -8.0, 8.0, 0.125),
    Field::range("y", -8.0, 8.0, 0.125),
    Field::range("z", -8.0, 8.0, 0.125)
);
component!(
    Wide,
    Field::integer("a", 0, 100),
    Field::integer("b", 0, 100),
    Field::integer("c", 0, 100),
    Field::integer("d", 0, 100),
    Field::integer("e", 0, 100),
    Field::integer("f", 0, 100),
    Field::integer("g", 0, 100),
    Field::integer("h", 0, 100),
    Field::integer("i", 0, 100),
    Field::integer("j", 0, 100),
    Field::integer("k", 0, 100),
    Field::integer("l", 0, 100),
    Field::integer("m", 0, 100),
    Field::integer("n", 0, 100),
    Field::integer("o", 0, 100),
    Field::integer("p", 0, 100),
    Field::integer("q", 0, 100)
);
component!(Nothing, Field::flags("none", 1));
impl Input for Nothing {
    fn clear_one_shots(&mut self) {}
}

fn schema() -> Schema {
    Schema::builder("test")
        .component::<Place>(Audience::Public)
        .component::<Speed>(Audience::Public)
        .component::<Health>(Audience::Public)
        .component::<Look>(Audience::Public)
        .input::<Nothing>()
        .build()
        .unwrap()
}

fn lanes_of(schema: &Schema, mask: u32) -> Vec<Lane> {
    schema.stream(Audience::Public).present(mask).flat_map(|(_, component)| component.lanes.clone()).collect()
}

/// A schema with only some of the components.
fn schema_of_some(choice: u32) -> Schema {
    let mut builder = Schema::builder("some").input::<Nothing>();
    if choice & 1 != 0 {
        builder = builder.component::<Run>(Audience::Public).component::<Pace>(Audience::Public);
    }
    if choice & 2 != 0 {
        builder = builder.component::<Place>(Audience::Public).component::<Speed>(Audience::Public);
    }
    if choice & 4 != 0 {
        builder = builder.component::<Health>(Audience::Public);
    }
    if choice & 8 != 0 {
        builder = builder.component::<Look>(Audience::Public);
    }
    builder.build().unwrap()
}

/// What values are made of.
type Noise = Vec<(u32, u32)>;

fn noise() -> impl Strategy<Value = Noise> {
    prop::collection::vec((any::<u32>(), 0u32..4), 17)
}

/// Values for lanes. Half of them are near a common value, so that deltas have small and no changes too.
fn values(lanes: &[Lane], noise: &Noise) -> Vec<u32> {
    let value = |(lane, (noise, near)): (&Lane, &(u32, u32))| match near {
        0 => lane.max / 2,
        1 => (lane.max / 2 + noise % 16).min(lane.max),
        _ => noise % (lane.max + 1),
    };
    lanes.iter().zip(noise).map(value).collect()
}

/// Any version.
fn version() -> impl Strategy<Value = Version> {
    (0u32..16, noise()).prop_map(|(mask, noise)| Version { mask, lanes: values(&lanes_of(&schema(), mask), &noise) })
}

/// Two baselines, or one, with any ages.
fn baselines<'a>(first: &'a Version, second: Option<&'a Version>, (age, span): (u32, u32)) -> Baselines<'a> {
    let second = second.map(|version| (version.borrow(), age.saturating_add(span)));
    Baselines { first: first.borrow(), first_age: age, second, tick_hz: 60 }
}

fn ages() -> impl Strategy<Value = (u32, u32)> {
    prop_oneof![(1u32..20, 1u32..20), (1u32..0x4000_0000, 1u32..0x4000_0000)]
}

proptest! {
    #[test]
    fn a_delta_leads_from_any_versions_to_any_other(
        first in version(), second in prop::option::of(version()), new in version(), ages in ages()
    ) {
        let schema = schema();
        let layout = schema.stream(Audience::Public);
        let known = baselines(&first, second.as_ref(), ages);
        let mut w = BitWriter::new();
        encode_delta(layout, &known, new.borrow(), &mut w);
        encode_full(layout, new.borrow(), &mut w);
        let len_bits = w.len_bits();
        let bytes = w.finish().to_vec();
        let mut r = BitReader::new(&bytes);
        let mut out = Version::default();
        decode_delta(layout, &known, &mut r, &mut out).unwrap();
        prop_assert_eq!(&out, &new);
        decode_full(layout, &mut r, &mut out).unwrap();
        prop_assert_eq!(&out, &new);
        prop_assert_eq!(r.position_bits(), len_bits);
    }

    #[test]
    fn components_come_and_go_beside_more_fields_than_a_block_has(
        masks in (0u32..8, 0u32..8, 0u32..8), noises in (noise(), noise(), noise()), ages in ages()
    ) {
        let schema = Schema::builder("wide").input::<Nothing>().component::<Health>(Audience::Public);
        let schema = schema.component::<Wide>(Audience::Public).component::<Look>(Audience::Public).build().unwrap();
        let version = |mask, noise: &Noise| Version { mask, lanes: values(&lanes_of(&schema, mask), &noise.repeat(2)) };
        let [first, second, new] = [version(masks.0, &noises.0), version(masks.1, &noises.1), version(masks.2, &noises.2)];
        let known = baselines(&first, Some(&second), ages);
        let mut w = BitWriter::new();
        encode_delta(schema.stream(Audience::Public), &known, new.borrow(), &mut w);
        let mut out = Version::default();
        decode_delta(schema.stream(Audience::Public), &known, &mut BitReader::new(w.finish()), &mut out).unwrap();
        prop_assert_eq!(out, new);
    }

    #[test]
    fn versions_with_all_components_are_coded_as_others_are(
        choice in 1u32..16, noises in (noise(), noise(), noise()), has_second in any::<bool>(), ages in ages()
    ) {
        let schema = schema_of_some(choice);
        let layout = schema.stream(Audience::Public);
        let lanes = lanes_of(&schema, layout.full_mask());
        let [first, second, new] = [&noises.0, &noises.1, &noises.2]
            .map(|noise| Version { mask: layout.full_mask(), lanes: values(&lanes, &[&noise[..], &noise[..]].concat()) });
        let (coder, second) = baselines(&first, has_second.then_some(&second), ages).coder(layout);
        let [mut whole, mut parts] = [BitWriter::new(), BitWriter::new()];
        coder.encode(first.borrow(), second, new.borrow(), &mut whole);
        coder.encode_as_parts(first.borrow(), second, new.borrow(), &mut parts);
        prop_assert_eq!(whole.len_bits(), parts.len_bits());
        let bytes = whole.finish().to_vec();
        prop_assert_eq!(&bytes, parts.finish());
        let mut out = Version::default();
        coder.decode(first.borrow(), second, &mut BitReader::new(&bytes), &mut out).unwrap();
        prop_assert_eq!(&out, &new);
        out.lanes.fill(0);
        coder.decode_as_parts(first.borrow(), second, &mut BitReader::new(&bytes), &mut out).unwrap();
        prop_assert_eq!(&out, &new);
    }

    #[test]
    fn any_bytes_decode_to_lanes_in_range_or_to_an_error(
        first in version(), second in prop::option::of(version()), ages in ages(), bytes in prop::collection::vec(any::<u8>(), 0..60)
    ) {
        let schema = schema();
        let layout = schema.stream(Audience::Public);
        let mut out = Version::default();
        let known = baselines(&first, second.as_ref(), ages);
        if decode_delta(layout, &known, &mut BitReader::new(&bytes), &mut out).is_ok() {
            let lanes = lanes_of(&schema, out.mask);
            prop_assert_eq!(lanes.len(), out.lanes.len());
            prop_assert!(lanes.iter().zip(&out.lanes).all(|(lane, value)| *value <= lane.max));
        }
    }
}

#[test]
fn what_stands_still_as_expected_costs_one_symbol_a_chunk() {
    let schema = schema();
    let same = Version { mask: 15, lanes: [1, 2, 3, 100, 4, 5, 0, 6, 7, 8, 9].to_vec() };
    let mut w = BitWriter::new();
    let known = Baselines { first: same.borrow(), first_age: 3, second: Some((same.borrow(), 6)), tick_hz: 60 };
    encode_delta(schema.stream(Audience::Public), &known, same.borrow(), &mut w);
    assert!(w.len_bits() <= 2 * 4, "{}", w.len_bits());
}

component!(
    Swarm,
    Field::range("x", 0.0, 100.0, 1.0),
    Field::range("y", 0.0, 100.0, 1.0),
    Field::range("z", 0.0, 100.0, 1.0),
    Field::range("w", 0.0, 100.0, 1.0)
);

/// Sixteen vectors of four coordinates: as much as a block can have.
#[derive(Clone, Default)]
struct Swarms;
impl Replicate for Swarms {
    const NAME: &'static str = "swarms";
    const FIELDS: &'static [Field] = &crate::state::join_fields::<64>(&[Swarm::FIELDS; 16]);
    fn quantize(&self, _: &mut LaneWriter<'_>) {}
    fn dequantize(_: &mut LaneReader<'_>) -> Self {
        Self
    }
}

#[test]
fn every_lane_of_a_full_block_may_change() {
    let schema = Schema::builder("swarms").component::<Swarms>(Audience::Public).input::<Nothing>().build().unwrap();
    let layout = schema.stream(Audience::Public);
    let (old, new) = (Version { mask: 1, lanes: [0; 64].to_vec() }, Version { mask: 1, lanes: [100; 64].to_vec() });
    let known = Baselines::one(old.borrow(), 1, 60);
    let mut w = BitWriter::new();
    encode_delta(layout, &known, new.borrow(), &mut w);
    let mut out = Version::default();
    decode_delta(layout, &known, &mut BitReader::new(w.finish()), &mut out).unwrap();
    assert_eq!(out, new);
}

/// Counts bits as they would be written.
#[derive(Default)]
struct BitCount(usize);

impl Sink for BitCount {
    fn symbol(&mut self, code: Code, symbol: u8, _: u32, extra_bits: u32) {
        let residual_codes = usize::from(*TABLE_OF_CONTEXT.iter().max().unwrap()) + 1;
        let number = match code {
            Code::Residual(context) => TABLE_OF_CONTEXT[context].into(),
            Code::Pattern(pattern) => residual_codes + pattern,
        };
        self.0 += usize::from(code_lengths().nth(number).unwrap()[usize::from(symbol)]) + extra_bits as usize;
    }

    fn raw(&mut self, _: u32, bits: u32) {
        self.0 += bits as usize;
    }

    fn golomb(&mut self, value: u32, order: u32) {
        self.0 += crate::bits::golomb(value, order).1 as usize;
    }
}

#[test]
fn another_sink_hears_all_that_is_written() {
    let schema = schema();
    let layout = schema.stream(Audience::Public);
    let old = Version { mask: 15, lanes: [1, 2, 3, 100, 4, 5, 0, 6, 7, 8, 9].to_vec() };
    for (mask, lanes) in [
        (15, &[1, 2, 3, 100, 4, 5, 0, 6, 7, 8, 9][..]),
        (15, &[9, 20_000, 4, 99, 50, 5, 1, 66, 7, 8, 3]),
        (11, &[1, 2, 3, 101, 0, 6, 7, 8, 1]),
    ] {
        let known = Baselines::one(old.borrow(), 3, 60);
        let (mut w, mut count) = (BitWriter::new(), BitCount::default());
        let new = Version { mask, lanes: lanes.to_vec() };
        encode_delta(layout, &known, new.borrow(), &mut w);
        encode_delta_to(layout, &known, new.borrow(), &mut count);
        assert_eq!(count.0, w.len_bits());
    }
}

#[test]
fn coordinates_go_along_velocities_of_different_components() {
    component!(
        Kite,
        Field::range("x", -100.0, 100.0, 0.0625).with_velocity("Along", "x"),
        Field::range("y", -100.0, 100.0, 0.0625).with_velocity("Across", "y")
    );
    component!(Along, Field::range("x", -8.0, 8.0, 0.125));
    component!(Across, Field::range("y", -8.0, 8.0, 0.125));
    let builder = Schema::builder("kites").component::<Kite>(Audience::Public).component::<Along>(Audience::Public);
    let schema = builder.component::<Across>(Audience::Public).input::<Nothing>().build().unwrap();
    // 5 m/s and -5 m/s for a tenth of a second: as foretold it costs no more than the word for that.
    let old = Version { mask: 7, lanes: [1600, 1600, 104, 24].to_vec() };
    let bits_of = |x, y| {
        let mut w = BitWriter::new();
        let new = Version { mask: 7, lanes: [x, y, 104, 24].to_vec() };
        encode_delta(schema.stream(Audience::Public), &Baselines::one(old.borrow(), 6, 60), new.borrow(), &mut w);
        w.len_bits()
    };
    let still = bits_of(1608, 1592);
    for (x, y) in [(1600, 1592), (1608, 1600), (1600, 1600)] {
        assert!(bits_of(x, y) > still, "{x} {y}: {still}");
    }
}
