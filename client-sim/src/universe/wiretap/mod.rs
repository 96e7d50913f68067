//! Listens to every datagram of a universe, both ways, with the keys of its tokens: reads each once, and all checkers get what it says.
//!
//! It keeps books of its own: of what is said it knows nothing but the bytes, the tokens and the server's history.

mod decoded;
mod line;
mod names;
mod per_line;
mod reader;
mod report;
mod said;
mod sequences;
mod spare;
mod under_way;

pub use line::LineId;
pub use per_line::PerLine;
pub use report::Report;
pub use said::{Change, Kind, Record, Said};
pub use sequences::Sequences;

use super::SERVER;
use super::check::Sent;
use super::hash::number;
use core::net::SocketAddr;
use line::Line;
use names::Names;
use reader::{Reader, Scratch};
use spare::Spare;
use std::collections::BTreeMap;
use tidelock::ClientId;
use tidelock::netcode::{Cipher, Eavesdropper, Side, TokenSecrets};
use tidelock_server::engine::Engine;
use under_way::Found;

/// All connections, and what is under way on them.
#[derive(Debug)]
pub(super) struct Wiretap {
    protocol_id: u64,
    cipher: Cipher,
    /// By their ids.
    lines: Vec<Line>,
    /// The newest connections of each client, the newest last.
    of_client: BTreeMap<ClientId, Vec<LineId>>,
    /// Those that are still listened to, the newest last.
    live: Vec<LineId>,
    /// Which connection an address was heard on last, or that it was heard on none when there were so many lines.
    known: BTreeMap<Ear, Result<LineId, usize>>,
    /// What the server's ghosts mean to each client, whatever connection it has.
    names: BTreeMap<ClientId, Names>,
    /// Used again and again.
    spare: Spare,
    scratch: Scratch,
}

/// An address, and which side of the connection speaks, as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ear(u64);

impl Ear {
    fn new(address: SocketAddr, from: Side) -> Self {
        Self(number(address) << 1 | from as u64)
    }
}

/// Of each client so many connections are listened to, the newest.
const LINES_OF_CLIENT: usize = 4;

impl Wiretap {
    /// Of a server of this protocol.
    pub(super) fn new(protocol_id: u64, cipher: Cipher) -> Self {
        Self {
            protocol_id,
            cipher,
            lines: Vec::new(),
            of_client: BTreeMap::new(),
            live: Vec::new(),
            known: BTreeMap::new(),
            names: BTreeMap::new(),
            spare: Spare::default(),
            scratch: Scratch::default(),
        }
    }

    /// A client will connect with a token of these secrets.
    pub(super) fn on_token(&mut self, client_id: ClientId, secrets: &TokenSecrets) {
        let id = LineId(self.lines.len());
        let ears = Eavesdropper::new(self.protocol_id, self.cipher, secrets);
        self.lines.push(Line::new(client_id, ears));
        self.live.push(id);
        let of_client = self.of_client.entry(client_id).or_default();
        of_client.push(id);
        if of_client.len() > LINES_OF_CLIENT {
            let oldest = of_client.remove(0);
            self.lines[oldest.0].retire();
            self.live.retain(|live| *live != oldest);
        }
    }

    /// Datagrams passed that were not listened to: what is said on the connections of now makes no sense any more.
    pub(super) fn lose_thread(&mut self) {
        self.live.drain(..).for_each(|id| self.lines[id.0].retire());
    }

    /// Somebody sends a datagram. What it says, if it is a payload of a connection that is known.
    pub(super) fn on_sent(&mut self, sent: &Sent<'_>, engine: &Engine) -> Option<&Said> {
        let packet = Eavesdropper::sequence(sent.datagram)?;
        let (from, address) = if sent.from == SERVER { (Side::Server, sent.to) } else { (Side::Client, sent.from) };
        let ear = Ear::new(address, from);
        let mut said = self.spare.take();
        let Some(id) = self.open(ear, from, sent.datagram, &mut said) else {
            self.spare.give_back(said);
            // Only who sends it himself is believed: anybody may put something that is nobody's on any address.
            if !matches!(self.known.get(&ear), Some(Ok(_))) {
                self.known.insert(ear, Err(self.lines.len()));
            }
            return None;
        };
        let Self { lines, names, spare, scratch, .. } = self;
        let line = &mut lines[id.0];
        said.begin(id, line.client_id, from, packet, sent);
        said.is_followed = line.is_followed;
        let names = names.entry(line.client_id).or_default();
        Reader { line, names, engine, scratch }.read(&mut said);
        let line = &mut lines[id.0];
        Some(line.way_mut(from).under_way.push(said, fingerprint(sent.datagram), spare))
    }

