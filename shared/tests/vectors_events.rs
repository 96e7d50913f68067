//! Bodies of events, one for each shape, byte by byte. Run with `WRITE_VECTORS=1` after an intended change.

mod vector_file;

use bitcode::{Decode, Encode};
use std::fmt::Debug;
use tidelock::Tick;
use tidelock::state::{NetId, Shape, Shaped};
use vector_file::{Vectors, bytes};

const BODIES: &str = "event_bodies.txt";

/// One member of each shape that is no list.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Shaped)]
struct All {
    flag: bool,
    tiny: u8,
    small: u16,
    middle: u32,
    large: u64,
    low: i8,
    lower: i16,
    lowest: i32,
    deepest: i64,
    real: f32,
    text: String,
    tick: Tick,
    who: Option<NetId>,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode, Shaped)]
struct Nothing;

#[derive(Clone, Debug, PartialEq, Encode, Decode, Shaped)]
enum One {
    Only(u8),
}

#[derive(Clone, Debug, PartialEq, Encode, Decode, Shaped)]
enum Order {
    Halt,
    Go { x: f32, y: f32 },
    Follow(NetId, u8),
}

/// So many choices that a number of one takes more than a packed byte's share.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode, Shaped)]
enum Suit {
    Clubs,
    Diamonds,
    Hearts,
    Spades,
    Joker,
}

const ALL: All = All {
    flag: true,
    tiny: 200,
    small: 513,
    middle: 70_000,
    large: 0x0102_0304_0506_0708,
    low: -2,
    lower: -300,
    lowest: 5,
    deepest: -1,
    real: -1.5,
    text: String::new(),
    tick: Tick(4_000_000_000),
    who: None,
};

/// A value of a type, how JSON would have it, and the body that was written down.
struct Case<T> {
    name: &'static str,
    json: String,
    value: T,
}

trait Written {
    fn write(&self, vectors: &mut Vectors);
    fn check(&self);
}

impl<T: Encode + for<'a> Decode<'a> + Shaped + Debug + PartialEq> Written for Case<T> {
    fn write(&self, vectors: &mut Vectors) {
        let body = bitcode::encode(&self.value);
        vectors.event(self.name, &T::SHAPE.to_string(), &self.json, &body);
    }

    fn check(&self) {
        let read = bitcode::decode::<T>(&bytes(BODIES, self.name));
        assert_eq!(read.as_ref().ok(), Some(&self.value), "{}", self.name);
    }
}

