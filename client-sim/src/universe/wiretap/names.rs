use tidelock::state::{Audience, NetId};
use tidelock::wire::GhostId;

/// What the ghosts of one client mean to the server, as far as it has said so: by audience, what the newest full record said.
#[derive(Debug, Default)]
pub(super) struct Names([Vec<Option<Name>>; Audience::COUNT]);

#[derive(Clone, Copy, Debug)]
struct Name {
    id: NetId,
    /// It was said to leave. The ghost may be another by now, of which nobody was told.
    has_left: bool,
}

impl Names {
    /// The entity that a delta is of. One that was said to leave may be meant again: if its leave was lost with the connection, and
    /// the client proved that it holds the stream.
    pub(super) fn at(&mut self, audience: Audience, ghost: GhostId) -> Option<NetId> {
        let name = self.0[audience as usize].get_mut(ghost as usize)?.as_mut()?;
        name.has_left = false;
        Some(name.id)
    }

    /// A full record says which entity a ghost is.
    pub(super) fn tell(&mut self, audience: Audience, ghost: GhostId, id: NetId) {
        let names = &mut self.0[audience as usize];
        if names.len() <= ghost as usize {
            names.resize(ghost as usize + 1, None);
        }
        names[ghost as usize] = Some(Name { id, has_left: false });
    }

    /// A ghost leaves. What it is, unless that was said before.
    pub(super) fn leave(&mut self, audience: Audience, ghost: GhostId) -> Option<NetId> {
        let name = self.0[audience as usize].get_mut(ghost as usize)?.as_mut()?;
        (!std::mem::replace(&mut name.has_left, true)).then_some(name.id)
    }

    /// The server begins anew with this client.
    pub(super) fn clear(&mut self) {
        self.0.iter_mut().for_each(Vec::clear);
    }
}
