use super::bodies::{BodyBundle, BodyMut};
use super::chat::Voices;
use super::lives::Life;
use super::{Ground, Places};
use crate::game::{Inputs, Owner, PlayerJoined, PlayerLeft, Replicated, TickTime, Viewpoint};
use bevy_ecs::prelude::{Commands, Entity, MessageReader, Query, Res, ResMut};
use tidelock_arena::{Ammo, ArenaInput, Cooldown, Kind, Score};

/// Takes the avatars of those who left out of the world.
pub(super) fn leave(
    mut left: MessageReader<PlayerLeft>,
    mut voices: ResMut<Voices>,
    avatars: Query<(Entity, &Owner)>,
    mut commands: Commands,
) {
    for PlayerLeft(client_id) in left.read() {
        voices.remove(*client_id);
        for (avatar, _) in avatars.iter().filter(|(_, owner)| owner.0 == *client_id) {
            commands.entity(avatar).despawn();
        }
    }
}

/// Gives an avatar to each who joined.
pub(super) fn join(
    mut joined: MessageReader<PlayerJoined>,
    mut places: ResMut<Places>,
    mut voices: ResMut<Voices>,
    ground: Res<Ground>,
    mut commands: Commands,
) {
    for PlayerJoined(client_id) in joined.read() {
        // Who has a voice has an avatar.
        if !voices.add(*client_id) {
            continue;
        }
        let place = ground.0.random_place(&mut places.0);
        let body = BodyBundle::standing(place, places.0.between(-3.1, 3.1));
        let belongings = (Ammo::default(), Cooldown::default(), Score::default());
        commands.spawn((Kind::Avatar, body, belongings, Life::default(), Owner(*client_id), Viewpoint, Replicated));
    }
}

/// Moves each avatar as its player asks.
pub(super) fn steer(
    inputs: Res<Inputs<ArenaInput>>,
    ground: Res<Ground>,
    time: Res<TickTime>,
    mut avatars: Query<(&Owner, BodyMut)>,
) {
    for (owner, mut body) in &mut avatars {
        if let Some(input) = inputs.of(owner.0) {
            body.step(input, &ground.0, time.delta_s);
        }
    }
}
