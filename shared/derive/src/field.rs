//! `#[field(...)]`: how a member becomes fields, and the code that writes and reads them.

use crate::attribute::Value;
use crate::bounds::{check_integers, check_range};
use crate::literal::{string, whole};
use crate::says::Says;
use crate::shape::{Integer, Shape};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, Member, Path, Result, Type};

/// What a member becomes.
pub(crate) struct Code {
    pub(crate) parts: Vec<Part>,
    /// Statements on `lanes`.
    pub(crate) write: TokenStream,
    /// An expression on `lanes`.
    pub(crate) read: TokenStream,
}

/// Some of the fields of a component.
pub(crate) enum Part {
    /// An expression for one field.
    Field(TokenStream),
    /// All of those of another type.
    Nested(TokenStream),
}

/// A member of a struct.
pub(crate) struct FieldSource<'a> {
    pub(crate) ty: &'a Type,
    /// How to get at it.
    pub(crate) value: TokenStream,
    /// The path of the crate.
    pub(crate) tidelock: &'a TokenStream,
    name: String,
    says: Says,
}

impl<'a> FieldSource<'a> {
    pub(crate) fn read(
        member: &Member,
        ty: &'a Type,
        attributes: &[Attribute],
        tidelock: &'a TokenStream,
    ) -> Result<Self> {
        let says = Says::read(attributes)?;
        let name = match says.value("name") {
            Some(name) => string(name?, "name", "points")?,
            None => match member {
                Member::Named(ident) => ident.to_string().trim_start_matches("r#").to_owned(),
                Member::Unnamed(index) => index.index.to_string(),
            },
        };
        Ok(Self { ty, value: quote!(self.#member), tidelock, name, says })
    }

    /// It stays on its own end.
    pub(crate) fn is_skipped(&self) -> Result<bool> {
        let skipped = self.says.kind == Some("skip");
        if skipped {
            self.says.only("a member that is skipped", &[])?;
        }
        Ok(skipped)
    }

    /// Its name, if it is a single bit, which shares a lane with its neighbours.
    pub(crate) fn bit(&self) -> Result<Option<&str>> {
        let is_bit = matches!(Shape::of(self.ty)?, Shape::Bool);
        if is_bit {
            self.says.kind_is("a `bool`", &[])?;
            self.says.only("a `bool`", &["name"])?;
        }
        Ok(is_bit.then_some(self.name.as_str()))
    }

    pub(crate) fn code(&self) -> Result<Code> {
        self.code_of(self.ty, &self.value, "")
    }

    fn code_of(&self, ty: &Type, value: &TokenStream, suffix: &str) -> Result<Code> {
        let says = &self.says;
        match Shape::of(ty)? {
            Shape::Float => {
                says.kind_is("an `f32`", &["range", "angle"])?;
                match says.kind {
                    None => Err(Error::new_spanned(ty, TEACH_FLOAT)),
                    Some("angle") => self.angle(value, suffix),
                    Some(_) => self.range(ty, value, suffix),
                }
            }
            Shape::Vector(axes) => {
                says.kind_is("a vector", &["range"])?;
                match says.kind {
                    None => Err(Error::new_spanned(ty, TEACH_VECTOR)),
                    Some(_) => self.vector(ty, value, axes, suffix),
                }
            }
            Shape::Quaternion => {
                says.kind_is("a `Quat`", &["rotation"])?;
                self.rotation(ty, value, suffix)
            }
            Shape::Integer(integer) => {
                says.kind_is("a whole number", &["range", "counter", "flags"])?;
                match says.kind {
                    Some(kind) if kind != "range" => self.bits(ty, integer, kind, value, suffix),
                    _ => self.integer(ty, integer, value, suffix),
                }
            }
            Shape::Array(element, len) => self.array(element, len, value, suffix),
            Shape::Bool => {
                says.kind_is("a `bool`", &[])?;
                says.only("a `bool`", &["name"])?;
                let field = self.field("flags", &quote!(1), suffix);
                Ok(self.one(field, quote!(lanes.flags(u32::from(#value));), quote!(lanes.flags() != 0)))
            }
            Shape::Text => {
                says.kind_is("a `String`", &["text"])?;
                let field = self.bytes(ty, "text", suffix)?;
                Ok(self.one(field, quote!(lanes.text(&#value);), quote!(lanes.text())))
            }
            Shape::Bytes => {
                says.kind_is("a `Vec<u8>`", &["blob"])?;
                let field = self.bytes(ty, "blob", suffix)?;
                Ok(self.one(field, quote!(lanes.blob(&#value);), quote!(lanes.blob())))
            }
            Shape::Reference => {
                says.kind_is("an `EntityRef`", &[])?;
                says.only("a reference", &["name"])?;
                let field = self.field("reference", &quote!(), suffix);
                Ok(self.one(field, quote!(lanes.reference(#value);), quote!(lanes.reference())))
            }
            Shape::Other => {
                says.kind_is("a type with fields of its own", &["nested"])?;
                says.only("a type with fields of its own", &[])?;
                let tidelock = self.tidelock;
                let nested = quote_spanned!(ty.span()=> <#ty as #tidelock::state::Replicate>);
                Ok(Code {
                    parts: vec![Part::Nested(quote!(#nested::FIELDS))],
                    write: quote!(#nested::quantize(&#value, lanes);),
                    read: quote!(#nested::dequantize(lanes)),
                })
            }
        }
    }

    fn one(&self, field: TokenStream, write: TokenStream, read: TokenStream) -> Code {
        Code { parts: vec![Part::Field(field)], write, read }
    }

    /// `Field::kind("name", arguments)`
    fn field(&self, kind: &str, arguments: &TokenStream, suffix: &str) -> TokenStream {
        let (tidelock, name) = (self.tidelock, format!("{}{suffix}", self.name));
        let kind = quote::format_ident!("{kind}");
        quote!(#tidelock::state::Field::#kind(#name, #arguments))
    }

    fn range(&self, ty: &Type, value: &TokenStream, suffix: &str) -> Result<Code> {
        self.says.only("a range of floats", &["step", "order", "velocity", "held", "name"])?;
        let bounds = self.says.ranges(1)?;
        let field = self.range_field(ty, &bounds[0], 0, suffix)?;
        Ok(self.one(field, quote!(lanes.range(#value);), quote!(lanes.range())))
    }

    fn vector(&self, ty: &Type, value: &TokenStream, axes: &[&str], suffix: &str) -> Result<Code> {
        self.says.only("a range of floats", &["step", "order", "velocity", "held", "name"])?;
        let bounds = self.says.ranges(axes.len())?;
        let mut parts = Vec::new();
        for (at, axis) in axes.iter().enumerate() {
            let bounds = &bounds[if bounds.len() == 1 { 0 } else { at }];
            parts.push(Part::Field(self.range_field(ty, bounds, at, &format!("{suffix}.{axis}"))?));
        }
        let axes: Vec<_> = axes.iter().map(|axis| quote::format_ident!("{axis}")).collect();
        let reads = axes.iter().map(|_| quote!(lanes.range()));
        Ok(Code { parts, write: quote!(#(lanes.range(#value.#axes);)*), read: quote!(<#ty>::new(#(#reads),*)) })
    }

    fn range_field(&self, ty: &Type, bounds: &(Expr, Expr), axis: usize, suffix: &str) -> Result<TokenStream> {
        let Some(step) = self.says.value("step") else {
            return Err(Error::new_spanned(ty, "a range of floats has a `step`, its resolution: `step = 0.01`"));
        };
        let ((min, max), step) = (bounds, step?);
        check_range(min, max, step)?;
        let field = self.field("range", &quote!((#min) as f32, (#max) as f32, (#step) as f32), suffix);
        self.linked(self.ordered(field, axis)?, suffix)
    }

    fn angle(&self, value: &TokenStream, suffix: &str) -> Result<Code> {
        self.says.only("an angle", &["bits", "order", "velocity", "held", "name"])?;
        let Some(bits) = self.says.value("bits") else {
            return Err(Error::new(
                self.says.kind_span(),
                "an angle has `bits`, its resolution: with 12 it is 4,096 steps of a turn",
            ));
        };
        let bits = whole(bits?, "bits", 1, 20)?;
        let field = self.ordered(self.field("angle", &quote!(#bits), suffix), 0)?;
        let field = self.linked(field, suffix)?;
        Ok(self.one(field, quote!(lanes.angle(#value);), quote!(lanes.angle())))
    }

    fn rotation(&self, ty: &Type, value: &TokenStream, suffix: &str) -> Result<Code> {
        self.says.only("a rotation", &["bits", "order", "held", "name"])?;
        let Some(bits) = self.says.value("bits") else {
            return Err(Error::new_spanned(
                ty,
                "a rotation has `bits`, 5 to 12 for each of three components: `#[field(bits = 9)]`",
            ));
        };
        let bits = whole(bits?, "bits", 5, 12)?;
        let field = self.ordered(self.field("rotation", &quote!(#bits), suffix), 0)?;
        Ok(self.one(field, quote!(lanes.rotation(#value);), quote!(lanes.rotation())))
    }

    fn integer(&self, ty: &Type, integer: Integer, value: &TokenStream, suffix: &str) -> Result<Code> {
        if self.says.value("step").is_some() {
            return Err(Error::new(self.says.span("step"), "whole numbers have steps of 1"));
        }
        self.says.only("a whole number", &["order", "held", "name"])?;
        let (least, greatest) = (integer.min, integer.max);
        let arguments = if self.says.kind.is_some() {
            let (min, max) = self.says.ranges(1)?.swap_remove(0);
            check_integers(&min, &max, integer)?;
            // Of constants that only the compiler knows it says so itself.
            let message = format!("the range is not one of `{}`", integer.name);
            quote! {
                {
                    assert!((#min) as i64 >= #least && (#max) as i64 <= #greatest, #message);
                    (#min) as i32
                },
                (#max) as i32
            }
        } else if integer.is_small {
            quote!((#least) as i32, (#greatest) as i32)
        } else {
            return Err(Error::new_spanned(ty, TEACH_INTEGER));
        };
        let field = self.ordered(self.field("integer", &arguments, suffix), 0)?;
        let number = match integer.name {
            "u32" => quote!(if #value > i32::MAX as u32 { i32::MAX } else { #value as i32 }),
            _ => quote!(#value as i32),
        };
        Ok(self.one(field, quote!(lanes.integer(#number);), quote!(lanes.integer() as #ty)))
    }

    /// A counter or flags.
    fn bits(&self, ty: &Type, integer: Integer, kind: &str, value: &TokenStream, suffix: &str) -> Result<Code> {
        let keys: &[&str] = if kind == "flags" { &["bits", "name"] } else { &["bits", "order", "held", "name"] };
        self.says.only(kind, keys)?;
        let width = match (integer.name, integer.min) {
            ("u8", _) => 8,
            ("u16", _) => 16,
            ("u32", _) => 31,
            _ => {
                return Err(Error::new_spanned(
                    ty,
                    format!("`{kind}` is for numbers without a sign: make it a `u8`, `u16` or `u32`"),
                ));
            }
        };
        let bits = match self.says.value("bits") {
            Some(bits) => whole(bits?, "bits", 1, width)?,
            None if integer.is_small => width,
            None => {
                let example = format!("of a `u32` one says how many bits are used: `#[field({kind}, bits = 24)]`");
                return Err(Error::new_spanned(ty, example));
            }
        };
        let field = self.ordered(self.field(kind, &quote!(#bits), suffix), 0)?;
        let method = quote::format_ident!("{kind}");
        Ok(self.one(field, quote!(lanes.#method(#value as u32);), quote!(lanes.#method() as #ty)))
    }

    fn bytes(&self, ty: &Type, kind: &str, suffix: &str) -> Result<TokenStream> {
        self.says.only(kind, &["bytes", "name"])?;
        let Some(bytes) = self.says.value("bytes") else {
            let message = format!(
                "say how long it can be, up to 48 bytes: `#[field({kind}, bytes = 24)]`; what is longer goes by an event"
            );
            return Err(Error::new_spanned(ty, message));
        };
        let bytes = whole(bytes?, "bytes", 1, 48)?;
        Ok(self.field(kind, &quote!(#bytes), suffix))
    }

    fn array(&self, element: &Type, len: usize, value: &TokenStream, suffix: &str) -> Result<Code> {
        if len > 64 {
            return Err(Error::new_spanned(self.ty, "a component has at most 64 lanes"));
        }
        if matches!(Shape::of(element)?, Shape::Bool) && (1..=31).contains(&len) {
            self.says.kind_is("a `bool`", &[])?;
            self.says.only("a `bool`", &["name"])?;
            let at = 0..len;
            let field = self.field("flags", &quote!(#len as u8), suffix);
            let write = quote!(lanes.flags(0 #(| u32::from(#value[#at]) << #at)*););
            return Ok(self.one(
                field,
                write,
                quote!({
                    let flags = lanes.flags();
                    ::core::array::from_fn(|at| flags >> at & 1 != 0)
                }),
            ));
        }
        let mut all = Code { parts: Vec::new(), write: TokenStream::new(), read: TokenStream::new() };
        for at in 0..len {
            let Code { parts, write, read } = self.code_of(element, &quote!(#value[#at]), &format!("{suffix}.{at}"))?;
            all.parts.extend(parts);
            all.write.extend(write);
            all.read.extend(quote!(#read,));
        }
        let read = all.read;
        Ok(Code { read: quote!([#read]), ..all })
    }

    /// The field as it is expected to change.
    fn ordered(&self, field: TokenStream, axis: usize) -> Result<TokenStream> {
        let field = match self.says.item("held") {
            Some(held) => {
                held.bare()?;
                quote!(#field.held())
            }
            None => field,
        };
        let Some(item) = self.says.item("order") else { return Ok(field) };
        let order = match &item.value {
            Value::One(order) => order,
            Value::List(orders) if axis < orders.len() => &orders[axis],
            _ => return Err(Error::new(item.span, "`order` is one number, or one for each axis: `order(6, 6, 8)`")),
        };
        let order = whole(order, "order", 0, 16)?;
        Ok(quote!(#field.with_order(#order)))
    }

    /// The field with the velocity that was named.
    fn linked(&self, field: TokenStream, suffix: &str) -> Result<TokenStream> {
        let Some(velocity) = self.says.value("velocity") else { return Ok(field) };
        let velocity = velocity?;
        let named = string(velocity, "velocity", "Velocity::linear")?;
        let (component, name) = match named.rsplit_once("::") {
            Some((component, name)) => (component, name),
            // A type by itself is one with a single member.
            None if named.starts_with(char::is_uppercase) => (named.as_str(), "0"),
            None => ("", named.as_str()),
        };
        let name = format!("{name}{suffix}");
        if component.is_empty() {
            return Ok(quote!(#field.with_velocity("", #name)));
        }
        let path: Path = syn::parse_str(component).map_err(|_| {
            Error::new_spanned(velocity, "a velocity is named `\"field\"`, `\"Component::field\"` or `\"Newtype\"`")
        })?;
        let tidelock = self.tidelock;
        let component = quote_spanned!(velocity.span()=> <#path as #tidelock::state::Replicate>::NAME);
        Ok(quote!(#field.with_velocity(#component, #name)))
    }
}

const TEACH_FLOAT: &str = "say which values it takes and how finely: `#[field(range(-100.0..=100.0), step = 0.01)]`, \
                           or `#[field(angle, bits = 12)]` for an angle in radians";
const TEACH_VECTOR: &str = "say which values it takes and how finely: `#[field(range(-100.0..=100.0), step = 0.01)]`, \
                            or with a range for each axis";
const TEACH_INTEGER: &str =
    "say which values it takes: `#[field(range(0..=1000))]`; or `counter` or `flags` with `bits`";
