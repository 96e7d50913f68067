use super::dice::ExtraDice;
use super::lookback::Tracks;
use super::makes::Trait;
use super::mortals::Mortal;
use super::{Rules, Secret, Serial};
use bevy_ecs::prelude::{Commands, Entity, Has, MessageReader, Query, Res, ResMut, Resource, With};
use std::collections::BTreeMap;
use tidelock::ClientId;
use tidelock_server::game::{Layers, Owner, PlayerLeft, Replicated, SeesLayers, TeamRelevant, Viewpoint, Visibility};

/// What players see or do not see, whatever the rules say, as the game made it.
#[derive(Resource, Default)]
pub(super) struct Exceptions(pub(super) BTreeMap<(ClientId, Entity), bool>);

/// What is said of a player who left holds no more.
pub(super) fn forget_left(mut left: MessageReader<'_, '_, PlayerLeft>, mut exceptions: ResMut<'_, Exceptions>) {
    for PlayerLeft(client_id) in left.read() {
        exceptions.0.retain(|(of, _), _| of != client_id);
    }
}

/// Entities are hidden from all for a while, and are others for whoever sees them again.
pub(super) fn retire(
    bodies: Query<'_, '_, (Entity, &Serial, Has<Replicated>), With<Mortal>>,
    rules: Res<'_, Rules>,
    mut dice: ResMut<'_, ExtraDice>,
    mut exceptions: ResMut<'_, Exceptions>,
    mut tracks: ResMut<'_, Tracks>,
    mut commands: Commands<'_, '_>,
) {
    let rng = &mut dice.0;
    for (entity, serial, is_replicated) in &bodies {
        match rng.below(400) {
            0..6 if rules.makes.vary(*serial, Trait::Replicated) => {
                tracks.forget(entity);
                exceptions.0.retain(|(_, of), _| *of != entity);
                commands.entity(entity).remove::<Replicated>();
                // Some are back at once, by another name.
                if rng.chance(0.2) {
                    commands.entity(entity).insert(Replicated);
                }
            }
            6..60 if !is_replicated => drop(commands.entity(entity).insert(Replicated)),
            _ => {}
        }
    }
}

/// Entities go onto layers and leave them, change hands, are shown to single players and hidden from them; players see other
/// layers.
pub(super) fn veil(
    bodies: Query<'_, '_, (Entity, &Serial, Has<Replicated>), With<Mortal>>,
    rules: Res<'_, Rules>,
    avatars: Query<'_, '_, (Entity, &Owner), With<Viewpoint>>,
    mut dice: ResMut<'_, ExtraDice>,
    mut exceptions: ResMut<'_, Exceptions>,
    mut visibility: ResMut<'_, Visibility>,
    mut commands: Commands<'_, '_>,
) {
    let rng = &mut dice.0;
    let players: Vec<(Entity, ClientId)> = avatars.iter().map(|(avatar, owner)| (avatar, owner.0)).collect();
    for (avatar, _) in &players {
        match rng.below(100) {
            0..3 => drop(commands.entity(*avatar).insert(SeesLayers(rng.below(8)))),
            3 => drop(commands.entity(*avatar).remove::<SeesLayers>()),
            _ => {}
        }
    }
    for (entity, serial, is_replicated) in &bodies {
        let (allowed, varies) = (|of| rules.makes.allow(*serial, of), |of| rules.makes.vary(*serial, of));
        let anybody = (!players.is_empty()).then(|| players[rng.below(players.len() as u64) as usize].1);
        let mut body = commands.entity(entity);
        match (rng.below(400), anybody) {
            (0..2, _) if allowed(Trait::Layers) => drop(body.insert(Layers(rng.below(8)))),
            (2..5, _) if varies(Trait::Layers) => drop(body.remove::<Layers>()),
            (5, _) if allowed(Trait::TeamRelevant) => drop(body.insert(TeamRelevant)),
            (6..8, _) if varies(Trait::TeamRelevant) => drop(body.remove::<TeamRelevant>()),
            (8, Some(somebody)) if allowed(Trait::Owner) => {
                body.insert((Owner(somebody), Secret(rng.below(99) as u32)));
            }
            (9..11, _) if varies(Trait::Owner) => drop(body.remove::<Owner>()),
            (60..62, Some(somebody)) if is_replicated => {
                visibility.show(somebody, entity);
                exceptions.0.insert((somebody, entity), true);
            }
            (62..64, Some(somebody)) if is_replicated => {
                visibility.hide(somebody, entity);
                exceptions.0.insert((somebody, entity), false);
            }
            (64..70, Some(somebody)) => {
                visibility.reset(somebody, entity);
                exceptions.0.remove(&(somebody, entity));
            }
            _ => {}
        }
    }
}
