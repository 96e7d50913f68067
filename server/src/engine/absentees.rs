use super::history::History;
use super::view::Views;
use std::collections::BTreeMap;
use tidelock::{ClientId, Instant, Tick};

/// Players whose connection is gone and whose place in the game waits for them.
///
/// What each of them saw is kept as it was: it may come back and still hold it, and until then no network id that it may
/// mean is given to another entity.
#[derive(Debug, Default)]
pub(crate) struct Absentees {
    players: BTreeMap<ClientId, Absentee>,
}

#[derive(Debug)]
struct Absentee {
    views: Views,
    until: Instant,
}

impl Absentees {
    /// Keeps the place of a player until then.
    pub(crate) fn insert(&mut self, client_id: ClientId, views: Views, until: Instant) {
        let displaced = self.players.insert(client_id, Absentee { views, until });
        assert!(displaced.is_none(), "a player has one place");
    }

    /// A player is back, or is not waited for any longer: what it saw when it was here.
    pub(crate) fn remove(&mut self, client_id: ClientId) -> Option<Views> {
        self.players.remove(&client_id).map(|player| player.views)
    }

    pub(crate) fn contains(&self, client_id: ClientId) -> bool {
        self.players.contains_key(&client_id)
    }

    pub(crate) fn len(&self) -> usize {
        self.players.len()
    }

    /// How many streams they saw.
    pub(crate) fn visible_count(&self) -> usize {
        self.players.values().map(|player| player.views.len()).sum()
    }

    /// Who they are, by ascending id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = ClientId> {
        self.players.keys().copied()
    }

    /// What each of them saw.
    pub(crate) fn views(&self) -> impl Iterator<Item = (ClientId, &Views)> {
        self.players.iter().map(|(client_id, player)| (*client_id, &player.views))
    }

    /// Gives up on who has not come back in time.
    pub(crate) fn expire(&mut self, now: Instant, tick: Tick, history: &mut History, mut gone: impl FnMut(ClientId)) {
        self.players.retain(|client_id, player| {
            let waits = now < player.until;
            if !waits {
                player.views.clear(history, tick);
                gone(*client_id);
            }
            waits
        });
    }
}
