//! Bodies of records, full ones and deltas, over a small schema. Run with `WRITE_VECTORS=1` after an intended change.

mod vector_file;
mod vector_game;

use serde_json::{Value, json};
use tidelock::bits::{BitReader, BitWriter, Malformed};
use tidelock::state::codec::{Baselines, decode_delta, decode_full, encode_delta, encode_full};
use tidelock::state::{Audience, Schema, StreamLayout, Version};
use vector_file::{Vectors, bytes, json, less};
use vector_game::{Buttons, Label, schema};

const BODIES: &str = "record_bodies.txt";
const AGE: u32 = 3;
const OLDER_AGE: u32 = 6;
const TICK_HZ: u32 = 60;

/// A body, and the versions that it builds on: of one that is full, none.
struct Case {
    name: &'static str,
    first: Option<Version>,
    second: Option<Version>,
    new: Version,
}

fn version(body: Option<[u32; 8]>, health: Option<u32>) -> Version {
    let mask = u32::from(body.is_some()) | u32::from(health.is_some()) << 1;
    Version { mask, lanes: body.into_iter().flatten().chain(health).collect() }
}

const OLD: [u32; 8] = [40, 250, 3, 255, 256, 300, 50, 0b101];

fn fulls() -> Vec<Case> {
    let full = |name, body, health| Case { name, first: None, second: None, new: version(body, health) };
    vec![
        full("full_of_all", Some(OLD), Some(100)),
        full("full_of_the_first", Some(OLD), None),
        full("full_of_the_second", None, Some(7)),
        full("full_of_the_second_at_its_least", None, Some(0)),
        full("full_of_the_second_at_its_greatest", None, Some(100)),
        full("full_of_nothing", None, None),
        full("full_of_all_at_their_greatest", Some([80, 255, 3, 511, 511, 511, 99, 7]), Some(100)),
    ]
}

fn deltas() -> Vec<Case> {
    let delta = |name, first, new| Case { name, first: Some(first), second: None, new };
    let old = || version(Some(OLD), Some(100));
    let new = |lane: usize, value| {
        let mut body = OLD;
        body[lane] = value;
        version(Some(body), Some(100))
    };
    let health = |points| version(Some(OLD), Some(points));
    vec![
        delta("delta_of_nothing", old(), old()),
        delta("delta_of_a_range", old(), new(0, 42)),
        delta(
            "delta_of_a_range_over_all_of_it",
            version(Some([0; 8]), None),
            version(Some([80, 0, 0, 0, 0, 0, 0, 0]), None),
        ),
        delta("delta_of_an_angle_across_the_turn", old(), new(1, 3)),
        delta("delta_of_a_rotation", old(), version(Some([40, 250, 1, 200, 256, 301, 50, 0b101]), Some(100))),
        delta("delta_of_an_integer", old(), new(6, 0)),
        delta("delta_of_flags", old(), new(7, 0b010)),
        delta("delta_of_a_component_of_one_lane", old(), health(99)),
        delta("delta_of_everything", old(), version(Some([0; 8]), Some(0))),
        delta("delta_with_a_new_component", version(Some(OLD), None), old()),
        delta("delta_with_a_component_gone", old(), version(None, Some(100))),
        delta("delta_with_one_new_and_one_gone", version(Some(OLD), None), version(None, Some(1))),
        delta("delta_up_by_one", health(50), health(51)),
        delta("delta_up_to_the_maximum", health(99), health(100)),
        delta("delta_down_to_zero", health(1), health(0)),
    ]
}

/// Deltas of three ticks, whose second baseline is of three ticks before: older, newer and what it leads to.
fn deltas_of_two() -> Vec<Case> {
    let two = |name, second, first, new| Case { name, first: Some(first), second: Some(second), new };
    let body = |x, yaw, health| version(Some([x, yaw, 3, 255, 256, 300, 50, 0b101]), Some(health));
    let lacking = version(None, Some(9));
    vec![
        two("two_of_what_stood", body(40, 250, 100), body(40, 250, 100), body(40, 250, 100)),
        two("two_of_what_goes_on", body(40, 250, 100), body(43, 252, 100), body(46, 254, 100)),
        two("two_of_what_slows_down", body(40, 250, 100), body(43, 252, 100), body(45, 252, 100)),
        two("two_of_what_begins_to_move", body(40, 250, 100), body(40, 250, 100), body(42, 249, 98)),
        two("two_of_which_the_older_lacks_a_component", lacking, body(40, 250, 9), body(41, 250, 9)),
    ]
}

