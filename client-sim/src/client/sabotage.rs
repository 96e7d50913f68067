//! What tests break on purpose, to see it found and healed.

use super::Client;
use super::view::View;
use tidelock::state::{Audience, Input, NetId, VersionHead, version_hash};

impl<I: Input> Client<I> {
    /// What the client knows, to break it.
    pub(crate) const fn view_mut(&mut self) -> &mut View {
        &mut self.view
    }
}

impl View {
    /// Flips a bit in all that is held of an entity's public stream.
    pub(crate) fn corrupt(&mut self, id: NetId) {
        self.of_mut(Audience::Public).corrupt(id.index);
    }

    /// Loses an entity.
    pub(crate) fn lose(&mut self, id: NetId) {
        self.of_mut(Audience::Public).retain(|index, _| index != id.index);
    }

    /// Shows what an entity is under another index too.
    pub(crate) fn haunt(&mut self, id: NetId, ghost: NetId) {
        let streams = self.of_mut(Audience::Public);
        let stream = *streams.at(id.index).expect("the entity is known");
        let (head, version) = streams.newest(&stream).expect("the entity is known");
        let (mask, lanes) = (version.mask, version.lanes.to_vec());
        let hash = version_hash(ghost, Audience::Public, mask, &lanes);
        let head = VersionHead::new(head.tick, mask, hash);
        streams.renew(ghost.index, ghost.generation, None);
        streams.keep(ghost.index, head, &lanes, None);
    }
}
