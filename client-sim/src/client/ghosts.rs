use std::collections::BTreeMap;
use tidelock::wire::{GHOST_MAX, GhostId};
use tidelock::{Buffer, Tick};

/// Which entity each ghost means, in the streams of one audience: what the newest snapshot said that spoke of it.
#[derive(Debug, Default)]
pub(super) struct Ghosts {
    ghosts: Vec<Option<Ghost>>,
    /// The ghost of each entity.
    of: BTreeMap<u32, GhostId>,
}

#[derive(Clone, Copy, Debug)]
struct Ghost {
    /// Of the entity. `None`: it left before it came, or has another number by now.
    index: Option<u32>,
    /// The newest snapshot with a full record of it: deltas that are older are of another entity, or late.
    since: Tick,
    /// The newest snapshot in which it, or what had its number unheard of, left.
    left: Option<Tick>,
}

impl Ghost {
    /// Whether a full record in the snapshot of `tick` is of what has left.
    fn had_left_by(&self, tick: Tick) -> bool {
        self.left.is_some_and(|left| !tick.is_newer_than(left))
    }
}

impl Ghosts {
    /// How many numbers were heard of, and how many entities have one.
    pub(super) fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        see(Buffer { name: "client's ghosts", len: self.ghosts.len(), max: GHOST_MAX as usize + 1 });
        see(Buffer { name: "entities with a ghost", len: self.of.len(), max: self.ghosts.len() });
    }

    /// The entity that a delta in the snapshot of `tick` speaks of.
    pub(super) fn at(&self, ghost: GhostId, tick: Tick) -> Option<u32> {
        let ghost = self.ghosts.get(ghost as usize).copied().flatten()?;
        ghost.index.filter(|_| tick.is_newer_than(ghost.since))
    }

    /// A full record in the snapshot of `tick` says that `number` is the entity of `index`. False if that is not so any
    /// more: it has been another's since then, or has left.
    pub(super) fn enter(&mut self, number: GhostId, index: u32, tick: Tick) -> bool {
        let known = *self.slot(number);
        match known {
            Some(known) if known.had_left_by(tick) => return false,
            Some(known) if known.index == Some(index) => {
                let since = if tick.is_newer_than(known.since) { tick } else { known.since };
                *self.slot(number) = Some(Ghost { since, ..known });
                return true;
            }
            Some(known) if !tick.is_newer_than(known.since) => return false,
            _ => {}
        }
        if let Some(other) = self.of.get(&index).copied().filter(|other| *other != number)
            && let Some(other) = self.slot(other)
        {
            if !tick.is_newer_than(other.since) {
                // It has come again under another number.
                return true;
            }
            other.index = None;
        }
        if let Some(former) = known.and_then(|known| known.index) {
            self.of.remove(&former);
        }
        self.of.insert(index, number);
        *self.slot(number) = Some(Ghost { index: Some(index), since: tick, left: known.and_then(|known| known.left) });
        true
    }

    /// In the snapshot of `tick`, a ghost left. Which entity that was, if it is one that is known.
    pub(super) fn leave(&mut self, number: GhostId, tick: Tick) -> Option<u32> {
        let ghost = self.slot(number).get_or_insert(Ghost { index: None, since: tick, left: Some(tick) });
        // Also of a stay before the present one: what comes later still may be of that.
        ghost.left = Some(ghost.left.filter(|left| left.is_newer_than(tick)).unwrap_or(tick));
        if !tick.is_newer_than(ghost.since) {
            return None;
        }
        // Whatever leaves under this number from now on is another.
        let index = ghost.index.take()?;
        self.of.remove(&index);
        Some(index)
    }

    /// Forgets all of them but those of entities that are kept.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(u32) -> bool) {
        for ghost in &mut self.ghosts {
            *ghost = ghost.filter(|ghost| ghost.index.is_some_and(&mut keep));
        }
        self.of.retain(|index, _| keep(*index));
    }

    fn slot(&mut self, ghost: GhostId) -> &mut Option<Ghost> {
        let at = ghost as usize;
        if self.ghosts.len() <= at {
            self.ghosts.resize(at + 1, None);
        }
        &mut self.ghosts[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ghost_means_what_the_newest_snapshot_says() {
        let mut ghosts = Ghosts::default();
        assert!(ghosts.enter(3, 70, Tick(10)));
        assert_eq!((ghosts.at(3, Tick(11)), ghosts.at(3, Tick(10)), ghosts.at(2, Tick(11))), (Some(70), None, None));
        assert!(ghosts.enter(3, 80, Tick(20)));
        assert!(!ghosts.enter(3, 70, Tick(12)), "late");
        assert_eq!((ghosts.at(3, Tick(21)), ghosts.at(3, Tick(15))), (Some(80), None));
    }

    #[test]
    fn what_left_before_it_came_does_not_come_late() {
        let mut ghosts = Ghosts::default();
        assert_eq!(ghosts.leave(1, Tick(10)), None);
        assert!(!ghosts.enter(1, 5, Tick(9)));
        assert!(ghosts.enter(1, 6, Tick(11)));
        // Of what comes and goes after that, only the leave is heard.
        assert_eq!(ghosts.leave(1, Tick(12)), Some(6));
        assert_eq!(ghosts.leave(1, Tick(16)), None);
        assert!(!ghosts.enter(1, 7, Tick(14)));
        assert!(ghosts.enter(1, 8, Tick(17)));
    }

    #[test]
    fn what_left_before_it_came_does_not_come_late_though_it_is_back() {
        let mut ghosts = Ghosts::default();
        assert_eq!(ghosts.leave(1, Tick(10)), None);
        assert!(ghosts.enter(1, 5, Tick(14)));
        assert!(!ghosts.enter(1, 5, Tick(10)) && !ghosts.enter(1, 5, Tick(8)));
        assert!(ghosts.enter(1, 5, Tick(12)), "it came back before");
        assert_eq!((ghosts.at(1, Tick(14)), ghosts.at(1, Tick(15))), (None, Some(5)));
    }

    #[test]
    fn a_stay_that_is_over_does_not_come_late_though_its_end_did() {
        let mut ghosts = Ghosts::default();
        assert!(ghosts.enter(1, 5, Tick(14)));
        assert_eq!((ghosts.leave(1, Tick(12)), ghosts.at(1, Tick(15))), (None, Some(5)));
        assert!(!ghosts.enter(1, 5, Tick(10)) && !ghosts.enter(1, 5, Tick(12)) && ghosts.enter(1, 5, Tick(13)));
    }

    #[test]
    fn who_comes_again_under_another_number_has_that_alone() {
        let mut ghosts = Ghosts::default();
        ghosts.enter(0, 5, Tick(10));
        assert!(ghosts.enter(4, 5, Tick(20)));
        assert_eq!((ghosts.leave(0, Tick(22)), ghosts.at(4, Tick(22))), (None, Some(5)));
        assert_eq!((ghosts.at(0, Tick(23)), ghosts.leave(4, Tick(24))), (None, Some(5)));
    }
}
