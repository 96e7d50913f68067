//! Bodies of deltas, and what they build on.

use super::json;
use serde_json::{Value, json};
use tidelock::bits::{BitReader, BitWriter, Malformed};
use tidelock::state::codec::{Baselines, decode_delta, encode_delta};
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
