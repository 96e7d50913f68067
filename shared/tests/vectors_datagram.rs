//! Acks, the head of every datagram, and whole datagrams of a client, bit by bit. Run with `WRITE_VECTORS=1` after an intended
//! change.

mod vector_file;
mod vector_game;

use serde_json::{Value, json};
use std::time::Duration;
use tidelock::bits::{BitReader, BitWriter, Malformed};
use tidelock::wire::{AckWindow, Acks, Connection, InputReader, WIRE_VERSION, write_inputs};
use tidelock::{Instant, Tick};
use vector_file::json::Fragment;
use vector_file::{Vectors, bytes, json, less};
use vector_game::schema;

const ACKS: &str = "acks.txt";
const HEAD: &str = "datagram_head.txt";
const OF_CLIENTS: &str = "client_datagrams.txt";

/// What is said of the sequences from `newest - span` to `newest`: they are accepted, but for those that are missing.
#[derive(Default)]
struct Report {
    newest: u64,
    /// `None` when it is longer than can be said.
    delay_us: Option<u64>,
    span: u64,
    /// Newest first.
    missing: Vec<u64>,
}

impl Report {
    fn new(newest: u64, span: u64, missing: &[u64]) -> Self {
        Self { newest, delay_us: Some(0), span, missing: missing.to_vec() }
    }

    fn json(&self) -> Value {
        json!({ "newest": self.newest, "delay_us": self.delay_us, "span": self.span, "missing": self.missing })
    }

    fn accepted(&self) -> Vec<u64> {
        (self.newest - self.span..=self.newest).rev().filter(|sequence| !self.missing.contains(sequence)).collect()
    }

    /// As a stranger would.
    fn write(&self, w: &mut BitWriter) {
        w.write_bool(true);
        w.write(self.newest & 0xFFFF, 16);
        w.write(self.delay_us.map_or(1_023, |us| us / 128), 10);
        w.write_golomb(self.span as u32, 3);
        w.write_golomb(self.missing.len() as u32, 0);
        let before = std::iter::once(&self.newest).chain(&self.missing);
        before.zip(&self.missing).for_each(|(before, missing)| w.write_golomb((before - missing - 1) as u32, 2));
    }
}

/// What a receiver holds, and says of it.
struct Case {
    name: &'static str,
    held: Vec<u64>,
    /// The peer knows of all up to this one.
    known: Option<u64>,
    delay_us: u64,
    /// The reader's own.
    next_sequence: u64,
    report: Option<Report>,
}

fn cases() -> Vec<Case> {
    let case = |name, held: &[u64], next_sequence, report| {
        let report = Some(Report { delay_us: Some(1_280), ..report });
        Case { name, held: held.to_vec(), known: None, delay_us: 1_280, next_sequence, report }
    };
    let far: Vec<u64> = (70_000..70_012).filter(|s| ![70_001, 70_005, 70_006].contains(s)).collect();
    let far_report = Report::new(70_011, 11, &[70_006, 70_005, 70_001]);
    let gap = |newest: u64| -> Vec<u64> { (0..64).map(|n| newest - 1 - n).collect() };
    let long = |name, delay_us, said| Case {
        delay_us,
        report: Some(Report { delay_us: said, ..Report::default() }),
        ..case(name, &[0], 1, Report::default())
    };
    vec![
        Case { report: None, ..case("nothing_received", &[], 5, Report::default()) },
        case("the_first", &[0], 1, Report::new(0, 0, &[])),
        case("all_of_four", &[0, 1, 2, 3], 4, Report::new(3, 3, &[])),
        case("one_missing", &[0, 1, 3], 4, Report::new(3, 3, &[2])),
        case("all_but_the_ends_missing", &[2, 9], 300, Report::new(9, 7, &[8, 7, 6, 5, 4, 3])),
        case("three_missing_beyond_16_bits", &far, 70_040, far_report),
        case("across_the_wrap_of_16_bits", &[65_534, 65_535, 65_537], 65_540, Report::new(65_537, 3, &[65_536])),
        case("as_many_missing_as_can_be_listed", &[1, 66], 67, Report::new(66, 65, &gap(66))),
        case("one_missing_more_than_can_be_listed", &[1, 67], 68, Report::new(67, 64, &gap(67))),
        Case {
            known: Some(6),
            ..case("what_the_peer_knows_is_left_out", &[4, 5, 6, 7, 9], 10, Report::new(9, 2, &[8]))
        },
        long("the_longest_delay", 130_816, Some(130_816)),
        long("a_delay_too_long_to_say", 130_944, None),
    ]
}

