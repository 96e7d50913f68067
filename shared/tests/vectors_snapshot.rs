//! Snapshot headers and the heads of records, bit by bit. Run with `WRITE_VECTORS=1` after an intended change.

mod vector_file;

use tidelock::bits::{BitReader, BitWriter, Malformed};
use tidelock::state::NetId;
use tidelock::wire::{Audit, InputReport, Load, RecordHead, RecordReader, RecordWriter, SnapshotHeader};
use tidelock::{Instant, Tick};
use vector_file::{Vectors, bytes};

const HEADERS: &str = "snapshot_header.txt";
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

fn records() -> Vec<(&'static str, Vec<(u32, RecordHead)>)> {
    let delta = |age| RecordHead::Delta { baseline: TICK.sub(age) };
    let full = |generation, epoch| RecordHead::Full { generation, epoch };
    let leave = |despawned, epoch| RecordHead::Leave { despawned, epoch };
    vec![
        ("none", vec![]),
        ("delta", vec![(0, delta(6))]),
        ("full", vec![(5, full(0xBEEF, 200))]),
        ("leave_of_one_that_lives", vec![(1, leave(false, 3))]),
        ("leave_of_one_that_is_gone", vec![(1, leave(true, 255))]),
        ("deltas_of_one_age_and_of_others", vec![(0, delta(6)), (1, delta(6)), (9, delta(1)), (10, delta(6))]),
        ("an_age_survives_other_heads", vec![(2, delta(4)), (3, full(1, 2)), (4, leave(true, 1)), (5, delta(4))]),
        ("a_baseline_before_the_wrap", vec![(0, delta(1_001))]),
        ("the_last_index", vec![(NetId::INDEX_MAX, full(0, 0))]),
    ]
}

#[test]
fn record_heads_have_these_bytes() {
    let mut vectors = Vectors::new(
        HEADS,
        "The heads of records in a snapshot of tick 1000, here without the bodies that follow heads of deltas and fulls.\n\
         for each, by ascending index: 1 | index: distance to the last one's, less one, golomb 2 |\n\
         0, then 1 as old a baseline as the last delta's, or 0 and its age in ticks golomb 3   delta\n\
         1 0 | generation 16 | epoch 8                                                        full\n\
         1 1 | despawned 1 | epoch 8                                                          leave\n\
         then 0.",
    );
    for (name, heads) in records() {
        vectors.accepted(name, &format!("{heads:?}"), |w| {
            let mut writer = RecordWriter::new(TICK);
            heads.iter().for_each(|(index, head)| writer.write(*index, *head, w));
            writer.finish(w);
        });
    }
    let delta = |age| {
        move |w: &mut BitWriter| {
            w.write_bool(true);
            w.write_golomb(0, 2);
            w.write(0b00, 2);
            w.write_golomb(age, 3);
            w.write_bool(false);
        }
    };
    vectors.accepted("the_youngest_baseline", "[(0, Delta { baseline: Tick(999) })]", delta(1));
    vectors.refused("a_baseline_of_its_own_tick", "age 0; twin: the_youngest_baseline", delta(0));
    vectors.accepted("the_oldest_baseline", "age 2^31 - 1", delta(i32::MAX as u32));
    vectors.refused("a_baseline_yet_to_come", "age 2^31; twin: the_oldest_baseline", delta(1 << 31));
    vectors.refused("the_age_of_no_delta_before", "twin: deltas_of_one_age_and_of_others", |w| {
        w.write_bool(true);
        w.write_golomb(0, 2);
        w.write(0b10, 2);
        w.write_bool(false);
    });
    vectors.refused("an_index_too_large", "2^20; twin: the_last_index", |w| {
        w.write_bool(true);
        w.write_golomb(NetId::INDEX_MAX + 1, 2);
        w.write(0b01, 2);
        w.write(0, 25);
    });
    vectors.refused("cut_short", "an index follows; twin: none", |w| w.write(1, 1));
    vectors.check();
}

fn read_heads(name: &str) -> Result<Vec<(u32, RecordHead)>, Malformed> {
    let bytes = bytes(HEADS, name);
    let mut r = BitReader::new(&bytes);
    let mut reader = RecordReader::new(TICK);
    let mut heads = Vec::new();
    while let Some(head) = reader.next(&mut r)? {
        heads.push(head);
    }
    Ok(heads)
}

#[test]
fn record_heads_read_back() {
    for (name, heads) in records() {
        assert_eq!(read_heads(name), Ok(heads), "{name}");
    }
    let oldest = RecordHead::Delta { baseline: TICK.sub(i32::MAX as u32) };
    assert_eq!(read_heads("the_oldest_baseline"), Ok(vec![(0, oldest)]));
    assert_eq!(read_heads("the_youngest_baseline"), Ok(vec![(0, RecordHead::Delta { baseline: Tick(999) })]));
    let refused = [
        "a_baseline_of_its_own_tick",
        "a_baseline_yet_to_come",
        "the_age_of_no_delta_before",
        "an_index_too_large",
        "cut_short",
    ];
    for name in refused {
        assert_eq!(read_heads(&format!("refused_{name}")), Err(Malformed), "{name}");
    }
}
