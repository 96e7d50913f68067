//! Events of a game, both ways: what is reliable comes once and in order, what is not comes once or never, and nobody is
//! buffered for without end.

use bevy_app::{App, Plugin};
use bevy_ecs::prelude::{MessageReader, MessageWriter};
use bitcode::{Decode, Encode};
use std::time::Duration;
use tidelock::state::{Delivery, Event, EventRate, Input, Replicate, Shaped};
use tidelock::wire::{CloseReason, SendError};
use tidelock_server::game::{FromClient, Recipients, Replication, Simulate, ToClients};
use tidelock_sim::client::{ClientEvent, DisconnectReason, Status};
use tidelock_sim::link::LinkConfig;
use tidelock_sim::universe::{Universe, UniverseConfig};

#[derive(Replicate, Clone, Default)]
struct Nothing {
    _asks: bool,
}

impl Input for Nothing {
    fn clear_one_shots(&mut self) {}
}

/// Declares an event of a number, and of bytes that make it longer.
macro_rules! numbered {
    ($name:ident, $text:literal, $delivery:ident, $rate:expr) => {
        #[derive(Encode, Decode, Shaped, Clone, Debug, PartialEq)]
        struct $name {
            number: u32,
            ballast: Vec<u8>,
        }

        impl Event for $name {
            const NAME: &'static str = $text;
            const DELIVERY: Delivery = Delivery::$delivery;
            const RATE: EventRate = $rate;
        }

        impl $name {
            fn new(number: u32) -> Self {
                Self { number, ballast: Vec::new() }
            }
        }
    };
}

numbered!(Letter, "letter", Reliable, EventRate::DEFAULT);
numbered!(Ping, "ping", Unreliable, EventRate::DEFAULT);
numbered!(Shout, "shout", Reliable, EventRate { per_s: 2, burst: 3 });
numbered!(Order, "order", Reliable, EventRate::NONE);

/// So many bytes that do not become fewer in the body of an event.
fn ballast(len: usize) -> Vec<u8> {
    (0..len as u32).map(|n| (n.wrapping_mul(0x9E37_79B9) >> 24) as u8).collect()
}

/// Sends back whatever anybody sends.
struct Echo;

impl Plugin for Echo {
    fn build(&self, app: &mut App) {
        app.game("echo").input::<Nothing>().event::<Letter>().event::<Ping>().event::<Shout>().event::<Order>();
        app.add_systems(Simulate, (echo::<Letter>, echo::<Ping>, echo::<Shout>, echo::<Order>));
    }
}

fn echo<E: Event + Clone>(mut read: MessageReader<FromClient<E>>, mut write: MessageWriter<ToClients<E>>) {
    for FromClient { client_id, event } in read.read() {
        write.write(ToClients { to: Recipients::One(*client_id), event: event.clone() });
    }
}

fn link(loss: f64) -> LinkConfig {
    let (latency, jitter) = (Duration::from_millis(40), Duration::from_millis(8));
    LinkConfig {
        latency,
        jitter,
        loss,
        duplicate: loss.min(0.1) / 2.0,
        reorder: loss.min(0.1) / 2.0,
        ..LinkConfig::default()
    }
}

fn universe(loss: f64) -> Universe<Nothing> {
    let mut universe = Universe::new(UniverseConfig { seed: 4, ..UniverseConfig::default() }, Echo);
    universe.add_player(link(loss), link(loss), Box::new(|_, _| Nothing::default()));
    universe.run(Duration::from_secs(2)).unwrap();
    assert_eq!(universe.players()[0].client.status(), Status::Playing);
    universe
}

/// The numbers of the events of one type that the player heard.
fn heard<E: Event>(universe: &Universe<Nothing>, number: fn(E) -> u32) -> Vec<u32> {
    let player = &universe.players()[0];
    player.events.iter().filter_map(|event| event.read(player.client.schema())).map(number).collect()
}

/// Sends one of each number, each 20 ms, and lets what is under way arrive.
fn send_each<E: Event>(universe: &mut Universe<Nothing>, numbers: u32, event: fn(u32) -> E) {
    for number in 0..numbers {
        universe.players_mut()[0].client.send_event(&event(number)).unwrap();
        universe.run(Duration::from_millis(20)).unwrap();
    }
    universe.run(Duration::from_secs(3)).unwrap();
}

