//! The head of every datagram, acks and the fragments of reliable messages, bit by bit. Run with `WRITE_VECTORS=1` after
//! an intended change.

mod vector_file;

use std::time::Duration;
use tidelock::Instant;
use tidelock::bits::{BitReader, BitWriter, Malformed};
use tidelock::wire::{
    AckWindow, Acks, Connection, ReliableReceiver, ReliableSender, UnreliableSender, WIRE_VERSION, read_unreliable,
};
use vector_file::{Vectors, bytes};

const ACKS: &str = "acks.txt";
const HEAD: &str = "datagram_head.txt";
const FRAGMENTS: &str = "reliable_fragments.txt";
const UNRELIABLE: &str = "unreliable_messages.txt";

/// What a receiver holds and says of it.
struct Report {
    name: &'static str,
    held: Vec<u64>,
    /// The peer knows of all up to this one.
    known: Option<u64>,
    delay_us: u64,
    /// What is read back of the delay; `None` when it is longer than can be said.
    delay_read_us: Option<u64>,
    /// The reader's own next sequence.
    next: u64,
    /// What the reader hears, newest first.
    heard: Vec<u64>,
}

fn reports() -> Vec<Report> {
    let report = |name, held: &[u64], next, heard: &[u64]| Report {
        name,
        held: held.to_vec(),
        known: None,
        delay_us: 1_280,
        delay_read_us: Some(1_280),
        next,
        heard: heard.to_vec(),
    };
    let far: Vec<u64> = (70_000..70_012).filter(|s| ![70_001, 70_005, 70_006].contains(s)).collect();
    let far_heard: Vec<u64> = far.iter().rev().copied().collect();
    vec![
        report("nothing_received", &[], 5, &[]),
        report("the_first", &[0], 1, &[0]),
        report("all_of_four", &[0, 1, 2, 3], 4, &[3, 2, 1, 0]),
        report("one_missing", &[0, 1, 3], 4, &[3, 1, 0]),
        report("all_but_the_ends_missing", &[2, 9], 300, &[9, 2]),
        report("three_missing_beyond_16_bits", &far, 70_040, &far_heard),
        report("across_the_wrap_of_16_bits", &[65_534, 65_535, 65_537], 65_540, &[65_537, 65_535, 65_534]),
        report("as_many_missing_as_can_be_listed", &[1, 66], 67, &[66, 1]),
        report("one_missing_more_than_can_be_listed", &[1, 67], 68, &[67]),
        Report { known: Some(6), ..report("what_the_peer_knows_is_left_out", &[4, 5, 6, 7, 9], 10, &[9, 7]) },
        Report { delay_us: 130_816, delay_read_us: Some(130_816), ..report("the_longest_delay", &[0], 1, &[0]) },
        Report { delay_us: 130_944, delay_read_us: None, ..report("a_delay_too_long_to_say", &[0], 1, &[0]) },
    ]
}

fn window(report: &Report) -> AckWindow {
    let mut window = AckWindow::default();
    let known = |sequence: &&u64| report.known.is_some_and(|known| **sequence <= known);
    report.held.iter().filter(known).for_each(|sequence| window.accept(*sequence));
    window.reported().into_iter().for_each(|reported| window.on_report_received(reported));
    report.held.iter().for_each(|sequence| window.accept(*sequence));
    window
}

/// A report as a stranger would write it: newest, delay, span, how many are missing, the distances between those.
fn claim(newest: u64, span: u32, count: u32, distances: &[u32]) -> impl FnOnce(&mut BitWriter) {
    move |w| {
        w.write_bool(true);
        w.write(newest & 0xFFFF, 16);
        w.write(0, 10);
        w.write_golomb(span, 3);
        w.write_golomb(count, 0);
        distances.iter().for_each(|distance| w.write_golomb(*distance, 2));
    }
}

