use super::check::{Checks, Sent};
use super::tap::Tap;
use super::{LocalClock, SERVER, Violation};
use crate::client::{Client, ClientConfig, ClientEvent, View};
use crate::link::Conditioner;
use core::net::SocketAddr;
use std::sync::Arc;
use tidelock::netcode::{Cipher, ConnectToken, PACKET_BYTES_MAX};
use tidelock::state::{Input, Schema};
use tidelock::{ClientId, Instant, Tick};
use tidelock_server::engine::Engine;

/// Decides what a player does in a tick, from what it sees.
pub type Mind<I> = Box<dyn FnMut(&View, Tick) -> I>;

/// The same, with the client itself, for players that go by what it shows them at that time, which is told by their own clock.
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
    clock: LocalClock,
    /// Strangers have sent to it in the server's name.
    is_spoofed: bool,
    /// Its program hangs.
    paused_until: Instant,
    /// Nothing is due to it before this.
    wakes_at: Instant,
    /// Nothing of what it sent arrives before this.
    sent_due: Instant,
}

impl<I: Input> std::fmt::Debug for Player<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Player").field("client", &self.client).field("address", &self.address).finish_non_exhaustive()
    }
}

/// A client that begins to connect.
pub(super) fn connect<I: Input>(
    token: ConnectToken,
    schema: &Arc<Schema>,
    cipher: Cipher,
    local_now: Instant,
) -> Client<I> {
    Client::with_cipher(ClientConfig { token, schema: schema.clone() }, cipher, local_now)
}

const LONG_AGO: Instant = Instant::from_us(0);
pub(super) const NEVER: Instant = Instant::from_us(u64::MAX);

impl<I: Input> Player<I> {
    /// One that connects from a port, over a link down and one up.
    pub(super) fn new(
        client: Client<I>,
        client_id: ClientId,
        port: u16,
        clock: LocalClock,
        (down, up): (Conditioner, Conditioner),
        mind: Mind<I>,
    ) -> Self {
        Self {
            client,
            client_id,
            address: SocketAddr::from(([10, 0, 1, 1], port)),
            down,
            up,
            mind,
            pilot: None,
            resumes: false,
            events: Vec::new(),
            clock,
            is_spoofed: false,
            paused_until: LONG_AGO,
            wakes_at: LONG_AGO,
            sent_due: LONG_AGO,
        }
    }

    /// What it takes for the time.
    #[must_use]
    pub const fn clock(&self) -> LocalClock {
        self.clock
    }

    /// Whether strangers have sent to it in the server's name.
    #[must_use]
    pub const fn is_spoofed(&self) -> bool {
        self.is_spoofed
    }

    /// A stranger sends to it in the server's name.
    pub(super) fn spoof(&mut self, datagram: &[u8], now: Instant) {
        self.is_spoofed = true;
        self.push_down(datagram, now);
    }

    /// Something may be due to it, or to the server, earlier than was thought.
    pub(super) const fn wake(&mut self) {
        self.wakes_at = LONG_AGO;
        self.sent_due = LONG_AGO;
    }

    /// Whether it has something to do.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.wakes_at <= now && self.paused_until <= now
    }

    pub(super) fn pause(&mut self, until: Instant) {
        self.paused_until = self.paused_until.max(until);
    }

    /// Comes back over a new connection.
    pub(super) fn resume(&mut self, token: ConnectToken, now: Instant) {
        self.client.resume(token, self.clock.at(now));
        self.wake();
    }

    /// Its program is another, which knows nothing.
    pub(super) fn restart(&mut self, token: ConnectToken, schema: &Arc<Schema>, cipher: Cipher, now: Instant) {
        self.client = connect(token, schema, cipher, self.clock.at(now));
        // What came while there was no program is nobody's.
        while self.down.pop_due(now).is_some() {}
        self.paused_until = LONG_AGO;
        self.wake();
    }

    /// The server sent something to it.
    pub(super) fn push_down(&mut self, datagram: &[u8], now: Instant) {
        self.down.push(datagram, now);
        self.wakes_at = self.wakes_at.min(self.down.next_due().unwrap_or(NEVER));
    }

    /// Something that it sent arrives at the server by `now`: its bytes, and when.
    pub(super) fn pop_sent(&mut self, now: Instant, datagram: &mut Vec<u8>) -> Option<Instant> {
        if now < self.sent_due {
            return None;
        }
        let Some(delivery) = self.up.pop_due(now) else {
            self.sent_due = self.up.next_due().unwrap_or(NEVER);
            return None;
        };
        datagram.clear();
        datagram.extend_from_slice(delivery.datagram);
        Some(delivery.due)
    }

    /// Takes what arrived, plays what is due, and sends.
    pub(super) fn step(
        &mut self,
        now: Instant,
        engine: &Engine,
        checks: &mut Checks<I>,
        tap: &mut Tap,
        datagram: &mut Vec<u8>,
    ) -> Result<(), Violation> {
        self.take(now, engine, checks, datagram)?;
        let local_now = self.clock.at(now);
        while let Some(due) = self.client.next_tick().filter(|due| *due <= local_now) {
            let tick = self.client.client_tick().unwrap_or_default();
            let input = match &mut self.pilot {
                Some(pilot) => pilot(&mut self.client, tick, local_now),
                None => (self.mind)(self.client.view(), tick),
            };
            self.client.tick(&input, local_now);
            // Checked here, as else this would not end.
            if self.client.next_tick().is_some_and(|next| next <= due) {
                let what = format!("the tick of client {} after {} is due no later than that", self.client_id, tick.0);
                return Err(Violation { invariant: "time goes on", tick: engine.tick_number(), what });
            }
        }
        if self.client.next_wakeup() <= local_now {
            self.client.update(local_now);
        }
        self.send(now, engine, checks, tap)?;
        while let Some(event) = self.client.poll_event() {
            checks.on_event(self, &event, engine)?;
            self.events.push(event);
        }
        let wakes_at = self.clock.reaches(self.client.next_wakeup());
        self.wakes_at = wakes_at.min(self.down.next_due().unwrap_or(NEVER));
        Ok(())
    }

    fn take(
        &mut self,
        now: Instant,
        engine: &Engine,
        checks: &mut Checks<I>,
        datagram: &mut Vec<u8>,
    ) -> Result<(), Violation> {
        while let Some(delivery) = self.down.pop_due(now) {
            datagram.clear();
            datagram.extend_from_slice(delivery.datagram);
            // A program that hung finds it when it looks again.
            let arrived_at = self.clock.at(delivery.due.max(self.paused_until));
            checks.on_delivering(&self.client);
            self.client.handle_datagram(SERVER, delivery.datagram, arrived_at);
            checks.on_delivered(self, datagram, engine)?;
        }
        Ok(())
    }

    fn send(&mut self, now: Instant, engine: &Engine, checks: &mut Checks<I>, tap: &mut Tap) -> Result<(), Violation> {
        let mut packet = [0; PACKET_BYTES_MAX];
        while let Some((len, to)) = self.client.poll_transmit(self.clock.at(now), &mut packet) {
            let datagram = &packet[..len];
            tap.on_sent(self.address, to, datagram);
            self.up.push(datagram, now);
            self.sent_due = self.sent_due.min(self.up.next_due().unwrap_or(NEVER));
            checks.on_sent(&Sent { from: self.address, to, datagram, now }, engine)?;
        }
        Ok(())
    }
}
