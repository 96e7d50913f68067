//! Snapshot headers and what the records of a datagram have in common, bit by bit. Run with `WRITE_VECTORS=1` after an
//! intended change.

mod vector_file;

use serde_json::{Value, json};
use tidelock::bits::{BitReader, BitWriter, Malformed};
use tidelock::state::Audience;
use tidelock::wire::{Audit, InputReport, Load, RecordList, RecordsHead, SnapshotHeader};
use tidelock::{Instant, Tick};
use vector_file::{Vectors, bytes, json, less};

const HEADERS: &str = "snapshot_header.txt";
const COMMON: &str = "records_in_common.txt";

fn headers() -> Vec<(&'static str, SnapshotHeader)> {
    let bare = SnapshotHeader { tick: Tick(1_000), count: 1, ..Default::default() };
    let report = |lead| Some(InputReport { ahead: 2, lead, missed: 0 });
    let (latest, longest) = InputReport::LEADS.into_inner();
    vec![
        ("bare", bare.clone()),
        (
            "full",
            SnapshotHeader {
                tick: Tick(70_000),
                index: 2,
                count: 5,
                complete: true,
                in_flight: 9,
                inputs: Some(InputReport { ahead: 3, lead: Some(-20), missed: 0b1000_0101 }),
                load: Load { level: 2, dilation_pct: 30 },
                due: Some(Instant::from_us(0x0102_0304_0506_0708)),
                audit: Some(Audit { bucket: 63, hash: 0xDEAD_BEEF }),
                checksum: Some(0xABCD),
            },
        ),
        ("records_and_a_lead", SnapshotHeader { inputs: report(Some(24)), checksum: Some(1), ..bare.clone() }),
        ("the_longest_lead", SnapshotHeader { inputs: report(Some(longest)), ..bare.clone() }),
        ("the_latest_lead", SnapshotHeader { inputs: report(Some(latest)), ..bare.clone() }),
        ("the_most_inputs_ahead", SnapshotHeader { inputs: Some(ahead(InputReport::AHEAD_MAX)), ..bare.clone() }),
        ("the_most_in_flight", SnapshotHeader { in_flight: SnapshotHeader::IN_FLIGHT_MAX, ..bare.clone() }),
        ("the_heaviest_load", SnapshotHeader { load: Load { level: 3, dilation_pct: 1_023 }, ..bare.clone() }),
        ("the_last_of_4096", SnapshotHeader { index: 4_095, count: 4_096, ..bare.clone() }),
        ("inputs_without_a_lead", SnapshotHeader { inputs: report(None), ..bare.clone() }),
        ("of_tick_0", SnapshotHeader { tick: Tick(0), ..bare }),
    ]
}

/// The same bits for readers who know another tick: how far it may be away, and what it is by then.
const TICKS: [(&str, u32, u32); 4] = [
    ("as_far_back_as_ahead", 33_768, 1_000),
    ("as_long_ago_as_can_be_told", 33_767, 1_000),
    ("as_far_ahead_as_can_be_told", 4_294_935_529, 1_000),
    ("so_far_ahead_that_it_is_another", 33_769, 66_536),
];

fn ahead(ticks: u32) -> InputReport {
    InputReport { ahead: ticks, lead: None, missed: 0 }
}

fn header_json(known_tick: Tick, header: &SnapshotHeader) -> Value {
    json!({ "given": { "known_tick": known_tick.0 }, "snapshot": json::snapshot(header) })
}

/// What the reader of a header knows.
fn known_tick(header: &SnapshotHeader) -> Tick {
    header.tick.sub(900)
}

/// The beginning of a header, up to the inputs.
fn begin(index: u32, after: u32, w: &mut BitWriter) {
    w.write_bool(true);
    w.write(1_000, 16);
    w.write_golomb(index, 0);
    w.write_golomb(after, 0);
    w.write_bool(false);
    w.write_golomb(0, 2);
}

/// Nothing else in the header.
fn end(w: &mut BitWriter) {
    w.write(0, 5);
}

/// What the reader of the twin knows.
fn known_of(why: &str) -> u32 {
    let twin = why.rsplit_once("twin: ").map(|(_, twin)| twin);
    let header = headers().into_iter().find(|(name, _)| Some(*name) == twin);
    known_tick(&header.unwrap().1).0
}

fn with_lead(lead: i32, w: &mut BitWriter) {
    begin(0, 0, w);
    w.write_bool(true);
    w.write_golomb(2, 2);
    w.write_bool(true);
    w.write_signed_golomb(lead, 5);
    end(w);
}

