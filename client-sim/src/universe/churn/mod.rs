//! A game made to be hard on the engine: entities come, go, jump and change all the time, so that indices, baselines and
//! visibilities are reused as fast as they can be. What it does depends on its seed alone.
//!
//! It keeps a [`Chronicle`], by which [`check`] knows whether what players did and saw is what happened. The full game
//! ([`Churn::full`]) uses all that a game can use.

#![expect(clippy::needless_pass_by_value, reason = "systems take their parameters by value")]

mod body;
pub mod check;
mod chronicle;
mod diary;
mod dice;
mod echo;
mod glide;
mod legend;
mod lookback;
mod mail;
mod makes;
mod mate;
mod mortals;
mod payload;
mod pilot;
mod players;
mod post;
mod stamp;
mod stir;
mod switch;
mod veils;
mod world;

pub use body::{Banner, Cursed, FIELD_M, Mood, Place, Secret, Serial};
pub use chronicle::{Body, Chronicle, Frame, Marked, Page, Roster, Sight};
pub use echo::Echo;
pub use glide::Glide;
pub use legend::{Element, Legend};
pub use lookback::Look;
pub use mail::{Letter, Mail, News, Numbered, Reply, Rumour, Shout, Whisper};
pub use mate::Mate;
pub use payload::{payload, payload_number};
pub use stamp::{Applied, Stamp};
pub use switch::Switch;
pub use world::World;

use crate::link::LinkConfig;
use crate::universe::Universe;
use bevy_app::{App, Plugin};
use bevy_ecs::prelude::{Res, Resource};
use bevy_ecs::schedule::IntoScheduleConfigs;
use body::Serials;
use dice::{Dice, ExtraDice};
use makes::Makes;
use std::sync::{Arc, Mutex};
use tidelock::ClientId;
use tidelock_server::game::{ApplyInput, Replication, Seed, Simulate};

/// The game.
#[derive(Clone, Debug)]
pub struct Churn {
    /// Entities besides avatars, about.
    pub entities: usize,
    /// The longest an entity lives, in ticks.
    pub life_ticks_max: u64,
    /// While it is on, nothing changes but that players come and go, so that all can come to see what there is.
    pub calm: Switch,
    /// How likely it is in each tick that a player writes to the full game, and the game to all players: 0 to 1.
    pub mail: f64,
    /// Players of the full game show what they see in every so many ticks, from 1.
    pub show_every_ticks: u32,
    /// What only the game knows.
    pub chronicle: Chronicle,
    /// Every input as a tick applied it. Not of the full game, which has its chronicle.
    pub applied: Arc<Mutex<Vec<Applied>>>,
    /// What the world holds at the end of the last tick.
    pub world: Arc<Mutex<World>>,
    is_full: bool,
}

#[derive(Resource)]
struct Rules {
    game: Churn,
    makes: Makes,
}

impl Churn {
    /// With about so many entities besides avatars, which live for less than so many ticks, at least 1.
    #[must_use]
    pub fn new(entities: usize, life_ticks_max: u64) -> Self {
        Self {
            entities,
            life_ticks_max,
            calm: Switch::default(),
            mail: 0.05,
            show_every_ticks: 1,
            chronicle: Chronicle::default(),
            applied: Arc::default(),
            world: Arc::default(),
            is_full: false,
        }
    }

    /// The same with all that a game can use. Players of it are [piloted](Churn::pilot).
    #[must_use]
    pub fn full(entities: usize, life_ticks_max: u64) -> Self {
        Self { is_full: true, ..Self::new(entities, life_ticks_max) }
    }

    /// A player begins to connect, who plays the full game and comes back by itself if its connection falls silent.
    /// Returns its number.
    pub fn add_player(&self, universe: &mut Universe<Stamp>, down: LinkConfig, up: LinkConfig, seed: u64) -> usize {
        let number = universe.add_player(down, up, Box::new(|_, _| Stamp::default()));
        let player = &mut universe.players_mut()[number];
        player.pilot = Some(self.pilot(ClientId(number as u64 + 1), seed));
        player.resumes = true;
        number
    }

    fn declare(&self, app: &mut App) {
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
        if self.is_full {
            app.replicate::<Glide>().replicate::<Mate>();
            app.event::<Letter>()
                .event::<Shout>()
                .event::<Reply>()
                .event::<Whisper>()
                .event::<News>()
                .event::<Rumour>();
        }
    }

    /// What the full game does besides.
    fn add_extras(app: &mut App, seed: u64) {
        app.insert_resource(ExtraDice::new(seed))
            .init_resource::<post::PostOffice>()
            .init_resource::<lookback::Tracks>();
        let begin = (post::follow_roster, veils::forget_left, post::answer);
        app.add_systems(ApplyInput, begin.chain().after(echo::echo));
        let change = (
            glide::take_off,
            glide::glide,
            mate::pair,
            veils::retire,
            veils::veil,
            post::tell_news,
            payload::change_payload,
        );
        let change = change.chain().run_if(is_restless).after(legend::tell).before(world::note_world);
        let look = (lookback::look_back, lookback::note_tracks).chain().after(world::note_world).before(diary::close);
        app.add_systems(Simulate, (change, look));
    }
}

impl Plugin for Churn {
    fn build(&self, app: &mut App) {
        self.declare(app);
        let seed = app.world().resource::<Seed>().0;
        app.insert_resource(Dice::new(seed))
            .insert_resource(Rules { game: self.clone(), makes: Makes::new(seed) })
            .init_resource::<Serials>();
        app.init_resource::<diary::Diary>().init_resource::<veils::Exceptions>();
        let act = (diary::open, players::leave, players::join, stamp::note_inputs, echo::echo);
        app.add_systems(ApplyInput, act.chain());
        let change = (mortals::die, mortals::spawn, stir::stir, legend::tell).chain().run_if(is_restless);
        app.add_systems(Simulate, (change, world::note_world, diary::close).chain());
        if self.is_full {
            Self::add_extras(app, seed);
        }
    }
}

/// Whether anything changes.
fn is_restless(rules: Res<'_, Rules>) -> bool {
    !rules.game.calm.is_on()
}
