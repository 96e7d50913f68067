//! `#[derive(Replicate)]` and `#[derive(Shaped)]`, as `tidelock::state` exports them; their documentation is there.
#![forbid(unsafe_code)]

mod attribute;
mod bounds;
mod component;
mod expand;
mod field;
mod literal;
mod says;
mod shape;
mod shaped;

#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Declares a struct's members as fields, or an enum without data as a choice.
#[proc_macro_derive(Replicate, attributes(replicate, field))]
pub fn replicate(input: TokenStream) -> TokenStream {
    let expanded = syn::parse(input).and_then(|input| expand::expand(&input));
    expanded.unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Says what a struct or enum is made of.
#[proc_macro_derive(Shaped)]
pub fn shaped(input: TokenStream) -> TokenStream {
    let expanded = syn::parse(input).and_then(|input| shaped::expand(&input));
    expanded.unwrap_or_else(syn::Error::into_compile_error).into()
}
