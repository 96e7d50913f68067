use super::{Ground, Places};
use crate::game::{NetNames, Owner, Recipients, TickTime, ToClients};
use bevy_ecs::change_detection::DetectChangesMut;
use bevy_ecs::prelude::{Component, Entity, MessageWriter, Query, Res, ResMut, Resource};
use bevy_ecs::system::SystemParam;
use std::collections::VecDeque;
use tidelock::{ClientId, Tick};
use tidelock_arena::{Ammo, Health, Hit, Position, Score, Status, Velocity};

/// Hit points that a shot takes.
const SHOT_POINTS: u8 = 20;
/// Clients see for this long that somebody was hit, in seconds.
const HIT_SHOWN_S: f32 = 0.2;
/// The dead come back after this long, in seconds.
const DEATH_S: f32 = 3.0;

/// What only the server knows of a body's life.
#[derive(Component, Clone, Copy, Debug, Default)]
pub(super) struct Life {
    hit_shown_until: Tick,
}

/// Hits of this tick, in the order of the shots.
#[derive(Resource, Debug, Default)]
pub(super) struct Wounds(pub(super) Vec<Wound>);

/// One hit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wound {
    pub(super) target: Entity,
    /// The avatar that fired.
    pub(super) shooter: Entity,
    pub(super) client_id: ClientId,
    /// The tick of the input that fired.
    pub(super) fired: Tick,
}

/// Avatars killed in this tick: the killer, then the victim. Emptied by the news.
#[derive(Resource, Debug, Default)]
pub(super) struct Obituaries(pub(super) Vec<(ClientId, ClientId)>);

/// Who gets over what, and when. The delays are constant, so the queues are in order of time and only their fronts need
/// to be looked at.
#[derive(Resource, Debug, Default)]
pub(super) struct Recovery {
    hit: VecDeque<(Tick, Entity)>,
    dead: VecDeque<(Tick, Entity)>,
}

/// Tells shooters whom they hit.
#[derive(SystemParam)]
pub(super) struct HitNews<'w, 's> {
    names: NetNames<'w, 's>,
    hits: MessageWriter<'w, ToClients<Hit>>,
}

impl HitNews<'_, '_> {
    fn tell(&mut self, wound: Wound, points: u8, killed: bool) {
        let event = Hit { fired: wound.fired, target: self.names.of(wound.target), points, killed };
        self.hits.write(ToClients { to: Recipients::One(wound.client_id), event });
    }
}

/// Takes hit points for the hits of this tick.
pub(super) fn hurt(
    time: Res<TickTime>,
    mut wounds: ResMut<Wounds>,
    mut recovery: ResMut<Recovery>,
    mut obituaries: ResMut<Obituaries>,
    mut bodies: Query<(&mut Health, &mut Status, &mut Life, Option<&Owner>)>,
    mut scores: Query<&mut Score>,
    mut news: HitNews,
) {
    for wound in wounds.0.drain(..) {
        let Ok((mut health, mut status, mut life, owner)) = bodies.get_mut(wound.target) else { continue };
        // Another shot was enough, in this tick or since the shooter saw it alive: this one met it all the same.
        if status.dead {
            news.tell(wound, 0, false);
            continue;
        }
        let points = SHOT_POINTS.min(health.0);
        health.0 -= points;
        let killed = health.0 == 0;
        status.set_if_neq(Status { dead: killed, hit: true });
        life.hit_shown_until = time.after(HIT_SHOWN_S);
        recovery.hit.push_back((life.hit_shown_until, wound.target));
        news.tell(wound, points, killed);
        if killed {
            recovery.dead.push_back((time.after(DEATH_S), wound.target));
            count_kill(&mut scores, wound);
            obituaries.0.extend(owner.map(|victim| (wound.client_id, victim.0)));
        }
    }
}

fn count_kill(scores: &mut Query<&mut Score>, wound: Wound) {
    // The shooter may have left since, and NPCs keep no score.
    if let Ok(mut score) = scores.get_mut(wound.shooter) {
        score.kills = score.kills.saturating_add(1);
    }
    if let Ok(mut score) = scores.get_mut(wound.target) {
        score.deaths = score.deaths.saturating_add(1);
    }
}

/// Stops showing hits that have been shown for long enough.
pub(super) fn fade_hits(time: Res<TickTime>, mut recovery: ResMut<Recovery>, mut bodies: Query<(&mut Status, &Life)>) {
    while let Some((_, entity)) = recovery.hit.pop_front_if(|(tick, _)| time.is_past(*tick)) {
        let Ok((mut status, life)) = bodies.get_mut(entity) else { continue };
        // A later hit has its own entry.
        if time.is_past(life.hit_shown_until) {
            let dead = status.dead;
            status.set_if_neq(Status { dead, hit: false });
        }
    }
}

/// Brings back those who have been dead for long enough, elsewhere and unhurt.
pub(super) fn revive(
    time: Res<TickTime>,
    ground: Res<Ground>,
    mut places: ResMut<Places>,
    mut recovery: ResMut<Recovery>,
    mut bodies: Query<(&mut Health, &mut Status, &mut Position, &mut Velocity, Option<&mut Ammo>)>,
) {
    while let Some((_, entity)) = recovery.dead.pop_front_if(|(tick, _)| time.is_past(*tick)) {
        let Ok((mut health, mut status, mut position, mut velocity, ammo)) = bodies.get_mut(entity) else { continue };
        *health = Health::default();
        *status = Status::default();
        *position = Position(ground.0.random_place(&mut places.0));
        *velocity = Velocity::default();
        if let Some(mut ammo) = ammo {
            ammo.0 = ammo.0.max(Ammo::default().0);
        }
    }
}
