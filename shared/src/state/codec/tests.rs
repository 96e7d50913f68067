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

/// Any version. Half of the lanes are near a common value, so that deltas have small and no changes too.
fn version() -> impl Strategy<Value = Version> {
    (0u32..16, prop::collection::vec((any::<u32>(), 0u32..4), 17)).prop_map(|(mask, noise)| {
        let lanes = lanes_of(&schema(), mask);
        let value = |(lane, (noise, near)): (&Lane, &(u32, u32))| match near {
            0 => lane.max / 2,
            1 => (lane.max / 2 + noise % 16).min(lane.max),
            _ => noise % (lane.max + 1),
        };
        Version { mask, lanes: lanes.iter().zip(&noise).map(value).collect() }
    })
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
