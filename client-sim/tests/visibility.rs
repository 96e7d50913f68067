//! What a game hides from a client never reaches it, not even its name; what it shows arrives from anywhere.

use bevy_app::{App, Plugin};
use bevy_ecs::prelude::{Component, Entity, Resource};
use bevy_ecs::world::World;
use glam::Vec2;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidelock::ClientId;
use tidelock::state::{EntityRef, Input, Replicate};
use tidelock_server::game::{
    AlwaysRelevant, Layers, Owner, Replicated, Replication, SeesLayers, Simulate, Team, TeamRelevant, Viewpoint,
    Visibility, refer_to,
};
use tidelock_sim::link::{LinkConfig, Rng};
use tidelock_sim::universe::{Universe, UniverseConfig};

#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
struct Name(u16);

#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq)]
struct Place(#[field(range(-1000.0..=1000.0), step = 0.125)] Vec2);

#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
struct Target(EntityRef);

#[derive(Replicate, Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Nothing(bool);

impl Input for Nothing {
    fn clear_one_shots(&mut self) {}
}

/// A game without rules of its own: in each tick it does what the test asks for.
#[derive(Clone, Default)]
struct Stage(Arc<Mutex<Vec<Job>>>);

type Job = Box<dyn FnOnce(&mut World) + Send>;

#[derive(Resource, Clone)]
struct Script(Stage);

impl Plugin for Stage {
    fn build(&self, app: &mut App) {
        app.game("stage")
            .replicate::<Name>()
            .replicate::<Place>()
            .replicate::<Target>()
            .input::<Nothing>()
            .locate::<Place>(|place| place.0)
            .view_radius(50.0);
        app.insert_resource(Script(self.clone())).add_systems(Simulate, do_as_asked);
    }
}

fn do_as_asked(world: &mut World) {
    let asked = std::mem::take(&mut *world.resource::<Script>().0.0.lock().unwrap());
    asked.into_iter().for_each(|job| job(world));
}

const A: ClientId = ClientId(1);
const B: ClientId = ClientId(2);

/// Two players, who see from the middle. Their avatars have the names 101 and 102.
struct Scene {
    stage: Stage,
    universe: Universe<Nothing>,
    avatars: [Entity; 2],
}

impl Scene {
    fn new(seed: u64, link: LinkConfig) -> Self {
        let stage = Stage::default();
        let mut universe = Universe::new(UniverseConfig { seed, ..Default::default() }, stage.clone());
        for _ in 0..2 {
            universe.add_player(link, link, Box::new(|_, _| Nothing::default()));
        }
        universe.run(Duration::from_secs(2)).unwrap();
        let mut scene = Self { stage, universe, avatars: [Entity::PLACEHOLDER; 2] };
        scene.avatars = scene.ask(|world| {
            [A, B].map(|client_id| {
                let avatar =
                    (Name(100 + client_id.0 as u16), Place(Vec2::ZERO), Owner(client_id), Viewpoint, Replicated);
                world.spawn(avatar).id()
            })
        });
        scene
    }

    /// Asks the game, and lets a few ticks pass.
    fn ask<T: Send + 'static>(&mut self, job: impl FnOnce(&mut World) -> T + Send + 'static) -> T {
        let answer = Arc::new(Mutex::new(None));
        let told = answer.clone();
        self.stage.0.lock().unwrap().push(Box::new(move |world| *told.lock().unwrap() = Some(job(world))));
        self.universe.run(Duration::from_millis(200)).unwrap();
        answer.lock().unwrap().take().expect("a tick has passed")
    }

    /// The names of all that a player sees.
    fn sees(&self, client_id: ClientId) -> BTreeSet<u16> {
        let view = self.universe.players()[client_id.0 as usize - 1].client.view();
        view.entities().map(|entity| entity.get::<Name>().unwrap().0).collect()
    }

    /// The same without avatars, of both.
    fn seen(&self) -> [Vec<u16>; 2] {
        [A, B].map(|client_id| self.sees(client_id).into_iter().filter(|name| *name < 100).collect())
    }

    /// To whom a player is told that an entity refers, if it sees it.
    fn told(&self, client_id: ClientId, name: u16) -> Option<Option<u32>> {
        let view = self.universe.players()[client_id.0 as usize - 1].client.view();
        let entity = view.entities().find(|entity| entity.get() == Some(Name(name)))?;
        Some(entity.get::<Target>().unwrap().0.net_id().map(|id| id.index))
    }
}

fn scene() -> Scene {
    Scene::new(1, LinkConfig::default())
}

fn near(name: u16) -> (Name, Place, Replicated) {
    (Name(name), Place(Vec2::new(f32::from(name) % 40.0, 3.0)), Replicated)
}

