use super::context::{Family, Place, context, scale_of};
use super::frame::Numbers;
use super::plan::FieldPlan;
use super::predict::Manner;

/// A lane whose residual is to be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    /// Its number in the field.
    pub(super) at: usize,
    pub(super) predicted: u32,
    /// Whether it was predicted to decrease.
    pub(super) backward: bool,
    pub(super) context: usize,
}

/// What was told of a lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) value: u32,
    /// That less what was predicted, or the other way round.
    pub(super) residual: i32,
}

/// Goes through the lanes of a field of numbers that differs from its prediction, in the order in which both ends tell them. The first
/// is told by itself, each other one in the context of the largest residual before it.
///
/// Of a velocity along the ground the slower coordinate comes first. If it has changed, then the other one changes as well, so that the
/// speed along the ground stays as it is: who runs a curve turns, and seldom slows down.
#[inline(always)]
pub(super) fn tell_lanes<const N: usize, E>(
    field: &FieldPlan,
    predicted: Numbers<N>,
    manner: &Manner,
    mut tell: impl FnMut(Lane) -> Result<Told, E>,
) -> Result<(), E> {
    let mut place = Place::first_of(N);
    let mut begin = 0;
    let lane = |at: usize, predicted, family, scale, place| Lane {
        at,
        predicted,
        backward: manner.backward >> at & 1 != 0,
        context: context(family, scale, place),
    };
    if N > 1
        && let Some(rests) = field.rests_on_ground()
    {
        let at = usize::from(predicted[1 % N].abs_diff(rests[1]) < predicted[0].abs_diff(rests[0]));
        let other = (1 - at) % N;
        let told = tell(lane(at, predicted[at], manner.family, manner.scale, place))?;
        place = place.after(told.residual);
        let (mut second, mut family, mut scale) = (predicted[other], manner.family, manner.scale);
        if told.residual != 0 {
            second = swerve([predicted[at], second], [rests[at], rests[1 - at]], told.value, field.maxes[other]);
            (family, scale) = (Family::Swerving, scale_of(u64::from(told.residual.unsigned_abs())));
        }
        place = place.after(tell(lane(other, second, family, scale, place))?.residual);
        begin = 2;
    }
    for (at, predicted) in predicted.iter().enumerate().skip(begin) {
        place = place.after(tell(lane(at, *predicted, manner.family, manner.scale, place))?.residual);
    }
    Ok(())
}

/// Of a velocity along the ground, the second coordinate if the first becomes `is` and the speed stays as it was.
#[inline]
fn swerve(was: [u32; 2], rests: [u32; 2], is: u32, max: u32) -> u32 {
    let [first, second] = [0, 1].map(|at| i64::from(was[at]) - i64::from(rests[at]));
    let is = i64::from(is) - i64::from(rests[0]);
    let left = root((first * first + second * second - is * is).max(0));
    let predicted = if second < 0 { -left } else { left };
    (predicted + i64::from(rests[1])).clamp(0, i64::from(max)) as u32
}

/// The root of `square`, which is not negative, rounded down. Below 2^52 that of floating point is as good: rounding cannot lift it to the
/// next whole number `n`, from which it is `1 / 2n` away at least, more than half of the last of 53 bits.
#[inline(always)]
fn root(square: i64) -> i64 {
    if square < 1 << 52 { libm::sqrt(square as f64) as i64 } else { square.isqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_rounded_down() {
        for n in (0..1000i64).chain([65_535, 65_536, (1 << 26) - 1, 1 << 26, 3_037_000_498]) {
            let squares = [n * n, n * n + 2 * n, (n * n).saturating_sub(1).max(0)];
            assert_eq!(squares.map(root), squares.map(i64::isqrt), "{n}");
        }
    }
}
