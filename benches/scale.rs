//! What a client costs as there are more of them, and what entities cost that nobody sees.
//!
//! `cargo bench -p tidelock-benches --bench scale [-- --clients 10,100,1000,4000 --entities 1000,10000,100000 --plots DIR]`
//!
//! Worlds grow with their entities, so that each client always sees about 68 of them, within 30 m. First clients grow among
//! 4,000 entities; then entities grow under 100 clients, a tenth of them walking or all standing still. Clients acknowledge a
//! tick later, nothing is lost, and encryption is left out; `--bench netcode` has that. Plots go to `benches/results`.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use clap::Parser;
use serde::Serialize;
use std::path::PathBuf;
use tidelock_benches::heap::CountingHeap;
use tidelock_benches::plot::Plot;
use tidelock_benches::stage::{GuestConfig, Stage, StageConfig};
use tidelock_benches::write_json;
use tidelock_sim::link::LinkConfig;
use tidelock_workload::{Meter, Quantiles, World};

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

#[derive(Parser)]
struct Flags {
    /// Numbers of clients among 4,000 entities, separated by commas; none to leave that out.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 50, 100, 500, 1000, 2000, 4000])]
    clients: Vec<usize>,
    /// Numbers of entities under 100 clients, separated by commas; none to leave that out.
    #[arg(long, value_delimiter = ',', default_values_t = [1000, 4000, 10_000, 40_000, 100_000])]
    entities: Vec<usize>,
    /// Ticks that are measured, after 30 that are not.
    #[arg(long, default_value_t = 120)]
    ticks: u64,
    /// Threads that share the work of a tick.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Where the plots go.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/results"))]
    plots: PathBuf,
    /// Where the same goes as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Passed by cargo; ignored.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Clients among so many entities.
const ENTITIES: usize = 4000;
/// Entities under so many clients.
const CLIENTS: usize = 100;
const WARMUP_TICKS: u64 = 30;

#[derive(Clone, Serialize)]
struct Point {
    entities: usize,
    clients: usize,
    moving: f32,
    cpu: Quantiles,
    wall: Quantiles,
    phases: Vec<(&'static str, Quantiles)>,
    us_per_client: f64,
    visible_per_client: f64,
    bytes_per_client_tick: f64,
    allocations_per_tick: f64,
    engine_mb: f64,
    engine_bytes_per_entity: f64,
}

fn main() -> std::io::Result<()> {
    let flags = Flags::parse();
    println!(
        "entities clients moving   cpu p50 us   p99 us  wall p50   p99 us   receive      step   capture      send   us/client  visible   B/client/tick   allocs  engine MB"
    );
    let mut points = Vec::new();
    for moving in [1.0, 0.1] {
        points.extend(flags.clients.iter().map(|clients| run(ENTITIES, *clients, moving, &flags)));
    }
    let by_clients = points.len();
    for moving in [0.1, 0.0] {
        points.extend(flags.entities.iter().map(|entities| run(*entities, CLIENTS, moving, &flags)));
    }
    plot_clients(&points[..by_clients]).write(&flags.plots.join("clients.svg"))?;
    plot_entities(&points[by_clients..]).write(&flags.plots.join("entities.svg"))?;
    flags.json.as_deref().map_or(Ok(()), |path| write_json(path, &points))
}

/// On a thread of its own: one can be in a pool only once.
fn run(entities: usize, clients: usize, moving: f32, flags: &Flags) -> Point {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| measure(entities, clients, moving, flags));
        thread.join().expect("a run ends")
    })
}

fn measure(entities: usize, clients: usize, moving: f32, flags: &Flags) -> Point {
    let config = StageConfig { clients, interest: true, wide: true, bandwidth_bytes_s: u32::MAX, is_spread: false };
    let mut stage = Stage::new(config, World::wide(entities, clients, moving));
    stage.share_out(flags.threads);
    for number in 0..clients {
        stage.add_guest(GuestConfig { is_real: number == 0, link: LinkConfig::default() });
    }
    stage.settle();
    let mut meter = Meter::default();
    stage.run(WARMUP_TICKS, flags.ticks, &mut meter);
    let seen = stage.guests()[0].client().map_or(0, |client| client.view().len());
    let (_, viewers) = stage.engine().viewers();
    assert!(seen > 0, "the real client sees something");
    let (cpu, wall, phases) = (meter.cpu(), meter.wall(), meter.phases());
    let phase = |name| phases.iter().find(|(phase, _)| *phase == name).map_or(0.0, |(_, laps)| laps.p50_us);
    let point = Point {
        entities,
        clients,
        moving,
        cpu,
        wall,
        us_per_client: cpu.p50_us / clients as f64,
        visible_per_client: viewers as f64 / clients as f64,
        bytes_per_client_tick: meter.sent_bytes_per_tick() / clients as f64,
        allocations_per_tick: meter.allocations_per_tick(),
        engine_mb: stage.engine_bytes() as f64 / f64::from(1 << 20),
        engine_bytes_per_entity: stage.engine_bytes() as f64 / entities as f64,
        phases: phases.clone(),
    };
    println!(
        "{:>8} {:>7} {:>6} {:>12.1} {:>8.1} {:>9.1} {:>8.1} {:>9.1} {:>9.1} {:>9.1} {:>9.1} {:>11.2} {:>8.1} {:>15.1} {:>8.1} {:>10.1}",
        entities,
        clients,
        moving,
        cpu.p50_us,
        cpu.p99_us,
        wall.p50_us,
        wall.p99_us,
        phase("receive"),
        phase("step"),
        phase("capture"),
        phase("send"),
        point.us_per_client,
        point.visible_per_client,
        point.bytes_per_client_tick,
        point.allocations_per_tick,
        point.engine_mb,
    );
    point
}

fn plot_clients(points: &[Point]) -> Plot {
    let line = |moving: f32| {
        points
            .iter()
            .filter(|point| point.moving == moving)
            .map(|point| (point.clients as f64, point.us_per_client))
            .collect()
    };
    Plot {
        title: format!("A client's share of a tick, {ENTITIES} entities, each client sees about 68"),
        x_label: "clients".to_owned(),
        y_label: "µs a client".to_owned(),
        lines: vec![("all walk".to_owned(), line(1.0)), ("a tenth walks".to_owned(), line(0.1))],
    }
}

fn plot_entities(points: &[Point]) -> Plot {
    let line = |moving: f32, value: fn(&Point) -> f64| {
        let points = points.iter().filter(|point| point.moving == moving);
        points.map(|point| (point.entities as f64, value(point))).collect()
    };
    let tick = |point: &Point| point.cpu.p50_us / 1000.0;
    let capture = |point: &Point| {
        let laps = point.phases.iter().find(|(name, _)| *name == "capture");
        laps.map_or(0.0, |(_, laps)| laps.p50_us / 1000.0)
    };
    Plot {
        title: format!("A tick with {CLIENTS} clients that see about 68 entities each"),
        x_label: "entities".to_owned(),
        y_label: "ms a tick".to_owned(),
        lines: vec![
            ("tick, a tenth walks".to_owned(), line(0.1, tick)),
            ("its capture".to_owned(), line(0.1, capture)),
            ("tick, all stand".to_owned(), line(0.0, tick)),
            ("its capture".to_owned(), line(0.0, capture)),
        ],
    }
}
