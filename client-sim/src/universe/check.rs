use crate::client::View;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tidelock::state::{Audience, NetId};
use tidelock::{ClientId, Tick};
use tidelock_server::engine::Engine;

/// Holds clients against the server's truth, tick by tick.
#[derive(Debug, Default)]
pub struct Check {
    /// For each client what it was meant to see in each of the last ticks, oldest first.
    visible: BTreeMap<ClientId, VecDeque<(Tick, Streams)>>,
    versions_compared: u64,
    versions_forgotten: u64,
    views_compared: u64,
    /// For each index the generation that somebody was last meant to see, and when.
    generations: BTreeMap<u32, (u16, Tick)>,
}

type Streams = BTreeSet<(NetId, Audience)>;

/// An invariant that does not hold.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Violation {
    /// A client's state of a tick is not the server's of that tick.
    #[error("client {client_id} has {id} {audience:?} of tick {tick} as {held}, the server has {truth}")]
    Differs {
        /// Whose.
        client_id: ClientId,
        /// Of which entity.
        id: NetId,
        /// Of which stream.
        audience: Audience,
        /// The snapshot that brought it.
        tick: Tick,
        /// By the client.
        held: String,
        /// By the server.
        truth: String,
    },
    /// A client knows what it was never meant to see.
    #[error("client {client_id} was sent {id} {audience:?} in tick {tick}, outside its interest")]
    OutsideInterest {
        /// Who.
        client_id: ClientId,
        /// What.
        id: NetId,
        /// Which stream of it.
        audience: Audience,
        /// When.
        tick: Tick,
    },
    /// An index means another entity already, though a client still shows the old one.
    #[error("client {client_id} still shows {id}, whose index is another entity's by now")]
    ReusedEarly {
        /// Who.
        client_id: ClientId,
        /// What it shows.
        id: NetId,
    },
    /// An index was given away again too soon: what is under way may still mean the entity before.
    #[error("the index of {id} belonged to another entity {ticks} ticks ago")]
    NotRested {
        /// The new entity.
        id: NetId,
        /// Since the old one was last visible.
        ticks: i32,
    },
    /// Entities are counted as in more or fewer views than they are.
    #[error("entities are counted {counted} times as in a view, and are in {seen}")]
    Viewers {
        /// By the entities.
        counted: usize,
        /// By the views.
        seen: usize,
    },
    /// A client believes that it holds all of a tick, and does not.
    #[error("client {client_id} believes that it holds all of tick {tick}, but {difference}")]
    NotWhole {
        /// Who.
        client_id: ClientId,
        /// Of what.
        tick: Tick,
        /// In what it is mistaken.
        difference: String,
    },
    /// A client does not hold what it should, though all had time to arrive.
    #[error("client {client_id} has not converged: {difference}")]
    NotConverged {
        /// Who.
        client_id: ClientId,
        /// In what.
        difference: String,
    },
}

/// Ticks for which it is remembered what was visible.
const MEMORY_TICKS: usize = 512;
/// An index that somebody saw is nobody's for at least so many ticks.
const REST_TICKS: i32 = 64;

impl Check {
    /// How many versions of clients were found equal to the server's.
    #[must_use]
    pub const fn versions_compared(&self) -> u64 {
        self.versions_compared
    }

    /// How many could not be compared, because the server has forgotten them.
    #[must_use]
    pub const fn versions_forgotten(&self) -> u64 {
        self.versions_forgotten
    }

    /// How many whole views of clients were found equal to what they were meant to be.
    #[must_use]
    pub const fn views_compared(&self) -> u64 {
        self.views_compared
    }

