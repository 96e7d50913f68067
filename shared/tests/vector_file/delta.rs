//! Bodies of deltas, and what they build on.

use super::{Vectors, json};
use serde_json::{Value, json};
use tidelock::bits::{BitReader, BitWriter, Malformed};
use tidelock::state::codec::{Baselines, TABLE_OF_CONTEXT, code_lengths, decode_delta, encode_delta};
use tidelock::state::{StreamLayout, Version};

/// Versions with their ages, and what a body makes of them.
pub(crate) struct Delta {
    pub(crate) name: &'static str,
    /// `None` where that of the whole file is meant.
    pub(crate) tick_hz: Option<u32>,
    pub(crate) first: Version,
    pub(crate) first_age: u32,
    pub(crate) second: Option<(Version, u32)>,
    pub(crate) new: Version,
    /// How a stranger writes it, if not as we do.
    pub(crate) by_hand: Option<fn(&mut BitWriter)>,
}

/// Ticks a second, where a vector does not say how many.
pub(crate) const TICK_HZ: u32 = 60;

/// What the header of a file says of its vectors.
pub(crate) const ABOUT: &str = "components: of the stream, as `tidelock-server schema --json` has them. tick_hz: ticks a second. given.first, given.second: the\n\
     baselines, each with how many ticks before the snapshot the tick lies that names it; second is null if there is none.\n\
     version: what it leads to.";

pub(crate) fn context(layout: &StreamLayout) -> Value {
    json!({ "tick_hz": TICK_HZ, "components": json::components(layout) })
}

impl Delta {
    pub(crate) fn given(&self) -> Value {
        let second = self.second.as_ref().map(|(version, age)| json::baseline(version, *age));
        let mut given = json!({ "first": json::baseline(&self.first, self.first_age), "second": second });
        if let Some(tick_hz) = self.tick_hz {
            given["tick_hz"] = tick_hz.into();
        }
        given
    }

    pub(crate) fn json(&self) -> Value {
        json!({ "given": self.given(), "version": json::version(&self.new) })
    }

    fn baselines(&self) -> Baselines<'_> {
        let second = self.second.as_ref().map(|(version, age)| (version.borrow(), *age));
        let tick_hz = self.tick_hz.unwrap_or(TICK_HZ);
        Baselines { first: self.first.borrow(), first_age: self.first_age, second, tick_hz }
    }

    pub(crate) fn write(&self, layout: &StreamLayout, w: &mut BitWriter) {
        match self.by_hand {
            Some(by_hand) => by_hand(w),
            None => encode_delta(layout, &self.baselines(), self.new.borrow(), w),
        }
    }

    pub(crate) fn read(&self, layout: &StreamLayout, bytes: &[u8]) -> Result<Version, Malformed> {
        let mut out = Version::default();
        decode_delta(layout, &self.baselines(), &mut BitReader::new(bytes), &mut out).map(|()| out)
    }
}

/// How many residual codes there are. Those of patterns follow.
pub(crate) fn residual_codes() -> usize {
    usize::from(*TABLE_OF_CONTEXT.iter().max().unwrap()) + 1
}

/// The code of a group of so many parts of which nothing is expected.
pub(crate) fn unknown(parts: u32) -> usize {
    residual_codes() + (1 << (2 * parts)) - 1
}

/// The code of a group of parts of which this is expected: 0 for those that are not there.
pub(crate) fn pattern(expected: [usize; 4]) -> usize {
    residual_codes() + expected.into_iter().rev().fold(0, |code, one| code * 4 + one)
}

/// The code of residuals in a context.
pub(crate) fn residual_code(family: usize, scale: usize, place: usize) -> usize {
    usize::from(TABLE_OF_CONTEXT[(family * 17 + scale) * 12 + place])
}

/// Writes a symbol's word, made from the lengths alone.
pub(crate) fn write_word(code: usize, symbol: usize, w: &mut BitWriter) {
    let lengths = code_lengths().nth(code).unwrap();
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|symbol| lengths[*symbol]);
    let (mut word, mut len) = (0u32, 0);
    for (number, at) in order.into_iter().enumerate() {
        word = if number == 0 { 0 } else { word + 1 } << (lengths[at] - len);
        len = lengths[at];
        if at == symbol {
            (0..len).rev().for_each(|bit| w.write_bool(word >> bit & 1 != 0));
        }
    }
}

/// Writes a residual as it is told, backwards if it goes against the lane's direction.
pub(crate) fn write_residual(code: usize, magnitude: u32, backwards: bool, w: &mut BitWriter) {
    let sign = usize::from(backwards);
    match magnitude {
        0 => write_word(code, 0, w),
        1..=3 => write_word(code, 2 * magnitude as usize - 1 + sign, w),
        4..8_192 => {
            let bits = magnitude.ilog2() - 1;
            let class = 2 * (bits + 1) + (magnitude >> bits & 1);
            write_word(code, 2 * class as usize - 1 + sign, w);
            w.write(u64::from(magnitude & ((1 << bits) - 1)), bits);
        }
        _ => {
            write_word(code, 51, w);
            w.write_bool(backwards);
            w.write_golomb(magnitude - 8_192, 12);
        }
    }
}

/// A body that must be refused, given what its twin is given.
pub(crate) struct Refused {
    pub(crate) name: &'static str,
    pub(crate) twin: &'static str,
    pub(crate) why: &'static str,
    pub(crate) write: fn(&mut BitWriter),
}

impl Refused {
    pub(crate) fn tell(&self, given: &Value, vectors: &mut Vectors) {
        vectors.refused_given(self.name, given, &format!("{}; twin: {}", self.why, self.twin), self.write);
    }
}
