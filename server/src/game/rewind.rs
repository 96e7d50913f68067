use super::{NetSlot, TickTime};
use crate::engine::History;
use bevy_ecs::component::Component;
use bevy_ecs::entity::Entity;
use bevy_ecs::prelude::{Query, Res, Resource};
use bevy_ecs::system::SystemParam;
use core::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tidelock::state::{Audience, Interpolate, Replicate, Schema};
use tidelock::{Moment, Tick, ViewAge};

/// What the world was a moment ago, for systems that judge what a player did by what the player was shown: lag
/// compensation, as in Y. Bernier, "Latency Compensating Methods in Client/Server In-game Protocol Design" (2001).
///
/// It reads the versions that the engine keeps for its deltas anyway, as all that was sent is: components that are
/// replicated, of entities that are [`Replicated`](super::Replicated), snapped to their lanes. Nothing is copied or
/// moved, so many may look into different moments of one tick, at no price but the look itself.
///
/// It is for judging only, of a shot or a touch. Never move anything by it: who is moved from where it was would be
/// torn back, on every screen but one.
///
/// # Which moment
/// What a client shows as of tick `s` is the state at the end of tick `s`, so while tick `t` runs the newest moment is the
/// end of `t - 1`; the present is in the components. Between two ticks lies what
/// [`Interpolate`] says, as on the client: what stood still for long and then changed was on its way in the last tick only.
///
/// A player's input says how old the view was that it acted upon, in a [`ViewAge`]. It says what it likes, so that is
/// bounded here: see [`Replication::rewind_max`](super::Replication::rewind_max).
///
/// # Example
/// ```
/// use bevy_app::{App, Plugin};
/// use bevy_ecs::prelude::{Component, Query, Res, ResMut, Resource};
/// use tidelock::state::{Input, Interpolate, Replicate};
/// use tidelock::{ClientId, Moment, ViewAge};
/// use tidelock_server::game::{ApplyInput, Inputs, Rehearsal, Replicated, Replication, Rewind, Simulate, TickTime};
/// # use bevy_ecs::prelude::{Entity, With};
///
/// #[derive(Component, Replicate, Clone, Copy)]
/// struct Place(#[field(range(0.0..=100.0), step = 0.25)] f32);
///
/// impl Interpolate for Place {
///     fn interpolate(from: &Self, to: &Self, t: f32) -> Self {
///         Self(from.0 + (to.0 - from.0) * t)
///     }
/// }
///
/// /// Shoots at a place, having been shown the world so long ago.
/// #[derive(Replicate, Clone, Copy, Default)]
/// struct Trigger {
///     pulled: bool,
///     #[field(range(0.0..=100.0), step = 0.25)]
///     at: f32,
///     shown: ViewAge,
/// }
///
/// impl Input for Trigger {
///     fn clear_one_shots(&mut self) {
///         self.pulled = false;
///     }
/// }
///
/// #[derive(Resource, Default)]
/// struct Hits(u32);
///
/// fn walk(mut places: Query<&mut Place>) {
///     places.iter_mut().for_each(|mut place| place.0 += 1.0);
/// }
///
/// fn shoot(
///     inputs: Res<Inputs<Trigger>>,
///     time: Res<TickTime>,
///     rewind: Rewind,
///     targets: Query<Entity, With<Place>>,
///     mut hits: ResMut<Hits>,
/// ) {
///     for (_, trigger) in inputs.iter().filter(|(_, trigger)| trigger.pulled) {
///         let shown = Moment::at(time.tick).add(-rewind.bounded(trigger.shown));
///         let is_hit = |target| rewind.get::<Place>(target, shown).is_some_and(|place| (place.0 - trigger.at).abs() < 0.5);
///         hits.0 += targets.iter().filter(|target| is_hit(*target)).count() as u32;
///     }
/// }
///
/// struct Range;
///
/// impl Plugin for Range {
///     fn build(&self, app: &mut App) {
///         app.replicate::<Place>().input::<Trigger>().init_resource::<Hits>();
///         app.add_systems(ApplyInput, walk).add_systems(Simulate, shoot);
///     }
/// }
///
/// let mut game = Rehearsal::new(Range, 1, 60)?;
/// game.world().spawn((Place(0.0), Replicated));
/// let player = ClientId(1);
/// (1..=9).for_each(|_| game.tick(&[(player, Trigger::default())]));
/// // In tick 10 it stands at 10, but the player sees what was three ticks ago.
/// let shown = ViewAge::of(tidelock::Tick(10), Moment::at(tidelock::Tick(7)));
/// game.tick(&[(player, Trigger { pulled: true, at: 7.0, shown })]);
/// assert_eq!(game.world().resource::<Hits>().0, 1);
/// # Ok::<(), tidelock::state::SchemaError>(())
/// ```
#[derive(SystemParam)]
pub struct Rewind<'w, 's> {
    past: Res<'w, Past>,
    time: Res<'w, TickTime>,
    slots: Query<'w, 's, &'static NetSlot>,
}

