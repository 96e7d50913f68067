use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use super::bytes::same_endpoint;
use super::cipher::{Cipher, Protocol};
use super::drops::{DropCounts, DropReason};
use super::packet::{Body, Header, PacketKind, read_challenge, read_keep_alive, write_request};
use super::private_token::CHALLENGE_TOKEN_BYTES;
use super::replay::ReplayWindow;
use super::token::ConnectToken;
use super::{DisconnectCause, FAREWELLS, PACKET_BYTES_MAX, PAYLOAD_BYTES_MAX, SEND_INTERVAL};
use crate::Instant;

/// How far a [`Client`] has come. The standard's *invalid connect token* is a [`super::TokenError`] before there is a
/// client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientState {
    /// Presents its connect token and waits for a challenge.
    SendingRequest,
    /// Returns the challenge and waits for a slot.
    SendingResponse,
    /// Exchanges payloads.
    Connected,
    /// It is over. A new connection takes a new client and a new connect token.
    Disconnected(DisconnectCause),
}

/// One attempt to connect, and the connection if it succeeds.
///
/// Hand it every datagram by [`Client::handle_datagram`], and send all that [`Client::poll_transmit`] has, at the latest
/// at [`Client::next_wakeup`].
pub struct Client {
    token: ConnectToken,
    cipher: Cipher,
    state: ClientState,
    /// Which of the token's servers is tried.
    server: usize,
    started_at: Instant,
    heard_at: Instant,
    send_at: Instant,
    /// Of the next packet to the server. Never starts again, not even for the next server: the key stays the same.
    sequence: u64,
    replay: ReplayWindow,
    challenge_sequence: u64,
    challenge_token: [u8; CHALLENGE_TOKEN_BYTES],
    client_index: u32,
    max_clients: u32,
    farewells_left: u8,
    drops: DropCounts,
}

impl Client {
    /// Starts to connect. The token may be used for one client only: its keys must never encrypt a second session.
    #[must_use]
    pub fn new(token: ConnectToken, now: Instant) -> Self {
        Self::with_cipher(token, Cipher::default(), now)
    }

    /// The same, of a server whose packets are not protected as the standard has it: see [`Cipher`].
    #[must_use]
    pub fn with_cipher(token: ConnectToken, cipher: Cipher, now: Instant) -> Self {
        Self {
            token,
            cipher,
            state: ClientState::SendingRequest,
            server: 0,
            started_at: now,
            heard_at: now,
            send_at: now,
            sequence: 0,
            replay: ReplayWindow::new(),
            challenge_sequence: 0,
            challenge_token: [0; CHALLENGE_TOKEN_BYTES],
            client_index: 0,
            max_clients: 0,
            farewells_left: 0,
            drops: DropCounts::new(),
        }
    }

