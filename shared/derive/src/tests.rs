//! What a mistake is told, and where it is pointed at. Run with `WRITE_MESSAGES=1` after an intended change.

use crate::expand::expand;
use std::fmt::Write as _;

/// Each is one mistake, in a type that would do without it.
const MISTAKES: &[&str] = &[
    "struct S { x: f32 }",
    "struct S { #[field(step = 0.1)] x: f32 }",
    "struct S { #[field(range(0.0..=1.0))] x: f32 }",
    "struct S { #[field(range(0.0..=1.0), step = 0.0)] x: f32 }",
    "struct S { #[field(range(-1000.0..=1000.0), step = 0.0001)] x: f32 }",
    "struct S { #[field(range(99999.0..=100000.0), step = 0.001)] x: f32 }",
    "struct S { #[field(range(1.0..=-1.0), step = 0.1)] x: f32 }",
    "struct S { #[field(range(0.0..1.0), step = 0.1)] x: f32 }",
    "struct S { #[field(range(0.0..), step = 0.1)] x: f32 }",
    "struct S { #[field(range = 1.0, step = 0.1)] x: f32 }",
    "struct S { #[field(range(0.0..=1.0, 0.0..=2.0), step = 0.1)] x: f32 }",
    "struct S { #[field(range(0.0..=1.0, 0.0..=2.0), step = 0.1)] x: Vec3 }",
    "struct S { #[field(range(0.0..=1.0), step = 0.1, order(1, 2))] x: Vec3 }",
    "struct S { x: Vec2 }",
    "struct S { #[field(angle)] yaw: f32 }",
    "struct S { #[field(angle, bits = 24)] yaw: f32 }",
    "struct S { #[field(angle, bits = 12, step = 0.1)] yaw: f32 }",
    "struct S { #[field(angle(3), bits = 12)] yaw: f32 }",
    "struct S { #[field(angle, range(0.0..=1.0), step = 0.1)] yaw: f32 }",
    "struct S { turn: Quat }",
    "struct S { #[field(bits = 16)] turn: Quat }",
    "struct S { n: u32 }",
    "struct S { #[field(range(0..=300))] n: u8 }",
    "struct S { #[field(range(9..=3))] n: u8 }",
    "struct S { #[field(range(0..=4000000000))] n: u32 }",
    "struct S { #[field(range(0..=9), step = 2)] n: u8 }",
    "struct S { #[field(counter)] n: u32 }",
    "struct S { #[field(counter)] n: i16 }",
    "struct S { #[field(flags, bits = 9)] n: u8 }",
    "struct S { #[field(flags, bits = 3, order = 2)] n: u8 }",
    "struct S { #[field(text, bytes = 3)] n: u8 }",
    "struct S { #[field(bits = 1)] b: bool }",
    "struct S { name: String }",
    "struct S { #[field(text, bytes = 100)] name: String }",
    "struct S { data: Vec<u8> }",
    "struct S { data: Vec<f32> }",
    "struct S { x: f64 }",
    "struct S { n: u64 }",
    "struct S { c: char }",
    "struct S { t: (f32, f32) }",
    "struct S { r: &'static str }",
    "struct S { f: fn() }",
    "struct S { o: Option<u8> }",
    "struct S { e: Entity }",
    "struct S { #[field(range(0.0..=1.0), step = 0.1)] look: Facing }",
    "struct S { #[field(range(0.0..=1.0), step = 0.1)] a: [f32; N] }",
    "struct S { a: [bool; 99] }",
    "struct S { #[field(skip, name = \"x\")] x: f32 }",
    "struct S { #[field(rnage(0.0..=1.0), step = 0.1)] x: f32 }",
    "struct S { #[field(range(0.0..=1.0), precision = 0.1)] x: f32 }",
    "struct S { #[field(range(0.0..=1.0), step = 0.1, step = 0.2)] x: f32 }",
    "struct S { #[field(range(0.0..=1.0), step = 0.1, velocity = speed)] x: f32 }",
    "struct S { #[field(range(0.0..=1.0), step = 0.1, velocity = \"a b::c\")] x: f32 }",
    "struct S { #[field(name = 3)] x: u8 }",
    "struct S<T> { x: T }",
    "union S { x: u8 }",
    "enum E {}",
    "enum E { A, B(u8) }",
    "#[replicate(owners)] struct S;",
    "#[replicate(owner, team)] struct S;",
    "#[replicate(owner = true)] struct S;",
    "#[replicate(every = 0)] struct S;",
    "#[replicate(every = 2, hz = 20)] struct S;",
    "#[replicate(priority)] struct S;",
    "#[replicate(name = \"\")] struct S;",
];

#[test]
fn every_mistake_is_told_as_it_was_written_down() {
    let mut text = String::from("# Mistakes with `derive(Replicate)`, what they point at and what they are told.\n");
    for mistake in MISTAKES {
        let input = syn::parse_str(mistake).expect(mistake);
        let error = expand(&input).expect_err(mistake);
        let at = error.span().source_text().unwrap_or_default();
        write!(text, "\n{mistake}\n  at `{at}`\n  {error}\n").unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/messages.txt");
    if std::env::var_os("WRITE_MESSAGES").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let differs = text.lines().zip(written.lines()).find(|(now, then)| now != then);
    assert!(text == written, "messages have changed: (now, written) = {differs:?}");
}

#[test]
fn what_is_right_is_expanded() {
    let right = [
        "struct S { #[field(range(-1..=1), step = 1.0 / 256.0, velocity = \"Velocity\")] x: f32 }",
        "struct S(#[field(range(MIN..=MAX))] u32, [u8; 3], #[field(nested)] Facing);",
        "struct S { #[field(skip)] cache: HashMap<u8, u8> }",
        "#[replicate(name = \"s\", owner, hz = 20, priority = 9)] struct S;",
    ];
    for right in right {
        expand(&syn::parse_str(right).expect(right)).unwrap_or_else(|error| panic!("{right}: {error}"));
    }
}
