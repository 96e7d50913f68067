/// How full something is that the network fills, and how full it may become: for checks that nothing grows without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// What it is, and in what it is counted if not in what it holds.
    pub name: &'static str,
    /// How much is in it.
    pub len: usize,
    /// How much may be.
    pub max: usize,
}

impl Buffer {
    /// Whether it is within its bound.
    #[must_use]
    pub const fn is_within(&self) -> bool {
        self.len <= self.max
    }
}
