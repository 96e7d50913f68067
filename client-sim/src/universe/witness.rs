use super::Universe;
use crate::client::{Client, Scene};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tidelock::state::{Audience, Interpolate, NetId, Schema};
use tidelock::{ClientId, Instant, Moment, Tick};
use tidelock_server::engine::Engine;

/// Watches what one player is shown, and holds it against the server's truth of that moment: one component of all entities
/// but the player's own, between the server's versions by the same [`Interpolate`].
#[derive(Debug)]
pub struct Witness<C> {
    player: usize,
    /// Every so often a frame is shown.
    frame_every: Duration,
    next_frame_at: Instant,
    /// What the player was meant to see at the end of each of the last ticks, oldest first.
    truth: VecDeque<(Tick, BTreeMap<NetId, C>)>,
    /// Frames whose truth is still to come, oldest first.
    frames: VecDeque<Frame<C>>,
}

/// What was shown.
#[derive(Debug)]
struct Frame<C> {
    moment: Moment,
    shown: BTreeMap<NetId, Shown<C>>,
}

#[derive(Debug)]
struct Shown<C> {
    value: C,
    is_extrapolated: bool,
}

/// A frame's verdict on one entity.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict<C> {
    /// It was shown.
    Seen {
        /// Which entity.
        id: NetId,
        /// As it was shown.
        shown: C,
        /// As it was.
        truth: C,
        /// What was shown was a guess.
        is_extrapolated: bool,
    },
    /// It was there, and not shown.
    Missing(NetId),
    /// It was shown, and not there, or not visible to the player.
    Ghost(NetId),
}

/// Ticks of which the truth is remembered.
const MEMORY_TICKS: usize = 512;

impl<C: Interpolate> Witness<C> {
    /// Of the screen of player `number`, which shows a frame every so often, from now on.
    #[must_use]
    pub const fn new(number: usize, frame_every: Duration, now: Instant) -> Self {
        Self { player: number, frame_every, next_frame_at: now, truth: VecDeque::new(), frames: VecDeque::new() }
    }

    /// Looks at the screen, if a frame is due, and tells what it finds once the truth is known. Call it after every step of
    /// time.
    pub fn look<I: tidelock::state::Input>(&mut self, universe: &mut Universe<I>, tell: &mut dyn FnMut(Verdict<C>)) {
        let now = universe.now();
        let client_id = universe.players()[self.player].client_id;
        self.remember(universe.engine(), client_id);
        if now >= self.next_frame_at {
            self.next_frame_at = now + self.frame_every;
            self.show(&mut universe.players_mut()[self.player].client, now);
        }
        let period_s = universe.engine().config().tick_period().as_secs_f32();
        let newest = self.truth.back().map_or(Tick::default(), |(tick, _)| *tick);
        while let Some(frame) = self.frames.pop_front_if(|frame| newest.is_newer_than(frame.moment.tick)) {
            self.judge(frame, period_s, tell);
        }
    }

    /// Remembers what the player is meant to see in the tick that ran last.
    fn remember(&mut self, engine: &Engine, client_id: ClientId) {
        let tick = engine.tick_number();
        if self.truth.back().is_some_and(|(last, _)| *last == tick) {
            return;
        }
        let visible: Vec<_> = engine.visible_to(client_id).collect();
        let ids_of = |audience| visible.iter().filter(move |(_, of, _)| *of == audience).map(|(id, ..)| *id);
        let others = ids_of(Audience::Public).filter(|id| ids_of(Audience::Owner).all(|own| own != *id));
        let values = others.filter_map(|id| Some((id, version_of(engine.schema(), engine, id, tick)?)));
        self.truth.push_back((tick, values.collect()));
        if self.truth.len() > MEMORY_TICKS {
            self.truth.pop_front();
        }
    }

    fn show<I: tidelock::state::Input>(&mut self, client: &mut Client<I>, now: Instant) {
        let Some(moment) = client.frame(now) else { return };
        let scene: Scene<'_> = client.view().at(moment);
        let others = scene.entities().filter(|entity| !entity.is_owned());
        let shown = others.filter_map(|entity| {
            let is_extrapolated = entity.is_extrapolated();
            Some((entity.id(), Shown { value: entity.get()?, is_extrapolated }))
        });
        let shown = shown.collect();
        self.frames.push_back(Frame { moment, shown });
    }

    fn judge(&self, mut frame: Frame<C>, period_s: f32, tell: &mut dyn FnMut(Verdict<C>)) {
        let Moment { tick, fraction } = frame.moment;
        let at = |tick: Tick| self.truth.iter().find(|(at, _)| *at == tick).map(|(_, values)| values);
        let Some((before, after)) = at(tick).zip(at(tick.next())) else { return };
        for (id, from) in before {
            let Some(Shown { value: shown, is_extrapolated }) = frame.shown.remove(id) else {
                tell(Verdict::Missing(*id));
                continue;
            };
            let to = after.get(id).filter(|to| !C::jumped(from, to, period_s));
            let truth = C::interpolate(from, to.unwrap_or(from), fraction);
            tell(Verdict::Seen { id: *id, shown, truth, is_extrapolated });
        }
        frame.shown.into_keys().for_each(|id| tell(Verdict::Ghost(id)));
    }
}

/// A component of an entity as it was at the end of `tick`.
fn version_of<C: Interpolate>(schema: &Schema, engine: &Engine, id: NetId, tick: Tick) -> Option<C> {
    let (audience, bit) = schema.find::<C>()?;
    let version = engine.version_at(id, audience, tick)?;
    let offset = schema.stream(audience).lane_offset(version.mask, bit);
    (version.mask >> bit & 1 != 0).then(|| C::read_lanes(&version.lanes[offset..offset + C::lane_count()]))
}
