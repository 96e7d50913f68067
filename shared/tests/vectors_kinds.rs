//! Bodies of deltas with every kind of field, in more than one block. Run with `WRITE_VECTORS=1` after an intended change.

mod declared;
mod vector_file;

use declared::component;
use serde_json::json;
use tidelock::bits::{BitWriter, Malformed};
use tidelock::state::{Audience, Field, Input, Schema, Version};
use vector_file::delta::{self, Delta};
use vector_file::{Vectors, bytes};

const BODIES: &str = "delta_bodies_of_kinds.txt";

component!(
    Craft,
    "craft",
    Field::range("x", -100.0, 100.0, 0.0625).with_velocity("", "vx"),
    Field::range("y", -100.0, 100.0, 0.0625).with_velocity("", "vy"),
    Field::range("z", -100.0, 100.0, 0.0625).with_velocity("", "vz"),
    Field::range("vx", -20.0, 20.0, 0.25),
    Field::range("vy", -20.0, 20.0, 0.25),
    Field::range("vz", -20.0, 20.0, 0.25),
    Field::angle("heading", 10).with_velocity("", "spin"),
    Field::range("spin", -4.0, 4.0, 0.015_625),
    Field::range("level", 0.0, 1.0, 0.003_906_25).held(),
    Field::range("height", 0.0, 50.0, 0.5).with_order(6)
);
component!(
    Gear,
    "gear",
    Field::choice("weapon", 3),
    Field::counter("shots", 6),
    Field::reference("target"),
    Field::blob("seal", 4),
    Field::flags("lights", 3),
    Field::integer("score", -50, 50),
    Field::text("name", 5)
);
component!(
    Dials,
    "dials",
    Field::integer("a", 0, 1000),
    Field::integer("b", 0, 1000),
    Field::integer("c", 0, 1000),
    Field::integer("d", 0, 1000),
    Field::angle("e", 6),
    Field::rotation("f", 5)
);
component!(Nothing, "nothing", Field::flags("none", 1));
impl Input for Nothing {
    fn clear_one_shots(&mut self) {}
}

fn schema() -> Schema {
    let craft = Schema::builder("vectors").component::<Craft>(Audience::Public);
    craft.component::<Gear>(Audience::Public).component::<Dials>(Audience::Public).input::<Nothing>().build().unwrap()
}

type Lanes = ([u32; 10], [u32; 12], [u32; 9]);

/// Before, then, and now: it flies a curve and climbs, its spin is steady, and it shoots.
const BEFORE: Lanes = (
    [1500, 1600, 1700, 100, 80, 84, 980, 320, 128, 40],
    [0, 60, 0, 0, 2, 0xBBAA, 0, 0b001, 50, 2, 0x6968, 0],
    [100, 200, 300, 400, 60, 3, 15, 16, 17],
);
const THEN: Lanes = (
    [1508, 1600, 1701, 96, 88, 84, 1000, 320, 130, 43],
    [0, 62, 0, 0, 2, 0xBBAA, 0, 0b001, 50, 2, 0x6968, 0],
    [101, 200, 303, 390, 62, 3, 15, 18, 17],
);
const NOW: Lanes = (
    [1514, 1602, 1702, 92, 94, 84, 3, 322, 250, 44],
    [2, 1, 8, 65_535, 4, 0xDD_CCBB, 0xAA, 0b110, 0, 5, 0x6C_6568, 0x6F6C],
    [102, 700, 306, 383, 0, 1, 20, 3, 31],
);

fn all((craft, gear, dials): Lanes) -> Version {
    Version { mask: 7, lanes: [&craft[..], &gear, &dials].concat() }
}

/// Nothing moves.
fn standing() -> Version {
    let mut version = all(THEN);
    version.lanes[3..6].copy_from_slice(&[80; 3]);
    version.lanes[7] = 256;
    version
}

fn changed(mut version: Version, changes: &[(usize, u32)]) -> Version {
    changes.iter().for_each(|(at, value)| version.lanes[*at] = *value);
    version
}

/// Against the state of four ticks before, and that of ten.
fn case(name: &'static str, first: Version, second: Option<Version>, new: Version) -> Delta {
    let second = second.map(|second| (second, 10));
    Delta { name, tick_hz: None, first, first_age: 4, second, new, by_hand: None }
}