fn window(case: &Case) -> AckWindow {
    let mut window = AckWindow::default();
    let known = |sequence: &&u64| case.known.is_some_and(|known| **sequence <= known);
    case.held.iter().filter(known).for_each(|sequence| window.accept(*sequence));
    window.reported().into_iter().for_each(|reported| window.on_report_received(reported));
    case.held.iter().for_each(|sequence| window.accept(*sequence));
    window
}

/// Of strangers: the reader's next sequence, what they say, and what a reader must refuse that differs from it by one step.
fn claims() -> Vec<(&'static str, &'static str, u64, [Report; 2])> {
    let of = Report::new;
    let gap = |missing: u64| -> Vec<u64> { (0..missing).map(|n| 79 - n).collect() };
    vec![
        ("claim_of_the_last_sent", "claim_of_one_not_sent", 100, [of(99, 0, &[]), of(100, 0, &[])]),
        ("span_back_to_zero", "span_before_zero", 100, [of(3, 3, &[]), of(3, 4, &[])]),
        ("all_of_a_span_missing", "more_missing_than_the_span_has", 100, [of(9, 2, &[8, 7]), of(9, 2, &[8, 7, 6])]),
        ("the_last_of_a_span_missing", "one_missing_behind_the_span", 100, [of(9, 2, &[7]), of(9, 2, &[6])]),
        ("sixty_four_missing", "sixty_five_missing", 100, [of(80, 70, &gap(64)), of(80, 70, &gap(65))]),
        ("the_longest_span", "span_beyond_the_window", 5_000, [of(2_000, 1_023, &[]), of(2_000, 1_024, &[])]),
    ]
}

#[test]
fn acks_have_these_bytes() {
    let mut vectors = Vectors::new(
        ACKS,
        "Acks: what a receiver holds of its peer's datagrams.\n\
         0 nothing yet; or 1 | newest 16 | delay 10 in 128 us, 1023 unknown | span golomb 3 | missing golomb 0 |\n\
         for each missing, newest first: sequences between it and the last golomb 2.\n\
         given.next_sequence: that of the reader's own next datagram.\n\
         acks: null for nothing yet; delay_us null: 130944 or longer. All from newest - span to newest are accepted, but for those\n\
         that are missing, newest first.",
    );
    for case in cases() {
        let json = json!({
            "given": { "next_sequence": case.next_sequence },
            "acks": case.report.as_ref().map(Report::json),
        });
        let window = window(&case);
        vectors.accepted(case.name, &json, |w| window.write(Duration::from_micros(case.delay_us), w));
    }
    for (name, refused, next_sequence, [report, beyond]) in claims() {
        let given = json!({ "next_sequence": next_sequence });
        vectors.accepted(name, &json!({ "given": given, "acks": report.json() }), |w| report.write(w));
        let why = format!("next_sequence is {next_sequence}; twin: {name}");
        vectors.refused_given(refused, &given, &why, |w| beyond.write(w));
    }
    let all_of_four = Report { delay_us: Some(1_280), ..Report::new(3, 3, &[]) };
    let given = json!({ "next_sequence": 4 });
    let cut = less(1, |w| all_of_four.write(w));
    vectors.refused_given("cut_short", &given, "the span is cut off; twin: all_of_four", cut);
    vectors.check();
}

