use crate::Tick;
use crate::bits::{BitReader, BitWriter, Malformed};
use crate::state::{Lane, read_change_into, write_change};

/// The most inputs a datagram carries: what is older and still unconfirmed is given up.
pub const INPUTS_MAX: usize = 64;

/// Writes the inputs of consecutive ticks, the newest first, as lanes. `older` gives those before the newest; as many of
/// them are written as fit `room_bits` together with the newest, which always is.
///
/// ```text
/// 0  none
/// 1 | newest tick 16 | how many older golomb 2 | newest against the default | each older against the one before it
/// ```
pub fn write_inputs<'a>(
    lanes: &[Lane],
    default: &[u32],
    newest_tick: Tick,
    newest: &'a [u32],
    older: impl Iterator<Item = &'a [u32]>,
    room_bits: usize,
    w: &mut BitWriter,
) {
    let mut changes = BitWriter::new();
    changes.reserve_bytes(CHANGES_BYTES);
    write_change(lanes, default, newest, &mut changes);
    let mut newer = newest;
    let (mut count, mut bits) = (0, changes.len_bits());
    for input in older.take(INPUTS_MAX - 1) {
        write_change(lanes, newer, input, &mut changes);
        if HEAD_BITS_MAX + changes.len_bits() > room_bits {
            break;
        }
        (count, bits, newer) = (count + 1, changes.len_bits(), input);
    }
    w.write_bool(true);
    w.write(u64::from(newest_tick.low()), 16);
    w.write_golomb(count, 2);
    w.append(changes.finish(), bits);
}

/// Few inputs take more.
const CHANGES_BYTES: usize = 128;
/// The most bits before the first input: one, the tick, the count.
const HEAD_BITS_MAX: usize = 1 + 16 + 11;

/// Reads what [`write_inputs`] wrote, input by input.
#[derive(Debug)]
pub struct InputReader<'a> {
    lanes: &'a [Lane],
    tick: Tick,
    left: u32,
}

impl<'a> InputReader<'a> {
    /// Reads the head. `near` is a tick not far from the newest. `None` if the datagram carries no inputs.
    pub fn new(lanes: &'a [Lane], near: Tick, r: &mut BitReader<'_>) -> Result<Option<Self>, Malformed> {
        if !r.read_bool()? {
            return Ok(None);
        }
        let tick = Tick::expand(r.read(16)? as u16, near);
        let older = r.read_golomb(2)?;
        if older as usize >= INPUTS_MAX {
            return Err(Malformed);
        }
        Ok(Some(Self { lanes, tick, left: older + 1 }))
    }

