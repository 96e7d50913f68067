//! Snapshot headers and the heads of records, bit by bit. Run with `WRITE_VECTORS=1` after an intended change.

mod vector_file;

use tidelock::bits::{BitReader, BitWriter, Malformed};
use tidelock::state::NetId;
use tidelock::wire::{
    Audit, InputReport, Load, RecordHead, RecordList, RecordReader, RecordWriter, RecordsHead, SnapshotHeader,
};
use tidelock::{Instant, Tick};
use vector_file::{Vectors, bytes};

const HEADERS: &str = "snapshot_header.txt";
const COMMON: &str = "records_in_common.txt";
const HEADS: &str = "record_heads.txt";

fn headers() -> Vec<(&'static str, SnapshotHeader)> {
    let bare = SnapshotHeader { tick: Tick(1_000), count: 1, ..Default::default() };
    let report = |lead| Some(InputReport { ahead: 2, lead, missed: 0 });
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
        ("the_longest_lead", SnapshotHeader { inputs: report(Some(i16::MAX)), ..bare.clone() }),
        ("the_latest_lead", SnapshotHeader { inputs: report(Some(i16::MIN)), ..bare.clone() }),
        ("the_heaviest_load", SnapshotHeader { load: Load { level: 3, dilation_pct: 1_023 }, ..bare.clone() }),
        ("the_last_of_4096", SnapshotHeader { index: 4_095, count: 4_096, ..bare }),
    ]
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

#[test]
fn snapshot_headers_have_these_bytes() {
    let mut vectors = Vectors::new(
        HEADERS,
        "The header of a snapshot datagram.\n\
         0 no snapshot; or 1 | tick 16 | index golomb 0 | datagrams after this one golomb 0 | complete 1 | in flight golomb 2 |\n\
         inputs: 0, or 1, ahead golomb 2, lead 0, or 1 and signed golomb 5, missed 0, or 1 and 8 | load: 0, or 1, level 2, dilation 10 |\n\
         due: 0, or 1, us 64 | audit: 0, or 1, bucket 6, hash 32 | records: 0, or 1, checksum 16.\n\
         The reader knows a tick at most 32767 away.",
    );
    vectors.accepted("none", "no snapshot", |w| w.write_bool(false));
    for (name, header) in headers() {
        vectors.accepted(name, &format!("{header:?}"), |w| header.write(w));
    }
    vectors.refused("one_of_4097", "at most 4096; twin: the_last_of_4096", |w| {
        begin(4_095, 1, w);
        w.write(0, 5);
    });
    vectors.refused("a_count_beyond_32_bits", "index and rest overflow together", |w| {
        begin(u32::MAX, u32::MAX, w);
        w.write(0, 5);
    });
    vectors.refused("a_lead_beyond_16_bits", "32768; twin: the_longest_lead", |w| {
        begin(0, 0, w);
        w.write_bool(true);
        w.write_golomb(2, 2);
        w.write_bool(true);
        w.write_signed_golomb(32_768, 5);
        w.write(0, 5);
    });
    vectors.refused("cut_short", "the tick has 16 bits; twin: bare", |w| w.write(0x01, 16));
    vectors.check();
}

#[test]
fn snapshot_headers_read_back() {
    let read = |name: &str, near| SnapshotHeader::read(Tick(near), &mut BitReader::new(&bytes(HEADERS, name)));
    assert_eq!(read("none", 0), Ok(None));
    for (name, header) in headers() {
        let near = header.tick.0;
        for near in [near - 900, near, near + 32_000] {
            assert_eq!(read(name, near), Ok(Some(header.clone())), "{name} near {near}");
        }
    }
    for name in ["one_of_4097", "a_count_beyond_32_bits", "a_lead_beyond_16_bits", "cut_short"] {
        assert_eq!(read(&format!("refused_{name}"), 1_000), Err(Malformed), "{name}");
    }
}