#[test]
fn reliable_events_come_back_once_and_in_order_under_loss() {
    let mut universe = universe(0.1);
    send_each(&mut universe, 300, Letter::new);
    assert_eq!(heard(&universe, |letter: Letter| letter.number), (0..300).collect::<Vec<_>>());
}

#[test]
fn unreliable_events_come_back_at_most_once_and_are_not_sent_again() {
    let mut universe = universe(0.1);
    send_each(&mut universe, 1_000, Ping::new);
    let mut numbers = heard(&universe, |ping: Ping| ping.number);
    let share = numbers.len() as f64 / 1_000.0;
    // Each has to pass a link that loses a tenth twice.
    assert!((0.75..0.87).contains(&share), "{share} came");
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len() as f64 / 1_000.0, share, "none came twice");
}

#[test]
fn an_unreliable_event_does_not_wait_for_a_lost_one() {
    let mut universe = universe(0.0);
    // The letter is lost on its way, and the ping after it is not.
    universe.set_links(link(0.0), link(1.0));
    universe.players_mut()[0].client.send_event(&Letter::new(1)).unwrap();
    universe.run(Duration::from_millis(20)).unwrap();
    universe.set_links(link(0.0), link(0.0));
    universe.players_mut()[0].client.send_event(&Ping::new(2)).unwrap();
    universe.run(Duration::from_millis(150)).unwrap();
    assert_eq!(
        (heard(&universe, |ping: Ping| ping.number), heard(&universe, |letter: Letter| letter.number)),
        (vec![2], vec![])
    );
    universe.run(Duration::from_millis(500)).unwrap();
    assert_eq!(heard(&universe, |letter: Letter| letter.number), [1]);
}

#[test]
fn what_is_sent_too_often_is_dropped_and_counted() {
    let mut universe = universe(0.0);
    send_each(&mut universe, 100, Shout::new);
    // Three at once, and two a second for two seconds.
    let numbers = heard(&universe, |shout: Shout| shout.number);
    assert!((6..=7).contains(&numbers.len()), "{numbers:?}");
    assert_eq!(universe.engine().stats().events_over_rate, 100 - numbers.len() as u64);
}

#[test]
fn what_only_servers_send_is_not_taken_from_a_client() {
    let mut universe = universe(0.0);
    send_each(&mut universe, 3, Order::new);
    assert_eq!(
        (heard(&universe, |order: Order| order.number), universe.engine().stats().events_over_rate),
        (vec![], 3)
    );
}

#[test]
fn what_is_too_long_or_too_much_is_refused_where_it_is_sent() {
    let mut universe = universe(0.0);
    let client = &mut universe.players_mut()[0].client;
    assert!(matches!(client.send_event(&Ping { number: 0, ballast: ballast(800) }), Err(SendError::TooLong(_))));
    assert!(matches!(client.send_event(&Letter { number: 0, ballast: ballast(4_095) }), Err(SendError::TooLong(_))));
    let sent = |client: &mut tidelock_sim::client::Client<Nothing>| {
        (0..10_000).take_while(|n| client.send_event(&Ping::new(*n)).is_ok()).count()
    };
    assert_eq!(sent(client), 64);
    universe.run(Duration::from_secs(1)).unwrap();
    // They went out with one datagram or two, and the game got so many of a client in a tick.
    assert_eq!(heard(&universe, |ping: Ping| ping.number), (0..64).collect::<Vec<_>>());
}

#[test]
fn a_client_that_does_not_take_what_is_told_is_closed_with_a_reason() {
    let mut universe = universe(0.0);
    // What comes back is a hundred times what the link takes.
    universe.set_links(link(0.97), link(0.0));
    let too_slow = |universe: &Universe<Nothing>| universe.engine().stats().disconnects.too_slow;
    for _ in 0..120 {
        for number in 0..40 {
            let _ = universe.players_mut()[0].client.send_event(&Letter { number, ballast: ballast(4_000) });
        }
        universe.run(Duration::from_millis(500)).unwrap();
        if too_slow(&universe) > 0 {
            break;
        }
    }
    assert_eq!(too_slow(&universe), 1, "it is not buffered for without end");
    universe.set_links(link(0.0), link(0.0));
    universe.run(Duration::from_secs(1)).unwrap();
    let reason = DisconnectReason::Closed(CloseReason::TooSlow);
    assert!(universe.players()[0].events.contains(&ClientEvent::Disconnected(reason)));
}
