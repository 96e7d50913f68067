//! A flood over real sockets, for a moment: players stay, and what they see is right. How long a machine that does other
//! things as well takes for it is not asked; `cargo bench -p tidelock-benches --bench attack -- --loopback` measures that.

use std::sync::Arc;
use std::time::Duration;
use tidelock::ClientId;
use tidelock_arena::ArenaInput;
use tidelock_server::arena::Arena;
use tidelock_server::io::{Options, Server, ServerConfig, ServerHandle, clock};
use tidelock_sim::client::Status;
use tidelock_sim::siege::{Flood, FloodKind, Loot, request};
use tidelock_sim::swarm::{Flooder, Insider};

const PLAYERS: u64 = 4;
const PER_S: u64 = 100_000;

fn sleep(duration: Duration) {
    clock::sleep_until(clock::now() + duration);
}

fn wait_for_players(server: &ServerHandle) {
    let deadline = clock::now() + Duration::from_secs(20);
    while server.stats().engine.connections < PLAYERS {
        assert!(clock::now() < deadline, "not all of them joined");
        sleep(Duration::from_millis(10));
    }
}

/// Floods a server for a moment, by strangers and in the name of one player.
fn flooded(kind: FloodKind) {
    let config = ServerConfig::embedded(Options::default()).unwrap();
    let server = Server::start(&config, Arena { npcs: 20 }).unwrap();
    let schema = Arc::new(tidelock_arena::schema());
    let players: Vec<Insider<ArenaInput>> = (1..=PLAYERS)
        .map(|number| Insider::start(server.issue_token(ClientId(number)), schema.clone()).unwrap())
        .collect();
    wait_for_players(&server);
    let requests = (100..200).map(|number| request(server.issue_token(ClientId(number)), clock::now())).collect();
    let loot = Loot { genuine: players[0].overheard(), requests };
    let flood = Flood::new(kind, loot, 1);
    let flooder = Flooder::start(server.udp_address(), flood, players[0].socket(), PER_S).unwrap();
    sleep(Duration::from_millis(700));
    let sent = flooder.stop().sent;
    sleep(Duration::from_millis(300));
    for (number, player) in players.into_iter().enumerate() {
        let (status, stats) = player.stop();
        assert_eq!(status, Status::Playing, "player {number}");
        assert_eq!((stats.desyncs, stats.snapshots.undecodable, stats.payloads_malformed), (0, 0, 0), "{stats:?}");
    }
    let stats = server.stop().unwrap();
    let refused: u64 = stats.netcode_drops.iter().map(|(_, count)| count).sum();
    assert!(sent > 1_000 && refused > 500, "{sent} sent: {:?}", stats.netcode_drops);
    assert_eq!((stats.engine.disconnects.timeout, stats.engine.desyncs), (0, 0));
    if kind != FloodKind::WrongTags {
        assert_eq!(stats.inbox_full, 0, "strangers take no room of players");
    }
}

#[test]
fn requests_that_nobody_can_answer_disturb_no_player() {
    flooded(FloodKind::ForgedRequests);
}

#[test]
fn garbage_disturbs_no_player() {
    flooded(FloodKind::Garbage);
}

#[test]
fn forgeries_in_the_name_of_a_player_disturb_no_other() {
    flooded(FloodKind::WrongTags);
}
