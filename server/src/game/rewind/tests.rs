use super::*;
use crate::game::{ApplyInput, Inputs, Owner, Rehearsal, Replicated, Replication, Simulate, refer_to, referred};
use bevy_app::{App, Plugin};
use bevy_ecs::prelude::{Entity, ResMut};
use tidelock::ClientId;
use tidelock::state::{EntityRef, Input};

const PLAYER: ClientId = ClientId(1);

#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq)]
struct Place(#[field(range(0.0..=1000.0), step = 0.0625)] f32);

impl Interpolate for Place {
    fn interpolate(from: &Self, to: &Self, t: f32) -> Self {
        Self(from.0 + (to.0 - from.0) * t)
    }

    fn jumped(from: &Self, to: &Self, seconds: f32) -> bool {
        (to.0 - from.0).abs() > 600.0 * seconds
    }
}

/// Its owner's alone.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq)]
#[replicate(owner)]
struct Purse(u8);

/// Where to look, and which moment to see there.
#[derive(Replicate, Clone, Copy, Debug, Default)]
struct Look {
    at: EntityRef,
    shown: ViewAge,
}

impl Input for Look {
    fn clear_one_shots(&mut self) {}
}

/// What was seen in the last tick.
#[derive(Resource, Debug, Default)]
struct Seen {
    place: Option<Place>,
    purse: Option<Purse>,
}

#[derive(Clone, Copy)]
struct Game {
    rewind_max: Duration,
}

impl Plugin for Game {
    fn build(&self, app: &mut App) {
        app.replicate::<Place>().replicate::<Purse>().input::<Look>().rewind_max(self.rewind_max);
        app.init_resource::<Seen>().add_systems(ApplyInput, || {}).add_systems(Simulate, look);
    }
}

#[expect(clippy::needless_pass_by_value, reason = "systems take their parameters by value")]
fn look(inputs: Res<Inputs<Look>>, time: Res<TickTime>, rewind: Rewind, mut seen: ResMut<Seen>) {
    let Some((entity, look)) = inputs.of(PLAYER).and_then(|look| Some((referred(look.at)?, look))) else { return };
    let moment = Moment::at(time.tick).add(-rewind.bounded(look.shown));
    *seen = Seen { place: rewind.get(entity, moment), purse: rewind.held(entity, moment) };
}

/// A game at 60 ticks a second, that looks back by 15 of them at most.
struct Scene {
    game: Rehearsal,
    tick: Tick,
    entity: Entity,
}

impl Scene {
    fn new(rewind_max: Duration) -> Self {
        let mut game = Rehearsal::new(Game { rewind_max }, 1, 60).unwrap();
        let entity = game.world().spawn((Replicated, Place(0.0), Purse(7), Owner(PLAYER))).id();
        Self { game, tick: Tick(0), entity }
    }

    /// Runs ticks at the end of which the place is what `place` says.
    fn run(&mut self, ticks: u32, place: impl Fn(u32) -> f32) -> &mut Self {
        for _ in 0..ticks {
            self.tick = self.tick.next();
            self.game.world().get_mut::<Place>(self.entity).unwrap().0 = place(self.tick.0);
            self.game.tick::<Look>(&[]);
        }
        self
    }

    /// What a player sees in the next tick whose view is so many ticks old.
    fn look(&mut self, ticks_ago: f32) -> Option<f32> {
        self.tick = self.tick.next();
        let shown = ViewAge::of(self.tick, Moment::at(self.tick).add(-ticks_ago));
        *self.game.world().resource_mut::<Seen>() = Seen::default();
        self.game.tick(&[(PLAYER, Look { at: refer_to(self.entity), shown })]);
        Some(self.game.world().resource::<Seen>().place?.0)
    }

    fn clamped(&mut self) -> u64 {
        self.game.world().resource_mut::<Past>().take_clamped()
    }
}

fn scene() -> Scene {
    Scene::new(Duration::from_millis(250))
}

#[test]
fn what_moves_is_where_it_was_then_and_on_its_way_between_ticks() {
    let mut scene = scene();
    scene.run(30, |tick| tick as f32);
    // In tick 31.
    assert_eq!(scene.look(10.0), Some(21.0));
    // It stands since tick 30.
    assert_eq!(scene.look(10.25), Some(21.75));
    assert_eq!(scene.look(3.0), Some(30.0));
}

#[test]
fn what_stood_still_and_then_moved_was_on_its_way_in_the_last_tick_only() {
    let mut scene = scene();
    scene.run(30, |tick| if tick < 25 { 1.0 } else { 2.0 });
    // At the end of tick 24 it still stands where it stood for long.
    let seen = [6.5, 7.5, 8.0, 10.0, 15.0].map(|ago| scene.look(ago));
    assert_eq!(seen, [1.5, 1.5, 2.0, 1.0, 1.0].map(Some));
}

#[test]
fn what_jumped_was_nowhere_between() {
    let mut scene = scene();
    scene.run(30, |tick| if tick < 25 { 1.0 } else { 500.0 });
    assert_eq!([6.5, 8.0, 8.0].map(|ago| scene.look(ago)), [Some(1.0), Some(1.0), Some(500.0)]);
}

#[test]
fn the_tick_that_runs_is_not_over_yet() {
    let mut scene = scene();
    scene.run(30, |tick| tick as f32);
    assert_eq!(scene.look(0.0), Some(30.0));
    assert_eq!(scene.look(0.5), Some(30.0));
}

#[test]
fn nobody_looks_back_farther_than_the_bound_whatever_age_is_claimed() {
    let mut scene = scene();
    scene.run(300, |tick| tick as f32);
    assert_eq!((scene.look(15.0), scene.clamped()), (Some(286.0), 0));
    assert_eq!((scene.look(255.0), scene.clamped()), (Some(287.0), 1));
    let mut bold = Scene::new(Duration::from_secs(9));
    bold.run(300, |tick| tick as f32);
    assert_eq!(bold.look(255.0), Some(271.0), "half a second");
    let mut off = Scene::new(Duration::ZERO);
    off.run(300, |tick| tick as f32);
    assert_eq!((off.look(10.0), off.clamped()), (Some(300.0), 0));
}

#[test]
fn what_was_not_there_yet_is_gone_or_had_no_such_component_was_nowhere() {
    let mut scene = scene();
    scene.run(5, |tick| tick as f32);
    assert_eq!([5.0, 6.5].map(|ago| scene.look(ago)), [Some(1.0), None]);
    let entity = scene.entity;
    scene.game.world().entity_mut(entity).remove::<Place>();
    // At the end of this tick it has none any more.
    assert_eq!([1.0, 1.0, 1.5, 3.0].map(|ago| scene.look(ago)), [Some(5.0), None, None, None]);
    scene.game.world().despawn(entity);
    assert_eq!(scene.look(10.0), None);
}

#[test]
fn components_of_every_audience_have_a_past() {
    let mut scene = scene();
    scene.run(10, |tick| tick as f32);
    let entity = scene.entity;
    scene.game.world().get_mut::<Purse>(entity).unwrap().0 = 9;
    let _ = scene.look(1.0);
    assert_eq!(scene.game.world().resource::<Seen>().purse, Some(Purse(7)), "as of tick 10");
    let _ = scene.look(1.0);
    assert_eq!(scene.game.world().resource::<Seen>().purse, Some(Purse(9)));
}

#[test]
fn half_a_second_is_known_at_the_highest_tick_rate() {
    let mut game = Rehearsal::new(Game { rewind_max: Duration::from_secs(1) }, 1, 240).unwrap();
    let entity = game.world().spawn((Replicated, Place(0.0))).id();
    for tick in 1..600u32 {
        game.world().get_mut::<Place>(entity).unwrap().0 = tick as f32;
        game.tick::<Look>(&[]);
    }
    let shown = ViewAge::of(Tick(600), Moment::at(Tick(480)));
    game.tick(&[(PLAYER, Look { at: refer_to(entity), shown })]);
    assert_eq!(game.world().resource::<Seen>().place, Some(Place(480.0)));
}
