//! From a type to its implementation of `Shaped`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Member, Result};

/// The implementation, or what is wrong.
pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let shape = match &input.data {
        Data::Struct(data) => {
            let members = members(&data.fields);
            quote!(Struct(#members))
        }
        Data::Enum(data) if data.variants.is_empty() => {
            return Err(Error::new_spanned(&input.ident, "an enum without variants has no value to send"));
        }
        Data::Enum(data) => {
            let names = data.variants.iter().map(|variant| variant.ident.to_string());
            let members = data.variants.iter().map(|variant| members(&variant.fields));
            quote!(Enum(&[#(::tidelock::state::Variant { name: #names, members: #members }),*]))
        }
        Data::Union(_) => {
            return Err(Error::new_spanned(
                &input.ident,
                "nobody can tell which member of a union is meant: use an enum or a struct",
            ));
        }
    };
    let ident = &input.ident;
    let (with_bounds, arguments, bounds) = input.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #with_bounds ::tidelock::state::Shaped for #ident #arguments #bounds {
            const SHAPE: ::tidelock::state::Shape = ::tidelock::state::Shape::#shape;
        }
    })
}

fn members(fields: &Fields) -> TokenStream {
    let names = fields.members().map(|member| match member {
        Member::Named(name) => name.to_string(),
        Member::Unnamed(at) => at.index.to_string(),
    });
    let types = fields.iter().map(|field| &field.ty);
    let shape = quote!(::tidelock::state::Shaped);
    quote!(&[#(::tidelock::state::Member { name: #names, shape: <#types as #shape>::SHAPE }),*])
}
