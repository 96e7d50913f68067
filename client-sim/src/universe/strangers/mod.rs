//! Whoever is no player and sends what it likes: outsiders, who hold no key, and insiders, who were let in.
//!
//! None of them keeps an honest player from playing, or from joining, if together they keep to these bounds, for which a server
//! has room: 500 tokens, which it remembers; ten requests with tokens in a millisecond, which it decrypts; fewer insiders than
//! places are left; and no token of a player's own client id.

mod attacker;
mod flood;
mod flooder;
mod forger;
mod insider;
mod overheard;
mod ploy;
mod spoofer;

pub use attacker::Attacker;
pub use flood::{Flood, FloodKind, Loot, STRANGERS, stranger_address, stranger_number};
pub use flooder::Flooder;
pub use forger::Forger;
pub use insider::{Insider, InsiderConfig};
pub use ploy::Ploy;
pub use spoofer::Spoofer;

use super::check::Origin;
use super::{Packet, SERVER, Universe, Violation, player_at};
use core::net::SocketAddr;
use tidelock::netcode::{Client, ConnectToken, PACKET_BYTES_MAX};
use tidelock::state::Input;
use tidelock::{ClientId, Instant};

/// Somebody who is no player. All that it does depends on its seed, and on what it hears.
pub trait Stranger: std::fmt::Debug {
    /// As reports call it.
    fn name(&self) -> &'static str;

    /// Whether it holds keys of sessions of its own.
    fn is_insider(&self) -> bool {
        false
    }

    /// Whether what the server sends to an address comes to it.
    fn is_at(&self, address: SocketAddr) -> bool {
        let _ = address;
        false
    }

    /// A step of time has passed. What it gives to `send` arrives at once at the server, and at players after their link.
    fn step(&mut self, now: Instant, send: &mut Send<'_>);

    /// The server sent this to an address of its own.
    fn receive(&mut self, datagram: &mut [u8], now: Instant) {
        let _ = (datagram, now);
    }

    /// A player or the server sent this to another, which it may never reach.
    fn overhear(&mut self, packet: &Packet) {
        let _ = packet;
    }
}

/// Where strangers put what they send: from which address, to which, and what, which may be changed by whoever gets it.
pub type Send<'a> = dyn FnMut(SocketAddr, SocketAddr, &mut [u8]) + 'a;

/// Client ids of insiders, and of clients that never finish a handshake: none of a player's.
const FIRST_INSIDER: u64 = 1 << 40;
const FIRST_UNFINISHED: u64 = 1 << 41;
/// Good tokens of one who leaves handshakes unfinished: fewer than can be under way.
const FLOODER_TOKENS: u64 = 48;

impl<I: Input> Universe<I> {
    /// Somebody who means harm is here from now on. In a universe without a cipher what it forges must have a wrong tag: there
    /// nothing else tells it from what is genuine.
    pub fn add_stranger(&mut self, stranger: Box<dyn Stranger>) {
        self.tap.overhear();
        self.strangers.push(stranger);
    }

    /// Nobody means harm any more.
    pub fn clear_strangers(&mut self) {
        self.strangers.clear();
    }

    /// An insider of this ploy, who may connect so often, always as the same client, and knows these events of the game.
    pub fn add_insider(&mut self, ploy: Ploy, connections: usize, events: Vec<(u8, Vec<u8>)>) {
        let client_id = ClientId(FIRST_INSIDER + self.strangers.len() as u64);
        self.add_insider_as(client_id, ploy, connections, events);
    }

    /// The same as any client. As a player it takes the player's place each time that it connects, as the newest login wins.
    pub fn add_insider_as(&mut self, client_id: ClientId, ploy: Ploy, connections: usize, events: Vec<(u8, Vec<u8>)>) {
        let host = self.strangers.len() as u16;
        let config = InsiderConfig {
            ploy,
            tokens: (0..connections).map(|_| self.make_token(client_id).0).collect(),
            cipher: self.engine.config().cipher,
            schema_hash: self.engine.schema().hash(),
            events,
        };
        let seed = self.rng.next_u64();
        self.add_stranger(Box::new(Insider::new(host, config, seed)));
    }

    /// An outsider who floods the server with about so many datagrams in a second. For handshakes that nobody finishes it has
    /// some good tokens.
    pub fn add_flooder(&mut self, kind: FloodKind, per_s: u64) {
        let tokens = if kind == FloodKind::HalfOpen { FLOODER_TOKENS } else { 0 };
        let requests = (0..tokens).map(|n| {
            let (token, _) = self.make_token(ClientId(FIRST_UNFINISHED + n));
            request(token, self.now)
        });
        let requests = requests.collect();
        let seed = self.rng.next_u64();
        self.add_stranger(Box::new(Flooder::new(kind, per_s, requests, seed)));
    }

    /// An outsider who forges players' datagrams, about so many in a second.
    pub fn add_forger(&mut self, per_s: u64) {
        let (cipher, seed) = (self.engine.config().cipher, self.rng.next_u64());
        self.add_stranger(Box::new(Forger::new(per_s, cipher, seed)));
    }

    /// An outsider who forges the server's datagrams, about so many in a second.
    pub fn add_spoofer(&mut self, per_s: u64) {
        let (cipher, seed) = (self.engine.config().cipher, self.rng.next_u64());
        self.add_stranger(Box::new(Spoofer::new(per_s, cipher, seed)));
    }

    /// Strangers hear what was sent since their last step, and send.
    pub(super) fn step_strangers(&mut self) -> Result<(), Violation> {
        if self.strangers.is_empty() {
            return Ok(());
        }
        let mut strangers = std::mem::take(&mut self.strangers);
        let (now, mut heard) = (self.now, self.tap.take_overheard());
        let mut found = Ok(());
        for stranger in &mut strangers {
            for packet in &mut heard {
                if packet.from == SERVER && stranger.is_at(packet.to) {
                    stranger.receive(&mut packet.datagram, now);
                } else {
                    stranger.overhear(packet);
                }
            }
            let origin = if stranger.is_insider() { Origin::Insider } else { Origin::Outsider };
            stranger.step(now, &mut |from, to, datagram| {
                let taken = self.take_of_stranger((from, to), datagram, origin);
                if found.is_ok() {
                    found = taken;
                }
            });
        }
        self.strangers = strangers;
        found
    }

    /// What a stranger sends goes where it is sent to, if anybody is there.
    fn take_of_stranger(
        &mut self,
        (from, to): (SocketAddr, SocketAddr),
        datagram: &mut [u8],
        origin: Origin,
    ) -> Result<(), Violation> {
        self.tap.on_stranger(datagram);
        if to == SERVER {
            return self.take_datagram(from, datagram, origin);
        }
        let now = self.now;
        let player = player_at(&mut self.players, to).filter(|_| from == SERVER);
        player.into_iter().for_each(|player| player.spoof(datagram, now));
        Ok(())
    }
}

/// How a client with this token asks to be let in.
#[must_use]
pub fn request(token: ConnectToken, now: Instant) -> Vec<u8> {
    let mut packet = [0; PACKET_BYTES_MAX];
    let (len, _) = Client::new(token, now).poll_transmit(now, &mut packet).expect("it asks at once");
    packet[..len].to_vec()
}
