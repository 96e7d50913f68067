//! Client cores on real sockets against a server of this process: what virtual time cannot show.

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;
use tidelock::netcode::PACKET_BYTES_MAX;
use tidelock::{ClientId, Instant, Tick};
use tidelock_arena::ArenaInput;
use tidelock_server::arena::Arena;
use tidelock_server::io::{Options, Server, ServerConfig, ServerHandle, clock};
use tidelock_sim::client::{Client, ClientConfig, ClientEvent, DisconnectReason, Status};

const CLIENTS: usize = 4;

struct Player {
    client: Client<ArenaInput>,
    socket: UdpSocket,
    joined: bool,
    full_view: bool,
    snapshots: u32,
    silent: bool,
    resumed: bool,
}

fn bind() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

impl Player {
    fn new(server: &ServerHandle, number: u64) -> Self {
        let token = server.issue_token(ClientId(number));
        let schema = Arc::new(tidelock_arena::schema());
        let client = Client::new(ClientConfig { token, schema }, clock::now());
        let (joined, full_view, silent, resumed) = (false, false, false, false);
        Self { client, socket: bind(), joined, full_view, snapshots: 0, silent, resumed }
    }

    fn step(&mut self) {
        let mut packet = [0; 2048];
        while let Ok((len, from)) = self.socket.recv_from(&mut packet) {
            self.client.handle_datagram(from, &mut packet[..len], clock::now());
        }
        let now = clock::now();
        while self.client.next_tick().is_some_and(|due| due <= now) {
            let tick = self.client.client_tick().unwrap_or_default();
            self.client.tick(&input(tick), now);
        }
        if self.client.next_wakeup() <= now {
            self.client.update(now);
        }
        self.send(now);
        while let Some(event) = self.client.poll_event() {
            match event {
                ClientEvent::Joined { .. } => self.joined = true,
                ClientEvent::FirstFullView => self.full_view = true,
                ClientEvent::Snapshot { .. } => self.snapshots += 1,
                ClientEvent::Silent { .. } => self.silent = true,
                ClientEvent::Resumed => self.resumed = true,
                _ => {}
            }
        }
    }

    fn send(&mut self, now: Instant) {
        let mut packet = [0; PACKET_BYTES_MAX];
        while let Some((len, to)) = self.client.poll_transmit(now, &mut packet) {
            self.socket.send_to(&packet[..len], to).unwrap();
        }
    }
}

fn input(tick: Tick) -> ArenaInput {
    ArenaInput { forward: 1.0, right: if tick.0 & 64 == 0 { 1.0 } else { -1.0 }, ..ArenaInput::default() }
}

/// Lets all of them play until `done`, for `limit` at most. Returns whether it was.
fn play(players: &mut [Player], limit: Duration, mut done: impl FnMut(&[Player]) -> bool) -> bool {
    let end = clock::now() + limit;
    while !done(players) {
        if clock::now() >= end {
            return false;
        }
        players.iter_mut().for_each(Player::step);
        clock::sleep_until(clock::now() + Duration::from_millis(1));
    }
    true
}

#[test]
fn four_clients_play_over_real_sockets_and_leave() {
    let config = ServerConfig::embedded(Options::default()).unwrap();
    let server = Server::start(&config, Arena { npcs: 50 }).unwrap();
    let mut players: Vec<Player> = (1..=CLIENTS as u64).map(|number| Player::new(&server, number)).collect();

    let ready = |players: &[Player]| players.iter().all(|p| p.joined && p.full_view && p.snapshots >= 60);
    assert!(play(&mut players, Duration::from_secs(10), ready), "all join and see everything");
    for Player { client, .. } in &players {
        let stats = client.stats();
        assert_eq!(client.status(), Status::Playing);
        assert_eq!((stats.desyncs, stats.snapshots.undecodable, stats.payloads_malformed), (0, 0, 0), "{stats:?}");
        assert!(client.view().owned().next().is_some());
        assert!(client.rtt().is_some());
    }
    // The tick publishes its statistics when nobody reads them.
    assert!(play(&mut players, Duration::from_secs(5), |_| server.stats().clients == CLIENTS));

    for player in &mut players {
        player.client.disconnect();
        player.send(clock::now());
        assert_eq!(player.client.status(), Status::Disconnected(DisconnectReason::Local));
    }
    assert!(play(&mut players, Duration::from_secs(5), |_| server.stats().clients == 0), "the server hears goodbye");
    let stats = server.stop().unwrap();
    assert_eq!(stats.engine.connections, CLIENTS as u64);
    assert_eq!(stats.engine.disconnects.left, CLIENTS as u64);
    assert_eq!((stats.engine.desyncs, stats.engine.payloads_malformed, stats.inbox_full), (0, 0, 0));
    assert!(stats.engine.inputs.on_time > 100, "{:?}", stats.engine.inputs);
}

#[test]
fn a_player_whose_address_changes_comes_back_to_its_avatar() {
    let config = ServerConfig::embedded(Options::default()).unwrap();
    let server = Server::start(&config, Arena { npcs: 5 }).unwrap();
    let mut players = [Player::new(&server, 1)];
    let avatar = |players: &[Player]| players[0].client.view().owned().next().map(|entity| entity.id());
    assert!(play(&mut players, Duration::from_secs(10), |players| avatar(players).is_some()));
    let before = avatar(&players);

    // The server answers to a port where nobody listens any more.
    let old = std::mem::replace(&mut players[0].socket, bind());
    assert!(play(&mut players, Duration::from_secs(10), |players| players[0].silent), "it notices");
    players[0].client.resume(server.issue_token(ClientId(1)), clock::now());
    assert!(play(&mut players, Duration::from_secs(10), |players| players[0].resumed), "it is let in again");
    let snapshots = players[0].snapshots;
    assert!(play(&mut players, Duration::from_secs(10), |players| players[0].snapshots > snapshots + 30));
    drop(old);
    assert_eq!(avatar(&players), before);
    assert_eq!(players[0].client.stats().desyncs, 0);
    let stats = server.stop().unwrap();
    assert_eq!((stats.engine.resumes.state_kept, stats.engine.disconnects.duplicate_login), (1, 1));
}