fn far(name: u16) -> (Name, Place, Replicated) {
    (Name(name), Place(Vec2::splat(900.0)), Replicated)
}

#[test]
fn layers_are_seen_by_whom_sees_one_of_them_and_owners_see_their_own() {
    let mut scene = scene();
    let [a, b] = scene.avatars;
    let spawned = scene.ask(move |world| {
        world.spawn(near(0));
        let all = [
            world.spawn((near(1), Layers(0b01))).id(),
            world.spawn((near(2), Layers(0b10))).id(),
            world.spawn((near(3), Layers(0b11))).id(),
            world.spawn((near(4), Layers(0), Owner(A))).id(),
            world.spawn((far(5), Layers(0b10), AlwaysRelevant)).id(),
            world.spawn((far(6), Layers(0b10))).id(),
        ];
        world.entity_mut(b).insert(SeesLayers(0b10));
        all
    });
    assert_eq!(scene.seen(), [vec![0, 4], vec![0, 2, 3, 5]]);
    scene.ask(move |world| {
        world.entity_mut(a).insert(SeesLayers(0b01));
        world.entity_mut(b).remove::<SeesLayers>();
    });
    assert_eq!(scene.seen(), [vec![0, 1, 3, 4], vec![0]]);
    scene.ask(move |world| {
        world.entity_mut(spawned[0]).insert(Layers(0b10));
        world.entity_mut(spawned[1]).remove::<Layers>();
        world.entity_mut(spawned[4]).get_mut::<Layers>().unwrap().0 = 0b01;
    });
    assert_eq!(scene.seen(), [vec![0, 2, 3, 4, 5], vec![0, 2]]);
}

#[test]
fn what_is_replicated_late_is_on_its_layers_from_the_first_tick() {
    let mut scene = scene();
    let late = scene.ask(|world| world.spawn((Name(1), Place(Vec2::ZERO), Layers(1))).id());
    scene.ask(move |world| {
        world.entity_mut(late).insert(Replicated);
    });
    assert!(scene.seen().iter().all(Vec::is_empty));
}

#[test]
fn a_team_sees_what_matters_to_it_wherever_it_is() {
    let mut scene = scene();
    let [a, b] = scene.avatars;
    let all = scene.ask(move |world| {
        world.entity_mut(a).insert(Team(1));
        world.entity_mut(b).insert(Team(2));
        [
            world.spawn((far(1), Team(1), TeamRelevant)).id(),
            world.spawn((far(2), Team(1))).id(),
            world.spawn((far(3), TeamRelevant)).id(),
            world.spawn((near(4), Team(2), TeamRelevant)).id(),
            world.spawn((far(5), Team(2), TeamRelevant, Layers(1))).id(),
        ]
    });
    assert_eq!(scene.seen(), [vec![1, 4], vec![4]]);
    scene.ask(move |world| {
        world.entity_mut(a).insert(Team(2));
        world.entity_mut(all[1]).insert((Team(2), TeamRelevant));
        world.entity_mut(all[3]).remove::<TeamRelevant>().insert(far(4));
        world.resource_mut::<Visibility>().hide(A, all[1]);
        world.entity_mut(b).insert(SeesLayers(1));
    });
    assert_eq!(scene.seen(), [vec![], vec![2, 5]]);
}

#[test]
fn single_clients_are_shown_things_and_others_not() {
    let mut scene = scene();
    let all = scene.ask(|world| {
        let all = [far(1), near(2), near(3)].map(|what| world.spawn(what).id());
        world.entity_mut(all[2]).insert((Layers(0), Owner(B)));
        let nowhere = world.spawn((Name(4), Replicated)).id();
        world.entity_mut(all[1]).insert(AlwaysRelevant);
        let mut visibility = world.resource_mut::<Visibility>();
        visibility.show(A, all[0]);
        visibility.hide(A, all[1]);
        visibility.show(A, nowhere);
        visibility.hide(B, all[2]);
        all
    });
    assert_eq!(scene.seen(), [vec![1, 4], vec![2, 3]], "what one owns is hidden from others only");
    scene.ask(move |world| {
        let mut visibility = world.resource_mut::<Visibility>();
        visibility.hide(A, all[0]);
        visibility.reset(A, all[1]);
        visibility.show(A, all[2]);
        visibility.show(B, all[0]);
    });
    assert_eq!(scene.seen(), [vec![2, 3, 4], vec![1, 2, 3]]);
    scene.ask(|world| world.resource_mut::<Visibility>().reset_client(A));
    assert_eq!(scene.seen(), [vec![2], vec![1, 2, 3]]);
}

