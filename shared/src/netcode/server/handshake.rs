use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::session::Session;
use super::{Peer, Server, ServerEvent};
use crate::netcode::aead::{Forged, open_extended};
use crate::netcode::bytes::same_endpoint;
use crate::netcode::deadlines::Deadlines;
use crate::netcode::drops::DropReason;
use crate::netcode::packet::{Body, Header, Request, read_challenge};
use crate::netcode::private_token::{
    PRIVATE_TOKEN_BYTES, PrivateToken, open_challenge_token, token_aad, write_challenge_token,
};
use crate::netcode::token::timeout;
use crate::netcode::{Key, TAG_BYTES};
use crate::{ClientId, Instant};

/// How long a handshake may take when the token has no timeout.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// A client that was challenged and has not answered yet.
pub(super) struct Handshake {
    address: SocketAddr,
    client_id: ClientId,
    client_to_server: Key,
    server_to_client: Key,
    timeout: Option<Duration>,
    /// Names the token in the history.
    tag: [u8; TAG_BYTES],
}

/// The handshakes under way, as many as were declared at the start.
pub(super) struct Handshakes {
    slots: Vec<Option<Handshake>>,
    free: Vec<u16>,
    deadlines: Deadlines,
}

impl Handshakes {
    pub(super) fn new(max: usize) -> Self {
        let count = u16::try_from(max).expect("at most 16,640 handshakes");
        Self {
            slots: (0..max).map(|_| None).collect(),
            free: (0..count).rev().collect(),
            deadlines: Deadlines::new(max),
        }
    }

    /// How many are under way.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Keeps a handshake, in the place of `replaced` if the address had one.
    fn begin(&mut self, handshake: Handshake, replaced: Option<u16>, now: Instant) -> Option<u16> {
        let index = replaced.or_else(|| self.free.pop())?;
        let slot = usize::from(index);
        self.deadlines.set(slot, now + handshake.timeout.unwrap_or(HANDSHAKE_TIMEOUT));
        self.slots[slot] = Some(handshake);
        Some(index)
    }

    fn end(&mut self, index: u16) -> Option<Handshake> {
        let slot = usize::from(index);
        let handshake = self.slots[slot].take()?;
        self.deadlines.clear(slot);
        self.free.push(index);
        Some(handshake)
    }

    /// Ends a handshake that took too long, and says whose it was.
    pub(super) fn poll_timeout(&mut self, now: Instant) -> Option<SocketAddr> {
        let index = u16::try_from(self.deadlines.poll(now)?).expect("at most 16,640 handshakes");
        self.end(index).map(|handshake| handshake.address)
    }

    pub(super) fn next_wakeup(&self) -> Option<Instant> {
        self.deadlines.next()
    }
}

impl Server {
    /// Answers a connection request. What needs no key is checked first, and a repeated request costs no decryption once
    /// its token is used.
    pub(super) fn on_request(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        now: Instant,
        unix_s: u64,
    ) -> Result<(), DropReason> {
        let request = Request::read(datagram, self.config.protocol_id)?;
        self.check_request(&request, from, unix_s)?;
        let token = self.open_token(&request, from, now)?;
        if !self.is_named_by(&token) {
            return Err(DropReason::TokenForOtherServer);
        }
        // A client may come back from the address that it lost its session at. Another waits until that is over.
        let connected = self.by_address.get(&from).and_then(|peer| peer.session);
        if connected.and_then(|slot| self.client_id(slot)).is_some_and(|client_id| client_id != token.client_id) {
            return Err(DropReason::AddressConnected);
        }
        self.history.admit(request.tag(), from, request.expire_unix_s, unix_s)?;
        if self.sessions.is_full() {
            self.deny(from, &token.server_to_client);
            return Err(DropReason::ServerFull);
        }
        self.begin_handshake(&token, request.tag(), from, now)?;
        self.challenge(&token, from);
        Ok(())
    }

    fn check_request(&self, request: &Request<'_>, from: SocketAddr, unix_s: u64) -> Result<(), DropReason> {
        if request.expire_unix_s <= unix_s {
            Err(DropReason::TokenExpired)
        } else if self.config.token_floor_unix_s.is_some_and(|floor| request.expire_unix_s < floor) {
            Err(DropReason::TokenPredatesStart)
        } else if self.config.token_lifetime_max_s.is_some_and(|max| request.expire_unix_s - unix_s > max) {
            Err(DropReason::TokenLivesTooLong)
        } else if self.history.refuses(&request.tag(), from) {
            Err(DropReason::TokenUsed)
        } else if self.outbox.is_full() {
            Err(DropReason::RepliesFull)
        } else {
            Ok(())
        }
    }

