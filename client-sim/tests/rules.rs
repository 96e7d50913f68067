//! What the rules of a component promise, as a client sees it: turns, marks, references and priorities.

use bevy_app::{App, Plugin};
use bevy_ecs::prelude::{Component, Entity, Res, Resource};
use bevy_ecs::world::World;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidelock::ClientId;
use tidelock::state::{EntityRef, Input, NetId, Replicate};
use tidelock_server::game::{
    AlwaysRelevant, ApplyInput, Inputs, Replicated, Replication, Simulate, TickTime, refer_to, referred,
};
use tidelock_sim::client::View;
use tidelock_sim::link::LinkConfig;
use tidelock_sim::universe::{Universe, UniverseConfig};

#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
struct Name(u16);

/// The tick in which it was written last.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
#[replicate(every = 4)]
struct Slow(#[field(counter, bits = 16)] u32);

/// Rarely told.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
#[replicate(hz = 1)]
struct Rare(u8);

/// Told in each tick.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
struct Quick(#[field(counter, bits = 16)] u32);

/// A mark without lanes.
#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
#[replicate(priority = 8)]
struct Important;

#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
struct Target {
    first: EntityRef,
    second: EntityRef,
}

#[derive(Replicate, Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Point {
    at: EntityRef,
}

impl Input for Point {
    fn clear_one_shots(&mut self) {}
}

/// A game without rules of its own: in each tick it does what the test asks for.
#[derive(Clone, Default)]
struct Stage {
    asked: Arc<Mutex<Vec<Job>>>,
    pointed_at: Arc<Mutex<Vec<Entity>>>,
}

type Job = Box<dyn FnOnce(&mut World) + Send>;

#[derive(Resource, Clone)]
struct Script(Stage);

impl Plugin for Stage {
    fn build(&self, app: &mut App) {
        app.game("stage")
            .replicate::<Name>()
            .replicate::<Slow>()
            .replicate::<Rare>()
            .replicate::<Quick>()
            .replicate::<Important>()
            .replicate::<Target>()
            .input::<Point>();
        app.insert_resource(Script(self.clone()));
        app.add_systems(ApplyInput, note_pointing).add_systems(Simulate, do_as_asked);
    }
}

#[expect(clippy::needless_pass_by_value, reason = "systems take their parameters by value")]
fn note_pointing(inputs: Res<Inputs<Point>>, script: Res<Script>) {
    script.0.pointed_at.lock().unwrap().extend(inputs.iter().filter_map(|(_, point)| referred(point.at)));
}

fn do_as_asked(world: &mut World) {
    let asked = std::mem::take(&mut *world.resource::<Script>().0.asked.lock().unwrap());
    asked.into_iter().for_each(|job| job(world));
}

/// One player on a perfect link.
struct Scene {
    stage: Stage,
    universe: Universe<Point>,
}

impl Scene {
    fn new(config: UniverseConfig, mut mind: impl FnMut(&View) -> Point + 'static) -> Self {
        let stage = Stage::default();
        let mut universe = Universe::new(config, stage.clone());
        let link = LinkConfig::default();
        universe.add_player(link, link, Box::new(move |view, _| mind(view)));
        universe.run(Duration::from_secs(1)).unwrap();
        Self { stage, universe }
    }

    /// Asks the game, and lets a few ticks pass.
    fn ask<T: Send + 'static>(&mut self, job: impl FnOnce(&mut World) -> T + Send + 'static) -> T {
        let answer = Arc::new(Mutex::new(None));
        let told = answer.clone();
        self.stage.asked.lock().unwrap().push(Box::new(move |world| *told.lock().unwrap() = Some(job(world))));
        self.universe.run(Duration::from_millis(100)).unwrap();
        answer.lock().unwrap().take().expect("a tick has passed")
    }

    fn view(&self) -> &View {
        self.universe.players()[0].client.view()
    }

    fn get<C: Replicate>(&self, name: u16) -> Option<C> {
        self.view().entities().find(|entity| entity.get() == Some(Name(name)))?.get()
    }

    fn id(&self, name: u16) -> Option<NetId> {
        Some(self.view().entities().find(|entity| entity.get() == Some(Name(name)))?.id())
    }

    /// Runs for so many ticks, and calls `each` after every snapshot.
    fn watch(&mut self, ticks: i32, mut each: impl FnMut(&View)) {
        let begin = self.view().newest_tick().unwrap();
        let mut last = begin;
        while last.since(begin) < ticks {
            self.universe.run(Duration::from_millis(1)).unwrap();
            let newest = self.view().newest_tick().unwrap();
            if newest != last {
                last = newest;
                each(self.view());
            }
        }
    }
}

