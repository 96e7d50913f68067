use std::io;
use std::marker::PhantomData;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tidelock::Instant;
use tidelock::netcode::{ConnectToken, PACKET_BYTES_MAX};
use tidelock::state::{Input, Schema};

use super::clock;
use crate::client::{Client, ClientConfig, ClientStats, Status};
use crate::universe::Packet;

/// A player who stands about, and whose packets are overheard. It has a thread of its own.
#[derive(Debug)]
pub struct Insider<I> {
    socket: UdpSocket,
    shared: Arc<Shared>,
    thread: JoinHandle<(Status, ClientStats)>,
    input: PhantomData<I>,
}

#[derive(Debug, Default)]
struct Shared {
    overheard: Mutex<Vec<Packet>>,
    stop: AtomicBool,
}

/// It looks after its connection this often.
const ROUND: Duration = Duration::from_millis(2);
/// Packets that are kept.
const OVERHEARD_MAX: usize = 4_096;

impl<I: Input + 'static> Insider<I> {
    /// Begins to connect.
    ///
    /// # Errors
    /// If there is no socket or no thread to be had.
    pub fn start(token: ConnectToken, schema: Arc<Schema>) -> io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_nonblocking(true)?;
        let shared = Arc::new(Shared::default());
        let (own, seen) = (socket.try_clone()?, Arc::clone(&shared));
        let client = Client::<I>::new(ClientConfig { token, schema }, clock::now());
        let builder = std::thread::Builder::new().name("tidelock-insider".to_owned());
        let thread = builder.spawn(move || play(client, &own, &seen))?;
        Ok(Self { socket, shared, thread, input: PhantomData })
    }

    /// What it has sent so far: first the whole handshake.
    #[must_use]
    pub fn overheard(&self) -> Vec<Packet> {
        self.shared.overheard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From which it sends.
    #[must_use]
    pub const fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Leaves, and tells how it was.
    ///
    /// # Panics
    /// If its thread did.
    #[must_use]
    pub fn stop(self) -> (Status, ClientStats) {
        self.shared.stop.store(true, Relaxed);
        self.thread.join().expect("a player does not panic")
    }
}

fn play<I: Input>(mut client: Client<I>, socket: &UdpSocket, shared: &Shared) -> (Status, ClientStats) {
    let mut packet = [0; 2048];
    while !shared.stop.load(Relaxed) {
        while let Ok((len, from)) = socket.recv_from(&mut packet) {
            client.handle_datagram(from, &mut packet[..len], clock::now());
        }
        let now = clock::now();
        while client.next_tick().is_some_and(|due| due <= now) {
            client.tick(&I::default(), now);
        }
        if client.next_wakeup() <= now {
            client.update(now);
        }
        speak(&mut client, socket, shared, now);
        while client.poll_event().is_some() {}
        clock::sleep_until(now + ROUND);
    }
    let how = (client.status(), *client.stats());
    client.disconnect();
    speak(&mut client, socket, shared, clock::now());
    how
}

fn speak<I: Input>(client: &mut Client<I>, socket: &UdpSocket, shared: &Shared, now: Instant) {
    let mut packet = [0; PACKET_BYTES_MAX];
    while let Some((len, to)) = client.poll_transmit(now, &mut packet) {
        // What the socket does not take is lost, as on any link.
        let _ = socket.send_to(&packet[..len], to);
        let mut overheard = shared.overheard.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Ok(from), true) = (socket.local_addr(), overheard.len() < OVERHEARD_MAX) {
            overheard.push(Packet { from, to, datagram: packet[..len].to_vec() });
        }
    }
}
