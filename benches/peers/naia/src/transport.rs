//! A transport in memory. The library's own looks through all clients for each packet, which would bill the server for it.

use naia_client::transport as client;
use naia_server::transport as server;
use naia_shared::IdentityToken;
use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Packets = VecDeque<(SocketAddr, Vec<u8>)>;

/// What is on its way, and who may come in.
#[derive(Clone, Default)]
pub(super) struct Hub(Arc<Mutex<Mail>>);

#[derive(Default)]
struct Mail {
    auths: Packets,
    tokens: BTreeMap<SocketAddr, IdentityToken>,
    from_server: Packets,
    to_server: Packets,
    from_clients: Packets,
}

/// What has arrived at a client.
#[derive(Clone, Default)]
pub(super) struct ClientInbox(Arc<Mutex<VecDeque<Vec<u8>>>>);

const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4000);
const FIRST_PORT: u16 = 5000;

pub(super) fn address(client: usize) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, FIRST_PORT + client as u16))
}

pub(super) fn number_of(address: SocketAddr) -> usize {
    usize::from(address.port() - FIRST_PORT)
}

impl Hub {
    pub(super) fn take_sent_by_server(&self) -> Packets {
        std::mem::take(&mut self.mail().from_server)
    }

    pub(super) fn take_sent_by_clients(&self) -> Packets {
        std::mem::take(&mut self.mail().from_clients)
    }

    pub(super) fn deliver_to_server(&self, from: SocketAddr, packet: Vec<u8>) {
        self.mail().to_server.push_back((from, packet));
    }

    fn mail(&self) -> MutexGuard<'_, Mail> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientInbox {
    pub(super) fn push(&self, packet: Vec<u8>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(packet);
    }

    fn pop(&self) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

pub(super) struct ServerSocket(pub(super) Hub);

impl From<ServerSocket> for Box<dyn server::Socket> {
    fn from(socket: ServerSocket) -> Self {
        Box::new(socket)
    }
}

impl server::Socket for ServerSocket {
    fn listen(self: Box<Self>) -> server::ListenResult {
        let Self(hub) = *self;
        (
            Box::new(AuthSender(hub.clone())),
            Box::new(AuthReceiver(hub.clone(), Vec::new())),
            Box::new(ServerSender(hub.clone())),
            Box::new(ServerReceiver(hub, Vec::new())),
        )
    }
}

struct AuthSender(Hub);

impl server::AuthSender for AuthSender {
    fn accept(&self, address: &SocketAddr, token: &IdentityToken) -> Result<(), server::SendError> {
        self.0.mail().tokens.insert(*address, token.clone());
        Ok(())
    }

    fn reject(&self, address: &SocketAddr) -> Result<(), server::SendError> {
        panic!("{address} is rejected, and nobody should be")
    }
}

/// The packet last received stays with the receiver, which lends it.
#[derive(Clone)]
struct AuthReceiver(Hub, Vec<u8>);

impl server::AuthReceiver for AuthReceiver {
    fn receive(&mut self) -> Result<Option<(SocketAddr, &[u8])>, server::RecvError> {
        let Some((from, bytes)) = self.0.mail().auths.pop_front() else { return Ok(None) };
        self.1 = bytes;
        Ok(Some((from, &self.1)))
    }
}

#[derive(Clone)]
struct ServerSender(Hub);

impl server::PacketSender for ServerSender {
    fn send(&self, to: &SocketAddr, packet: &[u8]) -> Result<(), server::SendError> {
        self.0.mail().from_server.push_back((*to, packet.to_vec()));
        Ok(())
    }
}

#[derive(Clone)]
struct ServerReceiver(Hub, Vec<u8>);

impl server::PacketReceiver for ServerReceiver {
    fn receive(&mut self) -> Result<Option<(SocketAddr, &[u8])>, server::RecvError> {
        let Some((from, bytes)) = self.0.mail().to_server.pop_front() else { return Ok(None) };
        self.1 = bytes;
        Ok(Some((from, &self.1)))
    }
}

pub(super) struct ClientSocket {
    pub(super) hub: Hub,
    pub(super) address: SocketAddr,
    pub(super) inbox: ClientInbox,
}

type ClientParts = (Box<dyn client::IdentityReceiver>, Box<dyn client::PacketSender>, Box<dyn client::PacketReceiver>);

impl From<ClientSocket> for Box<dyn client::Socket> {
    fn from(socket: ClientSocket) -> Self {
        Box::new(socket)
    }
}

impl client::Socket for ClientSocket {
    fn connect(self: Box<Self>) -> ClientParts {
        self.connect_with_auth(Vec::new())
    }

    fn connect_with_auth(self: Box<Self>, auth: Vec<u8>) -> ClientParts {
        let Self { hub, address, inbox } = *self;
        hub.mail().auths.push_back((address, auth));
        (
            Box::new(IdentityReceiver(hub.clone(), address)),
            Box::new(ClientSender(hub, address)),
            Box::new(ClientReceiver(inbox, Vec::new())),
        )
    }

    fn connect_with_auth_headers(self: Box<Self>, _headers: Vec<(String, String)>) -> ClientParts {
        self.connect()
    }

    fn connect_with_auth_and_headers(self: Box<Self>, auth: Vec<u8>, _headers: Vec<(String, String)>) -> ClientParts {
        self.connect_with_auth(auth)
    }
}

#[derive(Clone)]
struct IdentityReceiver(Hub, SocketAddr);

impl client::IdentityReceiver for IdentityReceiver {
    fn receive(&mut self) -> client::IdentityReceiverResult {
        match self.0.mail().tokens.get(&self.1) {
            Some(token) => client::IdentityReceiverResult::Success(token.clone()),
            None => client::IdentityReceiverResult::Waiting,
        }
    }
}

#[derive(Clone)]
struct ClientSender(Hub, SocketAddr);

impl client::PacketSender for ClientSender {
    fn send(&self, packet: &[u8]) -> Result<(), client::SendError> {
        self.0.mail().from_clients.push_back((self.1, packet.to_vec()));
        Ok(())
    }

    fn server_addr(&self) -> client::ServerAddr {
        client::ServerAddr::Found(SERVER)
    }
}

#[derive(Clone)]
struct ClientReceiver(ClientInbox, Vec<u8>);

impl client::PacketReceiver for ClientReceiver {
    fn receive(&mut self) -> Result<Option<&[u8]>, client::RecvError> {
        let Some(bytes) = self.0.pop() else { return Ok(None) };
        self.1 = bytes;
        Ok(Some(&self.1))
    }

    fn server_addr(&self) -> client::ServerAddr {
        client::ServerAddr::Found(SERVER)
    }
}