    /// Remembers what clients are meant to see in the tick that just ran.
    pub(super) fn on_tick(
        &mut self,
        engine: &Engine,
        clients: impl Iterator<Item = ClientId>,
    ) -> Result<(), Violation> {
        let now = engine.tick_number();
        let (counted, seen) = engine.viewers();
        if counted != seen {
            return Err(Violation::Viewers { counted, seen });
        }
        for client_id in clients {
            let memory = self.visible.entry(client_id).or_default();
            let visible: BTreeSet<_> =
                engine.visible_to(client_id).into_iter().map(|(id, audience, _)| (id, audience)).collect();
            for (id, _) in &visible {
                let (generation, last) = self.generations.insert(id.index, (id.generation, now)).unwrap_or_default();
                if generation != id.generation && now.since(last) < REST_TICKS && last != Tick(0) {
                    return Err(Violation::NotRested { id: *id, ticks: now.since(last) });
                }
            }
            memory.push_back((now, visible));
            if memory.len() > MEMORY_TICKS {
                memory.pop_front();
            }
        }
        Ok(())
    }

    /// Compares all that a client shows with what it was meant to see.
    pub(super) fn client(&mut self, engine: &Engine, client_id: ClientId, view: &View) -> Result<(), Violation> {
        let memory = self.visible.get(&client_id).and_then(VecDeque::back);
        let plays = memory.is_some_and(|(_, visible)| !visible.is_empty());
        for (id, audience, tick, held) in view.streams() {
            if plays && self.generations.get(&id.index).is_some_and(|(generation, _)| *generation != id.generation) {
                return Err(Violation::ReusedEarly { client_id, id });
            }
            match engine.version_at(id, audience, tick) {
                Some(truth) if truth == held => self.versions_compared += 1,
                Some(truth) => {
                    let (held, truth) = (format!("{held:?}"), format!("{truth:?}"));
                    return Err(Violation::Differs { client_id, id, audience, tick, held, truth });
                }
                None => self.versions_forgotten += 1,
            }
            let meant = self.visible.get(&client_id).and_then(|memory| memory.iter().find(|(at, _)| *at == tick));
            if meant.is_some_and(|(_, visible)| !visible.contains(&(id, audience))) {
                return Err(Violation::OutsideInterest { client_id, id, audience, tick });
            }
        }
        self.whole(engine, client_id, view)
    }

    /// Compares the view of a client that believes to hold everything of its newest tick with what there was to hold.
    fn whole(&mut self, engine: &Engine, client_id: ClientId, view: &View) -> Result<(), Violation> {
        let Some(tick) = view.whole_tick().filter(|whole| view.newest_tick() == Some(*whole)) else { return Ok(()) };
        let meant = self.visible.get(&client_id).and_then(|memory| memory.iter().find(|(at, _)| *at == tick));
        let Some((_, meant)) = meant else { return Ok(()) };
        let held: BTreeMap<_, _> = view.streams().map(|(id, audience, _, version)| ((id, audience), version)).collect();
        let differ = |difference| Err(Violation::NotWhole { client_id, tick, difference });
        for (id, audience) in meant {
            match (held.get(&(*id, *audience)), engine.version_at(*id, *audience, tick)) {
                (None, _) => return differ(format!("{id} {audience:?} is missing")),
                (Some(version), Some(truth)) if *version != truth => {
                    return differ(format!("{id} {audience:?} is stale"));
                }
                _ => {}
            }
        }
        if let Some((id, audience)) = held.keys().find(|key| !meant.contains(key)) {
            return differ(format!("{id} {audience:?} is a ghost"));
        }
        self.views_compared += 1;
        Ok(())
    }
}

/// Whether a client holds exactly what it is meant to see, each stream in its newest version.
pub(super) fn converged(engine: &Engine, client_id: ClientId, view: &View) -> Result<(), Violation> {
    let meant = engine.visible_to(client_id);
    let mut held: BTreeMap<_, _> = view.streams().map(|(id, audience, _, version)| ((id, audience), version)).collect();
    let differ = |difference| Err(Violation::NotConverged { client_id, difference });
    for (id, audience, truth) in meant {
        match held.remove(&(id, audience)) {
            None => return differ(format!("{id} {audience:?} is missing")),
            Some(version) if version != truth => return differ(format!("{id} {audience:?} is stale")),
            Some(_) => {}
        }
    }
    match held.first_key_value() {
        Some(((id, audience), _)) => differ(format!("{id} {audience:?} is a ghost")),
        None => Ok(()),
    }
}
