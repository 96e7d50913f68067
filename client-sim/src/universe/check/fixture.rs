//! A universe for the tests of checkers, in which next to nothing happens.

use crate::link::LinkConfig;
use crate::universe::{Universe, UniverseConfig};
use bevy_app::{App, Plugin};
use std::time::Duration;
use tidelock::state::{Input, Replicate};
use tidelock_server::game::Replication;

#[derive(Replicate, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys(bool);

impl Input for Keys {
    fn clear_one_shots(&mut self) {}
}

struct Nothing;

impl Plugin for Nothing {
    fn build(&self, app: &mut App) {
        app.input::<Keys>();
    }
}

/// With so many players, who have a way of 20 ms.
pub(super) fn universe(players: u64) -> Universe<Keys> {
    let mut universe = Universe::new(UniverseConfig::default(), Nothing);
    let link = LinkConfig { latency: Duration::from_millis(20), ..LinkConfig::default() };
    for _ in 0..players {
        universe.add_player(link, link, Box::new(|_, _| Keys::default()));
    }
    universe
}
