//! The delta codec: its frozen tables, and bodies against one and two baselines. Run with `WRITE_VECTORS=1` after an
//! intended change.

mod vector_file;

use std::fmt::Write as _;
use tidelock::bits::{BitReader, BitWriter, Malformed};
use tidelock::state::codec::{Baselines, TABLE_OF_CONTEXT, code_lengths, decode_delta, encode_delta};
use tidelock::state::{Audience, Field, Input, LaneReader, LaneWriter, Replicate, Schema, StreamLayout, Version};
use vector_file::{Vectors, bytes};

const TABLES: &str = "tables.txt";
const BODIES: &str = "delta_bodies.txt";

macro_rules! component {
    ($name:ident, $text:literal, $($field:expr),*) => {
        /// Only its declaration is used: bodies are of lanes.
        #[derive(Clone, Default)]
        struct $name;
        impl Replicate for $name {
            const NAME: &'static str = $text;
            const FIELDS: &'static [Field] = &[$($field),*];
            fn quantize(&self, _: &mut LaneWriter<'_>) {}
            fn dequantize(_: &mut LaneReader<'_>) -> Self { Self }
        }
    };
}
component!(
    Place,
    "place",
    Field::range("x", -100.0, 100.0, 0.0625).with_velocity("speed", "x"),
    Field::range("y", -100.0, 100.0, 0.0625).with_velocity("speed", "y")
);
component!(Speed, "speed", Field::range("x", -8.0, 8.0, 0.125), Field::range("y", -8.0, 8.0, 0.125));
component!(Turn, "turn", Field::rotation("turn", 9));
component!(Crate, "crate", Field::range("height", 0.0, 100.0, 0.25), Field::angle("yaw", 8));
component!(Mood, "mood", Field::integer("health", 0, 100), Field::flags("flags", 5), Field::text("name", 5));
component!(Nothing, "nothing", Field::flags("none", 1));
impl Input for Nothing {
    fn clear_one_shots(&mut self) {}
}

const SCHEMA: &str = "place: x, y range(-100, 100, 1/16) moved by speed; speed: x, y range(-8, 8, 1/8); turn: rotation(9); crate: height \
    range(0, 100, 1/4), yaw angle(8); mood: health integer(0, 100), flags(5), name text(5); 60 ticks a second";

fn schema() -> Schema {
    Schema::builder("vectors")
        .component::<Place>(Audience::Public)
        .component::<Speed>(Audience::Public)
        .component::<Turn>(Audience::Public)
        .component::<Crate>(Audience::Public)
        .component::<Mood>(Audience::Public)
        .input::<Nothing>()
        .build()
        .unwrap()
}

/// Place, speed, turn, crate, mood.
const FIRST: &[u32] = &[1600, 1600, 104, 64, 3, 255, 255, 300, 40, 250, 90, 3, 2, 0x6968, 0];
/// All of it, so many ticks before: slower, turned less, higher.
const SECOND: &[u32] = &[1592, 1600, 102, 64, 3, 255, 255, 280, 44, 240, 90, 3, 2, 0x6968, 0];

struct Case {
    name: &'static str,
    first: Version,
    age: u32,
    second: Option<(Version, u32)>,
    new: Version,
}

fn all(lanes: &[u32]) -> Version {
    Version { mask: 31, lanes: lanes.to_vec() }
}

fn changed(changes: &[(usize, u32)]) -> Version {
    let mut version = all(FIRST);
    changes.iter().for_each(|(at, value)| version.lanes[*at] = *value);
    version
}

fn cases() -> Vec<Case> {
    let second = || Some((all(SECOND), 12));
    let case = |name, second, new| Case { name, first: all(FIRST), age: 6, second, new };
    vec![
        case("nothing_differs_from_one", None, changed(&[(0, 1605)])),
        case("all_goes_on", second(), changed(&[(0, 1605), (7, 320), (8, 36)])),
        case("a_position_leaves_its_velocity", second(), changed(&[(0, 1606), (1, 1590), (7, 320), (8, 36)])),
        case("who_runs_a_curve_keeps_its_speed", None, changed(&[(2, 84), (3, 98), (0, 1594), (1, 1612)])),
        case(
            "another_component_is_the_largest",
            second(),
            changed(&[(0, 1605), (4, 2), (5, 100), (6, 255), (7, 500), (8, 36)]),
        ),
        case("a_residual_is_large", None, changed(&[(0, 3200), (1, 0)])),
        case("a_circle_closes", second(), changed(&[(0, 1605), (7, 320), (8, 36), (9, 4)])),
        case(
            "what_stood_still_changes",
            second(),
            changed(&[(0, 1605), (7, 320), (8, 36), (10, 75), (12, 3), (13, 0x796568)]),
        ),
        Case {
            name: "components_come_and_go",
            first: Version { mask: 0b1_0011, lanes: vec![1600, 1600, 104, 64, 90, 3, 0, 0, 0] },
            age: 3,
            second: None,
            new: Version { mask: 0b0_1001, lanes: vec![1601, 1600, 200, 128] },
        },
    ]
}

fn baselines(case: &Case) -> Baselines<'_> {
    let second = case.second.as_ref().map(|(version, age)| (version.borrow(), *age));
    Baselines { first: case.first.borrow(), first_age: case.age, second, tick_hz: 60 }
}

fn layout(schema: &Schema) -> &StreamLayout {
    schema.stream(Audience::Public)
}

#[test]
fn the_tables_are_those_written_down() {
    let mut text = Vectors::new(
        TABLES,
        "The frozen tables of the delta codec. residual_codes: for each context of a residual, (family * 17 + scale) * 12 + place,\n\
         the number of its code. Each code: the lengths of its words, by symbol; first the residual codes, then the pattern codes.",
    );
    let list = |numbers: &[u8]| numbers.iter().map(u8::to_string).collect::<Vec<_>>().join(" ");
    text.value("residual_codes", &format!("{} contexts", TABLE_OF_CONTEXT.len()), &list(TABLE_OF_CONTEXT));
    let residuals = residual_codes();
    for (number, lengths) in code_lengths().enumerate() {
        let name =
            if number < residuals { format!("residual_{number}") } else { format!("pattern_{}", number - residuals) };
        text.value(&name, &format!("{} symbols", lengths.len()), &list(lengths));
    }
    text.check();
}

#[test]
fn bodies_are_those_written_down() {
    let schema = schema();
    let mut about = format!("Delta bodies over this schema: {SCHEMA}.\n");
    writeln!(about, "Fields: first baseline with its mask and age, second one likewise or none, new version.").unwrap();
    let mut vectors = Vectors::new(BODIES, about.trim_end());
    for case in cases() {
        let second = case.second.as_ref().map_or_else(
            || "none".to_owned(),
            |(version, age)| format!("{} {:?} age {age}", version.mask, version.lanes),
        );
        let fields = format!(
            "first {} {:?} age {}, second {second}, new {} {:?}",
            case.first.mask, case.first.lanes, case.age, case.new.mask, case.new.lanes
        );
        vectors
            .accepted(case.name, &fields, |w| encode_delta(layout(&schema), &baselines(&case), case.new.borrow(), w));
    }
    let unknown = residual_codes() + 0b11_11_11_11;
    vectors.refused("mask_changes_twice", "against the first baseline alone: MASK, mask 31, MASK", |w| {
        write_word(unknown, 32, w);
        w.write(31, 5);
        write_word(unknown, 32, w);
    });
    vectors.refused(
        "largest_component_changes_to_itself",
        "against the first baseline alone: the rotation, the second part, differs by a turn of 0",
        |w| {
            write_word(unknown, 0b0010, w);
            write_word(unknown, 0, w);
            let rotation = usize::from(TABLE_OF_CONTEXT[(4 * 17 + 3) * 12 + 1]);
            write_word(rotation, 52, w);
            w.write(0, 2);
            (0..3).for_each(|_| write_word(rotation, 0, w));
        },
    );
    vectors.refused(
        "a_part_that_is_not_there",
        "against the first baseline without its mood: the second group has one part, and bit 1 set",
        |w| {
            write_word(unknown, 0, w);
            write_word(residual_codes() + 0b11, 2, w);
        },
    );
    vectors.check();
}

/// How many residual codes there are.
fn residual_codes() -> usize {
    usize::from(*TABLE_OF_CONTEXT.iter().max().unwrap()) + 1
}

/// Writes a symbol's word, made from the lengths alone.
fn write_word(code: usize, symbol: usize, w: &mut BitWriter) {
    let lengths = code_lengths().nth(code).unwrap();
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|symbol| lengths[*symbol]);
    let (mut word, mut len) = (0u32, 0);
    for (number, at) in order.into_iter().enumerate() {
        word = if number == 0 { 0 } else { word + 1 } << (lengths[at] - len);
        len = lengths[at];
        if at == symbol {
            (0..len).rev().for_each(|bit| w.write_bool(word >> bit & 1 != 0));
        }
    }
}

