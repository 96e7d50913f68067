//! The example at the end of `PROTOCOL.md`, section 10, made by the code: what the page says must be what it says here.

use std::fmt::Write as _;
use tidelock::bits::BitWriter;
use tidelock::state::codec::{Baselines, encode_delta, encode_full};
use tidelock::state::{
    Audience, Checksum, Event, FNV1A_OFFSET, Field, Input, LaneReader, LaneWriter, NetId, Replicate, Schema, Shaped,
    Version, fnv1a, version_hash,
};
use tidelock::wire::{
    ClientMessage, Connection, HeldStream, InputReport, RecordHead, RecordList, RecordWriter, RecordsHead, ResumeClaim,
    RunWriter, SnapshotHeader,
};
use tidelock::{Instant, Tick};

macro_rules! declare {
    ($name:ident, $called:literal, $($field:expr),*) => {
        #[derive(Clone, Default)]
        struct $name;
        impl Replicate for $name {
            const NAME: &'static str = $called;
            const FIELDS: &'static [Field] = &[$($field),*];
            fn quantize(&self, _: &mut LaneWriter<'_>) {}
            fn dequantize(_: &mut LaneReader<'_>) -> Self { Self }
        }
    };
}
declare!(Spot, "spot", Field::range("x", -20.0, 20.0, 0.125), Field::angle("yaw", 8));
declare!(Purse, "purse", Field::integer("coins", 0, 99));
declare!(Press, "press", Field::flags("held", 4));

impl Input for Press {
    fn clear_one_shots(&mut self) {}
}

#[derive(bitcode::Encode, bitcode::Decode, Shaped)]
struct Horn;

impl Event for Horn {
    const NAME: &'static str = "horn";
}

const PAGE: &str = include_str!("../PROTOCOL.md");
const TICK: Tick = Tick(1_000);

fn schema() -> Schema {
    let public = Schema::builder("demo").component::<Spot>(Audience::Public);
    public.component::<Purse>(Audience::Owner).input::<Press>().event::<Horn>().build().unwrap()
}

fn spot(x: u32) -> Version {
    Version { mask: 1, lanes: vec![x, 64] }
}

fn purse() -> Version {
    Version { mask: 1, lanes: vec![7] }
}

fn hash(audience: Audience, version: &Version) -> u64 {
    version_hash(NetId { index: 5, generation: 2 }, audience, version.mask, &version.lanes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let space = if hex.is_empty() { "" } else { " " };
        write!(hex, "{space}{byte:02x}").unwrap();
        hex
    })
}

/// However its lines are broken.
fn page_says(what: &str) {
    let page: Vec<&str> = PAGE.split_whitespace().collect();
    assert!(page.join(" ").contains(what), "PROTOCOL.md does not say {what:?}");
}

fn hello(claim: Option<ResumeClaim>) -> Vec<u8> {
    let mut w = BitWriter::new();
    ClientMessage::Hello { schema_hash: schema().hash(), claim }.write(&mut w);
    w.finish().to_vec()
}

/// The datagram of this sequence of a connection, with what follows its head.
fn datagram(sequence: u64, message: Option<&[u8]>, write: impl FnOnce(&mut BitWriter)) -> Vec<u8> {
    let mut connection = Connection::<()>::new(4_096);
    for _ in 0..sequence {
        connection.write_head(Instant::default(), 0, &mut BitWriter::new());
        connection.commit(Instant::default(), (), |_, _| {});
    }
    message.into_iter().for_each(|message| connection.send_message(message).unwrap());
    let mut w = BitWriter::new();
    connection.write_head(Instant::default(), 4_096, &mut w);
    write(&mut w);
    w.finish().to_vec()
}

#[test]
fn the_schema_and_the_version_have_these_hashes() {
    page_says(&format!("schema hash is `{:#018x}`", schema().hash()));
    page_says(&format!("public stream is `{:#018x}`", hash(Audience::Public, &spot(160))));
}

#[test]
fn the_first_datagram_of_a_client_has_these_bytes() {
    page_says(&hex(&datagram(0, Some(&hello(None)), |w| w.write_bool(false))));
}

#[test]
fn the_snapshot_has_these_bytes() {
    let schema = schema();
    let mut checksum = Checksum::default();
    checksum.add(hash(Audience::Public, &spot(163)));
    checksum.add(hash(Audience::Owner, &purse()));
    let header = SnapshotHeader {
        tick: TICK,
        count: 1,
        complete: true,
        in_flight: 2,
        inputs: Some(InputReport { ahead: 3, lead: Some(24), missed: 0 }),
        checksum: Some(checksum.to_u16()),
        ..Default::default()
    };
    let bytes = datagram(7, None, |w| {
        header.write(w);
        let (run, full) =
            (RecordList { runs: 1, gap_order: 0, others: 0 }, RecordList { others: 1, ..Default::default() });
        let lists = [run, RecordList::default(), full];
        RecordsHead { base: Some(TICK.sub(6)), second: None, lists }.write(TICK, w);
        RunWriter::new(0).write(0, 1, w);
        let old = spot(160);
        let baselines = Baselines::one(old.borrow(), 6, 60);
        encode_delta(schema.stream(Audience::Public), &baselines, spot(163).borrow(), w);
        RecordWriter::new(TICK).write(0, RecordHead::Full { id: NetId { index: 5, generation: 2 } }, w);
        encode_full(schema.stream(Audience::Owner), purse().borrow(), w);
    });
    page_says(&hex(&bytes));
    page_says(&format!("checksum {:#06x}", checksum.to_u16()));
}

#[test]
fn the_hello_of_who_comes_back_has_these_bytes() {
    let held = |audience, version: &Version| HeldStream {
        audience,
        index: 5,
        tick: TICK,
        proof: HeldStream::proof_of(hash(audience, version)),
    };
    let streams = vec![held(Audience::Public, &spot(163)), held(Audience::Owner, &purse())];
    let payload_hash = fnv1a(FNV1A_OFFSET, b"map");
    page_says(&format!("{payload_hash:#018x} | 1000"));
    for (whose, held) in ["index 5", "the owner's: index 5"].into_iter().zip(&streams) {
        page_says(&format!("{whose}, age 0, proof {:#06x}", held.proof));
    }
    page_says(&hex(&hello(Some(ResumeClaim { payload_hash, streams }))));
}
