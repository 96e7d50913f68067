use super::{Banner, Mood, Place, Rules, Serial};
use bevy_ecs::prelude::{Query, Res, With};
use std::collections::BTreeMap;
use tidelock::{ClientId, Tick};
use tidelock_server::game::{Owner, Team, TickTime, Viewpoint};

/// What there is, each entity by its serial number.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// At the end of which tick.
    pub tick: Tick,
    /// Where each is, in which mood.
    pub entities: BTreeMap<u32, (Place, Option<Mood>)>,
    /// On which side, and under which banner.
    pub banners: BTreeMap<u32, (Option<Team>, Option<Banner>)>,
    /// On which side each player is.
    pub teams: BTreeMap<ClientId, Team>,
}

type Body<'a> = (&'a Serial, &'a Place, Option<&'a Mood>, Option<&'a Team>, Option<&'a Banner>);

pub(super) fn note_world(
    bodies: Query<'_, '_, Body<'static>>,
    avatars: Query<'_, '_, (&Owner, &Team), With<Viewpoint>>,
    time: Res<'_, TickTime>,
    rules: Res<'_, Rules>,
) {
    let entities = bodies.iter().map(|(serial, place, mood, ..)| (serial.0, (*place, mood.copied()))).collect();
    let banner = |(serial, _, _, team, banner): Body<'_>| (serial.0, (team.copied(), banner.copied()));
    let banners = bodies.iter().map(banner).collect();
    let teams = avatars.iter().map(|(owner, team)| (owner.0, *team)).collect();
    *rules.game.world.lock().expect("nobody panics with it in hand") =
        World { tick: time.tick, entities, banners, teams };
}
