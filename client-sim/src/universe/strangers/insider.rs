use super::super::SERVER;
use super::attacker::Attacker;
use super::ploy::{Ploy, Round};
use super::{Send, Stranger};
use crate::link::Rng;
use core::net::SocketAddr;
use std::collections::VecDeque;
use std::time::Duration;
use tidelock::netcode::{Cipher, ClientState, ConnectToken};
use tidelock::wire::{ClientMessage, ServerMessage};
use tidelock::{Instant, Tick};

/// Somebody with tokens of its own who plays one [`Ploy`] all the time. Whenever it was thrown out it comes back after a
/// while, as long as it has tokens.
#[derive(Debug)]
pub struct Insider {
    config: InsiderConfig,
    /// Its address is its own: the ports are those of its connections, one after the other.
    host: u16,
    port: u16,
    rng: Rng,
    attacker: Option<Attacker>,
    /// Whether it has said hello on this connection.
    greeted: bool,
    /// Honest turns that are left on this connection once it is welcome.
    patience: u64,
    /// Of the connection that is, or that was.
    token: Option<ConnectToken>,
    acts_at: Instant,
    leaves_at: Instant,
    returns_at: Instant,
    /// Its connections so far.
    comings: u64,
    /// The newest tick that any of them heard of.
    heard: Tick,
}

/// What an insider has and does.
#[derive(Debug)]
pub struct InsiderConfig {
    /// What it does.
    pub ploy: Ploy,
    /// One for each of its connections; those of one client id come back to a place that waits.
    pub tokens: VecDeque<ConnectToken>,
    /// How the server protects its packets.
    pub cipher: Cipher,
    /// The server's schema.
    pub schema_hash: u64,
    /// Ids and bodies of events that the game understands.
    pub events: Vec<(u8, Vec<u8>)>,
}

/// What an insider does next about its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// It says goodbye, and is back at once.
    Goodbye,
    /// The same with the token that it had.
    SameToken,
    /// It falls silent, and is back at once.
    Vanish,
}

/// Ports of one insider.
const PORTS: u16 = 64;

impl Insider {
    /// Insider number `host` of all, which begins to connect with the first step.
    #[must_use]
    pub fn new(host: u16, config: InsiderConfig, seed: u64) -> Self {
        let long_ago = Instant::from_us(0);
        Self {
            config,
            host,
            port: 0,
            rng: Rng::stream(seed, 64),
            attacker: None,
            greeted: false,
            patience: 0,
            token: None,
            acts_at: long_ago,
            leaves_at: long_ago,
            returns_at: long_ago,
            comings: 0,
            heard: Tick::default(),
        }
    }

