//! Records play of the sample game, for the shared workload: bots and NPCs run about and shoot, and every body's position,
//! velocity, yaw and health of each tick goes into a file.
//!
//! `cargo bench -p tidelock-benches --bench record -- OUT [--clients 100 --npcs 400 --ticks 600 --seed 1]`
//!
//! Clients' bodies come first: client `n` of the workload sees from entity `n`. Shots and packs are left out, and nobody is
//! encoded or sent: the game runs by itself, at the workload's tick rate. The same seed gives the same recording.

use bevy_ecs::prelude::{Entity, World as Ecs};
use clap::Parser;
use glam::Vec3;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use tidelock::state::NetId;
use tidelock::{ClientId, Moment};
use tidelock_arena::map::MapParameters;
use tidelock_arena::{ArenaInput, Facing, Health, Kind, Map, Position, Status, Velocity};
use tidelock_server::arena::Arena;
use tidelock_server::game::{JoinPayload, Owner, Rehearsal, TickTime};
use tidelock_sim::bots::{BotMix, Player, Seen, Sight};
use tidelock_workload::{Recording, State, TICK_HZ, WORLD_M};

#[derive(Parser)]
struct Flags {
    /// The file.
    out: PathBuf,
    /// Bots, three of four of which wander and one fights.
    #[arg(long, default_value_t = 100)]
    clients: u64,
    /// Wandering characters of the server's own.
    #[arg(long, default_value_t = 400)]
    npcs: u32,
    /// Ticks recorded, after ten seconds in which play gets going.
    #[arg(long, default_value_t = 600)]
    ticks: u32,
    /// Of everything that is left to chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Passed by cargo; ignored.
    #[arg(long, hide = true)]
    bench: bool,
}

const WARMUP_TICKS: u32 = 10 * TICK_HZ;
/// How far bots see: as far as the arena lets players, in metres.
const SIGHT_M: f32 = 40.0;

fn main() -> std::io::Result<()> {
    let flags = Flags::parse();
    let recording = record(&flags);
    let mut out = BufWriter::new(std::fs::File::create(&flags.out)?);
    recording.write(&mut out)?;
    out.flush()
}

fn record(flags: &Flags) -> Recording {
    let arena = Arena { npcs: flags.npcs };
    let mut game = Rehearsal::new(arena, flags.seed, TICK_HZ).expect("the arena's schema is within the limits");
    let mix: BotMix = "wander=3,fight=1".parse().expect("two kinds of bots");
    let payload = &game.world().resource::<JoinPayload>().0;
    let map = Arc::new(Map::generate(MapParameters::from_payload(payload).expect("the arena's own payload")));
    let mut bots: Vec<Player> = (0..flags.clients)
        .map(|number| {
            let mut bot = Player::new(mix.kind(number as u32), flags.seed ^ number << 32);
            bot.learn_map(Arc::clone(&map));
            bot
        })
        .collect();
    (1..=flags.clients).for_each(|id| game.join(ClientId(id)));
    let mut recording = Recording::default();
    let mut before = Vec::new();
    for tick in 0..WARMUP_TICKS + flags.ticks {
        play(&mut game, &mut bots);
        if tick + 1 < WARMUP_TICKS {
            continue;
        }
        let now = bodies(game.world());
        if recording.first.is_empty() {
            recording.first.clone_from(&now);
        } else {
            let all = (0..).zip(before.iter().zip(&now));
            recording.steps.push(all.filter(|(_, (a, b))| a != b).map(|(index, (_, b))| (index, *b)).collect());
        }
        before = now;
    }
    recording
}

/// One tick, in which each bot sees what is near its avatar.
fn play(game: &mut Rehearsal, bots: &mut [Player]) {
    let tick = game.world().resource::<TickTime>().tick;
    let everybody = look_around(game.world());
    let inputs: Vec<(ClientId, ArenaInput)> = (1..)
        .map(ClientId)
        .zip(bots)
        .map(|(client_id, bot)| (client_id, bot.input(&NearSight::of(client_id, &everybody), tick)))
        .collect();
    game.tick(&inputs);
}

/// All that stands somewhere, with whose it is.
fn look_around(world: &mut Ecs) -> Vec<(Seen, Option<ClientId>)> {
    let mut all =
        world.query::<(Entity, &Kind, &Position, Option<(&Velocity, &Facing)>, Option<&Status>, Option<&Owner>)>();
    all.iter(world)
        .map(|(entity, kind, position, motion, status, owner)| {
            let seen = Seen {
                id: NetId { index: entity.index_u32(), generation: entity.generation().to_bits() as u16 },
                kind: *kind,
                position: position.0,
                velocity: motion.map_or(Vec3::ZERO, |(velocity, _)| velocity.0),
                facing: motion.map(|(_, facing)| *facing).unwrap_or_default(),
                dead: status.is_some_and(|status| status.dead),
                owned: false,
            };
            (seen, owner.map(|owner| owner.0))
        })
        .collect()
}

/// What one bot sees.
struct NearSight {
    avatar: Option<Seen>,
    near: Vec<Seen>,
}

impl NearSight {
    fn of(client_id: ClientId, everybody: &[(Seen, Option<ClientId>)]) -> Self {
        let own = everybody.iter().find(|(seen, owner)| *owner == Some(client_id) && seen.kind == Kind::Avatar);
        let avatar = own.map(|(seen, _)| Seen { owned: true, ..*seen });
        let is_near = |seen: &Seen| avatar.is_some_and(|own| own.ground().distance(seen.ground()) <= SIGHT_M);
        let others = everybody.iter().filter(|(seen, owner)| *owner != Some(client_id) && is_near(seen));
        Self { avatar, near: others.map(|(seen, _)| *seen).chain(avatar).collect() }
    }
}

impl Sight for NearSight {
    fn find(&self, id: NetId) -> Option<Seen> {
        self.near.iter().find(|seen| seen.id == id).copied()
    }

    fn look_around(&self, visit: &mut dyn FnMut(Seen)) {
        self.near.iter().copied().for_each(visit);
    }

    fn avatar(&self) -> Option<Seen> {
        self.avatar
    }

    /// Others are seen as they are.
    fn moment(&self) -> Option<Moment> {
        None
    }
}

/// Avatars by client, then NPCs in the order in which they were made.
fn bodies(world: &mut Ecs) -> Vec<State> {
    let mut all = world.query::<(Entity, &Kind, &Position, &Velocity, &Facing, &Health, Option<&Owner>)>();
    let is_body = |kind: &Kind| matches!(kind, Kind::Avatar | Kind::Npc);
    let mut bodies: Vec<_> = all
        .iter(world)
        .filter(|(_, kind, ..)| is_body(kind))
        .map(|(entity, _, position, velocity, facing, health, owner)| {
            let middle = [WORLD_M[0] / 2.0, WORLD_M[1] / 2.0, 0.0];
            let place = position.0.to_array();
            let state = State {
                position: std::array::from_fn(|axis| place[axis] + middle[axis]),
                velocity: velocity.0.to_array(),
                yaw: facing.yaw,
                health: health.0,
            };
            (owner.map_or(ClientId(u64::MAX), |owner| owner.0), entity, state)
        })
        .collect();
    bodies.sort_by_key(|(owner, entity, _)| (*owner, *entity));
    bodies.into_iter().map(|(_, _, state)| state).collect()
}
