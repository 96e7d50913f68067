use super::veils::Exceptions;
use super::{Body, Glide, Mate, Page, Place, Roster, Rules, Serial, Stamp};
use bevy_ecs::prelude::{Entity, MessageReader, Query, Res, ResMut, Resource, With};
use tidelock_server::game::{
    Inputs, Layers, Owner, PlayerAway, PlayerBack, PlayerJoined, PlayerLeft, Replicated, SeesLayers, TickTime,
    Viewpoint,
};

/// The page of the tick now running.
#[derive(Resource, Default)]
pub(super) struct Diary(pub(super) Page);

/// Begins a page: who came and went, and what players ask for.
pub(super) fn open(
    time: Res<'_, TickTime>,
    inputs: Res<'_, Inputs<Stamp>>,
    mut left: MessageReader<'_, '_, PlayerLeft>,
    mut joined: MessageReader<'_, '_, PlayerJoined>,
    mut away: MessageReader<'_, '_, PlayerAway>,
    mut back: MessageReader<'_, '_, PlayerBack>,
    mut diary: ResMut<'_, Diary>,
) {
    let mut page = Page { tick: time.tick, payload: diary.0.payload, ..Page::default() };
    let mut note = |client_id, what| page.roster.push((client_id, what));
    left.read().for_each(|PlayerLeft(client_id)| note(*client_id, Roster::Left));
    joined.read().for_each(|PlayerJoined(client_id)| note(*client_id, Roster::Joined));
    away.read().for_each(|PlayerAway(client_id)| note(*client_id, Roster::Away));
    back.read().for_each(|PlayerBack(client_id)| note(*client_id, Roster::Back));
    page.inputs.extend(inputs.iter().map(|(client_id, stamp)| (client_id, *stamp)));
    diary.0 = page;
}

type Everything<'a> =
    (Entity, &'a Serial, &'a Place, Option<&'a Glide>, Option<&'a Owner>, Option<&'a Layers>, Option<&'a Mate>);

/// Ends a page: what there is.
pub(super) fn close(
    bodies: Query<'_, '_, Everything<'static>, With<Replicated>>,
    avatars: Query<'_, '_, (&Owner, Option<&SeesLayers>), With<Viewpoint>>,
    mut exceptions: ResMut<'_, Exceptions>,
    rules: Res<'_, Rules>,
    mut diary: ResMut<'_, Diary>,
) {
    let page = &mut diary.0;
    page.avatars.extend(avatars.iter().map(|(owner, _)| owner.0));
    page.sees.extend(avatars.iter().map(|(owner, sees)| (owner.0, sees.map_or(0, |sees| sees.0))));
    let body = |(_, serial, place, glide, owner, layers, mate): Everything<'_>| {
        let (owner, layers) = (owner.map(|owner| owner.0), layers.map(|layers| layers.0));
        (serial.0, Body { place: *place, glide: glide.copied(), owner, layers, mate: mate.map(|mate| mate.serial) })
    };
    page.bodies = bodies.iter().map(body).collect();
    // Of what is not replicated none are kept.
    exceptions.0.retain(|(_, entity), _| bodies.contains(*entity));
    let named = exceptions.0.iter().filter_map(|((client_id, entity), is_shown)| {
        let (_, serial, ..) = bodies.get(*entity).ok()?;
        Some(((*client_id, serial.0), *is_shown))
    });
    page.exceptions.extend(named);
    let next = Page { payload: page.payload, ..Page::default() };
    rules.game.chronicle.publish(std::mem::replace(page, next));
}