fn cases() -> Vec<Box<dyn Written>> {
    macro_rules! cases {
        ($(($name:literal, $json:expr, $value:expr)),* $(,)?) => {
            vec![$(Box::new(Case { name: $name, json: $json.to_string(), value: $value })),*]
        };
    }
    cases![
        ("nothing", "{}", Nothing),
        ("yes", "true", true),
        ("a_byte", "200", 200_u8),
        ("a_short_word", "513", 513_u16),
        ("a_word_of_one_byte", "7", 7_u32),
        ("a_word_of_two_bytes", "513", 513_u32),
        ("a_word_of_four_bytes", "70000", 70_000_u32),
        ("a_long_word_of_one_byte", "\"0x0000000000000007\"", 7_u64),
        ("a_long_word_of_eight_bytes", "\"0x0102030405060708\"", 0x0102_0304_0506_0708_u64),
        ("a_byte_below_zero", "-2", -2_i8),
        ("a_word_below_zero", "-2", -2_i32),
        ("a_word_with_a_sign_above_zero", "2", 2_i32),
        ("a_real", "-1.5", -1.5_f32),
        ("no_text", "\"\"", String::new()),
        ("text", "\"hé, you\"", "hé, you".to_owned()),
        ("a_character_of_two_bytes", "\"é\"", "é".to_owned()),
        ("text_of_254_bytes", format!("\"{}\"", "x".repeat(254)), "x".repeat(254)),
        ("text_of_255_bytes", format!("\"{}\"", "x".repeat(255)), "x".repeat(255)),
        ("text_of_300_bytes", format!("\"{}\"", "x".repeat(300)), "x".repeat(300)),
        ("none", "null", None::<u32>),
        ("some", "7", Some(7_u32)),
        ("a_list_of_nothing", "[]", Vec::<u32>::new()),
        ("a_list_of_two_bytes", "[1,2]", vec![1_u8, 2]),
        ("bytes_of_two_states", "[0,1,1,0,1,0,0,1,1]", vec![0_u8, 1, 1, 0, 1, 0, 0, 1, 1]),
        ("three_bytes_of_two_states", "[0,1,0]", vec![0_u8, 1, 0]),
        ("bytes_of_three_states", "[0,1,2,2,1,0]", vec![0_u8, 1, 2, 2, 1, 0]),
        ("bytes_of_four_states", "[3,1,2]", vec![3_u8, 1, 2]),
        ("bytes_of_six_states", "[5,4,3,2]", vec![5_u8, 4, 3, 2]),
        ("bytes_of_sixteen_states", "[15,0,9]", vec![15_u8, 0, 9]),
        ("bytes_of_any_states", "[1,255,16]", vec![1_u8, 255, 16]),
        ("bytes_above_a_least", "[100,101,102,100,101,102]", vec![100_u8, 101, 102, 100, 101, 102]),
        ("bytes_with_a_sign_above_a_least", "[-1,0,-1,0,-1,0]", vec![-1_i8, 0, -1, 0, -1, 0]),
        ("words_of_one_byte", "[1,2,3,1000]", vec![1_u32, 2, 3, 1000]),
        ("words_above_a_least", "[70000,70001,70002,70003,70004,70005]", (70_000..70_006_u32).collect::<Vec<_>>()),
        ("words_with_a_sign", "[-300,300]", vec![-300_i32, 300]),
        ("short_words", "[1,2]", vec![1_u16, 2]),
        ("reals", "[1.0,-2.5]", vec![1.0_f32, -2.5]),
        ("four_reals", "[1.0,2.0,-3.0,0.5]", vec![1.0_f32, 2.0, -3.0, 0.5]),
        ("texts", "[\"a\",\"\",\"bc\"]", ["a", "", "bc"].map(str::to_owned).to_vec()),
        ("texts_of_one_character", "[\"é\",\"\"]", ["é", ""].map(str::to_owned).to_vec()),
        ("perhaps_texts", "[null,\"a\"]", vec![None, Some("a".to_owned())]),
        ("an_array", "[9,8,7]", [9_u8, 8, 7]),
        ("lists_in_an_array", "[[1],[]]", [vec![1_u32], vec![]]),
        ("the_only_choice", "{\"Only\":{\"0\":7}}", One::Only(7)),
        ("a_choice_without_members", "\"Halt\"", Order::Halt),
        ("a_choice_with_members", "{\"Go\":{\"x\":1.0,\"y\":-1.0}}", Order::Go { x: 1.0, y: -1.0 }),
        (
            "choices",
            "[{\"Follow\":{\"0\":{\"index\":5,\"generation\":2},\"1\":9}},\"Halt\",{\"Follow\":{\"0\":{\"index\":6,\"generation\":0},\"1\":8}}]",
            vec![
                Order::Follow(NetId { index: 5, generation: 2 }, 9),
                Order::Halt,
                Order::Follow(NetId { index: 6, generation: 0 }, 8),
            ]
        ),
        ("several_of_five", "[\"Joker\",\"Joker\"]", vec![Suit::Joker; 2]),
        ("the_last_of_five", "\"Joker\"", Suit::Joker),
        (
            "all_of_it",
            "{\"flag\":true,\"tiny\":200,\"small\":513,\"middle\":70000,\"large\":\"0x0102030405060708\",\"low\":-2,\"lower\":-300,\
             \"lowest\":5,\"deepest\":\"0xffffffffffffffff\",\"real\":-1.5,\"text\":\"\",\"tick\":{\"0\":4000000000},\"who\":null}",
            ALL
        ),
    ]
}

/// What a stranger may write, and we never do.
struct Stranger {
    name: &'static str,
    json: &'static str,
    shape: Shape,
    body: &'static [u8],
    reads: fn(&[u8]) -> bool,
}

macro_rules! stranger {
    ($name:literal, $json:literal, $type:ty, $value:expr, $body:expr) => {
        Stranger {
            name: $name,
            json: $json,
            shape: <$type>::SHAPE,
            body: &$body,
            reads: |body| bitcode::decode::<$type>(body).is_ok_and(|read| read == $value),
        }
    };
}