fn cases() -> Vec<Delta> {
    let (before, then, now) = (all(BEFORE), all(THEN), all(NOW));
    let craft_and_dials = Version { mask: 5, lanes: [&THEN.0[..], &THEN.2].concat() };
    let gear_and_dials = Version { mask: 6, lanes: [&NOW.1[..], &NOW.2].concat() };
    let craft_alone = Version { mask: 1, lanes: THEN.0.to_vec() };
    let nothing = Version::default();
    let slow = |name, tick_hz, ages: [u32; 2]| Delta {
        tick_hz: Some(tick_hz),
        first_age: ages[0],
        second: Some((before.clone(), ages[1])),
        ..case(name, then.clone(), None, now.clone())
    };
    vec![
        case("one_of_what_stands", standing(), None, standing()),
        case("two_of_what_stands", standing(), Some(standing()), standing()),
        case("all_changes_from_one", then.clone(), None, now.clone()),
        case("all_changes_from_two", then.clone(), Some(before.clone()), now.clone()),
        case("the_second_block_alone", standing(), None, changed(standing(), &[(26, 63)])),
        case(
            "what_is_held_moves",
            standing(),
            Some(changed(standing(), &[(8, 100)])),
            changed(standing(), &[(8, 129)]),
        ),
        case("a_counter_wraps", standing(), Some(changed(standing(), &[(11, 58)])), changed(standing(), &[(11, 2)])),
        case("a_reference_ends", now.clone(), None, changed(now.clone(), &[(12, 0), (13, 0)])),
        case("the_second_lacks_components", then.clone(), Some(craft_alone.clone()), now.clone()),
        case("the_second_has_another", craft_alone, Some(craft_and_dials.clone()), craft_and_dials.clone()),
        case("components_come_and_go", craft_and_dials, Some(before.clone()), gear_and_dials),
        case("all_components_come", nothing.clone(), None, now.clone()),
        case("all_components_go", now.clone(), None, nothing.clone()),
        case("nothing_of_nothing", nothing.clone(), None, nothing),
        case(
            "from_one_end_to_the_other",
            changed(then.clone(), &[(0, 0), (9, 100)]),
            None,
            changed(then.clone(), &[(0, 3200), (9, 0)]),
        ),
        slow("at_one_tick_a_second", 1, [1, 2]),
        slow("at_240_ticks_a_second", 240, [3, 35]),
        slow("as_long_ago_as_may_be", 30, [479, 511]),
    ]
}

/// Of a stream that shows that an entity is there, and nothing of it.
fn in_a_stream_without_components() -> Delta {
    case("in_a_stream_without_components", Version::default(), None, Version::default())
}

#[test]
fn bodies_are_those_written_down() {
    let mut vectors = Vectors::new(BODIES, &format!("Bodies of deltas with every kind of field.\n{}", delta::ABOUT));
    let schema = schema();
    let layout = schema.stream(Audience::Public);
    vectors.context(&delta::context(layout));
    cases().iter().for_each(|case| vectors.accepted(case.name, &case.json(), |w| case.write(layout, w)));
    let bare = in_a_stream_without_components();
    let mut json = bare.json();
    json["given"]["components"] = json!([]);
    vectors.accepted(bare.name, &json, |w| bare.write(schema.stream(Audience::Team), w));
    vectors.check();
}

#[test]
fn bodies_read_back() {
    let schema = schema();
    let layout = schema.stream(Audience::Public);
    for case in cases() {
        let written = bytes(BODIES, case.name);
        assert_eq!(case.read(layout, &written), Ok(case.new.clone()), "{}", case.name);
        let mut w = BitWriter::new();
        case.write(layout, &mut w);
        for cut in 0..w.len_bits() / 8 {
            assert_eq!(case.read(layout, &written[..cut]), Err(Malformed), "{} after {cut} bytes", case.name);
        }
    }
    let bare = in_a_stream_without_components();
    assert_eq!(bare.read(schema.stream(Audience::Team), &bytes(BODIES, bare.name)), Ok(bare.new));
}