const TICK: Tick = Tick(1_000);
const BASE: Option<Tick> = Some(Tick(994));

fn heads_in_common() -> Vec<(&'static str, RecordsHead)> {
    let head = |age: Option<u32>, lists: &[(u32, u32)]| {
        let mut head = RecordsHead { base: age.map(|age| TICK.sub(age)), ..RecordsHead::default() };
        for (list, (count, gap_order)) in head.lists.iter_mut().zip(lists) {
            (list.count, list.gap_order) = (*count, *gap_order);
        }
        head
    };
    vec![
        ("no_base_and_no_records", head(None, &[])),
        ("a_base_and_many_records", head(Some(6), &[(900, 0), (0, 0), (1, 7)])),
        ("records_of_the_owner_alone", head(Some(1), &[(0, 0), (0, 0), (2, 3)])),
        ("the_oldest_base", head(Some(i32::MAX as u32), &[(1, 0)])),
    ]
}

#[test]
fn what_records_have_in_common_has_these_bytes() {
    let mut vectors = Vectors::new(
        COMMON,
        "What the records of a datagram of the snapshot of tick 1000 have in common; the records follow.\n\
         age of the base in ticks golomb 3, 0 for none | for each audience: count golomb 2 | if it is not 0: gap order 3.",
    );
    for (name, head) in heads_in_common() {
        vectors.accepted(name, &format!("{head:?}"), |w| head.write(TICK, w));
    }
    vectors.refused("a_base_yet_to_come", "age 2^31; twin: the_oldest_base", |w| {
        w.write_golomb(1 << 31, 3);
        w.write(0b1_0001, 5);
    });
    vectors.refused("cut_short", "counts follow; twin: no_base_and_no_records", |w| w.write_golomb(0, 3));
    vectors.check();
}

#[test]
fn what_records_have_in_common_reads_back() {
    let read = |name: &str| RecordsHead::read(TICK, &mut BitReader::new(&bytes(COMMON, name)));
    for (name, head) in heads_in_common() {
        assert_eq!(read(name), Ok(head), "{name}");
    }
    for name in ["a_base_yet_to_come", "cut_short"] {
        assert_eq!(read(&format!("refused_{name}")), Err(Malformed), "{name}");
    }
}

