//! Fields as lanes, record bodies and hashes over a small schema with every kind of field. Run with `WRITE_VECTORS=1`
//! after an intended change.

mod vector_file;

use glam::Quat;
use std::f32::consts::{FRAC_PI_2, PI};
use tidelock::bits::{BitReader, Malformed};
use tidelock::state::codec::{Baselines, decode_delta, decode_full, encode_delta, encode_full};
use tidelock::state::{
    Audience, Checksum, EntityRef, Event, Field, Input, LaneReader, LaneWriter, NetId, Replicate, Schema, Shaped,
    StreamLayout, Version, version_hash,
};
use vector_file::{Vectors, bytes};

const BODIES: &str = "record_bodies.txt";
const FIELDS: &str = "fields.txt";
const HASHES: &str = "hashes.txt";

/// One field of each kind.
#[derive(Clone, Debug, Default, PartialEq)]
struct Body {
    x: f32,
    yaw: f32,
    turn: Quat,
    points: i32,
    flags: u32,
}

impl Replicate for Body {
    const NAME: &'static str = "body";
    const FIELDS: &'static [Field] = &[
        Field::range("x", -10.0, 10.0, 0.25),
        Field::angle("yaw", 8).with_order(2),
        Field::rotation("turn", 9),
        Field::integer("points", -5, 94),
        Field::flags("flags", 3),
    ];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.range(self.x);
        lanes.angle(self.yaw);
        lanes.rotation(self.turn);
        lanes.integer(self.points);
        lanes.flags(self.flags);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        let (x, yaw, turn) = (lanes.range(), lanes.angle(), lanes.rotation());
        Self { x, yaw, turn, points: lanes.integer(), flags: lanes.flags() }
    }
}

/// One field of each kind that is no number in a range.
#[derive(Clone, Debug, Default, PartialEq)]
struct Label {
    kind: u32,
    steps: u32,
    bearer: EntityRef,
    name: String,
    seal: Vec<u8>,
}

impl Replicate for Label {
    const NAME: &'static str = "label";
    const FIELDS: &'static [Field] = &[
        Field::choice("kind", 3),
        Field::counter("steps", 6),
        Field::reference("bearer"),
        Field::text("name", 7),
        Field::blob("seal", 4),
    ];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.choice(self.kind);
        lanes.counter(self.steps);
        lanes.reference(self.bearer);
        lanes.text(&self.name);
        lanes.blob(&self.seal);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        let (kind, steps, bearer) = (lanes.choice(), lanes.counter(), lanes.reference());
        Self { kind, steps, bearer, name: lanes.text(), seal: lanes.blob() }
    }
}

/// A component of a single lane: it has no bit of its own for the lane.
#[derive(Clone, Debug, Default)]
struct Health(i32);

impl Replicate for Health {
    const NAME: &'static str = "health";
    const FIELDS: &'static [Field] = &[Field::integer("points", 0, 100)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.integer(self.0);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.integer())
    }
}

#[derive(Clone, Debug, Default)]
struct Ammo;

impl Replicate for Ammo {
    const NAME: &'static str = "ammo";
    const FIELDS: &'static [Field] = &[Field::flags("loaded", 1)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.flags(0);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        lanes.flags();
        Self
    }
}

#[derive(Clone, Debug, Default)]
struct Buttons;

impl Replicate for Buttons {
    const NAME: &'static str = "buttons";
    const FIELDS: &'static [Field] = &[Field::flags("held", 4)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.flags(0);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        lanes.flags();
        Self
    }
}

impl Input for Buttons {
    fn clear_one_shots(&mut self) {}
}

#[derive(bitcode::Encode, bitcode::Decode, Shaped)]
struct Shout(u8);

impl Event for Shout {
    const NAME: &'static str = "shout";
}

fn schema() -> Schema {
    let public = Schema::builder("vectors").component::<Body>(Audience::Public).component::<Health>(Audience::Public);
    public.component::<Ammo>(Audience::Owner).input::<Buttons>().event::<Shout>().build().unwrap()
}

fn lanes_of<C: Replicate>(value: &C) -> Vec<u32> {
    let mut lanes = vec![0; C::lane_count()];
    value.write_lanes(&mut lanes);
    lanes
}

