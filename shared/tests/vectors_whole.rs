//! Whole datagrams of a server, from the first bit to the last. Run with `WRITE_VECTORS=1` after an intended change.

mod declared;
mod vector_file;

use declared::component;
use serde_json::{Value, json};
use tidelock::bits::{BitReader, BitWriter, Malformed};
use tidelock::state::codec::{Baselines, decode_delta, decode_full, encode_delta, encode_full};
use tidelock::state::{Audience, Checksum, Field, Input, NetId, Schema, Version, version_hash};
use tidelock::wire::{
    Connection, RecordHead, RecordList, RecordReader, RecordWriter, RecordsHead, RunReader, RunWriter, SnapshotHeader,
};
use tidelock::{Instant, Tick};
use vector_file::{Vectors, bytes, json, less};

const FILE: &str = "whole_datagrams.txt";
const TICK_HZ: u32 = 60;
const TICK: Tick = Tick(1_000);

component!(Spot, "spot", Field::range("x", -20.0, 20.0, 0.125), Field::angle("yaw", 8));
component!(Squad, "squad", Field::choice("task", 5));
component!(Purse, "purse", Field::integer("coins", 0, 99));
component!(Press, "press", Field::flags("held", 4));
impl Input for Press {
    fn clear_one_shots(&mut self) {}
}

fn schema() -> Schema {
    let public = Schema::builder("vectors").component::<Spot>(Audience::Public);
    public.component::<Squad>(Audience::Team).component::<Purse>(Audience::Owner).input::<Press>().build().unwrap()
}

/// What a client holds of a stream.
#[derive(Clone)]
struct Held {
    audience: Audience,
    ghost: u32,
    tick: Tick,
    version: Version,
}

/// How a record is told.
#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Run,
    Alone(RecordHead),
}

#[derive(Clone, Debug, PartialEq)]
struct Record {
    audience: Audience,
    ghost: u32,
    how: How,
    id: NetId,
    /// What it leads to; `None` of one that leaves.
    version: Option<Version>,
}

/// A snapshot's only datagram.
struct Case {
    name: &'static str,
    held: Vec<Held>,
    ages: [Option<u32>; 2],
    /// By audience, runs first, then by ghost.
    records: Vec<Record>,
    /// The order of the gaps of each list.
    orders: [u32; 3],
}

/// The entity of a ghost that was told in full before.
fn id_of(ghost: u32) -> NetId {
    NetId { index: 5 + ghost, generation: 2 }
}

fn held(audience: Audience, ghost: u32, age: u32, lanes: &[u32]) -> Held {
    Held { audience, ghost, tick: TICK.sub(age), version: Version { mask: 1, lanes: lanes.to_vec() } }
}

fn record(audience: Audience, ghost: u32, how: How, lanes: &[u32]) -> Record {
    let version = Some(Version { mask: 1, lanes: lanes.to_vec() });
    Record { audience, ghost, how, id: id_of(ghost), version }
}

fn full(audience: Audience, ghost: u32, id: NetId, lanes: &[u32]) -> Record {
    Record { id, ..record(audience, ghost, How::Alone(RecordHead::Full { id }), lanes) }
}

fn leave(audience: Audience, ghost: u32, despawned: bool) -> Record {
    Record { version: None, ..record(audience, ghost, How::Alone(RecordHead::Leave { despawned }), &[]) }
}