#[test]
fn snapshot_headers_have_these_bytes() {
    let mut vectors = Vectors::new(
        HEADERS,
        "The header of a snapshot datagram.\n\
         0 no snapshot; or 1 | tick 16 | index golomb 0 | datagrams after this one golomb 0 | complete 1 | in flight golomb 2 |\n\
         inputs: 0, or 1, ahead golomb 2, lead 0, or 1 and signed golomb 5, missed 0, or 1 and 8 | load: 0, or 1, level 2, dilation 10 |\n\
         due: 0, or 1, us 64 | audit: 0, or 1, bucket 6, hash 32 | records: 0, or 1, checksum 16.\n\
         given.known_tick: a tick that the reader knows.\n\
         snapshot: null if there is none. In it null is what is not there; lead is in 1/16 tick, due_us in 64 bits, in hex; checksum is\n\
         null if there are no records.",
    );
    let nothing = json!({ "given": { "known_tick": 1_000 }, "snapshot": null });
    vectors.accepted("none", &nothing, |w| w.write_bool(false));
    for (name, header) in headers() {
        vectors.accepted(name, &header_json(known_tick(&header), &header), |w| header.write(w));
    }
    let bare = &headers()[0].1;
    for (name, known, tick) in TICKS {
        let header = SnapshotHeader { tick: Tick(tick), ..bare.clone() };
        vectors.accepted(name, &header_json(Tick(known), &header), |w| header.write(w));
    }
    let mut refused = |name: &str, why: &str, write: &dyn Fn(&mut BitWriter)| {
        vectors.refused_given(name, &json!({ "known_tick": known_of(why) }), why, |w| write(w));
    };
    let of = |index, after| {
        move |w: &mut BitWriter| {
            begin(index, after, w);
            end(w);
        }
    };
    refused("one_of_4097", "at most 4096; twin: the_last_of_4096", &of(4_095, 1));
    let why = "index and after overflow together; twin: the_last_of_4096";
    refused("a_count_beyond_32_bits", why, &of(u32::MAX, u32::MAX));
    refused("a_count_that_wraps_to_1", why, &of(u32::MAX, 1));
    refused("a_longer_lead", "2,048; twin: the_longest_lead", &|w| with_lead(2_048, w));
    refused("a_later_lead", "-2,049; twin: the_latest_lead", &|w| with_lead(-2_049, w));
    refused("a_lead_beyond_16_bits", "32,768; twin: the_longest_lead", &|w| with_lead(32_768, w));
    let more = SnapshotHeader { inputs: Some(ahead(129)), ..bare.clone() };
    refused("more_inputs_ahead", "129; twin: the_most_inputs_ahead", &|w| more.write(w));
    let more = SnapshotHeader { in_flight: 4_097, ..bare.clone() };
    refused("more_in_flight", "4,097; twin: the_most_in_flight", &|w| more.write(w));
    refused("cut_short", "the tick has 16 bits; twin: of_tick_0", &|w| w.write(0x01, 16));
    refused("the_last_bits_cut_off", "it ends with in_flight; twin: bare", &|w| less(1, |w| bare.write(w))(w));
    vectors.check();
}

#[test]
fn snapshot_headers_read_back() {
    let read = |name: &str, near| SnapshotHeader::read(Tick(near), &mut BitReader::new(&bytes(HEADERS, name)));
    assert_eq!(read("none", 0), Ok(None));
    for (name, header) in headers() {
        let tick = header.tick;
        for near in [known_tick(&header), tick, tick.add(32_000)] {
            assert_eq!(read(name, near.0), Ok(Some(header.clone())), "{name} near {near}");
        }
    }
    for (name, known, tick) in TICKS {
        assert_eq!(read(name, known).map(|header| header.map(|header| header.tick)), Ok(Some(Tick(tick))), "{name}");
    }
    let refused = [
        "one_of_4097",
        "a_count_beyond_32_bits",
        "a_count_that_wraps_to_1",
        "a_longer_lead",
        "a_later_lead",
        "a_lead_beyond_16_bits",
        "more_inputs_ahead",
        "more_in_flight",
        "cut_short",
        "the_last_bits_cut_off",
    ];
    for name in refused {
        assert_eq!(read(&format!("refused_{name}"), 1_000), Err(Malformed), "{name}");
    }
}

const TICK: Tick = Tick(1_000);

/// Base and second baseline by age, then runs, order and others of each list.
fn common(ages: [Option<u32>; 2], lists: &[(u32, u32, u32)]) -> RecordsHead {
    let [base, second] = ages.map(|age| age.map(|age| TICK.sub(age)));
    let mut head = RecordsHead { base, second, ..RecordsHead::default() };
    for (list, (runs, gap_order, others)) in head.lists.iter_mut().zip(lists) {
        *list = RecordList { runs: *runs, gap_order: *gap_order, others: *others };
    }
    head
}

