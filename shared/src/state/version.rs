use alloc::vec::Vec;

/// The whole of a stream at one tick: which of its components are present, and all their lanes, in schema order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// Bit `n` is set when the stream's component `n` is present.
    pub mask: u32,
    /// The lanes of the present components.
    pub lanes: Vec<u32>,
}

impl Version {
    /// Lends it.
    #[must_use]
    pub fn borrow(&self) -> VersionRef<'_> {
        VersionRef { mask: self.mask, lanes: &self.lanes }
    }
}

/// A borrowed [`Version`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionRef<'a> {
    /// Bit `n` is set when the stream's component `n` is present.
    pub mask: u32,
    /// The lanes of the present components.
    pub lanes: &'a [u32],
}
