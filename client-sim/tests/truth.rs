//! A client held against what the server writes down of each tick: not only its checksums, which are its own.
#![expect(clippy::disallowed_methods, reason = "the proxy is real, and so is its time")]

mod proxy;
mod real_player;

use proxy::{Habits, Proxy};
use real_player::Player;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;
use tidelock::ClientId;
use tidelock_arena::{ArenaInput, Facing};
use tidelock_server::arena::Arena;
use tidelock_server::io::{Options, Server, ServerConfig, clock};
use tidelock_sim::client::Status;

/// Which stream: index and audience.
type Key = (u32, u8);
/// What it is: generation, mask and lanes.
type State = (u16, u32, Vec<u32>);

/// A line of the file.
#[derive(Deserialize)]
struct Line {
    tick: u32,
    set: Vec<(u32, u16, u8, u32, Vec<u32>)>,
    gone: Vec<Key>,
}

/// What each stream was from which tick on; `None`: it was gone.
struct Truth {
    streams: BTreeMap<Key, BTreeMap<u32, Option<State>>>,
}

impl Truth {
    fn read(file: &Path) -> Self {
        let mut streams = BTreeMap::<Key, BTreeMap<u32, Option<State>>>::new();
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let Line { tick, set, gone } = serde_json::from_str(line).unwrap();
            for (index, generation, audience, mask, lanes) in set {
                streams.entry((index, audience)).or_default().insert(tick, Some((generation, mask, lanes)));
            }
            gone.into_iter().for_each(|key| _ = streams.entry(key).or_default().insert(tick, None));
        }
        Self { streams }
    }

    fn at(&self, key: Key, tick: u32) -> Option<&State> {
        self.streams.get(&key)?.range(..=tick).next_back()?.1.as_ref()
    }
}

/// What a client held: each version at the tick that brought it, and all that it showed at ticks that it held whole.
#[derive(Default)]
struct Notes {
    held: BTreeMap<(u32, Key), State>,
    whole: BTreeSet<u32>,
}

impl Notes {
    fn take(&mut self, player: &Player) {
        let view = player.client.view();
        let whole = view.whole_tick().filter(|tick| self.whole.insert(tick.0));
        for (id, audience, tick, version) in view.streams() {
            let key = (id.index, audience as u8);
            let state = || (id.generation, version.mask, version.lanes.to_vec());
            self.held.entry((tick.0, key)).or_insert_with(state);
            // What is absent from a whole snapshot has not changed.
            if let Some(whole) = whole.filter(|whole| !tick.is_newer_than(*whole)) {
                self.held.entry((whole.0, key)).or_insert_with(state);
            }
        }
    }
}

/// Runs about in curves, and shoots.
fn restless(tick: u32) -> ArenaInput {
    let yaw = (tick as f32 / 40.0).sin() * 3.0;
    let look = Facing { yaw, ..Facing::default() };
    ArenaInput { forward: 1.0, look, fire: tick % 50 < 2, jump: tick.is_multiple_of(70), ..ArenaInput::default() }
}

#[test]
fn all_that_a_client_holds_over_a_bad_link_is_what_the_server_wrote_down() {
    let lasts = std::env::var("TIDELOCK_TRUTH_S").map_or(8, |seconds| seconds.parse().unwrap());
    let file = std::env::temp_dir().join(format!("tidelock-truth-{}", std::process::id()));
    let habits = Habits { lose_one_in: 20, double_one_in: 20, hold_one_in: 20, ..Habits::default() };
    let proxy = Proxy::start(habits, habits);
    let options = Options { truth: Some(file.clone()), ..Options::default() };
    let mut config = ServerConfig::embedded(options).unwrap();
    // Tokens lead to the proxy.
    config.options.advertise = Some(proxy.address);
    let server = Server::start(&config, Arena { npcs: 200 }).unwrap();
    proxy.lead_to(server.udp_address());

    let mut players: Vec<_> = (1..=2).map(|id| Player::new(server.issue_token(ClientId(id)))).collect();
    let mut notes = Notes::default();
    let end = clock::now() + Duration::from_secs(lasts);
    while clock::now() < end {
        for player in &mut players {
            player.input = restless;
            player.step();
        }
        notes.take(&players[0]);
        clock::sleep_until(clock::now() + Duration::from_millis(1));
    }
    assert_eq!(players[0].client.status(), Status::Playing);
    let stats = players[0].client.stats();
    server.stop().unwrap();

    let truth = Truth::read(&file);
    std::fs::remove_file(&file).unwrap();
    for ((tick, key), state) in &notes.held {
        assert_eq!(truth.at(*key, *tick), Some(state), "stream {key:?} at tick {tick}");
    }
    let (ticks, states) = (lasts * 60, notes.held.len());
    assert_eq!(stats.desyncs, 0);
    // Two players, and who of the others is near: that is up to where they begin.
    assert!(states as u64 > ticks * 2, "{states} are few for {ticks} ticks");
    assert!(notes.whole.len() as u64 > ticks / 4, "{} of {ticks} ticks were whole", notes.whole.len());
}
