//! Exponential Golomb codes, bit by bit. Run with `WRITE_VECTORS=1` after an intended change.

mod vector_file;

use serde_json::{Value, json};
use tidelock::bits::{BitReader, BitWriter, Malformed};
use vector_file::{Vectors, bytes, less};

const FILE: &str = "golomb.txt";

/// Name, order, value.
const UNSIGNED: [(&str, u32, u32); 10] = [
    ("zero_of_order_0", 0, 0),
    ("two_of_order_0", 0, 2),
    ("three_of_order_2", 2, 3),
    ("four_of_order_2", 2, 4),
    ("a_thousand_of_order_3", 3, 1_000),
    ("a_thousand_of_order_12", 12, 1_000),
    ("the_greatest_of_order_0", 0, u32::MAX),
    ("the_greatest_of_order_2", 2, u32::MAX),
    ("the_greatest_of_order_3", 3, u32::MAX),
    ("the_greatest_of_order_12", 12, u32::MAX),
];

const SIGNED: [(&str, u32, i32); 7] = [
    ("signed_zero", 1, 0),
    ("signed_minus_one", 1, -1),
    ("signed_one", 1, 1),
    ("signed_minus_two", 1, -2),
    ("signed_two", 1, 2),
    ("signed_least", 5, i32::MIN),
    ("signed_greatest", 5, i32::MAX),
];

/// What must be refused where its twin is accepted: name, order, value and 2^order in one, twin.
const REFUSED: [(&str, u32, u64, &str); 4] = [
    ("one_more_of_order_0", 0, 0x1_0000_0001, "the_greatest_of_order_0"),
    ("one_more_of_order_3", 3, 0x1_0000_0008, "the_greatest_of_order_3"),
    ("33_zeros_of_order_0", 0, 0x2_0000_0000, "the_greatest_of_order_0"),
    ("30_zeros_of_order_3", 3, 0x2_0000_0000, "the_greatest_of_order_3"),
];

fn given(code: &str, order: u32) -> Value {
    json!({ "code": code, "order": order })
}

/// As section 1 of `PROTOCOL.md` has it.
fn write(shifted: u64, order: u32, w: &mut BitWriter) {
    let significant = u64::BITS - shifted.leading_zeros();
    w.write(0, significant - order - 1);
    w.write_bool(true);
    w.write(shifted & !(1 << (significant - 1)), significant - 1);
}

#[test]
fn golomb_codes_have_these_bits() {
    let mut vectors = Vectors::new(
        FILE,
        "Exponential Golomb codes.\n\
         Of the n significant bits of v + 2^order: n - order - 1 zeros | 1 | the low n - 1 bits, least significant first. Signed: of 0, -1, 1,\n\
         -2, 2 ... as 0, 1, 2, 3, 4 ...\n\
         given.code: golomb or signed_golomb; given.order.",
    );
    for (name, order, value) in UNSIGNED {
        let json = json!({ "given": given("golomb", order), "value": value });
        vectors.accepted(name, &json, |w| w.write_golomb(value, order));
    }
    for (name, order, value) in SIGNED {
        let json = json!({ "given": given("signed_golomb", order), "value": value });
        vectors.accepted(name, &json, |w| w.write_signed_golomb(value, order));
    }
    for (name, order, shifted, twin) in REFUSED {
        let why = format!("2^32 - 1 is the greatest; twin: {twin}");
        vectors.refused_given(name, &given("golomb", order), &why, |w| write(shifted, order, w));
    }
    let cut = less(1, |w| w.write_golomb(u32::MAX, 2));
    let why = "its last bits are missing; twin: the_greatest_of_order_2";
    vectors.refused_given("cut_short", &given("golomb", 2), why, cut);
    vectors.check();
}

#[test]
fn golomb_codes_read_back() {
    for (name, order, value) in UNSIGNED {
        assert_eq!(BitReader::new(&bytes(FILE, name)).read_golomb(order), Ok(value), "{name}");
        let mut w = BitWriter::new();
        write(u64::from(value) + (1 << order), order, &mut w);
        assert_eq!(w.finish(), bytes(FILE, name), "{name}: a stranger writes the same");
    }
    for (name, order, value) in SIGNED {
        assert_eq!(BitReader::new(&bytes(FILE, name)).read_signed_golomb(order), Ok(value), "{name}");
    }
    let refused = REFUSED.map(|(name, order, ..)| (name, order));
    for (name, order) in refused.into_iter().chain([("cut_short", 2)]) {
        let read = BitReader::new(&bytes(FILE, &format!("refused_{name}"))).read_golomb(order);
        assert_eq!(read, Err(Malformed), "{name}");
    }
}