fn bodies() -> Vec<(&'static str, Body)> {
    let body = Body { turn: Quat::IDENTITY, ..Body::default() };
    vec![
        ("all_zero", body.clone()),
        ("all_least", Body { x: -99.0, yaw: -PI, points: -99, turn: Quat::from_xyzw(0.0, 0.0, 1.0, 0.0), flags: 0 }),
        ("all_greatest", Body { x: 99.0, yaw: PI * 127.0 / 128.0, points: 999, flags: 0xFF, ..body.clone() }),
        ("half_a_step_rounds_up", Body { x: 0.125, ..body.clone() }),
        ("less_than_half_a_step_rounds_down", Body { x: 0.124, ..body.clone() }),
        (
            "a_quarter_turn",
            Body { yaw: FRAC_PI_2, turn: Quat::from_xyzw(0.0, 0.707_106_77, 0.0, 0.707_106_77), ..body },
        ),
        ("the_largest_is_negative", Body { turn: Quat::from_xyzw(0.1, -0.9, 0.3, 0.3), ..Body::default() }),
        (
            "not_numbers",
            Body {
                x: f32::NAN,
                yaw: f32::INFINITY,
                turn: Quat::from_xyzw(f32::NAN, 0.0, 0.0, 0.0),
                points: 0,
                flags: 0,
            },
        ),
    ]
}

fn labels() -> Vec<(&'static str, Label)> {
    let bearer = |index, generation| EntityRef::Net(NetId { index, generation });
    vec![
        ("nothing", Label::default()),
        (
            "all_of_a_label",
            Label { kind: 2, steps: 63, bearer: bearer(0, 7), name: "abcdefg".into(), seal: vec![1, 2, 3, 4] },
        ),
        (
            "too_much_for_a_label",
            Label { kind: 9, steps: 65, bearer: bearer(0xF_FFFF, 0xFFFF), name: "abcdefé".into(), seal: vec![9; 9] },
        ),
        ("a_local_entity_that_nobody_knows", Label { bearer: EntityRef::Local(5), ..Label::default() }),
    ]
}

#[test]
fn fields_have_these_lanes() {
    let mut vectors = Vectors::new(
        FIELDS,
        "Values and the lanes they become: x from -10 to 10 in steps of 0.25; yaw in radians, 256 steps of a turn;\n\
         turn, a quaternion x, y, z, w: which is the largest, then the other three of 9 bits; points from -5 to 94; 3 flags.\n\
         Of a label: kind, one of 3; steps, a counter of 6 bits; bearer, an entity: index and one, generation; name, text of 7 bytes\n\
         at most: its length, then three bytes a lane; seal, a blob of 4.",
    );
    for (name, body) in bodies() {
        vectors.value(name, &format!("{body:?}"), &format!("{:?}", lanes_of(&body)));
    }
    for (name, label) in labels() {
        vectors.value(name, &format!("{label:?}"), &format!("{:?}", lanes_of(&label)));
    }
    vectors.check();
}

#[test]
fn lanes_read_back_and_stay() {
    for (name, body) in bodies() {
        let lanes = lanes_of(&body);
        assert_eq!(lanes_of(&Body::read_lanes(&lanes)), lanes, "{name}");
    }
    for (name, label) in labels() {
        let lanes = lanes_of(&label);
        assert_eq!(lanes_of(&Label::read_lanes(&lanes)), lanes, "{name}");
    }
}

fn version(body: Option<[u32; 8]>, health: Option<u32>) -> Version {
    let mask = u32::from(body.is_some()) | u32::from(health.is_some()) << 1;
    Version { mask, lanes: body.into_iter().flatten().chain(health).collect() }
}

const OLD: [u32; 8] = [40, 250, 3, 255, 256, 300, 50, 0b101];

fn fulls() -> Vec<(&'static str, Version)> {
    vec![
        ("full_of_all", version(Some(OLD), Some(100))),
        ("full_of_the_first", version(Some(OLD), None)),
        ("full_of_the_second", version(None, Some(7))),
        ("full_of_nothing", version(None, None)),
        ("full_of_all_at_their_greatest", version(Some([80, 255, 3, 511, 511, 511, 99, 7]), Some(100))),
    ]
}

