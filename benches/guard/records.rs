//! The delta codec alone, on the states of the workload.

use std::collections::VecDeque;
use tidelock::bits::{BitReader, BitWriter};
use tidelock::state::codec::DeltaCoder;
use tidelock::state::{Audience, Replicate, Schema, StreamLayout, Version, VersionRef};
use tidelock_benches::stage::{Ask, Health, Position, Velocity, Yaw};
use tidelock_workload::{State, TICK_HZ, World};

/// Ages of the baselines: about a round trip of 100 ms, and as much before.
const FIRST_AGE: usize = 3;
const SECOND_AGE: usize = 6;

/// Encodes and decodes what changes in so many ticks of a world of which a half walks.
pub(crate) fn run(ticks: u64) {
    let schema = schema();
    let layout = schema.stream(Audience::Public);
    let mut world = World::new(super::ENTITIES, 0, 0.5);
    let mut past: VecDeque<Vec<Version>> = VecDeque::new();
    let mut w = BitWriter::new();
    for _ in 0..ticks {
        world.step();
        past.push_front(world.entities.iter().map(version).collect());
        if past.len() <= SECOND_AGE {
            continue;
        }
        past.truncate(SECOND_AGE + 1);
        w.clear();
        let ends = encode_records(layout, &past, &mut w);
        let decoded = decode_records(layout, &past, w.finish());
        assert_eq!(decoded.len(), ends);
        let new: Vec<&Version> = changed(&past).map(|entity| &past[0][entity]).collect();
        assert!(decoded.iter().zip(new).all(|(decoded, new)| decoded == new), "records come back as they were");
    }
}

fn changed(past: &VecDeque<Vec<Version>>) -> impl Iterator<Item = usize> {
    (0..past[0].len()).filter(|entity| past[0][*entity] != past[FIRST_AGE][*entity])
}

fn baselines(past: &VecDeque<Vec<Version>>, entity: usize) -> (VersionRef<'_>, Option<VersionRef<'_>>) {
    let of = |age: usize| past[age][entity].borrow();
    (of(FIRST_AGE), Some(of(SECOND_AGE)))
}

/// One for all records of a tick, as the server has one for all that name the same baselines.
fn coder(layout: &StreamLayout) -> DeltaCoder<'_> {
    DeltaCoder::new(layout, FIRST_AGE as u32, Some(SECOND_AGE as u32), TICK_HZ)
}

#[inline(never)]
fn encode_records(layout: &StreamLayout, past: &VecDeque<Vec<Version>>, w: &mut BitWriter) -> usize {
    let coder = coder(layout);
    let mut records = 0;
    for entity in changed(past) {
        let (first, second) = baselines(past, entity);
        coder.encode(first, second, past[0][entity].borrow(), w);
        records += 1;
    }
    records
}

#[inline(never)]
fn decode_records(layout: &StreamLayout, past: &VecDeque<Vec<Version>>, bytes: &[u8]) -> Vec<Version> {
    let coder = coder(layout);
    let mut r = BitReader::new(bytes);
    let decode = |entity| {
        let mut version = Version::default();
        let (first, second) = baselines(past, entity);
        coder.decode(first, second, &mut r, &mut version).expect("what was written can be read");
        version
    };
    changed(past).map(decode).collect()
}

fn schema() -> Schema {
    let builder = Schema::builder("workload").component::<Position>(Audience::Public);
    let builder = builder.component::<Velocity>(Audience::Public).component::<Yaw>(Audience::Public);
    builder.component::<Health>(Audience::Public).input::<Ask>().build().expect("a small schema")
}

fn version(state: &State) -> Version {
    let mut lanes = Vec::new();
    append(&Position(state.position), &mut lanes);
    append(&Velocity(state.velocity), &mut lanes);
    append(&Yaw(state.yaw), &mut lanes);
    append(&Health(state.health), &mut lanes);
    Version { mask: 0b1111, lanes }
}

fn append<C: Replicate>(component: &C, lanes: &mut Vec<u32>) {
    let from = lanes.len();
    lanes.resize(from + C::lane_count(), 0);
    component.write_lanes(&mut lanes[from..]);
}
