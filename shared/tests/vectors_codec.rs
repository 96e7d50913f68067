//! Bodies of deltas against one and two baselines. Run with `WRITE_VECTORS=1` after an intended change.

mod declared;
mod vector_file;

use declared::component;
use tidelock::bits::{BitWriter, Malformed};
use tidelock::state::{Audience, Field, Input, Schema, StreamLayout, Version};
use vector_file::delta::{self, Delta, Refused, pattern, residual_code, residual_codes, unknown, write_word};
use vector_file::{Vectors, bytes};

const BODIES: &str = "delta_bodies.txt";

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

/// The first, if it stood still.
const STANDING: &[u32] = &[1600, 1600, 64, 64, 3, 255, 255, 300, 40, 250, 90, 3, 2, 0x6968, 0];

fn case(name: &'static str, second: Option<&[u32]>, new: Version) -> Delta {
    let second = second.map(|lanes| (all(lanes), 12));
    Delta { name, tick_hz: None, first: all(FIRST), first_age: 6, second, new, by_hand: None }
}

fn all(lanes: &[u32]) -> Version {
    Version { mask: 31, lanes: lanes.to_vec() }
}

fn without_mood(lanes: &[u32]) -> Version {
    Version { mask: 15, lanes: lanes[..10].to_vec() }
}

fn changed(changes: &[(usize, u32)]) -> Version {
    let mut version = all(FIRST);
    changes.iter().for_each(|(at, value)| version.lanes[*at] = *value);
    version
}

fn cases() -> Vec<Delta> {
    let second = Some(SECOND);
    let mut cases = vec![
        case("nothing_differs_from_one", None, changed(&[(0, 1605)])),
        case("all_goes_on", second, changed(&[(0, 1605), (7, 320), (8, 36)])),
        case("a_position_leaves_its_velocity", second, changed(&[(0, 1606), (1, 1590), (7, 320), (8, 36)])),
        case("who_runs_a_curve_keeps_its_speed", None, changed(&[(2, 84), (3, 98), (0, 1594), (1, 1612)])),
        case(
            "another_component_is_the_largest",
            second,
            changed(&[(0, 1605), (4, 2), (5, 100), (6, 255), (7, 500), (8, 36)]),
        ),
        case("a_residual_is_large", None, changed(&[(0, 3200), (1, 0)])),
        case("a_circle_closes", second, changed(&[(0, 1605), (7, 320), (8, 36), (9, 4)])),
        case(
            "what_stood_still_changes",
            second,
            changed(&[(0, 1605), (7, 320), (8, 36), (10, 75), (12, 3), (13, 0x796568)]),
        ),
        Delta {
            first: Version { mask: 0b1_0011, lanes: vec![1600, 1600, 104, 64, 90, 3, 0, 0, 0] },
            first_age: 3,
            ..case("components_come_and_go", None, Version { mask: 0b0_1001, lanes: vec![1601, 1600, 200, 128] })
        },
    ];
    cases.extend(twins());
    cases
}

/// What lies one step inside a bound that one of [`refused`] passes.
fn twins() -> Vec<Delta> {
    let mut moved = without_mood(FIRST);
    moved.lanes[0] = 1610;
    let mut waving = all(STANDING);
    waving.lanes[11] = 2;
    let without_crate = Version { mask: 0b1_0111, lanes: [&FIRST[..8], &FIRST[10..]].concat() };
    vec![
        case("all_is_as_predicted", None, changed(&[(0, 1606)])),
        Delta {
            by_hand: Some(|w| mask_told(&[0, 0], w)),
            ..case("a_mask_that_stays_at_length", None, changed(&[(0, 1606)]))
        },
        case("the_next_component_is_the_largest", None, changed(&[(0, 1606), (4, 0), (5, 256), (6, 211), (7, 0)])),
        Delta { first: without_mood(FIRST), ..case("a_part_alone_in_its_group", None, moved) },
        Delta { first: all(STANDING), ..case("one_of_what_stands_still_changes", Some(STANDING), waving) },
        case("a_surprise_in_the_first_group", Some(SECOND), changed(&[(0, 1606), (7, 320), (8, 36), (11, 2)])),
        case("the_longest_text", None, changed(&[(0, 1606), (12, 5)])),
        Delta {
            first: without_crate,
            ..case("a_new_component_at_its_greatest", None, changed(&[(0, 1606), (8, 400)]))
        },
    ]
}

