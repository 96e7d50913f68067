//! Guards the engine, the client core and the codec against growing slower: counts instructions, which no other load of the machine
//! changes, and compares them with those that were counted before.
//!
//! `cargo bench -p tidelock-benches --bench guard [-- --write --json OUT.json]`
//!
//! Fails if one count is more than `--tolerance-pct` above `benches/guard/baseline.json`, and says so if one is as much below: then
//! `--write` writes down what was counted, and the change that made it faster carries the new file. Without valgrind nothing
//! can be counted: the program says so and ends well.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

mod records;

use clap::Parser;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use tidelock_benches::stage::Stage;
use tidelock_benches::{instructions, write_json};
use tidelock_workload::{Cell, Meter};

#[derive(Parser)]
struct Flags {
    /// By how much a count may differ from what was written down, in percent.
    #[arg(long, default_value_t = 5.0)]
    tolerance_pct: f64,
    /// What was counted before.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/guard/baseline.json"))]
    baseline: PathBuf,
    /// Writes the baseline anew.
    #[arg(long)]
    write: bool,
    /// Where the counts go, too.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Passed by cargo; ignored.
    #[arg(long, hide = true)]
    bench: bool,
    /// What to repeat for valgrind, and in how many ticks.
    #[arg(long, hide = true, num_args = 2, value_names = ["SCENE", "TICKS"])]
    repeat: Vec<String>,
}

/// Something that is counted.
struct Scene {
    name: &'static str,
    /// Names the function whose instructions count.
    function: &'static str,
    play: Play,
}

enum Play {
    /// A cell of the workload.
    Cell(fn() -> Cell),
    /// [`records::run`].
    Records,
}

const SERVER: &str = "*tidelock_workload*Meter*tick*";
const CLIENT: &str = "*tidelock_benches*Guest*step*";

const SCENES: [Scene; 7] = [
    Scene::new("server_all_walk", SERVER, Play::Cell(|| small(1.0, false))),
    Scene::new("server_interest", SERVER, Play::Cell(|| small(1.0, true))),
    Scene::new("server_all_stand", SERVER, Play::Cell(|| small(0.0, false))),
    Scene::new("server_spread_links", SERVER, Play::Cell(|| Cell { spread: true, ..small(0.5, true) })),
    Scene::new("client_all_walk", CLIENT, Play::Cell(|| Cell { clients: 1, ..small(1.0, false) })),
    Scene::new("codec_encode", "*guard*encode_records*", Play::Records),
    Scene::new("codec_decode", "*guard*decode_records*", Play::Records),
];

impl Scene {
    const fn new(name: &'static str, function: &'static str, play: Play) -> Self {
        Self { name, function, play }
    }
}

/// Enough for every path to be taken, and few enough for valgrind. Clients only acknowledge, but for one alone.
fn small(moving: f32, interest: bool) -> Cell {
    Cell { entities: ENTITIES, clients: 10, moving, interest, real: 1, ..Cell::default() }
}

const ENTITIES: usize = 300;
const WARMUP_TICKS: u64 = 10;
const FEW_TICKS: u64 = 5;
const MANY_TICKS: u64 = 25;

fn main() -> ExitCode {
    let flags = Flags::parse();
    if let [scene, ticks] = &flags.repeat[..] {
        repeat(scene, ticks.parse().expect("a number of ticks"));
        return ExitCode::SUCCESS;
    }
    let Some(counts) = count() else {
        println!("skipped: instructions are counted by valgrind, and there is none");
        return ExitCode::SUCCESS;
    };
    let written = [flags.json.as_ref(), flags.write.then_some(&flags.baseline)];
    for path in written.into_iter().flatten() {
        write_json(path, &counts).expect("the file can be written");
    }
    let text = std::fs::read_to_string(&flags.baseline).expect("the baseline is beside this program");
    let baseline: BTreeMap<String, u64> = serde_json::from_str(&text).expect("the baseline is a list of counts");
    if compare(&counts, &baseline, flags.tolerance_pct) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Instructions of a tick, by scene.
fn count() -> Option<BTreeMap<String, u64>> {
    let mut counts = BTreeMap::new();
    for Scene { name, function, .. } in SCENES {
        let per_tick = instructions::per_repetition_in(function, &["--repeat", name], FEW_TICKS, MANY_TICKS)?;
        assert!(per_tick > 1.0, "{name}: no function is like {function}");
        counts.insert(name.to_owned(), per_tick as u64);
    }
    Some(counts)
}

fn repeat(scene: &str, ticks: u64) {
    let scene = SCENES.into_iter().find(|known| known.name == scene).expect("one of the scenes");
    let cell = match scene.play {
        Play::Cell(cell) => cell,
        Play::Records => return records::run(WARMUP_TICKS + ticks),
    };
    let mut cell = cell();
    let world = cell.world().expect("it has fewer clients than entities");
    let mut stage = Stage::of_cell(&cell, world);
    stage.settle();
    stage.run(WARMUP_TICKS + ticks, 0, &mut Meter::default());
}

/// Whether none has grown beyond the tolerance.
fn compare(counts: &BTreeMap<String, u64>, baseline: &BTreeMap<String, u64>, tolerance_pct: f64) -> bool {
    println!("scene                  instructions a tick      before   change");
    let mut good = true;
    for (name, count) in counts {
        let Some(before) = baseline.get(name) else {
            println!("{name:22} {count:>19}   new: --write writes it down");
            good = false;
            continue;
        };
        let change_pct = (*count as f64 / *before as f64 - 1.0) * 100.0;
        let verdict = if change_pct > tolerance_pct {
            good = false;
            "   slower"
        } else if change_pct < -tolerance_pct {
            "   faster: --write writes it down"
        } else {
            ""
        };
        println!("{name:22} {count:>19} {before:>11} {change_pct:>+7.1}%{verdict}");
    }
    good
}
