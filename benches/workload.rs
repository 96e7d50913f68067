//! What the engine costs on the shared workload, in cells of entities × clients, and on recorded play of the arena.
//!
//! `cargo bench -p tidelock-benches --bench workload [-- --cells 1000x100,5000x100 --moving 1,0.1 --ticks 200 --json OUT.json]`
//!
//! Everything runs in one thread on virtual time, without cipher and sockets. In each tick the server takes what clients
//! sent, writes what the world changed, captures and sends: that is timed, by phase. Clients are not. One in each cell, or
//! `--real` of them, is a real client core, the others only acknowledge; `--real 100000` makes all of them real.
//!
//! Each cell is run twice: with acks one tick later and nothing lost, and *spread*, with round trips of 20 to 200 ms, jitter
//! and 2 % of loss both ways. At the end nothing happens for a while, and the copies that real clients hold are counted.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use clap::Parser;
use std::path::PathBuf;
use tidelock_benches::heap::CountingHeap;
use tidelock_benches::{cell, write_json};
use tidelock_workload::{Cell, Report};

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

#[derive(Parser)]
struct Flags {
    /// Entities and clients of each cell, separated by commas.
    #[arg(long, value_delimiter = ',', value_parser = size, default_values = ["100x10", "1000x10", "1000x100", "5000x100"])]
    cells: Vec<(usize, usize)>,
    /// Shares of entities that walk, separated by commas.
    #[arg(long, value_delimiter = ',', default_values_t = [1.0, 0.1])]
    moving: Vec<f32>,
    /// What is run instead of the walk: see `--bench record`.
    #[arg(long)]
    recording: Option<PathBuf>,
    /// `all`, `interest` or both.
    #[arg(long, value_delimiter = ',', default_values = ["all", "interest"])]
    modes: Vec<String>,
    /// `clear`, `spread` or both.
    #[arg(long, value_delimiter = ',', default_values = ["spread", "clear"])]
    links: Vec<String>,
    /// Ticks that are measured, after 60 that are not.
    #[arg(long, default_value_t = 200)]
    ticks: u64,
    /// Ticks that are run before any is measured.
    #[arg(long, default_value_t = 60)]
    warmup_ticks: u64,
    /// How many clients are real.
    #[arg(long, default_value_t = 1)]
    real: usize,
    /// Where the same goes as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Passed by cargo; ignored.
    #[arg(long, hide = true)]
    bench: bool,
}

fn size(text: &str) -> Result<(usize, usize), String> {
    let parts = text.split_once('x').and_then(|(e, c)| Some((e.parse().ok()?, c.parse().ok()?)));
    parts.ok_or_else(|| format!("`{text}` is not like 1000x100"))
}

fn main() -> std::io::Result<()> {
    let flags = Flags::parse();
    println!("{HEAD}");
    // Who moves in a recording is recorded.
    let moving = if flags.recording.is_some() { &flags.moving[..1] } else { &flags.moving[..] };
    let mut reports = Vec::new();
    for links in &flags.links {
        for (entities, clients) in &flags.cells {
            for moving in moving {
                for mode in &flags.modes {
                    let cell = Cell {
                        entities: *entities,
                        clients: *clients,
                        moving: *moving,
                        interest: mode == "interest",
                        spread: links == "spread",
                        recording: flags.recording.clone(),
                        warmup_ticks: flags.warmup_ticks,
                        ticks: flags.ticks,
                        real: flags.real,
                        ..Cell::default()
                    };
                    let report = cell::measure(cell);
                    println!("{}", row(&report));
                    reports.push(report);
                }
            }
        }
    }
    flags.json.as_deref().map_or(Ok(()), |path| write_json(path, &reports))
}

const HEAD: &str = "entities clients moving mode     links    cpu p50 us  p99 us  receive    step capture    send  \
                    B/client/tick  hits %  allocs  engine MB  copies: right stale missing ghost";

fn row(report: &Report) -> String {
    let Report { cell, cpu, phases, copies, own, .. } = report;
    let phase = |name| phases.get(name).map_or(0.0, |phase| phase.p50_us);
    format!(
        "{:>8} {:>7} {:>6} {:<8} {:<7} {:>11.1} {:>7.1} {:>8.1} {:>7.1} {:>7.1} {:>7.1} {:>14.1} {:>7.1} {:>7.1} {:>10.1} {:>14} {:>5} {:>7} {:>5}",
        cell.entities,
        cell.clients,
        cell.moving,
        if cell.interest { "interest" } else { "all" },
        if cell.spread { "spread" } else { "clear" },
        cpu.p50_us,
        cpu.p99_us,
        phase("receive"),
        phase("step"),
        phase("capture"),
        phase("send"),
        report.bytes_per_client_tick,
        own["cache_hit_pct"],
        report.allocations_per_tick,
        own["engine_mb"],
        copies.right,
        copies.stale,
        copies.missing,
        copies.ghost,
    )
}
