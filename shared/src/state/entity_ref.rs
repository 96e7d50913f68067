use super::NetId;
use arrayvec::ArrayVec;

/// What a component says of another entity. The game's server names it by its own [`EntityRef::Local`]; on the wire and at
/// clients it is a [`NetId`].
///
/// An entity that is not replicated, or no longer, is [`EntityRef::None`] to clients, and named when it is. A client may
/// hear of a reference before it sees the entity: then the view has no entity of that [`NetId`] yet, and may never have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EntityRef {
    /// No entity.
    #[default]
    None,
    /// An entity of this world, by the bits of its `Entity`.
    Local(u64),
    /// A replicated entity.
    Net(NetId),
}

impl EntityRef {
    /// What the server calls it, as clients read it.
    #[must_use]
    pub const fn net_id(self) -> Option<NetId> {
        match self {
            Self::Net(id) => Some(id),
            _ => None,
        }
    }

    /// The lanes of a reference: one above the index, so that 0 is none, and the generation.
    pub(super) fn to_lanes(id: Option<NetId>) -> [u32; 2] {
        id.map_or([0, 0], |id| [id.index.min(NetId::INDEX_MAX) + 1, u32::from(id.generation)])
    }

    pub(super) fn from_lanes([index, generation]: [u32; 2]) -> Option<NetId> {
        Some(NetId { index: index.checked_sub(1)?, generation: generation as u16 })
    }
}

/// How [`LaneWriter`](super::LaneWriter) finds the [`NetId`] of a local entity.
pub(super) enum NetIds<'a> {
    /// It knows none: what is local becomes nothing.
    Unknown,
    /// As the server knows them.
    Known(&'a mut dyn FnMut(u64) -> Option<NetId>),
    /// References are not to change: lanes say where in this list they are.
    Kept(&'a mut KeptRefs),
}

/// How [`LaneReader`](super::LaneReader) finds the entity of a [`NetId`].
pub(super) enum Entities<'a> {
    /// It stays what it is.
    Unknown,
    /// As the server knows them.
    Known(&'a mut dyn FnMut(NetId) -> EntityRef),
    /// What [`NetIds::Kept`] kept.
    Kept(&'a KeptRefs),
}

/// A component has no more references than this.
pub(super) type KeptRefs = ArrayVec<EntityRef, { super::replicate::LANES_MAX / 2 }>;

impl NetIds<'_> {
    pub(super) fn lanes_of(&mut self, reference: EntityRef) -> [u32; 2] {
        match self {
            Self::Kept(kept) => {
                kept.push(reference);
                [kept.len() as u32, 0]
            }
            Self::Known(find) => EntityRef::to_lanes(match reference {
                EntityRef::Local(bits) => find(bits),
                other => other.net_id(),
            }),
            Self::Unknown => EntityRef::to_lanes(reference.net_id()),
        }
    }
}

impl Entities<'_> {
    pub(super) fn of_lanes(&mut self, lanes: [u32; 2]) -> EntityRef {
        match self {
            Self::Kept(kept) => kept.get((lanes[0] as usize).wrapping_sub(1)).copied().unwrap_or_default(),
            Self::Known(find) => EntityRef::from_lanes(lanes).map_or(EntityRef::None, find),
            Self::Unknown => EntityRef::from_lanes(lanes).map_or(EntityRef::None, EntityRef::Net),
        }
    }
}

impl core::fmt::Debug for NetIds<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("NetIds")
    }
}

impl core::fmt::Debug for Entities<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Entities")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_replicated_has_a_net_id() {
        let id = NetId { index: 3, generation: 5 };
        let ids = [EntityRef::Net(id), EntityRef::Local(3), EntityRef::None].map(EntityRef::net_id);
        assert_eq!(ids, [Some(id), None, None]);
    }
}
