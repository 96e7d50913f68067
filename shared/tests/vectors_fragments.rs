//! Unreliable messages and the fragments of reliable ones, bit by bit. Run with `WRITE_VECTORS=1` after an intended change.

mod vector_file;

use serde_json::{Value, json};
use tidelock::bits::{BitReader, BitWriter, Malformed};
use tidelock::wire::{ReliableReceiver, ReliableSender, UnreliableSender, read_unreliable};
use vector_file::json::Fragment;
use vector_file::{Vectors, bytes, json, less};

const FRAGMENTS: &str = "reliable_fragments.txt";
const UNRELIABLE: &str = "unreliable_messages.txt";

fn messages_json(messages: &[Vec<u8>]) -> Value {
    messages.iter().map(|message| json::bytes(message)).collect()
}

fn unreliable_messages() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    vec![
        ("none", vec![]),
        ("empty_message", vec![vec![]]),
        ("two_messages", vec![b"ab".to_vec(), b"c".to_vec()]),
        ("message_of_800_bytes", vec![vec![0x61; 800]]),
        ("eight_messages", vec![b"a".to_vec(); 8]),
    ]
}

fn write_unreliable(messages: &[Vec<u8>], w: &mut BitWriter) {
    let mut sender = UnreliableSender::default();
    messages.iter().for_each(|message| sender.send(message).unwrap());
    sender.write(9_000, w);
}

#[test]
fn unreliable_messages_have_these_bytes() {
    let mut vectors = Vectors::new(
        UNRELIABLE,
        "The unreliable messages in one datagram.\n\
         for each: 1 | length 10, at most 800 | bytes; then 0.\n\
         messages: the bytes of each in hex, or a byte and how many times it is repeated.",
    );
    for (name, messages) in unreliable_messages() {
        let json = json!({ "messages": messages_json(&messages) });
        vectors.accepted(name, &json, |w| write_unreliable(&messages, w));
    }
    vectors.refused("message_of_801_bytes", "twin: message_of_800_bytes", |w| {
        w.write_bool(true);
        w.write(801, 10);
        w.write_bytes(&[0x61; 801]);
        w.write_bool(false);
    });
    vectors.accepted("message_of_one_byte", &json!({ "messages": ["00"] }), |w| write_unreliable(&[vec![0]], w));
    vectors.refused("message_cut_short", "its one byte is missing; twin: message_of_one_byte", |w| {
        w.write_bool(true);
        w.write(1, 10);
    });
    let eight = vec![b"a".to_vec(); 8];
    let cut = less(1, |w| write_unreliable(&eight, w));
    vectors.refused("no_end", "nothing says that no more follow; twin: eight_messages", cut);
    vectors.check();
}

#[test]
fn unreliable_messages_read_back() {
    let read = |name: &str| {
        let mut messages = Vec::new();
        let bytes = bytes(UNRELIABLE, name);
        read_unreliable(&mut BitReader::new(&bytes), |message| messages.push(message)).map(|()| messages)
    };
    for (name, messages) in unreliable_messages() {
        assert_eq!(read(name), Ok(messages), "{name}");
    }
    assert_eq!(read("message_of_one_byte"), Ok(vec![vec![0]]));
    for name in ["refused_message_of_801_bytes", "refused_message_cut_short", "refused_no_end"] {
        assert_eq!(read(name), Err(Malformed), "{name}");
    }
}

/// The fragments of one datagram.
struct Case {
    name: &'static str,
    /// What the receiver waits for.
    next_fragment: u64,
    /// What it has read before.
    after: Option<&'static str>,
    fragments: Vec<Fragment>,
    /// What is complete then, and was not before.
    messages: Vec<Vec<u8>>,
}

fn fragment(id: u64, last: bool, bytes: &[u8]) -> Fragment {
    Fragment { id, last, bytes: bytes.to_vec() }
}

fn cases() -> Vec<Case> {
    let case = |name, fragments, messages: &[&[u8]]| {
        let messages = messages.iter().map(|message| message.to_vec()).collect();
        Case { name, next_fragment: 0, after: None, fragments, messages }
    };
    let two = || vec![fragment(0, true, b"ab"), fragment(1, true, b"c")];
    let (long, all) = (&[0x61; 800], &[0x61; 805][..]);
    let second = || vec![fragment(1, true, b"aaaaa")];
    vec![
        case("none", vec![], &[]),
        case("empty_message", vec![fragment(0, true, b"")], &[b""]),
        case("two_messages", two(), &[b"ab", b"c"]),
        Case { after: Some("two_messages"), ..case("two_messages_that_came_before", two(), &[]) },
        case("two_empty_messages", vec![fragment(0, true, b""), fragment(1, true, b"")], &[b"", b""]),
        case("first_of_two_fragments", vec![fragment(0, false, long)], &[]),
        case("second_of_two_fragments", second(), &[]),
        Case { after: Some("first_of_two_fragments"), ..case("second_after_the_first", second(), &[all]) },
        case("the_last_id_of_the_window", vec![fragment(63, true, b"a")], &[]),
        Case {
            next_fragment: 32_768,
            ..case("the_first_of_a_message_that_goes_on", vec![fragment(32_768, false, b"")], &[])
        },
        Case {
            next_fragment: 65_535,
            ..case(
                "ids_across_the_wrap_of_16_bits",
                vec![fragment(65_535, true, b"a"), fragment(65_536, true, b"b")],
                &[b"a", b"b"],
            )
        },
        case("ids_in_descending_order", vec![fragment(1, true, b"c"), fragment(0, true, b"ab")], &[b"ab", b"c"]),
        case("the_window_moves_within_a_datagram", vec![fragment(0, true, b"a"), fragment(64, true, b"b")], &[b"a"]),
        case("too_long_once_the_first_has_come", vec![fragment(1, true, b"aaaaaa")], &[]),
        Case { next_fragment: 70_000, ..case("an_id_long_gone", vec![fragment(69_999, true, b"a")], &[]) },
    ]
}

