use super::diary::Diary;
use super::dice::ExtraDice;
use super::{Glide, Place};
use bevy_ecs::prelude::{Entity, Has, Query, Res, ResMut, Resource};
use std::collections::{BTreeMap, VecDeque};
use tidelock::state::Interpolate;
use tidelock::{Moment, Tick};
use tidelock_server::game::{Replicated, Rewind, TickTime};

/// What the game saw when it looked back at an entity, and what it knows that was there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// At the end of which moment.
    pub moment: Moment,
    /// Where the engine says that it was.
    pub said: (Option<Place>, Option<Glide>),
    /// Where it was.
    pub was: (Option<Place>, Option<Glide>),
}

/// Where everything was at the end of the last ticks: the game's own record, which knows nothing of the engine's.
#[derive(Resource, Default)]
pub(super) struct Tracks(BTreeMap<Entity, Track>);

/// By tick, without gaps, oldest first.
#[derive(Default)]
struct Track {
    ticks: VecDeque<(Tick, Place, Option<Glide>)>,
    /// Nothing was added since.
    ended: Option<Tick>,
}

/// Ticks that are remembered: more than half a second has.
const MEMORY_TICKS: i32 = 128;

impl Tracks {
    /// To clients, an entity is another one from now on, or none.
    pub(super) fn forget(&mut self, entity: Entity) {
        self.0.entry(entity).or_default().ticks.clear();
    }

    fn get<C: Interpolate>(
        &self,
        entity: Entity,
        Moment { tick, fraction }: Moment,
        delta_s: f32,
        part: impl Fn(&(Tick, Place, Option<Glide>)) -> Option<C>,
    ) -> Option<C> {
        let ticks = &self.0.get(&entity)?.ticks;
        let at = |tick: Tick| ticks.iter().find(|(at, ..)| *at == tick).and_then(&part);
        let from = at(tick)?;
        let Some(to) = at(tick.next()).filter(|to| !C::jumped(&from, to, delta_s)) else { return Some(from) };
        Some(if fraction > 0.0 { C::interpolate(&from, &to, fraction) } else { from })
    }
}

/// Looks at entities, also at some that are gone, as they were at random times, some of them out of bounds.
pub(super) fn look_back(
    rewind: Rewind<'_, '_>,
    alive: Query<'_, '_, Has<Replicated>>,
    time: Res<'_, TickTime>,
    tracks: Res<'_, Tracks>,
    mut dice: ResMut<'_, ExtraDice>,
    mut diary: ResMut<'_, Diary>,
) {
    let rng = &mut dice.0;
    if tracks.0.is_empty() || !rng.chance(0.25) {
        return;
    }
    let now = Moment::at(time.tick);
    for _ in 0..4 {
        let nth = rng.below(tracks.0.len() as u64) as usize;
        let Some(entity) = tracks.0.keys().nth(nth).copied() else { continue };
        let ago = rng.between(0.0, f64::from(rewind.ticks_max()) + 4.0) as f32;
        // Half of them at the end of a tick.
        let ago = if rng.chance(0.5) { ago.round() } else { ago };
        let moment = now.add(-ago);
        let said = (rewind.get::<Place>(entity, moment), rewind.get::<Glide>(entity, moment));
        let moment = within_bounds(moment, now, rewind.ticks_max());
        let is_there = alive.get(entity).is_ok_and(|is_replicated| is_replicated);
        let was = is_there.then(|| {
            let place = tracks.get(entity, moment, time.delta_s, |(_, place, _)| Some(*place));
            (place, tracks.get(entity, moment, time.delta_s, |(_, _, glide)| *glide))
        });
        diary.0.looks.push(Look { moment, said, was: was.unwrap_or_default() });
    }
}

/// What is out of bounds counts as the nearest within.
fn within_bounds(moment: Moment, now: Moment, ticks_max: f32) -> Moment {
    let ago = now.since(moment);
    let bounded = ago.min(ticks_max).max(1.0);
    if bounded == ago { moment } else { now.add(-bounded) }
}

/// Remembers where everything is at the end of this tick.
pub(super) fn note_tracks(
    bodies: Query<'_, '_, (Entity, &Place, Option<&Glide>, Has<Replicated>)>,
    time: Res<'_, TickTime>,
    mut tracks: ResMut<'_, Tracks>,
) {
    for track in tracks.0.values_mut() {
        track.ended.get_or_insert(time.tick);
    }
    for (entity, place, glide, is_replicated) in &bodies {
        let track = tracks.0.entry(entity).or_default();
        track.ended = None;
        if is_replicated {
            track.ticks.push_back((time.tick, *place, glide.copied()));
        } else {
            track.ticks.clear();
        }
        if track.ticks.len() > MEMORY_TICKS as usize {
            track.ticks.pop_front();
        }
    }
    tracks.0.retain(|_, track| track.ended.is_none_or(|ended| time.tick.since(ended) < MEMORY_TICKS));
}
