//! Every kind of field through the codec, marks and long text included, whatever the versions.

use glam::{Quat, Vec3};
use proptest::prelude::*;
use tidelock::bits::{BitReader, BitWriter};
use tidelock::state::codec::{Baselines, decode_delta, decode_full, encode_delta, encode_full};
use tidelock::state::{Audience, EntityRef, Input, Lane, Replicate, Schema, Version};

#[derive(Replicate)]
struct First;

#[derive(Replicate)]
struct Body {
    #[field(range(-100.0..=100.0), step = 1.0 / 256.0, velocity = "speed")]
    place: Vec3,
    #[field(range(-8.0..=8.0), step = 0.125, held)]
    speed: Vec3,
    #[field(angle, bits = 12)]
    yaw: f32,
    #[field(bits = 9)]
    turn: Quat,
}

#[derive(Replicate)]
struct Between;

#[derive(Replicate, Clone, Copy)]
enum Kind {
    Only,
}

#[derive(Replicate)]
struct Label {
    #[field(text, bytes = 48)]
    name: String,
    #[field(blob, bytes = 1)]
    seal: Vec<u8>,
    owner: EntityRef,
    #[field(counter, bits = 31)]
    steps: u32,
    #[field(flags, bits = 31)]
    flags: u32,
    #[field(range(-1_000_000_000..=1_000_000_000))]
    gold: i32,
    /// A choice of one: a lane without bits.
    kind: Kind,
    a: bool,
    b: bool,
}

#[derive(Replicate, Clone, Default)]
struct Last;

#[derive(Replicate, Clone, Default)]
struct Press(bool);

impl Input for Press {
    fn clear_one_shots(&mut self) {}
}

fn schema() -> Schema {
    Schema::builder("kinds")
        .replicate::<First>()
        .replicate::<Body>()
        .replicate::<Between>()
        .replicate::<Label>()
        .replicate::<Last>()
        .input::<Press>()
        .build()
        .unwrap()
}

fn version() -> impl Strategy<Value = Version> {
    (0u32..32, prop::collection::vec((any::<u32>(), 0u32..4), 64)).prop_map(|(mask, noise)| {
        let schema = schema();
        let present = schema.stream(Audience::Public).present(mask);
        let lanes: Vec<Lane> = present.flat_map(|(_, component)| component.lanes.clone()).collect();
        let value = |(lane, (noise, near)): (&Lane, &(u32, u32))| match near {
            0 => lane.max / 2,
            1 => (lane.max / 2 + noise % 16).min(lane.max),
            _ => noise % (lane.max + 1),
        };
        Version { mask, lanes: lanes.iter().zip(&noise).map(value).collect() }
    })
}

proptest! {
    #[test]
    fn a_delta_leads_from_any_versions_to_any_other(
        first in version(), second in prop::option::of(version()), new in version(), age in 1u32..99, span in 1u32..99,
    ) {
        let schema = schema();
        let layout = schema.stream(Audience::Public);
        let second = second.as_ref().map(|second| (second.borrow(), age + span));
        let known = Baselines { first: first.borrow(), first_age: age, second, tick_hz: 60 };
        let mut w = BitWriter::new();
        encode_delta(layout, &known, new.borrow(), &mut w);
        encode_full(layout, new.borrow(), &mut w);
        let bytes = w.finish().to_vec();
        let (mut r, mut out) = (BitReader::new(&bytes), Version::default());
        decode_delta(layout, &known, &mut r, &mut out).unwrap();
        prop_assert_eq!(&out, &new);
        decode_full(layout, &mut r, &mut out).unwrap();
        prop_assert_eq!(&out, &new);
    }

    #[test]
    fn any_bytes_are_lanes_that_components_can_be_made_of(old in version(), bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let schema = schema();
        let layout = schema.stream(Audience::Public);
        let mut out = Version::default();
        let known = Baselines::one(old.borrow(), 3, 60);
        if decode_delta(layout, &known, &mut BitReader::new(&bytes), &mut out).is_ok() && out.mask & 8 != 0 {
            let at = layout.lane_offset(out.mask, 3);
            let label = Label::read_lanes(&out.lanes[at..at + Label::lane_count()]);
            prop_assert!(label.name.len() <= 48 && label.seal.len() <= 1);
        }
    }
}
