//! Tidelock's own way: gaps and runs, and records in frozen prefix codes.

use crate::runs::{ReadRuns, Runs};
use tidelock::bits::{BitReader, BitWriter};
use tidelock::state::codec::{Baselines, DeltaCoder};
use tidelock::state::{Schema, StreamLayout, Version, VersionRef};

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

    /// For all cubes of a packet.
    fn coder<'l>(&self, layout: &'l StreamLayout) -> DeltaCoder<'l> {
        DeltaCoder::new(layout, self.age, self.second.map(|_| 2 * self.age), 60)
    }

    fn versions(&self, cube: usize) -> (VersionRef<'_>, Option<VersionRef<'_>>) {
        (self.first[cube].borrow(), self.second.map(|second| second[cube].borrow()))
    }
}

/// Encodes all records of a frame, once for all clients: where each begins, in bits, and the end.
pub(crate) fn encode(
    coder: &DeltaCoder<'_>,
    held: Held<'_>,
    new: &Frame,
    changed: &[u32],
    w: &mut BitWriter,
) -> Vec<usize> {
    let mut begins = Vec::with_capacity(changed.len() + 1);
    for cube in changed {
        begins.push(w.len_bits());
        let (first, second) = held.versions(*cube as usize);
        coder.encode(first, second, new[*cube as usize].borrow(), w);
    }
    begins.push(w.len_bits());
    begins
}

/// Puts a packet together: which cubes, and their records.
pub(crate) fn pack(layout: &StreamLayout, held: Held<'_>, new: &Frame, changed: &[u32], w: &mut BitWriter) {
    let mut runs = Runs::begin(changed, w);
    let (mut left, coder) = (changed, held.coder(layout));
    loop {
        let len = runs.write(w);
        if len == 0 {
            return;
        }
        let (run, rest) = left.split_at(len);
        encode(&coder, held, new, run, w);
        left = rest;
    }
}

/// Reads a packet into a frame that is the first baseline to begin with.
pub(crate) fn unpack(layout: &StreamLayout, held: Held<'_>, bytes: &[u8], out: &mut Frame) {
    let mut r = BitReader::new(bytes);
    let (mut runs, coder) = (ReadRuns::begin(&mut r).expect("our own packet"), held.coder(layout));
    while let Some((first, len)) = runs.read(&mut r).expect("our own packet") {
        for cube in first..first + len {
            let place = &mut out[cube as usize];
            let (first, second) = held.versions(cube as usize);
            coder.decode(first, second, &mut r, place).expect("our own packet");
        }
    }
}

/// The layout of a cube.
pub(crate) fn layout(schema: &Schema) -> &StreamLayout {
    schema.stream(tidelock::state::Audience::Public)
}
