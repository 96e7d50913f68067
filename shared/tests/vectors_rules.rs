//! Bodies of deltas, each over as few components as it takes to prove one rule. Run with `WRITE_VECTORS=1` after an
//! intended change.

mod declared;
mod vector_file;

use declared::component;
use serde_json::{Value, json};
use tidelock::bits::{BitWriter, Malformed};
use tidelock::state::{Audience, Field, Input, Replicate, Schema, StreamLayout, Version};
use vector_file::delta::{self, Delta, Refused, residual_code, unknown, write_residual, write_word};
use vector_file::{Vectors, bytes, json};

const BODIES: &str = "delta_bodies_of_rules.txt";

/// As many steps as a range may have.
const FAR: f32 = 2_097_152.0;

component!(Slide, "slide", Field::range("x", 0.0, 100.0, 1.0));
component!(Wide, "wide", Field::range("x", -100.0, 100.0, 0.003_906_25));
component!(Vast, "vast", Field::range("x", -FAR, FAR, 1.0));
component!(
    Orders,
    "orders",
    Field::range("x", 0.0, 100.0, 0.25).with_order(2),
    Field::range("y", 0.0, 100.0, 0.25).with_order(9),
    Field::range("z", 0.0, 100.0, 0.25).with_order(4)
);
component!(
    Five,
    "five",
    Field::range("a", 0.0, 100.0, 1.0),
    Field::range("b", 0.0, 100.0, 1.0),
    Field::range("c", 0.0, 100.0, 1.0),
    Field::range("d", 0.0, 100.0, 1.0),
    Field::range("e", 0.0, 100.0, 1.0)
);
component!(
    Several,
    "several",
    Field::range("linear", -50.0, 50.0, 1.0),
    Field::range("held", -50.0, 50.0, 1.0).held(),
    Field::range("held too", -50.0, 50.0, 1.0).held(),
    Field::range("finer", -50.0, 50.0, 0.5),
    Field::range("linear again", -50.0, 50.0, 1.0),
    Field::range("linked", -50.0, 50.0, 1.0).with_velocity("", "velocity"),
    Field::range("linked too", -50.0, 50.0, 1.0).with_velocity("", "velocity"),
    Field::range("velocity", -50.0, 50.0, 1.0),
    Field::range("held after it", -50.0, 50.0, 1.0).held(),
    Field::integer("no range", -50, 50)
);
component!(Aim, "aim", Field::reference("target"));
component!(Turn, "turn", Field::rotation("turn", 9));
component!(FineTurn, "fine turn", Field::rotation("turn", 12));
component!(
    Run,
    "run",
    Field::range("x", -100.0, 100.0, 0.0625).with_velocity("", "vx"),
    Field::range("y", -100.0, 100.0, 0.0625).with_velocity("", "vy"),
    Field::range("vx", -8.0, 8.0, 0.125),
    Field::range("vy", -8.0, 8.0, 0.125)
);
component!(
    Rush,
    "rush",
    Field::range("x", -FAR, FAR, 1.0).with_velocity("", "vx"),
    Field::range("y", -FAR, FAR, 1.0).with_velocity("", "vy"),
    Field::range("vx", -FAR, FAR, 1.0),
    Field::range("vy", -FAR, FAR, 1.0)
);
component!(
    Drift,
    "drift",
    Field::range("x", -6000.0, 6000.0, 60.0).with_velocity("", "v"),
    Field::range("v", -50.0, 50.0, 0.25)
);
component!(
    Glide,
    "glide",
    Field::range("x", -3_000_000.0, 3_000_000.0, 1.5).with_velocity("", "v"),
    Field::range("v", -200_000.0, 200_000.0, 1.0)
);
component!(Spin, "spin", Field::angle("yaw", 20).with_velocity("", "v"), Field::range("v", -3000.0, 3000.0, 1.0));
component!(
    Pair,
    "pair",
    Field::range("x", -100.0, 100.0, 0.25).with_velocity("east", "v"),
    Field::range("y", -100.0, 100.0, 0.25).with_velocity("north", "v")
);
component!(East, "east", Field::range("v", -8.0, 8.0, 0.125));
component!(North, "north", Field::range("v", -8.0, 8.0, 0.125));
component!(Heading, "heading", Field::angle("yaw", 8));
component!(Steps, "steps", Field::counter("steps", 31));
component!(Flags, "flags", Field::flags("flags", 5));
component!(
    Dials,
    "dials",
    Field::integer("a", 0, 9),
    Field::integer("b", 0, 9),
    Field::integer("c", 0, 9),
    Field::integer("d", 0, 9),
    Field::integer("e", 0, 9),
    Field::integer("f", 0, 9),
    Field::integer("g", 0, 9),
    Field::integer("h", 0, 9),
    Field::integer("i", 0, 9),
    Field::integer("j", 0, 9),
    Field::integer("k", 0, 9),
    Field::integer("l", 0, 9),
    Field::integer("m", 0, 9),
    Field::integer("n", 0, 9),
    Field::integer("o", 0, 9),
    Field::integer("p", 0, 9),
    Field::integer("q", 0, 9)
);
component!(Nothing, "nothing", Field::flags("none", 1));
impl Input for Nothing {
    fn clear_one_shots(&mut self) {}
}

