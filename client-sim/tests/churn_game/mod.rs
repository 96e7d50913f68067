//! A game made to be hard on the engine: entities come, go, jump and change all the time, so that indices, baselines and
//! visibilities are reused as fast as they can be. What it does depends on its seed alone.

#![expect(clippy::needless_pass_by_value, reason = "systems take their parameters by value")]
#![allow(dead_code, reason = "each test file uses a part of it")]

use bevy_app::{App, Plugin};
use bevy_ecs::prelude::{Commands, Component, Entity, MessageReader, Query, Res, ResMut, Resource, With};
use bevy_ecs::schedule::IntoScheduleConfigs;
use glam::Vec2;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tidelock::state::{EntityRef, Event, Input, Replicate};
use tidelock::{ClientId, Tick};
use tidelock_server::game::{
    AlwaysRelevant, ApplyInput, FromClient, Inputs, Owner, PlayerJoined, PlayerLeft, Recipients, Replicated,
    Replication, Seed, Simulate, Team, TickTime, ToClients, Viewpoint, refer_to,
};
use tidelock_sim::link::Rng;

/// The field reaches this far from its middle.
const FIELD_M: f32 = 30.0;

/// The game.
#[derive(Clone, Debug)]
pub(crate) struct Churn {
    /// Entities besides avatars, about.
    pub(crate) entities: usize,
    /// The longest an entity lives, in ticks.
    pub(crate) life_ticks_max: u64,
    /// Every input as a tick applied it: whose, in which tick, what it was stamped with.
    pub(crate) applied: Arc<Mutex<Vec<(ClientId, Tick, u32)>>>,
    /// What the world holds at the end of the last tick.
    pub(crate) world: Arc<Mutex<World>>,
}

/// Each entity by its serial number: where it is, in which mood, on which side and under which banner.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub(crate) tick: Tick,
    pub(crate) entities: BTreeMap<u32, (Place, Option<Mood>)>,
    pub(crate) banners: BTreeMap<u32, (Option<Team>, Option<Banner>)>,
    pub(crate) teams: BTreeMap<ClientId, Team>,
}

impl Churn {
    pub(crate) fn new(entities: usize, life_ticks_max: u64) -> Self {
        Self { entities, life_ticks_max, applied: Arc::default(), world: Arc::default() }
    }
}

#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place(#[field(range(-FIELD_M..=FIELD_M), step = 1.0 / 64.0)] Vec2);

/// One lane, and one that comes and goes.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mood(#[field(range(0..=1_000))] i32);

/// Tells entities apart, whatever their ids.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Serial(#[field(flags, bits = 24)] pub(crate) u32);

