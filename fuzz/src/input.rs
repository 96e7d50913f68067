/// What the fuzzer gave, read from front to back. At the end there is nothing but zeros, so that every input is a whole
/// script: small changes to it stay small changes to what happens.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    bytes: &'a [u8],
}

impl<'a> Input<'a> {
    /// All of it is still to be read.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The next step of a script; `None` at its end.
    pub fn step(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        self.step().unwrap_or_default()
    }

    /// Two bytes, the low one first.
    pub fn u16(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// Eight bytes, the low one first.
    pub fn u64(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// A number below `bound`, which is from 1 to 65,536.
    pub fn below(&mut self, bound: usize) -> usize {
        let number = if bound > 256 { usize::from(self.u16()) } else { usize::from(self.byte()) };
        number % bound
    }

    /// The next `len` bytes, or as many as there are.
    pub fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(len.min(self.bytes.len()));
        self.bytes = rest;
        taken
    }

    /// A length below `bound` in two bytes, then so many bytes, or as many as there are.
    pub fn block(&mut self, bound: usize) -> &'a [u8] {
        let len = self.below(bound.max(257));
        self.take(len.min(bound))
    }
}
