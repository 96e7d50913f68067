use super::prefix::PrefixCode;
use super::sink::{Code, Sink};
use crate::bits::{BitReader, Malformed};

// What a value differs by from its prediction, as one symbol of a prefix code and a few plain bits:
//
//   0             zero
//   1 + 2(c-1)+s  magnitude class c, 1 to 25, sign s; the bits of the magnitude below the class follow
//   LARGE         sign 1 | magnitude - 8192 in exponential Golomb code of order 12
//   TURN          not a residual: another component of the rotation is the largest now (`rotation.rs`)
//
// The sign is turned round where a decrease was predicted: a residual that goes on with the motion that was predicted, and one that goes
// back, are told apart, whichever way the axis points.
//
// Magnitudes 1, 2 and 3 are classes of their own; from 4 on there are two classes to an octave.

/// A magnitude beyond the classes.
const LARGE: u8 = 51;
/// The largest component of a rotation has changed.
pub(super) const TURN: u8 = 52;
/// The first magnitude beyond the classes.
const LARGE_FROM: u32 = 8192;

/// The class of a magnitude below [`LARGE_FROM`], and how many plain bits follow. Without a branch, which nobody could foretell.
#[inline(always)]
const fn class_of(magnitude: u32) -> (u32, u32) {
    let octave = (magnitude | 2).ilog2();
    // What is below 2 has no octave.
    let below = (magnitude < 2) as u32;
    ((octave - below) * 2 + (magnitude >> (octave - 1) & 1), octave - 1)
}

/// The least magnitude of a class, and how many plain bits follow.
#[inline(always)]
const fn floor_of(class: u32) -> (u32, u32) {
    let below = (class < 2) as u32;
    let bits = class / 2 + below - 1;
    (((2 | class & 1) << bits) - below * 2, bits)
}

/// Writes a residual.
#[inline(always)]
pub(super) fn write<S: Sink>(residual: i32, context: usize, sink: &mut S) {
    let (sign, magnitude) = (u32::from(residual < 0), residual.unsigned_abs());
    if magnitude >= LARGE_FROM {
        sink.symbol(Code::Residual(context), LARGE, sign, 1);
        return sink.golomb(magnitude - LARGE_FROM, 12);
    }
    let (class, bits) = class_of(magnitude);
    let symbol = (class * 2 + sign).saturating_sub(1);
    sink.symbol(Code::Residual(context), symbol as u8, magnitude & ((1 << bits) - 1), bits);
}

/// Reads a residual that is in a code.
#[inline(always)]
pub(super) fn read(code: &PrefixCode, r: &mut BitReader<'_>) -> Result<i32, Malformed> {
    let ahead = r.ahead();
    let (symbol, len) = code.find(ahead)?;
    if symbol >= LARGE {
        r.skip(len)?;
        return read_large(symbol, r);
    }
    let symbol = u32::from(symbol) + 1;
    let (floor, bits) = floor_of(symbol / 2);
    r.skip(len + bits)?;
    let magnitude = (floor + ((ahead >> len) as u32 & ((1 << bits) - 1))).cast_signed();
    Ok(if symbol & 1 == 1 { -magnitude } else { magnitude })
}

/// What follows [`LARGE`].
#[cold]
fn read_large(symbol: u8, r: &mut BitReader<'_>) -> Result<i32, Malformed> {
    if symbol != LARGE {
        return Err(Malformed);
    }
    let sign = r.read_u32(1)?;
    let beyond = r.read_golomb(12)?;
    let magnitude =
        beyond.checked_add(LARGE_FROM).filter(|magnitude| *magnitude < 1 << 31).ok_or(Malformed)?.cast_signed();
    Ok(if sign == 1 { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::super::tables;
    use super::*;
    use crate::bits::BitWriter;

    #[test]
    fn classes_tile_all_magnitudes() {
        let mut expected = 0;
        for class in 0..26 {
            let (floor, bits) = floor_of(class);
            assert_eq!(floor, expected, "class {class}");
            for magnitude in floor..floor + (1 << bits) {
                assert_eq!(class_of(magnitude), (class, bits));
            }
            expected = floor + (1 << bits);
        }
        assert_eq!(expected, LARGE_FROM);
    }

    #[test]
    fn a_magnitude_of_31_bits_is_read_and_a_greater_one_refused() {
        let code = PrefixCode::new(&tables::RESIDUAL_LENGTHS[0]);
        let read_large = |sign, magnitude: u32| {
            let (mut w, word) = (BitWriter::new(), code.word(LARGE.into()));
            w.write(word.bits.into(), word.len.into());
            w.write(sign, 1);
            w.write_golomb(magnitude - LARGE_FROM, 12);
            read(&code, &mut BitReader::new(w.finish()))
        };
        let most = i32::MAX.cast_unsigned();
        assert_eq!([0, 1].map(|sign| read_large(sign, most)), [Ok(i32::MAX), Ok(-i32::MAX)]);
        assert_eq!([0, 1].map(|sign| read_large(sign, most + 1)), [Err(Malformed); 2]);
        assert_eq!(read_large(0, LARGE_FROM), Ok(8192));
    }
}
