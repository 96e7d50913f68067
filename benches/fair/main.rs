//! How fair shots are: of those that hit what their shooter's screen showed, how many the server awards.
//!
//! `cargo bench -p tidelock-benches --bench fair [-- --rtts 0,100,200 --seconds 60 --json OUT.json]`
//!
//! Fighters and NPCs in a universe. Each fighter is shown the world as clients show it, aims at that from its predicted
//! avatar, and flies its shots past what its screen shows, by the server's own steps. What meets somebody there is a *screen
//! hit*; the server's events say which of them it awards. *Too late* are those whose target was dead by then. Every other is looked into with the server's truth, and counts for the first reason that holds.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

mod duelist;
mod ledger;

use clap::Parser;
use duelist::{Duelist, Log};
use ledger::{Count, Ledger};
use serde::Serialize;
use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tidelock_arena::map::MapParameters;
use tidelock_arena::{ArenaInput, Map};
use tidelock_benches::write_json;
use tidelock_server::arena::Arena;
use tidelock_sim::link::LinkConfig;
use tidelock_sim::universe::{Universe, UniverseConfig};

#[derive(Parser)]
struct Flags {
    /// Round trips, in milliseconds, separated by commas.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 100, 200])]
    rtts: Vec<u64>,
    /// How far the server looks back, in milliseconds, separated by commas; 0 is no compensation.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 250])]
    rewinds: Vec<u64>,
    /// Standard deviation of the delay, each way, in milliseconds.
    #[arg(long, default_value_t = 5)]
    jitter_ms: u64,
    /// Each way.
    #[arg(long, default_value_t = 0.01)]
    loss: f64,
    /// Who fights.
    #[arg(long, default_value_t = 16)]
    players: u64,
    /// Who wanders about to be shot at.
    #[arg(long, default_value_t = 150)]
    npcs: u32,
    /// Of play, after ten seconds in which clients settle.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Ticks in a second.
    #[arg(long, default_value_t = 60)]
    tick_hz: u32,
    /// Snapshots in a second; the tick rate unless given.
    #[arg(long)]
    snapshot_hz: Option<u32>,
    /// Of everything left to chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the same goes as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Passed by cargo; ignored.
    #[arg(long, hide = true)]
    bench: bool,
}

const SETTLE: Duration = Duration::from_secs(10);

#[derive(Serialize)]
struct Cell {
    rtt_ms: u64,
    rewind_max_ms: u64,
    #[serde(flatten)]
    count: Count,
    awarded_pct: f64,
    /// Of those whose target was not dead by then.
    awarded_of_living_pct: f64,
    unseen_pct: f64,
    view_age_ms_mean: f64,
}

fn main() -> std::io::Result<()> {
    let flags = Flags::parse();
    println!(
        "RTT ms  rewind ms   shots  screen hits  awarded %  of the living %  server hits  not on screen %  view age ms | too late  shooter died  not fired  over bound  mispredicted  guessed  other"
    );
    let mut cells = Vec::new();
    for rtt_ms in &flags.rtts {
        for rewind_max_ms in &flags.rewinds {
            let cell = measure(&flags, *rtt_ms, *rewind_max_ms);
            println!("{}", row(&cell));
            cells.push(cell);
        }
    }
    flags.json.as_deref().map_or(Ok(()), |path| write_json(path, &cells))
}

fn measure(flags: &Flags, rtt_ms: u64, rewind_max_ms: u64) -> Cell {
    let rewind_max = Duration::from_millis(rewind_max_ms);
    let config = UniverseConfig {
        seed: flags.seed,
        tick_hz: flags.tick_hz,
        snapshot_hz: flags.snapshot_hz.unwrap_or(flags.tick_hz),
        rewind_max: Some(rewind_max),
        ..Default::default()
    };
    let mut universe: Universe<ArenaInput> = Universe::new(config, Arena { npcs: flags.npcs });
    universe.set_checked(false);
    let map = Arc::new(Map::generate(MapParameters::new(config.seed)));
    let link = LinkConfig {
        latency: Duration::from_millis(rtt_ms) / 2,
        jitter: Duration::from_millis(flags.jitter_ms),
        loss: flags.loss,
        ..LinkConfig::default()
    };
    let logs: Vec<_> = (0..flags.players).map(|_| Rc::new(RefCell::new(Log::default()))).collect();
    for (number, log) in logs.iter().enumerate() {
        let mut duelist =
            Duelist::new(flags.seed * 1000 + number as u64, Arc::clone(&map), flags.tick_hz, Rc::clone(log));
        universe.add_player(link, link, Box::new(|_, _| ArenaInput::default()));
        universe.players_mut()[number].pilot = Some(Box::new(move |client, tick, now| duelist.play(client, tick, now)));
    }
    let mut ledger = Ledger::new(logs, rewind_max, flags.tick_hz);
    run(&mut universe, &mut ledger, SETTLE);
    ledger.begin();
    run(&mut universe, &mut ledger, Duration::from_secs(flags.seconds));
    ledger.end();
    // What is in the air lands, and what was awarded is told.
    run(&mut universe, &mut ledger, Duration::from_secs(4));
    let (count, view_age_ms_mean) = ledger.close();
    let pct = |part: u64, whole: u64| 100.0 * part as f64 / whole.max(1) as f64;
    Cell {
        rtt_ms,
        rewind_max_ms,
        awarded_pct: pct(count.awarded, count.screen_hits),
        awarded_of_living_pct: pct(count.awarded, count.screen_hits - count.too_late),
        unseen_pct: pct(count.server_hits - count.awarded - count.too_late_told, count.server_hits),
        count,
        view_age_ms_mean,
    }
}

fn run(universe: &mut Universe<ArenaInput>, ledger: &mut Ledger, duration: Duration) {
    let end = universe.now() + duration;
    while universe.now() < end {
        let before = universe.engine().tick_number();
        universe.run_timed(&mut |_| {}).expect("nothing is checked");
        if universe.engine().tick_number() != before {
            ledger.on_tick(universe);
        }
    }
}

fn row(cell: &Cell) -> String {
    let Count {
        shots,
        screen_hits,
        server_hits,
        too_late,
        shooter_died,
        unfired,
        over_bound,
        mispredicted,
        guessed,
        other,
        ..
    } = cell.count;
    format!(
        "{:>6} {:>10} {shots:>7} {screen_hits:>12} {:>10.2} {:>16.2} {server_hits:>12} {:>16.2} {:>12.0} | {too_late:>8} {shooter_died:>13} {unfired:>10} {over_bound:>11} {mispredicted:>13} {guessed:>8} {other:>6}",
        cell.rtt_ms,
        cell.rewind_max_ms,
        cell.awarded_pct,
        cell.awarded_of_living_pct,
        cell.unseen_pct,
        cell.view_age_ms_mean,
    )
}
