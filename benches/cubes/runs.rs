use tidelock::bits::{BitReader, BitWriter, Malformed};

/// Writes which numbers a packet is about, as a snapshot does: gaps and runs. `numbers` ascend.
pub(crate) struct Runs<'a> {
    numbers: &'a [u32],
    next: u32,
    order: u32,
}

impl<'a> Runs<'a> {
    /// Chooses the order of the gaps' code, and writes it.
    pub(crate) fn begin(numbers: &'a [u32], w: &mut BitWriter) -> Self {
        let mut costs = [0; 4];
        let mut next = 0;
        for (at, number) in numbers.iter().enumerate() {
            if at == 0 || numbers[at - 1] + 1 != *number {
                (0..4).for_each(|order| costs[order as usize] += golomb_bits(number - next, order));
            }
            // Were a run to end here, the next one would begin after a gap.
            next = number + 2;
        }
        let order = (0..4).min_by_key(|order| costs[*order as usize]).unwrap_or(0);
        w.write(u64::from(order), 2);
        Self { numbers, next: 0, order }
    }

    /// Writes the next run, and says how long it is. 0: the end.
    pub(crate) fn write(&mut self, w: &mut BitWriter) -> usize {
        w.write_bool(!self.numbers.is_empty());
        let Some(first) = self.numbers.first() else { return 0 };
        let len = self.numbers.iter().zip(*first..).take_while(|(number, expected)| *number == expected).count();
        w.write_golomb(first - self.next, self.order);
        w.write_golomb(len as u32 - 1, 0);
        // Whoever follows the run directly belongs to it.
        self.next = first + len as u32 + 1;
        self.numbers = &self.numbers[len..];
        len
    }
}

/// Bits of a number in exponential Golomb code.
const fn golomb_bits(value: u32, order: u32) -> u32 {
    2 * (u32::BITS - (value + (1 << order)).leading_zeros()) - order - 1
}

/// Reads what [`Runs`] wrote.
pub(crate) struct ReadRuns {
    next: u32,
    order: u32,
}

impl ReadRuns {
    pub(crate) fn begin(r: &mut BitReader<'_>) -> Result<Self, Malformed> {
        Ok(Self { next: 0, order: r.read_u32(2)? })
    }

    /// The first number of the next run, and how many there are.
    pub(crate) fn read(&mut self, r: &mut BitReader<'_>) -> Result<Option<(u32, u32)>, Malformed> {
        if !r.read_bool()? {
            return Ok(None);
        }
        let first = self.next.checked_add(r.read_golomb(self.order)?).ok_or(Malformed)?;
        let len = r.read_golomb(0)?.checked_add(1).ok_or(Malformed)?;
        self.next = first.checked_add(len).and_then(|end| end.checked_add(1)).ok_or(Malformed)?;
        Ok(Some((first, len)))
    }
}
