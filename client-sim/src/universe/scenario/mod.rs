//! A universe in which a seed chooses everything: rates, crowd, game, links, clocks, and what goes wrong and when.

mod fault;
mod guests;
mod links;
mod liveness;
mod run;
mod villain;

pub use fault::Fault;
pub use run::{Outcome, Run, Trouble};
pub use villain::Villain;

use super::UniverseConfig;
use crate::link::{LinkConfig, Rng};
use links::any_link;
use std::ops::RangeInclusive;
use std::time::Duration;
use tidelock::netcode::Cipher;

/// What happens for one seed. The same seed gives the same, on any machine.
///
/// Each matter draws from a sequence of its own, so that a seed keeps what it says of one though another gets more choices.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Of the server.
    pub config: UniverseConfig,
    /// Of the game: things besides avatars.
    pub entities: usize,
    /// Of the game: the longest that one of them lives, in ticks.
    pub life_ticks_max: u64,
    /// Who plays, in the order in which they come.
    pub players: Vec<PlayerPlan>,
    /// Who means harm, and when it comes.
    pub villains: Vec<(Duration, Villain)>,
    /// What goes wrong and when, from the beginning on.
    pub faults: Vec<(Duration, Fault)>,
    /// After so long nothing goes wrong any more.
    pub troubled: Duration,
    /// After so long, no less than that, the game stands still too.
    pub length: Duration,
    /// In the end the server lets nobody in any more.
    pub drains: bool,
}

/// Of one player.
#[derive(Clone, Copy, Debug)]
pub struct PlayerPlan {
    /// How long after the beginning it comes.
    pub comes_after: Duration,
    /// Its link from the server.
    pub down: LinkConfig,
    /// Its link to the server.
    pub up: LinkConfig,
    /// By how much its clock goes wrong, in parts in a million.
    pub drift_ppm: i32,
    /// What its clock said when the universe began.
    pub clock_offset: Duration,
}

/// What is asked for instead of what the seed says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// So many players.
    pub clients: Option<usize>,
    /// So many ticks until nothing goes wrong any more.
    pub ticks: Option<u32>,
}

impl Wishes {
    /// As many players as may be wished for.
    pub const CLIENTS: RangeInclusive<usize> = 1..=1_024;
    /// As many ticks.
    pub const TICKS: RangeInclusive<u32> = 1..=1_000_000;

    /// These, and of what they leave open the others.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self { clients: self.clients.or(others.clients), ticks: self.ticks.or(others.ticks) }
    }
}

/// The matters of chance.
enum Matter {
    Rates = 1,
    Budget,
    Crowd,
    Game,
    Links,
    Clocks,
    Faults,
    Villains,
    End,
    Length,
    Looks,
}

/// So many scenarios are so long that what is told in 16 bits, ticks and sequences, begins again.
const LONG_SHARE: f64 = 1.0 / 256.0;
const LONG_TICKS: u32 = 70_000;
/// Half of those are left alone after so many ticks: who comes back counts its datagrams anew.
const TROUBLED_TICKS: u32 = 2_000;

/// In so many scenarios all views are looked at in every tick, in the others only in every so many: it is most of the work, and what
/// is wrong mostly stays so for a while. The number has no divisor in common with rates.
const CLOSE_LOOK_SHARE: f64 = 1.0 / 8.0;
const LOOK_EVERY_TICKS: u32 = 7;

/// One of these.
fn pick<T: Copy>(rng: &mut Rng, of: &[T]) -> T {
    of[rng.below(of.len() as u64) as usize]
}

