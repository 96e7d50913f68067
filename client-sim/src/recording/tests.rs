use super::bytes::Fields;
use super::{Entry, Header, ReadError, Reader, Recording, What};
use proptest::prelude::*;
use std::io::{self, Write};
use std::time::Duration;
use tidelock::state::{Delivery, EventId};
use tidelock::{Instant, Tick};

fn at(us: u64) -> Instant {
    Instant::from_us(us)
}

fn header() -> Header {
    let facts = vec![("game".to_owned(), "arena".to_owned()), ("seed".to_owned(), "7".to_owned())];
    Header { start: at(1_000_000), started_unix_ms: 3, schema_hash: u64::MAX, same_clock: true, facts }
}

/// One of each.
fn all() -> Vec<What> {
    vec![
        What::Connected,
        What::Received { bytes: 40, payload: Some(vec![1, 2, 3]) },
        What::Received { bytes: 30, payload: None },
        What::Updated,
        What::Ticked { tick: Tick(u32::MAX), late: Duration::from_micros(900), lanes: vec![0, 127, 128, u32::MAX] },
        What::Sent { bytes: 1225 },
        What::EventSent { id: EventId(3), delivery: Delivery::Unreliable, body: vec![9; 200] },
        What::Reconnecting,
        What::Left,
        What::Joined { tick_hz: 60, resumed: true, payload: vec![5; 262_144] },
        What::Resumed,
        What::Silent { lasted: Duration::from_secs(2) },
        What::FirstFullView,
        What::Snapshot { tick: Tick(9), age_us: -5 },
        What::Rtt(Duration::from_millis(80)),
        What::EventReceived { id: EventId(255), body: Vec::new() },
        What::Desync { tick: Tick(0) },
        What::Disconnected { reason: "left".to_owned() },
        What::Correction { tick: Tick(77), error_m: 0.25 },
        What::Series { number: 300, name: "a".to_owned(), unit: "m".to_owned() },
        What::Sample(vec![(0, 1.5), (300, -2.0)]),
        What::Missed(4),
        What::Undone { tick: Tick(78) },
    ]
}

fn entry_bytes(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut fields = Fields::default();
    fields.u8(kind).varint(body.len() as u64);
    fields.0.extend_from_slice(body);
    fields.0
}

/// A recording with these entries, a millisecond apart, and without an end.
fn file(entries: &[What]) -> Vec<u8> {
    let mut recording = Recording::begin(Vec::new(), header());
    for (n, what) in (1..).zip(entries) {
        recording.write(header().start + Duration::from_millis(n), what);
    }
    recording.out
}

/// All entries but the declarations at the start, and whether the end was among them.
fn read(file: &[u8]) -> Result<(Vec<Entry>, bool), ReadError> {
    let mut reader = Reader::new(file)?;
    let mut entries = Vec::new();
    while let Some(entry) = reader.read()? {
        entries.push(entry);
    }
    Ok((entries, reader.is_complete()))
}

const DECLARED: usize = super::writer::SERIES.len();

#[test]
fn every_entry_is_read_as_it_was_written() {
    let file = file(&all());
    assert_eq!(Reader::new(&file[..]).unwrap().header(), &header());
    let (entries, is_complete) = read(&file).unwrap();
    assert!(!is_complete);
    for ((n, what), entry) in (1..).zip(all()).zip(&entries[DECLARED..]) {
        assert_eq!(entry, &Entry { at: at(1_000_000 + n * 1_000), what });
    }
    assert_eq!(entries.len(), DECLARED + all().len());
}

#[test]
fn time_may_go_back() {
    let mut recording = Recording::begin(Vec::new(), header());
    recording.write(at(2_000_000), &What::Updated);
    recording.write(at(1_900_000), &What::Connected);
    let (entries, _) = read(&recording.out).unwrap();
    assert_eq!(entries[DECLARED + 1], Entry { at: at(1_900_000), what: What::Connected });
}