fn deltas() -> Vec<(&'static str, Version, Version)> {
    let old = || version(Some(OLD), Some(100));
    let new = |lane: usize, value| {
        let mut body = OLD;
        body[lane] = value;
        version(Some(body), Some(100))
    };
    vec![
        ("delta_of_nothing", old(), old()),
        ("delta_of_a_range", old(), new(0, 42)),
        (
            "delta_of_a_range_over_all_of_it",
            version(Some([0; 8]), None),
            version(Some([80, 0, 0, 0, 0, 0, 0, 0]), None),
        ),
        ("delta_of_an_angle_across_the_turn", old(), new(1, 3)),
        ("delta_of_a_rotation", old(), version(Some([40, 250, 1, 200, 256, 301, 50, 0b101]), Some(100))),
        ("delta_of_an_integer", old(), new(6, 0)),
        ("delta_of_flags", old(), new(7, 0b010)),
        ("delta_of_a_component_of_one_lane", old(), version(Some(OLD), Some(99))),
        ("delta_of_everything", old(), version(Some([0, 0, 0, 0, 0, 0, 0, 0]), Some(0))),
        ("delta_with_a_new_component", version(Some(OLD), None), old()),
        ("delta_with_a_component_gone", old(), version(None, Some(100))),
        ("delta_with_one_new_and_one_gone", version(Some(OLD), None), version(None, Some(1))),
    ]
}

/// Deltas of three ticks, whose second baseline is of three ticks before: older, newer and what it leads to.
fn deltas_of_two() -> Vec<(&'static str, [Version; 3])> {
    let body = |x, yaw, health| version(Some([x, yaw, 3, 255, 256, 300, 50, 0b101]), Some(health));
    vec![
        ("two_of_what_stood", [body(40, 250, 100), body(40, 250, 100), body(40, 250, 100)]),
        ("two_of_what_goes_on", [body(40, 250, 100), body(43, 252, 100), body(46, 254, 100)]),
        ("two_of_what_slows_down", [body(40, 250, 100), body(43, 252, 100), body(45, 252, 100)]),
        ("two_of_what_begins_to_move", [body(40, 250, 100), body(40, 250, 100), body(42, 249, 98)]),
        ("two_of_which_the_older_lacks_a_component", [version(None, Some(9)), body(40, 250, 9), body(41, 250, 9)]),
    ]
}

const AGE: u32 = 3;
const OLDER_AGE: u32 = 6;
const TICK_HZ: u32 = 60;

fn one(old: &Version) -> Baselines<'_> {
    Baselines::one(old.borrow(), AGE, TICK_HZ)
}

fn two<'a>(older: &'a Version, newer: &'a Version) -> Baselines<'a> {
    Baselines { second: Some((older.borrow(), OLDER_AGE)), ..one(newer) }
}

#[test]
fn record_bodies_have_these_bytes() {
    let mut vectors = Vectors::new(
        BODIES,
        "The bodies of records: lanes of the components `body` (the fields of fields.txt) and `health` (an integer 0 to 100).\n\
         full:  mask 2 | for each present component its lanes, absolute: maxima 80 255 3 511 511 511 99 7 | 100\n\
         delta: against a baseline of an age of 3 ticks at 60 Hz; `two`: with a second one of an age of 6.",
    );
    let schema = schema();
    let layout = schema.stream(Audience::Public);
    for (name, version) in fulls() {
        vectors.accepted(name, &format!("{version:?}"), |w| encode_full(layout, version.borrow(), w));
    }
    for (name, old, new) in deltas() {
        let fields = format!("from {old:?} to {new:?}");
        vectors.accepted(name, &fields, |w| encode_delta(layout, &one(&old), new.borrow(), w));
    }
    for (name, [older, newer, new]) in deltas_of_two() {
        let fields = format!("from {older:?} and {newer:?} to {new:?}");
        vectors.accepted(name, &fields, |w| encode_delta(layout, &two(&older, &newer), new.borrow(), w));
    }
    vectors.refused("full_beyond_a_maximum", "health 101; twin: full_of_all", |w| {
        w.write(0b10, 2);
        w.write(101, 7);
    });
    vectors.refused("full_cut_short", "health has 7 bits; twin: full_of_the_second", |w| w.write(0b10, 2));
    vectors.refused("delta_cut_short", "twin: delta_of_nothing", |_| {});
    let health = |points| version(Some(OLD), Some(points));
    vectors.accepted("delta_up_by_one", "health 50 to 51", |w| {
        encode_delta(layout, &one(&health(50)), health(51).borrow(), w);
    });
    vectors.refused("delta_above_the_maximum", "health 100 to 101; twin: delta_up_by_one", |w| {
        encode_delta(layout, &one(&health(50)), health(51).borrow(), w);
    });
    vectors.check();
}