#[test]
fn acks_have_these_bytes() {
    let mut vectors = Vectors::new(
        ACKS,
        "Acks: what a receiver holds of its peer's datagrams.\n\
         0 nothing yet; or 1 | newest 16 | delay 10 in 128 us, 1023 unknown | span golomb 3 | missing golomb 0 |\n\
         for each missing, newest first: sequences between it and the last golomb 2.\n\
         `next` is the sequence that the reader's next datagram will have.",
    );
    for report in reports() {
        let Report { held, known, delay_us, next, .. } = &report;
        let held: Vec<u64> = held.iter().copied().filter(|s| known.is_none_or(|known| *s > known)).collect();
        let fields = format!("held {held:?}, delay {delay_us} us, next {next}");
        let window = window(&report);
        vectors.accepted(report.name, &fields, |w| window.write(Duration::from_micros(report.delay_us), w));
    }
    vectors.accepted("claim_of_the_last_sent", "held [99], delay 0 us, next 100", claim(99, 0, 0, &[]));
    vectors.refused("claim_of_one_not_sent", "next is 100; twin: claim_of_the_last_sent", claim(100, 0, 0, &[]));
    vectors.accepted("span_back_to_zero", "held [3, 2, 1, 0], delay 0 us, next 100", claim(3, 3, 0, &[]));
    vectors.refused("span_before_zero", "next is 100; twin: span_back_to_zero", claim(3, 4, 0, &[]));
    vectors.accepted("all_of_a_span_missing", "held [9], delay 0 us, next 100", claim(9, 2, 2, &[0, 0]));
    vectors.refused(
        "more_missing_than_the_span_has",
        "next is 100; twin: all_of_a_span_missing",
        claim(9, 2, 3, &[0, 0, 0]),
    );
    vectors.accepted("the_last_of_a_span_missing", "held [9, 8], delay 0 us, next 100", claim(9, 2, 1, &[1]));
    vectors.refused(
        "one_missing_behind_the_span",
        "next is 100; twin: the_last_of_a_span_missing",
        claim(9, 2, 1, &[2]),
    );
    vectors.accepted("the_longest_span", "held 2000 and the 1023 before it, next 5000", claim(2_000, 1_023, 0, &[]));
    vectors.refused("span_beyond_the_window", "next is 5000; twin: the_longest_span", claim(2_000, 1_024, 0, &[]));
    vectors.check();
}

#[test]
fn acks_read_back() {
    let read = |name: &str, next| {
        let bytes = bytes(ACKS, name);
        let acks = Acks::read(&mut BitReader::new(&bytes), next)?;
        Ok(acks.map(|acks| (acks.iter().collect::<Vec<u64>>(), acks.delay)))
    };
    for Report { name, next, heard, delay_read_us, .. } in reports() {
        let heard = (!heard.is_empty()).then(|| (heard, delay_read_us.map(Duration::from_micros)));
        assert_eq!(read(name, next), Ok(heard), "{name}");
    }
    let held = |name, next| read(name, next).unwrap().unwrap().0;
    assert_eq!(held("claim_of_the_last_sent", 100), [99]);
    assert_eq!(held("span_back_to_zero", 100), [3, 2, 1, 0]);
    assert_eq!(held("all_of_a_span_missing", 100), [9]);
    assert_eq!(held("the_last_of_a_span_missing", 100), [9, 8]);
    assert_eq!(held("the_longest_span", 5_000).len(), 1_024);
    for name in
        ["claim_of_one_not_sent", "span_before_zero", "more_missing_than_the_span_has", "one_missing_behind_the_span"]
    {
        assert_eq!(read(&format!("refused_{name}"), 100), Err(Malformed), "{name}");
    }
    assert_eq!(read("refused_span_beyond_the_window", 5_000), Err(Malformed));
}

/// A connection that has sent `sent` datagrams and holds `held` of its peer's.
fn connection(sent: u64, held: &[u64]) -> Connection<()> {
    let mut connection = Connection::new(1_000);
    let now = Instant::from_us(1_000_000);
    let mut w = BitWriter::new();
    for _ in 0..sent {
        w.clear();
        connection.write_head(now, 0, &mut w);
        connection.commit(now, (), |_, _| {});
    }
    held.iter().for_each(|sequence| connection.accept(*sequence, now));
    connection
}

