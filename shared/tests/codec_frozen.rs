//! That the delta codec says the same for ever: thousands of bodies of every kind of field, as one number for each way in which
//! they came about. The vectors tell what a body consists of, this that none is missing among them. Numbers that differ mean
//! another `WIRE_VERSION`.

use glam::{Quat, Vec2, Vec3};
use tidelock::bits::{BitReader, BitWriter};
use tidelock::state::codec::{Baselines, decode_delta, encode_delta, encode_full};
use tidelock::state::{
    Audience, Coding, EntityRef, FNV1A_OFFSET, Input, Lane, MotionTime, Replicate, Schema, StreamLayout, Version, fnv1a,
};

/// Coordinates of one vector, of which more than four make two.
#[derive(Replicate)]
struct Body {
    #[field(range(-100.0..=100.0), step = 1.0 / 256.0, velocity = "Speed::speed")]
    place: Vec3,
    #[field(range(-100.0..=100.0), step = 0.01)]
    drift: Vec3,
    #[field(range(-100.0..=100.0), step = 0.01)]
    further: Vec2,
    #[field(angle, bits = 12, velocity = "Speed::spin")]
    yaw: f32,
    #[field(angle, bits = 7)]
    pitch: f32,
    #[field(bits = 9)]
    turn: Quat,
}

#[derive(Replicate)]
struct Speed {
    #[field(range(-8.0..=8.0), step = 0.125, held)]
    speed: Vec3,
    #[field(range(-4.0..=4.0), step = 0.0625)]
    spin: f32,
}

/// A vector along the ground, its velocity before it.
#[derive(Replicate)]
struct Shadow {
    #[field(range(-20.0..=20.0), step = 0.01)]
    pace: Vec2,
    #[field(range(-1_000.0..=1_000.0), step = 0.01, velocity = "pace")]
    spot: Vec2,
    #[field(range(0.0..=1.0), step = 0.25)]
    height: f32,
}

#[derive(Replicate)]
struct Label {
    #[field(text, bytes = 20)]
    name: String,
    #[field(blob, bytes = 3)]
    seal: Vec<u8>,
    owner: EntityRef,
    #[field(counter, bits = 31)]
    steps: u32,
    #[field(flags, bits = 31)]
    flags: u32,
    #[field(range(-1_000_000_000..=1_000_000_000))]
    gold: i32,
    health: u8,
    a: bool,
}

/// More fields than a block has.
#[derive(Replicate)]
struct Purse([u8; 14]);

#[derive(Replicate, Clone, Default)]
struct Press(bool);

impl Input for Press {
    fn clear_one_shots(&mut self) {}
}

fn schema() -> Schema {
    Schema::builder("frozen")
        .replicate::<Body>()
        .replicate::<Speed>()
        .replicate::<Shadow>()
        .replicate::<Label>()
        .replicate::<Purse>()
        .input::<Press>()
        .build()
        .unwrap()
}

/// Numbers that look random. Source: G. Steele, D. Lea and C. Flood, "Fast splittable pseudorandom number generators", 2014.
struct Noise(u64);

impl Noise {
    /// Below `end`.
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((u64::from(end) * ((mixed ^ mixed >> 31) >> 32)) >> 32) as u32
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u32) as usize]
    }

    /// What a lane becomes that was `value`, and went by `went` before.
    fn next(&mut self, lane: Lane, value: u32, went: i64) -> u32 {
        let magnitude = self.one_of(&[1, 2, 3, 6, 20, 200, 20_000]);
        let near = i64::from(self.below(2 * magnitude + 1)) - i64::from(magnitude);
        match self.below(8) {
            0..3 => value,
            3 => lane.moved(value, went),
            4 => lane.moved(value, went + near.signum()),
            5 | 6 => lane.moved(value, near),
            _ => self.below(lane.max + 1),
        }
    }
}

/// Three versions of all components, oldest first, as they follow each other in a game: much stands still, some of it goes on as it went
/// or by its velocity.
fn walk(layout: &StreamLayout, time: MotionTime, noise: &mut Noise) -> [Vec<u32>; 3] {
    let lanes: Vec<Lane> = layout.components().iter().flat_map(|component| component.lanes.clone()).collect();
    let oldest: Vec<u32> = lanes.iter().map(|lane| noise.below(lane.max + 1)).collect();
    let older: Vec<u32> = lanes.iter().zip(&oldest).map(|(lane, value)| noise.next(*lane, *value, 1)).collect();
    let went = |at: usize| match lanes[at].coding {
        Coding::Symbol => 0,
        _ => i64::from(lanes[at].difference(oldest[at], older[at])),
    };
    let mut new: Vec<u32> = (0..lanes.len()).map(|at| noise.next(lanes[at], older[at], went(at))).collect();
    for (at, motion) in layout.motions().iter().enumerate() {
        if let Some(motion) = motion
            && noise.below(4) != 0
        {
            let moved = motion.displacement(new[usize::from(motion.velocity_lane)], time);
            new[at] = lanes[at].moved(older[at], moved + i64::from(noise.below(3)) - 1);
        }
    }
    [oldest, older, new]
}

