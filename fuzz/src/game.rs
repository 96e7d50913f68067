#![expect(clippy::needless_pass_by_value, reason = "systems take their parameters by value")]

use bevy_app::{App, Plugin};
use bevy_ecs::change_detection::DetectChangesMut;
use bevy_ecs::prelude::{Commands, Component, Entity, MessageReader, MessageWriter, Query, Res, Without};
use bevy_ecs::schedule::IntoScheduleConfigs;
use bitcode::{Decode, Encode};
use glam::Vec2;
use tidelock::state::{Event, Field, Input, LaneReader, LaneWriter, Replicate, Shaped};
use tidelock_server::game::{
    AlwaysRelevant, ApplyInput, FromClient, Inputs, JoinPayload, Owner, PlayerJoined, PlayerLeft, Recipients,
    Replicated, Replication, Simulate, TickTime, ToClients, Viewpoint,
};

/// A game as small as one can be that has everything: components for all and for owners, some that come and go, inputs,
/// events both ways, things that move and that stand, near and far.
#[derive(Clone, Copy, Debug)]
pub struct Yard;

/// The yard reaches this far from its middle, in both directions.
const YARD_M: f32 = 20.0;
const SIGHT_M: f32 = 12.0;
const STRIDE_M: f32 = 0.25;

/// Where somebody is.
#[derive(Component, Clone, Copy, Debug, PartialEq)]
pub struct Place(pub Vec2);

impl Replicate for Place {
    const NAME: &'static str = "place";
    const FIELDS: &'static [Field] =
        &[Field::range("x", -YARD_M, YARD_M, 1.0 / 16.0), Field::range("y", -YARD_M, YARD_M, 1.0 / 16.0)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.ranges(self.0.to_array());
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(Vec2::from_array(lanes.ranges()))
    }
}

/// Comes and goes.
#[derive(Component, Clone, Copy, Debug, PartialEq)]
pub struct Hat {
    /// Where its brim points, in radians.
    pub brim: f32,
    /// Its colours.
    pub colours: u32,
}

impl Replicate for Hat {
    const NAME: &'static str = "hat";
    const FIELDS: &'static [Field] = &[Field::angle("brim", 8), Field::flags("colours", 4)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.angle(self.brim);
        lanes.flags(self.colours);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self { brim: lanes.angle(), colours: lanes.flags() }
    }
}

/// Its owner's business.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purse(pub i32);

impl Replicate for Purse {
    const NAME: &'static str = "purse";
    const FIELDS: &'static [Field] = &[Field::integer("coins", -9, 99)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.integer(self.0);
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.integer())
    }
}

/// Where to walk, each axis from -1 to 1, and whether to spend a coin, once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Walk {
    /// Its length is clamped to 1.
    pub towards: Vec2,
    /// Pressed in this tick.
    pub spend: bool,
}

impl Replicate for Walk {
    const NAME: &'static str = "walk";
    const FIELDS: &'static [Field] =
        &[Field::range("x", -1.0, 1.0, 0.125), Field::range("y", -1.0, 1.0, 0.125), Field::flags("spend", 1)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.ranges(self.towards.to_array());
        lanes.flags(u32::from(self.spend));
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self { towards: Vec2::from_array(lanes.ranges()), spend: lanes.flags() != 0 }
    }
}

impl Input for Walk {
    fn clear_one_shots(&mut self) {
        self.spend = false;
    }
}

/// Said by somebody, and heard by all.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Shaped)]
pub struct Shout(pub Vec<u8>);

impl Event for Shout {
    const NAME: &'static str = "shout";
}

impl Plugin for Yard {
    fn build(&self, app: &mut App) {
        app.game("yard")
            .replicate::<Place>()
            .replicate::<Hat>()
            .replicate_to_owner::<Purse>()
            .input::<Walk>()
            .event::<Shout>()
            .locate::<Place>(|place| place.0)
            .view_radius(SIGHT_M);
        app.insert_resource(JoinPayload(b"a yard".to_vec()))
            .add_systems(ApplyInput, (leave, join, walk, shout).chain())
            .add_systems(Simulate, (wander, dress).chain());
        for number in 0..8u8 {
            let place = Place(Vec2::new(f32::from(number) * 4.0 - 14.0, f32::from(number % 3) * 3.0));
            let entity = app.world_mut().spawn((place, Replicated)).id();
            if number == 7 {
                app.world_mut().entity_mut(entity).insert(AlwaysRelevant);
            }
        }
    }
}

fn leave(mut left: MessageReader<PlayerLeft>, players: Query<(Entity, &Owner)>, mut commands: Commands) {
    for PlayerLeft(client_id) in left.read() {
        let gone = players.iter().filter(|(_, owner)| owner.0 == *client_id);
        gone.for_each(|(entity, _)| commands.entity(entity).despawn());
    }
}

fn join(mut joined: MessageReader<PlayerJoined>, mut commands: Commands) {
    for PlayerJoined(client_id) in joined.read() {
        let place = Place(Vec2::new((client_id.0 % 8) as f32, 1.0));
        commands.spawn((place, Purse(9), Owner(*client_id), Viewpoint, Replicated));
    }
}

/// Whatever a client sends, what arrives here is within its declared ranges.
fn walk(inputs: Res<Inputs<Walk>>, mut players: Query<(&Owner, &mut Place, &mut Purse)>) {
    for (owner, mut place, mut purse) in &mut players {
        let Some(input) = inputs.of(owner.0) else { continue };
        assert!(input.towards.abs().max_element() <= 1.0, "{input:?}");
        let stride = input.towards.clamp_length_max(1.0) * STRIDE_M;
        place.set_if_neq(Place((place.0 + stride).clamp(Vec2::splat(-YARD_M), Vec2::splat(YARD_M))).snapped());
        if input.spend && purse.0 > 0 {
            purse.0 -= 1;
        }
    }
}

fn shout(mut heard: MessageReader<FromClient<Shout>>, mut shouts: MessageWriter<ToClients<Shout>>) {
    for FromClient { event, .. } in heard.read() {
        shouts.write(ToClients { to: Recipients::All, event: event.clone() });
    }
}

/// Every other one goes round in circles; one jumps from end to end.
fn wander(time: Res<TickTime>, mut walkers: Query<(Entity, &mut Place), Without<Owner>>) {
    for (number, (_, mut place)) in walkers.iter_mut().enumerate() {
        let phase = time.tick.0 / 8 + number as u32;
        let stride = [Vec2::X, Vec2::Y, Vec2::NEG_X, Vec2::NEG_Y][phase as usize % 4] * STRIDE_M;
        match number {
            0 if time.tick.0.is_multiple_of(16) => *place = Place(Vec2::new(-place.0.x, place.0.y)).snapped(),
            1 | 3 | 5 => *place = Place(place.0 + stride).snapped(),
            _ => {}
        }
    }
}

/// Hats are put on, turned and taken off.
fn dress(time: Res<TickTime>, mut bodies: Query<(Entity, Option<&mut Hat>)>, mut commands: Commands) {
    let turn = time.tick.0 as usize;
    for (number, (entity, hat)) in bodies.iter_mut().enumerate() {
        match hat {
            _ if !(turn + number).is_multiple_of(5) => {}
            None => drop(commands.entity(entity).insert(Hat { brim: 1.0, colours: number as u32 % 16 }.snapped())),
            Some(_) if turn.is_multiple_of(7) => drop(commands.entity(entity).remove::<Hat>()),
            Some(mut hat) => *hat = Hat { brim: hat.brim + 0.1, ..*hat }.snapped(),
        }
    }
}