/// A body, and the components of its stream.
struct Rule {
    schema: Schema,
    delta: Delta,
}

fn of_all<C: Replicate>() -> Schema {
    Schema::builder("vectors").component::<C>(Audience::Public).input::<Nothing>().build().unwrap()
}

fn of_five_and_one() -> Schema {
    let five = Schema::builder("vectors").component::<Five>(Audience::Public);
    five.component::<Slide>(Audience::Public).input::<Nothing>().build().unwrap()
}

fn of_pair() -> Schema {
    let pair = Schema::builder("vectors").component::<Pair>(Audience::Public).component::<East>(Audience::Public);
    pair.component::<North>(Audience::Public).input::<Nothing>().build().unwrap()
}

impl Rule {
    /// Of all components, against the state of six ticks before and that of twelve, if there is one.
    fn new(schema: Schema, name: &'static str, second: Option<&[u32]>, first: &[u32], new: &[u32]) -> Self {
        let mask = schema.stream(Audience::Public).full_mask();
        let all = |lanes: &[u32]| Version { mask, lanes: lanes.to_vec() };
        let second = second.map(|lanes| (all(lanes), 12));
        let (first, new) = (all(first), all(new));
        Self { schema, delta: Delta { name, tick_hz: None, first, first_age: 6, second, new, by_hand: None } }
    }

    fn ages(mut self, first: u32, second: u32) -> Self {
        self.delta.first_age = first;
        if let Some((_, age)) = &mut self.delta.second {
            *age = second;
        }
        self
    }

    fn hz(mut self, tick_hz: u32) -> Self {
        self.delta.tick_hz = Some(tick_hz);
        self
    }

    fn masks(mut self, first: u32, new: u32) -> Self {
        self.delta.first.mask = first;
        self.delta.new.mask = new;
        if let Some((version, _)) = &mut self.delta.second {
            version.mask = first;
        }
        self
    }

    fn by_hand(mut self, write: fn(&mut BitWriter)) -> Self {
        self.delta.by_hand = Some(write);
        self
    }

    fn layout(&self) -> &StreamLayout {
        self.schema.stream(Audience::Public)
    }

    fn given(&self) -> Value {
        let mut given = self.delta.given();
        given["components"] = json::components(self.layout());
        given
    }

    fn read(&self, name: &str) -> Result<Version, Malformed> {
        self.delta.read(self.layout(), &bytes(BODIES, name))
    }
}

fn residuals() -> Vec<Rule> {
    vec![
        Rule::new(of_all::<Wide>(), "a_residual_of_the_last_class", None, &[20_000], &[28_191]),
        Rule::new(of_all::<Wide>(), "a_residual_of_the_last_class_at_its_least", None, &[20_000], &[26_144]),
        Rule::new(of_all::<Wide>(), "a_residual_beyond_all_classes", None, &[20_000], &[28_192]),
        Rule::new(of_all::<Wide>(), "a_residual_far_below_all_classes", None, &[51_200], &[0]),
    ]
}

