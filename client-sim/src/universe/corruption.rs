//! Memory fails on purpose: whatever it hits, it is found, counted once, and healed, in the time that ARCHITECTURE.md promises.

use super::{Universe, UniverseConfig};
use crate::client::{ClientEvent, View};
use crate::link::LinkConfig;
use bevy_app::{App, Plugin};
use bevy_ecs::prelude::{Component, Query, Res, With};
use std::collections::BTreeSet;
use std::time::Duration;
use tidelock::Tick;
use tidelock::state::{Audience, Input, NetId, Replicate};
use tidelock_server::game::{AlwaysRelevant, Replicated, Replication, Simulate, TickTime};

#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
struct Value(#[field(range(0..=1_000_000))] u32);

/// It changes in every tick.
#[derive(Component)]
struct Restless;

#[derive(Replicate, Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Nothing(bool);

impl Input for Nothing {
    fn clear_one_shots(&mut self) {}
}

/// Thirty entities stand still, or all but ten.
struct Numbers {
    is_busy: bool,
}

impl Plugin for Numbers {
    fn build(&self, app: &mut App) {
        app.replicate::<Value>().input::<Nothing>();
        for n in 0..30 {
            let mut entity = app.world_mut().spawn((Value(n * 37), AlwaysRelevant, Replicated));
            if self.is_busy && n >= 20 {
                entity.insert(Restless);
            }
        }
        app.add_systems(Simulate, count);
    }
}

#[expect(clippy::needless_pass_by_value, reason = "systems take their parameters by value")]
fn count(time: Res<TickTime>, mut values: Query<&mut Value, With<Restless>>) {
    values.iter_mut().for_each(|mut value| value.0 = (value.0 + time.tick.0 % 7 + 1) % 1_000_000);
}

/// Nobody's name.
const NOBODY: NetId = NetId { index: 500, generation: 3 };

const LATENCY: Duration = Duration::from_millis(40);
const JITTER: Duration = Duration::from_millis(3);
const TICK: Duration = Duration::from_micros(16_667);
/// Without loss, with some, and with more.
const LOSSES: [f64; 3] = [0.0, 0.02, 0.05];
const SEEDS: core::ops::Range<u64> = 1..4;

/// Two players, of whom one is to have bad luck.
struct Scene {
    universe: Universe<Nothing>,
    loss: f64,
}

impl Scene {
    fn new(seed: u64, loss: f64, game: Numbers) -> Self {
        let link = LinkConfig { latency: LATENCY, jitter: JITTER, loss, ..LinkConfig::default() };
        let mut universe = Universe::new(UniverseConfig { seed, ..Default::default() }, game);
        for _ in 0..2 {
            universe.add_player(link, link, Box::new(|_, _| Nothing::default()));
        }
        universe.run(Duration::from_secs(4)).unwrap();
        // From now on it is not as it should be.
        universe.set_checked(false);
        let scene = Self { universe, loss };
        assert!(scene.is_sound(0) && scene.is_sound(1));
        scene
    }

    /// An entity that changes in every tick, or one that never does.
    fn entity(&self, is_busy: bool) -> NetId {
        let view = self.universe.players[0].client.view();
        let of_a_kind = |(_, _, tick, _): &(_, _, Tick, _)| (Some(*tick) == view.newest_tick()) == is_busy;
        view.streams().filter(of_a_kind).nth(5).expect("there are ten").0
    }

    /// Whether a player shows what there is, and as it was at the server.
    fn is_sound(&self, player: usize) -> bool {
        let (engine, player) = (&self.universe.engine, &self.universe.players[player]);
        let meant: BTreeSet<_> = engine.visible_to(player.client_id).map(|(id, audience, _)| (id, audience)).collect();
        let view = player.client.view();
        let held: BTreeSet<_> = view.streams().map(|(id, audience, ..)| (id, audience)).collect();
        let is_true = |(id, audience, tick, version)| engine.version_at(id, audience, tick) == Some(version);
        held == meant && view.streams().all(is_true)
    }

    /// Those that the players counted, and those that the server did.
    fn desyncs(&self) -> ([u64; 2], u64) {
        let of = |player: usize| self.universe.players[player].client.stats().desyncs;
        ([of(0), of(1)], self.universe.engine.stats().desyncs)
    }

    /// The view of the first player, to break it.
    fn view_mut(&mut self) -> &mut View {
        self.universe.players[0].client.view_mut()
    }

    /// Runs until something is so, which it must be within `bound`.
    fn until(&mut self, bound: Duration, is_so: impl Fn(&Self) -> bool) {
        let begin = self.universe.now();
        while !is_so(self) {
            self.universe.run(Duration::from_millis(1)).unwrap();
            assert!(self.universe.now().since(begin) <= bound, "not within {bound:?} at a loss of {}", self.loss);
        }
    }

    /// The first player finds out within `bound`, and a round trip later all is well, for good and for both.
    fn finds_and_heals(&mut self, bound: Duration) {
        assert!(!self.is_sound(0));
        self.until(bound, |scene| scene.desyncs().0[0] > 0);
        self.heals();
        assert_eq!(self.desyncs(), ([1, 0], 1));
    }

    /// Within a round trip, a tick for each end's turn to send and one to be in time; what is lost of it has to be sent again.
    fn heals(&mut self) {
        let round_trip = (LATENCY + JITTER) * 2 + TICK * 3;
        self.until(if self.loss > 0.0 { round_trip * 3 } else { round_trip }, |scene| scene.is_sound(0));
        // Nothing is found twice.
        let (found, rotation) = (self.desyncs(), self.rotation());
        self.universe.run(rotation).unwrap();
        assert_eq!(self.desyncs(), found);
        assert!(self.is_sound(0) && self.is_sound(1));
        let desyncs =
            self.universe.players[0].events.iter().filter(|event| matches!(event, ClientEvent::Desync { .. }));
        assert_eq!(desyncs.count(), 1);
    }

    /// The longest until all is audited; what loss makes void is audited again, seven times in a second.
    fn rotation(&self) -> Duration {
        let again = Duration::from_secs(u64::from(self.loss > 0.0));
        self.universe.engine.config().audit_rotation() + LATENCY + JITTER + TICK + again
    }

    /// The next snapshot that builds on something is the next that arrives: three in a row may be lost.
    fn next_snapshot(&self) -> Duration {
        JITTER * 2 + TICK * if self.loss > 0.0 { 5 } else { 2 }
    }
}

fn scenes(is_busy: bool) -> impl Iterator<Item = Scene> {
    let of = move |loss| SEEDS.map(move |seed| Scene::new(seed, loss, Numbers { is_busy }));
    LOSSES.into_iter().flat_map(of)
}

#[test]
fn a_corrupt_baseline_is_found_by_the_next_snapshot_that_builds_on_it() {
    for mut scene in scenes(true) {
        let busy = scene.entity(true);
        scene.view_mut().corrupt(busy);
        scene.finds_and_heals(scene.next_snapshot());
    }
}

#[test]
fn what_moves_and_is_lost_from_memory_is_missed_by_the_next_snapshot() {
    for mut scene in scenes(true) {
        let busy = scene.entity(true);
        scene.view_mut().lose(busy);
        scene.finds_and_heals(scene.next_snapshot());
    }
}

#[test]
fn a_corrupt_history_of_the_server_is_found_by_all_whose_baseline_it_was() {
    for mut scene in scenes(true) {
        let busy = scene.entity(true);
        scene.universe.engine.corrupt_baselines(busy, Audience::Public);
        let bound = scene.next_snapshot() + LATENCY;
        scene.until(bound, |scene| scene.desyncs().0 == [1, 1]);
        scene.heals();
        assert_eq!(scene.desyncs(), ([1, 1], 2));
    }
}

#[test]
fn what_stands_still_and_is_corrupt_is_found_by_an_audit() {
    for mut scene in scenes(true).chain(scenes(false)) {
        let idle = scene.entity(false);
        scene.view_mut().corrupt(idle);
        scene.finds_and_heals(scene.rotation());
    }
}

#[test]
fn what_stands_still_and_is_lost_from_memory_is_found_by_an_audit() {
    for mut scene in scenes(true).chain(scenes(false)) {
        let idle = scene.entity(false);
        scene.view_mut().lose(idle);
        scene.finds_and_heals(scene.rotation());
    }
}

#[test]
fn a_ghost_is_found_by_an_audit() {
    for mut scene in scenes(true).chain(scenes(false)) {
        let idle = scene.entity(false);
        scene.view_mut().haunt(idle, NOBODY);
        scene.finds_and_heals(scene.rotation());
    }
}
