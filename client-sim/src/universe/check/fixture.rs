//! Universes for the tests of checkers, in which next to nothing happens.

use super::{Checker, Meant, Scene, Turn};
use crate::client::View;
use crate::link::LinkConfig;
use crate::universe::{Universe, UniverseConfig};
use bevy_app::{App, Plugin};
use bevy_ecs::prelude::{Component, Query};
use std::time::Duration;
use tidelock::state::{Input, NetId, Replicate};
use tidelock::wire::Load;
use tidelock_server::game::{AlwaysRelevant, Replicated, Replication, Simulate};

#[derive(Replicate, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys(bool);

impl Input for Keys {
    fn clear_one_shots(&mut self) {}
}

#[derive(Component, Replicate, Clone, Copy, Debug, PartialEq, Eq)]
struct Hand(#[field(range(0..=59))] u32);

/// So many things that all see, and that change in every tick.
struct Clocks(u32);

impl Plugin for Clocks {
    fn build(&self, app: &mut App) {
        app.input::<Keys>().replicate::<Hand>();
        app.world_mut().spawn_batch((0..self.0).map(|n| (Hand(n), AlwaysRelevant, Replicated)));
        app.add_systems(Simulate, |mut hands: Query<&mut Hand>| {
            hands.iter_mut().for_each(|mut hand| hand.0 = (hand.0 + 1) % 60);
        });
    }
}

/// With so many players, who have a way of 20 ms, and nothing to see.
pub(super) fn universe(players: u64) -> Universe<Keys> {
    universe_of(Clocks(0), players)
}

fn universe_of(game: Clocks, players: u64) -> Universe<Keys> {
    let mut universe = Universe::new(UniverseConfig::default(), game);
    let link = LinkConfig { latency: Duration::from_millis(20), ..LinkConfig::default() };
    for _ in 0..players {
        universe.add_player(link, link, Box::new(|_, _| Keys::default()));
    }
    universe
}

/// A player who sees some things, and what it is meant to see.
pub(super) struct Stage {
    pub(super) universe: Universe<Keys>,
    meant: Meant,
}

/// Nobody's name.
pub(super) const NOBODY: NetId = NetId { index: 500, generation: 3 };

impl Stage {
    /// The player holds all that there is. What it held of the last 200 ms may be looked at.
    pub(super) fn new() -> Self {
        let mut universe = universe_of(Clocks(5), 1);
        let mut meant = Meant::default();
        for ms in [1_000, 200] {
            universe.run(Duration::from_millis(ms)).unwrap();
            meant.remember(universe.engine(), universe.players().iter().map(|player| player.client_id));
        }
        assert_eq!(universe.players()[0].client.view().len(), 5);
        Self { universe, meant }
    }

    /// What the player holds, to break it.
    pub(super) fn view_mut(&mut self) -> &mut View {
        self.universe.players_mut()[0].client.view_mut()
    }

    /// Some of the things that it sees.
    pub(super) fn things(&self) -> [NetId; 2] {
        let mut ids = self.universe.players()[0].client.view().entities().map(|entity| entity.id());
        std::array::from_fn(|_| ids.next().expect("it sees some"))
    }

    /// What a checker says of it as it is.
    pub(super) fn judged_by(&self, mut checker: impl Checker<Keys>) -> Result<(), String> {
        let Self { universe, meant } = self;
        let (now, turn) =
            (universe.now(), Turn { due: universe.now(), free_at: universe.now(), load: Load::default() });
        let (engine, players) = (universe.engine(), universe.players());
        let found = checker.on_tick(&Scene { engine, players, meant, now, turn, look_every_ticks: 1 });
        assert!(found.is_err() || checker.looked() > 0, "it looks at something");
        found
    }
}