#[test]
fn acks_read_back() {
    let read = |name: &str, next| {
        let bytes = bytes(ACKS, name);
        let acks = Acks::read(&mut BitReader::new(&bytes), next)?;
        Ok(acks.map(|acks| (acks.newest, acks.iter().collect::<Vec<u64>>(), acks.delay)))
    };
    let heard = |report: &Report| (report.newest, report.accepted(), report.delay_us.map(Duration::from_micros));
    for Case { name, next_sequence, report, .. } in cases() {
        assert_eq!(read(name, next_sequence), Ok(report.as_ref().map(heard)), "{name}");
        let mut w = BitWriter::new();
        report.iter().for_each(|report| report.write(&mut w));
        assert!(report.is_none() || w.finish() == bytes(ACKS, name), "{name}: a stranger writes the same");
    }
    for (name, refused, next, [report, _]) in claims() {
        assert_eq!(read(name, next), Ok(Some(heard(&report))), "{name}");
        assert_eq!(read(&format!("refused_{refused}"), next), Err(Malformed), "{refused}");
    }
    assert_eq!(read("refused_cut_short", 4), Err(Malformed));
}

/// A datagram, and what its reader knows.
struct Head {
    name: &'static str,
    sequence: u64,
    /// What its sender holds.
    held: Vec<u64>,
    report: Option<Report>,
    unreliable: Option<&'static [u8]>,
    reliable: Option<&'static [u8]>,
    /// The newest that came before, if any did.
    newest_sequence: Option<u64>,
    next_sequence: u64,
}

fn heads() -> Vec<Head> {
    let head = |name, sequence, held: &[u64], report, newest_sequence, next_sequence| Head {
        name,
        sequence,
        held: held.to_vec(),
        report,
        unreliable: None,
        reliable: None,
        newest_sequence,
        next_sequence,
    };
    let delay_us = Some(128_000);
    let with_messages = Report { delay_us, ..Report::new(1, 1, &[]) };
    vec![
        head("first", 0, &[], None, None, 0),
        head("third", 2, &[0, 1, 3], Some(Report::new(3, 3, &[2])), Some(1), 4),
        head("beyond_16_bits", 65_537, &[8], Some(Report::new(8, 0, &[])), Some(65_530), 9),
        head("the_furthest_ahead", 102_768, &[], None, Some(70_001), 0),
        Head {
            unreliable: Some(b"ab"),
            reliable: Some(b"c"),
            ..head("with_a_message_of_either_kind", 1, &[0, 1], Some(with_messages), Some(0), 2)
        },
    ]
}

impl Head {
    fn given(&self) -> Value {
        json!({ "newest_sequence": self.newest_sequence.unwrap_or(0), "next_sequence": self.next_sequence })
    }

    fn json(&self) -> Value {
        let fragment = |bytes: &&[u8]| Fragment { id: 0, last: true, bytes: bytes.to_vec() }.json();
        json!({
            "given": self.given(),
            "version": WIRE_VERSION,
            "sequence": self.sequence,
            "acks": self.report.as_ref().map(Report::json),
            "unreliable_messages": self.unreliable.iter().map(|bytes| json::bytes(bytes)).collect::<Value>(),
            "fragments": self.reliable.iter().map(fragment).collect::<Value>(),
        })
    }

    /// With a connection that has sent all before it.
    fn write(&self, w: &mut BitWriter) {
        let mut connection = connection(self.sequence, &self.held);
        self.unreliable.iter().for_each(|message| connection.send_unreliable(message).unwrap());
        self.reliable.iter().for_each(|message| connection.send_message(message).unwrap());
        let delay_us = self.report.as_ref().and_then(|report| report.delay_us);
        connection.write_head(Instant::from_us(1_000_000 + delay_us.unwrap_or(0)), 200, w);
    }