impl Scenario {
    /// What a seed says, but for what is wished.
    #[must_use]
    pub fn draw(seed: u64, wishes: Wishes) -> Self {
        let rng = |matter: Matter| Rng::stream(seed, matter as u64);
        let mut crowd = rng(Matter::Crowd);
        let mut lengths = rng(Matter::Length);
        let is_long = lengths.chance(LONG_SHARE);
        let drawn = pick(&mut crowd, &[1, 2, 2, 3, 4, 4, 6, 8, 8, 12, 16, 32]);
        let clients = wishes.clients.unwrap_or(if is_long { drawn.min(2) } else { drawn });
        let mut config = config(seed, clients, &mut rng(Matter::Rates), &mut rng(Matter::Budget));
        let drawn = pick(&mut crowd, &[200, 400, 600, 1_200]);
        config.look_every_ticks = if rng(Matter::Looks).chance(CLOSE_LOOK_SHARE) { 1 } else { LOOK_EVERY_TICKS };
        let ticks = wishes.ticks.unwrap_or(if is_long { LONG_TICKS } else { drawn });
        let is_left_alone = lengths.chance(0.5) && ticks >= LONG_TICKS;
        let troubled = length_of(if is_left_alone { TROUBLED_TICKS } else { ticks }, config.tick_hz);
        let mut game = rng(Matter::Game);
        let villains = villains(troubled, &mut rng(Matter::Villains));
        config.max_clients += villains.iter().filter(|(_, villain)| villain.takes_a_place()).count();
        let players =
            players(clients, troubled, config.tick_hz, &mut crowd, &mut rng(Matter::Links), &mut rng(Matter::Clocks));
        Self {
            entities: pick(&mut game, &[0, 5, 20, 20, 60, 150]),
            life_ticks_max: pick(&mut game, &[30, 300, 5_000]),
            faults: faults(&players, troubled, config.tick_hz, &mut rng(Matter::Faults)),
            drains: rng(Matter::End).chance(0.1),
            villains,
            troubled,
            length: length_of(ticks, config.tick_hz),
            config,
            players,
        }
    }
}

/// The time of so many ticks, in whole milliseconds.
fn length_of(ticks: u32, tick_hz: u32) -> Duration {
    Duration::from_millis((u64::from(ticks) * 1_000).div_ceil(u64::from(tick_hz)))
}

fn config(seed: u64, clients: usize, rates: &mut Rng, budget: &mut Rng) -> UniverseConfig {
    let usual = [(60, 60), (60, 30), (60, 20), (30, 30)];
    let rare = [(20, 20), (120, 60), (240, 60), (240, 240), (60, 10), (10, 10), (60, 5), (5, 5)];
    let (tick_hz, snapshot_hz) = if rates.chance(0.6) { pick(rates, &usual) } else { pick(rates, &rare) };
    UniverseConfig {
        seed,
        tick_hz,
        snapshot_hz,
        client_bandwidth_bytes_s: pick(budget, &[12, 32, 64, 64, 256, 1_024]) << 10,
        // Some servers have just enough places.
        max_clients: clients + pick(budget, &[0, 1, 8]),
        resume_time: Duration::from_millis(pick(budget, &[0, 1_000, 5_000, 30_000])),
        rewind_max: None,
        cipher: if budget.chance(0.125) { Cipher::default() } else { Cipher::Null },
        look_every_ticks: 1,
    }
}

fn players(
    clients: usize,
    troubled: Duration,
    tick_hz: u32,
    crowd: &mut Rng,
    links: &mut Rng,
    clocks: &mut Rng,
) -> Vec<PlayerPlan> {
    // All at once, or one after the other.
    let spread = pick(crowd, &[Duration::ZERO, Duration::from_millis(500), troubled / 2]);
    let all_alike = links.chance(0.2).then(|| (any_link(links, tick_hz), any_link(links, tick_hz)));
    let plan = |_| {
        let (down, up) = all_alike.unwrap_or_else(|| (any_link(links, tick_hz), any_link(links, tick_hz)));
        PlayerPlan {
            comes_after: spread.mul_f64(crowd.unit()),
            down,
            up,
            drift_ppm: pick(clocks, &[0, 20, -20, 100, -100, 500, -500]),
            clock_offset: Duration::from_micros(clocks.below(1 << 40)),
        }
    };
    let mut players: Vec<_> = (0..clients).map(plan).collect();
    players.sort_by_key(|player| player.comes_after);
    players
}

fn villains(troubled: Duration, rng: &mut Rng) -> Vec<(Duration, Villain)> {
    let count = pick(rng, &[0, 0, 0, 1, 2, 4]);
    (0..count).map(|_| (troubled.mul_f64(rng.unit()), Villain::any(rng))).collect()
}

fn faults(players: &[PlayerPlan], troubled: Duration, tick_hz: u32, rng: &mut Rng) -> Vec<(Duration, Fault)> {
    let mut faults = Vec::new();
    let Some(mean_ms) = pick(rng, &[None, Some(4_000.0), Some(1_000.0), Some(300.0)]) else { return faults };
    let mut at = Duration::ZERO;
    loop {
        at += Duration::from_micros((mean_ms * 1_000.0 * rng.exponential()) as u64);
        if at >= troubled {
            return faults;
        }
        faults.push((at, Fault::any(rng, players, tick_hz)));
    }
}
