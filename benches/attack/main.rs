//! What a hostile datagram costs the server, and what it does to players.
//!
//! `cargo bench -p tidelock-benches --bench attack [-- --players 64 --per-s 100000 --instructions --json OUT.json]`
//!
//! In memory: the engine with players of the sample game on virtual time, one thread, and a flood of one kind after the
//! other. Only what the engine does with hostile datagrams is timed. With `--loopback`: a real server, players on real
//! sockets, and a flood beside them for some seconds.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

mod loopback;

use clap::Parser;
use loopback::Loopback;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tidelock_arena::ArenaInput;
use tidelock_benches::heap::{CountingHeap, live_bytes};
use tidelock_benches::{cpu_timed, instructions, write_json};
use tidelock_server::arena::Arena;
use tidelock_sim::link::LinkConfig;
use tidelock_sim::siege::{FloodKind, Siege};
use tidelock_sim::universe::{Universe, UniverseConfig};

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

#[derive(Parser)]
struct Flags {
    /// Who plays meanwhile.
    #[arg(long, default_value_t = 64)]
    players: usize,
    /// Hostile datagrams in a second of virtual time.
    #[arg(long, default_value_t = 100_000)]
    per_s: usize,
    /// How many of each kind.
    #[arg(long, default_value_t = 200_000)]
    packets: usize,
    /// Counts instructions too, if valgrind is there.
    #[arg(long)]
    instructions: bool,
    /// Floods a real server over loopback instead.
    #[arg(long)]
    loopback: bool,
    /// For how many seconds, each kind.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Where the same goes as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Passed by cargo; ignored.
    #[arg(long, hide = true)]
    bench: bool,
    /// What to fire for valgrind, and how often.
    #[arg(long, hide = true, num_args = 2, value_names = ["KIND", "PACKETS"])]
    repeat: Vec<String>,
}

#[derive(Serialize)]
struct Cell {
    kind: &'static str,
    packets: u64,
    ns_per_packet: f64,
    instructions_per_packet: Option<f64>,
    refused: BTreeMap<&'static str, u64>,
    answers: u64,
    amplification_max: f64,
    /// The most that was in use beyond what was at the start, less that without a flood.
    grown_bytes_max: isize,
    disconnected: usize,
    lost: u64,
    desyncs: u64,
}

fn main() -> std::io::Result<()> {
    let flags = Flags::parse();
    if let [kind, packets] = &flags.repeat[..] {
        repeat(kind, packets.parse().expect("a number of packets"));
        return Ok(());
    }
    if flags.loopback {
        return besiege_a_real_server(&flags);
    }
    println!(
        "kind              ns/packet   instructions   answered   out/in   grown KiB   disconnects   lost   desyncs   refused as"
    );
    let calm_bytes = calm(&flags);
    let cells: Vec<Cell> = FloodKind::ALL.into_iter().map(|kind| measure(kind, &flags, calm_bytes)).collect();
    flags.json.as_deref().map_or(Ok(()), |path| write_json(path, &cells))
}

fn besiege_a_real_server(flags: &Flags) -> std::io::Result<()> {
    println!("{}", loopback::HEAD);
    let (players, duration) = (flags.players as u32, Duration::from_secs(flags.seconds));
    let kinds = std::iter::once(None).chain(FloodKind::ALL.map(Some));
    let runs: Vec<Loopback> =
        kinds.map(|kind| loopback::measure(kind, players, flags.per_s as u64, duration)).collect();
    flags.json.as_deref().map_or(Ok(()), |path| write_json(path, &runs))
}

/// What players who look about take in the time of a flood, when there is none.
fn calm(flags: &Flags) -> isize {
    let mut siege = besieged(FloodKind::Garbage, flags.players, 0);
    storm(&mut siege, flags).1
}