    fn reader(&self) -> Connection<()> {
        connection(self.next_sequence, self.newest_sequence.as_slice())
    }
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
        "The head of every datagram, with its messages: version 4 | sequence 16 | acks | unreliable messages | fragments.\n\
         An input or a snapshot follows.\n\
         given.newest_sequence: the newest that came before, 0 if none did; given.next_sequence: that of the reader's own next datagram.\n\
         The reader waits for fragment 0. Acks are as in acks.txt, messages as in unreliable_messages.txt, fragments as in\n\
         reliable_fragments.txt.",
    );
    let heads = heads();
    heads.iter().for_each(|head| vectors.accepted(head.name, &head.json(), |w| head.write(w)));
    let (first, third) = (&heads[0], &heads[1]);
    for (name, version) in [("version_2", WIRE_VERSION + 1), ("version_0", WIRE_VERSION - 1)] {
        vectors.refused_given(name, &first.given(), "the version is 1; twin: first", |w| {
            w.write(version.into(), 4);
            w.write(0, 19);
        });
    }
    let given = json!({ "newest_sequence": 1, "next_sequence": 3 });
    let why = "it acknowledges 3, which is not sent yet; twin: third";
    vectors.refused_given("acks_of_one_not_sent", &given, why, |w| third.write(w));
    let cut = less(1, |w| first.write(w));
    vectors.refused_given("cut_short", &first.given(), "a sequence has 16 bits; twin: first", cut);
    vectors.check();
}

#[test]
fn datagram_heads_read_back() {
    let read = |name: &str, mut reader: Connection<()>| {
        let bytes = bytes(HEAD, name);
        let mut r = BitReader::new(&bytes);
        let header = reader.read_header(&mut r)?;
        reader.read_messages(&mut r)?;
        let read = header.map(|header| (header.sequence, header.acks.map(|acks| acks.iter().collect::<Vec<_>>())));
        Ok((read, reader.poll_unreliable(), reader.poll_message()))
    };
    for head in heads() {
        let read = read(head.name, head.reader());
        let said = Some((head.sequence, head.report.as_ref().map(Report::accepted)));
        let of = |message: Option<&[u8]>| message.map(<[u8]>::to_vec);
        assert_eq!(read, Ok((said, of(head.unreliable), of(head.reliable))), "{}", head.name);
    }
    assert_eq!(read("first", connection(0, &[0])), Ok((None, None, None)), "it came before");
    assert_eq!(read("refused_acks_of_one_not_sent", connection(3, &[0, 1])), Err(Malformed));
    for name in ["refused_version_2", "refused_version_0", "refused_cut_short"] {
        assert_eq!(read(name, connection(0, &[])), Err(Malformed), "{name}");
    }
}

/// A datagram of a client: what every datagram has, and inputs, four buttons each, the newest first.
struct OfClient {
    head: Head,
    newest_tick: u32,
    inputs: Vec<[u32; 1]>,
}

const KNOWN_TICK: Tick = Tick(1_000);
/// What a hello begins with: its kind and the hash of a schema.
const HELLO: &[u8] = &[0, 0x37, 0x96, 0xcb, 0x45, 0x91, 0x1e, 0xc3, 0xc8, 0];
const EVENT: &[u8] = &[2, 0];

fn of_clients() -> Vec<OfClient> {
    let head = |name, sequence, held: &[u64], report, reliable, unreliable| Head {
        name,
        sequence,
        held: held.to_vec(),
        report,
        unreliable,
        reliable,
        newest_sequence: sequence.checked_sub(1),
        next_sequence: 9,
    };
    let of = |head, inputs: &[u32]| {
        let inputs = inputs.iter().map(|buttons| [*buttons]).collect();
        OfClient { head, newest_tick: 1_004, inputs }
    };
    let one_missing = || Some(Report::new(8, 3, &[6]));
    let held = &[5, 7, 8];
    vec![
        of(head("a_hello", 0, &[], None, Some(HELLO), None), &[]),
        of(head("acks_alone", 7, held, one_missing(), None, None), &[]),
        of(head("acks_and_one_input", 8, held, one_missing(), None, None), &[5]),
        of(head("acks_and_inputs", 9, held, one_missing(), None, None), &[5, 5, 0, 8]),
        of(head("events_of_both_kinds_and_inputs", 10, held, one_missing(), Some(EVENT), Some(EVENT)), &[0, 5]),
    ]
}

