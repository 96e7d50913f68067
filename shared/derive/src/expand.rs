//! From a type to its implementation of `Replicate`.

use crate::component::Component;
use crate::field::{Code, FieldSource, Part};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DataEnum, DeriveInput, Error, Fields, Member, Result};

/// The implementation, or what is wrong.
pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &input.generics,
            "a generic type has no one set of lanes: derive `Replicate` for a type around each that you use",
        ));
    }
    let tidelock = quote!(::tidelock);
    let Component { name, rules } = Component::read(input, &tidelock)?;
    let Code { parts, write, read } = match &input.data {
        Data::Struct(data) => of_struct(&data.fields, &tidelock)?,
        Data::Enum(data) => of_enum(input, data, &tidelock)?,
        Data::Union(_) => {
            return Err(Error::new_spanned(
                &input.ident,
                "nobody can tell which member of a union is meant: use an enum or a struct",
            ));
        }
    };
    let (ident, fields) = (&input.ident, fields(&parts, &tidelock));
    let unused = if parts.is_empty() { quote!(let _ = lanes;) } else { TokenStream::new() };
    Ok(quote! {
        #[automatically_derived]
        #[allow(clippy::all, clippy::pedantic, unused_qualifications)]
        impl #tidelock::state::Replicate for #ident {
            const NAME: &'static str = #name;
            const FIELDS: &'static [#tidelock::state::Field] = #fields;
            const RULES: #tidelock::state::Rules = #rules;

            fn quantize(&self, lanes: &mut #tidelock::state::LaneWriter<'_>) {
                #unused
                #write
            }

            fn dequantize(lanes: &mut #tidelock::state::LaneReader<'_>) -> Self {
                #unused
                #read
            }
        }
    })
}

/// The list of all fields.
fn fields(parts: &[Part], tidelock: &TokenStream) -> TokenStream {
    let slice = |part: &Part| match part {
        Part::Field(field) => quote!(&[#field]),
        Part::Nested(fields) => fields.clone(),
    };
    let len = |part: &Part| match part {
        Part::Field(_) => quote!(1),
        Part::Nested(fields) => quote!(#fields.len()),
    };
    if parts.iter().all(|part| matches!(part, Part::Field(_))) {
        let fields = parts.iter().map(|part| match part {
            Part::Field(field) | Part::Nested(field) => field,
        });
        return quote!(&[#(#fields),*]);
    }
    let (slices, lens) = (parts.iter().map(slice), parts.iter().map(len));
    quote!(&#tidelock::state::join_fields::<{ 0 #(+ #lens)* }>(&[#(#slices),*]))
}

fn of_struct(fields: &Fields, tidelock: &TokenStream) -> Result<Code> {
    let mut all = Code { parts: Vec::new(), write: TokenStream::new(), read: TokenStream::new() };
    let mut places = Vec::new();
    let mut bits = Bits::default();
    for (at, (field, member)) in fields.iter().zip(fields.members()).enumerate() {
        let place = format_ident!("field_{at}");
        let source = FieldSource::read(&member, &field.ty, &field.attrs, tidelock)?;
        if source.is_skipped()? {
            all.read.extend(quote!(let #place = ::core::default::Default::default();));
        } else if let Some(name) = source.bit()? {
            bits.push(name, &source.value, &place, &mut all, tidelock);
        } else {
            bits.close(&mut all, tidelock);
            let Code { parts, write, read } = source.code()?;
            all.parts.extend(parts);
            all.write.extend(write);
            all.read.extend(quote!(let #place = #read;));
        }
        places.push((member, place));
    }
    bits.close(&mut all, tidelock);
    let assigned = places.iter().map(|(member, place): &(Member, _)| quote!(#member: #place));
    all.read.extend(quote!(Self { #(#assigned),* }));
    Ok(all)
}

/// Members of one bit that follow each other: they share a lane.
#[derive(Default)]
struct Bits {
    names: Vec<String>,
    values: Vec<TokenStream>,
    places: Vec<proc_macro2::Ident>,
}

impl Bits {
    const MAX: usize = 31;

    fn push(
        &mut self,
        name: &str,
        value: &TokenStream,
        place: &proc_macro2::Ident,
        all: &mut Code,
        tidelock: &TokenStream,
    ) {
        if self.names.len() == Self::MAX {
            self.close(all, tidelock);
        }
        self.names.push(name.to_owned());
        self.values.push(value.clone());
        self.places.push(place.clone());
    }

    fn close(&mut self, all: &mut Code, tidelock: &TokenStream) {
        let Self { names, values, places } = std::mem::take(self);
        if names.is_empty() {
            return;
        }
        let (name, count, at) = (names.join("|"), names.len() as u8, 0..names.len() as u32);
        let shifts = at.clone();
        all.parts.push(Part::Field(quote!(#tidelock::state::Field::flags(#name, #count))));
        all.write.extend(quote!(lanes.flags(0 #(| u32::from(#values) << #shifts)*);));
        all.read.extend(quote!(let flags = lanes.flags(); #(let #places = flags >> #at & 1 != 0;)*));
    }
}

fn of_enum(input: &DeriveInput, data: &DataEnum, tidelock: &TokenStream) -> Result<Code> {
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new_spanned(
                variant,
                "a choice is of names only: put what a variant holds into a component of its own",
            ));
        }
    }
    let Some(last) = data.variants.last().map(|variant| &variant.ident) else {
        return Err(Error::new_spanned(&input.ident, "an enum without variants has no value to send"));
    };
    let idents: Vec<_> = data.variants.iter().map(|variant| &variant.ident).collect();
    let name = idents.iter().map(ToString::to_string).collect::<Vec<_>>().join("|");
    let (count, numbers) = (idents.len() as u32, 0..idents.len() as u32);
    let (read_numbers, read_idents) = (numbers.clone(), &idents[..]);
    Ok(Code {
        parts: vec![Part::Field(quote!(#tidelock::state::Field::choice(#name, #count)))],
        write: quote!(lanes.choice(match self { #(Self::#idents => #numbers),* });),
        read: quote!(match lanes.choice() { #(#read_numbers => Self::#read_idents,)* _ => Self::#last }),
    })
}