#[test]
fn datagram_heads_have_these_bytes() {
    let mut vectors = Vectors::new(
        HEAD,
        "The head of every datagram, without messages: version 4 | sequence 16 | acks | 0 for no unreliable message |\n\
         0 for no fragment.\n\
         An input or a snapshot follows.",
    );
    let head = |sent, held: &[u64]| {
        let mut connection = connection(sent, held);
        move |w: &mut BitWriter| {
            connection.write_head(Instant::default(), 0, w);
        }
    };
    vectors.accepted("first", "version 1, sequence 0, nothing held", head(0, &[]));
    vectors.accepted("third", "version 1, sequence 2, held [0, 1, 3]", head(2, &[0, 1, 3]));
    vectors.accepted("beyond_16_bits", "version 1, sequence 65_537, held [8]", head(65_537, &[8]));
    vectors.refused("version_2", "the version is 1; twin: first", |w| {
        w.write(u64::from(WIRE_VERSION) + 1, 4);
        w.write(0, 19);
    });
    vectors.check();
}

#[test]
fn datagram_heads_read_back() {
    let read = |name: &str, held: &[u64], sent| {
        let mut reader = connection(sent, held);
        let bytes = bytes(HEAD, name);
        let mut r = BitReader::new(&bytes);
        let header = reader.read_header(&mut r)?;
        reader.read_messages(&mut r)?;
        Ok(header.map(|header| (header.sequence, header.acks.map_or(Vec::new(), |acks| acks.iter().collect()))))
    };
    assert_eq!(read("first", &[], 0), Ok(Some((0, vec![]))));
    assert_eq!(read("first", &[0], 0), Ok(None), "it came before");
    assert_eq!(read("third", &[0, 1], 4), Ok(Some((2, vec![3, 1, 0]))));
    assert_eq!(read("third", &[0, 1], 3), Err(Malformed), "what it acknowledges was not sent");
    assert_eq!(read("beyond_16_bits", &[65_530], 9), Ok(Some((65_537, vec![8]))));
    assert_eq!(read("refused_version_2", &[], 0), Err(Malformed));
}

#[test]
fn unreliable_messages_have_these_bytes() {
    let mut vectors = Vectors::new(
        UNRELIABLE,
        "The unreliable messages in one datagram.\n\
         for each: 1 | length 10, at most 800 | bytes; then 0.",
    );
    let send = |messages: &[&[u8]]| {
        let mut sender = UnreliableSender::default();
        messages.iter().for_each(|message| sender.send(message).unwrap());
        move |w: &mut BitWriter| sender.write(9_000, w)
    };
    vectors.accepted("none", "no messages", send(&[]));
    vectors.accepted("empty_message", "[\"\"]", send(&[b""]));
    vectors.accepted("two_messages", "[\"ab\", \"c\"]", send(&[b"ab", b"c"]));
    vectors.accepted("message_of_800_bytes", "800 bytes 0x61", send(&[&[0x61; 800]]));
    vectors.refused("message_of_801_bytes", "twin: message_of_800_bytes", |w| {
        w.write_bool(true);
        w.write(801, 10);
        w.write_bytes(&[0x61; 801]);
        w.write_bool(false);
    });
    vectors.refused("message_cut_short", "its one byte is missing; twin: two_messages", |w| {
        w.write_bool(true);
        w.write(1, 10);
    });
    vectors.check();
}

#[test]
fn unreliable_messages_read_back() {
    let read = |name: &str| {
        let mut messages = Vec::new();
        let bytes = bytes(UNRELIABLE, name);
        read_unreliable(&mut BitReader::new(&bytes), |message| messages.push(message)).map(|()| messages)
    };
    assert_eq!(read("none"), Ok(vec![]));
    assert_eq!(read("empty_message"), Ok(vec![b"".to_vec()]));
    assert_eq!(read("two_messages"), Ok(vec![b"ab".to_vec(), b"c".to_vec()]));
    assert_eq!(read("message_of_800_bytes"), Ok(vec![vec![0x61; 800]]));
    for name in ["refused_message_of_801_bytes", "refused_message_cut_short"] {
        assert_eq!(read(name), Err(Malformed), "{name}");
    }
}

