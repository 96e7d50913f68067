//! Inputs as clients send them, bit by bit. Run with `WRITE_VECTORS=1` after an intended change.

mod vector_file;

use serde_json::{Value, json};
use tidelock::Tick;
use tidelock::bits::{BitReader, BitWriter, Malformed};
use tidelock::state::{Coding, Field, Input, Lane, LaneReader, LaneWriter, Replicate, Schema};
use tidelock::wire::{INPUTS_MAX, InputReader, write_inputs};
use vector_file::{Vectors, bytes, json, less};

const INPUTS: &str = "inputs.txt";

/// Two axes, a direction on a circle of 256 and four buttons. Only its declaration and its default are used.
#[derive(Clone, Default)]
struct Walk;

impl Replicate for Walk {
    const NAME: &'static str = "walk";
    const FIELDS: &'static [Field] =
        &[Field::integer("x", -8, 8), Field::integer("y", -8, 8), Field::angle("aim", 8), Field::flags("buttons", 4)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.integer(0);
        lanes.integer(0);
        lanes.angle(0.0);
        lanes.flags(0);
    }

    fn dequantize(_: &mut LaneReader<'_>) -> Self {
        Self
    }
}

impl Input for Walk {
    fn clear_one_shots(&mut self) {}
}

/// An input of one lane has no bit of its own for the lane.
#[derive(Clone, Default)]
struct Pick;

impl Replicate for Pick {
    const NAME: &'static str = "pick";
    const FIELDS: &'static [Field] = &[Field::choice("what", 3)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.choice(0);
    }

    fn dequantize(_: &mut LaneReader<'_>) -> Self {
        Self
    }
}

impl Input for Pick {
    fn clear_one_shots(&mut self) {}
}

const LANES: [Lane; 4] = [
    Lane { max: 16, coding: Coding::Number(1) },
    Lane { max: 16, coding: Coding::Number(1) },
    Lane { max: 255, coding: Coding::Circle(2) },
    Lane { max: 15, coding: Coding::Symbol },
];
const DEFAULT: [u32; 4] = [8, 8, 0, 0];

const PICK: [Lane; 1] = [Lane { max: 2, coding: Coding::Symbol }];

fn schema<I: Input>() -> Schema {
    Schema::builder("vectors").input::<I>().build().unwrap()
}

