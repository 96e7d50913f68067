use super::LineId;

/// Something for each connection that was heard of.
#[derive(Debug)]
pub struct PerLine<T>(Vec<Option<Box<T>>>);

impl<T> Default for PerLine<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Default> PerLine<T> {
    /// That of one connection, which begins with the default.
    pub fn of(&mut self, line: LineId) -> &mut T {
        if self.0.len() <= line.0 {
            self.0.resize_with(line.0 + 1, || None);
        }
        self.0[line.0].get_or_insert_default()
    }
}
