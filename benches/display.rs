//! What players are shown between snapshots: how late, how often a guess, and how far from the truth.
//!
//! `cargo bench -p tidelock-benches --bench display [-- --rtts 0,50,150 --jitters 0,10,50 --losses 0,2,10 --json OUT.json]`
//!
//! Eight bots play the sample game among wandering characters, all over links of one kind, on virtual time. Four of their
//! screens are watched at 60 frames a second, once the delay has settled. Every avatar and character but the player's own is
//! held against the server's truth at the very moment that the frame stands for.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use clap::Parser;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tidelock::{Instant, Moment};
use tidelock_arena::map::MapParameters;
use tidelock_arena::{ArenaInput, Kind, Map, Position};
use tidelock_benches::write_json;
use tidelock_server::arena::Arena;
use tidelock_sim::bots::{BotMix, Player as Bot};
use tidelock_sim::client::PlaybackCounts;
use tidelock_sim::link::LinkConfig;
use tidelock_sim::universe::{Universe, UniverseConfig, Verdict, Witness};

#[derive(Parser)]
struct Flags {
    /// Round trips in milliseconds, separated by commas.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 50, 150])]
    rtts: Vec<u64>,
    /// Jitters of each direction in milliseconds, separated by commas. With a jitter above its latency, a direction's
    /// latency is the jitter.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 10, 50])]
    jitters: Vec<u64>,
    /// Losses of each direction in percent, separated by commas.
    #[arg(long, value_delimiter = ',', default_values_t = [0.0, 2.0, 10.0])]
    losses: Vec<f64>,
    /// Ticks in a second.
    #[arg(long, default_value_t = 60)]
    tick_hz: u32,
    /// Snapshots in a second; divides the ticks.
    #[arg(long, default_value_t = 60)]
    snapshot_hz: u32,
    /// Watched, in seconds.
    #[arg(long, default_value_t = 40)]
    seconds: u64,
    /// Of everything that is left to chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the same goes as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Passed by cargo; ignored.
    #[arg(long, hide = true)]
    bench: bool,
}

const PLAYERS: u32 = 8;
const WATCHED: usize = 4;
const NPCS: u32 = 60;
const FRAME_EVERY: Duration = Duration::from_millis(16);
/// Joining, and until the delay is what the link asks for.
const SETTLING: Duration = Duration::from_secs(20);