fn heads_in_common() -> Vec<(&'static str, RecordsHead)> {
    vec![
        ("no_base_and_no_records", common([None; 2], &[])),
        ("fulls_and_leaves_alone", common([None; 2], &[(0, 0, 12)])),
        ("a_base_and_a_run", common([Some(6), None], &[(1, 0, 0)])),
        ("a_second_baseline", common([Some(6), Some(12)], &[(9, 2, 1), (0, 0, 0), (1, 3, 0)])),
        ("the_oldest_second_baseline", common([Some(6), Some(38)], &[(1, 0, 0)])),
        ("records_of_the_owner_alone", common([Some(1), Some(2)], &[(0, 0, 0), (0, 0, 0), (1, 0, 2)])),
        ("the_oldest_base", common([Some(511), None], &[(1, 0, 0)])),
        ("the_oldest_base_and_no_runs", common([Some(511), None], &[(0, 0, 4); 3])),
        ("a_base_and_the_oldest_second_baseline", common([Some(480), Some(511)], &[(1, 0, 0)])),
        ("records_of_the_team", common([Some(9), None], &[(0, 0, 1), (2, 1, 3), (0, 0, 0)])),
    ]
}

fn common_json(head: &RecordsHead) -> Value {
    let list = |list: RecordList| {
        let order = (list.runs > 0).then_some(list.gap_order);
        json!({ "runs": list.runs, "order": order, "others": list.others })
    };
    let mut json = json!({
        "base_tick": head.base.map(|tick| tick.0),
        "second_tick": head.second.map(|tick| tick.0),
    });
    Audience::ALL.into_iter().zip(head.lists).for_each(|(whose, of)| json[json::audience(whose)] = list(of));
    json
}

#[test]
fn what_records_have_in_common_has_these_bytes() {
    let mut vectors = Vectors::new(
        COMMON,
        "What the records of a datagram have in common; the lists follow.\n\
         age of the base in ticks golomb 3, 0 for none | if there is one: second 0, or 1 and ticks before the base, less one, 5 |\n\
         for each audience: runs golomb 2 | if there are any: gap order 2 | others golomb 2.\n\
         tick: of the snapshot. base_tick, second_tick: null if there is none; ticks wrap. public, team, owner: the list of each; order is\n\
         null without runs.",
    );
    vectors.context(&json!({ "tick": TICK.0 }));
    for (name, head) in heads_in_common() {
        vectors.accepted(name, &common_json(&head), |w| head.write(TICK, w));
    }
    let of = |ages: [Option<u32>; 2], lists: &[(u32, u32, u32)]| {
        let head = common(ages, lists);
        move |w: &mut BitWriter| head.write(TICK, w)
    };
    let no_runs = [(0, 0, 4); 3];
    let why = "age 512; twin: the_oldest_base";
    vectors.refused("a_base_before_the_oldest", why, of([Some(512), None], &[(1, 0, 0)]));
    let why = "age 512; twin: the_oldest_base_and_no_runs";
    vectors.refused("a_base_before_the_oldest_and_no_runs", why, of([Some(512), None], &no_runs));
    let why = "480 and 32; twin: a_base_and_the_oldest_second_baseline";
    vectors.refused("a_second_baseline_before_the_oldest", why, of([Some(480), Some(512)], &[(1, 0, 0)]));
    let why = "age 2^31; twin: the_oldest_base_and_no_runs";
    vectors.refused("a_base_yet_to_come", why, of([Some(1 << 31), None], &no_runs));
    vectors
        .refused("a_run_without_a_base", "twin: a_base_and_a_run", |w| common([None; 2], &[(1, 0, 0)]).write(TICK, w));
    vectors.refused("cut_short", "counts follow; twin: no_base_and_no_records", |w| w.write_golomb(0, 3));
    let none = common([None; 2], &[]);
    let cut = less(1, |w| none.write(TICK, w));
    vectors.refused("two_lists", "the owner's is missing; twin: no_base_and_no_records", cut);
    vectors.check();
}

#[test]
fn what_records_have_in_common_reads_back() {
    let read = |name: &str| RecordsHead::read(TICK, &mut BitReader::new(&bytes(COMMON, name)));
    for (name, head) in heads_in_common() {
        assert_eq!(read(name), Ok(head), "{name}");
    }
    let refused = [
        "a_base_before_the_oldest",
        "a_base_before_the_oldest_and_no_runs",
        "a_second_baseline_before_the_oldest",
        "a_base_yet_to_come",
        "a_run_without_a_base",
        "cut_short",
        "two_lists",
    ];
    for name in refused {
        assert_eq!(read(&format!("refused_{name}")), Err(Malformed), "{name}");
    }
}
