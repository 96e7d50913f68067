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
    ]
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
    let components = [json::component::<Body>(), json::component::<Label>(), json::component::<Edge>()];
    vectors.context(&json!({ "components": components }));
    write(&mut vectors, &bodies());
    write(&mut vectors, &labels());
    write(&mut vectors, &edges());
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
}
