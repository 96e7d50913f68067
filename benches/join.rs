//! How long it takes to see a large world that one joins over a bad link, and what that does to those who play in it.
//!
//! `cargo bench -p tidelock-benches --bench join [-- --entities 10000 --players 50 --budgets 65536,1048576 --json OUT.json]`
//!
//! Everybody sees everything. The players have joined over the same budget; then one more comes, with 100 ms of round trip and
//! 5 % of loss both ways. Its time counts from the welcome to the first full view, over the *ideal*: what the same client
//! is sent until then without loss and without a budget, divided by the budget. Ages of snapshots are those of
//! other players, from when the tick was due to arrival, in two seconds before and while the newcomer joins. Which datagrams are
//! lost is luck: of several joins the one with the median time is told, and the longest time.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use clap::Parser;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;
use tidelock_benches::heap::CountingHeap;
use tidelock_benches::stage::{Guest, GuestConfig, Stage, StageConfig};
use tidelock_benches::write_json;
use tidelock_sim::link::LinkConfig;
use tidelock_workload::{Copies, Meter, Quantiles, TICK_HZ, World};

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

#[derive(Parser)]
struct Flags {
    /// How many entities there are to see.
    #[arg(long, default_value_t = 10_000)]
    entities: usize,
    /// Who plays already. Ten of them are real.
    #[arg(long, default_value_t = 50)]
    players: usize,
    /// Shares of entities that walk, separated by commas. What walks is sent to everybody, out of the same budget.
    #[arg(long, value_delimiter = ',', default_values_t = [0.0, 0.01])]
    moving: Vec<f32>,
    /// Budgets of each client, in bytes a second, separated by commas.
    #[arg(long, value_delimiter = ',', default_values_t = [64 * 1024, 1024 * 1024])]
    budgets: Vec<u32>,
    /// Of the newcomer, each way.
    #[arg(long, default_value_t = 0.05)]
    loss: f64,
    /// Of the newcomer.
    #[arg(long, default_value_t = 100)]
    rtt_ms: u64,
    /// Joins of each kind, each with other losses.
    #[arg(long, default_value_t = 7)]
    joins: u64,
    /// Where the same goes as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Passed by cargo; ignored.
    #[arg(long, hide = true)]
    bench: bool,
}

const REAL_PLAYERS: usize = 10;
const PLAYERS_RTT: Duration = Duration::from_millis(40);
/// A join that takes longer than this is given up.
const JOIN_TICKS_MAX: u32 = 60 * TICK_HZ;
const QUIET_TICKS: u64 = 60;

#[derive(Serialize)]
struct Cell {
    entities: usize,
    players: usize,
    moving: f32,
    budget_bytes_s: u32,
    /// What the newcomer is sent until it sees all, without loss and without a budget.
    full_bytes: u64,
    ideal_ms: f64,
    /// From its first packet to the welcome.
    connect_ms: f64,
    /// From the welcome to the first full view; none within a minute is null.
    join_ms: Option<f64>,
    join_by_ideal: Option<f64>,
    /// Of all joins of the kind.
    join_ms_max: Option<f64>,
    /// What it was sent meanwhile.
    sent_bytes: u64,
    age_before: Quantiles,
    age_while_joining: Quantiles,
    copies: Copies,
}

fn main() -> std::io::Result<()> {
    let flags = Flags::parse();
    println!(
        "entities players moving  budget KiB/s   full KiB   ideal ms   connect ms    join ms   by ideal  worst ms   sent KiB   age before p50/p99 ms   while joining   wrong copies"
    );
    let mut cells = Vec::new();
    for moving in &flags.moving {
        let full_bytes = full_bytes(&flags, *moving);
        for budget in &flags.budgets {
            let mut joins: Vec<Cell> =
                (1..=flags.joins).map(|seed| measure(&flags, *moving, *budget, full_bytes, seed)).collect();
            joins.sort_by(|a, b| a.sort_ms().total_cmp(&b.sort_ms()));
            let join_ms_max = joins.last().and_then(|worst| worst.join_ms);
            let cell = Cell { join_ms_max, ..joins.swap_remove(joins.len() / 2) };
            println!("{}", row(&cell));
            cells.push(cell);
        }
    }
    flags.json.as_deref().map_or(Ok(()), |path| write_json(path, &cells))
}

/// What it takes to show all of the world to somebody who misses nothing and may be sent anything.
fn full_bytes(flags: &Flags, moving: f32) -> u64 {
    let mut stage = stage(flags, moving, u32::MAX);
    stage.add_guest(GuestConfig { is_real: true, link: LinkConfig::default() });
    let newcomer = stage.guests().len() - 1;
    while stage.guests()[newcomer].full_view_at.is_none() {
        step(&mut stage);
    }
    stage.guests()[newcomer].sent_bytes
}