/// The name of a list, its order, and its records.
type List = (&'static str, u32, Vec<(u32, RecordHead)>);

fn records() -> Vec<List> {
    let delta = |age| RecordHead::Delta { baseline: TICK.sub(age) };
    let full = |generation| RecordHead::Full { generation };
    let leave = |despawned| RecordHead::Leave { despawned };
    vec![
        ("delta_against_the_base", 2, vec![(0, delta(6))]),
        ("deltas_against_the_base_side_by_side", 0, vec![(0, delta(6)), (1, delta(6)), (2, delta(6))]),
        ("delta_of_an_age_of_its_own", 2, vec![(0, delta(1))]),
        ("full", 2, vec![(5, full(0xBEEF))]),
        ("leave_of_one_that_lives", 2, vec![(1, leave(false))]),
        ("leave_of_one_that_is_gone", 2, vec![(1, leave(true))]),
        ("deltas_of_one_age_and_of_others", 1, vec![(0, delta(7)), (1, delta(7)), (9, delta(1)), (10, delta(7))]),
        ("an_age_survives_other_heads", 0, vec![(2, delta(4)), (3, full(1)), (4, delta(6)), (5, delta(4))]),
        ("a_baseline_before_the_wrap", 2, vec![(0, delta(1_001))]),
        ("the_last_index", 7, vec![(NetId::INDEX_MAX, full(0))]),
    ]
}

#[test]
fn record_heads_have_these_bytes() {
    let mut vectors = Vectors::new(
        HEADS,
        "The heads of one list of records in a snapshot of tick 1000 whose base is of tick 994, here without the bodies that\n\
         follow heads of deltas and fulls. The list's order and count are in `fields`.\n\
         for each, by ascending index: distance to the last one's, less one, golomb of the list's order |\n\
         1                                                       delta against the base\n\
         0 1, then 1 as old a baseline as the last that was named, or 0 and its age in ticks golomb 3   delta\n\
         0 0 0 | generation 16                                   full\n\
         0 0 1 | despawned 1                                     leave",
    );
    let fields = |order: u32, heads: &[(u32, RecordHead)]| format!("order {order}, count {}, {heads:?}", heads.len());
    for (name, order, heads) in records() {
        vectors.accepted(name, &fields(order, &heads), |w| {
            let mut writer = RecordWriter::new(TICK, BASE, order);
            heads.iter().for_each(|(index, head)| writer.write(*index, *head, w));
        });
    }
    let delta = |age| {
        move |w: &mut BitWriter| {
            w.write_golomb(0, 2);
            w.write(0b010, 3);
            w.write_golomb(age, 3);
        }
    };
    vectors.accepted("the_youngest_baseline", "order 2, count 1, [(0, Delta { baseline: Tick(999) })]", delta(1));
    vectors.refused("a_baseline_of_its_own_tick", "order 2, count 1, age 0; twin: the_youngest_baseline", delta(0));
    vectors.accepted("the_oldest_baseline", "order 2, count 1, age 2^31 - 1", delta(i32::MAX as u32));
    vectors.refused("a_baseline_yet_to_come", "order 2, count 1, age 2^31; twin: the_oldest_baseline", delta(1 << 31));
    vectors.refused("the_age_of_no_delta_before", "order 2, count 1; twin: deltas_of_one_age_and_of_others", |w| {
        w.write_golomb(0, 2);
        w.write(0b110, 3);
    });
    vectors.refused("a_base_that_is_not_there", "order 2, count 1, no base; twin: delta_against_the_base", |w| {
        w.write_golomb(0, 2);
        w.write_bool(true);
    });
    vectors.refused("an_index_too_large", "order 7, count 1, 2^20; twin: the_last_index", |w| {
        w.write_golomb(NetId::INDEX_MAX + 1, 7);
        w.write(0b000, 3);
        w.write(0, 16);
    });
    vectors.refused("cut_short", "order 2, count 2; twin: delta_against_the_base", |w| {
        w.write_golomb(0, 2);
        w.write_bool(true);
    });
    vectors.check();
}

fn read_heads(name: &str, base: Option<Tick>, gap_order: u32, count: u32) -> Result<Vec<(u32, RecordHead)>, Malformed> {
    let bytes = bytes(HEADS, name);
    let mut r = BitReader::new(&bytes);
    let mut reader = RecordReader::new(TICK, base, RecordList { count, gap_order });
    std::iter::from_fn(|| reader.next(&mut r).transpose()).collect()
}

#[test]
fn record_heads_read_back() {
    for (name, order, heads) in records() {
        assert_eq!(read_heads(name, BASE, order, heads.len() as u32), Ok(heads), "{name}");
    }
    let oldest = RecordHead::Delta { baseline: TICK.sub(i32::MAX as u32) };
    assert_eq!(read_heads("the_oldest_baseline", BASE, 2, 1), Ok(vec![(0, oldest)]));
    let youngest = RecordHead::Delta { baseline: Tick(999) };
    assert_eq!(read_heads("the_youngest_baseline", BASE, 2, 1), Ok(vec![(0, youngest)]));
    let refused = [
        ("a_baseline_of_its_own_tick", BASE, 2, 1),
        ("a_baseline_yet_to_come", BASE, 2, 1),
        ("the_age_of_no_delta_before", BASE, 2, 1),
        ("a_base_that_is_not_there", None, 2, 1),
        ("an_index_too_large", BASE, 7, 1),
        ("cut_short", BASE, 2, 2),
    ];
    for (name, base, order, count) in refused {
        assert_eq!(read_heads(&format!("refused_{name}"), base, order, count), Err(Malformed), "{name}");
    }
}
