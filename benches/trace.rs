//! The physics trace `traces/cubes-901.d1i16.xz`, and others of its form.
//!
//! The form is xz of, for each frame, 8 planes of 901 little-endian `i16`, each the difference to the frame before (the
//! first: to zero). The planes are those of a [`Cube`].

use crate::corpus::Corpus;
use lzma_rust2::XzReader;
use std::io::{self, Read};
use std::path::Path;
use tidelock::state::{Audience, Field, Input, LaneReader, LaneWriter, Replicate, Schema, Version};

/// Cubes in each frame.
pub const CUBES: usize = 901;
const PLANES: usize = 8;

/// The state of one cube, in steps: which of its rotation's components is the largest (0 to 3), the other three (0 to 511 each), x and
/// y (-16,383 to 16,383) and z (0 to 8,191) in 1/512 m, whether it touches what the player rolls through (0 or 1).
pub type Cube = [i16; PLANES];

/// All frames of the trace in a file.
///
/// # Errors
/// If the file cannot be read, or is not of that form.
pub fn load(path: &Path) -> io::Result<Vec<Vec<Cube>>> {
    let mut bytes = Vec::new();
    XzReader::new(std::fs::File::open(path)?, false).read_to_end(&mut bytes)?;
    let frame_bytes = PLANES * CUBES * 2;
    if bytes.is_empty() || !bytes.len().is_multiple_of(frame_bytes) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not whole frames of 8 planes of 901 numbers"));
    }
    let mut cubes = vec![Cube::default(); CUBES];
    let frames = bytes.chunks_exact(frame_bytes).map(|frame| {
        for (at, difference) in frame.as_chunks::<2>().0.iter().enumerate() {
            let place = &mut cubes[at % CUBES][at / CUBES];
            *place = place.wrapping_add(i16::from_le_bytes(*difference));
        }
        cubes.clone()
    });
    Ok(frames.collect())
}

/// The trace as the versions of 901 streams.
#[must_use]
pub fn corpus(frames: &[Vec<Cube>]) -> Corpus {
    let mut corpus = Corpus::new("cubes", schema(), Audience::Public, 60);
    for (tick, frame) in frames.iter().enumerate() {
        for (stream, cube) in frame.iter().enumerate() {
            corpus.record(stream, tick as u32, &version(cube));
        }
    }
    corpus
}

/// The lanes of a cube.
#[must_use]
pub fn version(cube: &Cube) -> Version {
    let lane = |at: usize| (i32::from(cube[at]) + if matches!(at, 4 | 5) { 16_383 } else { 0 }).cast_unsigned();
    Version { mask: 1, lanes: (0..PLANES).map(lane).collect() }
}

/// What a game would declare for it.
#[must_use]
pub fn schema() -> Schema {
    Schema::builder("cubes").component::<Body>(Audience::Public).input::<Nothing>().build().expect("a small schema")
}

const STEP_M: f32 = 1.0 / 512.0;

/// Only its declaration is used: the trace is of lanes already.
struct Body;

impl Replicate for Body {
    const NAME: &'static str = "body";
    const FIELDS: &'static [Field] = &[
        Field::rotation("rotation", 9),
        Field::range("x", -16_383.0 * STEP_M, 16_383.0 * STEP_M, STEP_M),
        Field::range("y", -16_383.0 * STEP_M, 16_383.0 * STEP_M, STEP_M),
        Field::range("z", 0.0, 8_191.0 * STEP_M, STEP_M),
        Field::flags("interacting", 1),
    ];

    fn quantize(&self, _: &mut LaneWriter<'_>) {
        unreachable!("the trace is of lanes already");
    }

    fn dequantize(_: &mut LaneReader<'_>) -> Self {
        unreachable!("the trace is of lanes already");
    }
}

#[derive(Clone, Default)]
struct Nothing;

impl Replicate for Nothing {
    const NAME: &'static str = "nothing";
    const FIELDS: &'static [Field] = &[Field::flags("none", 1)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.flags(0);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        lanes.flags();
        Self
    }
}

impl Input for Nothing {
    fn clear_one_shots(&mut self) {}
}
