//! The bit reader and writer against a model so simple that it cannot be wrong: a list of bits.

use super::input::Input;
use tidelock::bits::{BitReader, BitWriter, zigzag};

/// What follows the first byte is read as the script says, by the reader and by the model; or written by both, and read
/// back.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    if input.byte().is_multiple_of(2) {
        let bytes = input.block(64);
        read(bytes, &mut input);
    } else {
        write(&mut input);
    }
}

/// Bits not yet read, first to last.
struct Bits {
    bits: Vec<bool>,
    at: usize,
}

impl Bits {
    fn of(bytes: &[u8]) -> Self {
        let bits = bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1)).collect();
        Self { bits, at: 0 }
    }

    fn bit(&mut self) -> Option<bool> {
        let bit = self.bits.get(self.at)?;
        self.at += 1;
        Some(*bit)
    }

    fn number(&mut self, bits: u32) -> Option<u64> {
        (0..bits).try_fold(0, |number, at| Some(number | u64::from(self.bit()?) << at))
    }

    /// Exponential Golomb, as its definition says: zeros, a one, then the rest of a number to which `2^k` was added.
    fn golomb(&mut self, k: u32) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
        }
        // More bits than any number of 32 has.
        if zeros + k > 32 {
            return None;
        }
        let shifted = u128::from(self.number(zeros + k)?) | 1 << (zeros + k);
        u32::try_from(shifted - (1 << k)).ok()
    }
}

/// After the first error nothing is promised but that no further one is a panic.
fn read(bytes: &[u8], input: &mut Input<'_>) {
    let mut reader = BitReader::new(bytes);
    let mut model = Bits::of(bytes);
    while let Some(step) = input.step() {
        let bits = u32::from(input.byte());
        let (read, expected) = match step % 6 {
            0 => (reader.read(bits % 65).ok(), model.number(bits % 65)),
            1 => (reader.read_u32(bits % 33).ok().map(u64::from), model.number(bits % 33)),
            2 => (reader.read_bool().ok().map(u64::from), model.number(1)),
            3 => (reader.read_golomb(bits % 32).ok().map(u64::from), model.golomb(bits % 32).map(u64::from)),
            4 => {
                let max = u32::from_le_bytes([bits as u8, input.byte(), input.byte(), input.byte()]);
                let expected = model.number(u32::BITS - max.leading_zeros()).filter(|number| *number <= u64::from(max));
                (reader.read_up_to(max).ok().map(u64::from), expected)
            }
            _ => {
                let read = reader.read_bytes(bits as usize);
                let expected: Option<Vec<u8>> = (0..bits).map(|_| Some(model.number(8)? as u8)).collect();
                assert_eq!(read.as_ref().ok(), expected.as_ref());
                (read.ok().map(|read| read.len() as u64), expected.map(|_| u64::from(bits)))
            }
        };
        assert_eq!(read, expected, "step {step} of {bits} bits");
        if read.is_none() {
            reader.read(1).ok();
            reader.read_golomb(0).ok();
            assert!(reader.position_bits() <= bytes.len() * 8);
            return;
        }
        assert_eq!((reader.position_bits(), reader.remaining_bits()), (model.at, model.bits.len() - model.at));
    }
}

/// One thing to write.
#[derive(Debug)]
enum Item {
    Fixed(u64, u32),
    Golomb(u32, u32),
    Signed(i32, u32),
    Bytes(Vec<u8>, usize),
}

fn item(step: u8, input: &mut Input<'_>) -> Item {
    let bits = u32::from(input.byte());
    match step % 4 {
        0 => Item::Fixed(input.u64() & u64::MAX.checked_shr(64 - bits % 65).unwrap_or(0), bits % 65),
        1 => Item::Golomb(input.u64() as u32 >> (bits / 32 * 4), bits % 32),
        2 => Item::Signed(input.u64() as i32 >> (bits / 32 * 4), bits % 32),
        _ => {
            let bytes = input.take(bits as usize % 40).to_vec();
            let cut = input.below(8).min(bytes.len() * 8);
            let len_bits = bytes.len() * 8 - cut;
            Item::Bytes(bytes, len_bits)
        }
    }
}

fn write(input: &mut Input<'_>) {
    let mut items = Vec::new();
    while let Some(step) = input.step() {
        items.push(item(step, input));
    }
    let (mut first, mut second) = (BitWriter::new(), BitWriter::new());
    // What is forgotten leaves nothing behind.
    second.write(5, 3);
    second.clear();
    let half = items.len() / 2;
    items[..half].iter().for_each(|item| put(item, &mut first));
    items[half..].iter().for_each(|item| put(item, &mut second));
    first.append_writer(&second);
    let (len_bits, len_bytes) = (first.len_bits(), first.len_bytes());
    let bytes = first.finish().to_vec();
    assert_eq!((bytes.len(), len_bits.div_ceil(8)), (len_bytes, len_bytes));
    let mut model = Bits::of(&bytes);
    items.iter().for_each(|item| expect(item, &mut model));
    assert_eq!(model.at, len_bits);
    assert!(model.bits[len_bits..].iter().all(|bit| !bit), "padding is zeros");
}

fn put(item: &Item, w: &mut BitWriter) {
    match item {
        Item::Fixed(value, bits) => w.write(*value, *bits),
        Item::Golomb(value, k) => w.write_golomb(*value, *k),
        Item::Signed(value, k) => w.write_signed_golomb(*value, *k),
        Item::Bytes(bytes, len_bits) => w.append(bytes, *len_bits),
    }
}

fn expect(item: &Item, model: &mut Bits) {
    match item {
        Item::Fixed(value, bits) => assert_eq!(model.number(*bits), Some(*value)),
        Item::Golomb(value, k) => assert_eq!(model.golomb(*k), Some(*value)),
        Item::Signed(value, k) => assert_eq!(model.golomb(*k), Some(zigzag(*value))),
        Item::Bytes(bytes, len_bits) => {
            let mut source = Bits::of(bytes);
            (0..*len_bits).for_each(|_| assert_eq!(model.bit(), source.bit()));
        }
    }
}
