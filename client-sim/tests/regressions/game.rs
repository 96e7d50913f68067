//! Games of one system each, and what every test asks of them.

use bevy_app::{App, Plugin};
use bevy_ecs::message::{Message, Messages};
use bevy_ecs::world::World;
use std::sync::Arc;
use std::time::Duration;
use tidelock::netcode::PAYLOAD_BYTES_MAX;
use tidelock::state::{Field, Input, LaneReader, LaneWriter, Replicate};
use tidelock_server::game::Simulate;
use tidelock_sim::client::Status;
use tidelock_sim::link::LinkConfig;
use tidelock_sim::universe::{Packet, Universe};

/// A game that declares something and does something in each tick.
pub(crate) struct Game {
    declare: Box<dyn Fn(&mut App) + Send + Sync>,
    step: Arc<dyn Fn(&mut World) + Send + Sync>,
}

impl Game {
    pub(crate) fn new(
        declare: impl Fn(&mut App) + Send + Sync + 'static,
        step: impl Fn(&mut World) + Send + Sync + 'static,
    ) -> Self {
        Self { declare: Box::new(declare), step: Arc::new(step) }
    }
}

impl Plugin for Game {
    fn build(&self, app: &mut App) {
        (self.declare)(app);
        let step = Arc::clone(&self.step);
        app.add_systems(Simulate, move |world: &mut World| step(world));
    }
}

/// The messages of one type that are there in this tick.
pub(crate) fn take<M: Message>(world: &mut World) -> Vec<M> {
    world.resource_mut::<Messages<M>>().drain().collect()
}

/// An input of one lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys(pub(crate) u32);

impl Replicate for Keys {
    const NAME: &'static str = "keys";
    const FIELDS: &'static [Field] = &[Field::flags("held", 16)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.flags(self.0);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.flags())
    }
}

impl Input for Keys {
    fn clear_one_shots(&mut self) {}
}

/// A link with this delay and loss, each way.
pub(crate) fn link(latency_ms: u64, loss: f64) -> LinkConfig {
    LinkConfig { latency: Duration::from_millis(latency_ms), loss, ..Default::default() }
}

/// Everybody plays, and nobody has ever been in doubt.
pub(crate) fn is_sound<I: Input>(universe: &Universe<I>) {
    for player in universe.players() {
        let stats = player.client.stats();
        assert_eq!(player.client.status(), Status::Playing);
        assert_eq!((stats.desyncs, stats.snapshots.undecodable, stats.payloads_malformed), (0, 0, 0), "{stats:?}");
    }
    let stats = universe.engine().stats();
    assert_eq!((stats.desyncs, stats.payloads_malformed, stats.events_malformed), (0, 0, 0));
}

/// Every datagram holds a payload that fits one, and what netcode adds. Returns the longest.
pub(crate) fn datagrams_fit(packets: &[Packet]) -> usize {
    let longest = packets.iter().map(|packet| packet.datagram.len()).max().expect("something was sent");
    // Prefix, sequence and authentication tag.
    assert!(longest <= PAYLOAD_BYTES_MAX + 1 + 8 + 16, "{longest} bytes");
    longest
}
