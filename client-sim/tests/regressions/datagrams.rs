//! Whatever a game packs into inputs, events and components, it travels in datagrams of the size that paths let pass.

use super::game::{Game, Keys, datagrams_fit, is_sound, link, take};
use bevy_ecs::prelude::{Component, Mut};
use bevy_ecs::world::World;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidelock::state::{Event, Field, Input, LaneReader, LaneWriter, Replicate, Shaped};
use tidelock_server::game::{AlwaysRelevant, FromClient, Recipients, Replicated, Replication, TickTime, ToClients};
use tidelock_sim::client::ClientEvent;
use tidelock_sim::link::{LinkConfig, Rng};
use tidelock_sim::universe::{SERVER, Universe, UniverseConfig};

/// Far more than what changes of it in a tick should be: as long an input as the schema allows, about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Organ([i32; 32]);

/// What jumps across it takes 53 bits as a change, and 26 as it is.
const JUMPY: Field = Field::integer("jumpy", 0, (1 << 26) - 1).with_order(0);

impl Replicate for Organ {
    const NAME: &'static str = "organ";
    const FIELDS: &'static [Field] = &[JUMPY; 32];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        self.0.into_iter().for_each(|key| lanes.integer(key));
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(std::array::from_fn(|_| lanes.integer()))
    }
}

impl Input for Organ {
    fn clear_one_shots(&mut self) {}
}

#[derive(Clone, Debug, PartialEq, Eq, bitcode::Encode, bitcode::Decode, Shaped)]
struct Line(String);

impl Event for Line {
    const NAME: &'static str = "line";
}

/// What the game heard.
type Log = Arc<Mutex<Vec<Line>>>;

/// A game that says to everybody what it hears.
fn parrot() -> (Game, Log) {
    let heard = Log::default();
    let log = Arc::clone(&heard);
    let game = Game::new(
        |app| {
            app.input::<Organ>().event::<Line>();
        },
        move |world| {
            for FromClient { event, .. } in take::<FromClient<Line>>(world) {
                log.lock().unwrap().push(event.clone());
                world.write_message(ToClients { to: Recipients::All, event });
            }
        },
    );
    (game, heard)
}

/// One player says many lines at once while its long input changes in every tick.
fn many_lines_arrive(link: LinkConfig) -> usize {
    let (game, heard) = parrot();
    let mut universe: Universe<Organ> = Universe::new(UniverseConfig { seed: 41, ..Default::default() }, game);
    universe.tap();
    let mut rng = Rng::stream(41, 1);
    let mind = move |_: &_, _| Organ(std::array::from_fn(|_| rng.below(1 << 26) as i32));
    universe.add_player(link, link, Box::new(mind));
    universe.run(Duration::from_secs(3)).unwrap();

    let said: Vec<Line> = (0..60).map(|n| Line(format!("{n:02} {}!", "la".repeat(23)))).collect();
    for line in &said {
        assert_eq!(line.0.len(), 50);
        universe.players_mut()[0].client.send_event(line).unwrap();
    }
    universe.run(Duration::from_secs(5)).unwrap();

    assert_eq!(*heard.lock().unwrap(), said);
    let id_of_line = universe.players()[0].client.schema().event::<Line>().unwrap();
    let back = universe.players()[0].events.iter().filter_map(|event| match event {
        ClientEvent::Event { id, body } if *id == id_of_line => bitcode::decode::<Line>(body).ok(),
        _ => None,
    });
    assert_eq!(back.collect::<Vec<_>>(), said);
    is_sound(&universe);
    datagrams_fit(&universe.take_tapped())
}

#[test]
fn many_lines_beside_the_longest_inputs_arrive_once_and_in_order() {
    assert!(many_lines_arrive(link(150, 0.0)) > 1_000, "datagrams are full");
}

#[test]
fn many_lines_that_wait_for_one_that_was_lost_arrive_too() {
    for loss in [0.1, 0.2, 0.3] {
        many_lines_arrive(link(150, loss));
    }
}

/// One of five components that together nearly fill a datagram.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
struct Block<const N: usize>([i32; 60]);

impl<const N: usize> Replicate for Block<N> {
    const NAME: &'static str = ["block 0", "block 1", "block 2", "block 3", "block 4"][N];
    const FIELDS: &'static [Field] = &[JUMPY; 60];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        self.0.into_iter().for_each(|lane| lanes.integer(lane));
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(std::array::from_fn(|_| lanes.integer()))
    }
}

/// Makes a part of the lanes jump: a delta of all of them is twice as long as the whole, of half of them as long.
fn jump<const N: usize>(world: &mut World, rng: &mut Rng, share: f64) {
    let mut blocks = world.query::<Mut<'_, Block<N>>>();
    for mut block in blocks.iter_mut(world) {
        for lane in &mut block.0 {
            if rng.chance(share) {
                *lane = rng.below(1 << 26) as i32;
            }
        }
    }
}

fn blocks() -> Game {
    Game::new(
        |app| {
            app.input::<Keys>().replicate::<Block<0>>().replicate::<Block<1>>().replicate::<Block<2>>();
            app.replicate::<Block<3>>().replicate::<Block<4>>();
            for _ in 0..3 {
                let blocks = (
                    Block::<0>([0; 60]),
                    Block::<1>([0; 60]),
                    Block::<2>([0; 60]),
                    Block::<3>([0; 60]),
                    Block::<4>([0; 60]),
                );
                app.world_mut().spawn((blocks, AlwaysRelevant, Replicated));
            }
        },
        |world| {
            let tick = world.resource::<TickTime>().tick;
            let mut rng = Rng::stream(u64::from(tick.0), 2);
            // A while of each: nearly nothing, all that lies between, everything.
            let share = [0.01, rng.between(0.3, 0.7), 1.0][tick.0 as usize / 64 % 3];
            jump::<0>(world, &mut rng, share);
            jump::<1>(world, &mut rng, share);
            jump::<2>(world, &mut rng, share);
            jump::<3>(world, &mut rng, share);
            jump::<4>(world, &mut rng, share);
        },
    )
}

#[test]
fn a_change_longer_than_the_whole_goes_out_as_the_whole() {
    for loss in [0.0, 0.1] {
        let config = UniverseConfig { seed: 42, client_bandwidth_bytes_s: 512 * 1024, ..Default::default() };
        let mut universe: Universe<Keys> = Universe::new(config, blocks());
        universe.tap();
        (0..2).for_each(|_| {
            universe.add_player(link(30, loss), link(30, loss), Box::new(|_, tick| Keys(tick.0 & 0xFFFF)));
        });
        universe.run(Duration::from_secs(1)).unwrap();
        let mut applied = 0;
        for _ in 0..10 {
            universe.run(Duration::from_secs(1)).unwrap();
            let packets = universe.take_tapped();
            datagrams_fit(&packets);
            assert!(packets.iter().filter(|packet| packet.from == SERVER).count() > 60);
            let now: u64 = universe.players().iter().map(|player| player.client.stats().snapshots.applied).sum();
            assert!(now > applied + 100, "snapshots keep flowing: {now} after {applied}");
            applied = now;
        }
        is_sound(&universe);
        let kinds = universe.engine().stats().snapshot_entities;
        assert!(kinds.delta > 500 && kinds.full > 500, "{kinds:?}");
    }
}
