//! The same predictions and contexts, but arithmetic codes: of each record by itself, or of a whole packet, which then is one
//! client's own.

use crate::arithmetic::{Decoder, Encoder, Span};
use crate::model::{Context, Item, Items, Model};
use crate::snapshot::{Frame, Held};
use tidelock::bits::{BitReader, BitWriter};
use tidelock::state::StreamLayout;
use tidelock::state::codec::encode_delta_to;

/// The items of one cube's record.
pub(crate) fn record(layout: &StreamLayout, held: Held<'_>, new: &Frame, cube: usize) -> Vec<Item> {
    let mut items = Items::default();
    encode_delta_to(layout, &held.of(cube), new[cube].borrow(), &mut items);
    items.0
}

/// The items of a whole packet: for each cube whether it changed, in the context of its neighbour, of what it did between the
/// baselines and of whether it touches the player, then its record.
pub(crate) fn packet(layout: &StreamLayout, held: Held<'_>, new: &Frame) -> Vec<Item> {
    let mut items = Vec::new();
    let mut before = false;
    for cube in 0..new.len() {
        let moved = held.second.is_some_and(|second| second[cube] != held.first[cube]);
        let touches = held.first[cube].lanes[7] != 0;
        let changed = new[cube] != held.first[cube];
        let context = u8::from(moved) | u8::from(before) << 1 | u8::from(touches) << 2;
        items.push(Item::Symbol(Context::Changed(context), u8::from(changed)));
        if changed {
            items.extend(record(layout, held, new, cube));
        }
        before = changed;
    }
    items
}

/// Writes items as one arithmetic code. A model that `learns` does so after each symbol.
pub(crate) fn write(items: &[Item], model: &mut Model, learns: bool, w: &mut BitWriter) {
    let mut encoder = Encoder::new();
    for item in items {
        match *item {
            Item::Symbol(context, symbol) => {
                encoder.encode(model.span(context, symbol), w);
                if learns {
                    model.learn(context, symbol);
                }
            }
            Item::Raw(value, bits) => encoder.encode(raw(value, bits), w),
        }
    }
    encoder.finish(w);
}

/// Whether the code says `items`: each is decoded in the context that the ones before it make.
pub(crate) fn says(items: &[Item], model: &mut Model, learns: bool, r: BitReader<'_>) -> bool {
    let mut decoder = Decoder::new(r);
    items.iter().all(|item| match *item {
        Item::Symbol(context, expected) => {
            let symbol = model.symbol_at(context, decoder.place(model.total(context)));
            decoder.consume(model.span(context, symbol));
            if learns {
                model.learn(context, symbol);
            }
            symbol == expected
        }
        Item::Raw(expected, bits) => {
            let value = decoder.place(1 << bits);
            decoder.consume(raw(value, bits));
            value == expected
        }
    })
}

const fn raw(value: u32, bits: u32) -> Span {
    Span { low: value, high: value + 1, total: 1 << bits }
}
