//! Who is not heard for long holds what is sent to it all the same, at any rate, however long it is.

use super::game::{Game, Keys, is_sound, link};
use bevy_ecs::prelude::Component;
use std::time::Duration;
use tidelock::netcode::{Cipher, ConnectToken, TokenSecrets, TokenSpec, USER_DATA_BYTES};
use tidelock::state::{Field, Input, LaneReader, LaneWriter, Replicate};
use tidelock_server::game::{AlwaysRelevant, Replicated, Replication, TickTime};
use tidelock_sim::client::{Client, ClientConfig};
use tidelock_sim::link::LinkConfig;
use tidelock_sim::universe::churn::{Churn, Stamp};
use tidelock_sim::universe::{SERVER, Universe, UniverseConfig};

#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
struct Height(i32);

impl Replicate for Height {
    const NAME: &'static str = "height";
    const FIELDS: &'static [Field] = &[Field::integer("metres", 0, 100_000)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.integer(self.0);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.integer())
    }
}

/// Lets the player connect anew, with a token by which nobody takes it for gone before a minute is over.
fn be_patient<I: Input>(universe: &mut Universe<I>) {
    let spec = TokenSpec {
        protocol_id: universe.engine().config().protocol_id,
        create_unix_s: 1_700_000_000,
        expire_unix_s: 1_700_003_600,
        timeout_s: 60,
        client_id: universe.players()[0].client_id,
        servers: &[SERVER],
        user_data: [0; USER_DATA_BYTES],
    };
    let secrets = TokenSecrets::from_random([3; TokenSecrets::RANDOM_BYTES]);
    let key = universe.engine().config().private_keys[0].clone();
    let token = ConnectToken::generate(&spec, &secrets, &key).unwrap();
    let (schema, now) = (universe.players()[0].client.schema().clone(), universe.now());
    let client = Client::with_cipher(ClientConfig { token, schema }, Cipher::Null, now);
    universe.players_mut()[0].client = client;
}

/// The player plays, is not heard for so long, and plays on.
fn is_not_heard<I: Input>(universe: &mut Universe<I>, lasts: Duration) {
    be_patient(universe);
    universe.run(Duration::from_secs(2)).unwrap();
    universe.players_mut()[0].up.set_config(LinkConfig { loss: 1.0, ..link(20, 0.0) });
    universe.run(lasts).unwrap();
    universe.players_mut()[0].up.set_config(link(20, 0.0));
    universe.run(Duration::from_secs(2)).unwrap();
    is_sound(universe);
}

fn config(tick_hz: u32, snapshot_hz: u32) -> UniverseConfig {
    UniverseConfig {
        seed: 101,
        tick_hz,
        snapshot_hz,
        client_bandwidth_bytes_s: 1 << 20,
        cipher: Cipher::Null,
        ..Default::default()
    }
}

#[test]
fn what_begins_to_move_while_its_watcher_is_not_heard_is_never_in_doubt() {
    for (tick_hz, snapshot_hz) in [(240, 240), (240, 120), (120, 120), (60, 60)] {
        let game = Game::new(
            |app| {
                app.input::<Keys>().replicate::<Height>();
                app.world_mut().spawn_batch((0..3).map(|n| (Height(n * 50), AlwaysRelevant, Replicated)));
            },
            move |world| {
                // They stand still for long, and so are the state of many ticks.
                let tick = world.resource::<TickTime>().tick.0;
                if tick > 3 * tick_hz {
                    world.query::<&mut Height>().iter_mut(world).for_each(|mut height| height.0 += 1);
                }
            },
        );
        let mut universe: Universe<Keys> = Universe::new(config(tick_hz, snapshot_hz), game);
        universe.add_player(link(20, 0.0), link(20, 0.0), Box::new(|_, _| Keys::default()));
        is_not_heard(&mut universe, Duration::from_secs(8));
    }
}

#[test]
fn what_comes_and_goes_while_its_watcher_is_not_heard_is_never_in_doubt() {
    for (tick_hz, life_ticks_max) in [(60, 30), (60, 300), (240, 30), (240, 2_000)] {
        let mut universe: Universe<Stamp> = Universe::new(config(tick_hz, 60), Churn::new(30, life_ticks_max));
        universe.add_player(link(20, 0.0), link(20, 0.0), Box::new(|_, tick| Stamp::of(tick)));
        // Longer than a client remembers what left: 1,024 ticks.
        is_not_heard(&mut universe, Duration::from_secs(20));
    }
}
