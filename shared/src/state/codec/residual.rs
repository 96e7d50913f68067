use super::sink::{Code, Sink};
use crate::bits::{BitReader, Malformed};

// What a value differs by from its prediction, as one symbol of a prefix code and a few plain bits:
//
//   0             zero
//   1 + 2(c-1)+s  magnitude class c, 1 to 25, sign s; the bits of the magnitude below the class follow
//   LARGE         sign 1 | magnitude - 8192 in exponential Golomb code of order 12
//   TURN          not a residual: another component of the rotation is the largest now (`rotation.rs`)
//
// Magnitudes 1, 2 and 3 are classes of their own; from 4 on there are two classes to an octave.

/// A magnitude beyond the classes.
const LARGE: u8 = 51;
/// The largest component of a rotation has changed.
pub(super) const TURN: u8 = 52;
/// The first magnitude beyond the classes.
const LARGE_FROM: u32 = 8192;

/// The class of a magnitude below [`LARGE_FROM`], and how many plain bits follow.
#[inline]
const fn class_of(magnitude: u32) -> (u32, u32) {
    if magnitude < 4 {
        return (magnitude, 0);
    }
    let octave = 31 - magnitude.leading_zeros();
    (octave * 2 + (magnitude >> (octave - 1) & 1), octave - 1)
}

/// The least magnitude of a class, and how many plain bits follow.
#[inline]
const fn floor_of(class: u32) -> (u32, u32) {
    if class < 4 {
        return (class, 0);
    }
    let bits = class / 2 - 1;
    ((2 + class % 2) << bits, bits)
}

/// Writes a residual. `towards` is the direction of the motion that was predicted: a residual that goes on with it and one
/// that goes back are told apart, whichever way the axis points.
#[inline]
pub(super) fn write<S: Sink>(residual: i32, towards: i32, code: Code, sink: &mut S) {
    if residual == 0 {
        return sink.symbol(code, 0, 0, 0);
    }
    let sign = u32::from((residual < 0) != (towards < 0));
    let magnitude = residual.unsigned_abs();
    if magnitude >= LARGE_FROM {
        sink.symbol(code, LARGE, sign, 1);
        return sink.golomb(magnitude - LARGE_FROM, 12);
    }
    let (class, bits) = class_of(magnitude);
    let symbol = 1 + (class - 1) * 2 + sign;
    sink.symbol(code, symbol as u8, magnitude & ((1 << bits) - 1), bits);
}

/// Reads the rest of a residual whose symbol was `symbol`.
#[inline]
pub(super) fn read(symbol: u8, towards: i32, r: &mut BitReader<'_>) -> Result<i32, Malformed> {
    let (sign, magnitude) = match symbol {
        0 => return Ok(0),
        LARGE => {
            let sign = r.read_u32(1)?;
            let beyond = r.read_golomb(12)?;
            (sign, beyond.checked_add(LARGE_FROM).filter(|magnitude| *magnitude < 1 << 31).ok_or(Malformed)?)
        }
        TURN.. => return Err(Malformed),
        _ => {
            let (floor, bits) = floor_of(u32::from(symbol - 1) / 2 + 1);
            (u32::from(symbol - 1) & 1, floor + r.read_u32(bits)?)
        }
    };
    let magnitude = magnitude.cast_signed();
    Ok(if (sign == 1) != (towards < 0) { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