#[test]
fn exceptions_end_with_the_entity_and_with_the_player() {
    let mut scene = scene();
    let entity = scene.ask(|world| {
        let entity = world.spawn(near(1)).id();
        world.resource_mut::<Visibility>().hide(A, entity);
        entity
    });
    assert!(scene.seen()[0].is_empty());
    scene.ask(move |world| {
        world.entity_mut(entity).remove::<Replicated>();
    });
    scene.ask(move |world| {
        world.entity_mut(entity).insert(Replicated);
        world.resource_mut::<Visibility>().hide(B, entity);
    });
    assert_eq!(scene.seen(), [vec![1], vec![]]);
    scene.universe.players_mut()[1].client.disconnect();
    scene.universe.run(Duration::from_secs(1)).unwrap();
    scene.universe.restart(1);
    scene.universe.run(Duration::from_secs(2)).unwrap();
    assert_eq!(scene.seen(), [vec![1], vec![1]]);
}

#[test]
fn what_is_hidden_is_not_named_by_what_is_seen() {
    let mut scene = scene();
    let (secret, room) = (Layers(0b10), Layers(0b11));
    let [_, b] = scene.avatars;
    let (hidden, holders) = scene.ask(move |world| {
        world.entity_mut(b).insert(SeesLayers(0b11));
        let hidden = world.spawn((near(1), secret)).id();
        let target = Target(refer_to(hidden));
        let open = world.spawn((near(2), target)).id();
        let wider = world.spawn((near(3), target, room)).id();
        let fellow = world.spawn((near(4), target, secret)).id();
        let owned = world.spawn((near(5), target, secret, Owner(A))).id();
        (hidden, [open, wider, fellow, owned])
    });
    let index = |scene: &Scene| {
        let view = scene.universe.players()[1].client.view();
        view.entities().find(|entity| entity.get() == Some(Name(1))).map(|entity| entity.id().index)
    };
    let named = Some(index(&scene));
    let told = |scene: &Scene| [2, 3, 4, 5].map(|name| scene.told(B, name));
    assert_eq!(told(&scene), [Some(None), Some(None), named, Some(None)]);
    assert_eq!((scene.told(A, 2), scene.told(A, 5)), (Some(None), Some(None)));

    // The owner may know of it, then it does not belong to anybody.
    let [a, _] = scene.avatars;
    scene.ask(move |world| {
        world.entity_mut(a).insert(SeesLayers(0b10));
    });
    assert_eq!(told(&scene), [Some(None), Some(None), named, named]);
    scene.ask(move |world| {
        world.entity_mut(a).remove::<SeesLayers>();
    });
    assert_eq!(told(&scene), [Some(None), Some(None), named, Some(None)]);
    scene.ask(move |world| {
        world.entity_mut(holders[3]).remove::<Owner>();
    });
    assert_eq!(told(&scene), [Some(None), Some(None), named, named]);

    // Who is shown the holder need not see the other; what is hidden from one is named to none.
    scene.ask(move |world| world.resource_mut::<Visibility>().show(A, holders[2]));
    assert_eq!((told(&scene), scene.told(A, 4)), ([Some(None), Some(None), Some(None), named], Some(None)));
    scene.ask(move |world| {
        world.entity_mut(hidden).remove::<Layers>();
        world.resource_mut::<Visibility>().reset(A, holders[2]);
    });
    assert_eq!(told(&scene), [named; 4]);
    scene.ask(move |world| world.resource_mut::<Visibility>().hide(A, hidden));
    assert_eq!(told(&scene), [Some(None); 4]);
    scene.ask(move |world| world.resource_mut::<Visibility>().reset(A, hidden));
    assert_eq!(told(&scene), [named; 4]);
}

/// What the server sends to both players in a second in which something goes about that is hidden from the first.
fn bytes_sent(hide: impl Fn(&mut World, Entity) + Send + 'static, steps: f32) -> [Vec<Vec<u8>>; 2] {
    let mut scene = scene();
    let hidden = scene.ask(move |world| {
        let hidden = world.spawn(near(7)).id();
        world.spawn((near(8), Target(refer_to(hidden))));
        hide(world, hidden);
        hidden
    });
    assert!(!scene.sees(A).contains(&7) && scene.sees(B).contains(&7));
    scene.universe.tap();
    for n in 0..60 {
        let go = move |world: &mut World| world.get_mut::<Place>(hidden).unwrap().0.y = steps * n as f32;
        scene.stage.0.lock().unwrap().push(Box::new(go));
        scene.universe.run(Duration::from_millis(17)).unwrap();
    }
    let packets = scene.universe.take_tapped();
    [0, 1].map(|player| {
        let address = scene.universe.players()[player].address;
        packets.iter().filter(|packet| packet.to == address).map(|packet| packet.datagram.clone()).collect()
    })
}