impl Case {
    fn given(&self) -> Value {
        json!({ "next_fragment": self.next_fragment, "after": self.after })
    }

    fn json(&self) -> Value {
        json!({
            "given": self.given(),
            "fragments": self.fragments.iter().map(Fragment::json).collect::<Value>(),
            "messages": messages_json(&self.messages),
        })
    }
}

fn write(fragments: &[Fragment], w: &mut BitWriter) {
    fragments.iter().for_each(|fragment| fragment.write(w));
    w.write_bool(false);
}

#[test]
fn reliable_fragments_have_these_bytes() {
    let mut vectors = Vectors::new(
        FRAGMENTS,
        "The fragments of reliable messages in one datagram.\n\
         for each: 1 | id 16 | last of its message 1 | length 10, at most 800 | bytes; then 0.\n\
         given.next_fragment: the id that the reader waits for at first; given.after: the vector of this file that it reads before this\n\
         one, or null; message_bytes_max: the longest message that it takes.\n\
         fragments: as they stand there, bytes as in unreliable_messages.txt. messages: those that are complete then, and were not before.",
    );
    vectors.context(&json!({ "message_bytes_max": 805 }));
    let cases = cases();
    cases.iter().for_each(|case| vectors.accepted(case.name, &case.json(), |w| write(&case.fragments, w)));
    let twin = |name: &str| cases.iter().find(|case| case.name == name).unwrap();
    let mut refused = |name, why: &str, of: &str, fragment| {
        vectors.refused_given(name, &twin(of).given(), &format!("{why}; twin: {of}"), |w| write(&[fragment], w));
    };
    let six = fragment(1, true, b"aaaaaa");
    refused("second_of_a_message_too_long", "6 more than 800", "second_after_the_first", six);
    let long = fragment(0, false, &[0x61; 801]);
    refused("fragment_of_801_bytes", "800 is the most", "first_of_two_fragments", long);
    let far = fragment(64, true, b"a");
    refused("id_beyond_the_window", "id 64", "the_last_id_of_the_window", far);
    let first = twin("the_first_of_a_message_that_goes_on");
    let why = "its length is cut off; twin: the_first_of_a_message_that_goes_on";
    vectors.refused_given("cut_short", &first.given(), why, |w| w.write(0b1_0000_0000_0000_0001, 17));
    let two = twin("two_empty_messages");
    let why = "nothing says that no more follow; twin: two_empty_messages";
    vectors.refused_given("no_end", &two.given(), why, less(1, |w| write(&two.fragments, w)));
    vectors.check();
}

/// Our own sender cuts messages as a stranger does.
#[test]
fn reliable_fragments_are_what_messages_are_cut_into() {
    let cut = |messages: &[&[u8]], room_bits| {
        let mut sender = ReliableSender::default();
        messages.iter().for_each(|message| sender.send(message).unwrap());
        let mut w = BitWriter::new();
        sender.write(0, room_bits, &mut w);
        w.finish().to_vec()
    };
    assert_eq!(cut(&[], 9_000), bytes(FRAGMENTS, "none"));
    assert_eq!(cut(&[b""], 9_000), bytes(FRAGMENTS, "empty_message"));
    assert_eq!(cut(&[b"ab", b"c"], 9_000), bytes(FRAGMENTS, "two_messages"));
    assert_eq!(cut(&[&[0x61; 805]], 6_450), bytes(FRAGMENTS, "first_of_two_fragments"));
}

fn receiver(next_fragment: u64) -> ReliableReceiver {
    let mut receiver = ReliableReceiver::new(805);
    for id in 0..next_fragment {
        let mut w = BitWriter::new();
        write(&[fragment(id, true, b"")], &mut w);
        receiver.read(&mut BitReader::new(w.finish())).unwrap();
        assert_eq!(receiver.poll(), Some(vec![]));
    }
    receiver
}

fn read(name: &str, next_fragment: u64, after: Option<&str>) -> Result<Vec<Vec<u8>>, Malformed> {
    let mut receiver = receiver(next_fragment);
    if let Some(before) = after {
        receiver.read(&mut BitReader::new(&bytes(FRAGMENTS, before)))?;
        while receiver.poll().is_some() {}
    }
    receiver.read(&mut BitReader::new(&bytes(FRAGMENTS, name)))?;
    Ok(std::iter::from_fn(|| receiver.poll()).collect())
}

#[test]
fn reliable_fragments_read_back() {
    for case in cases() {
        assert_eq!(read(case.name, case.next_fragment, case.after), Ok(case.messages), "{}", case.name);
    }
    let first = Some("first_of_two_fragments");
    assert_eq!(read("refused_second_of_a_message_too_long", 0, first), Err(Malformed));
    assert_eq!(read("refused_cut_short", 32_768, None), Err(Malformed));
    for name in ["refused_fragment_of_801_bytes", "refused_id_beyond_the_window", "refused_no_end"] {
        assert_eq!(read(name, 0, None), Err(Malformed), "{name}");
    }
    let mut late = receiver(0);
    for name in ["second_of_two_fragments", "first_of_two_fragments"] {
        late.read(&mut BitReader::new(&bytes(FRAGMENTS, name))).unwrap();
    }
    assert_eq!(late.poll(), Some(vec![0x61; 805]), "the second came first");
}