fn read_delta(layout: &StreamLayout, name: &str, baselines: &Baselines<'_>) -> Result<Version, Malformed> {
    let mut out = Version::default();
    decode_delta(layout, baselines, &mut BitReader::new(&bytes(BODIES, name)), &mut out).map(|()| out)
}

#[test]
fn record_bodies_read_back() {
    let schema = schema();
    let layout = schema.stream(Audience::Public);
    let read_full = |name: &str| {
        let mut out = Version::default();
        decode_full(layout, &mut BitReader::new(&bytes(BODIES, name)), &mut out).map(|()| out)
    };
    for (name, version) in fulls() {
        assert_eq!(read_full(name), Ok(version), "{name}");
    }
    for (name, old, new) in deltas() {
        assert_eq!(read_delta(layout, name, &one(&old)), Ok(new), "{name}");
    }
    for (name, [older, newer, new]) in deltas_of_two() {
        assert_eq!(read_delta(layout, name, &two(&older, &newer)), Ok(new), "{name}");
    }
    for name in ["refused_full_beyond_a_maximum", "refused_full_cut_short"] {
        assert_eq!(read_full(name), Err(Malformed), "{name}");
    }
    let health = |points| version(Some(OLD), Some(points));
    assert_eq!(read_delta(layout, "delta_up_by_one", &one(&health(50))), Ok(health(51)));
    assert_eq!(read_delta(layout, "refused_delta_above_the_maximum", &one(&health(100))), Err(Malformed));
    assert_eq!(read_delta(layout, "refused_delta_cut_short", &one(&health(100))), Err(Malformed));
}

#[test]
fn hashes_have_these_values() {
    let mut vectors = Vectors::new(
        HASHES,
        "Hashes. Version: from 0, each word w of index, generation, audience, mask, lanes gives\n\
         h = (h ^ w) * 0x9E3779B97F4A7C15, then h ^= h >> 32. Checksum: the sum of version hashes, s; 32 bits of it are\n\
         s ^ s >> 32, 16 bits of it are those folded once more.\n\
         Schema: FNV-1a from 0xCBF29CE484222325 over the game's name, then over each declaration in order.",
    );
    let hash = |index, generation, audience, mask, lanes: &[u32]| {
        version_hash(NetId { index, generation }, audience, mask, lanes)
    };
    let (a, b) = (hash(1, 2, Audience::Public, 3, &[4, 5]), hash(0xF_FFFF, 0xFFFF, Audience::Owner, 1, &[1]));
    vectors.value("version", "index 1, generation 2, public, mask 3, lanes [4, 5]", &format!("{a:016x}"));
    vectors.value(
        "version_of_an_owner",
        "index 1048575, generation 65535, owner, mask 1, lanes [1]",
        &format!("{b:016x}"),
    );
    let empty = hash(7, 0, Audience::Public, 0, &[]);
    vectors.value("version_of_nothing", "index 7, generation 0, public, mask 0, lanes []", &format!("{empty:016x}"));
    let mut sum = Checksum::default();
    sum.add(a);
    sum.add(b);
    vectors.value("checksum", "version and version_of_an_owner, 64 bits", &format!("{:016x}", sum.0));
    vectors.value("checksum_32", "the same in 32 bits, as audits carry it", &format!("{:08x}", sum.to_u32()));
    vectors.value("checksum_16", "the same in 16 bits, as snapshots carry it", &format!("{:04x}", sum.to_u16()));
    let fields = "game vectors; body and health for all, ammo for owners, input buttons of 4 flags, event shout";
    vectors.value("schema", fields, &format!("{:016x}", schema().hash()));
    let label = Schema::builder("vectors").component::<Label>(Audience::Team).input::<Buttons>().build().unwrap();
    let fields = "game vectors; label (of fields.txt) for teams, input buttons of 4 flags";
    vectors.value("schema_of_a_label", fields, &format!("{:016x}", label.hash()));
    let other = Schema::builder("vectors").input::<Buttons>().build().unwrap();
    vectors.value("schema_of_an_input", "game vectors; input buttons of 4 flags", &format!("{:016x}", other.hash()));
    vectors.check();
}
