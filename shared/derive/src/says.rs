//! What `#[field(...)]` says, before it is known of what.

use crate::attribute::{Item, Value, items};
use crate::bounds::bounds;
use proc_macro2::Span;
use syn::{Attribute, Error, Expr, Result};

/// The entries of its attribute.
pub(crate) struct Says {
    items: Vec<Item>,
    /// Which of the kinds of fields it names.
    pub(crate) kind: Option<&'static str>,
}

const KINDS: [&str; 9] = ["range", "angle", "rotation", "counter", "flags", "text", "blob", "nested", "skip"];
const KNOWN: [&str; 16] = [
    "range", "angle", "rotation", "counter", "flags", "text", "blob", "nested", "skip", "step", "bits", "bytes",
    "order", "velocity", "held", "name",
];

impl Says {
    pub(crate) fn read(attributes: &[Attribute]) -> Result<Self> {
        let items = items(attributes, "field", &KNOWN)?;
        let mut kind = None;
        for item in &items {
            let Some(word) = KINDS.iter().find(|kind| **kind == item.name) else { continue };
            if let Some(other) = kind.replace(*word) {
                return Err(Error::new(item.span, format!("a field is of one kind: `{other}` or `{word}`")));
            }
            if *word != "range" {
                item.bare()?;
            }
        }
        Ok(Self { items, kind })
    }

    pub(crate) fn item(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.name == name)
    }

    pub(crate) fn value(&self, name: &str) -> Option<Result<&Expr>> {
        let example = match name {
            "step" => "step = 0.01",
            "velocity" => "velocity = \"Velocity\"",
            "name" => "name = \"points\"",
            "bytes" => "bytes = 24",
            _ => "bits = 12",
        };
        self.item(name).map(|item| item.one(example))
    }

    pub(crate) fn span(&self, name: &str) -> Span {
        self.item(name).map_or_else(Span::call_site, |item| item.span)
    }

    pub(crate) fn kind_span(&self) -> Span {
        self.span(self.kind.unwrap_or_default())
    }

    /// An error if something is said that means nothing to `what`.
    pub(crate) fn only(&self, what: &str, keys: &[&str]) -> Result<()> {
        let odd =
            self.items.iter().find(|item| Some(item.name.as_str()) != self.kind && !keys.contains(&item.name.as_str()));
        match odd {
            None => Ok(()),
            Some(odd) if keys.is_empty() => {
                Err(Error::new(odd.span, format!("`{}` means nothing to {what}", odd.name)))
            }
            Some(odd) => {
                let keys = keys.join("`, `");
                Err(Error::new(odd.span, format!("`{}` means nothing to {what}, which takes `{keys}`", odd.name)))
            }
        }
    }

    /// An error unless the kind is one of `kinds`, or not said.
    pub(crate) fn kind_is(&self, what: &str, kinds: &[&str]) -> Result<()> {
        match self.kind {
            Some(kind) if !kinds.contains(&kind) => {
                let can = if kinds.is_empty() {
                    "nothing needs to be said".to_owned()
                } else {
                    format!("it can be `{}`", kinds.join("`, `"))
                };
                Err(Error::new(self.kind_span(), format!("{what} is no `{kind}`: {can}")))
            }
            _ => Ok(()),
        }
    }

    /// What stands in `range(...)`: one range, or `axes`.
    pub(crate) fn ranges(&self, axes: usize) -> Result<Vec<(Expr, Expr)>> {
        let Some(Item { value: Value::List(exprs), .. }) = self.item("range") else {
            return Err(Error::new(self.span("range"), "a range has its ends in parentheses: `range(0.0..=1.0)`"));
        };
        if exprs.len() != 1 && exprs.len() != axes {
            let message = match axes {
                1 => "one range is all there is room for here".to_owned(),
                axes => format!("give one range for all axes, or {axes}"),
            };
            return Err(Error::new(self.span("range"), message));
        }
        exprs.iter().map(bounds).collect()
    }
}
