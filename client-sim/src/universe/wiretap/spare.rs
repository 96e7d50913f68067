use super::Said;

/// What was said and is not needed any more, kept for its memory.
#[derive(Debug, Default)]
pub(super) struct Spare(
    #[expect(clippy::vec_box, reason = "they are large, and go from hand to hand in their boxes")] Vec<Box<Said>>,
);

impl Spare {
    /// One to be filled anew.
    pub(super) fn take(&mut self) -> Box<Said> {
        self.0.pop().unwrap_or_default()
    }

    pub(super) fn give_back(&mut self, said: Box<Said>) {
        self.0.push(said);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
