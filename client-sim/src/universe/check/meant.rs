use std::collections::{BTreeMap, VecDeque};
use tidelock::state::{Audience, NetId};
use tidelock::{ClientId, Tick};
use tidelock_server::engine::Engine;

/// Which streams each client is meant to see, in each of the last ticks.
#[derive(Debug, Default)]
pub struct Meant {
    clients: BTreeMap<ClientId, VecDeque<Since>>,
    now: Tick,
    /// Used again and again.
    streams: Vec<StreamKey>,
}

/// Sorted as the server gives them: by audience, then by index.
pub type StreamKey = (Audience, NetId);

/// From this tick on until the next such.
#[derive(Debug)]
struct Since {
    tick: Tick,
    streams: Vec<StreamKey>,
}

/// Ticks for which it is remembered what was visible.
const MEMORY_TICKS: i32 = 512;

impl Meant {
    /// What a client is meant to see in a tick, sorted; nothing if it does not play. `None` if that is forgotten.
    #[must_use]
    pub fn at(&self, client_id: ClientId, tick: Tick) -> Option<&[StreamKey]> {
        if tick.is_newer_than(self.now) {
            return None;
        }
        let memory = self.clients.get(&client_id)?;
        let since = memory.iter().rev().find(|since| !since.tick.is_newer_than(tick))?;
        Some(&since.streams)
    }

    /// What a client is meant to see now, sorted.
    #[must_use]
    pub fn now(&self, client_id: ClientId) -> &[StreamKey] {
        self.clients.get(&client_id).and_then(VecDeque::back).map_or(&[], |since| &since.streams)
    }

    /// Takes note of the tick that just ran.
    pub(super) fn remember(&mut self, engine: &Engine, clients: impl Iterator<Item = ClientId>) {
        self.now = engine.tick_number();
        for client_id in clients {
            self.streams.clear();
            self.streams.extend(engine.visible_to(client_id).map(|(id, audience, _)| (audience, id)));
            let memory = self.clients.entry(client_id).or_default();
            if memory.back().is_none_or(|since| since.streams != self.streams) {
                memory.push_back(Since { tick: self.now, streams: self.streams.clone() });
            }
            // What came after it began long ago as well.
            while memory.get(1).is_some_and(|next| self.now.since(next.tick) > MEMORY_TICKS) {
                memory.pop_front();
            }
        }
    }
}
