//! Tidelock's own way: gaps and runs, and records in frozen prefix codes.

use crate::runs::{ReadRuns, Runs};
use tidelock::bits::{BitReader, BitWriter};
use tidelock::state::codec::{Baselines, decode_delta, encode_delta};
use tidelock::state::{Schema, StreamLayout, Version};

/// Frames as versions.
pub(crate) type Frame = Vec<Version>;

/// Baselines of a packet: the first, the second if there is one, and the age of the first.
#[derive(Clone, Copy)]
pub(crate) struct Held<'a> {
    pub(crate) first: &'a Frame,
    pub(crate) second: Option<&'a Frame>,
    pub(crate) age: u32,
}

impl Held<'_> {
    pub(crate) fn of(&self, cube: usize) -> Baselines<'_> {
        let second = self.second.map(|second| (second[cube].borrow(), 2 * self.age));
        Baselines { first: self.first[cube].borrow(), first_age: self.age, second, tick_hz: 60 }
    }
}

/// Encodes all records of a frame, once for all clients: where each begins, in bits, and the end.
pub(crate) fn encode(
    layout: &StreamLayout,
    held: Held<'_>,
    new: &Frame,
    changed: &[u32],
    w: &mut BitWriter,
) -> Vec<usize> {
    let mut begins = Vec::with_capacity(changed.len() + 1);
    for cube in changed {
        begins.push(w.len_bits());
        encode_delta(layout, &held.of(*cube as usize), new[*cube as usize].borrow(), w);
    }
    begins.push(w.len_bits());
    begins
}

/// Puts a packet together: which cubes, and their records.
pub(crate) fn pack(layout: &StreamLayout, held: Held<'_>, new: &Frame, changed: &[u32], w: &mut BitWriter) {
    let mut runs = Runs::begin(changed, w);
    let mut left = changed;
    loop {
        let len = runs.write(w);
        if len == 0 {
            return;
        }
        let (run, rest) = left.split_at(len);
        encode(layout, held, new, run, w);
        left = rest;
    }
}

/// Reads a packet into a frame that is the first baseline to begin with.
pub(crate) fn unpack(layout: &StreamLayout, held: Held<'_>, bytes: &[u8], out: &mut Frame) {
    let mut r = BitReader::new(bytes);
    let mut runs = ReadRuns::begin(&mut r).expect("our own packet");
    while let Some((first, len)) = runs.read(&mut r).expect("our own packet") {
        for cube in first..first + len {
            let place = &mut out[cube as usize];
            decode_delta(layout, &held.of(cube as usize), &mut r, place).expect("our own packet");
        }
    }
}

/// The layout of a cube.
pub(crate) fn layout(schema: &Schema) -> &StreamLayout {
    schema.stream(tidelock::state::Audience::Public)
}
