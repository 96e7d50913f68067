//! What the model makes of datagrams, and that it finds who does otherwise.

use super::seat::{Client, Seat};
use crate::client::Status;
use crate::universe::wiretap::{Change, LineId, Report, Said};
use tidelock::Tick;
use tidelock::bits::BitWriter;
use tidelock::netcode::Side;
use tidelock::state::{Audience, NetId, VersionRef};
use tidelock::wire::{ClientMessage, SnapshotHeader};

const ID: NetId = NetId { index: 3, generation: 1 };
const SAME_INDEX: NetId = NetId { index: 3, generation: 2 };

/// A seat, and a client that does as it must unless it is said otherwise.
struct Table {
    seat: Seat,
    client: Client,
    sequence: u64,
}

const fn delta(first: u32) -> Change {
    Change::Delta { first: Tick(first), second: None }
}

impl Table {
    /// The client plays.
    fn new() -> Self {
        let client = Client { status: Status::Playing, received: 0, applied: 0, desyncs: 0 };
        let mut table = Self { seat: Seat::default(), client, sequence: 0 };
        table.seat.on_said(&Said { from: Side::Client, ..Said::default() }).unwrap();
        table.seat.welcome();
        table
    }

    fn snapshot(&mut self, tick: u32, records: &[(NetId, Change, u32)]) -> Said {
        let header = SnapshotHeader { tick: Tick(tick), checksum: Some(0), ..SnapshotHeader::default() };
        let mut said = Said { sequence: self.sequence, snapshot: Some(header), ..Said::default() };
        for (id, change, lane) in records {
            said.push_record(Audience::Public, *id, *change, &[*lane]);
        }
        self.sequence += 1;
        said
    }

    /// The client takes a datagram, or drops it.
    fn hear(&mut self, said: &Said, takes: bool) -> Result<(), String> {
        self.client.received += 1;
        self.client.applied += u64::from(takes);
        self.seat.follow(&self.client);
        self.seat.on_heard(said, &self.client, false)
    }

    /// The client takes a snapshot with one record.
    fn take(&mut self, tick: u32, id: NetId, change: Change, lane: u32) {
        let said = self.snapshot(tick, &[(id, change, lane)]);
        self.hear(&said, true).unwrap();
    }

    fn shows(&self, streams: &[(NetId, u32, u32)]) -> Result<u64, String> {
        let lanes: Vec<[u32; 1]> = streams.iter().map(|(.., lane)| [*lane]).collect();
        self.seat.compare_all(
            streams
                .iter()
                .zip(&lanes)
                .map(|((id, tick, _), lanes)| (*id, Audience::Public, Tick(*tick), VersionRef { mask: 1, lanes })),
        )
    }

    /// The same of the streams that a datagram tells of, for a client that shows one.
    fn shows_of(&self, said: &Said, shown: (NetId, u32, u32)) -> Result<u64, String> {
        let (id, tick, lane) = shown;
        let version = VersionRef { mask: 1, lanes: &[lane] };
        self.seat
            .compare_told(said, |audience, index| (index == id.index).then_some((id, audience, Tick(tick), version)))
    }

    fn acknowledge(&mut self, newest: u64) -> Result<(), String> {
        let report = Some(Report { newest, oldest: newest, missing: Vec::new() });
        self.seat.on_said(&Said { from: Side::Client, report, ..Said::default() })
    }
}

#[test]
fn the_newest_version_of_what_entered_is_shown() {
    let mut table = Table::new();
    table.take(10, ID, Change::Full, 5);
    table.take(14, ID, delta(10), 7);
    table.take(12, ID, delta(10), 6);
    assert_eq!(table.shows(&[(ID, 14, 7)]), Ok(1));
}