fn fragment(id: u64, last: bool, len: usize, w: &mut BitWriter) {
    w.write_bool(true);
    w.write(id, 16);
    w.write_bool(last);
    w.write(len as u64, 10);
    w.write_bytes(&vec![0x61; len]);
}

#[test]
fn reliable_fragments_have_these_bytes() {
    let mut vectors = Vectors::new(
        FRAGMENTS,
        "The fragments of reliable messages in one datagram.\n\
         for each: 1 | id 16 | last of its message 1 | length 10, at most 800 | bytes; then 0.\n\
         The reader starts at id 0 and takes messages of at most 805 bytes.",
    );
    let send = |messages: &[&[u8]], room_bits| {
        let mut sender = ReliableSender::default();
        messages.iter().for_each(|message| sender.send(message).unwrap());
        move |w: &mut BitWriter| sender.write(0, room_bits, w)
    };
    vectors.accepted("none", "no messages", send(&[], 9_000));
    vectors.accepted("empty_message", "[\"\"]", send(&[b""], 9_000));
    vectors.accepted("two_messages", "[\"ab\", \"c\"]", send(&[b"ab", b"c"], 9_000));
    vectors.accepted("first_of_two_fragments", "800 of 805 bytes 0x61", send(&[&[0x61; 805]], 6_450));
    vectors.accepted("second_of_two_fragments", "the last 5 of 805 bytes 0x61", |w| {
        fragment(1, true, 5, w);
        w.write_bool(false);
    });
    vectors.refused("second_of_a_message_too_long", "6 more than 800; twin: second_of_two_fragments", |w| {
        fragment(1, true, 6, w);
        w.write_bool(false);
    });
    vectors.refused("fragment_of_801_bytes", "twin: first_of_two_fragments", |w| {
        fragment(0, false, 801, w);
        w.write_bool(false);
    });
    vectors.accepted("the_last_id_of_the_window", "id 63, kept until those before it come", |w| {
        fragment(63, true, 1, w);
        w.write_bool(false);
    });
    vectors.refused("id_beyond_the_window", "id 64; twin: the_last_id_of_the_window", |w| {
        fragment(64, true, 1, w);
        w.write_bool(false);
    });
    vectors.refused("cut_short", "nothing says that no more follow; twin: empty_message", |w| {
        w.write(0b1_0000_0000_0000_0001, 17);
    });
    vectors.check();
}

#[test]
fn reliable_fragments_read_back() {
    let read = |names: &[&str]| {
        let mut receiver = ReliableReceiver::new(805);
        for name in names {
            receiver.read(&mut BitReader::new(&bytes(FRAGMENTS, name)))?;
        }
        Ok(std::iter::from_fn(|| receiver.poll()).collect::<Vec<_>>())
    };
    assert_eq!(read(&["none"]), Ok(vec![]));
    assert_eq!(read(&["empty_message"]), Ok(vec![b"".to_vec()]));
    assert_eq!(read(&["two_messages", "two_messages"]), Ok(vec![b"ab".to_vec(), b"c".to_vec()]), "each once");
    assert_eq!(read(&["first_of_two_fragments", "second_of_two_fragments"]), Ok(vec![vec![0x61; 805]]));
    assert_eq!(read(&["second_of_two_fragments", "first_of_two_fragments"]), Ok(vec![vec![0x61; 805]]));
    assert_eq!(read(&["the_last_id_of_the_window"]), Ok(vec![]));
    assert_eq!(read(&["first_of_two_fragments", "refused_second_of_a_message_too_long"]), Err(Malformed));
    for name in ["refused_fragment_of_801_bytes", "refused_id_beyond_the_window", "refused_cut_short"] {
        assert_eq!(read(&[name]), Err(Malformed), "{name}");
    }
}
