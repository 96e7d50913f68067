//! The ends of ranges, and what is wrong with them as far as the macro can see.

use crate::literal::number;
use crate::shape::Integer;
use syn::{Error, Expr, ExprRange, RangeLimits, Result};

/// The most steps of a range, and from 0 to its ends.
const STEPS_MAX: f64 = 4_194_304.0;

/// Both ends of `min..=max`.
pub(crate) fn bounds(expr: &Expr) -> Result<(Expr, Expr)> {
    match expr {
        Expr::Range(ExprRange { start: Some(min), end: Some(max), limits: RangeLimits::Closed(_), .. }) => {
            Ok(((**min).clone(), (**max).clone()))
        }
        Expr::Range(ExprRange { start: Some(_), end: Some(_), .. }) => {
            Err(Error::new_spanned(expr, "both ends belong to a range: write `..=`"))
        }
        _ => Err(Error::new_spanned(expr, "a range has two ends: `-1.0..=1.0`")),
    }
}

/// Of floats, with their step.
pub(crate) fn check_range(min: &Expr, max: &Expr, step: &Expr) -> Result<()> {
    let (low, high, fine) = (number(min), number(max), number(step));
    if fine.is_some_and(|fine| fine <= 0.0) {
        return Err(Error::new_spanned(
            step,
            "a `step` is above 0: it is the difference between two neighbouring values",
        ));
    }
    let (Some(low), Some(high)) = (low, high) else { return Ok(()) };
    if low >= high {
        return Err(Error::new_spanned(max, format!("a range begins below its end, and {low} is not below {high}")));
    }
    let far = (high - low).max(low.abs()).max(high.abs());
    match fine {
        Some(fine) if far / fine > STEPS_MAX => {
            let coarsest = far / STEPS_MAX;
            let message = format!(
                "{:.0} steps are too many: a range has at most 4194304, counted from 0 too, or 32-bit floats are too \
                 coarse for it; take a step of at least {coarsest:.2e}",
                far / fine
            );
            Err(Error::new_spanned(step, message))
        }
        _ => Ok(()),
    }
}

/// Of whole numbers of this type.
pub(crate) fn check_integers(min: &Expr, max: &Expr, integer: Integer) -> Result<()> {
    for end in [min, max] {
        let fits = number(end).is_none_or(|value| (integer.min as f64..=integer.max as f64).contains(&value));
        if !fits {
            return Err(Error::new_spanned(end, format!("this is no `{}`", integer.name)));
        }
    }
    match (number(min), number(max)) {
        (Some(low), Some(high)) if low >= high => {
            Err(Error::new_spanned(max, format!("a range begins below its end, and {low} is not below {high}")))
        }
        (Some(low), Some(high)) if high - low >= 2_147_483_648.0 || high > 2_147_483_647.0 => {
            Err(Error::new_spanned(max, "a lane holds less than 2^31: take a smaller range, or a `counter`"))
        }
        _ => Ok(()),
    }
}