fn motions() -> Vec<Rule> {
    vec![
        Rule::new(of_all::<Slide>(), "half_a_step_of_motion", Some(&[49]), &[50], &[51]).ages(1, 3),
        Rule::new(of_all::<Slide>(), "half_a_step_of_motion_backwards", Some(&[51]), &[50], &[49]).ages(1, 3),
        Rule::new(of_all::<Slide>(), "what_moves_beyond_its_end", Some(&[90]), &[98], &[100]),
        Rule::new(of_all::<Slide>(), "what_moves_beyond_its_beginning", Some(&[10]), &[2], &[3]),
        Rule::new(of_all::<Vast>(), "the_greatest_motion", Some(&[0]), &[1_000_000], &[2_000_100]),
        Rule::new(of_all::<Orders>(), "lanes_of_several_orders", None, &[100, 100, 100], &[103, 200, 90]),
        Rule::new(of_five_and_one(), "five_ranges_side_by_side", None, &[50; 6], &[51, 50, 50, 50, 49, 53]),
        Rule::new(
            of_all::<Several>(),
            "ranges_of_several_kinds",
            None,
            &[50, 50, 50, 100, 50, 50, 50, 50, 50, 50],
            &[51, 50, 52, 97, 50, 50, 54, 50, 45, 56],
        ),
        Rule::new(of_all::<Aim>(), "the_second_lane_of_a_reference_moved", Some(&[5, 1]), &[5, 2], &[5, 3]),
        Rule::new(of_all::<Heading>(), "half_a_turn", Some(&[0]), &[128], &[130]),
    ]
}

fn rotations() -> Vec<Rule> {
    let of = |name, second, first: &[u32; 4], new: &[u32; 4]| Rule::new(of_all::<Turn>(), name, second, first, new);
    vec![
        of("a_rotation_turns_back", Some(&[3, 280, 255, 240]), &[3, 260, 255, 260], &[3, 250, 251, 262]),
        of("a_rotation_beyond_its_ends", Some(&[3, 20, 255, 490]), &[3, 5, 255, 505], &[3, 2, 255, 511]),
        another_largest(),
        of("a_rotation_whose_largest_had_changed", Some(&[0, 500, 300, 250]), &[1, 480, 300, 250], &[1, 450, 303, 252]),
        of(
            "a_rotation_whose_largest_had_changed_and_was_negative",
            Some(&[0, 10, 300, 250]),
            &[1, 30, 220, 260],
            &[1, 45, 222, 260],
        ),
        of("lanes_that_are_too_long_for_a_rotation", None, &[3, 511, 511, 511], &[0, 511, 511, 256]),
        // Of the largest component hardly anything is left: it tells with how many bits the others are computed.
        Rule::new(
            of_all::<FineTurn>(),
            "lanes_that_are_nearly_too_long_for_a_rotation",
            None,
            &[3, 2269, 4088, 4090],
            &[0, 4088, 4090, 2049],
        ),
    ]
}

fn another_largest() -> Rule {
    let second: &[u32] = &[3, 400, 255, 420];
    Rule::new(
        of_all::<Turn>(),
        "another_largest_against_the_motion",
        Some(second),
        &[3, 360, 255, 360],
        &[2, 330, 200, 480],
    )
}

/// The velocity 0 of [`Run`], and of [`Rush`].
const REST: u32 = 64;
const FAR_REST: u32 = 1 << 21;

