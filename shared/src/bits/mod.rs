//! Reading and writing bit by bit, least significant bit first: bit `n` of a buffer is bit `n % 8` of byte `n / 8`.
//!
//! Writing is asserted (the values are ours), reading is checked (the bytes are a stranger's): the reader never panics.
//!
//! Small numbers of unknown size are written in exponential Golomb code of order `k`: for `v + 2^k` of `n` significant
//! bits, `n - k - 1` zeros, a one, then the low `n - 1` bits. Source: J. Teuhola, "A compression method for clustered
//! bit-vectors", 1978; the form with zeros first is that of ITU-T H.264, section 9.1.

mod golomb;
mod reader;
mod writer;

pub(crate) use golomb::golomb;
pub use reader::{BitReader, Malformed};
pub use writer::BitWriter;

/// Folds a signed number into an unsigned one so that small magnitudes stay small: 0, -1, 1, -2, 2, ...
#[must_use]
pub const fn zigzag(value: i32) -> u32 {
    (value.wrapping_shl(1) ^ (value >> 31)).cast_unsigned()
}

/// The inverse of [`zigzag`].
#[must_use]
pub const fn unzigzag(value: u32) -> i32 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// How many bits the numbers `0..=max` need.
#[must_use]
pub const fn bits_for(max: u32) -> u32 {
    u32::BITS - max.leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Item {
        Fixed(u64, u32),
        Golomb(u32, u32),
        Signed(i32, u32),
    }

    fn item() -> impl Strategy<Value = Item> {
        prop_oneof![
            (any::<u64>(), 0u32..=64)
                .prop_map(|(v, bits)| Item::Fixed(if bits == 64 { v } else { v & ((1 << bits) - 1) }, bits)),
            (any::<u32>(), 0u32..=16).prop_map(|(v, k)| Item::Golomb(v, k)),
            (any::<i32>(), 0u32..=16).prop_map(|(v, k)| Item::Signed(v, k)),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(items in prop::collection::vec(item(), 0..60)) {
            let mut w = BitWriter::new();
            for it in &items {
                match *it {
                    Item::Fixed(v, bits) => w.write(v, bits),
                    Item::Golomb(v, k) => w.write_golomb(v, k),
                    Item::Signed(v, k) => w.write_signed_golomb(v, k),
                }
            }
            let len_bits = w.len_bits();
            let bytes = w.finish().to_vec();
            prop_assert_eq!(bytes.len(), len_bits.div_ceil(8));
            let mut r = BitReader::new(&bytes);
            for it in &items {
                match *it {
                    Item::Fixed(v, bits) => prop_assert_eq!(r.read(bits), Ok(v)),
                    Item::Golomb(v, k) => prop_assert_eq!(r.read_golomb(k), Ok(v)),
                    Item::Signed(v, k) => prop_assert_eq!(r.read_signed_golomb(k), Ok(v)),
                }
            }
            prop_assert_eq!(r.position_bits(), len_bits);
        }

        #[test]
        fn reading_any_bytes_ends_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..40), ops in prop::collection::vec((0u32..4, 0u32..=64), 0..80)) {
            let mut r = BitReader::new(&bytes);
            for (op, n) in ops {
                let before = r.position_bits();
                let failed = match op {
                    0 => r.read(n).is_err(),
                    1 => r.read_golomb(n % 20).is_err(),
                    2 => r.read_bytes(n as usize).is_err(),
                    _ => r.read_bool().is_err(),
                };
                prop_assert!(r.position_bits() <= bytes.len() * 8);
                if failed { prop_assert!(r.position_bits() >= before); }
            }
        }

        #[test]
        fn bytes_are_read_as_they_were_written_wherever_they_begin(lead in 0u32..20, bytes in prop::collection::vec(any::<u8>(), 0..40), tail in 0usize..3) {
            let mut w = BitWriter::new();
            w.write(0, lead);
            w.write_bytes(&bytes);
            w.write_bytes(&[0xA5; 2][..tail]);
            let written = w.finish();
            let mut r = BitReader::new(written);
            prop_assert_eq!(r.read(lead), Ok(0));
            prop_assert_eq!(r.read_bytes(bytes.len()), Ok(bytes));
            prop_assert_eq!(r.read_bytes(tail), Ok([0xA5; 2][..tail].to_vec()));
        }

        #[test]
        fn appended_bits_equal_written_bits(lead in 0u32..20, bytes in prop::collection::vec(any::<u8>(), 0..40), cut in 0usize..8) {
            let len_bits = (bytes.len() * 8).saturating_sub(cut);
            let mut w = BitWriter::new();
            w.write(0, lead);
            w.append(&bytes, len_bits);
            w.write(1, 1);
            let out = w.finish().to_vec();
            let mut r = BitReader::new(&out);
            r.read(lead).unwrap();
            let mut source = BitReader::new(&bytes);
            for _ in 0..len_bits {
                prop_assert_eq!(r.read_bool().unwrap(), source.read_bool().unwrap());
            }
            prop_assert!(r.read_bool().unwrap());
        }

        #[test]
        fn bits_from_the_middle_append_as_the_bits_they_were(
            lead in 0u32..64, bytes in prop::collection::vec(any::<u8>(), 1..60), cut in (0usize..100, 0usize..100)
        ) {
            let (begin, len_bits) = (cut.0.min(bytes.len() * 8), cut.1.min(bytes.len() * 8 - cut.0.min(bytes.len() * 8)));
            let mut w = BitWriter::new();
            w.write(0, lead);
            let padded = [&bytes[..], &[0xFF; BitWriter::TAIL_BYTES]].concat();
            w.append_from(&padded, begin, len_bits);
            w.write(1, 1);
            let (mut r, mut source) = (BitReader::new(w.finish()), BitReader::new(&bytes));
            r.read(lead).unwrap();
            (0..begin).for_each(|_| { source.read(1).unwrap(); });
            for _ in 0..len_bits {
                prop_assert_eq!(r.read_bool().unwrap(), source.read_bool().unwrap());
            }
            prop_assert!(r.read_bool().unwrap());
        }

        #[test]
        fn what_is_taken_back_leaves_no_trace(bits in 0usize..300, more in 0usize..300) {
            let (mut w, mut expected) = (BitWriter::new(), BitWriter::new());
            (0..bits).for_each(|n| { w.write_bool(n % 3 == 0); expected.write_bool(n % 3 == 0); });
            (0..more).for_each(|_| w.write_bool(true));
            w.truncate(bits);
            for w in [&mut w, &mut expected] {
                w.write(0, 1);
                w.write(1, 1);
            }
            prop_assert_eq!(w.finish(), expected.finish());
        }
    }

    #[test]
    fn zigzag_keeps_small_magnitudes_small() {
        let folded: Vec<u32> = [0, -1, 1, -2, 2, i32::MAX, i32::MIN].map(zigzag).to_vec();
        assert_eq!(folded, [0, 1, 2, 3, 4, u32::MAX - 1, u32::MAX]);
        for value in [0, -1, 7, i32::MIN, i32::MAX] {
            assert_eq!(unzigzag(zigzag(value)), value);
        }
    }

    #[test]
    fn bits_are_laid_least_significant_first() {
        let mut w = BitWriter::new();
        w.write(1, 1);
        w.write(0b10, 2);
        w.write(0xAB, 8);
        assert_eq!(w.finish(), [0b0101_1101, 0b101]);
    }
}
