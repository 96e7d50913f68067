//! Of two sessions with one client id the newer wins.

mod netcode_net;

use std::time::Duration;

use netcode_net::*;
use tidelock::ClientId;
use tidelock::netcode::{Client, ClientState, ConnectToken, DisconnectCause, DropReason, PACKET_BYTES_MAX};

/// A second token of the same client.
fn token_again(id: u64) -> ConnectToken {
    ConnectToken::generate(&spec(id, &[SERVER]), &secrets(id + 1000), &private_key()).unwrap()
}

#[test]
fn a_newer_session_of_a_client_id_supersedes_the_older() {
    let mut net = Net::new(4);
    let first = net.connect(7);
    let old = net.server.slot_of(ClientId(7)).unwrap();
    let second = net.add(token_again(7));
    net.run(300);
    let superseded = net.events.iter().filter_map(|event| match event {
        Event::Connected { superseded, .. } => Some(*superseded),
        _ => None,
    });
    assert_eq!(superseded.collect::<Vec<_>>(), [None, Some(old)]);
    let new = net.server.slot_of(ClientId(7)).unwrap();
    assert_ne!(new, old);
    assert_eq!(
        (net.server.address(old), net.server.address(new)),
        (Some(net.addresses[first]), Some(net.addresses[second]))
    );
    assert!(net.server.disconnect(old));
    net.run(100);
    assert_eq!(net.clients[first].state(), ClientState::Disconnected(DisconnectCause::Remote));
    assert_eq!(net.clients[second].state(), ClientState::Connected);
    assert_eq!(net.server.slot_of(ClientId(7)), Some(new));
    assert!(net.server.disconnect(new));
    assert_eq!(net.server.slot_of(ClientId(7)), None);
}

#[test]
fn a_client_comes_back_from_the_address_at_which_it_lost_its_session() {
    let mut net = Net::new(4);
    let first = net.connect(7);
    let (old, address) = (net.server.slot_of(ClientId(7)).unwrap(), net.addresses[first]);
    net.clients[first] = Client::new(token_again(7), net.now);
    net.run(300);
    assert_eq!(net.clients[first].state(), ClientState::Connected);
    let new = net.server.slot_of(ClientId(7)).unwrap();
    assert_ne!(new, old);
    assert!(net.server.disconnect(old));
    net.run(300);
    assert_eq!((net.server.address(new), net.clients[first].state()), (Some(address), ClientState::Connected));
    let mut packet = [0; PACKET_BYTES_MAX];
    let (len, to) = net.clients[first].seal(b"still here", &mut packet, net.now).unwrap();
    net.deliver_to_server(&Datagram { from: address, to, bytes: packet[..len].to_vec() });
    assert_eq!(net.payloads(), [b"still here".to_vec()]);
}

#[test]
fn another_client_waits_until_an_address_is_free() {
    let mut net = Net::new(4);
    let first = net.connect(7);
    net.clients[first] = Client::new(token(8), net.now);
    net.run(300);
    assert_eq!(net.clients[first].state(), ClientState::SendingRequest);
    assert!(net.server.drops().of(DropReason::AddressConnected) > 0);
    net.server.disconnect(net.server.slot_of(ClientId(7)).unwrap());
    net.run(300);
    assert_eq!(net.clients[first].state(), ClientState::Connected);
}

#[test]
fn a_handshake_that_is_not_finished_does_not_end_the_session_at_its_address() {
    let mut net = Net::new(4);
    let first = net.connect(7);
    let mut request = [0; PACKET_BYTES_MAX];
    let (len, _) = Client::new(token_again(7), net.now).poll_transmit(net.now, &mut request).unwrap();
    let now = net.now;
    net.server.handle_datagram(net.addresses[first], &mut request[..len], now, START_UNIX_S);
    net.run(20_000);
    assert_eq!(net.clients[first].state(), ClientState::Connected);
}

#[test]
fn of_two_handshakes_of_one_client_id_the_later_wins() {
    let mut net = Net::new(4);
    net.add(token(7));
    net.add(token_again(7));
    net.run(300);
    assert_eq!(net.server.clients(), 2);
    assert_eq!(net.events.iter().filter(|event| matches!(event, Event::Connected { superseded: None, .. })).count(), 1);
}

#[test]
fn a_silent_client_is_told_of_once_and_ended_by_hand() {
    let mut net = Net::new(4);
    net.connect(7);
    let slot = net.server.slot_of(ClientId(7)).unwrap();
    let late = net.now + Duration::from_secs(60);
    assert_eq!(net.server.poll_timeout(late), Some(slot));
    assert_eq!(net.server.poll_timeout(late), None);
    let mut out = [0; PACKET_BYTES_MAX];
    assert!(net.server.seal(slot, b"are you there?", &mut out, late).is_some());
    assert!(net.server.disconnect(slot));
    assert_eq!(net.server.clients(), 0);
}