#[test]
fn a_recording_that_is_cut_off_anywhere_holds_up_to_its_last_whole_entry() {
    let mut short = all();
    short.retain(|what| !matches!(what, What::Joined { .. }));
    let whole = file(&short);
    let (entries, _) = read(&whole).unwrap();
    let mut counts = Vec::new();
    for length in 0..whole.len() {
        match read(&whole[..length]) {
            Ok((part, is_complete)) => {
                assert!(!is_complete && part == entries[..part.len()]);
                counts.push(part.len());
            }
            Err(error) => assert!(counts.is_empty(), "{error} after {length} bytes"),
        }
    }
    assert!(counts.is_sorted() && counts.contains(&0) && counts.contains(&(entries.len() - 1)));
}

#[test]
fn what_is_no_recording_is_told_from_one_that_is_cut_off_or_of_another_version() {
    assert!(matches!(read(b""), Err(ReadError::Foreign)));
    assert!(matches!(read(b"<html>"), Err(ReadError::Foreign)));
    assert!(matches!(read(b"TLREC"), Err(ReadError::NoHeader)));
    assert!(matches!(read(b"TLRECORD\x01\x00"), Err(ReadError::NoHeader)));
    assert!(matches!(read(b"TLRECORD\x02\x00more"), Err(ReadError::Version(2))));
    assert!(matches!(read(b"TLRECORD\x01\x00\x04\x01\x00"), Err(ReadError::Damaged { kind: 4 })));
}

#[test]
fn what_a_later_program_adds_is_skipped() {
    let mut file = file(&[What::Connected]);
    file.extend(entry_bytes(200, &[2, 1, 2, 3]));
    file.extend(entry_bytes(4, &[2, 77, 77]));
    let (entries, _) = read(&file).unwrap();
    // The unknown one took a microsecond, and so did the one with more in it than we know.
    assert_eq!(entries.last(), Some(&Entry { at: at(1_001_002), what: What::Updated }));
    assert_eq!(entries.len(), DECLARED + 2);
}

#[test]
fn a_body_beyond_the_longest_is_damage_and_not_memory() {
    let mut file = file(&[]);
    file.extend([4, 0xff, 0xff, 0x7f]);
    assert!(matches!(read(&file), Err(ReadError::Damaged { kind: 4 })));
}

#[test]
fn what_would_be_too_long_is_missed() {
    let body = vec![0; super::BODY_BYTES_MAX];
    let (entries, _) = read(&file(&[What::EventReceived { id: EventId(0), body }])).unwrap();
    assert_eq!(entries[DECLARED].what, What::Missed(1));
}

/// Takes so many bytes, and fails.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 < bytes.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0 -= bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told_at_the_end() {
    let mut recording = Recording::begin(Full(400), header());
    (0..1000).for_each(|us| recording.write(at(us), &What::Updated));
    assert_eq!(recording.end(at(1000)).err().map(|error| error.kind()), Some(io::ErrorKind::StorageFull));
}

proptest! {
    #[test]
    fn no_bytes_do_any_harm(bytes: Vec<u8>) {
        let mut hostile = file(&[]);
        hostile.extend(&bytes);
        let _ = read(&bytes);
        let _ = read(&hostile);
    }

    #[test]
    fn no_damage_does_any_harm(changes in prop::collection::vec((10_usize..2_000, any::<u8>()), 1..8)) {
        let mut short = all();
        short.retain(|what| !matches!(what, What::Joined { .. }));
        let mut damaged = file(&short);
        for (place, value) in changes {
            let place = place % damaged.len();
            damaged[place] = value;
        }
        let _ = read(&damaged);
    }

    #[test]
    fn numbers_come_back(varint: u64, zigzag: i64) {
        let mut fields = Fields::default();
        fields.varint(varint).zigzag(zigzag);
        let mut body = super::bytes::Body(&fields.0);
        prop_assert_eq!(body.varint(), Ok(varint));
        prop_assert_eq!(body.zigzag(), Ok(zigzag));
        prop_assert!(body.is_empty());
    }
}
