//! A game that uses all that a game can use, with players who are cut off, kicked, restarted and log in twice: what only the
//! game knows to be true, is.

use std::collections::BTreeMap;
use std::time::Duration;
use tidelock::ClientId;
use tidelock_sim::link::{LinkConfig, Rng};
use tidelock_sim::universe::churn::{Churn, Stamp};
use tidelock_sim::universe::{Universe, UniverseConfig};

const PLAYERS: usize = 4;

fn link(loss: f64) -> LinkConfig {
    let (latency, jitter) = (Duration::from_millis(30), Duration::from_millis(6));
    LinkConfig { latency, jitter, loss, duplicate: loss / 5.0, reorder: loss / 2.0, ..LinkConfig::default() }
}

/// The full game, watched, with its players at a loss.
struct Stage {
    seed: u64,
    loss: f64,
    game: Churn,
    universe: Universe<Stamp>,
    rng: Rng,
}

impl Stage {
    fn new(seed: u64, loss: f64, resume_time: Duration) -> Self {
        let (tick_hz, snapshot_hz) = [(60, 60), (60, 20), (20, 20), (120, 60)][seed as usize % 4];
        let game = Churn::full(40, [60, 400, 5_000][seed as usize % 3]);
        let config = UniverseConfig {
            seed,
            tick_hz,
            snapshot_hz,
            client_bandwidth_bytes_s: 256 * 1024,
            resume_time,
            ..UniverseConfig::default()
        };
        let mut universe = Universe::new(config, game.clone());
        game.watch(&mut universe);
        for _ in 0..PLAYERS {
            game.add_player(&mut universe, link(loss), link(loss), seed);
        }
        Self { seed, loss, game, universe, rng: Rng::stream(seed, 98) }
    }

    fn run(&mut self, duration: Duration) {
        let (seed, loss) = (self.seed, self.loss);
        self.universe.run(duration).unwrap_or_else(|why| panic!("seed {seed}, loss {loss}: {why}"));
    }

    /// One of the players is struck by something.
    fn strike(&mut self) {
        let number = self.rng.below(PLAYERS as u64) as usize;
        let (client_id, now) = (ClientId(number as u64 + 1), self.universe.now());
        let cut = LinkConfig { loss: 1.0, ..link(0.0) };
        match self.rng.below(8) {
            0 => self.universe.rebind(number),
            // The old program's connection is still there: the player is logged in twice.
            1 | 2 => self.universe.restart(number),
            3 => self.universe.resume(number),
            4 => {
                self.universe.engine_mut().kick(client_id, now);
                self.universe.resume(number);
            }
            5 => {
                self.universe.players_mut()[number].client.disconnect();
                let pause = Duration::from_millis(self.rng.below(300));
                self.run(pause);
                self.universe.resume(number);
            }
            6 => self.universe.players_mut()[number].down.set_config(cut),
            _ => {
                self.universe.players_mut()[number].down.set_config(cut);
                self.universe.players_mut()[number].up.set_config(cut);
            }
        }
    }

    fn storm(&mut self, strikes: usize) {
        self.run(Duration::from_secs(1));
        for _ in 0..strikes {
            self.strike();
            let pause = Duration::from_millis(self.rng.below(1_500));
            self.run(pause);
            self.universe.set_links(link(self.loss), link(self.loss));
        }
    }

    /// Who has an avatar, in order.
    fn avatars(&self) -> Vec<u64> {
        let page = self.game.chronicle.page(self.universe.engine().tick_number()).expect("a tick has run");
        let mut avatars: Vec<u64> = page.avatars.iter().map(|client_id| client_id.0).collect();
        avatars.sort_unstable();
        avatars
    }

    /// How many things each checker has looked at.
    fn looked(&self) -> BTreeMap<&'static str, u64> {
        self.universe.looked().collect()
    }
}

fn storms_at(loss: f64, seeds: core::ops::Range<u64>) {
    let mut looked: BTreeMap<&'static str, u64> = BTreeMap::new();
    for seed in seeds {
        let mut stage = Stage::new(seed, loss, Duration::from_secs(3));
        stage.storm(8);
        stage.looked().into_iter().for_each(|(name, count)| *looked.entry(name).or_default() += count);
    }
    for (name, least) in LEAST {
        assert!(looked[name] >= least, "{name}: {looked:?}");
    }
}

/// What each checker looks at at least in ten storms.
const LEAST: [(&str, u64); 9] = [
    ("inputs once", 8_000),
    ("avatars", 10_000),
    ("roster", 100),
    ("references", 20_000),
    ("events once", 2_000),
    ("past is true", 3_000),
    ("join payload", 60),
    ("secrets", 40_000),
    ("shown", 10_000),
];

#[test]
fn what_the_game_knows_is_so_on_a_good_link() {
    storms_at(0.0, 1..11);
}

#[test]
fn what_the_game_knows_is_so_at_a_loss_of_a_twentieth() {
    storms_at(0.05, 11..21);
}

#[test]
fn what_the_game_knows_is_so_at_a_loss_of_a_fifth() {
    storms_at(0.2, 21..31);
}

#[test]
fn when_the_game_is_calm_everybody_comes_to_see_what_there_is() {
    for seed in 31..35 {
        let mut stage = Stage::new(seed, 0.05, Duration::from_secs(30));
        stage.run(Duration::from_secs(3));
        stage.game.calm.set(true);
        stage.run(Duration::from_secs(3));
        stage.universe.converged().unwrap();
        let view_len = stage.universe.players()[0].client.view().len();
        assert!(view_len > 3, "{view_len}");
    }
}

#[test]
fn who_does_not_come_back_in_time_has_no_avatar_until_it_joins_anew() {
    let mut stage = Stage::new(36, 0.02, Duration::from_secs(2));
    stage.run(Duration::from_secs(2));
    assert_eq!(stage.avatars(), [1, 2, 3, 4]);
    let cut = LinkConfig { loss: 1.0, ..link(0.0) };
    let player = &mut stage.universe.players_mut()[0];
    player.resumes = false;
    player.down.set_config(cut);
    player.up.set_config(cut);
    // A connection times out after five seconds, and its place waits for two.
    stage.run(Duration::from_secs(6));
    assert_eq!(stage.avatars(), [1, 2, 3, 4]);
    stage.run(Duration::from_secs(4));
    assert_eq!(stage.avatars(), [2, 3, 4]);
    stage.universe.set_links(link(0.0), link(0.0));
    stage.universe.resume(0);
    stage.run(Duration::from_secs(2));
    assert_eq!(stage.avatars(), [1, 2, 3, 4]);
}