fn cases() -> Vec<Case> {
    use Audience::{Owner, Public, Team};
    let (base, own) = (How::Alone(RecordHead::Base), How::Alone(RecordHead::Delta { baseline: TICK.sub(20) }));
    vec![
        Case { name: "nothing_changed", held: vec![], ages: [None; 2], records: vec![], orders: [0; 3] },
        Case {
            name: "a_run_and_a_full",
            held: vec![held(Public, 0, 6, &[160, 64])],
            ages: [Some(6), None],
            records: vec![record(Public, 0, How::Run, &[163, 64]), full(Owner, 0, id_of(0), &[7])],
            orders: [0; 3],
        },
        Case {
            name: "leaves_alone",
            held: vec![held(Public, 3, 6, &[160, 64]), held(Team, 3, 6, &[1])],
            ages: [None; 2],
            records: vec![leave(Public, 3, true), leave(Team, 3, true)],
            orders: [0; 3],
        },
        Case {
            name: "one_of_each",
            held: vec![
                held(Public, 0, 12, &[150, 60]),
                held(Public, 0, 6, &[160, 64]),
                held(Public, 1, 30, &[20, 250]),
                held(Public, 4, 12, &[300, 0]),
                held(Public, 4, 7, &[290, 1]),
                held(Public, 4, 5, &[289, 2]),
                held(Public, 6, 6, &[9, 9]),
                held(Public, 7, 25, &[8, 8]),
                held(Public, 7, 6, &[99, 99]),
                held(Public, 9, 6, &[1, 1]),
                held(Owner, 1, 14, &[52]),
                held(Owner, 1, 6, &[50]),
            ],
            ages: [Some(6), Some(12)],
            records: vec![
                record(Public, 0, How::Run, &[170, 68]),
                record(Public, 1, How::Run, &[21, 3]),
                record(Public, 4, How::Run, &[280, 2]),
                record(Public, 6, base, &[10, 9]),
                record(Public, 7, own, &[11, 8]),
                full(Public, 8, NetId { index: 700, generation: 65_535 }, &[320, 255]),
                leave(Public, 9, false),
                full(Team, 1, id_of(1), &[4]),
                record(Owner, 1, How::Run, &[49]),
            ],
            orders: [1, 0, 2],
        },
    ]
}

impl Case {
    /// The newest that is held of a record's stream at a tick or before.
    fn baseline(&self, audience: Audience, ghost: u32, tick: Tick) -> Option<&Version> {
        let stream = self.held.iter().filter(|held| (held.audience, held.ghost) == (audience, ghost));
        let old = stream.filter(|held| !held.tick.is_newer_than(tick));
        old.max_by_key(|held| held.tick.since(Tick(0))).map(|held| &held.version)
    }

    /// What a record that is told so builds on.
    fn baselines(&self, audience: Audience, ghost: u32, how: How) -> Option<Baselines<'_>> {
        let by_age = |age| self.baseline(audience, ghost, TICK.sub(age)).map(|version| (version.borrow(), age));
        let [base, second] = self.ages;
        let ages = match how {
            How::Run => (base?, second),
            How::Alone(RecordHead::Base) => (base?, None),
            How::Alone(RecordHead::Delta { baseline }) => (TICK.since(baseline).cast_unsigned(), None),
            How::Alone(_) => return None,
        };
        let (first, first_age) = by_age(ages.0)?;
        Some(Baselines { first, first_age, second: ages.1.and_then(by_age), tick_hz: TICK_HZ })
    }

    fn list(&self, audience: Audience) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(move |record| record.audience == audience)
    }

    /// The runs of a list: first ghost and length.
    fn runs(&self, audience: Audience) -> Vec<(u32, u32)> {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for record in self.list(audience).filter(|record| record.how == How::Run) {
            match runs.last_mut() {
                Some((begin, len)) if *begin + *len == record.ghost => *len += 1,
                _ => runs.push((record.ghost, 1)),
            }
        }
        runs
    }

    fn common(&self) -> RecordsHead {
        let [base, second] = self.ages.map(|age| age.map(|age| TICK.sub(age)));
        let lists = Audience::ALL.map(|audience| {
            let runs = self.runs(audience).len() as u32;
            let others = self.list(audience).filter(|record| record.how != How::Run).count() as u32;
            let gap_order = if runs > 0 { self.orders[audience as usize] } else { 0 };
            RecordList { runs, gap_order, others }
        });
        RecordsHead { base, second, lists }
    }

    fn header(&self) -> SnapshotHeader {
        let mut sum = Checksum::default();
        let versions = self.records.iter().filter_map(|record| Some((record, record.version.as_ref()?)));
        versions.for_each(|(record, version)| {
            sum.add(version_hash(record.id, record.audience, version.mask, &version.lanes));
        });
        let checksum = (!self.records.is_empty()).then(|| sum.to_u16());
        SnapshotHeader { tick: TICK, count: 1, complete: true, checksum, ..Default::default() }
    }

    fn write(&self, header: &SnapshotHeader, w: &mut BitWriter) {
        Connection::<()>::new(0).write_head(Instant::default(), 0, w);
        header.write(w);
        if header.checksum.is_none() {
            return;
        }
        self.common().write(TICK, w);
        let schema = schema();
        for audience in Audience::ALL {
            let body = |record: &Record, w: &mut BitWriter| {
                let (layout, version) = (schema.stream(audience), record.version.as_ref());
                match (version, self.baselines(audience, record.ghost, record.how)) {
                    (Some(version), Some(baselines)) => encode_delta(layout, &baselines, version.borrow(), w),
                    (Some(version), None) => encode_full(layout, version.borrow(), w),
                    (None, _) => {}
                }
            };
            let mut runs = RunWriter::new(self.orders[audience as usize]);
            self.runs(audience).into_iter().for_each(|(begin, len)| runs.write(begin, len, w));
            self.list(audience).filter(|record| record.how == How::Run).for_each(|record| body(record, w));
            let mut others = RecordWriter::new(TICK);
            for record in self.list(audience) {
                let How::Alone(head) = record.how else { continue };
                others.write(record.ghost, head, w);
                body(record, w);
            }
        }
    }

    /// The same, of a client that holds what came after the base, and nothing before.
    fn holding_newer(&self) -> Self {
        let base = self.ages[0].map(|age| TICK.sub(age)).unwrap();
        let held = self.held.iter().map(|held| Held { tick: base.add(1), ..held.clone() }).collect();
        Self { held, records: self.records.clone(), ..*self }
    }

    fn given(&self) -> Value {
        let held = self.held.iter().map(|held| {
            let NetId { index, generation } = id_of(held.ghost);
            json!({
                "audience": json::audience(held.audience),
                "ghost": held.ghost,
                "index": index,
                "generation": generation,
                "tick": held.tick.0,
                "mask": held.version.mask,
                "lanes": held.version.lanes,
            })
        });
        json!({ "held": held.collect::<Value>() })
    }

    fn json(&self) -> Value {
        let records: Value = self.records.iter().map(Record::json).collect();
        let [base, second] = self.ages.map(|age| age.map(|age| TICK.sub(age).0));
        let snapshot = json::snapshot(&self.header());
        json!({
            "given": self.given(),
            "snapshot": snapshot,
            "base_tick": base,
            "second_tick": second,
            "records": records,
        })
    }
}

