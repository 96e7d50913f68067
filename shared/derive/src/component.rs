//! `#[replicate(...)]`: what is said of the whole type.

use crate::attribute::{Item, Value, items};
use crate::literal::{string, whole};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{DeriveInput, Error, Result};

/// Name and rules of a component.
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) rules: TokenStream,
}

const KNOWN: [&str; 7] = ["name", "public", "team", "owner", "every", "hz", "priority"];

impl Component {
    /// `tidelock` is the path of that crate.
    pub(crate) fn read(input: &DeriveInput, tidelock: &TokenStream) -> Result<Self> {
        let mut name = snake_case(&input.ident.to_string());
        let (mut audience, mut rate) = (None, None);
        let mut rules = quote!(#tidelock::state::Rules::PUBLIC);
        for item in items(&input.attrs, "replicate", &KNOWN)? {
            match item.name.as_str() {
                "name" => name = string(item.one("name = \"health\"")?, "name", "health")?,
                "priority" => {
                    let priority = whole(item.one("priority = 4")?, "priority", 1, 255)?;
                    rules = quote!(#rules.with_priority(#priority));
                }
                "every" | "hz" => {
                    let number = whole(item.one(&format!("{} = 20", item.name))?, &item.name, 1, 255)?;
                    once(&mut rate, &item, "a component has one rate: `every` or `hz`")?;
                    let unit = format_ident!("{}", if item.name == "hz" { "Hz" } else { "Ticks" });
                    rules = quote!(#rules.with_rate(#tidelock::state::SendRate::#unit(#number)));
                }
                word => {
                    item.bare()?;
                    once(&mut audience, &item, "a component has one audience: `public`, `team` or `owner`")?;
                    let variant = format_ident!("{}", capitalized(word));
                    rules = quote!(#rules.with_audience(#tidelock::state::Audience::#variant));
                }
            }
        }
        Ok(Self { name, rules })
    }
}

fn once(said: &mut Option<()>, item: &Item, message: &str) -> Result<()> {
    match said.replace(()) {
        None => Ok(()),
        Some(()) => Err(Error::new(item.span, message)),
    }
}

impl Item {
    /// The value after `=`.
    pub(crate) fn one(&self, example: &str) -> Result<&syn::Expr> {
        match &self.value {
            Value::One(expr) => Ok(expr),
            _ => Err(Error::new(self.span, format!("`{}` has a value: `{example}`", self.name))),
        }
    }

    /// It stands alone.
    pub(crate) fn bare(&self) -> Result<()> {
        match &self.value {
            Value::None => Ok(()),
            _ => Err(Error::new(self.span, format!("`{}` stands alone, without a value", self.name))),
        }
    }
}

fn capitalized(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}
