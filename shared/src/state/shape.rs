use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// What the body of an event is made of, for those who know no Rust type: with it they read what `bitcode` wrote.
///
/// It is part of the schema, and so of its hash: ends that differ in it do not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `bool`
    Bool,
    /// `u8`
    U8,
    /// `u16`
    U16,
    /// `u32`
    U32,
    /// `u64`
    U64,
    /// `i8`
    I8,
    /// `i16`
    I16,
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `f32`
    F32,
    /// `String`
    Text,
    /// `Option`
    Option(&'static Self),
    /// `Vec`
    List(&'static Self),
    /// So many, always.
    Array(usize, &'static Self),
    /// Members by name, those of tuples by number.
    Struct(&'static [Member]),
    /// One of these. Each has members as a struct has.
    Enum(&'static [Variant]),
}

/// A member of a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// As declared.
    pub name: &'static str,
    /// What it is.
    pub shape: Shape,
}

/// A choice of an enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    /// As declared.
    pub name: &'static str,
    /// In order.
    pub members: &'static [Member],
}

/// Says what a type is made of. Derive it, beside `bitcode`'s `Encode` and `Decode`, for events and what is in them.
///
/// ```
/// use tidelock::state::{Shape, Shaped};
///
/// #[derive(Shaped)]
/// struct Say { text: String }
///
/// let Shape::Struct([text]) = Say::SHAPE else { unreachable!() };
/// assert_eq!((text.name, text.shape), ("text", Shape::Text));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what it is made of",
    note = "for an event and what is in it: `#[derive(Encode, Decode, Shaped)]`, with `tidelock::state::Shaped`"
)]
pub trait Shaped {
    /// It.
    const SHAPE: Shape;
}

macro_rules! shaped {
    ($($type:ty = $shape:ident),*) => { $(impl Shaped for $type { const SHAPE: Shape = Shape::$shape; })* };
}
shaped!(
    bool = Bool,
    u8 = U8,
    u16 = U16,
    u32 = U32,
    u64 = U64,
    i8 = I8,
    i16 = I16,
    i32 = I32,
    i64 = I64,
    f32 = F32,
    String = Text
);

macro_rules! shaped_tuples {
    ($(($($type:ident $at:literal),*))*) => {
        $(impl<$($type: Shaped),*> Shaped for ($($type,)*) {
            const SHAPE: Shape = Shape::Struct(&[$(Member { name: $at, shape: $type::SHAPE }),*]);
        })*
    };
}
shaped_tuples!((A "0", B "1") (A "0", B "1", C "2") (A "0", B "1", C "2", D "3"));

impl<T: Shaped> Shaped for Option<T> {
    const SHAPE: Shape = Shape::Option(&T::SHAPE);
}

impl<T: Shaped> Shaped for Vec<T> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);
}

impl<T: Shaped, const N: usize> Shaped for [T; N] {
    const SHAPE: Shape = Shape::Array(N, &T::SHAPE);
}

impl Shape {
    /// Hands out the bytes by which the schema's hash tells it from others.
    pub(super) fn to_bytes(self, see: &mut dyn FnMut(&[u8])) {
        match self {
            Self::Bool => see(&[0]),
            Self::U8 => see(&[1]),
            Self::U16 => see(&[2]),
            Self::U32 => see(&[3]),
            Self::U64 => see(&[4]),
            Self::I8 => see(&[5]),
            Self::I16 => see(&[6]),
            Self::I32 => see(&[7]),
            Self::I64 => see(&[8]),
            Self::F32 => see(&[9]),
            Self::Text => see(&[10]),
            Self::Option(some) => {
                see(&[11]);
                some.to_bytes(see);
            }
            Self::List(element) => {
                see(&[12]);
                element.to_bytes(see);
            }
            Self::Array(len, element) => {
                see(&[13]);
                see(&(len as u32).to_le_bytes());
                element.to_bytes(see);
            }
            Self::Struct(members) => {
                see(&[14]);
                members_to_bytes(members, see);
            }
            Self::Enum(variants) => {
                see(&[15, variants.len() as u8]);
                for variant in variants {
                    name_to_bytes(variant.name, see);
                    members_to_bytes(variant.members, see);
                }
            }
        }
    }
}

/// As JSON, in the form of section 17 of PROTOCOL.md: `{"struct":[["text","text"]]}`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("\"bool\""),
            Self::U8 => f.write_str("\"u8\""),
            Self::U16 => f.write_str("\"u16\""),
            Self::U32 => f.write_str("\"u32\""),
            Self::U64 => f.write_str("\"u64\""),
            Self::I8 => f.write_str("\"i8\""),
            Self::I16 => f.write_str("\"i16\""),
            Self::I32 => f.write_str("\"i32\""),
            Self::I64 => f.write_str("\"i64\""),
            Self::F32 => f.write_str("\"f32\""),
            Self::Text => f.write_str("\"text\""),
            Self::Option(some) => write!(f, "{{\"option\":{some}}}"),
            Self::List(element) => write!(f, "{{\"list\":{element}}}"),
            Self::Array(len, element) => write!(f, "{{\"array\":[{len},{element}]}}"),
            Self::Struct(members) => {
                f.write_str("{\"struct\":")?;
                fmt_members(members, f)?;
                f.write_str("}")
            }
            Self::Enum(variants) => {
                f.write_str("{\"enum\":[")?;
                for (at, variant) in variants.iter().enumerate() {
                    write!(f, "{}[\"{}\",", if at > 0 { "," } else { "" }, variant.name)?;
                    fmt_members(variant.members, f)?;
                    f.write_str("]")?;
                }
                f.write_str("]}")
            }
        }
    }
}

/// A list, as members have an order. Names are Rust's, and need no escapes.
fn fmt_members(members: &[Member], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("[")?;
    for (at, member) in members.iter().enumerate() {
        write!(f, "{}[\"{}\",{}]", if at > 0 { "," } else { "" }, member.name, member.shape)?;
    }
    f.write_str("]")
}

fn members_to_bytes(members: &[Member], see: &mut dyn FnMut(&[u8])) {
    see(&[members.len() as u8]);
    for member in members {
        name_to_bytes(member.name, see);
        member.shape.to_bytes(see);
    }
}

fn name_to_bytes(name: &str, see: &mut dyn FnMut(&[u8])) {
    see(&[name.len() as u8]);
    see(name.as_bytes());
}
