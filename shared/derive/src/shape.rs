//! What the type of a member is made of, as far as its name tells.

use syn::{Error, Expr, ExprLit, GenericArgument, Lit, PathArguments, Result, Type, TypePath};

/// A type that can become fields.
pub(crate) enum Shape<'a> {
    Float,
    Integer(Integer),
    Bool,
    /// Of two or three `f32`.
    Vector(&'static [&'static str]),
    Quaternion,
    Array(&'a Type, usize),
    Text,
    Bytes,
    Reference,
    /// It must know its own fields.
    Other,
}

/// A type of whole numbers.
#[derive(Clone, Copy)]
pub(crate) struct Integer {
    pub(crate) name: &'static str,
    pub(crate) min: i64,
    pub(crate) max: i64,
    /// What its lanes hold when nothing is said: small ones are taken whole.
    pub(crate) is_small: bool,
}

const INTEGERS: [Integer; 6] = [
    Integer { name: "u8", min: 0, max: u8::MAX as i64, is_small: true },
    Integer { name: "i8", min: i8::MIN as i64, max: i8::MAX as i64, is_small: true },
    Integer { name: "u16", min: 0, max: u16::MAX as i64, is_small: true },
    Integer { name: "i16", min: i16::MIN as i64, max: i16::MAX as i64, is_small: true },
    Integer { name: "u32", min: 0, max: u32::MAX as i64, is_small: false },
    Integer { name: "i32", min: i32::MIN as i64, max: i32::MAX as i64, is_small: false },
];

impl<'a> Shape<'a> {
    pub(crate) fn of(ty: &'a Type) -> Result<Self> {
        match ty {
            Type::Paren(inner) => Self::of(&inner.elem),
            Type::Group(inner) => Self::of(&inner.elem),
            Type::Array(array) => match &array.len {
                Expr::Lit(ExprLit { lit: Lit::Int(len), .. }) => Ok(Self::Array(&array.elem, len.base10_parse()?)),
                len => Err(Error::new_spanned(
                    len,
                    "the length of an array is a plain number here, as each element has a name",
                )),
            },
            Type::Path(path) => Self::of_path(ty, path),
            Type::Tuple(_) => refuse(ty, "a tuple's parts have no names: make it a struct that derives `Replicate`"),
            Type::Reference(_) | Type::Ptr(_) => {
                refuse(ty, "a component owns what it holds: no references or pointers")
            }
            _ => refuse(
                ty,
                "this type has no fixed number of lanes: use numbers, vectors, arrays, or a type that implements `Replicate`",
            ),
        }
    }

    fn of_path(ty: &Type, path: &TypePath) -> Result<Self> {
        let Some(last) = path.path.segments.last() else { return Ok(Self::Other) };
        let name = last.ident.to_string();
        if let Some(integer) = INTEGERS.iter().find(|integer| integer.name == name) {
            return Ok(Self::Integer(*integer));
        }
        match name.as_str() {
            "f32" => Ok(Self::Float),
            "bool" => Ok(Self::Bool),
            "Vec2" => Ok(Self::Vector(&["x", "y"])),
            "Vec3" | "Vec3A" => Ok(Self::Vector(&["x", "y", "z"])),
            "Quat" => Ok(Self::Quaternion),
            "String" => Ok(Self::Text),
            "EntityRef" => Ok(Self::Reference),
            "Vec" if is_of_bytes(&last.arguments) => Ok(Self::Bytes),
            "Vec" | "VecDeque" | "HashMap" | "BTreeMap" | "HashSet" | "BTreeSet" => refuse(
                ty,
                "a list has no fixed number of lanes: use an array, `Vec<u8>` with `#[field(blob, bytes = 16)]`, an entity for each element, or an event",
            ),
            "f64" => refuse(ty, "lanes are made of 32-bit floats: make it an `f32`"),
            "u64" | "i64" | "u128" | "i128" | "usize" | "isize" => refuse(
                ty,
                "a lane holds less than 2^31: make it a `u32` or `i32` with a range, a `counter`, or two members",
            ),
            "char" => refuse(ty, "a `char` is short text: make it a `String` with `#[field(text, bytes = 4)]`"),
            "Option" => refuse(
                ty,
                "what may be absent is a component of its own, which an entity has or has not; or an enum of names; \
                 an `EntityRef` may be none by itself",
            ),
            "Entity" => refuse(
                ty,
                "an `Entity` means nothing to clients: make it an `EntityRef`, which is told as a network id",
            ),
            _ => Ok(Self::Other),
        }
    }
}

fn is_of_bytes(arguments: &PathArguments) -> bool {
    let PathArguments::AngleBracketed(arguments) = arguments else { return false };
    let Some(GenericArgument::Type(Type::Path(element))) = arguments.args.first() else { return false };
    element.path.is_ident("u8")
}

fn refuse<T>(ty: &Type, why: &str) -> Result<T> {
    Err(Error::new_spanned(ty, why))
}
