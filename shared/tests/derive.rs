//! What `#[derive(Replicate)]` makes of types.

use glam::{Quat, Vec2, Vec3};
use tidelock::state::{
    Audience, Coding, EntityRef, Field, Input, LaneReader, LaneWriter, NetId, Replicate, Rules, Schema, SendRate,
    Shaped,
};

#[derive(Replicate, Clone, Debug, PartialEq)]
#[replicate(name = "body", team, every = 2, priority = 4)]
struct Body {
    #[field(range(-Self::EXTENT..=Self::EXTENT), step = 1.0 / 256.0, velocity = "speed", order = 6)]
    place: Vec3,
    #[field(range(-8.0..=8.0, -8.0..=8.0, -20..=20), step = 0.5, order(6, 6, 8), held)]
    speed: Vec3,
    #[field(angle, bits = 12, velocity = "Spin")]
    yaw: f32,
    #[field(range(-1.5..=1.5), step = 0.01, name = "look")]
    pitch: f32,
    #[field(bits = 9)]
    turn: Quat,
    dead: bool,
    hit: bool,
    #[field(range(0..=Self::POINTS))]
    points: u8,
    #[field(counter, bits = 6)]
    steps: u32,
    #[field(flags, bits = 3)]
    buttons: u16,
    #[field(text, bytes = 12)]
    name: String,
    #[field(blob, bytes = 4)]
    seal: Vec<u8>,
    target: EntityRef,
    kind: Kind,
    tag: u16,
    #[field(skip)]
    cache: Option<Vec<String>>,
}

impl Body {
    const EXTENT: f32 = 100.0;
    const POINTS: u8 = 200;
}

#[derive(Replicate, Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Avatar,
    Npc,
    Shot,
}