fn scene() -> Scene {
    Scene::new(UniverseConfig::default(), |_| Point::default())
}

fn seen(name: u16) -> (Name, AlwaysRelevant, Replicated) {
    (Name(name), AlwaysRelevant, Replicated)
}

fn count_on(world: &mut World) {
    let tick = world.resource::<TickTime>().tick.0;
    world.query::<&mut Slow>().iter_mut(world).for_each(|mut slow| slow.0 = tick & 0xFFFF);
}

#[test]
fn what_has_a_rate_is_told_at_its_turn_and_turns_are_spread() {
    let mut scene = scene();
    scene.ask(|world| {
        (0..12).for_each(|n| {
            world.spawn((seen(n), Slow(0)));
        });
    });
    let stage = scene.stage.clone();
    let mut before: BTreeMap<NetId, u32> = BTreeMap::new();
    let mut changes = Vec::new();
    stage.asked.lock().unwrap().push(Box::new(count_on));
    scene.watch(40, |view| {
        stage.asked.lock().unwrap().push(Box::new(count_on));
        let now: BTreeMap<_, _> =
            view.entities().map(|entity| (entity.id(), entity.get::<Slow>().unwrap().0)).collect();
        changes.push(now.iter().filter(|(id, value)| before.get(id) != Some(value)).count());
        let age = |value: &u32| view.newest_tick().unwrap().0 - value;
        assert!(changes.len() < 8 || now.values().all(|value| age(value) < 4), "{now:?} in {:?}", view.newest_tick());
        before = now;
    });
    assert!(changes[8..].iter().all(|count| *count == 3), "a quarter of twelve in each tick: {changes:?}");
}

#[test]
fn nothing_is_missed_between_turns() {
    let mut scene = scene();
    scene.ask(|world| {
        (0..60).for_each(|n| {
            world.spawn((seen(n), Rare(0)));
        });
    });
    // One change, some ticks after the turns of some and before those of others; then nothing more.
    scene.ask(|world| world.query::<&mut Rare>().iter_mut(world).for_each(|mut rare| rare.0 = 7));
    let told = (0..60).filter(|name| scene.get(*name) == Some(Rare(7))).count();
    assert!((1..30).contains(&told), "{told} had their turn within 100 ms");
    scene.universe.run(Duration::from_secs(1)).unwrap();
    assert!((0..60).all(|name| scene.get(name) == Some(Rare(7))));
}

#[test]
fn that_a_component_comes_or_goes_waits_for_no_turn() {
    let mut scene = scene();
    let all = scene.ask(|world| (0..60).map(|n| world.spawn(seen(n)).id()).collect::<Vec<Entity>>());
    let entities = all.clone();
    scene.ask(move |world| {
        entities.iter().for_each(|entity| {
            world.entity_mut(*entity).insert(Rare(3));
        });
    });
    assert!((0..60).all(|name| scene.get(name) == Some(Rare(3))));
    let entities = all.clone();
    scene.ask(move |world| {
        entities.iter().for_each(|entity| {
            world.entity_mut(*entity).remove::<Rare>();
        });
    });
    assert!((0..60).all(|name| scene.get::<Rare>(name).is_none()));
    scene.ask(move |world| {
        all.iter().for_each(|entity| {
            world.entity_mut(*entity).insert((Rare(4), Important));
        });
    });
    assert!((0..60).all(|name| scene.get(name) == Some(Rare(4)) && scene.get(name) == Some(Important)));
}

