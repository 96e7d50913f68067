//! How many inputs are there when their tick takes them, and how far ahead of it they come, over links of all kinds.
//!
//! `cargo bench -p tidelock-benches --bench inputs [-- --rtt-ms 0,50,100,150 --jitter-ms 0,10,50 --loss 0,0.05,0.1 --json OUT.json]`
//!
//! Players of the sample game in a universe: server, clients and links on virtual time, at 60 ticks a second. *Missing* are ticks
//! that took no input though one was due; *recovered* are inputs that came first in a redundant copy. The *lead* is how long
//! before its use the first datagram with an input arrives, as the server reports it and in its mean; *needed* is what
//! the link asks for: the jitter and a tick for each further copy, and one tick at least. *Effect* is the median time from
//! an input to the receipt of its effect.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use clap::Parser;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tidelock_arena::{ArenaInput, Map, map::MapParameters};
use tidelock_benches::write_json;
use tidelock_server::arena::Arena;
use tidelock_sim::bots::{BotKind, Player};
use tidelock_sim::client::ClientEvent;
use tidelock_sim::link::LinkConfig;
use tidelock_sim::universe::{Universe, UniverseConfig};

#[derive(Parser)]
struct Flags {
    /// Round trips, in milliseconds, separated by commas.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 50, 100, 150])]
    rtt_ms: Vec<u64>,
    /// Standard deviations of the delay of each way, in milliseconds.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 10, 50])]
    jitter_ms: Vec<u64>,
    /// Shares of datagrams that each way loses.
    #[arg(long, value_delimiter = ',', default_values_t = [0.0, 0.05, 0.1])]
    loss: Vec<f64>,
    /// Players on each link.
    #[arg(long, default_value_t = 8)]
    players: usize,
    /// Seconds that are measured, after ten that are not.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Where the same goes as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Passed by cargo; ignored.
    #[arg(long, hide = true)]
    bench: bool,
}

const TICK_HZ: u32 = 60;
const SEED: u64 = 5;
const SETTLING: Duration = Duration::from_secs(10);
/// The share of ticks that may lack their input.
const MISS_TARGET: f64 = 0.001;

#[derive(Serialize)]
struct Line {
    rtt_ms: u64,
    jitter_ms: u64,
    loss: f64,
    ticks: u64,
    missing_pct: f64,
    late_pct: f64,
    recovered_pct: f64,
    lead_ticks: f64,
    needed_ticks: f64,
    effect_ms: f64,
}

fn main() -> std::io::Result<()> {
    let flags = Flags::parse();
    println!("rtt ms  jitter ms  loss %     ticks  missing %   late %  recovered %  lead ticks  needed  effect ms");
    let mut lines = Vec::new();
    for rtt_ms in &flags.rtt_ms {
        for jitter_ms in &flags.jitter_ms {
            for loss in &flags.loss {
                let line = measure(&flags, *rtt_ms, *jitter_ms, *loss);
                println!(
                    "{rtt_ms:>6}  {jitter_ms:>9}  {:>6.1}  {:>8}  {:>9.3}  {:>7.3}  {:>11.3}  {:>10.2}  {:>6.2}  {:>9.1}",
                    loss * 100.0,
                    line.ticks,
                    line.missing_pct,
                    line.late_pct,
                    line.recovered_pct,
                    line.lead_ticks,
                    line.needed_ticks,
                    line.effect_ms
                );
                lines.push(line);
            }
        }
    }
    flags.json.as_deref().map_or(Ok(()), |path| write_json(path, &lines))
}

fn measure(flags: &Flags, rtt_ms: u64, jitter_ms: u64, loss: f64) -> Line {
    let config = UniverseConfig { seed: SEED, tick_hz: TICK_HZ, snapshot_hz: TICK_HZ, ..UniverseConfig::default() };
    let mut universe: Universe<ArenaInput> = Universe::new(config, Arena { npcs: 10 });
    universe.set_checked(false);
    let latency = Duration::from_micros(rtt_ms * 500);
    let link = LinkConfig { latency, jitter: Duration::from_millis(jitter_ms), loss, ..LinkConfig::default() };
    let map = Arc::new(Map::generate(MapParameters::new(SEED)));
    for seed in 0..flags.players as u64 {
        let mut bot = Player::new(BotKind::Wander, seed);
        bot.learn_map(Arc::clone(&map));
        universe.add_player(link, link, Box::new(move |view, tick| bot.input(view, tick)));
    }
    universe.run(SETTLING).expect("nothing is checked");
    let before = universe.engine().stats().inputs;
    universe.players_mut().iter_mut().for_each(|player| player.events.clear());
    let mut leads = Vec::new();
    for _ in 0..flags.seconds * 10 {
        universe.run(Duration::from_millis(100)).expect("nothing is checked");
        let leads_now = universe.players().iter().filter_map(|player| player.client.input_lead_ticks());
        leads.extend(leads_now.map(|(lead, _)| f64::from(lead)));
    }
    let inputs = universe.engine().stats().inputs;
    let (on_time, missing) = (inputs.on_time - before.on_time, inputs.missing - before.missing);
    let ticks = on_time + missing;
    let share = |count: u64| count as f64 / ticks as f64 * 100.0;
    Line {
        rtt_ms,
        jitter_ms,
        loss,
        ticks,
        missing_pct: share(missing),
        late_pct: share(inputs.late - before.late),
        recovered_pct: share(inputs.recovered - before.recovered),
        lead_ticks: leads.iter().sum::<f64>() / leads.len() as f64,
        needed_ticks: needed_ticks(jitter_ms, loss),
        effect_ms: effect_ms(&universe),
    }
}

/// The formula, without the half round trip that passes before an input arrives.
fn needed_ticks(jitter_ms: u64, loss: f64) -> f64 {
    let copies = if loss > 0.0 { (MISS_TARGET.ln() / loss.ln()).ceil() } else { 0.0 };
    (jitter_ms as f64 * f64::from(TICK_HZ) / 1e3 + copies).max(1.0)
}

fn effect_ms(universe: &Universe<ArenaInput>) -> f64 {
    let effects = universe.players().iter().flat_map(|player| &player.events).filter_map(|event| match event {
        ClientEvent::InputEffect { latency, .. } => Some(*latency),
        _ => None,
    });
    let mut effects: Vec<Duration> = effects.collect();
    let middle = effects.len() / 2;
    if effects.is_empty() { 0.0 } else { effects.select_nth_unstable(middle).1.as_secs_f64() * 1e3 }
}
