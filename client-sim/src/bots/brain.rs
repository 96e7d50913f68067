use std::sync::Arc;

use tidelock::state::NetId;
use tidelock::{Tick, ViewAge};
use tidelock_arena::{ArenaInput, Map};

use super::{BotKind, Seen, Sight};
use crate::link::Rng;

/// A way to play.
pub trait Bot: Send {
    /// What to ask for in `tick`, with one's own avatar as last seen.
    fn input(&mut self, avatar: &Seen, sight: &dyn Sight, map: Option<&Map>, tick: Tick) -> ArenaInput;

    /// What to ask for in `tick` if it sees nothing at all, as in a [thin client](crate::client::Client::thin).
    fn input_unseeing(&mut self, tick: Tick) -> ArenaInput {
        let _ = tick;
        ArenaInput::default()
    }

    /// Whether it says a line now and then.
    fn talks(&self) -> bool {
        true
    }
}

/// A bot in its seat: finds its avatar, lets its kind of bot play it, and talks now and then.
pub struct Player {
    bot: Box<dyn Bot>,
    map: Option<Arc<Map>>,
    avatar: Option<NetId>,
    last: ArenaInput,
    talk: Talk,
}

impl Player {
    /// The same seed plays the same way.
    #[must_use]
    pub fn new(kind: BotKind, seed: u64) -> Self {
        Self::with_bot(kind.bot(seed), seed)
    }

    /// The same with any bot; the seed is of what it says.
    #[must_use]
    pub fn with_bot(bot: Box<dyn Bot>, seed: u64) -> Self {
        let talk = Talk::new(bot.talks(), seed);
        Self { bot, map: None, avatar: None, last: ArenaInput::default(), talk }
    }

    /// Tells it where the obstacles are. Before, it walks into them.
    pub fn learn_map(&mut self, map: Arc<Map>) {
        self.map = Some(map);
    }

    /// What to ask for in `tick`. Without an avatar: nothing.
    pub fn input(&mut self, sight: &dyn Sight, tick: Tick) -> ArenaInput {
        let Some(avatar) = self.avatar(sight) else { return self.idle() };
        let asked = if avatar.dead { self.idle() } else { self.bot.input(&avatar, sight, self.map.as_deref(), tick) };
        let shown = sight.moment().filter(|_| asked.fire).map(|moment| ViewAge::of(tick, moment));
        self.last = ArenaInput { shown: shown.unwrap_or(self.last.shown), ..asked };
        self.last
    }

    /// The same for one that sees nothing.
    pub fn input_unseeing(&mut self, tick: Tick) -> ArenaInput {
        self.bot.input_unseeing(tick)
    }

    fn idle(&self) -> ArenaInput {
        ArenaInput { shown: self.last.shown, ..ArenaInput::idle(self.last.look) }
    }

    /// What to say in `tick`, if anything. Ask once a tick.
    pub fn say(&mut self, tick: Tick, tick_hz: u32) -> Option<String> {
        self.talk.say(tick, tick_hz)
    }

    /// Looks for it only when it is not where it was: a search goes through everything visible.
    fn avatar(&mut self, sight: &dyn Sight) -> Option<Seen> {
        let known = self.avatar.and_then(|id| sight.find(id)).filter(|seen| seen.owned);
        let avatar = known.or_else(|| sight.avatar());
        self.avatar = avatar.map(|seen| seen.id);
        avatar
    }
}

/// A line of chat every minute or so, of those who talk.
struct Talk {
    rng: Rng,
    talks: bool,
    next: Option<Tick>,
}

impl Talk {
    const LINES: [&'static str; 6] =
        ["hello", "good game", "over here", "anyone at the north wall?", "low on ammo", "watch your back"];
    /// Between two lines, in seconds.
    const PAUSE_S: (f64, f64) = (30.0, 90.0);

    fn new(talks: bool, seed: u64) -> Self {
        Self { rng: Rng::stream(seed, 1), talks, next: None }
    }

    fn say(&mut self, tick: Tick, tick_hz: u32) -> Option<String> {
        if !self.talks {
            return None;
        }
        let due = self.next.is_some_and(|next| !next.is_newer_than(tick));
        if due || self.next.is_none() {
            // The first line comes at a random moment of the pause: bots that join together do not speak together.
            let least = if due { Self::PAUSE_S.0 } else { 0.0 };
            let pause_s = self.rng.between(least, Self::PAUSE_S.1);
            self.next = Some(tick.add((pause_s * f64::from(tick_hz)) as u32 + 1));
        }
        due.then(|| Self::LINES[self.rng.below(Self::LINES.len() as u64) as usize].to_owned())
    }
}