/// For the owner alone, and owners change.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
#[replicate(owner)]
pub(crate) struct Secret(#[field(flags, bits = 16)] u32);

/// For the team alone, and sides change.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
#[replicate(team)]
pub(crate) struct Banner(#[field(flags, bits = 8)] u32);

/// Of many lanes, told at every third tick only, and coming and going.
#[derive(Component, Replicate, Clone, Debug, PartialEq, Eq)]
#[replicate(every = 3, priority = 2)]
pub(crate) struct Legend {
    #[field(text, bytes = 12)]
    name: String,
    hero: EntityRef,
    #[field(counter, bits = 5)]
    telling: u8,
    element: Element,
}

#[derive(Replicate, Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    Fire,
    Water,
    Air,
}

/// A mark: it has no lanes.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursed;

/// A stamp that must be applied once, in the tick that it names.
#[derive(Replicate, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp(#[field(range(0..=0xFFFF))] pub(crate) u32);

impl Stamp {
    /// The stamp for a tick: never 0.
    pub(crate) fn of(tick: Tick) -> Self {
        Self(tick.0 % 0xFFFF + 1)
    }
}

impl Input for Stamp {
    fn clear_one_shots(&mut self) {
        self.0 = 0;
    }
}

/// Comes back to who sent it.
#[derive(Clone, Debug, PartialEq, Eq, bitcode::Encode, bitcode::Decode)]
pub(crate) struct Echo(pub(crate) Vec<u8>);

impl Event for Echo {
    const NAME: &'static str = "echo";
}

#[derive(Resource)]
struct Dice(Rng);

/// How many entities there were.
#[derive(Resource, Default)]
struct Serials(u32);

impl Serials {
    fn next(&mut self) -> Serial {
        self.0 += 1;
        Serial(self.0)
    }
}

#[derive(Resource)]
struct Rules(Churn);

/// Dies after this tick.
#[derive(Component)]
struct Mortal(Tick);

impl Plugin for Churn {
    fn build(&self, app: &mut App) {
        app.game("churn")
            .replicate::<Place>()
            .replicate::<Mood>()
            .replicate::<Serial>()
            .replicate::<Banner>()
            .replicate::<Legend>()
            .replicate::<Cursed>()
            .replicate::<Secret>()
            .input::<Stamp>()
            .event::<Echo>()
            .locate::<Place>(|place| place.0)
            .view_radius(15.0);
        let seed = app.world().resource::<Seed>().0;
        app.insert_resource(Dice(Rng::stream(seed, 5)))
            .insert_resource(Rules(self.clone()))
            .init_resource::<Serials>()
            .add_systems(ApplyInput, (leave, join, note_inputs, echo).chain())
            .add_systems(Simulate, (die, spawn, stir, tell, note_world).chain());
    }
}

fn somewhere(rng: &mut Rng) -> Place {
    Place(Vec2::new(rng.between(-30.0, 30.0) as f32, rng.between(-30.0, 30.0) as f32)).snapped()
}

fn leave(mut left: MessageReader<PlayerLeft>, avatars: Query<(Entity, &Owner)>, mut commands: Commands) {
    for PlayerLeft(client_id) in left.read() {
        for (entity, _) in avatars.iter().filter(|(_, owner)| owner.0 == *client_id) {
            commands.entity(entity).despawn();
        }
    }
}

fn join(
    mut joined: MessageReader<PlayerJoined>,
    mut dice: ResMut<Dice>,
    mut serials: ResMut<Serials>,
    mut commands: Commands,
) {
    for PlayerJoined(client_id) in joined.read() {
        let place = somewhere(&mut dice.0);
        let mut avatar = commands.spawn((place, Mood(0), serials.next(), Viewpoint, Replicated));
        avatar.insert((Secret(1), Owner(*client_id), Banner(1), Team((client_id.0 % 2) as u16)));
    }
}

fn note_inputs(inputs: Res<Inputs<Stamp>>, time: Res<TickTime>, rules: Res<Rules>) {
    let mut applied = rules.0.applied.lock().unwrap();
    let stamped = inputs.iter().filter(|(_, stamp)| stamp.0 != 0);
    applied.extend(stamped.map(|(client_id, stamp)| (client_id, time.tick, stamp.0)));
}

fn echo(mut heard: MessageReader<FromClient<Echo>>, mut echoes: bevy_ecs::prelude::MessageWriter<ToClients<Echo>>) {
    for FromClient { client_id, event } in heard.read() {
        echoes.write(ToClients { to: Recipients::One(*client_id), event: event.clone() });
    }
}

fn die(mortals: Query<(Entity, &Mortal)>, time: Res<TickTime>, mut commands: Commands) {
    for (entity, _) in mortals.iter().filter(|(_, mortal)| time.is_past(mortal.0)) {
        commands.entity(entity).despawn();
    }
}

fn spawn(
    mortals: Query<(), With<Mortal>>,
    owners: Query<&Owner, With<Viewpoint>>,
    rules: Res<Rules>,
    time: Res<TickTime>,
    mut dice: ResMut<Dice>,
    mut serials: ResMut<Serials>,
    mut commands: Commands,
) {
    let rng = &mut dice.0;
    let clients: Vec<ClientId> = owners.iter().map(|owner| owner.0).collect();
    for _ in mortals.iter().count()..rules.0.entities {
        let life = rng.below(rules.0.life_ticks_max) as u32;
        let mut entity = commands.spawn((somewhere(rng), serials.next(), Mortal(time.tick.add(life)), Replicated));
        if rng.chance(0.5) {
            entity.insert(Mood(rng.below(1_001) as i32));
        }
        if rng.chance(0.6) {
            entity.insert((Team(rng.below(2) as u16), Banner(rng.below(99) as u32)));
        }
        if rng.chance(0.1) {
            entity.insert(AlwaysRelevant);
        }
        if rng.chance(0.2) && !clients.is_empty() {
            entity.insert((Secret(rng.below(99) as u32), Owner(clients[rng.below(clients.len() as u64) as usize])));
        }
    }
}

/// Of somebody who may be seen, or not, or soon be gone.
fn legend(rng: &mut Rng, hero: Entity) -> Legend {
    let names = ["", "Ann", "Ærøskøbing", "somebody of a long name"];
    Legend {
        name: names[rng.below(4) as usize].into(),
        hero: if rng.chance(0.8) { refer_to(hero) } else { EntityRef::None },
        telling: rng.below(32) as u8,
        element: [Element::Fire, Element::Water, Element::Air][rng.below(3) as usize],
    }
}

/// Tells legends on, a few in each tick.
fn tell(mut legends: Query<&mut Legend>, mut dice: ResMut<Dice>) {
    for mut legend in &mut legends {
        if dice.0.chance(0.3) {
            legend.telling = (legend.telling + 1) % 32;
        }
    }
}

/// Jumps, walks and changes; some lose a component, their owner or what makes everybody see them, and get it back.
fn stir(mut bodies: Query<(Entity, &mut Place)>, mut dice: ResMut<Dice>, mut commands: Commands) {
    let rng = &mut dice.0;
    let mut last = Entity::PLACEHOLDER;
    for (entity, mut place) in &mut bodies {
        match rng.below(100) {
            0 => *place = somewhere(rng),
            1..30 => place.0 = (place.0 + Vec2::new(0.3, -0.2)).clamp(Vec2::splat(-FIELD_M), Vec2::splat(FIELD_M)),
            30 => drop(commands.entity(entity).insert(Mood(rng.below(1_001) as i32))),
            31 => drop(commands.entity(entity).remove::<Mood>()),
            32 => drop(commands.entity(entity).insert(AlwaysRelevant)),
            33..36 => drop(commands.entity(entity).remove::<AlwaysRelevant>()),
            36 => drop(commands.entity(entity).insert(Secret(rng.below(99) as u32))),
            37 => drop(commands.entity(entity).insert(Banner(rng.below(99) as u32))),
            38 => drop(commands.entity(entity).remove::<Banner>()),
            39 => drop(commands.entity(entity).insert(Team(rng.below(2) as u16))),
            40 => drop(commands.entity(entity).remove::<Team>()),
            41 => drop(commands.entity(entity).insert(Cursed)),
            42 => drop(commands.entity(entity).remove::<Cursed>()),
            43..46 => drop(commands.entity(entity).insert(legend(rng, last))),
            46 => drop(commands.entity(entity).remove::<Legend>()),
            _ => {}
        }
        *place = place.snapped();
        last = entity;
    }
}

#[expect(clippy::type_complexity, reason = "a query is what it is")]
fn note_world(
    bodies: Query<(&Serial, &Place, Option<&Mood>, Option<&Team>, Option<&Banner>)>,
    avatars: Query<(&Owner, &Team), With<Viewpoint>>,
    time: Res<TickTime>,
    rules: Res<Rules>,
) {
    let entities = bodies.iter().map(|(serial, place, mood, ..)| (serial.0, (*place, mood.copied()))).collect();
    let banner = |(serial, _, _, team, banner): (&Serial, _, _, Option<&Team>, Option<&Banner>)| {
        (serial.0, (team.copied(), banner.copied()))
    };
    let banners = bodies.iter().map(banner).collect();
    let teams = avatars.iter().map(|(owner, team)| (owner.0, *team)).collect();
    *rules.0.world.lock().unwrap() = World { tick: time.tick, entities, banners, teams };
}