    /// Reads the next input, newest first. `values` must hold the default at the first call, and is the input after each.
    pub fn next(&mut self, values: &mut [u32], r: &mut BitReader<'_>) -> Result<Option<Tick>, Malformed> {
        if self.left == 0 {
            return Ok(None);
        }
        read_change_into(self.lanes, values, r)?;
        let tick = self.tick;
        self.left -= 1;
        self.tick = tick.sub(1);
        Ok(Some(tick))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::golomb;
    use crate::state::Coding;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const LANES: [Lane; 2] = [Lane { max: 255, coding: Coding::Number(2) }, Lane { max: 7, coding: Coding::Symbol }];

    #[test]
    fn inputs_come_back_newest_first() {
        let inputs: [[u32; 2]; 4] = [[10, 0], [10, 0], [12, 3], [0, 7]];
        let mut w = BitWriter::new();
        write_inputs(&LANES, &[128, 0], Tick(70_000), &inputs[0], inputs[1..].iter().map(|i| &i[..]), 9_600, &mut w);
        let bytes = w.finish().to_vec();
        let mut r = BitReader::new(&bytes);
        let mut reader = InputReader::new(&LANES, Tick(69_990), &mut r).unwrap().unwrap();
        let mut values = [128, 0];
        let mut got = Vec::new();
        while let Some(tick) = reader.next(&mut values, &mut r).unwrap() {
            got.push((tick.0, values));
        }
        assert_eq!(got, [(70_000, [10, 0]), (69_999, [10, 0]), (69_998, [12, 3]), (69_997, [0, 7])]);
    }

    #[test]
    fn no_more_inputs_are_written_than_are_read() {
        let mut w = BitWriter::new();
        write_inputs(&LANES, &[0, 0], Tick(9), &[5, 1], (0..100).map(|_| &[5, 1][..]), 9_600, &mut w);
        let mut r = BitReader::new(w.finish());
        let mut reader = InputReader::new(&LANES, Tick(9), &mut r).unwrap().unwrap();
        let mut values = [0, 0];
        let ticks: Vec<Tick> = core::iter::from_fn(|| reader.next(&mut values, &mut r).unwrap()).collect();
        assert!(ticks.into_iter().eq((0..INPUTS_MAX as u32).map(|age| Tick(9).sub(age))));
    }

    #[test]
    fn an_unchanged_input_costs_one_bit() {
        let bits = |count: usize| {
            let mut w = BitWriter::new();
            write_inputs(&LANES, &[0, 0], Tick(9), &[5, 1], (0..count).map(|_| &[5, 1][..]), 9_600, &mut w);
            w.len_bits()
        };
        assert_eq!(bits(3) - bits(2), 1);
    }

    proptest! {
        #[test]
        fn as_many_inputs_as_fit_to_the_bit_come_back(
            tick in any::<u32>(), distance in i16::MIN..=i16::MAX, nth in any::<prop::sample::Index>(), beside in 0usize..3,
            inputs in prop::collection::vec((0u32..=255, 0u32..=7), 1..100),
        ) {
            let inputs: Vec<[u32; 2]> = inputs.into_iter().map(|(a, b)| [a, b]).collect();
            // What so many of them take, or a bit less or more.
            let mut changes = BitWriter::new();
            let before = [[128, 0]].into_iter().chain(inputs.iter().copied());
            before.zip(&inputs).take(nth.index(inputs.len()) + 1).for_each(|(b, a)| write_change(&LANES, &b, a, &mut changes));
            let room_bits = HEAD_BITS_MAX + changes.len_bits() + beside - 1;
            let mut w = BitWriter::new();
            let older = inputs[1..].iter().map(|input| &input[..]);
            write_inputs(&LANES, &[128, 0], Tick(tick), &inputs[0], older, room_bits, &mut w);
            let len_bits = w.len_bits();
            let near = Tick(tick.wrapping_sub(i32::from(distance).cast_unsigned()));
            let mut r = BitReader::new(w.finish());
            let mut reader = InputReader::new(&LANES, near, &mut r).unwrap().unwrap();
            let mut values = [128, 0];
            let mut got = 0;
            while let Some(at) = reader.next(&mut values, &mut r).unwrap() {
                prop_assert_eq!((at, values), (Tick(tick).sub(got as u32), inputs[got]));
                got += 1;
            }
            prop_assert_eq!(r.position_bits(), len_bits);
            prop_assert!(got <= INPUTS_MAX);
            // Of what is left out the newest would not fit, were the count as long as it may be.
            let count_bits = golomb(got as u32 - 1, 2).1 as usize;
            let longest_bits = len_bits - count_bits + (HEAD_BITS_MAX - 1 - 16);
            prop_assert!(got == 1 || longest_bits <= room_bits, "the newest is always there");
            if got < inputs.len().min(INPUTS_MAX) {
                let mut next = BitWriter::new();
                write_change(&LANES, &inputs[got - 1], &inputs[got], &mut next);
                prop_assert!(longest_bits + next.len_bits() > room_bits);
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out_oldest_first() {
        let noisy: Vec<[u32; 2]> = (0..60).map(|n| [n * 97 % 256, n % 8]).collect();
        for room_bits in [40, 100, 333] {
            let mut w = BitWriter::new();
            write_inputs(&LANES, &[0, 0], Tick(100), &[9, 9 % 8], noisy.iter().map(|i| &i[..]), room_bits, &mut w);
            assert!(w.len_bits() <= room_bits);
            let bytes = w.finish().to_vec();
            let mut r = BitReader::new(&bytes);
            let mut reader = InputReader::new(&LANES, Tick(100), &mut r).unwrap().unwrap();
            let mut values = [0, 0];
            let mut got = Vec::new();
            while reader.next(&mut values, &mut r).unwrap().is_some() {
                got.push(values);
            }
            assert_eq!(got[1..], noisy[..got.len() - 1]);
        }
    }
}