/// Name, newest tick, inputs with the newest first.
type Datagram = (&'static str, u32, Vec<[u32; 4]>);

fn datagrams() -> Vec<Datagram> {
    vec![
        ("one_that_is_the_default", 10, vec![DEFAULT]),
        ("one_with_all_lanes_changed", 11, vec![[16, 0, 255, 15]]),
        ("four", 12, vec![[16, 8, 250, 1], [16, 8, 250, 1], [15, 8, 4, 0], [0, 16, 4, 8]]),
        ("the_newest_beyond_16_bits", 70_001, vec![[8, 9, 0, 0], DEFAULT]),
        ("as_many_as_there_can_be", 100, vec![[9, 8, 0, 0]; INPUTS_MAX]),
        ("as_many_defaults_as_there_can_be", 100, vec![DEFAULT; INPUTS_MAX]),
        ("two_alike", 9, vec![[8, 8, 7, 0]; 2]),
        ("a_number_at_its_limit", 9, vec![[16, 8, 0, 0]]),
        ("a_number_at_zero", 9, vec![[0, 8, 0, 0]]),
        ("an_older_number_at_its_limit", 9, vec![[15, 8, 0, 0], [16, 8, 0, 0]]),
        ("half_a_turn", 9, vec![[8, 8, 128, 0]]),
        ("across_the_wrap_of_ticks", 0, vec![DEFAULT; 2]),
    ]
}

fn datagram_json(known_tick: Tick, newest_tick: u32, inputs: &[[u32; 4]]) -> Value {
    json!({ "given": { "known_tick": known_tick.0 }, "newest_tick": newest_tick, "inputs": inputs })
}

/// What the reader of a datagram knows.
fn known_tick(newest_tick: u32) -> Tick {
    Tick(newest_tick).sub(5)
}

fn write(tick: u32, inputs: &[[u32; 4]], w: &mut BitWriter) {
    let older = inputs[1..].iter().map(|input| &input[..]);
    write_inputs(&LANES, &DEFAULT, Tick(tick), &inputs[0], older, 9_600, w);
}

fn head(tick: u64, older: u32, w: &mut BitWriter) {
    w.write_bool(true);
    w.write(tick, 16);
    w.write_golomb(older, 2);
}

/// One that changes the first lane alone, a number, by what this stands for.
fn first_number(zigzag_less_one: u32, w: &mut BitWriter) {
    head(9, 0, w);
    w.write(0b11, 2);
    w.write_golomb(zigzag_less_one, 1);
    w.write(0, 3);
}

/// One that changes the third lane alone, on a circle, by what this stands for.
fn circle(zigzag_less_one: u32, w: &mut BitWriter) {
    head(9, 0, w);
    w.write(0b1001, 4);
    w.write_golomb(zigzag_less_one, 2);
    w.write(0, 1);
}

/// Two of which both change the first lane alone.
fn first_numbers(zigzags_less_one: [u32; 2], w: &mut BitWriter) {
    head(9, 1, w);
    for zigzag_less_one in zigzags_less_one {
        w.write(0b11, 2);
        w.write_golomb(zigzag_less_one, 1);
        w.write(0, 3);
    }
}

/// One of which the last lane, four buttons, is told though it is as it was.
fn same_buttons(w: &mut BitWriter) {
    head(9, 0, w);
    w.write(0b1_0001, 5);
    w.write(0, 4);
}

/// The same of an input of one lane.
fn same_choice(w: &mut BitWriter) {
    head(9, 0, w);
    w.write_bool(true);
    w.write(0, 2);
}

/// What a stranger tells at more length than we: name, how, and the input.
type Stranger = (&'static str, fn(&mut BitWriter), [u32; 4]);

const STRANGERS: [Stranger; 5] = [
    ("buttons_that_stay_at_length", same_buttons, DEFAULT),
    ("a_circle_more_than_half_round_at_length", |w| circle(2 * 200 - 1, w), [8, 8, 200, 0]),
    ("a_circle_more_than_round_at_length", |w| circle(2 * 300 - 1, w), [8, 8, 44, 0]),
    ("a_circle_more_than_round_backwards_at_length", |w| circle(2 * 300 - 2, w), [8, 8, 212, 0]),
    ("a_circle_as_far_as_can_be_told_at_length", |w| circle(u32::MAX - 1, w), DEFAULT),
];

/// Two of which the newest says of each lane that it is unchanged.
fn at_length(w: &mut BitWriter) {
    head(9, 1, w);
    w.write_bool(true);
    w.write(0, 4);
    w.write_bool(false);
}

#[test]
fn inputs_have_these_bytes() {
    let mut vectors = Vectors::new(
        INPUTS,
        "The inputs of consecutive ticks in a client's datagram, newest first.\n\
         0 none; or 1 | newest tick 16 | how many older golomb 2 | the newest against the default |\n\
         each older one against the one before it: 0 unchanged, or 1 and for each lane 0 unchanged, or 1 and its change.\n\
         input: as `tidelock-server schema --json` has it; the order of a lane's codes is that of its field. given.known_tick: a tick that\n\
         the reader knows.\n\
         newest_tick: null if there are none. inputs: the lanes of each.",
    );
    vectors.context(&json!({ "input": json::input(schema::<Walk>().input_layout()) }));
    let none = json!({ "given": { "known_tick": 5 }, "newest_tick": null, "inputs": [] });
    vectors.accepted("none", &none, |w| w.write_bool(false));
    for (name, tick, inputs) in datagrams() {
        let json = datagram_json(known_tick(tick), tick, &inputs);
        vectors.accepted(name, &json, |w| write(tick, &inputs, w));
    }
    let json = datagram_json(known_tick(9), 9, &[DEFAULT; 2]);
    vectors.accepted("two_that_are_the_default_at_length", &json, at_length);
    for (name, write, input) in STRANGERS {
        vectors.accepted(name, &datagram_json(known_tick(9), 9, &[input]), write);
    }
    let given = json!({ "known_tick": known_tick(100).0 });
    let why = "64 older; twin: as_many_defaults_as_there_can_be";
    vectors.refused_given("too_many", &given, why, |w| {
        head(100, 64, w);
        w.write(0, 64);
        w.write(0, 1);
    });
    let mut refused = |name: &str, why: &str, write: &dyn Fn(&mut BitWriter)| {
        vectors.refused_given(name, &json!({ "known_tick": known_tick(9).0 }), why, |w| write(w));
    };
    let why = "9 more than 8; twin: a_number_at_its_limit";
    refused("a_number_beyond_its_limit", why, &|w| first_number(17, w));
    refused("a_number_below_zero", "9 less than 8; twin: a_number_at_zero", &|w| first_number(16, w));
    // 7 more than 8, then 1 or 2 more.
    let why = "17 of 16; twin: an_older_number_at_its_limit";
    refused("an_older_number_beyond_its_limit", why, &|w| first_numbers([13, 3], w));
    let why = "zigzag 2^32; twin: a_circle_as_far_as_can_be_told_at_length";
    refused("a_circle_farther_than_can_be_told", why, &|w| circle(u32::MAX, w));
    refused("one_missing", "says two, and the first is cut off; twin: two_that_are_the_default_at_length", &|w| {
        head(9, 1, w);
        w.write_bool(true);
        w.write(0, 2);
    });
    let cut = |w: &mut BitWriter| less(1, |w| write(9, &[[8, 8, 7, 0]; 2], w))(w);
    refused("an_older_one_missing", "says two, has one; twin: two_alike", &cut);
    let given = json!({ "known_tick": 9, "input": json::input(schema::<Pick>().input_layout()) });
    let pick = |what| move |w: &mut BitWriter| write_inputs(&PICK, &[0], Tick(9), &[what], [].into_iter(), 100, w);
    vectors.accepted("the_last_choice", &json!({ "given": given, "newest_tick": 9, "inputs": [[2]] }), pick(2));
    let json = json!({ "given": given, "newest_tick": 9, "inputs": [[0]] });
    vectors.accepted("a_choice_that_stays_at_length", &json, same_choice);
    vectors.refused_given("a_choice_after_the_last", &given, "2 is the last; twin: the_last_choice", pick(3));
    vectors.check();
}

fn read(name: &str, near: Tick) -> Result<Vec<(u32, [u32; 4])>, Malformed> {
    read_as(&LANES, DEFAULT, name, near)
}

fn read_as<const N: usize>(
    lanes: &[Lane; N],
    default: [u32; N],
    name: &str,
    near: Tick,
) -> Result<Vec<(u32, [u32; N])>, Malformed> {
    let bytes = bytes(INPUTS, name);
    let mut r = BitReader::new(&bytes);
    let mut inputs = Vec::new();
    let mut values = default;
    if let Some(mut reader) = InputReader::new(lanes, near, &mut r)? {
        while let Some(tick) = reader.next(&mut values, &mut r)? {
            inputs.push((tick.0, values));
        }
    }
    Ok(inputs)
}

#[test]
fn inputs_read_back() {
    assert_eq!(read("none", Tick(5)), Ok(vec![]));
    for (name, tick, inputs) in datagrams() {
        let ticks = (0..).map(|n| Tick(tick).sub(n).0);
        assert_eq!(read(name, known_tick(tick)), Ok(ticks.zip(inputs).collect()), "{name}");
    }
    assert_eq!(read("two_that_are_the_default_at_length", Tick(9)), Ok(vec![(9, DEFAULT), (8, DEFAULT)]));
    for (name, _, input) in STRANGERS {
        assert_eq!(read(name, known_tick(9)), Ok(vec![(9, input)]), "{name}");
    }
    let refused = [
        "too_many",
        "a_number_beyond_its_limit",
        "a_number_below_zero",
        "an_older_number_beyond_its_limit",
        "a_circle_farther_than_can_be_told",
        "one_missing",
        "an_older_one_missing",
    ];
    for name in refused {
        assert_eq!(read(&format!("refused_{name}"), Tick(9)), Err(Malformed), "{name}");
    }
    assert_eq!(read_as(&PICK, [0], "the_last_choice", Tick(9)), Ok(vec![(9, [2])]));
    assert_eq!(read_as(&PICK, [0], "a_choice_that_stays_at_length", Tick(9)), Ok(vec![(9, [0])]));
    assert_eq!(read_as(&PICK, [0], "refused_a_choice_after_the_last", Tick(9)), Err(Malformed));
}

#[test]
fn the_lanes_are_those_of_the_inputs() {
    let (walk, pick) = (schema::<Walk>(), schema::<Pick>());
    assert_eq!((walk.input(), &walk.input_layout().default_lanes()[..]), (&LANES[..], &DEFAULT[..]));
    assert_eq!((pick.input(), &pick.input_layout().default_lanes()[..]), (&PICK[..], &[0][..]));
}