#[test]
fn not_a_byte_of_what_is_hidden_reaches_a_client() {
    let layers = |world: &mut World, hidden: Entity| {
        let mut avatars = world.query::<(Entity, &Owner)>();
        let (avatar, _) = avatars.iter(world).find(|(_, owner)| owner.0 == B).unwrap();
        world.entity_mut(avatar).insert(SeesLayers(1));
        world.entity_mut(hidden).insert(Layers(1));
    };
    let exception = |world: &mut World, hidden: Entity| world.resource_mut::<Visibility>().hide(A, hidden);
    for hide in [layers as fn(&mut World, Entity), exception] {
        let [standing, standing_seen] = bytes_sent(hide, 0.0);
        let [moving, moving_seen] = bytes_sent(hide, 0.5);
        assert!(!standing.is_empty() && standing == moving, "encrypted by the same keys, in the same moments");
        assert_ne!(standing_seen, moving_seen);
    }
}

/// What a model of the rules says that a client sees.
#[derive(Clone, Copy, Default)]
struct Rules {
    layers: Option<u64>,
    /// Of each client: shown or hidden.
    exceptions: [Option<bool>; 2],
    is_near: bool,
}

#[test]
fn under_loss_and_any_changes_clients_end_with_what_the_rules_say() {
    let link = LinkConfig {
        latency: Duration::from_millis(40),
        jitter: Duration::from_millis(10),
        loss: 0.05,
        ..LinkConfig::default()
    };
    let mut scene = Scene::new(9, link);
    let mut rng = Rng::stream(9, 1);
    let mut rules = [Rules { is_near: true, ..Rules::default() }; 90];
    let things: Vec<Entity> = scene.ask(|world| (0..90).map(|n| world.spawn(near(n)).id()).collect());
    let mut sees = [0; 2];
    for round in 0..120 {
        for _ in 0..6 {
            let n = rng.next_u64() as usize % rules.len();
            let (thing, client, value) = (things[n], rng.next_u64() as usize % 2, rng.next_u64());
            let job: Job = match rng.next_u64() % 4 {
                0 => {
                    rules[n].layers = (value % 3 > 0).then_some(value >> 8 & 0b111);
                    let layers = rules[n].layers;
                    Box::new(move |world| {
                        let mut thing = world.entity_mut(thing);
                        match layers {
                            Some(layers) => thing.insert(Layers(layers)),
                            None => thing.remove::<Layers>(),
                        };
                    })
                }
                1 => {
                    rules[n].is_near = value & 1 == 0;
                    let place = if rules[n].is_near { near(n as u16).1 } else { far(n as u16).1 };
                    Box::new(move |world| *world.get_mut::<Place>(thing).unwrap() = place)
                }
                2 if round % 8 == 0 => {
                    sees[client] = value & 0b111;
                    let (avatar, layers) = (scene.avatars[client], sees[client]);
                    Box::new(move |world| {
                        world.entity_mut(avatar).insert(SeesLayers(layers));
                    })
                }
                _ => {
                    rules[n].exceptions[client] = [None, Some(true), Some(false)][value as usize % 3];
                    let (exception, client_id) = (rules[n].exceptions[client], [A, B][client]);
                    Box::new(move |world| {
                        let mut visibility = world.resource_mut::<Visibility>();
                        match exception {
                            None => visibility.reset(client_id, thing),
                            Some(true) => visibility.show(client_id, thing),
                            Some(false) => visibility.hide(client_id, thing),
                        }
                    })
                }
            };
            scene.stage.0.lock().unwrap().push(job);
        }
        scene.universe.run(Duration::from_millis(23)).unwrap();
    }
    scene.universe.run(Duration::from_secs(2)).unwrap();
    scene.universe.converged().unwrap();
    let expected = [0, 1].map(|client| {
        let is_seen = |rules: &Rules| {
            let by_rules = rules.is_near && rules.layers.is_none_or(|layers| layers & sees[client] != 0);
            rules.exceptions[client].unwrap_or(by_rules)
        };
        rules.iter().enumerate().filter(|(_, rules)| is_seen(rules)).map(|(n, _)| n as u16).collect::<Vec<_>>()
    });
    assert_eq!(scene.seen(), expected);
    let desyncs = scene.universe.players().iter().map(|player| player.client.stats().desyncs).sum::<u64>();
    assert_eq!((desyncs, scene.universe.engine().stats().desyncs), (0, 0));
}
