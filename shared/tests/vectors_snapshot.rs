//! Snapshot headers and the heads of records, bit by bit. Run with `WRITE_VECTORS=1` after an intended change.

mod vector_file;

use tidelock::bits::{BitReader, BitWriter, Malformed};
use tidelock::state::NetId;
use tidelock::wire::{
    Audit, GHOST_MAX, InputReport, Load, RecordHead, RecordList, RecordReader, RecordWriter, RecordsHead, RunReader,
    RunWriter, SnapshotHeader,
};
use tidelock::{Instant, Tick};
use vector_file::{Vectors, bytes};

const HEADERS: &str = "snapshot_header.txt";
const COMMON: &str = "records_in_common.txt";
const RUNS: &str = "record_runs.txt";
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
        ("the_oldest_base", common([Some(i32::MAX as u32), None], &[(1, 0, 0)])),
    ]
}

#[test]
fn what_records_have_in_common_has_these_bytes() {
    let mut vectors = Vectors::new(
        COMMON,
        "What the records of a datagram of the snapshot of tick 1000 have in common; the lists follow.\n\
         age of the base in ticks golomb 3, 0 for none | if there is one: second 0, or 1 and ticks before the base, less one, 5 |\n\
         for each audience: runs golomb 2 | if there are any: gap order 2 | others golomb 2.",
    );
    for (name, head) in heads_in_common() {
        vectors.accepted(name, &format!("{head:?}"), |w| head.write(TICK, w));
    }
    vectors.refused("a_base_yet_to_come", "age 2^31; twin: the_oldest_base", |w| {
        w.write_golomb(1 << 31, 3);
        w.write(0, 1);
        w.write(0b1_0001_0001_0001_0001_0001, 21);
    });
    vectors.refused("runs_without_a_base", "twin: a_base_and_a_run", |w| {
        w.write_golomb(0, 3);
        w.write_golomb(1, 2);
        w.write(0, 2);
        w.write(0b1_0001_0001_0001_0001, 17);
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
    for name in ["a_base_yet_to_come", "runs_without_a_base", "cut_short"] {
        assert_eq!(read(&format!("refused_{name}")), Err(Malformed), "{name}");
    }
}

/// The name of a list, its order, and its runs: first ghost and length.
type Runs = (&'static str, u32, Vec<(u32, u32)>);

fn runs() -> Vec<Runs> {
    vec![
        ("one_run_of_all", 0, vec![(0, 900)]),
        ("a_run_of_one", 2, vec![(5, 1)]),
        ("runs_side_by_side", 0, vec![(0, 1), (2, 3), (6, 2)]),
        ("runs_far_apart", 3, vec![(9, 1), (40, 2), (1_000, 1)]),
        ("the_last_ghost", 3, vec![(GHOST_MAX, 1)]),
    ]
}

#[test]
fn runs_have_these_bytes() {
    let mut vectors = Vectors::new(
        RUNS,
        "The runs of a list, here without the bodies that follow the last: for each, by ascending ghost:\n\
         ghosts between it and the run before, less one (or before it, if it is the first), golomb of the list's order |\n\
         its length, less one, golomb 0. The list's order and count are in `fields`.",
    );
    for (name, order, runs) in runs() {
        vectors.accepted(name, &format!("order {order}, count {}, {runs:?}", runs.len()), |w| {
            let mut writer = RunWriter::new(order);
            runs.iter().for_each(|(begin, len)| writer.write(*begin, *len, w));
        });
    }
    vectors.refused("beyond_the_last_ghost", "order 3, count 1; twin: the_last_ghost", |w| {
        w.write_golomb(GHOST_MAX, 3);
        w.write_golomb(1, 0);
    });
    vectors.refused("cut_short", "order 2, count 2; twin: a_run_of_one", |w| {
        w.write_golomb(5, 2);
        w.write_golomb(0, 0);
    });
    vectors.check();
}

fn read_runs(name: &str, gap_order: u32, runs: u32) -> Result<Vec<(u32, u32)>, Malformed> {
    let bytes = bytes(RUNS, name);
    let mut r = BitReader::new(&bytes);
    let mut reader = RunReader::new(RecordList { runs, gap_order, others: 0 });
    std::iter::from_fn(|| reader.next(&mut r).transpose()).collect()
}

#[test]
fn runs_read_back() {
    for (name, order, runs) in runs() {
        assert_eq!(read_runs(name, order, runs.len() as u32), Ok(runs), "{name}");
    }
    assert_eq!(read_runs("refused_beyond_the_last_ghost", 3, 1), Err(Malformed));
    assert_eq!(read_runs("refused_cut_short", 2, 2), Err(Malformed));
}

fn records() -> Vec<(&'static str, Vec<(u32, RecordHead)>)> {
    let delta = |age| RecordHead::Delta { baseline: TICK.sub(age) };
    let full = |index, generation| RecordHead::Full { id: NetId { index, generation } };
    let leave = |despawned| RecordHead::Leave { despawned };
    vec![
        ("delta_against_the_base_alone", vec![(0, RecordHead::Base)]),
        ("delta_of_an_age_of_its_own", vec![(0, delta(1))]),
        ("full", vec![(5, full(700, 0xBEEF))]),
        ("full_of_the_last_index", vec![(0, full(NetId::INDEX_MAX, 0))]),
        ("full_of_the_last_generation", vec![(0, full(0, u16::MAX))]),
        (
            "full_where_indices_follow_ghosts",
            vec![(3, full(700, 1)), (4, full(701, 0)), (9, full(706, 0)), (10, full(3, 0))],
        ),
        ("leave_of_one_that_lives", vec![(1, leave(false))]),
        ("leave_of_one_that_is_gone", vec![(1, leave(true))]),
        ("one_of_each", vec![(2, RecordHead::Base), (3, delta(9)), (9, full(1, 1)), (10, leave(true))]),
        ("a_baseline_before_the_wrap", vec![(0, delta(1_001))]),
        ("the_last_ghost", vec![(GHOST_MAX, leave(false))]),
    ]
}

#[test]
fn record_heads_have_these_bytes() {
    let mut vectors = Vectors::new(
        HEADS,
        "The heads of records in no run, in a snapshot of tick 1000 that has a base, here without the bodies that follow all\n\
         but leaves. Their count is in `fields`. For each, by ascending ghost: distance to the last one's, less one, golomb 2 |\n\
         0 2                              delta against the base alone\n\
         1 2 | age in ticks golomb 3      delta\n\
         2 2 | index | generation         full: what index - ghost is more than that of the full one before,\n\
                                          signed golomb 1; golomb 0\n\
         3 2 | despawned 1                leave",
    );
    for (name, heads) in records() {
        vectors.accepted(name, &format!("count {}, {heads:?}", heads.len()), |w| {
            let mut writer = RecordWriter::new(TICK);
            heads.iter().for_each(|(ghost, head)| writer.write(*ghost, *head, w));
        });
    }
    let delta = |age| {
        move |w: &mut BitWriter| {
            w.write_golomb(0, 2);
            w.write(1, 2);
            w.write_golomb(age, 3);
        }
    };
    vectors.refused("a_baseline_of_its_own_tick", "count 1, age 0; twin: delta_of_an_age_of_its_own", delta(0));
    vectors.accepted("the_oldest_baseline", "count 1, age 2^31 - 1", delta(i32::MAX as u32));
    vectors.refused("a_baseline_yet_to_come", "count 1, age 2^31; twin: the_oldest_baseline", delta(1 << 31));
    vectors.refused("a_base_that_is_not_there", "count 1, no base; twin: delta_against_the_base_alone", |w| {
        w.write_golomb(0, 2);
        w.write(0, 2);
    });
    let full = |ahead, generation| {
        move |w: &mut BitWriter| {
            w.write_golomb(0, 2);
            w.write(2, 2);
            w.write_signed_golomb(ahead, 1);
            w.write_golomb(generation, 0);
        }
    };
    vectors.refused("an_index_too_large", "count 1, 2^20; twin: full_of_the_last_index", full(1 << 20, 0));
    vectors.refused("an_index_below_zero", "count 1, -1", full(-1, 0));
    vectors.refused("a_generation_too_large", "count 1, 2^16; twin: full_of_the_last_generation", full(0, 1 << 16));
    vectors.refused("a_ghost_too_large", "count 1, 2^20; twin: the_last_ghost", |w| {
        w.write_golomb(GHOST_MAX + 1, 2);
        w.write(0b011, 3);
    });
    vectors.refused("cut_short", "count 2; twin: delta_against_the_base_alone", |w| {
        w.write_golomb(0, 2);
        w.write(0, 2);
    });
    vectors.check();
}

fn read_heads(name: &str, base: Option<Tick>, others: u32) -> Result<Vec<(u32, RecordHead)>, Malformed> {
    let bytes = bytes(HEADS, name);
    let mut r = BitReader::new(&bytes);
    let head = RecordsHead { base, ..RecordsHead::default() };
    let mut reader = RecordReader::new(TICK, &head, RecordList { others, ..RecordList::default() });
    std::iter::from_fn(|| reader.next(&mut r).transpose()).collect()
}

#[test]
fn record_heads_read_back() {
    let base = Some(Tick(994));
    for (name, heads) in records() {
        assert_eq!(read_heads(name, base, heads.len() as u32), Ok(heads), "{name}");
    }
    let oldest = RecordHead::Delta { baseline: TICK.sub(i32::MAX as u32) };
    assert_eq!(read_heads("the_oldest_baseline", base, 1), Ok(vec![(0, oldest)]));
    let refused = [
        ("a_baseline_of_its_own_tick", base, 1),
        ("a_baseline_yet_to_come", base, 1),
        ("a_base_that_is_not_there", None, 1),
        ("an_index_too_large", base, 1),
        ("an_index_below_zero", base, 1),
        ("a_generation_too_large", base, 1),
        ("a_ghost_too_large", base, 1),
        ("cut_short", base, 2),
    ];
    for (name, base, count) in refused {
        assert_eq!(read_heads(&format!("refused_{name}"), base, count), Err(Malformed), "{name}");
    }
}
