//! Numbers that the macro can see for itself. What it cannot, the compiler checks when it evaluates the constant.

use syn::{BinOp, Error, Expr, ExprLit, Lit, Result, UnOp};

/// The value of an expression of plain numbers.
pub(crate) fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) => int.base10_parse::<i64>().ok().map(|int| int as f64),
        Expr::Lit(ExprLit { lit: Lit::Float(float), .. }) => float.base10_parse().ok(),
        Expr::Paren(inner) => number(&inner.expr),
        Expr::Group(inner) => number(&inner.expr),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => number(&unary.expr).map(|value| -value),
        Expr::Binary(binary) => {
            let (a, b) = (number(&binary.left)?, number(&binary.right)?);
            match binary.op {
                BinOp::Add(_) => Some(a + b),
                BinOp::Sub(_) => Some(a - b),
                BinOp::Mul(_) => Some(a * b),
                BinOp::Div(_) => Some(a / b),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A whole number from `min` to `max`, for what is called `name`.
pub(crate) fn whole(expr: &Expr, name: &str, min: u8, max: u8) -> Result<u8> {
    let value = match expr {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) => int.base10_parse::<u8>().ok(),
        _ => None,
    };
    let in_range = value.filter(|value| (min..=max).contains(value));
    in_range.ok_or_else(|| Error::new_spanned(expr, format!("`{name}` is a whole number from {min} to {max}")))
}

/// A string, for what is called `name`.
pub(crate) fn string(expr: &Expr, name: &str, example: &str) -> Result<String> {
    match expr {
        Expr::Lit(ExprLit { lit: Lit::Str(string), .. }) if !string.value().is_empty() => Ok(string.value()),
        _ => Err(Error::new_spanned(expr, format!("`{name}` is a string: `{name} = \"{example}\"`"))),
    }
}