    /// Tries every private key, each against the budget.
    fn open_token(
        &mut self,
        request: &Request<'_>,
        from: SocketAddr,
        now: Instant,
    ) -> Result<PrivateToken, DropReason> {
        if self.failures.refuses(from, now) {
            return Err(DropReason::AddressFailing);
        }
        let aad = token_aad(self.config.protocol_id, request.expire_unix_s);
        let mut sealed = [0; PRIVATE_TOKEN_BYTES];
        for key in &self.config.private_keys {
            if !self.budget.take(now) {
                return Err(DropReason::OverBudget);
            }
            sealed.copy_from_slice(request.sealed);
            if let Ok(message) = open_extended(&mut sealed, &aad, request.nonce, key) {
                return PrivateToken::read(message).ok_or(DropReason::TokenMalformed);
            }
        }
        self.failures.count(from);
        Err(DropReason::TokenUndecryptable)
    }

    fn is_named_by(&self, token: &PrivateToken) -> bool {
        let public = &self.config.public_addresses;
        token.servers.iter().any(|named| public.iter().any(|own| same_endpoint(*own, *named)))
    }

    fn begin_handshake(
        &mut self,
        token: &PrivateToken,
        tag: [u8; TAG_BYTES],
        from: SocketAddr,
        now: Instant,
    ) -> Result<(), DropReason> {
        let replaced = self.by_address.get(&from).and_then(|peer| peer.handshake);
        let handshake = Handshake {
            address: from,
            client_id: token.client_id,
            client_to_server: token.client_to_server.clone(),
            server_to_client: token.server_to_client.clone(),
            timeout: timeout(token.timeout_s),
            tag,
        };
        let index = self.handshakes.begin(handshake, replaced, now).ok_or(DropReason::HandshakesFull)?;
        self.change_peer(from, |peer| peer.handshake = Some(index));
        Ok(())
    }

    /// Gives a slot to a client that returns its challenge. The user data stays in the datagram. Whoever has the same id
    /// already is superseded: most often it is the same player, whose address has changed.
    pub(super) fn on_response<'a>(
        &mut self,
        index: u16,
        header: &Header,
        datagram: &'a mut [u8],
        now: Instant,
    ) -> Result<ServerEvent<'a>, DropReason> {
        let handshake = self.handshakes.slots[usize::from(index)].as_ref().expect("the address map names it");
        let body = header.open(datagram, &handshake.client_to_server, self.config.protocol())?;
        let (sequence, token) = read_challenge(body);
        let (client_id, user_data) = open_challenge_token(token, sequence, &self.config.challenge_key)
            .map_err(|Forged| DropReason::ChallengeUndecryptable)?;
        if client_id != handshake.client_id {
            return Err(DropReason::ChallengeMismatch);
        }
        // The same client may have begun handshakes from two addresses that are one endpoint.
        if self.history.is_consumed(&handshake.tag) {
            return Err(DropReason::TokenUsed);
        }
        if self.sessions.is_full() {
            let (address, key) = (handshake.address, handshake.server_to_client.clone());
            self.deny(address, &key);
            return Err(DropReason::ServerFull);
        }
        let handshake = self.handshakes.end(index).expect("it was there above");
        self.history.consume(&handshake.tag);
        let Handshake { address, client_to_server, server_to_client, timeout, .. } = handshake;
        let session = Session::new(address, client_id, [client_to_server, server_to_client], timeout);
        let superseded = self.sessions.of_client(client_id);
        let slot = self.sessions.begin(session, now).expect("a slot is free");
        self.by_address.insert(address, Peer { session: Some(slot), handshake: None });
        Ok(ServerEvent::Connected { slot, client_id, address, user_data, superseded })
    }

    /// Once a tick, not for each request: it looks at all of them whenever one has ended.
    pub(super) fn expire_handshakes(&mut self, now: Instant) {
        while let Some(address) = self.handshakes.poll_timeout(now) {
            self.change_peer(address, |peer| peer.handshake = None);
        }
    }

    fn challenge(&mut self, token: &PrivateToken, to: SocketAddr) {
        let sequence = self.challenge_sequence;
        self.challenge_sequence += 1;
        let sealed = write_challenge_token(token.client_id, &token.user_data, sequence, &self.config.challenge_key);
        self.reply(to, Body::Challenge { sequence, token: &sealed }, &token.server_to_client);
    }

    fn deny(&mut self, to: SocketAddr, key: &Key) {
        self.reply(to, Body::Denied, key);
    }

    /// Queues a packet outside a session, under the sequences that no session uses.
    fn reply(&mut self, to: SocketAddr, body: Body<'_>, key: &Key) {
        let sequence = self.global_sequence;
        self.global_sequence += 1;
        let protocol = self.config.protocol();
        self.outbox.reply(to, |out| body.seal(out, sequence, key, protocol));
    }
}