impl std::fmt::Debug for Rewind<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rewind").field("tick", &self.time.tick).field("ticks_max", &self.past.ticks_max).finish()
    }
}

impl Rewind<'_, '_> {
    /// How far before the tick now running it reaches, in ticks; 0 where lag compensation is turned off.
    #[must_use]
    pub fn ticks_max(&self) -> f32 {
        self.past.ticks_max
    }

    /// How many ticks a view was old that a player acted upon, as far as that counts: at most
    /// [`Rewind::ticks_max`]. Ask once for each act; what is more is in `tidelock_rewinds_clamped_total`.
    #[must_use]
    pub fn bounded(&self, age: ViewAge) -> f32 {
        let ticks = age.ticks();
        if ticks > self.past.ticks_max && self.past.ticks_max > 0.0 {
            self.past.clamped.fetch_add(1, Ordering::Relaxed);
        }
        ticks.min(self.past.ticks_max)
    }

    /// An entity's component as it was at `moment`, interpolated between two ticks; `None` if the entity did not have it
    /// then, was not yet there, or is no more. A moment out of bounds counts as the nearest within.
    ///
    /// # Panics
    /// If the game does not replicate `C`.
    #[must_use]
    pub fn get<C: Component + Interpolate>(&self, entity: Entity, moment: Moment) -> Option<C> {
        let Moment { tick, fraction } = self.within_bounds(moment);
        let index = self.slots.get(entity).ok()?.0;
        let from = self.past.at::<C>(index, tick)?;
        if fraction <= 0.0 || self.past.is_so_since::<C>(index, tick) {
            return Some(from);
        }
        // One that it loses stays what it was until the end of the tick.
        let Some(to) = self.past.at::<C>(index, tick.next()) else { return Some(from) };
        let jumped = C::jumped(&from, &to, self.time.delta_s);
        Some(if jumped { from } else { C::interpolate(&from, &to, fraction) })
    }

    /// The same of a component that has nothing between two values: what it was at the end of the last tick that was over
    /// at `moment`.
    ///
    /// # Panics
    /// If the game does not replicate `C`.
    #[must_use]
    pub fn held<C: Component + Replicate>(&self, entity: Entity, moment: Moment) -> Option<C> {
        let index = self.slots.get(entity).ok()?.0;
        self.past.at(index, self.within_bounds(moment).tick)
    }

    fn within_bounds(&self, moment: Moment) -> Moment {
        let now = Moment::at(self.time.tick);
        // The tick now running is not over, and nobody was shown any of it.
        let ticks_ago = now.since(moment);
        if ticks_ago < 1.0 {
            now.add(-1.0)
        } else if ticks_ago > self.past.ticks_max {
            now.add(-self.past.ticks_max.max(1.0))
        } else {
            moment
        }
    }
}

/// What [`Rewind`] reads. It has the engine's history while the game's schedules run, and an empty one else.
#[derive(Resource, Debug)]
pub(crate) struct Past {
    schema: Schema,
    history: History,
    ticks_max: f32,
    /// Ages that were bounded. Systems that only read share this.
    clamped: AtomicU64,
}

/// How far back a game may look if it says nothing else.
pub(super) const REWIND_MAX_DEFAULT: Duration = Duration::from_millis(250);

impl Past {
    pub(crate) fn new(schema: Schema, rewind_max: Duration, tick_hz: u32) -> Self {
        let history = History::new(&schema, tick_hz, Duration::ZERO);
        let ticks_max = rewind_max.as_secs_f32() * tick_hz as f32;
        Self { schema, history, ticks_max, clamped: AtomicU64::new(0) }
    }

    /// Takes the engine's history, or gives it back.
    pub(crate) const fn exchange(&mut self, history: &mut History) {
        core::mem::swap(&mut self.history, history);
    }

    /// How many ages were bounded since this was last asked.
    pub(crate) fn take_clamped(&mut self) -> u64 {
        core::mem::take(self.clamped.get_mut())
    }

    fn at<C: Replicate>(&self, index: u32, tick: Tick) -> Option<C> {
        let (audience, bit) = self.place_of::<C>();
        let version = self.history.at(index, audience, tick)?;
        (version.mask >> bit & 1 != 0).then(|| {
            let offset = self.schema.stream(audience).lane_offset(version.mask, bit);
            C::read_lanes(&version.lanes[offset..offset + C::lane_count()])
        })
    }

    /// Whether the stream that has a `C` has not changed after `tick`.
    fn is_so_since<C: Replicate>(&self, index: u32, tick: Tick) -> bool {
        let (audience, _) = self.place_of::<C>();
        !self.history.newest_tick(index, audience).is_newer_than(tick)
    }

    fn place_of<C: Replicate>(&self) -> (Audience, usize) {
        self.schema.find::<C>().unwrap_or_else(|| panic!("the game does not replicate {}", C::NAME))
    }
}

#[cfg(test)]
mod tests;
