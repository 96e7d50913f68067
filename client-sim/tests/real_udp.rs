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
}

impl Player {
    fn new(server: &ServerHandle, number: u64) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let token = server.issue_token(ClientId(number));
        let schema = Arc::new(tidelock_arena::schema());
        let client = Client::new(ClientConfig { token, schema }, clock::now());
        Self { client, socket, joined: false, full_view: false, snapshots: 0 }
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
