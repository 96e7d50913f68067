use crate::Tick;
use crate::state::{Field, LaneReader, LaneWriter, Replicate};

/// A point in time between two ticks: what a client shows, and what a server rewinds to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moment {
    /// The last tick that is over by then.
    pub tick: Tick,
    /// Part of the way to the next, 0 to below 1.
    pub fraction: f32,
}

impl Moment {
    /// The end of a tick.
    #[must_use]
    pub const fn at(tick: Tick) -> Self {
        Self { tick, fraction: 0.0 }
    }

    /// So many ticks after this; before it, if negative.
    #[must_use]
    pub const fn add(self, ticks: f32) -> Self {
        let from = self.fraction + ticks;
        let whole = floor(from);
        let fraction = from - whole as f32;
        // Just below a whole number, the difference may round up to 1.
        let (whole, fraction) = if fraction >= 1.0 { (whole + 1, 0.0) } else { (whole, fraction) };
        Self { tick: Tick(self.tick.0.wrapping_add_signed(whole)), fraction }
    }

    /// How many ticks lie from `earlier` to this; negative if this comes first.
    #[must_use]
    pub const fn since(self, earlier: Self) -> f32 {
        self.tick.since(earlier.tick) as f32 + (self.fraction - earlier.fraction)
    }
}

/// How far before an input's own tick lies what its player was shown, as an input carries it: so that the server can judge
/// a shot by what the shooter saw. In 16ths of a tick, up to [`ViewAge::TICKS_MAX`] ticks; 0 is "nothing to rewind".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ViewAge(u16);

impl ViewAge {
    /// An older view counts as this old.
    pub const TICKS_MAX: u32 = 255;
    const PARTS: f32 = 16.0;
    const PARTS_MAX: u16 = Self::TICKS_MAX as u16 * 16;

    /// Of the input for `tick`, by a player who was shown `shown`. What was shown after that tick is not old.
    #[must_use]
    pub fn of(tick: Tick, shown: Moment) -> Self {
        let parts = Moment::at(tick).since(shown) * Self::PARTS + 0.5;
        Self(parts.clamp(0.0, f32::from(Self::PARTS_MAX)) as u16)
    }

    /// In ticks.
    #[must_use]
    pub fn ticks(self) -> f32 {
        f32::from(self.0) / Self::PARTS
    }

    /// What was shown to the player, by the input for `tick`.
    #[must_use]
    pub fn shown(self, tick: Tick) -> Moment {
        Moment::at(tick).add(-self.ticks())
    }
}

impl Replicate for ViewAge {
    const NAME: &'static str = "view_age";
    // It hardly changes from one input to the next.
    const FIELDS: &'static [Field] = &[Field::integer("parts", 0, Self::PARTS_MAX as i32).with_order(1)];

    fn quantize(&self, lanes: &mut LaneWriter<'_>) {
        lanes.integer(i32::from(self.0));
    }

    fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
        Self(lanes.integer() as u16)
    }
}

/// The next whole number below or at `value`, which lies within the reach of an `i32`; `core` has none for floats.
const fn floor(value: f32) -> i32 {
    let whole = value as i32;
    if value < whole as f32 { whole - 1 } else { whole }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_added_lies_between(tick in any::<u32>(), fraction in 0.0f32..1.0, ticks in -5_000.0f32..5_000.0) {
            let from = Moment { tick: Tick(tick), fraction };
            let to = from.add(ticks);
            prop_assert!((0.0..1.0).contains(&to.fraction), "{to:?}");
            prop_assert!((to.since(from) - ticks).abs() < 1e-3, "{from:?} {to:?} {ticks}");
        }

        #[test]
        fn a_server_looks_where_the_player_looked(tick in any::<u32>(), ago in 0.0f32..255.0) {
            let shown = Moment::at(Tick(tick)).add(-ago);
            let looked = ViewAge::of(Tick(tick), shown).snapped().shown(Tick(tick));
            prop_assert!(looked.since(shown).abs() <= 0.5 / 16.0 + 1e-4, "{looked:?} {shown:?}");
        }
    }

    #[test]
    fn an_age_is_bounded_and_never_negative() {
        let tick = Tick(3);
        assert_eq!(ViewAge::of(tick, Moment::at(Tick(9))), ViewAge::default());
        assert_eq!(ViewAge::of(tick, Moment::at(tick.sub(9_000))).ticks(), ViewAge::TICKS_MAX as f32);
        assert_eq!(ViewAge::default().shown(tick), Moment::at(tick));
        assert_eq!(ViewAge::of(tick, Moment { tick, fraction: f32::NAN }), ViewAge::default());
    }
}
