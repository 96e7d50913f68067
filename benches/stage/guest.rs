use super::acker::Acker;
use super::game::Ask;
use super::{SERVER, TICK_PERIOD};
use std::sync::Arc;
use std::time::Duration;
use tidelock::netcode::{Cipher, ConnectToken, PACKET_BYTES_MAX};
use tidelock::state::Schema;
use tidelock::{Instant, Tick};
use tidelock_sim::client::{Client, ClientConfig, ClientEvent, Status};
use tidelock_sim::link::Conditioner;

/// One client with its links.
#[derive(Debug)]
pub struct Guest {
    /// Which of the workload's clients it is.
    number: usize,
    mind: Mind,
    /// From the server.
    pub down: Conditioner,
    /// To the server.
    pub up: Conditioner,
    /// Payload that the server sent to it.
    pub sent_bytes: u64,
    /// When it was let in, if it looks.
    pub joined_at: Option<Instant>,
    /// When all there is to see was there for the first time, at a client that looks.
    pub full_view_at: Option<Instant>,
    /// How old each snapshot was that such a client applied: from when its tick was due to its arrival.
    pub snapshot_ages: Vec<Duration>,
}

#[derive(Debug)]
enum Mind {
    Real(Box<Client<Ask>>),
    /// It has no clock of its own: it speaks each tick, at its own moment of it.
    Light {
        acker: Box<Acker>,
        next_tick: Instant,
    },
}

impl Guest {
    /// A client core as games embed it begins to connect.
    #[must_use]
    pub fn real(
        number: usize,
        token: ConnectToken,
        schema: Arc<Schema>,
        links: [Conditioner; 2],
        now: Instant,
    ) -> Self {
        let client = Client::with_cipher(ClientConfig { token, schema }, Cipher::Null, now);
        Self::new(number, Mind::Real(Box::new(client)), links)
    }

    /// A client that only acknowledges begins to speak at `now`.
    #[must_use]
    pub fn light(number: usize, acker: Acker, links: [Conditioner; 2], now: Instant) -> Self {
        Self::new(number, Mind::Light { acker: Box::new(acker), next_tick: now }, links)
    }

    fn new(number: usize, mind: Mind, [down, up]: [Conditioner; 2]) -> Self {
        Self { number, mind, down, up, sent_bytes: 0, joined_at: None, full_view_at: None, snapshot_ages: Vec::new() }
    }

    /// The client core, if it is one.
    #[must_use]
    pub fn client(&self) -> Option<&Client<Ask>> {
        match &self.mind {
            Mind::Real(client) => Some(client),
            Mind::Light { .. } => None,
        }
    }

    /// Whether it plays, and has seen all there is to see, if it looks at all.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        match &self.mind {
            Mind::Real(client) => client.status() == Status::Playing && self.full_view_at.is_some(),
            Mind::Light { acker, .. } => acker.is_playing(),
        }
    }

    /// Takes what has arrived, plays if it is time to, and sends.
    pub fn step(&mut self, now: Instant) {
        let Self { number, mind, down, up, .. } = self;
        let play = |tick: Tick| Ask(tidelock_workload::input(*number, u64::from(tick.0)));
        let mut packet = [0; PACKET_BYTES_MAX];
        match mind {
            Mind::Real(client) => {
                while let Some(delivery) = down.pop_due(now) {
                    client.handle_datagram(SERVER, delivery.datagram, delivery.due);
                }
                while client.next_tick().is_some_and(|due| due <= now) {
                    let tick = client.client_tick().unwrap_or_default();
                    client.tick(&play(tick), now);
                }
                if client.next_wakeup() <= now {
                    client.update(now);
                }
                while let Some((len, _)) = client.poll_transmit(now, &mut packet) {
                    up.push(&packet[..len], now);
                }
            }
            Mind::Light { acker, next_tick } => {
                while let Some(delivery) = down.pop_due(now) {
                    acker.handle_datagram(SERVER, delivery.datagram, delivery.due);
                }
                while *next_tick <= now {
                    *next_tick += TICK_PERIOD;
                    acker.tick(play, now);
                }
                while let Some(len) = acker.poll_transmit(now, &mut packet) {
                    up.push(&packet[..len], now);
                }
            }
        }
        self.note_events(now);
    }

    fn note_events(&mut self, now: Instant) {
        let Mind::Real(client) = &mut self.mind else { return };
        while let Some(event) = client.poll_event() {
            match event {
                ClientEvent::Joined { .. } => self.joined_at = self.joined_at.or(Some(now)),
                ClientEvent::FirstFullView => self.full_view_at = self.full_view_at.or(Some(now)),
                ClientEvent::Snapshot { due, received_at, .. } => self.snapshot_ages.push(received_at.since(due)),
                ClientEvent::Disconnected(reason) => panic!("client {} is disconnected: {reason}", self.number),
                _ => {}
            }
        }
    }
}