    /// A client takes a datagram that was sent to it. What it says, if this is the first time that it comes.
    pub(super) fn on_delivered(&mut self, client_id: ClientId, datagram: &[u8]) -> Option<Box<Said>> {
        match self.find(Side::Server, Some(client_id), datagram) {
            Found::News(said) => Some(said),
            Found::Again | Found::TooOld | Found::Unknown => None,
        }
    }

    /// The server takes a datagram, of a player or, if `player` is `None`, of whoever put it there. What it says, if it was sent,
    /// and this is the first time that it comes.
    ///
    /// A connection on which somebody puts what nobody sent is followed no further.
    pub(super) fn on_arrived(
        &mut self,
        player: Option<ClientId>,
        from: SocketAddr,
        datagram: &[u8],
    ) -> Option<Box<Said>> {
        match self.find(Side::Client, player, datagram) {
            Found::News(said) => Some(said),
            Found::Unknown if player.is_none() => {
                let ear = Ear::new(from, Side::Client);
                let (mut copy, known) = (self.spare.take(), self.known.get(&ear).copied());
                if let Some(id) = self.open(ear, Side::Client, datagram, &mut copy) {
                    self.lines[id.0].is_followed = false;
                }
                // Whoever speaks in somebody's name says nothing of who that is.
                match known {
                    Some(known) => self.known.insert(ear, known),
                    None => self.known.remove(&ear),
                };
                self.spare.give_back(copy);
                None
            }
            Found::Again | Found::TooOld | Found::Unknown => None,
        }
    }

    /// What was said is not needed any more.
    pub(super) fn give_back(&mut self, said: Box<Said>) {
        self.spare.give_back(said);
    }

    /// The datagram as it was sent, if it is still under way.
    fn find(&mut self, from: Side, client_id: Option<ClientId>, datagram: &[u8]) -> Found {
        let Some(packet) = Eavesdropper::sequence(datagram) else { return Found::Again };
        let print = fingerprint(datagram);
        let Self { lines, of_client, live, .. } = self;
        let of_one = client_id.map(|client_id| of_client.get(&client_id).map_or(&[][..], Vec::as_slice));
        let mut not_found = Found::Unknown;
        for id in of_one.unwrap_or(live).iter().rev() {
            match lines[id.0].way_mut(from).under_way.take(packet, print) {
                Found::Unknown => {}
                // Another connection may have begun with a later packet.
                Found::TooOld => not_found = Found::TooOld,
                found => return found,
            }
        }
        not_found
    }

    /// Decrypts a datagram into `said`, and finds out by that of which connection it is.
    fn open(&mut self, ear: Ear, from: Side, datagram: &[u8], said: &mut Said) -> Option<LineId> {
        let Self { lines, live, known, .. } = self;
        let last = known.get(&ear).copied();
        if last == Some(Err(lines.len())) {
            return None;
        }
        let last = last.and_then(Result::ok);
        let others = live.iter().rev().copied().filter(|id| Some(*id) != last);
        let found = last.into_iter().chain(others).find(|id| said.open(&lines[id.0].ears, from, datagram));
        if let Some(id) = found.filter(|_| found != last) {
            known.insert(ear, Ok(id));
        }
        found
    }
}

/// Tells datagrams of one sequence apart.
fn fingerprint(datagram: &[u8]) -> u64 {
    let mix = |hash: u64, word: u64| {
        let hash = (hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hash ^ hash >> 32
    };
    let (words, rest) = datagram.as_chunks::<8>();
    let hash = words.iter().fold(datagram.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    rest.iter().fold(hash, |hash, byte| mix(hash, u64::from(*byte)))
}