#[test]
fn a_reference_is_told_when_its_entity_is_and_ends_with_it() {
    let mut scene = scene();
    let (hidden, gone) = scene.ask(|world| {
        let (hidden, gone) = (world.spawn(Name(1)).id(), world.spawn(seen(2)).id());
        world.spawn((seen(0), Target { first: refer_to(hidden), second: refer_to(gone) }));
        (hidden, gone)
    });
    let told = |scene: &Scene| {
        let target = scene.get::<Target>(0).unwrap();
        (target.first.net_id(), target.second.net_id())
    };
    assert_eq!(told(&scene), (None, scene.id(2)));
    assert!(scene.id(2).is_some());
    scene.ask(move |world| {
        world.entity_mut(hidden).insert((AlwaysRelevant, Replicated));
    });
    assert!(scene.id(1).is_some());
    assert_eq!(told(&scene), (scene.id(1), scene.id(2)));
    scene.ask(move |world| world.despawn(gone));
    assert_eq!(told(&scene), (scene.id(1), None));
    scene.ask(move |world| {
        world.entity_mut(hidden).remove::<Replicated>();
    });
    assert_eq!(told(&scene), (None, None));
    scene.ask(move |world| {
        world.entity_mut(hidden).insert(Replicated);
    });
    assert_eq!(told(&scene), (scene.id(1), None));
}

#[test]
fn what_appears_in_one_tick_may_refer_to_each_other() {
    let mut scene = scene();
    scene.ask(|world| {
        let (a, b) = (world.spawn(seen(0)).id(), world.spawn(seen(1)).id());
        world.entity_mut(a).insert(Target { first: refer_to(b), second: refer_to(a) });
        world.entity_mut(b).insert(Target { first: refer_to(a), second: EntityRef::None });
    });
    let told = |name| scene.get::<Target>(name).map(|target| (target.first.net_id(), target.second.net_id()));
    assert_eq!((told(0), told(1)), (Some((scene.id(1), scene.id(0))), Some((scene.id(0), None))));
}

#[test]
fn a_reference_in_an_input_is_an_entity_of_the_server() {
    let point = |view: &View| {
        let at = view.entities().find(|entity| entity.get() == Some(Name(5)));
        Point { at: at.map_or(EntityRef::None, |entity| EntityRef::Net(entity.id())) }
    };
    let mut scene = Scene::new(UniverseConfig::default(), point);
    let entity = scene.ask(|world| world.spawn(seen(5)).id());
    scene.universe.run(Duration::from_secs(1)).unwrap();
    let pointed_at = scene.stage.pointed_at.lock().unwrap().clone();
    assert!(pointed_at.len() > 20 && pointed_at.iter().all(|at| *at == entity));
    scene.ask(move |world| world.despawn(entity));
    scene.stage.pointed_at.lock().unwrap().clear();
    scene.universe.run(Duration::from_secs(1)).unwrap();
    assert!(scene.stage.pointed_at.lock().unwrap().is_empty(), "who is gone is nobody");
}

#[test]
fn what_has_a_higher_priority_is_told_more_often_when_not_everything_fits() {
    let config = UniverseConfig { client_bandwidth_bytes_s: 4 * 1024, ..Default::default() };
    let mut scene = Scene::new(config, |_| Point::default());
    scene.ask(|world| {
        for n in 0..160 {
            let mut entity = world.spawn((seen(n), Quick(0)));
            if n < 80 {
                entity.insert(Important);
            }
        }
    });
    let hurry = |world: &mut World| {
        let tick = world.resource::<TickTime>().tick.0;
        // Nothing that could be foretold.
        let value = tick.wrapping_mul(0x9E37_79B9) >> 16;
        world.query::<&mut Quick>().iter_mut(world).for_each(|mut quick| quick.0 = value);
    };
    let stage = scene.stage.clone();
    let mut before: BTreeMap<NetId, u32> = BTreeMap::new();
    let mut told = [0, 0];
    scene.watch(300, |view| {
        stage.asked.lock().unwrap().push(Box::new(hurry));
        for entity in view.entities() {
            let Some(Quick(value)) = entity.get() else { continue };
            if before.insert(entity.id(), value).is_some_and(|before| before != value) {
                told[usize::from(entity.get::<Important>().is_some())] += 1;
            }
        }
    });
    assert!(told[0] > 40 && told[1] > 2 * told[0], "{told:?}: the others, then the important ones");
}

#[test]
fn the_client_and_the_game_agree_on_all_of_it() {
    let mut scene = scene();
    scene.ask(|world| {
        let a = world.spawn((seen(0), Slow(1), Rare(2), Quick(3), Important)).id();
        world.spawn((seen(1), Target { first: refer_to(a), second: EntityRef::None }));
    });
    assert_eq!(scene.universe.engine().visible_to(ClientId(1)).count(), 2);
    assert_eq!((scene.get(0), scene.get(0), scene.get(0)), (Some(Slow(1)), Some(Rare(2)), Some(Quick(3))));
}
