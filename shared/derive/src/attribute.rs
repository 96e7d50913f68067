//! What stands in the parentheses of `#[replicate(...)]` and `#[field(...)]`: names, some with a value or a list.

use proc_macro2::Span;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Expr, Ident, Result, Token, parenthesized};

/// One entry.
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// What follows its name.
pub(crate) enum Value {
    /// `angle`
    None,
    /// `step = 0.5`
    One(Box<Expr>),
    /// `range(0..=9)`
    List(Vec<Expr>),
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        // A keyword is a name here like others.
        let ident: Ident = input.call(syn::ext::IdentExt::parse_any)?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Value::One(Box::new(input.parse()?))
        } else if input.peek(syn::token::Paren) {
            let list;
            parenthesized!(list in input);
            Value::List(Punctuated::<Expr, Token![,]>::parse_terminated(&list)?.into_iter().collect())
        } else {
            Value::None
        };
        Ok(Self { name: ident.to_string(), span: ident.span(), value })
    }
}

/// All entries of the attributes called `attribute`, each of a name among `known` and none twice.
pub(crate) fn items(attributes: &[Attribute], attribute: &str, known: &[&str]) -> Result<Vec<Item>> {
    let mut items: Vec<Item> = Vec::new();
    for found in attributes.iter().filter(|found| found.path().is_ident(attribute)) {
        for item in found.parse_args_with(Punctuated::<Item, Token![,]>::parse_terminated)? {
            if !known.contains(&item.name.as_str()) {
                return Err(Error::new(item.span, unknown(&item.name, attribute, known)));
            }
            if items.iter().any(|other| other.name == item.name) {
                return Err(Error::new(item.span, format!("`{}` is said twice", item.name)));
            }
            items.push(item);
        }
    }
    Ok(items)
}

fn unknown(name: &str, attribute: &str, known: &[&str]) -> String {
    let near = known.iter().map(|known| (distance(name, known), known)).min().filter(|(distance, _)| *distance <= 2);
    match near {
        Some((_, near)) => format!("`{name}` is nothing that `#[{attribute}(...)]` knows: did you mean `{near}`?"),
        None => format!("`{name}` is nothing that `#[{attribute}(...)]` knows; it knows {}", known.join(", ")),
    }
}

/// How many letters must be changed, put in, left out or swapped with their neighbour to get from one name to the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let changed = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let best = changed.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                if swapped { best.min(table[i - 2][j - 2] + 1) } else { best }
            };
        }
    }
    table[a.len()][b.len()]
}
