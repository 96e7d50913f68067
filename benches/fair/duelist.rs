//! A fighter that goes by its screen: others as they are shown, its own avatar as predicted.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use tidelock::state::NetId;
use tidelock::{Instant, Moment, Tick, ViewAge};
use tidelock_arena::{ArenaInput, Body, Map};
use tidelock_sim::bots::{AvatarPrediction, BotKind, Deed, Player, Screen, ScreenHit, Seen, Sight, Tracers};
use tidelock_sim::client::{Client, EffectFate, PredictedEffect, Prediction};

/// What one fighter saw of its shots, for the ledger to take.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) shots: Vec<ScreenShot>,
    pub(crate) hits: Vec<(Tick, ScreenHit)>,
}

/// A shot that went off on the screen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScreenShot {
    pub(crate) fired: Tick,
    /// The shooter, as it was predicted.
    pub(crate) body: Body,
    pub(crate) avatar: NetId,
    pub(crate) view_age: ViewAge,
}

/// See the module.
pub(crate) struct Duelist {
    bot: Player,
    prediction: Prediction<AvatarPrediction>,
    tracers: Tracers,
    log: Rc<RefCell<Log>>,
}

impl Duelist {
    pub(crate) fn new(seed: u64, map: Arc<Map>, tick_hz: u32, log: Rc<RefCell<Log>>) -> Self {
        let mut bot = Player::new(BotKind::Fight, seed);
        bot.learn_map(Arc::clone(&map));
        let prediction = Prediction::new(AvatarPrediction::new(Arc::clone(&map), tick_hz));
        Self { bot, prediction, tracers: Tracers::new(map, tick_hz), log }
    }

    /// One tick of its client.
    pub(crate) fn play(&mut self, client: &mut Client<ArenaInput>, tick: Tick, now: Instant) -> ArenaInput {
        self.prediction.on_snapshot(client.view(), now);
        let Some(shown) = client.frame(now) else { return ArenaInput::default() };
        let screen = Screen::new(client.view(), shown);
        let own = self.prediction.predicted().map(|avatar| avatar.body);
        let input = self.bot.input(&OwnSight { screen, own }, tick);
        self.prediction.on_input(tick, &input);
        if let Some(avatar) = screen.avatar() {
            self.follow_shots(tick, avatar.id, input.shown);
        }
        let hits = self.tracers.step(&client.view().at(shown));
        self.log.borrow_mut().hits.extend(hits.into_iter().map(|hit| (tick, hit)));
        input
    }

    /// Shows shots that go off in this tick, and takes back those that did not. What turns out to have gone off earlier is
    /// too late to be shown.
    fn follow_shots(&mut self, tick: Tick, avatar: NetId, view_age: ViewAge) {
        while let Some(PredictedEffect { tick: fired, effect, fate }) = self.prediction.poll_effect() {
            match (effect, fate) {
                (Deed::Shot(body), EffectFate::Begun) if fired == tick => {
                    self.tracers.fire(tick, &body);
                    self.log.borrow_mut().shots.push(ScreenShot { fired, body, avatar, view_age });
                }
                (Deed::Shot(_), EffectFate::Undone) => self.tracers.undo(fired),
                _ => {}
            }
        }
    }
}

/// A screen with the player's own avatar where it is predicted.
struct OwnSight<'a> {
    screen: Screen<'a>,
    own: Option<Body>,
}

impl OwnSight<'_> {
    fn predicted(&self, seen: Seen) -> Seen {
        match self.own.filter(|_| seen.owned) {
            Some(Body { position, velocity, facing }) => {
                Seen { position: position.0, velocity: velocity.0, facing, ..seen }
            }
            None => seen,
        }
    }
}

impl Sight for OwnSight<'_> {
    fn find(&self, id: NetId) -> Option<Seen> {
        self.screen.find(id).map(|seen| self.predicted(seen))
    }

    fn look_around(&self, visit: &mut dyn FnMut(Seen)) {
        self.screen.look_around(&mut |seen| visit(self.predicted(seen)));
    }

    fn avatar(&self) -> Option<Seen> {
        self.screen.avatar().map(|seen| self.predicted(seen))
    }

    fn moment(&self) -> Option<Moment> {
        self.screen.moment()
    }
}