/// How long the engine took for all hostile datagrams, and how much memory was in use at most beyond that at the start.
fn storm(siege: &mut Siege<ArenaInput>, flags: &Flags) -> (Duration, isize) {
    siege.load();
    let (mut fired, mut grown_bytes_max, at_start) = (Duration::ZERO, 0, live_bytes());
    for _ in 0..flags.packets * 1_000 / flags.per_s {
        siege.load();
        fired += cpu_timed(|| siege.fire()).0;
        siege.pass();
        grown_bytes_max = grown_bytes_max.max(live_bytes() - at_start);
    }
    (fired, grown_bytes_max)
}

fn measure(kind: FloodKind, flags: &Flags, calm_bytes: isize) -> Cell {
    let mut siege = besieged(kind, flags.players, flags.per_s);
    let (fired, grown_bytes_max) = storm(&mut siege, flags);
    siege.rest(Duration::from_millis(250));
    let damage = siege.damage();
    let cell = Cell {
        kind: kind.name(),
        packets: damage.packets,
        ns_per_packet: fired.as_secs_f64() * 1e9 / damage.packets as f64,
        instructions_per_packet: flags.instructions.then(|| count(kind)).flatten(),
        refused: damage.refused,
        answers: damage.answers,
        amplification_max: damage.amplification_max,
        grown_bytes_max: grown_bytes_max - calm_bytes,
        disconnected: damage.disconnected,
        lost: damage.lost,
        desyncs: damage.desyncs,
    };
    tell(&cell);
    cell
}

fn tell(cell: &Cell) {
    let mut refused: Vec<_> = cell.refused.iter().map(|(reason, count)| (*count, *reason)).collect();
    refused.sort_unstable();
    let share =
        |(count, reason): &(u64, &str)| format!("{reason} {:.0} %", 100.0 * *count as f64 / cell.packets as f64);
    let refused: Vec<String> = refused.iter().rev().take(3).map(share).collect();
    println!(
        "{:<16} {:>10.0} {:>14} {:>10} {:>8.2} {:>11.0} {:>13} {:>6} {:>9}   {}",
        cell.kind,
        cell.ns_per_packet,
        cell.instructions_per_packet.map_or_else(|| "-".to_owned(), |count| format!("{count:.0}")),
        cell.answers,
        cell.amplification_max,
        cell.grown_bytes_max as f64 / 1024.0,
        cell.disconnected,
        cell.lost,
        cell.desyncs,
        refused.join(", ")
    );
}

/// A universe in which players of the sample game walk about, and that is about to be flooded.
fn besieged(kind: FloodKind, players: usize, per_s: usize) -> Siege<ArenaInput> {
    let config = UniverseConfig { seed: 1, max_clients: 2 * players.max(32), ..Default::default() };
    let mut universe = Universe::new(config, Arena { npcs: 100 });
    universe.set_checked(false);
    universe.tap();
    let link = LinkConfig { latency: Duration::from_millis(15), ..Default::default() };
    for number in 0..players {
        let walks = ArenaInput { forward: 1.0, right: number as f32 / players as f32, ..ArenaInput::default() };
        universe.add_player(link, link, Box::new(move |_, _| walks));
    }
    universe.run(Duration::from_secs(2)).expect("nothing is checked");
    Siege::new(kind, universe, per_s, 1)
}

/// Instructions for each hostile datagram of a kind, in the long run: without those that make it, and when budgets for a
/// burst are spent.
fn count(kind: FloodKind) -> Option<f64> {
    let (few, many) = (20_000, 60_000);
    let fired = instructions::per_repetition(&["--repeat", kind.name()], few, many)?;
    let made = format!("make_{}", kind.name());
    Some(fired - instructions::per_repetition(&["--repeat", &made], few, many)?)
}

/// Fires so many datagrams, for valgrind to count; or only makes them.
fn repeat(name: &str, packets: usize) {
    let (fires, name) = name.strip_prefix("make_").map_or((true, name), |name| (false, name));
    let kind = FloodKind::ALL.into_iter().find(|kind| kind.name() == name).expect("a kind of flood");
    let mut siege = besieged(kind, 4, 100_000);
    for _ in 0..packets / 100 {
        siege.load();
        if fires {
            siege.fire();
        }
        siege.pass();
    }
}
