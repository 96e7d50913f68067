use super::body::Serials;
use super::dice::{Dice, somewhere};
use super::{Banner, Mood, Secret};
use bevy_ecs::prelude::{Commands, Entity, MessageReader, Query, ResMut};
use tidelock_server::game::{Owner, PlayerJoined, PlayerLeft, Replicated, Team, Viewpoint};

/// With a player goes all that it owns.
pub(super) fn leave(
    mut left: MessageReader<'_, '_, PlayerLeft>,
    avatars: Query<'_, '_, (Entity, &Owner)>,
    mut commands: Commands<'_, '_>,
) {
    for PlayerLeft(client_id) in left.read() {
        for (entity, _) in avatars.iter().filter(|(_, owner)| owner.0 == *client_id) {
            commands.entity(entity).despawn();
        }
    }
}

/// A player gets an avatar, somewhere, on one of two sides.
pub(super) fn join(
    mut joined: MessageReader<'_, '_, PlayerJoined>,
    mut dice: ResMut<'_, Dice>,
    mut serials: ResMut<'_, Serials>,
    mut commands: Commands<'_, '_>,
) {
    for PlayerJoined(client_id) in joined.read() {
        let place = somewhere(&mut dice.0);
        let mut avatar = commands.spawn((place, Mood(0), serials.next(), Viewpoint, Replicated));
        avatar.insert((Secret(1), Owner(*client_id), Banner(1), Team((client_id.0 % 2) as u16)));
    }
}
