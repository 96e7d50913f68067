use super::references::NetIds;
use super::visibility::{Exception, Layers};
use super::{NetSlot, Owner};
use bevy_ecs::entity::Entity;
use bevy_ecs::prelude::Resource;
use bevy_ecs::world::World;
use tidelock::ClientId;
use tidelock::state::NetId;

/// Which entities may be named to whom. A record is the same for all that see its entity: so a reference in it is told only
/// if all of them may know of the other.
#[derive(Resource, Debug, Default)]
pub(crate) struct Discretion {
    /// By index, as far as clients had exceptions of any.
    exceptions: Vec<Counts>,
    /// The layers that clients see who see any, by ascending client.
    seen_layers: Vec<(ClientId, u64)>,
}

/// To how many clients an entity is shown, and from how many it is hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    shown: u32,
    hidden: u32,
}

impl Discretion {
    /// What clients call `target`, if all may know of it who see the entity of `holder`.
    pub(crate) fn name(world: &World, holder: NetSlot, target: Entity) -> Option<NetId> {
        let id = NetIds::of(world, target)?;
        let discretion = world.resource::<Self>();
        if discretion.counts(id.index).hidden > 0 {
            return None;
        }
        let Some(Layers(layers)) = world.get::<Layers>(target).copied() else { return Some(id) };
        let holding = world.resource::<NetIds>().at(holder.0)?;
        if holding == target {
            return Some(id);
        }
        let is_as_hidden = world.get::<Layers>(holding).is_some_and(|Layers(on)| on & !layers == 0);
        let owner_sees = world.get::<Owner>(holding).is_none_or(|owner| discretion.sees(owner.0) & layers != 0);
        (is_as_hidden && owner_sees && discretion.counts(holder.0).shown == 0).then_some(id)
    }

    /// A client's exception of an entity changes. Returns whether references from or to the entity may be told otherwise now.
    pub(crate) fn on_exception(&mut self, index: u32, before: Option<Exception>, now: Option<Exception>) -> bool {
        if self.exceptions.len() <= index as usize {
            self.exceptions.resize(index as usize + 1, Counts::default());
        }
        let counts = &mut self.exceptions[index as usize];
        let was = (counts.shown > 0, counts.hidden > 0);
        for (exception, step) in [(before, u32::MAX), (now, 1)] {
            match exception {
                Some(Exception::Shown) => counts.shown = counts.shown.wrapping_add(step),
                Some(Exception::Hidden) => counts.hidden = counts.hidden.wrapping_add(step),
                None => {}
            }
        }
        was != (counts.shown > 0, counts.hidden > 0)
    }

    /// Whether any client has an exception of an entity.
    pub(crate) fn has_exceptions(&self, index: u32) -> bool {
        self.counts(index) != Counts::default()
    }

    /// Which layers clients see, by ascending client: `changed` hears of those of whom it is no longer as it was.
    pub(crate) fn set_seen_layers(
        &mut self,
        seen: impl Iterator<Item = (ClientId, u64)>,
        mut changed: impl FnMut(ClientId),
    ) {
        let known = self.seen_layers.len();
        let mut at = 0;
        // What is so now goes behind what was known, which is forgotten then: that takes no other memory.
        for (client_id, layers) in seen {
            while at < known && self.seen_layers[at].0 < client_id {
                changed(self.seen_layers[at].0);
                at += 1;
            }
            let before = self.seen_layers[at..known].first().copied().filter(|(known, _)| *known == client_id);
            if before.map_or(0, |(_, before)| before) != layers {
                changed(client_id);
            }
            at += usize::from(before.is_some());
            if layers != 0 {
                self.seen_layers.push((client_id, layers));
            }
        }
        self.seen_layers[at..known].iter().for_each(|(client_id, _)| changed(*client_id));
        self.seen_layers.drain(..known);
    }

    fn sees(&self, client_id: ClientId) -> u64 {
        let at = self.seen_layers.binary_search_by_key(&client_id, |(client_id, _)| *client_id);
        at.map_or(0, |at| self.seen_layers[at].1)
    }

    fn counts(&self, index: u32) -> Counts {
        self.exceptions.get(index as usize).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(discretion: &mut Discretion, seen: &[(u64, u64)]) -> Vec<u64> {
        let mut changed = Vec::new();
        let seen = seen.iter().map(|(client, layers)| (ClientId(*client), *layers));
        discretion.set_seen_layers(seen, |client_id| changed.push(client_id.0));
        changed
    }

    #[test]
    fn it_is_told_of_whom_other_layers_are_seen_than_before() {
        let mut discretion = Discretion::default();
        assert_eq!(set(&mut discretion, &[(1, 0), (3, 0b1), (5, 0b10), (7, 0b11)]), [3, 5, 7]);
        assert!(set(&mut discretion, &[(1, 0), (3, 0b1), (5, 0b10), (7, 0b11)]).is_empty());
        assert_eq!(set(&mut discretion, &[(2, 0b1), (3, 0), (5, 0b11), (6, 0)]), [2, 3, 5, 7]);
        assert_eq!([2, 3, 5, 7].map(|client| discretion.sees(ClientId(client))), [0b1, 0, 0b11, 0]);
    }

    #[test]
    fn only_the_first_and_the_last_exception_of_a_kind_change_what_may_be_told() {
        let mut discretion = Discretion::default();
        let (shown, hidden) = (Some(Exception::Shown), Some(Exception::Hidden));
        assert!(discretion.on_exception(4, None, hidden));
        assert!(!discretion.on_exception(4, None, hidden));
        assert!(discretion.on_exception(4, hidden, shown));
        assert!(discretion.on_exception(4, hidden, None));
        assert!(discretion.has_exceptions(4));
        assert!(discretion.on_exception(4, shown, None));
        assert!(!discretion.on_exception(4, None, None) && !discretion.has_exceptions(4));
    }
}