#[test]
fn it_finds_another_lane_another_tick_a_ghost_and_what_is_missing() {
    let mut table = Table::new();
    table.take(10, ID, Change::Full, 5);
    assert_eq!(table.shows(&[(ID, 10, 5)]), Ok(1));
    let other = NetId { index: 4, generation: 0 };
    for wrong in [&[(ID, 10, 6)][..], &[(ID, 11, 5)], &[(SAME_INDEX, 10, 5)], &[(ID, 10, 5), (other, 10, 5)], &[]] {
        assert!(table.shows(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn it_finds_what_is_wrong_of_the_streams_that_a_datagram_tells_of() {
    let mut table = Table::new();
    table.take(10, ID, Change::Full, 5);
    let said = table.snapshot(11, &[(ID, delta(10), 6)]);
    table.hear(&said, true).unwrap();
    assert_eq!(table.shows_of(&said, (ID, 11, 6)), Ok(1));
    for wrong in [(ID, 11, 5), (ID, 10, 6), (SAME_INDEX, 11, 6), (NetId { index: 4, generation: 0 }, 11, 6)] {
        assert!(table.shows_of(&said, wrong).is_err(), "{wrong:?}");
    }
    let leave = table.snapshot(12, &[(ID, Change::Leave, 0)]);
    table.hear(&leave, true).unwrap();
    assert!(table.shows_of(&leave, (ID, 11, 6)).unwrap_err().contains("should None"));
}

#[test]
fn all_is_compared_after_every_eighth_datagram_and_after_what_tells_nothing_of_itself() {
    let mut table = Table::new();
    let mut tick = 10;
    let mut dues = |table: &mut Table, count: usize| -> Vec<bool> {
        let hear = |_| {
            tick += 1;
            table.take(tick, ID, Change::Full, tick);
            table.seat.is_all_due()
        };
        (0..count).map(hear).collect()
    };
    assert_eq!(dues(&mut table, 1), [true], "it begins");
    assert_eq!(dues(&mut table, 16), [[false, false, false, false, false, false, false, true]; 2].concat());
    // A datagram that came before comes again, and nothing is heard of it.
    table.client.received += 1;
    table.seat.follow(&table.client);
    assert_eq!(dues(&mut table, 2), [true, false]);
    let hello = ClientMessage::Hello { schema_hash: 0, claim: None };
    let mut w = BitWriter::new();
    hello.write(&mut w);
    let messages = vec![w.finish().to_vec()];
    table.seat.on_said(&Said { from: Side::Client, messages, ..Said::default() }).unwrap();
    assert_eq!(dues(&mut table, 2), [true, false]);
}

#[test]
fn leaves_go_by_ticks_and_not_by_arrival() {
    let mut table = Table::new();
    table.take(10, ID, Change::Full, 5);
    table.take(14, ID, delta(10), 7);
    table.take(12, ID, Change::Leave, 0);
    assert_eq!(table.shows(&[(ID, 14, 7)]), Ok(1), "it came again");
    let mut table = Table::new();
    table.take(10, ID, Change::Full, 5);
    table.take(12, ID, Change::Leave, 0);
    assert_eq!(table.shows(&[]), Ok(0));
    table.take(11, ID, Change::Full, 6);
    assert_eq!(table.shows(&[]), Ok(0), "a late one of the visibility that is over");
    table.take(13, ID, Change::Full, 8);
    assert_eq!(table.shows(&[(ID, 13, 8)]), Ok(1));
}

#[test]
fn an_index_is_another_entitys_after_a_newer_full_record() {
    let mut table = Table::new();
    table.take(10, ID, Change::Full, 5);
    table.take(20, SAME_INDEX, Change::Full, 6);
    table.take(15, ID, Change::Full, 7);
    assert_eq!(table.shows(&[(SAME_INDEX, 20, 6)]), Ok(1));
}

#[test]
fn what_builds_on_nothing_must_be_dropped_and_all_else_taken() {
    let mut table = Table::new();
    let early = table.snapshot(9, &[(ID, delta(8), 5)]);
    assert!(table.hear(&early, true).unwrap_err().contains("nothing is held"));
    let mut table = Table::new();
    table.take(10, ID, Change::Full, 5);
    let older = table.snapshot(11, &[(ID, delta(9), 5)]);
    assert!(table.hear(&older, true).unwrap_err().contains("at the earliest"));
    let good = table.snapshot(11, &[(ID, delta(10), 5)]);
    assert!(table.hear(&good, false).unwrap_err().contains("which it must"));
}

#[test]
fn it_finds_an_ack_of_what_was_dropped() {
    let mut table = Table::new();
    table.take(10, ID, Change::Full, 5);
    let dropped = table.snapshot(11, &[(ID, delta(9), 5)]);
    table.hear(&dropped, false).unwrap();
    assert_eq!(table.acknowledge(0), Ok(()));
    assert!(table.acknowledge(1).unwrap_err().contains("cannot have stored"));
}

#[test]
fn it_finds_a_ghost_that_is_taken_for_another() {
    let mut table = Table::new();
    table.take(10, ID, Change::Full, 5);
    let meant = table.snapshot(11, &[(SAME_INDEX, delta(10), 5)]);
    assert!(table.hear(&meant, true).unwrap_err().contains("the server means"));
}

#[test]
fn it_finds_a_desync_that_nothing_explains() {
    let mut table = Table::new();
    table.take(10, ID, Change::Full, 5);
    table.client.desyncs += 1;
    let good = table.snapshot(11, &[(ID, delta(10), 6)]);
    assert!(table.hear(&good, true).unwrap_err().contains("for wrong"));
}

#[test]
fn a_program_that_begins_anew_knows_nothing_and_hears_nothing_of_before() {
    let mut table = Table::new();
    table.take(10, ID, Change::Full, 5);
    (table.client.received, table.client.applied) = (0, 0);
    table.client.status = Status::Connecting;
    let late = table.snapshot(11, &[(ID, delta(10), 6)]);
    table.hear(&late, false).unwrap();
    assert_eq!(table.shows(&[]), Ok(0));
}

#[test]
fn nothing_is_said_of_a_connection_with_which_somebody_meddled() {
    let mut table = Table::new();
    table.seat.on_said(&Said { from: Side::Client, is_followed: false, line: LineId(0), ..Said::default() }).unwrap();
    assert!(!table.seat.is_followed());
}
