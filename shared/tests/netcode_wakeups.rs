//! When clients and servers want to be woken, and to the microsecond when they have waited long enough.

mod netcode_net;

use std::time::Duration;

use netcode_net::*;
use tidelock::Instant;
use tidelock::netcode::{Client, ClientState, ConnectToken, DisconnectCause, PACKET_BYTES_MAX, Slot, TokenSpec};

const ORIGIN: Instant = Instant::from_us(1_000_000);
const US: Duration = Duration::from_micros(1);

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A client that begins at the origin; a timeout of -1 is none.
fn client(timeout_s: i32) -> Client {
    let spec = TokenSpec { timeout_s, ..spec(1, &[SERVER]) };
    Client::new(ConnectToken::generate(&spec, &secrets(1), &private_key()).unwrap(), ORIGIN)
}

/// Whether a packet went out.
fn transmits(client: &mut Client, now: Instant) -> bool {
    client.poll_transmit(now, &mut [0; PACKET_BYTES_MAX]).is_some()
}

#[test]
fn a_client_waits_for_as_long_as_its_token_says_and_no_longer() {
    for (timeout_s, end, cause) in
        [(5, ORIGIN + s(5), DisconnectCause::RequestTimedOut), (-1, ORIGIN + s(30), DisconnectCause::TokenExpired)]
    {
        let mut client = client(timeout_s);
        client.tick(Instant::from_us(end.as_us() - 1));
        assert_eq!(client.state(), ClientState::SendingRequest);
        client.tick(end);
        assert_eq!(client.state(), ClientState::Disconnected(cause));
    }
}

#[test]
fn a_client_that_connects_wakes_to_ask_again_and_when_its_wait_ends() {
    for (timeout_s, end) in [(5, ORIGIN + s(5)), (-1, ORIGIN + s(30))] {
        let mut client = client(timeout_s);
        assert_eq!(client.next_wakeup(), Some(ORIGIN));
        assert!(transmits(&mut client, ORIGIN) && !transmits(&mut client, ORIGIN + ms(100) - US));
        assert_eq!(client.next_wakeup(), Some(ORIGIN + ms(100)));
        assert!(transmits(&mut client, end - ms(50)));
        assert_eq!(client.next_wakeup(), Some(end));
        assert!(!transmits(&mut client, end));
        assert_eq!(client.next_wakeup(), None);
    }
}

#[test]
fn a_client_wakes_for_its_keep_alive_and_at_once_for_its_goodbyes() {
    let mut net = Net::new(1);
    let index = net.connect(1);
    let (now, client) = (net.now, &mut net.clients[index]);
    assert!(client.next_wakeup().is_some_and(|at| at > now));
    client.seal(b"input", &mut [0; PACKET_BYTES_MAX], now).unwrap();
    assert_eq!(client.next_wakeup(), Some(now + ms(100)));
    client.disconnect();
    for _ in 0..10 {
        assert!(client.next_wakeup().is_some_and(|at| at <= now));
        assert!(transmits(client, now));
    }
    assert!(client.next_wakeup().is_none() && !transmits(client, now));
}

#[test]
fn a_keep_alive_is_answered_by_none() {
    let mut net = Net::new(1);
    let index = net.connect(1);
    net.send_to_server(index, b"input");
    let now = net.now + ms(99);
    let mut out = [0; PACKET_BYTES_MAX];
    let (len, _) = net.server.poll_transmit(now + ms(1), &mut out).expect("a keep-alive is due");
    assert_eq!(net.clients[index].handle_datagram(SERVER, &mut out[..len], now), None);
    assert!(!transmits(&mut net.clients[index], now));
}

#[test]
fn a_server_wakes_at_once_for_answers_for_greetings_and_for_goodbyes() {
    let (mut net, mut out) = (Net::new(2), [0; PACKET_BYTES_MAX]);
    let index = net.add(token(1));
    let at_once = Some(Instant::from_us(0));
    net.transmit_client(index);
    assert_eq!(net.server.next_wakeup(), at_once, "a challenge waits");
    let (len, _) = net.server.poll_transmit(net.now, &mut out).unwrap();
    assert_ne!(net.server.next_wakeup(), at_once);
    net.clients[index].handle_datagram(SERVER, &mut out[..len], net.now);
    net.transmit_client(index);
    assert_eq!(net.server.clients(), 1);
    assert_eq!(net.server.next_wakeup(), at_once, "it is to hear of its slot");
    net.transmit_server();
    assert_eq!(net.server.next_wakeup(), Some(net.now + ms(100)), "for the next keep-alive");
    assert!(net.server.disconnect(Slot(0)));
    assert_eq!(net.server.next_wakeup(), at_once, "goodbyes wait");
    net.transmit_server();
    assert_ne!(net.server.next_wakeup(), at_once);
}

#[test]
fn a_server_wakes_when_a_client_has_been_silent_for_too_long() {
    let mut net = Net::new(1);
    let index = net.connect(1);
    net.send_to_server(index, b"input");
    let heard_at = net.now;
    let mut out = [0; PACKET_BYTES_MAX];
    let end = heard_at + s(TIMEOUT_S as u64);
    net.server.seal(Slot(0), b"snapshot", &mut out, end - ms(50)).unwrap();
    // It may wake early at times, but not for nothing twice.
    assert_eq!((net.server.poll_transmit(end - US, &mut out), net.server.poll_timeout(end - US)), (None, None));
    assert_eq!(net.server.next_wakeup(), Some(end));
    assert_eq!(net.server.poll_timeout(end), Some(Slot(0)));
}