    /// From which it sends now, as a universe has it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let [high, low] = self.host.to_be_bytes();
        SocketAddr::from(([10, 7, high, low], 3_000 + self.port))
    }

    /// How often it has begun to connect.
    #[must_use]
    pub const fn comings(&self) -> u64 {
        self.comings
    }

    /// Whether it would come, had it a token.
    #[must_use]
    pub fn wants_token(&self) -> bool {
        self.attacker.is_none() && self.config.tokens.is_empty()
    }

    /// It may connect once more.
    pub fn give(&mut self, token: ConnectToken) {
        self.config.tokens.push_back(token);
    }

    /// Says goodbye, and does not come back.
    pub fn end(&mut self, now: Instant, send: &mut Send<'_>) {
        self.config.tokens.clear();
        let from = self.address();
        self.leave(Leave::Goodbye, now, &mut |datagram| send(from, SERVER, datagram));
    }

    fn come(&mut self, now: Instant) {
        let Some(token) = self.config.tokens.pop_front() else { return };
        self.come_with(token, now);
    }

    fn come_with(&mut self, token: ConnectToken, now: Instant) {
        // From the same address or another: a server has to know both cases.
        self.port = if self.rng.chance(0.5) { self.port } else { (self.port + 1) % PORTS };
        self.token = Some(token.clone());
        self.attacker = Some(Attacker::new(self.address(), token, self.config.cipher, now));
        self.greeted = false;
        // It may begin before the server knows that it has joined.
        self.patience = [0, 10][self.rng.below(2) as usize];
        self.comings += 1;
        self.leaves_at = now + self.config.ploy.stay(&mut self.rng);
    }

    /// It has been thrown out, or has had enough.
    fn go(&mut self, now: Instant) {
        self.attacker = None;
        self.returns_at = now + Duration::from_millis(300 + self.rng.below(2_500));
    }

    fn act(&mut self, now: Instant, send: &mut dyn FnMut(&mut [u8])) -> Option<Leave> {
        let attacker = self.attacker.as_mut()?;
        if !attacker.is_connected() || now < self.acts_at {
            return None;
        }
        if !self.greeted {
            self.greeted = true;
            let honest = ClientMessage::Hello { schema_hash: self.config.schema_hash, claim: None };
            let hello = self.config.ploy.hello(honest, self.heard, self.comings, &mut self.rng);
            hello.iter().for_each(|hello| attacker.queue(hello));
        }
        let is_welcome = attacker.messages.iter().any(|message| matches!(message, ServerMessage::Welcome(_)));
        let is_patient = self.patience > 0;
        self.patience -= u64::from(is_welcome && is_patient);
        let mut round = Round {
            is_welcome: is_welcome && !is_patient,
            attacker,
            rng: &mut self.rng,
            now,
            events: &self.config.events,
            schema_hash: self.config.schema_hash,
            leave: None,
            send,
        };
        self.config.ploy.act(&mut round);
        let leave = round.leave;
        self.acts_at = now + Duration::from_millis(2 + self.rng.below(self.config.ploy.pace_ms()));
        leave
    }

    fn leave(&mut self, leave: Leave, now: Instant, send: &mut dyn FnMut(&mut [u8])) {
        if leave != Leave::Vanish
            && let Some(attacker) = &mut self.attacker
        {
            attacker.netcode.disconnect();
            attacker.poll(now, send);
        }
        self.attacker = None;
        match self.token.clone().filter(|_| leave == Leave::SameToken) {
            Some(token) => {
                self.come_with(token, now);
                // It admits nobody again: asking for long is not worth it.
                self.leaves_at = now + Duration::from_millis(400);
            }
            None => self.come(now),
        }
    }
}

impl Stranger for Insider {
    fn name(&self) -> &'static str {
        self.config.ploy.name()
    }

    fn is_insider(&self) -> bool {
        true
    }

    fn is_at(&self, address: SocketAddr) -> bool {
        address.ip() == self.address().ip()
    }

    fn step(&mut self, now: Instant, send: &mut Send<'_>) {
        if self.attacker.is_none() && now >= self.returns_at {
            self.come(now);
        }
        let from = self.address();
        let mut send = |datagram: &mut [u8]| send(from, SERVER, datagram);
        let Some(attacker) = &mut self.attacker else { return };
        attacker.poll(now, &mut send);
        let is_over = matches!(attacker.netcode.state(), ClientState::Disconnected(_));
        if attacker.farewell.is_some() || is_over || now >= self.leaves_at {
            // As like as not it says that it has heard.
            if self.rng.chance(0.5) {
                attacker.netcode.disconnect();
                attacker.poll(now, &mut send);
            }
            self.go(now);
            return;
        }
        if let Some(leave) = self.act(now, &mut send) {
            self.leave(leave, now, &mut send);
        }
    }

    fn receive(&mut self, datagram: &mut [u8], now: Instant) {
        // What is for an earlier connection this one cannot read.
        if let Some(attacker) = &mut self.attacker {
            attacker.handle_datagram(datagram, now);
            self.heard = if attacker.heard_tick.0 > 0 { attacker.heard_tick } else { self.heard };
        }
    }
}

/// About which tick the server is at: that of which it was heard last.
pub(super) fn tick_near(attacker: &Attacker, distance: i32) -> Tick {
    Tick(attacker.heard_tick.0.wrapping_add_signed(distance))
}