impl Record {
    fn json(&self) -> Value {
        let mut json = match self.how {
            How::Run => json!({ "kind": "run" }),
            How::Alone(head) => json::record_head(head),
        };
        json["audience"] = json::audience(self.audience).into();
        json["ghost"] = self.ghost.into();
        json["index"] = self.id.index.into();
        json["generation"] = self.id.generation.into();
        json["version"] = self.version.as_ref().map(json::version).into();
        json
    }
}

#[test]
fn datagrams_have_these_bytes() {
    let mut vectors = Vectors::new(
        FILE,
        "Whole datagrams of a server: each the first of its connection, without acks and messages, with all of a snapshot. Those that are\n\
         refused are not to be accepted, and nothing of them is stored.\n\
         streams: the components of each, as `tidelock-server schema --json` has them; tick_hz: ticks a second; known_tick: a tick that the\n\
         reader knows. given.held: the versions that it holds, each by the tick of the snapshot that brought it, and the ghosts and entities\n\
         that they are of; it knows no others.\n\
         snapshot: as in snapshot_header.txt; base_tick, second_tick: as in records_in_common.txt. records: in the order of the datagram; kind\n\
         is run (of a run) or as in record_heads.txt; version: what the record leads to, null of one that leaves.",
    );
    let schema = schema();
    let streams = Audience::ALL.map(|audience| (json::audience(audience), json::components(schema.stream(audience))));
    let streams: Value = streams.into_iter().collect();
    vectors.context(&json!({ "tick_hz": TICK_HZ, "known_tick": TICK.sub(6).0, "streams": streams }));
    let cases = cases();
    cases.iter().for_each(|case| vectors.accepted(case.name, &case.json(), |w| case.write(&case.header(), w)));
    let [.., run, leaves, each] = &cases[..] else { unreachable!() };
    let why = "the checksum is wrong; twin: ";
    for (name, case) in [("a_wrong_checksum", run), ("a_wrong_checksum_of_leaves", leaves)] {
        let mut header = case.header();
        header.checksum = header.checksum.map(|checksum| checksum ^ 1);
        vectors.refused_given(name, &case.given(), &format!("{why}{}", case.name), |w| case.write(&header, w));
    }
    let why = "its one version is newer than the base; twin: a_run_and_a_full";
    let newer = run.holding_newer();
    vectors.refused_given("a_baseline_not_held", &newer.given(), why, |w| run.write(&run.header(), w));
    let why = "the ghost has no entity; twin: a_run_and_a_full";
    vectors.refused_given("a_ghost_without_an_entity", &json!({ "held": [] }), why, |w| run.write(&run.header(), w));
    let cut = less(1, |w| each.write(&each.header(), w));
    vectors.refused_given("cut_short", &each.given(), "the last body is cut off; twin: one_of_each", cut);
    vectors.check();
}

