//! Matches of the sample game, recorded at the server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tidelock::state::{Audience, NetId};
use tidelock_arena::Map;
use tidelock_arena::map::MapParameters;
use tidelock_benches::corpus::Corpus;
use tidelock_server::arena::Arena;
use tidelock_sim::bots::{BotKind, Player};
use tidelock_sim::link::LinkConfig;
use tidelock_sim::universe::{Universe, UniverseConfig};

/// A match of fighters, wanderers and NPCs: the streams of `audience` in each tick.
pub(crate) fn play(audience: Audience, tick_hz: u32, seconds: u32, seed: u64) -> Corpus {
    let name = match audience {
        Audience::Public => "arena, public",
        _ => "arena, others",
    };
    let config = UniverseConfig { seed, tick_hz, snapshot_hz: tick_hz, max_clients: 32, ..Default::default() };
    let mut universe = Universe::new(config, Arena { npcs: 60 });
    universe.set_checked(false);
    let map = Arc::new(Map::generate(MapParameters::new(universe.engine().config().seed)));
    let link = LinkConfig { latency: Duration::from_millis(20), ..Default::default() };
    for number in 0..24 {
        let kind = if number % 2 == 0 { BotKind::Fight } else { BotKind::Wander };
        let mut player = Player::new(kind, seed * 1000 + number);
        player.learn_map(Arc::clone(&map));
        universe.add_player(link, link, Box::new(move |view, tick| player.input(view, tick)));
    }
    let mut corpus = Corpus::new(name, universe.engine().schema().clone(), audience, tick_hz);
    let mut numbers: BTreeMap<NetId, usize> = BTreeMap::new();
    let period = universe.engine().config().tick_period();
    for _ in 0..seconds * tick_hz {
        universe.run(period).expect("nothing is checked");
        let engine = universe.engine();
        let tick = engine.tick_number();
        let ids: Vec<_> = universe.players().iter().flat_map(|player| engine.visible_to(player.client_id)).collect();
        for (id, of, version) in ids.into_iter().filter(|(_, of, _)| *of == audience) {
            let next = numbers.len();
            let number = *numbers.entry(id).or_insert(next);
            debug_assert_eq!(of, audience);
            let version = tidelock::state::Version { mask: version.mask, lanes: version.lanes.to_vec() };
            corpus.record(number, tick.0, &version);
        }
    }
    corpus
}
