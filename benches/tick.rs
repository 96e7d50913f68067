//! What a tick of the sample game costs the engine, and what a client costs in bytes, for growing numbers of clients.
//!
//! `cargo bench -p tidelock-benches --bench tick [-- --clients 16,64,256 --npcs 200 --ticks 600 --json OUT.json]`
//!
//! Everything runs in one thread on virtual time: the engine with its encryption, real client cores, wandering bots, and a
//! link of 30 ms each way. Only the engine's ticks are timed; the kernel and the network are not in it.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use clap::Parser;
use serde::Serialize;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tidelock_arena::ArenaInput;
use tidelock_benches::{Quantiles, write_json};
use tidelock_server::arena::Arena;
use tidelock_sim::link::{LinkConfig, Rng};
use tidelock_sim::universe::{Lap, Mind, Universe, UniverseConfig};

#[derive(Parser)]
struct Flags {
    /// Numbers of clients, separated by commas.
    #[arg(long, value_delimiter = ',', default_values_t = [16, 64, 256])]
    clients: Vec<u64>,
    /// Wandering characters of the server's own.
    #[arg(long, default_value_t = 200)]
    npcs: u32,
    /// Ticks that are measured, after 120 that are not.
    #[arg(long, default_value_t = 600)]
    ticks: u64,
    /// Where the same goes as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Passed by cargo; ignored.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Serialize)]
struct Cell {
    clients: u64,
    npcs: u32,
    tick: Quantiles,
    step: Quantiles,
    capture: Quantiles,
    send: Quantiles,
    sent_bytes_per_client_s: f64,
    cache_hit_pct: f64,
    desyncs: u64,
}

fn main() -> std::io::Result<()> {
    let flags = Flags::parse();
    println!(
        "clients   tick p50   tick p99   step p50  capture p50   send p50   bytes/client/s   cache hits   desyncs"
    );
    let cells: Vec<Cell> = flags.clients.iter().map(|clients| measure(*clients, &flags)).collect();
    flags.json.as_deref().map_or(Ok(()), |path| write_json(path, &cells))
}

fn measure(clients: u64, flags: &Flags) -> Cell {
    let config = UniverseConfig { seed: 1, max_clients: clients as usize, ..Default::default() };
    let mut universe = Universe::new(config, Arena { npcs: flags.npcs });
    universe.set_checked(false);
    let link = LinkConfig { latency: Duration::from_millis(30), ..Default::default() };
    (0..clients).for_each(|seed| {
        universe.add_player(link, link, wanderer(seed));
    });
    let tick_period = universe.engine().config().tick_period();
    universe.run(tick_period * 120).expect("nothing is checked");
    let before = universe.engine().stats().clone();
    let mut laps = Laps::default();
    let ticks_before = universe.engine().tick_number();
    while universe.engine().tick_number().since(ticks_before) < flags.ticks as i32 {
        universe.run_timed(&mut |lap| laps.on_lap(lap)).expect("nothing is checked");
    }
    let after = universe.engine().stats();
    let (hits, misses) =
        (after.delta_cache_hits - before.delta_cache_hits, after.delta_cache_misses - before.delta_cache_misses);
    let seconds = flags.ticks as f64 * tick_period.as_secs_f64();
    let [mut step, mut capture, mut send] = laps.phases;
    let mut total: Vec<Duration> = step.iter().zip(&capture).zip(&send).map(|((a, b), c)| *a + *b + *c).collect();
    let cell = Cell {
        clients,
        npcs: flags.npcs,
        tick: Quantiles::of(&mut total),
        step: Quantiles::of(&mut step),
        capture: Quantiles::of(&mut capture),
        send: Quantiles::of(&mut send),
        sent_bytes_per_client_s: (after.sent.bytes - before.sent.bytes) as f64 / seconds / clients as f64,
        cache_hit_pct: 100.0 * hits as f64 / (hits + misses).max(1) as f64,
        desyncs: after.desyncs,
    };
    println!(
        "{:>7} {:>7.0} us {:>7.0} us {:>7.0} us   {:>7.0} us {:>7.0} us {:>16.0} {:>10.1} % {:>9}",
        clients,
        cell.tick.p50_us,
        cell.tick.p99_us,
        cell.step.p50_us,
        cell.capture.p50_us,
        cell.send.p50_us,
        cell.sent_bytes_per_client_s,
        cell.cache_hit_pct,
        cell.desyncs,
    );
    cell
}

/// How long each phase of each tick took.
#[derive(Default)]
struct Laps {
    phases: [Vec<Duration>; 3],
    began: Option<Instant>,
}

impl Laps {
    fn on_lap(&mut self, lap: Lap) {
        #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
        let now = Instant::now();
        if let (Lap::Ended(phase), Some(began)) = (lap, self.began) {
            self.phases[phase as usize].push(now.duration_since(began));
        }
        self.began = Some(now);
    }
}

/// Walks about, turning now and then.
fn wanderer(seed: u64) -> Mind<ArenaInput> {
    let mut rng = Rng::stream(seed, 5);
    let mut input = ArenaInput::default();
    Box::new(move |_, tick| {
        if tick.0.is_multiple_of(30) {
            let mut unit = || rng.below(2001) as f32 / 1000.0 - 1.0;
            (input.forward, input.look.yaw) = (unit(), unit() * 3.1);
        }
        input
    })
}
