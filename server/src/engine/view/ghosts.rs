use tidelock::wire::GhostId;

/// The numbers that entities have in one client's view: each the lowest that was free.
#[derive(Debug, Default)]
pub(crate) struct Ghosts {
    /// By number.
    ghosts: Vec<Ghost>,
    /// Bit `n % 64` of word `n / 64`: number `n` is free.
    free: Vec<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Ghost {
    /// Of the entity.
    index: u32,
    /// How many of its streams are in the view, or have left it without an ack.
    streams: u8,
}

impl Ghosts {
    /// One above the largest number in use.
    pub(crate) const fn len(&self) -> usize {
        self.ghosts.len()
    }

    /// The entity of a ghost.
    #[inline]
    pub(crate) fn index_of(&self, ghost: GhostId) -> u32 {
        self.ghosts[ghost as usize].index
    }

    /// A number for the first stream of an entity.
    pub(super) fn take(&mut self, index: u32) -> GhostId {
        let ghost = match self.free.iter().position(|word| *word != 0) {
            Some(word) => {
                let bit = self.free[word].trailing_zeros();
                self.free[word] &= self.free[word] - 1;
                word as u32 * 64 + bit
            }
            None => {
                self.ghosts.push(Ghost::default());
                self.free.resize(self.ghosts.len().div_ceil(64), 0);
                self.ghosts.len() as u32 - 1
            }
        };
        self.ghosts[ghost as usize] = Ghost { index, streams: 1 };
        ghost
    }

    /// One more stream of the entity is in the view.
    pub(super) fn share(&mut self, ghost: GhostId) {
        self.ghosts[ghost as usize].streams += 1;
    }

    /// The client knows that one of the entity's streams is not in its view any more.
    pub(super) fn release(&mut self, ghost: GhostId) {
        let streams = &mut self.ghosts[ghost as usize].streams;
        *streams -= 1;
        if *streams == 0 {
            self.free[ghost as usize / 64] |= 1 << (ghost % 64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gets_the_lowest_that_is_free_and_keeps_it_for_all_its_streams() {
        let mut ghosts = Ghosts::default();
        assert_eq!([50, 60, 70].map(|index| ghosts.take(index)), [0, 1, 2]);
        ghosts.share(1);
        ghosts.release(1);
        ghosts.release(0);
        assert_eq!((ghosts.take(80), ghosts.take(90), ghosts.index_of(0)), (0, 3, 80));
        ghosts.release(1);
        assert_eq!((ghosts.take(60), ghosts.len()), (1, 4));
    }
}
