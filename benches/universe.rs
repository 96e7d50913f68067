//! How fast a universe runs, with all of its checks: times real time, and ticks of clients a second, on one core.
//!
//! `cargo bench -p tidelock-benches --bench universe [-- --clients 32 --seconds 20 --runs 5 --only "calm null" --json OUT.json]`
//!
//! Players of the churning game at 60 ticks and snapshots a second, over links of 30 ms that lose 5 %: things come and go, move,
//! change and hide, players write and show what they see. *Calm* is without things besides the players; *usual* has 20 of them,
//! *busy* 60 that live for a few seconds. Nothing else goes wrong. The medians of several runs.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use clap::Parser;
use serde::Serialize;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tidelock::netcode::Cipher;
use tidelock_benches::write_json;
use tidelock_sim::link::LinkConfig;
use tidelock_sim::universe::scenario::{Outcome, Run, Scenario, Wishes};

#[derive(Parser)]
struct Flags {
    /// Players.
    #[arg(long, default_value_t = 32)]
    clients: usize,
    /// Seconds of virtual time.
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// Runs of which the median counts.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Snapshots a second; divides 60.
    #[arg(long, default_value_t = TICK_HZ)]
    snapshot_hz: u32,
    /// A whole view is looked at in every so many ticks, as in most seeds.
    #[arg(long, default_value_t = 7)]
    look_every_ticks: u32,
    /// Only this line of the table, as "calm null".
    #[arg(long)]
    only: Option<String>,
    /// Where the same goes as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Passed by cargo; ignored.
    #[arg(long, hide = true)]
    bench: bool,
}

const TICK_HZ: u32 = 60;

#[derive(Serialize)]
struct Line {
    world: &'static str,
    cipher: &'static str,
    clients: usize,
    times_real_time: f64,
    client_ticks_s: f64,
}

fn main() -> std::io::Result<()> {
    let flags = Flags::parse();
    println!("{:>8} {:>8} {:>16} {:>16}", "world", "cipher", "times real time", "client-ticks/s");
    let mut lines = Vec::new();
    for (world, entities, life_ticks_max) in [("calm", 0, 300), ("usual", 20, 5_000), ("busy", 60, 300)] {
        for (name, cipher) in [("null", Cipher::Null), ("real", Cipher::default())] {
            if flags.only.as_ref().is_some_and(|only| *only != format!("{world} {name}")) {
                continue;
            }
            let mut took: Vec<(Duration, Outcome)> =
                (0..flags.runs.max(1)).map(|_| time(scenario(&flags, cipher, entities, life_ticks_max))).collect();
            took.sort_by_key(|(took, _)| *took);
            let (took, outcome) = &took[took.len() / 2];
            let line = Line {
                world,
                cipher: name,
                clients: flags.clients,
                times_real_time: outcome.lasted.as_secs_f64() / took.as_secs_f64(),
                client_ticks_s: outcome.client_ticks as f64 / took.as_secs_f64(),
            };
            println!("{world:>8} {name:>8} {:>16.1} {:>16.0}", line.times_real_time, line.client_ticks_s);
            lines.push(line);
        }
    }
    flags.json.iter().try_for_each(|file| write_json(file, &lines))
}

fn time(scenario: Scenario) -> (Duration, Outcome) {
    let began = Instant::now();
    let outcome = Run::new(scenario).finish().unwrap_or_else(|trouble| panic!("{}", trouble.violation));
    (began.elapsed(), outcome)
}

fn scenario(flags: &Flags, cipher: Cipher, entities: usize, life_ticks_max: u64) -> Scenario {
    let wishes = Wishes { clients: Some(flags.clients), ticks: Some(flags.seconds * TICK_HZ) };
    let mut scenario = Scenario::draw(1, wishes);
    scenario.config.cipher = cipher;
    scenario.config.look_every_ticks = flags.look_every_ticks;
    (scenario.config.tick_hz, scenario.config.snapshot_hz) = (TICK_HZ, flags.snapshot_hz);
    scenario.config.client_bandwidth_bytes_s = 256 << 10;
    (scenario.entities, scenario.life_ticks_max) = (entities, life_ticks_max);
    scenario.length = Duration::from_secs(flags.seconds.into());
    scenario.troubled = scenario.length;
    (scenario.faults, scenario.villains, scenario.drains) = (Vec::new(), Vec::new(), false);
    let link = LinkConfig { latency: Duration::from_millis(30), loss: 0.05, ..LinkConfig::default() };
    for player in &mut scenario.players {
        (player.comes_after, player.down, player.up) = (Duration::ZERO, link, link);
    }
    scenario
}