fn refused() -> Vec<Refused> {
    let of = |name, twin, why, write| Refused { name, twin, why, write };
    vec![
        of("mask_changes_twice", "a_mask_that_stays_at_length", "MASK and mask 31, and both again", |w| {
            tell_mask(w);
            mask_told(&[0, 0], w);
        }),
        of(
            "largest_component_changes_to_itself",
            "the_next_component_is_the_largest",
            "the rotation, the second part, differs by a turn of 0",
            turned_by_nothing,
        ),
        of(
            "a_part_that_is_not_there",
            "a_part_alone_in_its_group",
            "the second group has one part, and bit 1 set",
            |w| {
                write_word(unknown(4), 0, w);
                write_word(unknown(1), 2, w);
            },
        ),
        of("a_surprise_in_a_later_group", "a_surprise_in_the_first_group", "the second group says 16", |w| {
            other_flags(0, 16, w);
        }),
        of("no_surprise_after_all", "one_of_what_stands_still_changes", "one bit is set at least", |w| {
            write_word(residual_codes(), 16, w);
            w.write(0, 8);
        }),
        of("a_text_too_long", "the_longest_text", "6 bytes of 5", |w| {
            write_word(unknown(4), 0, w);
            write_word(unknown(4), 0b0100, w);
            w.write_bool(true);
            w.write(6, 3);
            w.write(0, 2);
        }),
        of("a_new_component_beyond_its_greatest", "a_new_component_at_its_greatest", "height 401 of 400", |w| {
            write_word(unknown(4), 32, w);
            w.write(31, 5);
            w.write(401, 9);
            w.write(250, 8);
            write_word(unknown(4), 0, w);
            write_word(unknown(2), 0, w);
        }),
    ]
}

/// That the mask is what it was.
fn tell_mask(w: &mut BitWriter) {
    write_word(unknown(4), 32, w);
    w.write(31, 5);
}

/// The same, and after that a pattern for each group of all parts.
fn mask_told(patterns: &[usize], w: &mut BitWriter) {
    tell_mask(w);
    patterns.iter().for_each(|pattern| write_word(unknown(4), *pattern, w));
}

/// Against two: of the three parts that stand still the second differs, the flags.
fn other_flags(first_group: usize, second_group: usize, w: &mut BitWriter) {
    // The velocity is slow; rotation, height and angle move, and so does the position.
    write_word(pattern([1, 2, 2, 2]), first_group, w);
    write_word(pattern([2, 0, 0, 0]), second_group, w);
    w.write(0b010, 3);
    w.write(2, 5);
}

/// The rotation, the second part, is said to have another largest component, and has the same.
fn turned_by_nothing(w: &mut BitWriter) {
    write_word(unknown(4), 0b0010, w);
    write_word(unknown(4), 0, w);
    let rotation = residual_code(4, 3, 1);
    write_word(rotation, 52, w);
    w.write(0, 2);
    (0..3).for_each(|_| write_word(rotation, 0, w));
}

fn layout(schema: &Schema) -> &StreamLayout {
    schema.stream(Audience::Public)
}

fn twin_of(refused: &Refused) -> Delta {
    cases().into_iter().find(|case| case.name == refused.twin).unwrap()
}

#[test]
fn bodies_are_those_written_down() {
    let mut vectors = Vectors::new(BODIES, &format!("Bodies of deltas.\n{}", delta::ABOUT));
    let schema = schema();
    let layout = layout(&schema);
    vectors.context(&delta::context(layout));
    cases().iter().for_each(|case| vectors.accepted(case.name, &case.json(), |w| case.write(layout, w)));
    for refused in refused() {
        refused.tell(&twin_of(&refused).given(), &mut vectors);
    }
    vectors.check();
}

#[test]
fn the_bodies_written_down_lead_where_they_say() {
    let schema = schema();
    for case in cases() {
        assert_eq!(case.read(layout(&schema), &bytes(BODIES, case.name)), Ok(case.new.clone()), "{}", case.name);
    }
}

#[test]
fn what_is_to_be_refused_is() {
    let schema = schema();
    for refused in refused() {
        let written = bytes(BODIES, &format!("refused_{}", refused.name));
        assert_eq!(twin_of(&refused).read(layout(&schema), &written), Err(Malformed), "{}", refused.name);
    }
}

#[test]
fn a_body_that_ends_early_is_refused() {
    let schema = schema();
    for case in cases() {
        let mut w = BitWriter::new();
        case.write(layout(&schema), &mut w);
        let bits = w.len_bits();
        let written = w.finish().to_vec();
        for cut in 0..bits / 8 {
            let read = case.read(layout(&schema), &written[..cut]);
            assert_eq!(read, Err(Malformed), "{} after {cut} bytes", case.name);
        }
    }
}