fn cases() -> Vec<Case> {
    fulls().into_iter().chain(deltas()).chain(deltas_of_two()).collect()
}

fn given(first: Option<&Version>, second: Option<&Version>) -> Value {
    json!({
        "first": first.map(|version| json::baseline(version, AGE)),
        "second": second.map(|version| json::baseline(version, OLDER_AGE)),
    })
}

fn baselines<'a>(first: &'a Version, second: Option<&'a Version>) -> Baselines<'a> {
    let second = second.map(|version| (version.borrow(), OLDER_AGE));
    Baselines { second, ..Baselines::one(first.borrow(), AGE, TICK_HZ) }
}

impl Case {
    fn json(&self) -> Value {
        json!({ "given": given(self.first.as_ref(), self.second.as_ref()), "version": json::version(&self.new) })
    }

    fn write(&self, layout: &StreamLayout, w: &mut BitWriter) {
        match &self.first {
            Some(first) => encode_delta(layout, &baselines(first, self.second.as_ref()), self.new.borrow(), w),
            None => encode_full(layout, self.new.borrow(), w),
        }
    }
}

/// Health above and below what it may be, by one.
fn refuse_deltas(vectors: &mut Vectors, layout: &StreamLayout) {
    let health = |points| version(Some(OLD), Some(points));
    let by_one = |to: u32, from: u32| {
        move |w: &mut BitWriter| encode_delta(layout, &baselines(&health(from), None), health(to).borrow(), w)
    };
    let given = |points| given(Some(&health(points)), None);
    vectors.refused_given("delta_cut_short", &given(100), "twin: delta_of_nothing", |_| {});
    let why = "health 100 to 101; twin: delta_up_to_the_maximum";
    vectors.refused_given("delta_above_the_maximum", &given(100), why, by_one(51, 50));
    let why = "health 0 to -1; twin: delta_down_to_zero";
    vectors.refused_given("delta_below_zero", &given(0), why, by_one(50, 51));
}

/// Of a stream of labels: kind, steps, the bearer's two lanes, the name's four, the seal's three.
type LabelLanes = [u32; 11];
const LABEL_BITS: [u32; 11] = [2, 6, 21, 16, 3, 24, 24, 24, 3, 24, 24];
const LABEL_AT_ITS_GREATEST: LabelLanes =
    [2, 63, 1 << 20, 0xFFFF, 7, 0xFF_FFFF, 0xFF_FFFF, 0xFF_FFFF, 4, 0xFF_FFFF, 0xFF_FFFF];

fn of_labels() -> Schema {
    Schema::builder("vectors").component::<Label>(Audience::Public).input::<Buttons>().build().unwrap()
}

/// As a stranger writes them, in full.
fn write_label(lanes: &LabelLanes, w: &mut BitWriter) {
    w.write(1, 1);
    lanes.iter().zip(LABEL_BITS).for_each(|(lane, bits)| w.write(u64::from(*lane), bits));
}

/// What is beyond its greatest in one lane, and which. The length of the text has no number left that is.
const LABELS_BEYOND: [(&str, usize, &str); 3] = [
    ("choice", 0, "3 of 3; twin: full_of_a_label_at_its_greatest"),
    ("reference", 2, "2^20 + 1; twin: full_of_a_label_at_its_greatest"),
    ("blob", 8, "5 bytes of 4; twin: full_of_a_label_at_its_greatest"),
];

