//! Values as lanes, and lanes as values, for every kind of field. Run with `WRITE_VECTORS=1` after an intended change.

mod vector_file;
mod vector_game;

use glam::Quat;
use serde_json::{Value, json};
use std::f32::consts::{FRAC_PI_2, PI};
use tidelock::state::{EntityRef, Field, LaneReader, LaneWriter, NetId, Replicate};
use vector_file::{Vectors, json};
use vector_game::{Body, Label};

/// What is at the edge of what a field may be.
#[derive(Clone, Debug, Default)]
struct Edge {
    part: f32,
    coarse: Quat,
    fine: Quat,
    angle: f32,
}

impl Replicate for Edge {
    const NAME: &'static str = "edge";
    // The last step of the range is a short one.
    const FIELDS: &'static [Field] = &[
        Field::range("part", 0.0, 1.0, 0.375),
        Field::rotation("coarse", 5),
        Field::rotation("fine", 12),
        Field::angle("angle", 20),
    ];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.range(self.part);
        lanes.rotation(self.coarse);
        lanes.rotation(self.fine);
        lanes.angle(self.angle);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        let (part, coarse, fine) = (lanes.range(), lanes.rotation(), lanes.rotation());
        Self { part, coarse, fine, angle: lanes.angle() }
    }
}

/// Ranges that have no 0.
#[derive(Clone, Debug, Default)]
struct Outside {
    above: f32,
    below: f32,
}

impl Replicate for Outside {
    const NAME: &'static str = "outside";
    const FIELDS: &'static [Field] =
        &[Field::range("above", 5.0, 6.0, 0.125), Field::range("below", -6.0, -5.0, 0.125)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.range(self.above);
        lanes.range(self.below);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self { above: lanes.range(), below: lanes.range() }
    }
}

trait Shown: Replicate {
    fn json(&self) -> Value;
}

impl Shown for Body {
    fn json(&self) -> Value {
        let (x, yaw) = (json::real(self.x), json::real(self.yaw));
        json!({ "x": x, "yaw": yaw, "turn": rotation(self.turn), "points": self.points, "flags": self.flags })
    }
}

impl Shown for Label {
    fn json(&self) -> Value {
        let bearer = self.bearer.net_id().map(|id| json!({ "index": id.index, "generation": id.generation }));
        let (name, seal) = (&self.name, json::bytes(&self.seal));
        json!({ "kind": self.kind, "steps": self.steps, "bearer": bearer, "name": name, "seal": seal })
    }
}

impl Shown for Edge {
    fn json(&self) -> Value {
        let (part, angle) = (json::real(self.part), json::real(self.angle));
        json!({ "part": part, "coarse": rotation(self.coarse), "fine": rotation(self.fine), "angle": angle })
    }
}

impl Shown for Outside {
    fn json(&self) -> Value {
        json!({ "above": json::real(self.above), "below": json::real(self.below) })
    }
}

fn rotation(turn: Quat) -> Value {
    turn.to_array().map(json::real).into_iter().collect()
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
            Body { yaw: FRAC_PI_2, turn: Quat::from_xyzw(0.0, 0.707_106_77, 0.0, 0.707_106_77), ..body.clone() },
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
        ("not_numbers_below_zero", Body { x: f32::NEG_INFINITY, yaw: f32::NEG_INFINITY, ..body.clone() }),
        ("many_turns", Body { yaw: -100.0, ..body }),
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
        ("a_character_of_four_bytes", Label { name: "ab🌊".into(), ..Label::default() }),
    ]
}

fn edges() -> Vec<(&'static str, Edge)> {
    let turned = |x, y, z, w| {
        let turn = Quat::from_xyzw(x, y, z, w);
        Edge { coarse: turn, fine: turn, ..Edge::default() }
    };
    vec![
        ("beyond_the_last_step", Edge { part: 1.0, angle: 3.0, ..turned(0.0, 0.0, 0.0, 1.0) }),
        ("all_are_the_largest", turned(0.5, 0.5, 0.5, 0.5)),
        ("all_are_the_largest_and_some_negative", turned(-0.5, 0.5, -0.5, 0.5)),
        ("it_has_another_length", turned(3.0, -2.0, 1.0, 0.5)),
        ("it_has_hardly_a_length", turned(0.0, 1e-10, 0.0, 0.0)),
        ("a_rotation_of_infinity", turned(f32::INFINITY, 0.0, 0.0, 0.0)),
        ("a_rotation_of_infinities", turned(0.5, f32::INFINITY, f32::NEG_INFINITY, 0.5)),
        ("a_rotation_one_part_of_which_is_no_number", turned(0.9, 0.1, f32::NAN, 0.1)),
        ("a_rotation_as_long_as_floats_go", turned(f32::MAX, -f32::MAX, 0.0, f32::MAX)),
    ]
}