#[derive(Replicate, Clone, Copy, Debug, PartialEq)]
#[replicate(team)]
struct Spin(#[field(range(-4.0..=4.0), step = 0.125)] f32);

#[derive(Replicate, Clone, Copy, Debug, Default, PartialEq)]
struct Wheels(#[field(angle, bits = 6)] [f32; 4], [bool; 3], [[Kind; 2]; 2]);

#[derive(Replicate, Clone, Copy, Debug, Default, PartialEq, Eq)]
struct BurningBright;

#[derive(Replicate, Clone, Copy, Debug, Default, PartialEq)]
#[replicate(owner, hz = 10)]
struct Wish {
    #[field(range(-1.0..=1.0), step = 1.0 / 16.0)]
    stick: Vec2,
    fire: bool,
    #[field(range(-5..=5))]
    lean: i32,
    run: bool,
}

impl Input for Wish {
    fn clear_one_shots(&mut self) {
        self.fire = false;
    }
}

fn body() -> Body {
    Body {
        place: Vec3::new(1.5, -100.0, 0.25),
        speed: Vec3::new(1.5, -8.0, 20.0),
        yaw: 0.0,
        pitch: 0.0,
        turn: Quat::IDENTITY,
        dead: false,
        hit: true,
        points: 200,
        steps: 63,
        buttons: 5,
        name: "Zoë".into(),
        seal: vec![1, 2],
        target: EntityRef::Net(NetId { index: 3, generation: 1 }),
        kind: Kind::Shot,
        tag: 65_535,
        cache: None,
    }
}

fn names<C: Replicate>() -> Vec<&'static str> {
    C::FIELDS.iter().map(|field| field.name).collect()
}

fn through_lanes<C: Replicate>(value: &C) -> C {
    let mut lanes = vec![0; C::lane_count()];
    value.write_lanes(&mut lanes);
    C::read_lanes(&lanes)
}

#[test]
fn each_member_becomes_the_fields_that_it_says() {
    let expected = [
        Field::range("place.x", -100.0, 100.0, 1.0 / 256.0).with_order(6).with_velocity("", "speed.x"),
        Field::range("place.y", -100.0, 100.0, 1.0 / 256.0).with_order(6).with_velocity("", "speed.y"),
        Field::range("place.z", -100.0, 100.0, 1.0 / 256.0).with_order(6).with_velocity("", "speed.z"),
        Field::range("speed.x", -8.0, 8.0, 0.5).with_order(6).held(),
        Field::range("speed.y", -8.0, 8.0, 0.5).with_order(6).held(),
        Field::range("speed.z", -20.0, 20.0, 0.5).with_order(8).held(),
        Field::angle("yaw", 12).with_velocity("spin", "0"),
        Field::range("look", -1.5, 1.5, 0.01),
        Field::rotation("turn", 9),
        Field::flags("dead|hit", 2),
        Field::integer("points", 0, 200),
        Field::counter("steps", 6),
        Field::flags("buttons", 3),
        Field::text("name", 12),
        Field::blob("seal", 4),
        Field::reference("target"),
        Field::choice("Avatar|Npc|Shot", 3),
        Field::integer("tag", 0, 65_535),
    ];
    for (found, expected) in Body::FIELDS.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(Body::FIELDS.len(), expected.len());
}

#[test]
fn all_that_is_sent_comes_back() {
    let read = through_lanes(&body());
    assert!(read.turn.angle_between(Quat::IDENTITY) < 0.01 && read.pitch.abs() < 1e-6);
    assert_eq!(Body { turn: Quat::IDENTITY, pitch: 0.0, ..read }, body());
    assert_eq!(through_lanes(&body().snapped()), body().snapped());
    let wheels = Wheels([0.0; 4], [true, false, true], [[Kind::Shot, Kind::Npc], [Kind::Npc, Kind::Avatar]]);
    assert_eq!(through_lanes(&wheels), wheels);
    let wish = Wish { stick: Vec2::new(-1.0, 0.5), fire: true, lean: -5, run: true };
    assert_eq!(through_lanes(&wish), wish);
    assert_eq!(through_lanes(&Spin(-0.5)), Spin(-0.5));
    assert_eq!(through_lanes(&BurningBright), BurningBright);
}

#[test]
fn what_is_skipped_stays_behind_and_what_is_too_large_is_clamped() {
    let large = Body { points: 255, place: Vec3::splat(1e9), cache: Some(Vec::new()), steps: 64, ..body() };
    let back = through_lanes(&large);
    assert_eq!((back.points, back.place, back.cache, back.steps), (200, Vec3::splat(100.0), None, 0));
}

#[test]
fn elements_and_members_without_names_are_called_by_their_numbers() {
    let kinds = ["Avatar|Npc|Shot"; 4];
    assert_eq!(names::<Wheels>(), [&["0.0", "0.1", "0.2", "0.3", "1"][..], &kinds].concat());
    assert_eq!(names::<Spin>(), ["0"]);
}

#[test]
fn only_neighbouring_bits_share_a_lane() {
    assert_eq!(names::<Wish>(), ["stick.x", "stick.y", "fire", "lean", "run"]);
}

#[test]
fn names_and_rules_are_as_said_or_the_usual_ones() {
    assert_eq!((Body::NAME, Spin::NAME, BurningBright::NAME), ("body", "spin", "burning_bright"));
    let rules = Rules::PUBLIC.with_audience(Audience::Team).with_rate(SendRate::Ticks(2)).with_priority(4);
    assert_eq!((Body::RULES, BurningBright::RULES), (rules, Rules::PUBLIC));
    assert_eq!(Wish::RULES, Rules::PUBLIC.with_audience(Audience::Owner).with_rate(SendRate::Hz(10)));
}

#[test]
fn velocities_are_found_within_a_component_and_beside_it() {
    let schema = Schema::builder("derived")
        .replicate::<Body>()
        .replicate::<Spin>()
        .replicate::<BurningBright>()
        .input::<Wish>()
        .build()
        .unwrap();
    let layout = schema.stream(Audience::Team);
    let moved_by: Vec<_> = layout.motions().iter().map(|motion| motion.map(|motion| motion.velocity_lane)).collect();
    assert_eq!(moved_by[..7], [Some(3), Some(4), Some(5), None, None, None, Some(Body::lane_count() as u16)]);
    assert!(moved_by[7..].iter().all(Option::is_none));
    assert_eq!((layout.priority(0b11), layout.priority(0b10), layout.priority(0)), (4, 1, 1));
    assert_eq!(schema.stream(Audience::Public).components()[0].lanes, []);
}

#[test]
fn a_choice_is_a_symbol_and_an_unknown_one_its_last() {
    assert_eq!(Kind::FIELDS[0].lanes().next().map(|lane| (lane.max, lane.coding)), Some((2, Coding::Symbol)));
    assert_eq!(Kind::read_lanes(&[7]), Kind::Shot);
}

/// By hand beside a derived one: both ways are the same.
struct ByHand {
    kind: Kind,
    points: i32,
}

impl Replicate for ByHand {
    const NAME: &'static str = "by_hand";
    const FIELDS: &'static [Field] = &[Kind::FIELDS[0], Field::integer("points", 0, 9)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        self.kind.quantize(lanes);
        lanes.integer(self.points);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self { kind: Kind::dequantize(lanes), points: lanes.integer() }
    }
}

#[test]
fn what_an_event_is_made_of_is_told_as_json() {
    #[derive(Shaped)]
    #[allow(dead_code, reason = "only its shape is looked at")]
    struct Order<const N: usize> {
        by: Option<NetId>,
        steps: Vec<(Step, [u8; N])>,
    }
    #[derive(Shaped)]
    #[allow(dead_code, reason = "only its shape is looked at")]
    enum Step {
        Halt,
        Go(f32, f32),
    }
    let json = "{\"struct\":[[\"by\",{\"option\":{\"struct\":[[\"index\",\"u32\"],[\"generation\",\"u16\"]]}}],\
         [\"steps\",{\"list\":{\"struct\":[\
         [\"0\",{\"enum\":[[\"Halt\",[]],[\"Go\",[[\"0\",\"f32\"],[\"1\",\"f32\"]]]]}],[\"1\",{\"array\":[2,\"u8\"]}]]}}]]}";
    assert_eq!(Order::<2>::SHAPE.to_string(), json);
}

#[test]
fn a_component_by_hand_may_hold_derived_ones() {
    let back = through_lanes(&ByHand { kind: Kind::Npc, points: 5 });
    assert_eq!((back.kind, back.points), (Kind::Npc, 5));
}
