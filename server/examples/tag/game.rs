//! A game of tag: everybody runs about a field of grass, one player is "it", and whom it touches is it next.
//!
//! The types and [`schema`] are what a client shares; [`Tag`] is the server's half. It uses what any game can:
//! `tidelock` and `tidelock_server::game`.

#![expect(clippy::needless_pass_by_value, reason = "systems take their parameters by value")]
#![expect(unreachable_pub, reason = "as it would be in a crate of its own")]

use bevy_app::{App, Plugin};
use bevy_ecs::change_detection::DetectChangesMut;
use bevy_ecs::prelude::{Commands, Component, Entity, MessageReader, MessageWriter, Query, Res, ResMut, Resource};
use bevy_ecs::schedule::IntoScheduleConfigs;
use bitcode::{Decode, Encode};
use glam::Vec2;
use tidelock::state::{Event, Input, Replicate, Schema, Shaped};
use tidelock::{ClientId, Tick};
use tidelock_server::game::{
    AlwaysRelevant, ApplyInput, Inputs, Owner, PlayerJoined, PlayerLeft, Recipients, Replicated, Replication, Seed,
    Simulate, TickTime, ToClients, Viewpoint,
};

/// The field reaches this far from its middle, in metres.
pub const FIELD_M: f32 = 20.0;
/// How fast one runs, and how far a dash carries, in m/s and m.
pub const SPEED: f32 = 6.0;
pub const DASH_M: f32 = 2.0;
/// Touching is coming this near, in metres.
pub const TOUCH_M: f32 = 1.0;
/// Whoever is it anew has to count before touching somebody, in seconds.
pub const COUNT_S: f32 = 1.0;

/// Where a player stands, in metres.
#[derive(Component, Replicate, Clone, Copy, Debug, Default, PartialEq)]
pub struct Runner(#[field(range(-FIELD_M..=FIELD_M), step = 1.0 / 128.0)] pub Vec2);

/// Whether this player is it.
#[derive(Component, Replicate, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct It(pub bool);

/// Dashes left: a player's own business.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
#[replicate(owner)]
pub struct Dashes(#[field(range(0..=9))] pub u8);

/// Where to run; each axis from -1 to 1.
#[derive(Replicate, Clone, Copy, Debug, Default, PartialEq)]
pub struct Run {
    #[field(range(-1.0..=1.0), step = 0.125)]
    pub towards: Vec2,
    /// Dash, once.
    pub dash: bool,
}

impl Input for Run {
    fn clear_one_shots(&mut self) {
        self.dash = false;
    }
}

/// Told to all: this client is it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Shaped)]
pub struct Tagged {
    pub client_id: u64,
    /// Who touched it; `None` if nobody was it before.
    pub by: Option<u64>,
}

impl Event for Tagged {
    const NAME: &'static str = "tagged";
}

/// What a client declares: the same as [`Tag`], in the same order.
pub fn schema() -> Schema {
    Schema::builder("tag")
        .replicate::<Runner>()
        .replicate::<It>()
        .replicate::<Dashes>()
        .input::<Run>()
        .event::<Tagged>()
        .build()
        .expect("a game of tag is small")
}

/// The server's half.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tag;

impl Plugin for Tag {
    fn build(&self, app: &mut App) {
        app.game("tag")
            .replicate::<Runner>()
            .replicate::<It>()
            .replicate::<Dashes>()
            .input::<Run>()
            .event::<Tagged>()
            .locate::<Runner>(|runner| runner.0)
            .view_radius(15.0);
        app.init_resource::<Round>()
            .add_systems(ApplyInput, (leave, join, run).chain())
            .add_systems(Simulate, (choose, touch).chain());
    }
}

/// Since when somebody is it.
#[derive(Resource, Debug, Default)]
struct Round {
    counts_until: Tick,
}

fn leave(mut left: MessageReader<PlayerLeft>, runners: Query<(Entity, &Owner)>, mut commands: Commands) {
    for PlayerLeft(client_id) in left.read() {
        for (runner, _) in runners.iter().filter(|(_, owner)| owner.0 == *client_id) {
            commands.entity(runner).despawn();
        }
    }
}

fn join(mut joined: MessageReader<PlayerJoined>, seed: Res<Seed>, mut commands: Commands) {
    for PlayerJoined(ClientId(number)) in joined.read() {
        let noise = (seed.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let coordinate = |bits: u64| (bits % 1_000) as f32 / 1_000.0 * FIELD_M - FIELD_M / 2.0;
        let place = Vec2::new(coordinate(noise >> 40), coordinate(noise >> 20));
        commands.spawn((
            Runner(place).snapped(),
            It::default(),
            Dashes(3),
            Owner(ClientId(*number)),
            Viewpoint,
            Replicated,
        ));
    }
}

fn run(inputs: Res<Inputs<Run>>, time: Res<TickTime>, mut runners: Query<(&Owner, &mut Runner, &mut Dashes)>) {
    for (owner, mut runner, mut dashes) in &mut runners {
        let Some(input) = inputs.of(owner.0) else { continue };
        let towards = input.towards.clamp_length_max(1.0);
        let mut stride_m = SPEED * time.delta_s;
        if input.dash && dashes.0 > 0 {
            dashes.0 -= 1;
            stride_m += DASH_M;
        }
        let place = (runner.0 + towards * stride_m).clamp(Vec2::splat(-FIELD_M), Vec2::splat(FIELD_M));
        runner.set_if_neq(Runner(place).snapped());
    }
}

/// Makes the one with the smallest client id it, if nobody is.
fn choose(
    time: Res<TickTime>,
    mut round: ResMut<Round>,
    mut runners: Query<(Entity, &Owner, &mut It)>,
    mut commands: Commands,
    mut tagged: MessageWriter<ToClients<Tagged>>,
) {
    if runners.iter().any(|(_, _, it)| it.0) {
        return;
    }
    let Some((runner, owner, mut it)) = runners.iter_mut().min_by_key(|(_, owner, _)| owner.0) else { return };
    it.0 = true;
    round.counts_until = time.after(COUNT_S);
    commands.entity(runner).insert(AlwaysRelevant);
    tagged.write(ToClients { to: Recipients::All, event: Tagged { client_id: owner.0.0, by: None } });
}

/// Passes it on to the nearest player within reach.
fn touch(
    time: Res<TickTime>,
    mut round: ResMut<Round>,
    mut runners: Query<(Entity, &Owner, &Runner, &mut It)>,
    mut commands: Commands,
    mut tagged: MessageWriter<ToClients<Tagged>>,
) {
    let chaser =
        runners.iter().find(|(_, _, _, it)| it.0).map(|(entity, owner, runner, _)| (entity, owner.0, runner.0));
    let Some((chaser, by, from)) = chaser.filter(|_| time.is_past(round.counts_until)) else { return };
    let others = runners.iter().filter(|(entity, ..)| *entity != chaser);
    let nearest = others
        .map(|(entity, owner, runner, _)| (runner.0.distance_squared(from), owner.0, entity))
        .filter(|(distance, ..)| *distance <= TOUCH_M * TOUCH_M)
        .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let Some((_, client_id, target)) = nearest else { return };
    for (entity, _, _, mut it) in &mut runners {
        it.set_if_neq(It(entity == target));
    }
    round.counts_until = time.after(COUNT_S);
    // Everybody may see who is it, wherever that is.
    commands.entity(chaser).remove::<AlwaysRelevant>();
    commands.entity(target).insert(AlwaysRelevant);
    tagged.write(ToClients { to: Recipients::All, event: Tagged { client_id: client_id.0, by: Some(by.0) } });
}