/// What of all lanes a version with some components has.
fn masked(layout: &StreamLayout, lanes: &[u32], mask: u32) -> Version {
    let of = |(_, component): (usize, &tidelock::state::ComponentLayout)| {
        lanes[component.first_lane..][..component.lanes.len()].to_vec()
    };
    Version { mask, lanes: layout.present(mask).flat_map(of).collect() }
}

/// What is the same and what is not, for each kind of case.
#[derive(Clone, Copy)]
struct Kind {
    has_second: bool,
    /// Whether each version has components of its own.
    parts: bool,
    /// Of the first baseline, and how much older the second is.
    ages: &'static [u32],
    hz: &'static [u32],
}

const SECOND: Kind = Kind { has_second: true, parts: false, ages: &[1, 2, 3, 4, 6, 12, 30], hz: &[20, 30, 60, 240] };
const FIRST: Kind = Kind { has_second: false, ..SECOND };
const PARTS: Kind = Kind { parts: true, ..SECOND };
const OLD: Kind = Kind { ages: &[1, 100, 5_000, 1_000_000, 1 << 30], ..PARTS };

/// Goes through many cases: the baselines, and what is to be told.
fn cases(kind: Kind, mut see: impl FnMut(&StreamLayout, &Baselines<'_>, &Version, &mut Noise)) {
    let (schema, mut noise) = (schema(), Noise(0));
    let layout = schema.stream(Audience::Public);
    for _ in 0..300 {
        let (age, tick_hz) = (noise.one_of(kind.ages), noise.one_of(kind.hz));
        let second_age = age + noise.one_of(kind.ages);
        let lanes = walk(layout, MotionTime::of_ticks(age, tick_hz), &mut noise);
        let all = layout.full_mask();
        let usual = all & !noise.one_of(&[0, 0, 1, 2, 9]);
        let masks = [(); 3].map(|()| {
            let other = all & noise.below(32);
            if !kind.parts { all } else { noise.one_of(&[usual, usual, usual, other]) }
        });
        let [second, first, new] = [0, 1, 2].map(|n| masked(layout, &lanes[n], masks[n]));
        let second = kind.has_second.then(|| (second.borrow(), second_age));
        see(layout, &Baselines { first: first.borrow(), first_age: age, second, tick_hz }, &new, &mut noise);
    }
}

/// A hash of all bodies of a kind, each of which leads where it should.
fn bodies(kind: Kind) -> u64 {
    let mut hash = FNV1A_OFFSET;
    cases(kind, |layout, known, new, _| {
        let mut w = BitWriter::new();
        encode_delta(layout, known, new.borrow(), &mut w);
        encode_full(layout, new.borrow(), &mut w);
        let bits = w.len_bits();
        let mut out = Version::default();
        decode_delta(layout, known, &mut BitReader::new(w.finish()), &mut out).unwrap();
        assert_eq!(&out, new);
        hash = fnv1a(fnv1a(hash, &bits.to_le_bytes()), w.finish());
    });
    hash
}

/// A hash of what bodies of a kind are taken for when a few of their bits are not as they were, and how often they are refused.
fn damaged(kind: Kind) -> (u64, u32) {
    let (mut hash, mut refused) = (FNV1A_OFFSET, 0);
    cases(kind, |layout, known, new, noise| {
        let mut w = BitWriter::new();
        encode_delta(layout, known, new.borrow(), &mut w);
        let (bits, mut bytes) = (w.len_bits() as u32, w.finish().to_vec());
        bytes.extend([0xA5; 8]);
        for _ in 0..=noise.below(3) {
            let bit = noise.one_of(&[bits, bits.min(40), bits.min(12)]);
            let bit = noise.below(bit.max(1)) as usize;
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        let (mut r, mut out) = (BitReader::new(&bytes), Version::default());
        if decode_delta(layout, known, &mut r, &mut out).is_err() {
            refused += 1;
            hash = fnv1a(hash, &[1]);
            return;
        }
        hash = fnv1a(fnv1a(hash, &r.position_bits().to_le_bytes()), &out.mask.to_le_bytes());
        hash = out.lanes.iter().fold(hash, |hash, lane| fnv1a(hash, &lane.to_le_bytes()));
    });
    (hash, refused)
}

#[test]
fn bodies_against_one_version_are_what_they_were() {
    assert_eq!(format!("{:016x}", bodies(FIRST)), "bf8d0c958d6982c8");
}

#[test]
fn bodies_against_two_versions_are_what_they_were() {
    assert_eq!(format!("{:016x}", bodies(SECOND)), "1197e257951d36dc");
}

#[test]
fn bodies_of_versions_that_lack_components_are_what_they_were() {
    assert_eq!(format!("{:016x}", bodies(PARTS)), "b5ecbad878e4345e");
}

#[test]
fn bodies_against_very_old_versions_are_what_they_were() {
    assert_eq!(format!("{:016x}", bodies(OLD)), "30a22d71a82f872b");
}

#[test]
fn what_was_damaged_is_refused_or_read_as_it_was() {
    let found = [FIRST, SECOND, PARTS, OLD].map(damaged).map(|(hash, refused)| (format!("{hash:016x}"), refused));
    assert_eq!(
        found.each_ref().map(|(hash, refused)| (hash.as_str(), *refused)),
        [("9e359358e3d5d2cf", 250), ("79b47687dbf2af43", 250), ("27ad45062a4ffbee", 221), ("873a34bb22dee1bd", 220)]
    );
}
