mod budget;
mod config;
mod failures;
mod handshake;
mod history;
mod outbox;
mod sealers;
mod session;

use alloc::vec::Vec;
use core::fmt;
use core::net::{SocketAddr, SocketAddrV6};

use hashbrown::HashMap;

use super::drops::{DropCounts, DropReason};
use super::key::Key;
use super::keyed_hash::KeyedHash;
use super::packet::{Body, GLOBAL_SEQUENCE, Header, PacketKind};
use super::{DisconnectCause, PACKET_BYTES_MAX, USER_DATA_BYTES};
use crate::{Buffer, ClientId, Instant};
use budget::Budget;
use failures::Failures;
use handshake::Handshakes;
use history::TokenHistory;
use outbox::Outbox;
use session::Sessions;

pub use config::{ServerConfig, ServerConfigError, ServerSecrets};
pub use sealers::Sealers;

/// The place of a connected client, from 0 to one less than the number of slots. Free again when the client has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u16);

impl Slot {
    /// The slot as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a datagram meant. What it points to lies in the datagram, so that the server is free meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerEvent<'a> {
    /// Nothing: it was refused, and counted.
    Dropped(DropReason),
    /// A handshake went a step on, or a keep-alive came. Nothing to do.
    Handled,
    /// A client has a slot from now on.
    Connected {
        /// Where it is.
        slot: Slot,
        /// Whom its connect token names.
        client_id: ClientId,
        /// Where it receives.
        address: SocketAddr,
        /// What the backend said of it.
        user_data: &'a [u8; USER_DATA_BYTES],
        /// An older session with the same client id. The id is no longer its; it stays connected until
        /// [`Server::disconnect`], so that it can be told why.
        superseded: Option<Slot>,
    },
    /// A client sent a payload.
    Payload {
        /// Who.
        slot: Slot,
        /// 1 to 1,200 bytes.
        payload: &'a [u8],
    },
    /// A client said goodbye. Its slot is free.
    Disconnected {
        /// Where it was.
        slot: Slot,
        /// Always [`DisconnectCause::Remote`].
        cause: DisconnectCause,
    },
}

/// The server's half of netcode: handshakes, slots and the encryption of what goes in and out.
///
/// Every datagram goes into [`Server::handle_datagram`]. Call [`Server::poll_transmit`] until it is `None` after a batch
/// of them, and before payloads are sealed; call [`Server::poll_timeout`] until it is `None` once per tick.
/// Memory is bounded by the configuration and taken at the start, and each packet costs the same however many clients there are.
pub struct Server {
    config: ServerConfig,
    by_address: HashMap<SocketAddr, Peer, KeyedHash>,
    sessions: Sessions,
    handshakes: Handshakes,
    history: TokenHistory,
    budget: Budget,
    failures: Failures,
    outbox: Outbox,
    global_sequence: u64,
    challenge_sequence: u64,
    drops: DropCounts,
}

/// Who is behind an address: at times both, when a client that lost its session comes back with a new token.
#[derive(Clone, Copy, Default)]
struct Peer {
    session: Option<Slot>,
    handshake: Option<u16>,
}

impl Server {
    /// A server without clients.
    ///
    /// # Errors
    /// If the configuration is out of its declared ranges.
    pub fn new(config: ServerConfig, now: Instant) -> Result<Self, ServerConfigError> {
        config.check()?;
        let hash = KeyedHash::new(&config.hash_key);
        // Twice as much as can be in it: a hash map that is never more than half full never grows.
        let peers = 2 * (config.max_clients + config.handshakes_max);
        Ok(Self {
            by_address: HashMap::with_capacity_and_hasher(peers, hash.clone()),
            sessions: Sessions::new(config.max_clients, hash.clone()),
            handshakes: Handshakes::new(config.handshakes_max),
            failures: Failures::new(config.token_failures_per_address_per_s, hash.clone(), now),
            history: TokenHistory::new(config.token_history_max, hash),
            budget: Budget::new(config.token_opens_per_s, config.token_opens_burst, now),
            outbox: Outbox::new(config.replies_max, config.max_clients),
            global_sequence: GLOBAL_SEQUENCE | config.global_sequence,
            challenge_sequence: 0,
            drops: DropCounts::new(),
            config,
        })
    }