fn labels(vectors: &mut Vectors) {
    let schema = of_labels();
    let components = json::components(schema.stream(Audience::Public));
    let given = json!({ "components": components, "first": null, "second": null });
    let version = Version { mask: 1, lanes: LABEL_AT_ITS_GREATEST.to_vec() };
    let json = json!({ "given": given, "version": json::version(&version) });
    vectors.accepted("full_of_a_label_at_its_greatest", &json, |w| write_label(&LABEL_AT_ITS_GREATEST, w));
    for (what, lane, why) in LABELS_BEYOND {
        let mut lanes = LABEL_AT_ITS_GREATEST;
        lanes[lane] += 1;
        vectors.refused_given(&format!("full_of_a_{what}_beyond_its_greatest"), &given, why, |w| {
            write_label(&lanes, w);
        });
    }
}

#[test]
fn record_bodies_have_these_bytes() {
    let mut vectors = Vectors::new(
        BODIES,
        "The bodies of records.\n\
         full:  mask 2 | for each present component its lanes, absolute: maxima 80 255 3 511 511 511 99 7 | 100\n\
         delta: against one or two baselines.\n\
         components: of the stream, as `tidelock-server schema --json` has them. tick_hz: ticks a second. given.first, given.second: the\n\
         baselines, each with how many ticks before the snapshot the tick lies that names it, or null; without any, the body is full.\n\
         version: what it leads to.",
    );
    let schema = schema();
    let layout = schema.stream(Audience::Public);
    vectors.context(&json!({ "tick_hz": TICK_HZ, "components": json::components(layout) }));
    cases().iter().for_each(|case| vectors.accepted(case.name, &case.json(), |w| case.write(layout, w)));
    let full = given(None, None);
    let why = "health 101; twin: full_of_the_second_at_its_greatest";
    vectors.refused_given("full_beyond_a_maximum", &full, why, |w| {
        w.write(0b10, 2);
        w.write(101, 7);
    });
    let why = "health has 7 bits; twin: full_of_the_second_at_its_least";
    vectors.refused_given("full_cut_short", &full, why, |w| w.write(0b10, 2));
    let all = &fulls()[0];
    let cut = less(1, |w| all.write(layout, w));
    vectors.refused_given("full_without_its_last_byte", &full, "health is cut off; twin: full_of_all", cut);
    refuse_deltas(&mut vectors, layout);
    labels(&mut vectors);
    vectors.check();
}

fn read(layout: &StreamLayout, name: &str, on: Option<&Baselines<'_>>) -> Result<Version, Malformed> {
    let (bytes, mut out) = (bytes(BODIES, name), Version::default());
    let mut r = BitReader::new(&bytes);
    match on {
        Some(baselines) => decode_delta(layout, baselines, &mut r, &mut out),
        None => decode_full(layout, &mut r, &mut out),
    }
    .map(|()| out)
}

#[test]
fn record_bodies_read_back() {
    let schema = schema();
    let layout = schema.stream(Audience::Public);
    for Case { name, first, second, new } in cases() {
        let baselines = first.as_ref().map(|first| baselines(first, second.as_ref()));
        assert_eq!(read(layout, name, baselines.as_ref()), Ok(new), "{name}");
    }
    for name in ["full_beyond_a_maximum", "full_cut_short", "full_without_its_last_byte"] {
        assert_eq!(read(layout, &format!("refused_{name}"), None), Err(Malformed), "{name}");
    }
    for (name, points) in [("delta_cut_short", 100), ("delta_above_the_maximum", 100), ("delta_below_zero", 0)] {
        let old = version(Some(OLD), Some(points));
        let read = read(layout, &format!("refused_{name}"), Some(&baselines(&old, None)));
        assert_eq!(read, Err(Malformed), "{name}");
    }
}

#[test]
fn labels_read_back() {
    let schema = of_labels();
    let layout = schema.stream(Audience::Public);
    let version = Version { mask: 1, lanes: LABEL_AT_ITS_GREATEST.to_vec() };
    assert_eq!(read(layout, "full_of_a_label_at_its_greatest", None), Ok(version));
    for (what, ..) in LABELS_BEYOND {
        let name = format!("refused_full_of_a_{what}_beyond_its_greatest");
        assert_eq!(read(layout, &name, None), Err(Malformed), "{name}");
    }
}