/// What some lanes read back as, or nearly. Of the coarse rotation another component than theirs is the largest by
/// then.
fn read_back() -> Vec<(&'static str, Edge)> {
    let above = turned_by([3, 0, 3, 14], [0, 3837, 2915, 3213]);
    let coarse = |by| Edge {
        coarse: Quat::from_xyzw(above.coarse.x + by, above.coarse.y, above.coarse.z, above.coarse.w),
        ..above.clone()
    };
    // Lanes with another largest component read back as the same.
    let later = turned_by([3, 0, 3, 15], [1, 3800, 2915, 3213]);
    let negated = |of: &Edge| Edge { coarse: -of.coarse, fine: -of.fine, ..of.clone() };
    // Which of four that are equal was the largest, lanes alone tell.
    let equal = turned_by([1, 31, 0, 16], [2, 3_497, 3_497, 3_497]);
    vec![
        ("what_was_read_back", above.clone()),
        ("what_was_read_back_negated", negated(&above)),
        ("nearly_what_was_read_back", coarse(3e-7)),
        ("not_quite_what_was_read_back", coarse(2e-6)),
        ("what_was_read_back_below_0_4", turned_by([3, 0, 3, 12], [3, 2048, 2048, 2048])),
        ("what_was_read_back_of_later_lanes", later.clone()),
        (
            "what_rounds_to_later_lanes",
            Edge { fine: later.fine + Quat::from_xyzw(2e-5, 0.0, 0.0, 0.0), ..later.clone() },
        ),
        ("equals_read_back", equal.clone()),
        ("equals_read_back_negated", negated(&equal)),
    ]
}

/// What these lanes of both rotations read back as.
fn turned_by(coarse: [u32; 4], fine: [u32; 4]) -> Edge {
    Edge::read_lanes(&[&[0], &coarse[..], &fine, &[0]].concat())
}

fn outsides() -> Vec<(&'static str, Outside)> {
    vec![("not_a_number_where_zero_is_out_of_range", Outside { above: f32::NAN, below: f32::NAN })]
}

/// Lanes that no value becomes.
fn lanes_of_strangers() -> [(&'static str, [u32; 11]); 3] {
    let text = |bytes: [u8; 3]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
    [
        ("text_that_is_not_all_utf_8", [0, 0, 0, 0, 3, text([0x61, 0xC3, 0x28]), 0, 0, 0, 0, 0]),
        ("bytes_after_the_last", [0, 0, 0, 0, 1, text(*b"abc"), 0, 0, 1, text(*b"abc"), 0]),
        ("a_generation_of_nothing", [0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]),
    ]
}

fn write<C: Shown>(vectors: &mut Vectors, values: &[(&str, C)]) {
    for (name, value) in values {
        let json = json!({ "component": C::NAME, "values": value.json() });
        vectors.value(name, &json, &json!(lanes_of(value)).to_string());
    }
}

fn write_read<C: Shown>(vectors: &mut Vectors, lanes: &[(&str, Vec<u32>)]) {
    for (name, lanes) in lanes {
        let json = json!({ "component": C::NAME, "lanes": lanes });
        vectors.value(&format!("read_{name}"), &json, &C::read_lanes(lanes).json().to_string());
    }
}

fn all_lanes<C: Replicate>(values: &[(&'static str, C)]) -> Vec<(&'static str, Vec<u32>)> {
    values.iter().map(|(name, value)| (*name, lanes_of(value))).collect()
}

#[test]
fn fields_have_these_lanes() {
    let mut vectors = Vectors::new(
        "fields.txt",
        "Values and the lanes they become; `read_`: lanes and the values they become.\n\
         components: as `tidelock-server schema --json` has them. component: the name of the one that it is about. values: of its fields, by\n\
         name. Real numbers are 32-bit floats, told so that 64-bit floats hold them exactly; what is no number is the text nan, inf or -inf.\n\
         A rotation is x, y, z, w; a reference index and generation, or null; a blob in hex.\n\
         value: the lanes, or the values.",
    );
    let components = [
        json::component::<Body>(),
        json::component::<Label>(),
        json::component::<Edge>(),
        json::component::<Outside>(),
    ];
    vectors.context(&json!({ "components": components }));
    write(&mut vectors, &bodies());
    write(&mut vectors, &labels());
    write(&mut vectors, &edges());
    write(&mut vectors, &read_back());
    write(&mut vectors, &outsides());
    write_read::<Body>(&mut vectors, &all_lanes(&bodies()));
    let strangers = lanes_of_strangers().map(|(name, lanes)| (name, lanes.to_vec()));
    write_read::<Label>(&mut vectors, &[all_lanes(&labels()), strangers.to_vec()].concat());
    write_read::<Edge>(&mut vectors, &all_lanes(&edges()));
    vectors.check();
}

#[test]
fn lanes_read_back_and_stay() {
    fn stay<C: Replicate>(values: &[(&str, C)]) {
        for (name, value) in values {
            let lanes = lanes_of(value);
            assert_eq!(lanes_of(&C::read_lanes(&lanes)), lanes, "{name}");
        }
    }
    stay(&bodies());
    stay(&labels());
    stay(&edges());
    stay(&read_back());
    stay(&outsides());
}