/// Bytes are taken modulo their states, and what is left of the last is ignored.
fn strangers() -> [Stranger; 7] {
    [
        stranger!("a_byte_beyond_six_states_at_length", "[3,0,1]", Vec<u8>, [3, 0, 1], [3, 4, 255]),
        stranger!("a_byte_beyond_three_states_at_length", "[0,1,1,0,0]", Vec<u8>, [0, 1, 1, 0, 0], [5, 8, 255]),
        stranger!("more_in_the_last_byte_at_length", "[3,0,1,3]", Vec<u8>, [3, 0, 1, 3], [4, 4, 39, 213]),
        stranger!("more_in_a_byte_of_two_states_at_length", "[1,1,0]", Vec<u8>, [1, 1, 0], [3, 10, 0b1111_1011]),
        stranger!("more_than_yes_at_length", "true", bool, true, [255]),
        stranger!("more_than_a_choice_at_length", "\"Halt\"", Order, Order::Halt, [3]),
        stranger!("bytes_as_they_are_at_length", "[0,1,0]", Vec<u8>, [0, 1, 0], [3, 0, 0, 1, 0]),
    ]
}

/// What is no body of an event of this shape.
struct Refused {
    name: &'static str,
    why: &'static str,
    shape: Shape,
    body: &'static [u8],
    refuses: fn(&[u8]) -> bool,
}

fn refused() -> Vec<Refused> {
    fn refused<T: for<'a> Decode<'a> + Shaped>(name: &'static str, why: &'static str, body: &'static [u8]) -> Refused {
        Refused { name, why, shape: T::SHAPE, body, refuses: |body| bitcode::decode::<T>(body).is_err() }
    }
    vec![
        refused::<u8>("a_byte_more", "nothing follows; twin: a_byte", &[200, 0]),
        refused::<u16>("a_byte_less", "a word has two bytes; twin: a_short_word", &[1]),
        refused::<Vec<u8>>(
            "an_eleventh_packing",
            "10 is the last of bytes; twin: three_bytes_of_two_states",
            &[3, 11, 0, 0],
        ),
        refused::<u32>(
            "a_word_of_half_a_byte",
            "4 is the last of words of four bytes; twin: a_word_of_one_byte",
            &[5, 7],
        ),
        refused::<u64>(
            "a_long_word_of_half_a_byte",
            "6 is the last of words of eight bytes; twin: a_long_word_of_one_byte",
            &[7, 7],
        ),
        refused::<Vec<Suit>>(
            "a_choice_after_the_last_of_several",
            "a byte of six states, 5 of 0 to 4 in it; twin: several_of_five",
            &[2, 4 + 6 * 5],
        ),
        refused::<Suit>("a_choice_after_the_last", "4 is the last of five; twin: the_last_of_five", &[5]),
        refused::<String>("a_text_that_is_none", "it is no UTF-8; twin: a_character_of_two_bytes", &[1, 0xC3]),
        refused::<Vec<String>>(
            "a_character_cut_in_two",
            "each text is UTF-8 by itself; twin: texts_of_one_character",
            &[2, 1, 1, 0xC3, 0xA9],
        ),
        refused::<Vec<u8>>(
            "a_list_longer_than_its_body",
            "three are announced, and two there; twin: bytes_of_any_states",
            &[3, 0, 1, 2],
        ),
    ]
}

#[test]
fn bodies_have_these_bytes() {
    let mut vectors = Vectors::new(
        BODIES,
        "Bodies of events: the shape, as `tidelock-server schema --json` has it, and the value. In `json` structs are objects, choices\n\
         without members their names, others objects of one member, and what is not there is null. Numbers of 64 bits are text, in hex,\n\
         those with a sign in two's complement.",
    );
    cases().iter().for_each(|case| case.write(&mut vectors));
    for Stranger { name, json, shape, body, .. } in strangers() {
        vectors.event(name, &shape.to_string(), json, body);
    }
    for Refused { name, why, shape, body, .. } in refused() {
        vectors.refused_event(name, why, &shape.to_string(), body);
    }
    vectors.check();
}

#[test]
fn bodies_read_back() {
    cases().iter().for_each(|case| case.check());
    for Stranger { name, body, reads, .. } in strangers() {
        assert_eq!(bytes(BODIES, name), body, "{name}");
        assert!(reads(body), "{name}");
    }
}

#[test]
fn what_is_no_body_is_refused() {
    for Refused { name, body, refuses, .. } in refused() {
        assert_eq!(bytes(BODIES, &format!("refused_{name}")), body, "{name}");
        assert!(refuses(body), "{name}");
    }
}