    /// Takes a datagram, and decrypts it in place. `unix_s` is the date, in seconds since 1970, of which only the expiry
    /// of connect tokens depends.
    pub fn handle_datagram<'a>(
        &mut self,
        from: SocketAddr,
        datagram: &'a mut [u8],
        now: Instant,
        unix_s: u64,
    ) -> ServerEvent<'a> {
        self.accept(without_flow(from), datagram, now, unix_s).unwrap_or_else(|reason| {
            self.drops.count(reason);
            ServerEvent::Dropped(reason)
        })
    }

    /// Encrypts a payload into `out`, which has room for [`PACKET_BYTES_MAX`] bytes, and says how long the packet is
    /// and where it goes; `None` if the slot is free.
    ///
    /// # Panics
    /// If the payload is empty or longer than [`PAYLOAD_BYTES_MAX`](super::PAYLOAD_BYTES_MAX), or does not fit `out`.
    pub fn seal(&mut self, slot: Slot, payload: &[u8], out: &mut [u8], now: Instant) -> Option<(usize, SocketAddr)> {
        let sealed = self.sealers().seal(slot, payload, out)?;
        self.sent(slot, now);
        Some(sealed)
    }

    /// All clients, to seal payloads for them elsewhere.
    pub fn sealers(&mut self) -> Sealers<'_> {
        Sealers::new(self.sessions.slots_mut(), self.config.protocol())
    }

    /// Notes that a packet was sealed for a client by [`Server::sealers`], and goes out.
    pub fn sent(&mut self, slot: Slot, now: Instant) {
        self.sessions.sent(slot, now);
    }

    /// The next packet to send of the handshakes, the goodbyes and the keep-alives. Call until `None`.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut [u8; PACKET_BYTES_MAX]) -> Option<(usize, SocketAddr)> {
        if let Some(packet) = self.outbox.poll(out) {
            return Some(packet);
        }
        let slot = self.sessions.poll_keep_alive(now)?;
        let max_clients = self.sessions.max() as u32;
        let session = self.sessions.at_mut(slot).expect("only a client has a keep-alive due");
        let body = Body::KeepAlive { client_index: u32::from(slot.0), max_clients };
        let len = session.seal(body, out, self.config.protocol());
        Some((len, session.address))
    }

    /// A client of which nothing was heard for as long as its token says. Call until `None`. Each silence is told once;
    /// [`Server::disconnect`] ends it, when the client has been told why: the way to it may work.
    pub fn poll_timeout(&mut self, now: Instant) -> Option<Slot> {
        self.expire_handshakes(now);
        self.sessions.poll_timeout(now)
    }

    /// When to call [`Server::poll_transmit`] and [`Server::poll_timeout`] at the latest, if nothing else happens. Early
    /// at times, never late; the start of time if packets wait.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Instant> {
        if !self.outbox.is_empty() || self.sessions.has_greetings() {
            return Some(Instant::from_us(0));
        }
        self.sessions.next_wakeup().into_iter().chain(self.handshakes.next_wakeup()).min()
    }

    /// Frees a slot. The goodbyes come out of [`Server::poll_transmit`]. Whether there was a client.
    pub fn disconnect(&mut self, slot: Slot) -> bool {
        let Some(mut session) = self.end(slot) else { return false };
        let protocol = self.config.protocol();
        self.outbox.farewell(session.address, |out| session.seal(Body::Disconnect, out, protocol));
        true
    }

    /// Where a client receives.
    #[must_use]
    pub fn address(&self, slot: Slot) -> Option<SocketAddr> {
        self.sessions.at(slot).map(|session| session.address)
    }

    /// Whom a client's connect token names.
    #[must_use]
    pub fn client_id(&self, slot: Slot) -> Option<ClientId> {
        self.sessions.at(slot).map(|session| session.client_id)
    }

    /// Where a client is: the newest of its sessions.
    #[must_use]
    pub fn slot_of(&self, client_id: ClientId) -> Option<Slot> {
        self.sessions.of_client(client_id)
    }

    /// Whether a client was heard since it has its slot, and so knows that it has it.
    #[must_use]
    pub fn is_confirmed(&self, slot: Slot) -> bool {
        self.sessions.at(slot).is_some_and(|session| session.confirmed)
    }

    /// How many clients are connected.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.sessions.len()
    }

    /// How many clients could be.
    #[must_use]
    pub fn max_clients(&self) -> usize {
        self.sessions.max()
    }

    /// The slots in use, in order.
    pub fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        self.sessions.connected()
    }

    /// How many datagrams were refused, and why.
    #[must_use]
    pub fn drops(&self) -> &DropCounts {
        &self.drops
    }

    /// Every buffer that strangers or clients can fill.
    pub fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        let peers_max = self.config.max_clients + self.config.handshakes_max;
        see(Buffer { name: "addresses", len: self.by_address.len(), max: peers_max });
        self.sessions.buffers(see);
        see(Buffer { name: "handshakes", len: self.handshakes.len(), max: self.config.handshakes_max });
        see(Buffer { name: "tokens remembered", len: self.history.len(), max: self.config.token_history_max });
        self.outbox.buffers(see);
    }

    /// Rotates the keys shared with the backends. Who is connected stays.
    ///
    /// # Errors
    /// [`ServerConfigError::PrivateKeys`] if there are none or more than four; the old ones then stay.
    pub fn set_private_keys(&mut self, private_keys: Vec<Key>) -> Result<(), ServerConfigError> {
        if !(1..=config::PRIVATE_KEYS_MAX).contains(&private_keys.len()) {
            return Err(ServerConfigError::PrivateKeys);
        }
        self.config.private_keys = private_keys;
        Ok(())
    }

    /// Changes which addresses tokens may name. Who is connected stays.
    ///
    /// # Errors
    /// [`ServerConfigError::PublicAddresses`] if there are none; the old ones then stay.
    pub fn set_public_addresses(&mut self, public_addresses: Vec<SocketAddr>) -> Result<(), ServerConfigError> {
        if public_addresses.is_empty() {
            return Err(ServerConfigError::PublicAddresses);
        }
        self.config.public_addresses = public_addresses;
        Ok(())
    }

    fn accept<'a>(
        &mut self,
        from: SocketAddr,
        datagram: &'a mut [u8],
        now: Instant,
        unix_s: u64,
    ) -> Result<ServerEvent<'a>, DropReason> {
        if datagram.first() == Some(&(PacketKind::Request as u8)) {
            return self.on_request(from, datagram, now, unix_s).map(|()| ServerEvent::Handled);
        }
        let header = Header::read(datagram)?;
        let peer = self.by_address.get(&from).ok_or(DropReason::AddressUnknown)?;
        match (peer, header.kind) {
            (Peer { handshake: Some(index), .. }, PacketKind::Response) => {
                self.on_response(*index, &header, datagram, now)
            }
            (Peer { session: Some(_), .. }, PacketKind::Response) => Err(DropReason::AddressConnected),
            (Peer { session: Some(slot), .. }, kind) if kind.is_session() => {
                self.on_session_packet(*slot, &header, datagram, now)
            }
            _ => Err(DropReason::TypeUnexpected),
        }
    }

    fn on_session_packet<'a>(
        &mut self,
        slot: Slot,
        header: &Header,
        datagram: &'a mut [u8],
        now: Instant,
    ) -> Result<ServerEvent<'a>, DropReason> {
        let session = self.sessions.at_mut(slot).expect("the address map names it");
        if session.replay.refuses(header.sequence) {
            return Err(DropReason::Replayed);
        }
        let body = header.open(datagram, &session.client_to_server, self.config.protocol())?;
        session.replay.mark(header.sequence);
        if header.kind == PacketKind::Disconnect {
            self.end(slot);
            return Ok(ServerEvent::Disconnected { slot, cause: DisconnectCause::Remote });
        }
        session.confirmed = true;
        self.sessions.heard(slot, now);
        Ok(match header.kind {
            PacketKind::Payload => ServerEvent::Payload { slot, payload: body },
            _ => ServerEvent::Handled,
        })
    }

    fn end(&mut self, slot: Slot) -> Option<session::Session> {
        let session = self.sessions.end(slot)?;
        if self.by_address.get(&session.address).is_some_and(|peer| peer.session == Some(slot)) {
            self.change_peer(session.address, |peer| peer.session = None);
        }
        Some(session)
    }

    /// Changes who is behind an address, and forgets it when that is nobody.
    fn change_peer(&mut self, address: SocketAddr, change: impl FnOnce(&mut Peer)) {
        let peer = self.by_address.entry(address).or_default();
        change(peer);
        if peer.session.is_none() && peer.handshake.is_none() {
            self.by_address.remove(&address);
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("clients", &self.clients())
            .field("max_clients", &self.max_clients())
            .field("drops", &self.drops)
            .finish_non_exhaustive()
    }
}

/// The address without the IPv6 flow label, which a sender may change from packet to packet.
fn without_flow(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(_) => address,
        SocketAddr::V6(v6) => SocketAddr::V6(SocketAddrV6::new(*v6.ip(), v6.port(), 0, v6.scope_id())),
    }
}