fn curves() -> Vec<Rule> {
    let run = |name, [was_x, was_y]: [u32; 2], [is_x, is_y]: [u32; 2]| {
        Rule::new(of_all::<Run>(), name, None, &[1600, 1600, was_x, was_y], &[1600, 1600, is_x, is_y])
    };
    vec![
        run("equal_speeds_turn", [REST + 30, REST + 30], [REST + 20, REST + 38]),
        run("equal_speeds_turn_whose_signs_differ", [REST + 30, REST - 30], [REST + 20, REST - 38]),
        run("who_runs_a_curve_and_speeds_up", [REST + 10, REST + 5], [REST + 6, REST + 40]),
        run("a_curve_beyond_its_end", [REST + 60, REST + 30], [REST + 63, REST]),
        run("a_curve_beyond_its_beginning", [REST - 60, REST + 30], [REST - 63, REST]),
        Rule::new(
            of_all::<Rush>(),
            "the_widest_curve",
            None,
            &[FAR_REST, FAR_REST, FAR_REST + 1_000_000, FAR_REST + 500_000],
            &[FAR_REST, FAR_REST, FAR_REST + 1_118_030, FAR_REST],
        ),
    ]
}

fn velocities() -> Vec<Rule> {
    let rush = |name, was, is, x| {
        let lanes = |x, v| [x, FAR_REST, v, FAR_REST];
        Rule::new(of_all::<Rush>(), name, None, &lanes(FAR_REST, was), &lanes(x, is))
    };
    vec![
        rush("the_greatest_change_of_a_velocity", 0, 2 * FAR_REST, FAR_REST + 77),
        rush("what_runs_beyond_its_end", 2 * FAR_REST, 2 * FAR_REST, 2 * FAR_REST).ages(200, 0),
        rush("half_a_step_of_a_velocity", FAR_REST + 60, FAR_REST, FAR_REST + 1).ages(2, 0),
        rush("half_a_step_of_a_velocity_backwards", FAR_REST - 60, FAR_REST, FAR_REST - 1).ages(2, 0),
        rush("what_slows_down_is_further_than_predicted", FAR_REST + 6000, FAR_REST + 600, FAR_REST + 500),
        rush("the_time_of_a_tick_is_rounded", FAR_REST + 100_000, FAR_REST + 100_000, FAR_REST + 9_091)
            .ages(1, 0)
            .hz(11),
        rush("more_than_the_longest_time", FAR_REST, FAR_REST + 1, FAR_REST + 255).ages(500, 0).hz(1),
        Rule::new(of_all::<Drift>(), "a_velocity_is_rounded", None, &[100, 320], &[101, 320]).ages(1, 0).hz(1),
        Rule::new(of_all::<Glide>(), "a_rate_is_rounded", None, &[2_000_000, 400_000], &[2_133_334, 400_000])
            .ages(1, 0)
            .hz(1),
        Rule::new(of_all::<Spin>(), "the_step_of_an_angle", None, &[0, 6000], &[501_000, 6000]).ages(1, 0).hz(1),
    ]
}

/// Of two lanes in one part the second has no velocity that is there.
fn velocities_that_are_not_there() -> Vec<Rule> {
    let pair = |name, second: &[u32], first: &[u32], new: &[u32]| Rule::new(of_pair(), name, Some(second), first, new);
    vec![
        pair("one_velocity_of_two_is_not_there", &[400, 400, 64], &[410, 402, 90], &[420, 404, 90]).masks(0b011, 0b011),
        pair("one_velocity_of_two_comes", &[400, 400, 64], &[410, 402, 90], &[420, 404, 90, 70]).masks(0b011, 0b111),
        pair("one_velocity_of_two_goes", &[400, 400, 64, 64], &[410, 402, 90, 70], &[420, 404, 90]).masks(0b111, 0b011),
    ]
}

