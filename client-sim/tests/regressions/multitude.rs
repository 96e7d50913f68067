//! A world of which far more is seen at once than a snapshot has room for.

use super::game::{Game, Keys, is_sound, link};
use bevy_ecs::prelude::Component;
use std::time::Duration;
use tidelock::netcode::Cipher;
use tidelock::state::{Field, LaneReader, LaneWriter, Replicate};
use tidelock::wire::SnapshotHeader;
use tidelock_server::game::{AlwaysRelevant, Replicated, Replication};
use tidelock_sim::universe::{Universe, UniverseConfig};

/// As long as a component can be.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
struct Verse<const N: u32>;

impl<const N: u32> Replicate for Verse<N> {
    const NAME: &'static str = ["first verse", "second verse", "third verse", "fourth verse"][N as usize];
    const FIELDS: &'static [Field] = &[Field::blob("a", 48), Field::blob("b", 48), Field::blob("c", 48)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        (0..3).for_each(|n| lanes.blob(&[n; 48]));
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        (0..3).for_each(|_| {
            lanes.blob();
        });
        Self
    }
}

#[test]
fn of_more_records_than_a_snapshot_has_room_for_some_come_with_the_next() {
    // A datagram has room for no more than one of these.
    const POEMS: usize = SnapshotHeader::DATAGRAMS_MAX as usize + 300;
    let game = Game::new(
        |app| {
            app.input::<Keys>();
            app.replicate::<Verse<0>>().replicate::<Verse<1>>().replicate::<Verse<2>>().replicate::<Verse<3>>();
            let poem = (Verse::<0>, Verse::<1>, Verse::<2>, Verse::<3>, AlwaysRelevant, Replicated);
            app.world_mut().spawn_batch(std::iter::repeat_n(poem, POEMS));
        },
        |_| {},
    );
    let config = UniverseConfig {
        seed: 111,
        snapshot_hz: 10,
        client_bandwidth_bytes_s: u32::MAX,
        cipher: Cipher::Null,
        ..Default::default()
    };
    let mut universe: Universe<Keys> = Universe::new(config, game);
    universe.add_player(link(10, 0.0), link(10, 0.0), Box::new(|_, _| Keys::default()));
    universe.run(Duration::from_secs(2)).unwrap();
    is_sound(&universe);
    assert_eq!(universe.players()[0].client.view().len(), POEMS);
    universe.converged().unwrap();
}
