use super::SERVER;
use super::tap::Tap;
use crate::client::{Client, ClientEvent, View};
use crate::link::Conditioner;
use core::net::SocketAddr;
use tidelock::netcode::PACKET_BYTES_MAX;
use tidelock::state::Input;
use tidelock::{ClientId, Instant, Tick};

/// Decides what a player does in a tick, from what it sees.
pub type Mind<I> = Box<dyn FnMut(&View, Tick) -> I>;

/// The same, with the client itself, for players that go by what it shows them at that time.
pub type Pilot<I> = Box<dyn FnMut(&mut Client<I>, Tick, Instant) -> I>;

/// A client core with its link, its mind and what happened to it.
pub struct Player<I: Input> {
    /// The core.
    pub client: Client<I>,
    /// By which the server knows it.
    pub client_id: ClientId,
    /// From which it sends.
    pub address: SocketAddr,
    /// The link from the server.
    pub down: Conditioner,
    /// The link to the server.
    pub up: Conditioner,
    /// What it does.
    pub mind: Mind<I>,
    /// Plays in its mind's place.
    pub pilot: Option<Pilot<I>>,
    /// Whether it comes back by itself, with a fresh token, when its server falls silent.
    pub resumes: bool,
    /// What happened, in order.
    pub events: Vec<ClientEvent>,
}

impl<I: Input> std::fmt::Debug for Player<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Player").field("client", &self.client).field("address", &self.address).finish_non_exhaustive()
    }
}

impl<I: Input> Player<I> {
    /// Takes what arrived, plays what is due, and sends.
    pub(super) fn step(&mut self, now: Instant, tap: &mut Tap) {
        let mut buffer = Vec::new();
        while let Some(delivery) = self.down.pop_due(now) {
            buffer.clear();
            buffer.extend_from_slice(delivery.datagram);
            self.client.handle_datagram(SERVER, &mut buffer, delivery.due);
        }
        while self.client.next_tick().is_some_and(|due| due <= now) {
            let tick = self.client.client_tick().unwrap_or_default();
            let input = match &mut self.pilot {
                Some(pilot) => pilot(&mut self.client, tick, now),
                None => (self.mind)(self.client.view(), tick),
            };
            self.client.tick(&input, now);
        }
        if self.client.next_wakeup() <= now {
            self.client.update(now);
        }
        let mut packet = [0; PACKET_BYTES_MAX];
        while let Some((len, to)) = self.client.poll_transmit(now, &mut packet) {
            tap.on_sent(self.address, to, &packet[..len]);
            self.up.push(&packet[..len], now);
        }
        while let Some(event) = self.client.poll_event() {
            self.events.push(event);
        }
    }
}