#[test]
fn the_bodies_written_down_lead_where_they_say() {
    let schema = schema();
    for case in cases() {
        let written = bytes(BODIES, case.name);
        let mut out = Version::default();
        decode_delta(layout(&schema), &baselines(&case), &mut BitReader::new(&written), &mut out).unwrap();
        assert_eq!(out, case.new, "{}", case.name);
    }
}

#[test]
fn what_is_to_be_refused_is() {
    let schema = schema();
    for name in ["mask_changes_twice", "largest_component_changes_to_itself", "a_part_that_is_not_there"] {
        let written = bytes(BODIES, &format!("refused_{name}"));
        let first = match name {
            "a_part_that_is_not_there" => Version { mask: 15, lanes: FIRST[..10].to_vec() },
            _ => all(FIRST),
        };
        let baselines = Baselines::one(first.borrow(), 6, 60);
        let decoded = decode_delta(layout(&schema), &baselines, &mut BitReader::new(&written), &mut Version::default());
        assert_eq!(decoded, Err(Malformed), "{name}");
    }
}

#[test]
fn a_body_that_ends_early_is_refused() {
    let schema = schema();
    for case in cases() {
        let mut w = BitWriter::new();
        encode_delta(layout(&schema), &baselines(&case), case.new.borrow(), &mut w);
        let bits = w.len_bits();
        let written = w.finish().to_vec();
        for cut in 0..bits / 8 {
            let mut out = Version::default();
            let decoded =
                decode_delta(layout(&schema), &baselines(&case), &mut BitReader::new(&written[..cut]), &mut out);
            assert_eq!(decoded, Err(Malformed), "{} after {cut} bytes", case.name);
        }
    }
}
