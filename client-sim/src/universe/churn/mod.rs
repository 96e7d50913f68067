//! A game made to be hard on the engine: entities come, go, jump and change all the time, so that indices, baselines and
//! visibilities are reused as fast as they can be. What it does depends on its seed alone.

#![expect(clippy::needless_pass_by_value, reason = "systems take their parameters by value")]

mod body;
mod dice;
mod echo;
mod legend;
mod mortals;
mod players;
mod stamp;
mod stir;
mod world;

pub use body::{Banner, Cursed, FIELD_M, Mood, Place, Secret, Serial};
pub use echo::Echo;
pub use legend::{Element, Legend};
pub use stamp::{Applied, Stamp};
pub use world::World;

use bevy_app::{App, Plugin};
use bevy_ecs::prelude::Resource;
use bevy_ecs::schedule::IntoScheduleConfigs;
use body::Serials;
use dice::Dice;
use std::sync::{Arc, Mutex};
use tidelock_server::game::{ApplyInput, Replication, Seed, Simulate};

/// The game.
#[derive(Clone, Debug)]
pub struct Churn {
    /// Entities besides avatars, about.
    pub entities: usize,
    /// The longest an entity lives, in ticks.
    pub life_ticks_max: u64,
    /// Every input as a tick applied it.
    pub applied: Arc<Mutex<Vec<Applied>>>,
    /// What the world holds at the end of the last tick.
    pub world: Arc<Mutex<World>>,
    /// x
    pub calm: Switch,
}
/// x
#[derive(Clone, Debug, Default)]
pub struct Switch(Arc<std::sync::atomic::AtomicBool>);
impl Switch {
    /// x
    pub fn set(&self, on: bool) {
        self.0.store(on, std::sync::atomic::Ordering::Relaxed)
    }
    /// x
    pub fn is_set(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

#[derive(Resource)]
struct Rules(Churn);

impl Churn {
    /// With about so many entities besides avatars, which live for less than so many ticks, at least 1.
    #[must_use]
    pub fn new(entities: usize, life_ticks_max: u64) -> Self {
        Self { entities, life_ticks_max, applied: Arc::default(), world: Arc::default(), calm: Switch::default() }
    }
}

impl Plugin for Churn {
    fn build(&self, app: &mut App) {
        app.game("churn")
            .replicate::<Place>()
            .replicate::<Mood>()
            .replicate::<Serial>()
            .replicate::<Banner>()
            .replicate::<Legend>()
            .replicate::<Cursed>()
            .replicate::<Secret>()
            .input::<Stamp>()
            .event::<Echo>()
            .locate::<Place>(|place| place.0)
            .view_radius(15.0);
        let seed = app.world().resource::<Seed>().0;
        app.insert_resource(Dice::new(seed)).insert_resource(Rules(self.clone())).init_resource::<Serials>();
        let act = (players::leave, players::join, stamp::note_inputs, echo::echo);
        let calm = self.calm.clone();
        let live = (
            (mortals::die, mortals::spawn, stir::stir, legend::tell).chain().run_if(move || !calm.is_set()),
            world::note_world,
        );
        app.add_systems(ApplyInput, act.chain()).add_systems(Simulate, live.chain());
    }
}