impl OfClient {
    fn given(&self) -> Value {
        let mut given = self.head.given();
        given["known_tick"] = KNOWN_TICK.0.into();
        given
    }

    fn json(&self) -> Value {
        let mut json = self.head.json();
        json["given"] = self.given();
        json["newest_tick"] = (!self.inputs.is_empty()).then_some(self.newest_tick).into();
        json["inputs"] = json!(self.inputs);
        json
    }

    fn write(&self, w: &mut BitWriter) {
        self.head.write(w);
        let Some(newest) = self.inputs.first() else { return w.write_bool(false) };
        let older = self.inputs[1..].iter().map(|input| &input[..]);
        write_inputs(schema().input(), &[0], Tick(self.newest_tick), newest, older, 9_600, w);
    }
}

/// Sequence, messages of both kinds and inputs.
type ReadOfClient = (u64, Option<Vec<u8>>, Option<Vec<u8>>, Vec<(Tick, u32)>);

fn read_of_client(mut reader: Connection<()>, bytes: &[u8]) -> Result<ReadOfClient, Malformed> {
    let (schema, mut r) = (schema(), BitReader::new(bytes));
    let header = reader.read_header(&mut r)?.unwrap();
    reader.read_messages(&mut r)?;
    let mut inputs = Vec::new();
    if let Some(mut reader) = InputReader::new(schema.input(), KNOWN_TICK, &mut r)? {
        let mut lanes = [0];
        while let Some(tick) = reader.next(&mut lanes, &mut r)? {
            inputs.push((tick, lanes[0]));
        }
    }
    Ok((header.sequence, reader.poll_unreliable(), reader.poll_message(), inputs))
}

#[test]
fn datagrams_of_clients_have_these_bytes() {
    let mut vectors = Vectors::new(
        OF_CLIENTS,
        "Whole datagrams of a client, as a server reads them: head and messages as in datagram_head.txt, then inputs as in inputs.txt.\n\
         given.known_tick: a tick that the reader knows. inputs: the lanes of each, the newest first.",
    );
    vectors.context(&json!({ "input": json::input(schema().input_layout()) }));
    let all = of_clients();
    all.iter().for_each(|of| vectors.accepted(of.head.name, &of.json(), |w| of.write(w)));
    let one = all.iter().find(|of| of.head.name == "acks_and_one_input").unwrap();
    let cut = less(1, |w| one.write(w));
    vectors.refused_given("inputs_cut_short", &one.given(), "the one is cut off; twin: acks_and_one_input", cut);
    let alone = all.iter().find(|of| of.head.name == "acks_alone").unwrap();
    let cut = less(1, |w| alone.write(w));
    vectors.refused_given("nothing_of_inputs", &alone.given(), "a bit tells of none; twin: acks_alone", cut);
    vectors.check();
}

#[test]
fn datagrams_of_clients_read_back() {
    let all = of_clients();
    for of in &all {
        let inputs = (0..).zip(&of.inputs).map(|(age, [buttons])| (Tick(of.newest_tick).sub(age), *buttons)).collect();
        let message = |message: Option<&[u8]>| message.map(<[u8]>::to_vec);
        let expected = (of.head.sequence, message(of.head.unreliable), message(of.head.reliable), inputs);
        assert_eq!(
            read_of_client(of.head.reader(), &bytes(OF_CLIENTS, of.head.name)),
            Ok(expected),
            "{}",
            of.head.name
        );
    }
    for (refused, twin) in [("inputs_cut_short", &all[2]), ("nothing_of_inputs", &all[1])] {
        let bytes = bytes(OF_CLIENTS, &format!("refused_{refused}"));
        assert_eq!(read_of_client(twin.head.reader(), &bytes), Err(Malformed), "{refused}");
    }
}