/// What one kind of link comes to.
#[derive(Debug, Serialize)]
struct Cell {
    rtt_ms: u64,
    jitter_ms: u64,
    loss_pct: f64,
    /// Behind the newest tick that could have arrived, at the median.
    delay_ms: f32,
    /// Behind the server's own time, at the median.
    age_ms: f32,
    underrun_pct: f64,
    stalled_pct: f64,
    partial_pct: f64,
    jumps: u64,
    /// Of entities shown.
    guessed_pct: f64,
    /// Not shown though there, or shown though not there, of entities shown.
    absent_pct: f64,
    /// How far from the truth, of what was between snapshots.
    known: Option<Errors>,
    /// The same, of what was a guess.
    guessed: Option<Errors>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Errors {
    p50_mm: f32,
    p99_mm: f32,
    max_mm: f32,
    count: usize,
}

/// What the watched screens showed.
#[derive(Default)]
struct Watched {
    known_mm: Vec<f32>,
    guessed_mm: Vec<f32>,
    absent: usize,
    delays_ms: Vec<f32>,
    ages_ms: Vec<f32>,
    frames: PlaybackCounts,
}

fn main() -> std::io::Result<()> {
    let flags = Flags::parse();
    println!(
        " RTT jitter  loss |  delay    age | underrun stalled partial jumps | guessed  absent | known p50     p99     max | guessed p50     p99"
    );
    println!(
        "  ms     ms     % |     ms     ms |        %       %       %       |       %       % |        mm      mm      mm |          mm      mm"
    );
    let mut cells = Vec::new();
    for rtt_ms in &flags.rtts {
        for jitter_ms in &flags.jitters {
            for loss_pct in &flags.losses {
                let cell = run(*rtt_ms, *jitter_ms, *loss_pct, &flags);
                print(&cell);
                cells.push(cell);
            }
        }
    }
    flags.json.map_or(Ok(()), |path| write_json(&path, &cells))
}

fn run(rtt_ms: u64, jitter_ms: u64, loss_pct: f64, flags: &Flags) -> Cell {
    let [latency, jitter] = [Duration::from_millis(rtt_ms) / 2, Duration::from_millis(jitter_ms)];
    let link = LinkConfig { latency, jitter, loss: loss_pct / 100.0, ..LinkConfig::default() };
    let mut universe = universe(link, flags);
    universe.run(SETTLING).expect("nothing is checked");
    let watched = watch(&mut universe, Duration::from_secs(flags.seconds));
    cell((rtt_ms, jitter_ms, loss_pct), watched)
}

fn universe(link: LinkConfig, flags: &Flags) -> Universe<ArenaInput> {
    let Flags { seed, tick_hz, snapshot_hz, .. } = *flags;
    let config = UniverseConfig { seed, tick_hz, snapshot_hz, ..UniverseConfig::default() };
    let mut universe = Universe::new(config, Arena { npcs: NPCS });
    universe.set_checked(false);
    let mix: BotMix = "wander=3,fight=1".parse().expect("two kinds of bots");
    let map = Arc::new(Map::generate(MapParameters::new(seed)));
    for number in 0..PLAYERS {
        let mut bot = Bot::new(mix.kind(number), seed ^ u64::from(number) << 32);
        bot.learn_map(Arc::clone(&map));
        universe.add_player(link, link, Box::new(move |view, tick| bot.input(view, tick)));
    }
    universe
}

fn watch(universe: &mut Universe<ArenaInput>, duration: Duration) -> Watched {
    let mut watched = Watched::default();
    let counts = |universe: &Universe<ArenaInput>, n: usize| {
        universe.players()[n].client.playback().map_or_else(PlaybackCounts::default, |playback| *playback.counts())
    };
    let before: Vec<_> = (0..WATCHED).map(|n| counts(universe, n)).collect();
    let mut witnesses: Vec<_> = (0..WATCHED).map(|n| Witness::new(n, FRAME_EVERY, universe.now())).collect();
    let end = universe.now() + duration;
    let mut verdicts = Vec::new();
    let mut last = (universe.engine().tick_number(), universe.now());
    while universe.now() < end {
        universe.run_timed(&mut |_| {}).expect("nothing is checked");
        if universe.engine().tick_number() != last.0 {
            last = (universe.engine().tick_number(), universe.now());
        }
        for (n, witness) in witnesses.iter_mut().enumerate() {
            witness.look(universe, &mut |verdict| verdicts.push(verdict));
            watched.take(universe, n, last.1, verdicts.drain(..));
        }
    }
    for (n, before) in before.iter().enumerate() {
        watched.frames.add(&counts(universe, n).since(before));
    }
    watched
}

impl Watched {
    /// Takes what the screen of player `n` came to. The last tick ran at `tick_at`.
    fn take(
        &mut self,
        universe: &Universe<ArenaInput>,
        n: usize,
        tick_at: Instant,
        verdicts: impl ExactSizeIterator<Item = Verdict<Position>>,
    ) {
        let client = &universe.players()[n].client;
        if verdicts.len() > 0
            && let Some((playback, shown)) = client.playback().zip(client.shown(universe.now()))
        {
            let engine = universe.engine();
            let ticks = Moment::at(engine.tick_number()).since(shown);
            let behind = engine.config().tick_period().mul_f32(ticks.max(0.0)) + universe.now().since(tick_at);
            self.delays_ms.push(playback.delay_ms());
            self.ages_ms.push(behind.as_secs_f32() * 1e3);
        }
        let is_body = |id| {
            let kind = client.view().entity(id).and_then(|entity| entity.get::<Kind>());
            matches!(kind, Some(Kind::Avatar | Kind::Npc))
        };
        for verdict in verdicts {
            match verdict {
                Verdict::Seen { id, shown, truth, is_extrapolated } if is_body(id) => {
                    let errors_mm = if is_extrapolated { &mut self.guessed_mm } else { &mut self.known_mm };
                    errors_mm.push(shown.0.distance(truth.0) * 1e3);
                }
                Verdict::Missing(id) | Verdict::Ghost(id) if is_body(id) => self.absent += 1,
                _ => {}
            }
        }
    }
}

fn cell((rtt_ms, jitter_ms, loss_pct): (u64, u64, f64), mut watched: Watched) -> Cell {
    let shown = watched.known_mm.len() + watched.guessed_mm.len();
    let of_shown = |count: usize| count as f64 * 100.0 / shown.max(1) as f64;
    let (guessed, absent) = (of_shown(watched.guessed_mm.len()), of_shown(watched.absent));
    let frames = watched.frames;
    let of_frames = |count: u64| count as f64 * 100.0 / frames.frames.max(1) as f64;
    Cell {
        rtt_ms,
        jitter_ms,
        loss_pct,
        delay_ms: quantile(&mut watched.delays_ms, 0.5),
        age_ms: quantile(&mut watched.ages_ms, 0.5),
        underrun_pct: of_frames(frames.underruns),
        stalled_pct: of_frames(frames.stalled),
        partial_pct: of_frames(frames.partial),
        jumps: frames.jumps,
        guessed_pct: guessed,
        absent_pct: absent,
        known: errors(&mut watched.known_mm),
        guessed: errors(&mut watched.guessed_mm),
    }
}

fn errors(values_mm: &mut [f32]) -> Option<Errors> {
    let count = values_mm.len();
    let [p50_mm, p99_mm, max_mm] = [0.5, 0.99, 1.0].map(|share| quantile(values_mm, share));
    (count > 0).then_some(Errors { p50_mm, p99_mm, max_mm, count })
}

/// The value that this share of them does not exceed; zero of none.
fn quantile(values: &mut [f32], share: f64) -> f32 {
    values.sort_unstable_by(f32::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * share) as usize).copied().unwrap_or(0.0)
}

fn print(cell: &Cell) {
    let Cell { rtt_ms, jitter_ms, loss_pct, delay_ms, age_ms, underrun_pct, stalled_pct, partial_pct, .. } = cell;
    let Cell { jumps, guessed_pct, absent_pct, .. } = cell;
    let known = cell.known.map_or_else(
        || format!("{:>9} {:>7} {:>7}", "-", "-", "-"),
        |of| format!("{:>9.1} {:>7.1} {:>7.0}", of.p50_mm, of.p99_mm, of.max_mm),
    );
    let guessed = cell
        .guessed
        .map_or_else(|| format!("{:>11} {:>7}", "-", "-"), |of| format!("{:>11.1} {:>7.1}", of.p50_mm, of.p99_mm));
    println!(
        "{rtt_ms:>4} {jitter_ms:>6} {loss_pct:>5} | {delay_ms:>6.1} {age_ms:>6.1} | {underrun_pct:>8.3} {stalled_pct:>7.3} {partial_pct:>7.2} {jumps:>5} | {guessed_pct:>7.3} {absent_pct:>7.3} | {known} | {guessed}"
    );
}
