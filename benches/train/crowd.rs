//! The workload: entities that walk at random.

use tidelock::state::{Audience, Replicate, Schema, Version};
use tidelock_benches::corpus::Corpus;
use tidelock_benches::stage::{Ask, Health, Position, Velocity, Yaw};
use tidelock_workload::{TICK_HZ, World};

/// So many ticks of a crowd of which half walks.
pub(crate) fn walk(ticks: u32) -> Corpus {
    let schema = Schema::builder("workload")
        .component::<Position>(Audience::Public)
        .component::<Velocity>(Audience::Public)
        .component::<Yaw>(Audience::Public)
        .component::<Health>(Audience::Public)
        .input::<Ask>()
        .build()
        .expect("the workload's own schema");
    let mut corpus = Corpus::new("workload", schema, Audience::Public, TICK_HZ);
    let mut world = World::new(400, 1, 0.5);
    for tick in 0..ticks {
        world.step();
        for (stream, state) in world.entities.iter().enumerate() {
            let mut version = Version { mask: 0b1111, lanes: vec![0; 8] };
            let (place, rest) = version.lanes.split_at_mut(3);
            let (speed, rest) = rest.split_at_mut(3);
            Position(state.position).write_lanes(place);
            Velocity(state.velocity).write_lanes(speed);
            Yaw(state.yaw).write_lanes(&mut rest[..1]);
            Health(state.health).write_lanes(&mut rest[1..]);
            corpus.record(stream, tick, &version);
        }
    }
    corpus
}
