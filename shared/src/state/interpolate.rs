use super::Replicate;

/// A component that has values between two of its values: clients show them between two snapshots, and a server that
/// rewinds judges by them.
///
/// # Example
/// ```
/// use tidelock::state::{Interpolate, Replicate};
///
/// #[derive(Replicate, Debug, PartialEq)]
/// struct Height(#[field(range(0.0..=100.0), step = 0.5)] f32);
///
/// impl Interpolate for Height {
///     fn interpolate(from: &Self, to: &Self, t: f32) -> Self {
///         Self(from.0 + (to.0 - from.0) * t)
///     }
///
///     // Nothing climbs faster than 20 m/s: it was put there.
///     fn jumped(from: &Self, to: &Self, seconds: f32) -> bool {
///         (to.0 - from.0).abs() > 20.0 * seconds + 0.5
///     }
/// }
///
/// assert_eq!(Height::interpolate(&Height(10.0), &Height(20.0), 0.25), Height(12.5));
/// assert!(Height::jumped(&Height(10.0), &Height(90.0), 0.1));
/// ```
pub trait Interpolate: Replicate {
    /// What lies on the way from one value to another: `from` at 0, `to` at 1, and a guess at what comes next beyond 1.
    #[must_use]
    fn interpolate(from: &Self, to: &Self, t: f32) -> Self;

    /// Whether it came from one value to the other, `seconds` later, without passing what lies between, as by a
    /// teleport: then the first is shown until the other is due.
    #[must_use]
    fn jumped(from: &Self, to: &Self, seconds: f32) -> bool {
        let _ = (from, to, seconds);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::declared::component;
    use super::super::{Field, LaneReader, LaneWriter};
    use super::*;

    #[test]
    fn nothing_jumps_that_does_not_say_so() {
        component!(Height, Field::range("height", 0.0, 100.0, 0.5));
        impl Interpolate for Height {
            fn interpolate(_: &Self, _: &Self, _: f32) -> Self {
                Self
            }
        }
        assert!(!Height::jumped(&Height, &Height, 0.1));
    }
}