/// All but the newcomer play and see everything.
fn stage(flags: &Flags, moving: f32, bandwidth_bytes_s: u32) -> Stage {
    let clients = flags.players + 1;
    let world = World::new(flags.entities, clients, moving);
    let mut stage =
        Stage::new(StageConfig { clients, interest: false, wide: false, bandwidth_bytes_s, is_spread: true }, world);
    let link = LinkConfig { latency: PLAYERS_RTT / 2, ..LinkConfig::default() };
    for number in 0..flags.players {
        stage.add_guest(GuestConfig { is_real: number < REAL_PLAYERS, link });
    }
    stage.settle();
    stage
}

impl Cell {
    fn sort_ms(&self) -> f64 {
        self.join_ms.unwrap_or(f64::INFINITY)
    }
}

fn measure(flags: &Flags, moving: f32, budget_bytes_s: u32, full_bytes: u64, seed: u64) -> Cell {
    let mut stage = stage(flags, moving, budget_bytes_s);
    stage.reseed(seed);
    (0..2 * TICK_HZ).for_each(|_| step(&mut stage));
    let age_before = take_ages(&mut stage, 2 * TICK_HZ as usize);
    let begun = stage.now();
    let link =
        LinkConfig { latency: Duration::from_millis(flags.rtt_ms) / 2, loss: flags.loss, ..LinkConfig::default() };
    stage.add_guest(GuestConfig { is_real: true, link });
    let newcomer = stage.guests().len() - 1;
    for _ in 0..JOIN_TICKS_MAX {
        if stage.guests()[newcomer].full_view_at.is_some() {
            break;
        }
        step(&mut stage);
    }
    let age_while_joining = take_ages(&mut stage, usize::MAX);
    let Guest { joined_at, full_view_at, sent_bytes, .. } = &stage.guests()[newcomer];
    let joined_at = joined_at.expect("5 % of loss keeps nobody out for a minute");
    let (sent_bytes, ms) = (*sent_bytes, |took: Duration| took.as_secs_f64() * 1e3);
    let join_ms = full_view_at.map(|at| ms(at.since(joined_at)));
    let ideal_ms = full_bytes as f64 / f64::from(budget_bytes_s) * 1e3;
    stage.rest(QUIET_TICKS);
    let (_, copies) = stage.copies(false);
    Cell {
        entities: flags.entities,
        players: flags.players,
        moving,
        budget_bytes_s,
        full_bytes,
        ideal_ms,
        connect_ms: ms(joined_at.since(begun)),
        join_ms,
        join_by_ideal: join_ms.map(|join_ms| join_ms / ideal_ms),
        join_ms_max: join_ms,
        sent_bytes,
        age_before,
        age_while_joining,
        copies,
    }
}

fn step(stage: &mut Stage) {
    stage.script().play().world.step();
    stage.tick(&mut Meter::default());
}

/// Of the last so many snapshots of each player that looks.
fn take_ages(stage: &mut Stage, last: usize) -> Quantiles {
    let mut ages = Vec::new();
    for guest in &mut stage.guests_mut()[..REAL_PLAYERS] {
        let skipped = guest.snapshot_ages.len().saturating_sub(last);
        ages.extend(guest.snapshot_ages.drain(..).skip(skipped));
    }
    Quantiles::of(&mut ages)
}

fn row(cell: &Cell) -> String {
    let kib = |bytes: u64| bytes as f64 / 1024.0;
    let told =
        |value: Option<f64>, digits: usize| value.map_or("never".to_owned(), |value| format!("{value:.digits$}"));
    let Copies { stale, missing, ghost, .. } = cell.copies;
    format!(
        "{:>8} {:>7} {:>6} {:>13.0} {:>10.1} {:>10.0} {:>12.0} {:>10} {:>10} {:>9} {:>10.1} {:>14.1} / {:>6.1} {:>9.1} / {:>6.1} {:>10}",
        cell.entities,
        cell.players,
        cell.moving,
        kib(u64::from(cell.budget_bytes_s)),
        kib(cell.full_bytes),
        cell.ideal_ms,
        cell.connect_ms,
        told(cell.join_ms, 0),
        told(cell.join_by_ideal, 2),
        told(cell.join_ms_max, 0),
        kib(cell.sent_bytes),
        cell.age_before.p50_us / 1e3,
        cell.age_before.p99_us / 1e3,
        cell.age_while_joining.p50_us / 1e3,
        cell.age_while_joining.p99_us / 1e3,
        stale + missing + ghost,
    )
}
