//! A server inside another program, as the simulator and tests run it.

use bevy_app::{App, Plugin};
use std::time::Duration;
use tidelock::ClientId;
use tidelock_server::arena::Arena;
use tidelock_server::io::{Options, Server, ServerConfig, StartError, clock};

fn config() -> ServerConfig {
    ServerConfig::embedded(Options { tick_hz: 240, snapshot_hz: 240, ..Options::default() }).unwrap()
}

#[test]
fn all_time_is_ticked_or_counted_as_skipped() {
    let server = Server::start(&config(), Arena { npcs: 0 }).unwrap();
    let began = clock::now();
    clock::sleep_until(began + Duration::from_millis(500));
    let stats = server.stop().unwrap();
    let planned = u64::try_from(clock::now().since(began).as_millis()).unwrap() * 240 / 1000;
    assert!((stats.engine.ticks + stats.skipped).abs_diff(planned) < 60, "{} of {planned}", stats.engine.ticks);
    assert_eq!(stats.tick_duration_us.len(), stats.engine.ticks);
}

#[test]
fn several_servers_run_in_one_process() {
    let servers = [(); 3].map(|()| Server::start(&config(), Arena { npcs: 0 }).unwrap());
    for server in &servers {
        assert!(server.udp_address().ip().is_loopback());
        assert_eq!(server.admin_address(), None);
        assert_eq!(server.issue_token(ClientId(1)).servers(), [server.udp_address()]);
    }
    assert_ne!(servers[0].udp_address(), servers[1].udp_address());
}

#[test]
fn a_stopped_server_gives_its_port_back() {
    let server = Server::start(&config(), Arena { npcs: 0 }).unwrap();
    let address = server.udp_address();
    server.stop().unwrap();
    std::net::UdpSocket::bind(address).unwrap();
}

#[test]
fn draining_an_empty_server_stops_it() {
    let server = Server::start(&config(), Arena { npcs: 0 }).unwrap();
    server.drain();
    server.wait().unwrap();
}

struct Broken;

impl Plugin for Broken {
    fn build(&self, _app: &mut App) {
        panic!("on purpose");
    }
}

#[test]
fn a_game_that_panics_does_not_start() {
    assert!(matches!(Server::start(&config(), Broken), Err(StartError::GamePanicked)));
}
