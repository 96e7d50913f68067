use bevy_ecs::change_detection::Tick as ChangeTick;
use std::collections::VecDeque;

/// When the changes of a component are captured: each entity has a turn every so many captures, and they do not all have it
/// at the same.
#[derive(Debug)]
pub(super) struct Turns {
    every: u32,
    /// Captures so far, modulo `every`.
    phase: u32,
    /// When the last `every` captures began to look, oldest first.
    since: VecDeque<ChangeTick>,
}

impl Turns {
    /// A turn every `every` captures, at least 1.
    pub(super) fn new(every: u32) -> Self {
        Self { every: every.max(1), phase: 0, since: VecDeque::with_capacity(every.max(1) as usize) }
    }

    /// A capture begins, of what changed after `since`. Returns since when those must be looked at whose turn it is: since
    /// their last one.
    pub(super) fn begin(&mut self, since: ChangeTick) -> ChangeTick {
        self.phase = (self.phase + 1) % self.every;
        if self.since.len() == self.every as usize {
            self.since.pop_front();
        }
        self.since.push_back(since);
        self.since[0]
    }

    /// Whether it is the turn of the entity of `index`.
    pub(super) const fn has(&self, index: u32) -> bool {
        self.every == 1 || (index % self.every + self.phase).is_multiple_of(self.every)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entity_has_one_turn_in_a_round_and_sees_the_whole_of_it() {
        let mut turns = Turns::new(3);
        let mut last_turn = [0; 7];
        for capture in 1..=30 {
            // A capture looks at what changed after the change tick that was current at the end of the one before.
            let since = turns.begin(ChangeTick::new(capture - 1)).get();
            let taking: Vec<usize> = (0..7).filter(|index| turns.has(*index as u32)).collect();
            assert!((2..=3).contains(&taking.len()), "{taking:?}");
            for index in taking {
                assert!(
                    since <= last_turn[index],
                    "what changed after {} would be missed at {capture}",
                    last_turn[index]
                );
                assert!(capture <= 3 || capture - last_turn[index] == 3);
                last_turn[index] = capture;
            }
        }
    }
}
