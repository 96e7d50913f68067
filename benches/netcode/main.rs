//! What netcode costs a server: a packet sealed or opened, a handshake, a client that is idle.
//!
//! `cargo bench -p tidelock-benches --bench netcode [-- --clients 64,4096 --bytes 200 --runs 9 --instructions --json OUT.json]`
//!
//! Everything goes through the server core in one thread, without sockets. Each packet is another client's than the one
//! before, in a shuffled order, so that nobody's keys wait in the cache. `bare` is the cipher alone, with one key for all,
//! which is never out of the cache. Packets are told in processor time, handshakes by the clock on the wall.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

mod bare;
mod hall;
mod idle;

use clap::Parser;
use hall::Hall;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;
use tidelock_benches::heap::CountingHeap;
use tidelock_benches::{Quantiles, instructions, median, write_json};

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

#[derive(Parser)]
struct Flags {
    /// Numbers of clients, separated by commas.
    #[arg(long, value_delimiter = ',', default_values_t = [64, 1024, 4096, 16_384])]
    clients: Vec<usize>,
    /// Sizes of payloads, separated by commas.
    #[arg(long, value_delimiter = ',', default_values_t = [200, 1100])]
    bytes: Vec<usize>,
    /// Of these the median is told.
    #[arg(long, default_value_t = 9)]
    runs: usize,
    /// Counts instructions too, if valgrind is there.
    #[arg(long)]
    instructions: bool,
    /// Where the same goes as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Passed by cargo; ignored.
    #[arg(long, hide = true)]
    bench: bool,
    /// What to repeat for valgrind, and how often: [`COUNTED_CLIENTS`] clients, packets of the first size.
    #[arg(long, hide = true, num_args = 2, value_names = ["OPERATION", "PACKETS"])]
    repeat: Vec<String>,
}

/// Packets in one run.
const PACKETS: usize = 16_384;
/// Instructions do not depend on how many clients there are.
const COUNTED_CLIENTS: usize = 64;

#[derive(Serialize)]
struct Report {
    cells: Vec<Cell>,
    servers: Vec<ServerCell>,
    idle: idle::IdleCost,
    instructions: Vec<Instructions>,
}

#[derive(Serialize)]
struct Cell {
    clients: usize,
    bytes: usize,
    seal_ns: f64,
    open_ns: f64,
    bare_seal_ns: f64,
    bare_open_ns: f64,
}

#[derive(Serialize)]
struct ServerCell {
    clients: usize,
    handshake: Quantiles,
    /// Taken at the start, for all slots, handshakes and tokens that are remembered.
    bytes_per_slot: f64,
    /// Taken in addition when all slots were taken.
    grown_bytes: isize,
}

#[derive(Serialize)]
struct Instructions {
    bytes: usize,
    seal: f64,
    open: f64,
}

fn main() -> std::io::Result<()> {
    let flags = Flags::parse();
    if let [operation, packets] = &flags.repeat[..] {
        repeat(operation, packets.parse().expect("a number of packets"), flags.bytes[0]);
        return Ok(());
    }
    let (mut cells, mut servers) = (Vec::new(), Vec::new());
    println!("clients   bytes   seal ns   open ns   bare seal ns   bare open ns");
    for clients in &flags.clients {
        let mut hall = Hall::with(*clients);
        cells.extend(flags.bytes.iter().map(|bytes| measure(&mut hall, *clients, *bytes, flags.runs)));
        servers.push(ServerCell {
            clients: *clients,
            handshake: Quantiles::of(&mut hall.handshakes),
            bytes_per_slot: hall.server_bytes as f64 / *clients as f64,
            grown_bytes: hall.grown_bytes,
        });
    }
    println!("\nclients   handshake p50   handshake p99   netcode bytes/slot   grown by all who joined");
    for ServerCell { clients, handshake, bytes_per_slot, grown_bytes } in &servers {
        println!(
            "{clients:>7} {:>12.1} us {:>12.1} us {bytes_per_slot:>20.0} {grown_bytes:>25}",
            handshake.p50_us, handshake.p99_us
        );
    }
    let idle = idle::measure();
    println!("\nan idle client takes {:.0} bytes of the engine, netcode not included", idle.engine_bytes_per_client);
    let instructions = if flags.instructions { count(&flags.bytes) } else { Vec::new() };
    let report = Report { cells, servers, idle, instructions };
    flags.json.as_deref().map_or(Ok(()), |path| write_json(path, &report))
}

fn measure(hall: &mut Hall, clients: usize, bytes: usize, runs: usize) -> Cell {
    let packets = PACKETS.max(clients);
    let ns = |took: Duration| took.as_secs_f64() * 1e9 / packets as f64;
    let mut of = |run: &mut dyn FnMut(&mut Hall) -> Duration| {
        let runs: Vec<f64> = (0..runs).map(|_| ns(run(hall))).collect();
        median(&runs)
    };
    let cell = Cell {
        clients,
        bytes,
        seal_ns: of(&mut |hall| hall.seal(packets, bytes)),
        open_ns: of(&mut |hall| hall.open(packets, bytes)),
        bare_seal_ns: of(&mut |_| bare::seal(packets, bytes)),
        bare_open_ns: of(&mut |_| bare::open(packets, bytes)),
    };
    let Cell { seal_ns, open_ns, bare_seal_ns, bare_open_ns, .. } = cell;
    println!("{clients:>7} {bytes:>7} {seal_ns:>9.0} {open_ns:>9.0} {bare_seal_ns:>14.0} {bare_open_ns:>14.0}");
    cell
}

fn count(sizes: &[usize]) -> Vec<Instructions> {
    println!("\n  bytes   seal instructions   open instructions");
    let of = |operation: &str, bytes: usize| {
        let bytes = bytes.to_string();
        let (few, many) = (COUNTED_CLIENTS as u64, 65 * COUNTED_CLIENTS as u64);
        instructions::per_repetition(&["--bytes", &bytes, "--repeat", operation], few, many)
    };
    let counted = sizes.iter().filter_map(|bytes| {
        let (seal, open) = (of("seal", *bytes)?, of("open", *bytes)? - of("prepare", *bytes)?);
        println!("{bytes:>7} {seal:>19.0} {open:>19.0}");
        Some(Instructions { bytes: *bytes, seal, open })
    });
    let counted: Vec<Instructions> = counted.collect();
    if counted.is_empty() {
        println!("there is no valgrind here");
    }
    counted
}

/// One operation so often, for valgrind to count. To open a packet takes somebody who has sealed it: `prepare` is that
/// alone.
fn repeat(operation: &str, packets: usize, bytes: usize) {
    let mut hall = Hall::with(COUNTED_CLIENTS);
    match operation {
        "seal" => _ = hall.seal(packets, bytes),
        "open" => _ = hall.open(packets, bytes),
        _ => drop(hall.prepare(packets, bytes)),
    }
}