/// What a client makes of a datagram: `None` if it is not to accept it.
fn read(case: &Case, bytes: &[u8]) -> Result<Option<(SnapshotHeader, Vec<Record>)>, Malformed> {
    let mut r = BitReader::new(bytes);
    let mut connection = Connection::<()>::new(0);
    connection.read_header(&mut r)?;
    connection.read_messages(&mut r)?;
    let header = SnapshotHeader::read(TICK.sub(6), &mut r)?.ok_or(Malformed)?;
    let mut records = Vec::new();
    if header.checksum.is_some() {
        let head = RecordsHead::read(TICK, &mut r)?;
        for audience in Audience::ALL {
            let Some(list) = read_list(case, audience, &head, &mut r)? else { return Ok(None) };
            records.extend(list);
        }
    }
    let mut sum = Checksum::default();
    for record in &records {
        let Some(version) = &record.version else { continue };
        sum.add(version_hash(record.id, record.audience, version.mask, &version.lanes));
    }
    let is_right = header.checksum.is_none_or(|checksum| checksum == sum.to_u16());
    Ok(is_right.then_some((header, records)))
}

/// `None` if a baseline is not held.
fn read_list(
    case: &Case,
    audience: Audience,
    head: &RecordsHead,
    r: &mut BitReader<'_>,
) -> Result<Option<Vec<Record>>, Malformed> {
    let list = head.lists[audience as usize];
    let (mut runs, mut others) = (RunReader::new(list), RecordReader::new(TICK, head, list));
    let mut ghosts = Vec::new();
    while let Some((begin, len)) = runs.next(r)? {
        ghosts.extend(begin..begin + len);
    }
    let mut records = Vec::new();
    for ghost in ghosts {
        records.push(read_record(case, audience, ghost, How::Run, r)?);
    }
    while let Some((ghost, head)) = others.next(r)? {
        records.push(read_record(case, audience, ghost, How::Alone(head), r)?);
    }
    Ok(records.into_iter().collect())
}

/// The same.
fn read_record(
    case: &Case,
    audience: Audience,
    ghost: u32,
    how: How,
    r: &mut BitReader<'_>,
) -> Result<Option<Record>, Malformed> {
    let (schema, mut version) = (schema(), Version::default());
    let layout = schema.stream(audience);
    let mut id = id_of(ghost);
    let baselines = case.baselines(audience, ghost, how);
    match (how, &baselines) {
        (How::Alone(RecordHead::Leave { .. }), _) => {
            return Ok(Some(Record { audience, ghost, how, id, version: None }));
        }
        (How::Alone(RecordHead::Full { id: new }), _) => {
            id = new;
            decode_full(layout, r, &mut version)?;
        }
        (_, Some(baselines)) => decode_delta(layout, baselines, r, &mut version)?,
        (_, None) => return Ok(None),
    }
    Ok(Some(Record { audience, ghost, how, id, version: Some(version) }))
}

#[test]
fn datagrams_read_back() {
    let cases = cases();
    for case in &cases {
        let expected = (case.header(), case.records.clone());
        assert_eq!(read(case, &bytes(FILE, case.name)), Ok(Some(expected)), "{}", case.name);
    }
    let [.., run, leaves, each] = &cases[..] else { unreachable!() };
    assert_eq!(read(run, &bytes(FILE, "refused_a_wrong_checksum")), Ok(None));
    assert_eq!(read(leaves, &bytes(FILE, "refused_a_wrong_checksum_of_leaves")), Ok(None));
    assert_eq!(read(&run.holding_newer(), &bytes(FILE, "refused_a_baseline_not_held")), Ok(None));
    let nothing = Case { name: "", held: vec![], ages: [Some(6), None], records: vec![], orders: [0; 3] };
    assert_eq!(read(&nothing, &bytes(FILE, "refused_a_ghost_without_an_entity")), Ok(None));
    assert_eq!(read(each, &bytes(FILE, "refused_cut_short")), Err(Malformed));
}
