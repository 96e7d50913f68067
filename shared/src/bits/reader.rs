use super::unzigzag;

/// The bytes end too early, or say something that no writer says. Whoever sees it counts it and drops the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed bits")]
pub struct Malformed;

/// Reads bits from a buffer of unknown origin. Never panics, whatever the bytes.
#[derive(Clone, Debug)]
pub struct BitReader<'a> {
    bytes: &'a [u8],
    position_bits: usize,
}

impl<'a> BitReader<'a> {
    /// A reader at the first bit of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position_bits: 0 }
    }

    /// Bits read so far.
    #[must_use]
    pub const fn position_bits(&self) -> usize {
        self.position_bits
    }

    /// Bits not yet read, padding included.
    #[must_use]
    pub const fn remaining_bits(&self) -> usize {
        self.bytes.len() * 8 - self.position_bits
    }

    /// Reads `bits` bits, at most 64.
    #[inline]
    pub fn read(&mut self, bits: u32) -> Result<u64, Malformed> {
        if bits > 32 {
            let low = self.pull(32)?;
            return Ok(low | self.pull((bits - 32).min(32))? << 32);
        }
        self.pull(bits)
    }

    /// Reads `bits` bits, at most 32.
    #[inline]
    pub fn read_u32(&mut self, bits: u32) -> Result<u32, Malformed> {
        Ok(self.pull(bits.min(32))? as u32)
    }

    /// Reads one bit.
    #[inline]
    pub fn read_bool(&mut self) -> Result<bool, Malformed> {
        Ok(self.pull(1)? != 0)
    }

    /// Reads a number in exponential Golomb code of order `k`, at most 31. What exceeds 32 bits is malformed.
    #[inline]
    pub fn read_golomb(&mut self, k: u32) -> Result<u32, Malformed> {
        let zeros = self.ahead().trailing_zeros();
        if zeros + k > 32 {
            return Err(Malformed);
        }
        self.skip(zeros + 1)?;
        let shifted = self.read(zeros + k)? | 1 << (zeros + k);
        u32::try_from(shifted - (1 << k)).map_err(|_| Malformed)
    }

    /// Reads a zigzag folded number in exponential Golomb code of order `k`.
    #[inline]
    pub fn read_signed_golomb(&mut self, k: u32) -> Result<i32, Malformed> {
        Ok(unzigzag(self.read_golomb(k)?))
    }

    /// Reads a number that must not exceed `max`, in as many bits as `max` needs.
    #[inline]
    pub fn read_up_to(&mut self, max: u32) -> Result<u32, Malformed> {
        let value = self.read_u32(super::bits_for(max))?;
        if value <= max { Ok(value) } else { Err(Malformed) }
    }

    /// Reads `len` whole bytes from wherever the reader stands.
    pub fn read_bytes(&mut self, len: usize) -> Result<alloc::vec::Vec<u8>, Malformed> {
        if len > self.remaining_bits() / 8 {
            return Err(Malformed);
        }
        let mut bytes = alloc::vec![0; len];
        let (fours, rest) = bytes.as_chunks_mut();
        for four in fours {
            *four = (self.pull(32)? as u32).to_le_bytes();
        }
        for byte in rest {
            *byte = self.pull(8)? as u8;
        }
        Ok(bytes)
    }

    /// Reads `bits` bits, whatever they are.
    #[inline]
    pub(crate) fn skip(&mut self, bits: u32) -> Result<(), Malformed> {
        if bits as usize > self.remaining_bits() {
            return Err(Malformed);
        }
        self.position_bits += bits as usize;
        Ok(())
    }

    /// At least the next 57 bits without reading them, lowest first, as far as there are so many; zeros follow.
    #[inline]
    pub(crate) fn ahead(&self) -> u64 {
        let byte = self.position_bits / 8;
        let word = match self.bytes.get(byte..byte + 8) {
            Some(eight) => u64::from_le_bytes(eight.try_into().unwrap_or_default()),
            None => self.last_word(byte),
        };
        word >> (self.position_bits % 8)
    }

    /// The last few bytes.
    #[cold]
    fn last_word(&self, byte: usize) -> u64 {
        self.bytes[byte.min(self.bytes.len())..].iter().rev().fold(0, |word, b| word << 8 | u64::from(*b))
    }

    /// At most 32 bits.
    #[inline]
    fn pull(&mut self, bits: u32) -> Result<u64, Malformed> {
        if bits as usize > self.remaining_bits() {
            return Err(Malformed);
        }
        let value = self.ahead() & ((1 << bits) - 1);
        self.position_bits += bits as usize;
        Ok(value)
    }
}