    /// Takes a datagram. A payload is decrypted in place and returned; all else is dealt with here.
    pub fn handle_datagram<'a>(&mut self, from: SocketAddr, datagram: &'a mut [u8], now: Instant) -> Option<&'a [u8]> {
        self.accept(from, datagram, now).unwrap_or_else(|reason| {
            self.drops.count(reason);
            None
        })
    }

    /// Encrypts a payload and says how long the packet is and where it goes; `None` unless connected.
    ///
    /// # Panics
    /// If the payload is empty or longer than [`PAYLOAD_BYTES_MAX`].
    pub fn seal(
        &mut self,
        payload: &[u8],
        out: &mut [u8; PACKET_BYTES_MAX],
        now: Instant,
    ) -> Option<(usize, SocketAddr)> {
        assert!((1..=PAYLOAD_BYTES_MAX).contains(&payload.len()), "a payload has 1 to {PAYLOAD_BYTES_MAX} bytes");
        if self.state != ClientState::Connected {
            return None;
        }
        self.send_at = now + SEND_INTERVAL;
        Some(self.seal_body(Body::Payload(payload), out))
    }

    /// The next packet to send of the handshake, of the keep-alives or of the goodbyes. Call until `None`.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut [u8; PACKET_BYTES_MAX]) -> Option<(usize, SocketAddr)> {
        self.tick(now);
        if self.farewells_left > 0 {
            self.farewells_left -= 1;
            return Some(self.seal_body(Body::Disconnect, out));
        }
        if now < self.send_at {
            return None;
        }
        let packet = match self.state {
            ClientState::SendingRequest => (write_request(&self.token, out), self.server_address()),
            ClientState::SendingResponse => {
                let token = self.challenge_token;
                self.seal_body(Body::Response { sequence: self.challenge_sequence, token: &token }, out)
            }
            ClientState::Connected => self.seal_body(Body::KeepAlive { client_index: 0, max_clients: 0 }, out),
            ClientState::Disconnected(_) => return None,
        };
        self.send_at = now + SEND_INTERVAL;
        Some(packet)
    }

    /// Applies the timeouts. [`Client::poll_transmit`] does so too.
    pub fn tick(&mut self, now: Instant) {
        if self.is_connecting() && now >= self.expires_at() {
            self.state = ClientState::Disconnected(DisconnectCause::TokenExpired);
        }
        if self.times_out_at().is_none_or(|at| now < at) {
            return;
        }
        match self.state {
            ClientState::SendingRequest => self.try_next_server(DisconnectCause::RequestTimedOut, now),
            ClientState::SendingResponse => self.try_next_server(DisconnectCause::ResponseTimedOut, now),
            ClientState::Connected => self.state = ClientState::Disconnected(DisconnectCause::TimedOut),
            ClientState::Disconnected(_) => {}
        }
    }

    /// When to call [`Client::poll_transmit`] at the latest, if nothing else happens. `None` when all is over.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Instant> {
        if self.farewells_left > 0 {
            return Some(self.heard_at);
        }
        let expires_at = self.is_connecting().then(|| self.expires_at());
        match self.state {
            ClientState::Disconnected(_) => None,
            _ => [Some(self.send_at), self.times_out_at(), expires_at].into_iter().flatten().min(),
        }
    }

    /// Ends the connection. The goodbyes come out of [`Client::poll_transmit`].
    pub fn disconnect(&mut self) {
        if matches!(self.state, ClientState::Connected | ClientState::SendingResponse) {
            self.farewells_left = FAREWELLS;
        }
        if !matches!(self.state, ClientState::Disconnected(_)) {
            self.state = ClientState::Disconnected(DisconnectCause::Local);
        }
    }

    /// How far the connection has come.
    #[must_use]
    pub fn state(&self) -> ClientState {
        self.state
    }

    /// The server that is tried or connected to.
    #[must_use]
    pub fn server_address(&self) -> SocketAddr {
        self.token.servers()[self.server]
    }

    /// The slot that the server gave; 0 before.
    #[must_use]
    pub fn client_index(&self) -> u32 {
        self.client_index
    }

    /// How many slots the server has; 0 before it gave one.
    #[must_use]
    pub fn max_clients(&self) -> u32 {
        self.max_clients
    }

    /// After how long without a packet the connection ends; `None` for never.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.token.timeout()
    }

    /// How many datagrams were refused, and why.
    #[must_use]
    pub fn drops(&self) -> &DropCounts {
        &self.drops
    }

    fn accept<'a>(
        &mut self,
        from: SocketAddr,
        datagram: &'a mut [u8],
        now: Instant,
    ) -> Result<Option<&'a [u8]>, DropReason> {
        let header = Header::read(datagram)?;
        if !same_endpoint(from, self.server_address()) {
            return Err(DropReason::AddressUnknown);
        }
        if !self.takes(header.kind) {
            return Err(DropReason::TypeUnexpected);
        }
        if header.kind.is_session() && self.replay.refuses(header.sequence) {
            return Err(DropReason::Replayed);
        }
        let body = header.open(datagram, self.token.server_to_client(), self.protocol())?;
        if header.kind.is_session() {
            self.replay.mark(header.sequence);
        }
        self.heard_at = now;
        Ok(self.on_packet(header.kind, body, now))
    }

    /// Whether the standard lets this state take this type of packet.
    fn takes(&self, kind: PacketKind) -> bool {
        match self.state {
            ClientState::SendingRequest => matches!(kind, PacketKind::Denied | PacketKind::Challenge),
            ClientState::SendingResponse => matches!(kind, PacketKind::Denied | PacketKind::KeepAlive),
            ClientState::Connected => kind.is_session(),
            ClientState::Disconnected(_) => false,
        }
    }

    fn on_packet<'a>(&mut self, kind: PacketKind, body: &'a mut [u8], now: Instant) -> Option<&'a [u8]> {
        match kind {
            PacketKind::Denied => self.try_next_server(DisconnectCause::Denied, now),
            PacketKind::Challenge => {
                let (sequence, token) = read_challenge(body);
                self.challenge_sequence = sequence;
                self.challenge_token = *token;
                self.enter(ClientState::SendingResponse, now);
            }
            PacketKind::KeepAlive if self.state == ClientState::SendingResponse => {
                (self.client_index, self.max_clients) = read_keep_alive(body);
                self.enter(ClientState::Connected, now);
            }
            PacketKind::Payload => return Some(body),
            PacketKind::Disconnect => self.state = ClientState::Disconnected(DisconnectCause::Remote),
            PacketKind::KeepAlive | PacketKind::Request | PacketKind::Response => {}
        }
        None
    }

    /// Enters a state whose first packet goes out at once: the server learns without delay that its answer arrived.
    fn enter(&mut self, state: ClientState, now: Instant) {
        self.state = state;
        self.heard_at = now;
        self.send_at = now;
    }

    /// No packet of a session can have come yet, so that the replay window is as good as new.
    fn try_next_server(&mut self, cause: DisconnectCause, now: Instant) {
        if self.server + 1 == self.token.servers().len() {
            self.state = ClientState::Disconnected(cause);
            return;
        }
        self.server += 1;
        self.enter(ClientState::SendingRequest, now);
    }

    fn is_connecting(&self) -> bool {
        matches!(self.state, ClientState::SendingRequest | ClientState::SendingResponse)
    }

    /// The client's own clock tells how long it has tried, the token how long it may: what the date is here, or was at
    /// the backend, does not matter.
    fn expires_at(&self) -> Instant {
        self.started_at + Duration::from_secs(self.token.expire_unix_s() - self.token.create_unix_s())
    }

    fn times_out_at(&self) -> Option<Instant> {
        self.token.timeout().map(|timeout| self.heard_at + timeout)
    }

    fn protocol(&self) -> Protocol {
        Protocol { id: self.token.protocol_id(), cipher: self.cipher }
    }

    fn seal_body(&mut self, body: Body<'_>, out: &mut [u8; PACKET_BYTES_MAX]) -> (usize, SocketAddr) {
        let len = body.seal(out, self.sequence, self.token.client_to_server(), self.protocol());
        self.sequence += 1;
        (len, self.server_address())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("state", &self.state)
            .field("server", &self.server_address())
            .field("drops", &self.drops)
            .finish_non_exhaustive()
    }
}