/// What need not be told.
fn told_at_length() -> Vec<Rule> {
    vec![
        Rule::new(of_all::<Slide>(), "a_number_that_differs_by_nothing_at_length", None, &[50], &[50]).by_hand(|w| {
            write_word(unknown(1), 1, w);
            write_residual(slide(), 0, false, w);
        }),
        Rule::new(of_all::<Orders>(), "lanes_that_differ_by_nothing_at_length", None, &[5; 3], &[5; 3]).by_hand(|w| {
            write_word(unknown(1), 1, w);
            write_residual(residual_code(0, 9, 1), 0, false, w);
            (0..2).for_each(|_| write_residual(residual_code(0, 9, 2), 0, false, w));
        }),
        Rule::new(of_all::<Turn>(), "a_rotation_that_differs_by_nothing_at_length", None, &TURNED, &TURNED).by_hand(
            |w| {
                write_word(unknown(1), 1, w);
                write_residual(residual_code(4, 3, 1), 0, false, w);
                (0..2).for_each(|_| write_residual(residual_code(4, 3, 2), 0, false, w));
            },
        ),
        Rule::new(of_all::<Flags>(), "flags_that_are_what_they_were_at_length", None, &[9], &[9]).by_hand(|w| {
            write_word(unknown(1), 1, w);
            w.write(9, 5);
        }),
        Rule::new(of_all::<Aim>(), "a_reference_that_is_what_it_was_at_length", None, &[5, 1], &[5, 1]).by_hand(|w| {
            write_word(unknown(1), 1, w);
            w.write(0, 2);
        }),
        Rule::new(of_all::<Heading>(), "a_circle_more_than_half_round_at_length", None, &[10], &[210])
            .by_hand(|w| heading(200, w)),
        Rule::new(of_all::<Heading>(), "a_circle_more_than_round_at_length", None, &[10], &[54])
            .by_hand(|w| heading(300, w)),
        Rule::new(of_all::<Steps>(), "a_circle_as_far_as_can_be_told_at_length", None, &[10], &[9])
            .by_hand(|w| steps((1 << 31) - 1, w)),
    ]
}

const TURNED: [u32; 4] = [3, 255, 255, 300];

/// Twins of what is refused.
fn plain() -> Vec<Rule> {
    vec![
        Rule::new(of_all::<Slide>(), "a_number_as_it_was", None, &[50], &[50]),
        Rule::new(of_all::<Slide>(), "a_number_that_moves", None, &[50], &[52]),
        Rule::new(of_all::<Dials>(), "two_blocks_as_they_were", None, &[5; 17], &[5; 17]),
        Rule::new(of_all::<Turn>(), "a_rotation_that_turns", None, &[3, 255, 255, 300], &[3, 255, 257, 300]),
        Rule::new(of_all::<Turn>(), "another_largest", None, &TURNED, &[0, 256, 213, 0]).by_hand(|w| {
            write_word(unknown(1), 1, w);
            write_word(residual_code(4, 3, 1), 52, w);
            w.write(1, 2);
            rotation_by_2(w);
        }),
    ]
}

fn rules() -> Vec<Rule> {
    let parts = [residuals(), motions(), rotations(), curves(), velocities(), velocities_that_are_not_there()];
    parts.into_iter().chain([told_at_length(), plain()]).flatten().collect()
}

/// The code of the residual of [`Slide`] against one baseline; its order is 4.
fn slide() -> usize {
    residual_code(0, 4, 0)
}

/// [`Heading`], of order 2, goes on by this.
fn heading(magnitude: u32, w: &mut BitWriter) {
    write_word(unknown(1), 1, w);
    write_residual(residual_code(0, 2, 0), magnitude, false, w);
}

/// [`Steps`], of order 1, goes on by this.
fn steps(magnitude: u32, w: &mut BitWriter) {
    write_word(unknown(1), 1, w);
    write_residual(residual_code(0, 1, 0), magnitude, false, w);
}

/// The residuals 0, 2 and 0 of a rotation against one baseline.
fn rotation_by_2(w: &mut BitWriter) {
    write_residual(residual_code(4, 3, 1), 0, false, w);
    write_residual(residual_code(4, 3, 2), 2, false, w);
    write_residual(residual_code(4, 3, 4), 0, false, w);
}

