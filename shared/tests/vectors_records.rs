//! The runs of records and the heads of those in no run, bit by bit. Run with `WRITE_VECTORS=1` after an intended change.

mod vector_file;

use serde_json::{Value, json};
use tidelock::Tick;
use tidelock::bits::{BitReader, BitWriter, Malformed};
use tidelock::state::NetId;
use tidelock::wire::{
    GHOST_MAX, RecordHead, RecordList, RecordReader, RecordWriter, RecordsHead, RunReader, RunWriter,
};
use vector_file::{Vectors, bytes, json};

const RUNS: &str = "record_runs.txt";
const HEADS: &str = "record_heads.txt";

/// The name of a list, its order, and its runs: first ghost and length.
type Runs = (&'static str, u32, Vec<(u32, u32)>);

fn runs() -> Vec<Runs> {
    vec![
        ("one_run_of_all", 0, vec![(0, 900)]),
        ("a_run_of_one", 2, vec![(5, 1)]),
        ("runs_side_by_side", 0, vec![(0, 1), (2, 3), (6, 2)]),
        ("runs_far_apart", 3, vec![(9, 1), (40, 2), (1_000, 1)]),
        ("the_last_ghost", 3, vec![(GHOST_MAX, 1)]),
        ("a_run_of_all_ghosts", 1, vec![(0, GHOST_MAX + 1)]),
    ]
}

fn runs_given(order: u32, count: usize) -> Value {
    json!({ "order": order, "count": count })
}

#[test]
fn runs_have_these_bytes() {
    let mut vectors = Vectors::new(
        RUNS,
        "The runs of a list, here without the bodies that follow the last: for each, by ascending ghost:\n\
         ghosts between it and the run before, less one (or before it, if it is the first), golomb of the list's order |\n\
         its length, less one, golomb 0.\n\
         given.order, given.count: what the records have in common says of the list. runs: the first ghost of each, and its length.",
    );
    for (name, order, runs) in runs() {
        let given = runs_given(order, runs.len());
        let json: Value = runs.iter().map(|(ghost, length)| json!({ "ghost": ghost, "length": length })).collect();
        vectors.accepted(name, &json!({ "given": given, "runs": json }), |w| {
            let mut writer = RunWriter::new(order);
            runs.iter().for_each(|(begin, len)| writer.write(*begin, *len, w));
        });
    }
    let why = "two ghosts from the last on; twin: the_last_ghost";
    vectors.refused_given("beyond_the_last_ghost", &runs_given(3, 1), why, |w| {
        w.write_golomb(GHOST_MAX, 3);
        w.write_golomb(1, 0);
    });
    let why = "one more than there are; twin: a_run_of_all_ghosts";
    vectors.refused_given("more_than_all_ghosts", &runs_given(1, 1), why, |w| {
        w.write_golomb(0, 1);
        w.write_golomb(GHOST_MAX + 1, 0);
    });
    vectors.refused_given("cut_short", &runs_given(2, 2), "one of two; twin: a_run_of_one", |w| {
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
    assert_eq!(read_runs("refused_more_than_all_ghosts", 1, 1), Err(Malformed));
    assert_eq!(read_runs("refused_cut_short", 2, 2), Err(Malformed));
}

const TICK: Tick = Tick(1_000);
const BASE: Tick = Tick(994);

fn records() -> Vec<(&'static str, Vec<(u32, RecordHead)>)> {
    let delta = |age| RecordHead::Delta { baseline: TICK.sub(age) };
    let full = |index, generation| RecordHead::Full { id: NetId { index, generation } };
    let leave = |despawned| RecordHead::Leave { despawned };
    vec![
        ("delta_against_the_base_alone", vec![(0, RecordHead::Base)]),
        ("delta_of_an_age_of_its_own", vec![(0, delta(1))]),
        ("full", vec![(5, full(700, 0xBEEF))]),
        ("full_of_the_first_index", vec![(0, full(0, 0))]),
        ("full_of_the_last_index", vec![(0, full(NetId::INDEX_MAX, 0))]),
        ("full_of_the_last_generation", vec![(0, full(0, u16::MAX))]),
        (
            "full_where_indices_follow_ghosts",
            vec![(3, full(700, 1)), (4, full(701, 0)), (9, full(706, 0)), (10, full(3, 0))],
        ),
        ("leave_of_one_that_lives", vec![(1, leave(false))]),
        ("leave_of_one_that_is_gone", vec![(1, leave(true))]),
        ("one_of_each", vec![(2, RecordHead::Base), (3, delta(9)), (9, full(1, 1)), (10, leave(true))]),
        ("the_last_ghost", vec![(GHOST_MAX, leave(false))]),
        ("the_first_and_the_last_ghost", vec![(0, leave(false)), (GHOST_MAX, leave(false))]),
        ("the_oldest_baseline", vec![(0, delta(RecordsHead::BASELINE_TICKS_MAX))]),
    ]
}

/// Of a snapshot soon after the ticks wrapped.
fn before_the_wrap() -> (&'static str, Tick, Vec<(u32, RecordHead)>) {
    let tick = Tick(300);
    ("a_baseline_before_the_wrap", tick, vec![(0, RecordHead::Delta { baseline: tick.sub(301) })])
}

fn record_json((ghost, head): &(u32, RecordHead)) -> Value {
    let mut json = json::record_head(*head);
    json["ghost"] = (*ghost).into();
    json
}

/// The beginning of a stranger's record, and of which kind it is.
fn begin(gap: u32, kind: u64, w: &mut BitWriter) {
    w.write_golomb(gap, 2);
    w.write(kind, 2);
}

fn delta(age: u32) -> impl FnOnce(&mut BitWriter) {
    move |w| {
        begin(0, 1, w);
        w.write_golomb(age, 3);
    }
}

fn full(ahead: i32, generation: u32) -> impl FnOnce(&mut BitWriter) {
    move |w| {
        begin(0, 2, w);
        w.write_signed_golomb(ahead, 1);
        w.write_golomb(generation, 0);
    }
}

/// Each lies so far behind the one before.
fn leaves(gaps: &[u32]) -> impl FnOnce(&mut BitWriter) {
    move |w| {
        for gap in gaps {
            begin(*gap, 3, w);
            w.write_bool(false);
        }
    }
}

#[test]
fn record_heads_have_these_bytes() {
    let mut vectors = Vectors::new(
        HEADS,
        "The heads of records in no run, here without the bodies that follow all but leaves.\n\
         For each, by ascending ghost: distance to the last one's, less one, golomb 2 |\n\
         0 2                                                   delta against the base alone\n\
         1 2 | age in ticks golomb 3                           delta\n\
         2 2 | index signed golomb 1 | generation golomb 0     full; index: what index - ghost is more than that of the full one before\n\
         3 2 | despawned 1                                     leave\n\
         given.count: how many there are. tick: of the snapshot; base_tick: null if it has no base.\n\
         records: kind is base, delta, full or leave.",
    );
    vectors.context(&json!({ "tick": TICK.0, "base_tick": BASE.0 }));
    for (name, heads) in records() {
        let records: Value = heads.iter().map(record_json).collect();
        vectors.accepted(name, &json!({ "given": { "count": heads.len() }, "records": records }), |w| {
            let mut writer = RecordWriter::new(TICK);
            heads.iter().for_each(|(ghost, head)| writer.write(*ghost, *head, w));
        });
    }
    let (name, tick, heads) = before_the_wrap();
    let given = json!({ "count": 1, "tick": tick.0, "base_tick": tick.sub(6).0 });
    let records: Value = heads.iter().map(record_json).collect();
    vectors.accepted(name, &json!({ "given": given, "records": records }), |w| {
        heads.iter().for_each(|(ghost, head)| RecordWriter::new(tick).write(*ghost, *head, w));
    });
    let one = json!({ "count": 1 });
    let why = "age 0; twin: delta_of_an_age_of_its_own";
    vectors.refused_given("a_baseline_of_its_own_tick", &one, why, delta(0));
    let why = "age 512; twin: the_oldest_baseline";
    vectors.refused_given("a_baseline_older_than_the_oldest", &one, why, delta(RecordsHead::BASELINE_TICKS_MAX + 1));
    let why = "age 2^31; twin: the_oldest_baseline";
    vectors.refused_given("a_baseline_yet_to_come", &one, why, delta(1 << 31));
    let given = json!({ "count": 1, "base_tick": null });
    let why = "there is no base; twin: delta_against_the_base_alone";
    vectors.refused_given("a_base_that_is_not_there", &given, why, |w| begin(0, 0, w));
    vectors.refused_given("an_index_too_large", &one, "2^20; twin: full_of_the_last_index", full(1 << 20, 0));
    vectors.refused_given("an_index_below_zero", &one, "-1; twin: full_of_the_first_index", full(-1, 0));
    let why = "2^16; twin: full_of_the_last_generation";
    vectors.refused_given("a_generation_too_large", &one, why, full(0, 1 << 16));
    vectors.refused_given("a_ghost_too_large", &one, "2^20; twin: the_last_ghost", leaves(&[GHOST_MAX + 1]));
    let why = "2^32 - 1 lie between, so it is 2^32; twin: the_first_and_the_last_ghost";
    vectors.refused_given("a_ghost_that_wraps", &json!({ "count": 2 }), why, leaves(&[0, u32::MAX]));
    let why = "one of two; twin: delta_against_the_base_alone";
    vectors.refused_given("cut_short", &json!({ "count": 2 }), why, |w| begin(0, 0, w));
    vectors.check();
}

fn read_heads(name: &str, base: Option<Tick>, others: u32) -> Result<Vec<(u32, RecordHead)>, Malformed> {
    read_heads_of(TICK, name, base, others)
}

fn read_heads_of(tick: Tick, name: &str, base: Option<Tick>, others: u32) -> Result<Vec<(u32, RecordHead)>, Malformed> {
    let bytes = bytes(HEADS, name);
    let mut r = BitReader::new(&bytes);
    let head = RecordsHead { base, ..RecordsHead::default() };
    let mut reader = RecordReader::new(tick, &head, RecordList { others, ..RecordList::default() });
    std::iter::from_fn(|| reader.next(&mut r).transpose()).collect()
}

#[test]
fn record_heads_read_back() {
    for (name, heads) in records() {
        assert_eq!(read_heads(name, Some(BASE), heads.len() as u32), Ok(heads), "{name}");
    }
    let (name, tick, heads) = before_the_wrap();
    assert_eq!(read_heads_of(tick, name, Some(tick.sub(6)), 1), Ok(heads), "{name}");
    let refused = [
        ("a_baseline_of_its_own_tick", Some(BASE), 1),
        ("a_baseline_older_than_the_oldest", Some(BASE), 1),
        ("a_baseline_yet_to_come", Some(BASE), 1),
        ("a_base_that_is_not_there", None, 1),
        ("an_index_too_large", Some(BASE), 1),
        ("an_index_below_zero", Some(BASE), 1),
        ("a_generation_too_large", Some(BASE), 1),
        ("a_ghost_too_large", Some(BASE), 1),
        ("a_ghost_that_wraps", Some(BASE), 2),
        ("cut_short", Some(BASE), 2),
    ];
    for (name, base, count) in refused {
        assert_eq!(read_heads(&format!("refused_{name}"), base, count), Err(Malformed), "{name}");
    }
}
