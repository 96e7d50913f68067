//! A fighter that goes by its screen: others as they are shown, its own avatar as predicted.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use tidelock::state::NetId;
use tidelock::{Instant, Moment, Tick, ViewAge};
use tidelock_arena::{Ammo, ArenaInput, Body, Cooldown, Kind, Map, Weapon};
use tidelock_sim::bots::{AvatarPrediction, BotKind, Player, Screen, ScreenHit, Seen, Sight, Tracers};
use tidelock_sim::client::{Client, Prediction};

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
    /// As predicted; taken over from the server while no shot is under way.
    weapon: Weapon,
    fired: Option<Tick>,
    tick_hz: u32,
    log: Rc<RefCell<Log>>,
}

impl Duelist {
    pub(crate) fn new(seed: u64, map: Arc<Map>, tick_hz: u32, log: Rc<RefCell<Log>>) -> Self {
        let mut bot = Player::new(BotKind::Fight, seed);
        bot.learn_map(Arc::clone(&map));
        Self {
            bot,
            prediction: Prediction::new(AvatarPrediction::new(Arc::clone(&map), tick_hz)),
            tracers: Tracers::new(map, tick_hz),
            weapon: Weapon::default(),
            fired: None,
            tick_hz,
            log,
        }
    }

    /// One tick of its client.
    pub(crate) fn play(&mut self, client: &mut Client<ArenaInput>, tick: Tick, now: Instant) -> ArenaInput {
        self.prediction.on_snapshot(client.view());
        let Some(shown) = client.frame(now) else { return ArenaInput::default() };
        let screen = Screen::new(client.view(), shown);
        let sight = OwnSight { screen, own: self.prediction.predicted().copied() };
        let input = self.bot.input(&sight, tick);
        self.prediction.on_input(tick, &input);
        if let (Some(body), Some(avatar)) = (self.prediction.predicted().copied(), screen.avatar()) {
            self.shoot(client, tick, &input, body, avatar.id);
        }
        let hits = self.tracers.step(&client.view().at(shown));
        self.log.borrow_mut().hits.extend(hits.into_iter().map(|hit| (tick, hit)));
        input
    }

    fn shoot(&mut self, client: &Client<ArenaInput>, tick: Tick, input: &ArenaInput, body: Body, avatar: NetId) {
        let told = client.view().owned().find(|entity| entity.get::<Kind>() == Some(Kind::Avatar));
        if let Some(told) = told
            && self.fired.is_none_or(|fired| told.tick().since(fired) >= 0)
        {
            let weapon = Weapon {
                ammo: told.get::<Ammo>().unwrap_or_default(),
                cooldown: told.get::<Cooldown>().unwrap_or_default(),
            };
            let elapsed = tick.since(told.tick()).clamp(1, 255) - 1;
            self.weapon = (0..elapsed).fold(weapon, |weapon, _| weapon.step(false, self.tick_hz).0);
        }
        let (weapon, fired) = self.weapon.step(input.fire, self.tick_hz);
        self.weapon = weapon;
        if fired {
            self.fired = Some(tick);
            self.tracers.fire(tick, &body);
            self.log.borrow_mut().shots.push(ScreenShot { fired: tick, body, avatar, view_age: input.shown });
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