fn refused() -> Vec<Refused> {
    let of = |name, twin, why, write| Refused { name, twin, why, write };
    vec![
        of("a_residual_of_33_bits", "a_residual_beyond_all_classes", "magnitude 2^32", |w| {
            write_word(unknown(1), 1, w);
            write_word(residual_code(0, 4, 0), 51, w);
            w.write_bool(false);
            w.write_golomb(u32::MAX - 8_191, 12);
        }),
        of("a_circle_farther_than_can_be_told", "a_circle_as_far_as_can_be_told_at_length", "magnitude 2^31", |w| {
            steps(1 << 31, w);
        }),
        of("a_surprise_where_nothing_stands", "a_number_as_it_was", "16, and no part is expected to stand", |w| {
            write_word(unknown(1), 16, w);
        }),
        of("a_part_and_a_surprise_where_nothing_stands", "a_number_that_moves", "17 instead of 1", |w| {
            write_word(unknown(1), 17, w);
            write_residual(slide(), 2, false, w);
        }),
        of("a_mask_in_a_later_group", "two_blocks_as_they_were", "the second group says 32", |w| {
            write_word(unknown(4), 0, w);
            write_word(unknown(4), 32, w);
            w.write(1, 1);
            (0..4).for_each(|_| write_word(unknown(4), 0, w));
            write_word(unknown(1), 0, w);
        }),
        of("a_mask_bit_in_a_later_group", "two_blocks_as_they_were", "the second group says 32 instead of 0", |w| {
            write_word(unknown(4), 0, w);
            write_word(unknown(4), 32, w);
            (0..2).for_each(|_| write_word(unknown(4), 0, w));
            write_word(unknown(1), 0, w);
        }),
        of("a_mask_bit_in_a_later_block", "two_blocks_as_they_were", "the second block says 32 instead of 0", |w| {
            (0..4).for_each(|_| write_word(unknown(4), 0, w));
            write_word(unknown(1), 32, w);
        }),
        of("a_mask_in_a_later_block", "two_blocks_as_they_were", "the second block says 32", |w| {
            (0..4).for_each(|_| write_word(unknown(4), 0, w));
            write_word(unknown(1), 32, w);
            w.write(1, 1);
            write_word(unknown(1), 0, w);
        }),
        of("a_turn_of_a_number", "a_number_that_moves", "52 before the residual", |w| {
            write_word(unknown(1), 1, w);
            write_word(slide(), 52, w);
            w.write(1, 2);
            write_residual(slide(), 2, false, w);
        }),
        of("a_turn_in_the_second_lane", "a_rotation_that_turns", "52 before the second residual", |w| {
            write_word(unknown(1), 1, w);
            write_residual(residual_code(4, 3, 1), 0, false, w);
            write_word(residual_code(4, 3, 2), 52, w);
            w.write(1, 2);
            write_residual(residual_code(4, 3, 2), 2, false, w);
            write_residual(residual_code(4, 3, 4), 0, false, w);
        }),
        of("a_turn_twice", "another_largest", "52 again after the turn", |w| {
            write_word(unknown(1), 1, w);
            (0..2).for_each(|_| {
                write_word(residual_code(4, 3, 1), 52, w);
                w.write(1, 2);
            });
            rotation_by_2(w);
        }),
    ]
}

fn twin_of(refused: &Refused) -> Rule {
    rules().into_iter().find(|rule| rule.delta.name == refused.twin).unwrap()
}

#[test]
fn bodies_are_those_written_down() {
    let about = format!("Bodies of deltas, each of which proves a rule.\n{}", delta::ABOUT);
    let mut vectors = Vectors::new(BODIES, &about);
    vectors.context(&json!({ "tick_hz": delta::TICK_HZ }));
    for rule in rules() {
        let json = json!({ "given": rule.given(), "version": json::version(&rule.delta.new) });
        vectors.accepted(rule.delta.name, &json, |w| rule.delta.write(rule.layout(), w));
    }
    for refused in refused() {
        refused.tell(&twin_of(&refused).given(), &mut vectors);
    }
    vectors.check();
}

#[test]
fn the_bodies_written_down_lead_where_they_say() {
    for rule in rules() {
        assert_eq!(rule.read(rule.delta.name), Ok(rule.delta.new.clone()), "{}", rule.delta.name);
    }
}

#[test]
fn what_is_to_be_refused_is() {
    for refused in refused() {
        let read = twin_of(&refused).read(&format!("refused_{}", refused.name));
        assert_eq!(read, Err(Malformed), "{}", refused.name);
    }
}
