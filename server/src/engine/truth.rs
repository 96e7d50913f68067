//! What checks compare clients with.

use super::Engine;
use super::session::Session;
use crate::game::NetSlot;
use bevy_ecs::entity::Entity;
use core::net::SocketAddr;
use tidelock::state::{Audience, NetId, VersionRef};
use tidelock::wire::Load;
use tidelock::{ClientId, Tick};

impl Engine {
    /// A stream as it was at the end of `tick`; `None` if that is no longer known.
    #[must_use]
    pub fn version_at(&self, id: NetId, audience: Audience, tick: Tick) -> Option<VersionRef<'_>> {
        let known = self.history.knows(id);
        known.then(|| self.history.at(id.index, audience, tick)).flatten()
    }

    /// All streams of all entities as they are at the end of the last tick, and since when each is so.
    pub fn streams(&self) -> impl Iterator<Item = (NetId, Audience, Tick, VersionRef<'_>)> {
        let alive = (0..self.history.index_count() as u32).filter(|index| self.history.slot(*index).is_alive());
        alive.flat_map(move |index| {
            Audience::ALL.into_iter().map(move |audience| {
                let streams = self.history.of(audience);
                (self.history.net_id(index), audience, streams.newest_tick(index), streams.newest(index))
            })
        })
    }

    /// What the wire calls an entity; `None` if it is not replicated, or not since the last tick.
    #[must_use]
    pub fn net_id(&self, entity: Entity) -> Option<NetId> {
        let NetSlot(index) = *self.app.world().get_entity(entity).ok()?.get()?;
        Some(self.history.net_id(index))
    }

    /// How often entities are counted as in somebody's view, and how often they are in one: the same, or an index is lost
    /// for good or given away too soon.
    #[must_use]
    pub fn viewers(&self) -> (usize, usize) {
        let seen = self.sessions.iter().map(Session::visible_count).sum::<usize>() + self.absentees.visible_count();
        (self.history.viewer_count(), seen)
    }

    /// How overloaded the server was told to be in the last tick.
    #[must_use]
    pub const fn load(&self) -> Load {
        self.load
    }

    /// Where what is for a client is sent to; `None` if it is not here.
    #[must_use]
    pub fn address_of(&self, client_id: ClientId) -> Option<SocketAddr> {
        let session = self.netcode.slot_of(client_id).and_then(|slot| self.sessions.at(slot))?;
        Some(session.address)
    }

    /// Those who are in the game, as it is told in the next tick at the latest: who plays, who is coming back and who may. Nobody
    /// is in it twice.
    pub fn in_game(&self) -> impl Iterator<Item = ClientId> {
        let present = self.sessions.iter().filter(|session| session.in_game).map(|session| session.client_id);
        present.chain(self.absentees.iter())
    }

    /// The streams that a client is meant to see, by audience and ascending index; empty if it does not play.
    pub fn visible_to(&self, client_id: ClientId) -> impl Iterator<Item = (NetId, Audience, VersionRef<'_>)> {
        let session = self.netcode.slot_of(client_id).and_then(|slot| self.sessions.at(slot));
        let session = session.filter(|session| session.is_playing());
        session.into_iter().flat_map(move |session| {
            Audience::ALL.into_iter().flat_map(move |audience| {
                let streams = self.history.of(audience);
                let visible = session.views.of(audience).visible();
                visible.map(move |index| (self.history.net_id(index), audience, streams.newest(index)))
            })
        })
    }
}
