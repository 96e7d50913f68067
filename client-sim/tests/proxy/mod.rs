//! A bad link that is not ours: a UDP proxy with a thread for each way, its own clock and its own chance. It shares no code with
//! `link`, so that what both say of a run can be held against each other.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What it does to each way.
#[derive(Clone, Copy, Default)]
pub(crate) struct Habits {
    /// Everything takes so long.
    pub(crate) latency: Duration,
    /// And up to so much more, all alike; order is kept.
    pub(crate) jitter: Duration,
    /// One in so many never arrives; 0 is none.
    pub(crate) lose_one_in: u64,
    /// One in so many arrives twice.
    pub(crate) double_one_in: u64,
    /// One in so many is held back until another has passed.
    pub(crate) hold_one_in: u64,
}

/// What it did to one way, in datagrams.
#[derive(Default)]
pub(crate) struct Deeds {
    pub(crate) seen: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) doubled: AtomicU64,
    pub(crate) held: AtomicU64,
}

/// Runs until it is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    pub(crate) up: Arc<Deeds>,
    pub(crate) down: Arc<Deeds>,
    server: Arc<Mutex<Option<SocketAddr>>>,
    /// Nothing passes.
    is_cut: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// One way: what waits, by when it is due and in which order it came.
struct Way {
    habits: Habits,
    deeds: Arc<Deeds>,
    is_cut: Arc<AtomicBool>,
    chance: u64,
    waiting: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    count: u64,
    last_due: Option<Instant>,
    /// By the client it is of or for.
    held: BTreeMap<usize, Vec<u8>>,
}

impl Way {
    fn new(habits: Habits, deeds: Arc<Deeds>, is_cut: Arc<AtomicBool>, chance: u64) -> Self {
        Self {
            habits,
            deeds,
            is_cut,
            chance,
            waiting: BTreeMap::new(),
            count: 0,
            last_due: None,
            held: BTreeMap::new(),
        }
    }

    /// A linear congruential generator: Knuth's MMIX. Its upper bits are good enough for a proxy.
    fn draw(&mut self, below: u64) -> u64 {
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 33) % below
    }

    fn happens(&mut self, one_in: u64) -> bool {
        one_in > 0 && self.draw(one_in) == 0
    }

    fn push(&mut self, client: usize, datagram: &[u8], now: Instant) {
        self.deeds.seen.fetch_add(1, Relaxed);
        if self.is_cut.load(Relaxed) || self.happens(self.habits.lose_one_in) {
            self.deeds.lost.fetch_add(1, Relaxed);
            return;
        }
        if self.happens(self.habits.hold_one_in) && !self.held.contains_key(&client) {
            self.deeds.held.fetch_add(1, Relaxed);
            self.held.insert(client, datagram.to_vec());
            return;
        }
        let jitter_us = self.habits.jitter.as_micros() as u64;
        let extra = Duration::from_micros(if jitter_us > 0 { self.draw(jitter_us) } else { 0 });
        let due = (now + self.habits.latency + extra).max(self.last_due.unwrap_or(now));
        self.last_due = Some(due);
        self.schedule(due, client, datagram.to_vec());
        if let Some(held) = self.held.remove(&client) {
            self.schedule(due, client, held);
        }
        if self.happens(self.habits.double_one_in) {
            self.deeds.doubled.fetch_add(1, Relaxed);
            self.schedule(due, client, datagram.to_vec());
        }
    }

    fn schedule(&mut self, due: Instant, client: usize, datagram: Vec<u8>) {
        self.waiting.insert((due, self.count), (client, datagram));
        self.count += 1;
    }

    fn pop(&mut self, now: Instant) -> Option<(usize, Vec<u8>)> {
        let first = self.waiting.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

/// The sockets that stand for clients towards the server, by the client's address.
#[derive(Default)]
struct Clients {
    numbers: BTreeMap<SocketAddr, usize>,
    all: Vec<(SocketAddr, UdpSocket)>,
}

impl Proxy {
    /// In front of a server that is told later: it has to know this address first.
    pub(crate) fn start(up: Habits, down: Habits) -> Self {
        let front = UdpSocket::bind("127.0.0.1:0").unwrap();
        front.set_nonblocking(true).unwrap();
        let address = front.local_addr().unwrap();
        let (deeds_up, deeds_down) = (Arc::new(Deeds::default()), Arc::new(Deeds::default()));
        let (server, stop) = (Arc::new(Mutex::new(None)), Arc::new(AtomicBool::new(false)));
        let is_cut = Arc::new(AtomicBool::new(false));
        let clients = Arc::new(Mutex::new(Clients::default()));
        let back = front.try_clone().unwrap();
        let upward = {
            let (way, server, clients, stop) =
                (Way::new(up, deeds_up.clone(), is_cut.clone(), 1), server.clone(), clients.clone(), stop.clone());
            std::thread::spawn(move || carry_up(way, &front, &server, &clients, &stop))
        };
        let downward = {
            let (way, stop) = (Way::new(down, deeds_down.clone(), is_cut.clone(), 2), stop.clone());
            std::thread::spawn(move || carry_down(way, &back, &clients, &stop))
        };
        Self { address, up: deeds_up, down: deeds_down, server, is_cut, stop, threads: vec![upward, downward] }
    }

    /// From now on nothing passes, or everything does again.
    pub(crate) fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Relaxed);
    }

    pub(crate) fn lead_to(&self, server: SocketAddr) {
        *self.server.lock().unwrap() = Some(server);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        self.threads.drain(..).for_each(|thread| thread.join().unwrap());
    }
}

fn carry_up(
    mut way: Way,
    front: &UdpSocket,
    server: &Mutex<Option<SocketAddr>>,
    clients: &Mutex<Clients>,
    stop: &AtomicBool,
) {
    let mut buffer = [0; 2048];
    while !stop.load(Relaxed) {
        while let Ok((length, from)) = front.recv_from(&mut buffer) {
            let mut clients = clients.lock().unwrap();
            let number = match clients.numbers.get(&from) {
                Some(number) => *number,
                None => {
                    let Some(server) = *server.lock().unwrap() else { continue };
                    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
                    socket.set_nonblocking(true).unwrap();
                    socket.connect(server).unwrap();
                    let number = clients.all.len();
                    clients.numbers.insert(from, number);
                    clients.all.push((from, socket));
                    number
                }
            };
            drop(clients);
            way.push(number, &buffer[..length], Instant::now());
        }
        while let Some((number, datagram)) = way.pop(Instant::now()) {
            let _ = clients.lock().unwrap().all[number].1.send(&datagram);
        }
        std::thread::sleep(Duration::from_micros(100));
    }
}

fn carry_down(mut way: Way, front: &UdpSocket, clients: &Mutex<Clients>, stop: &AtomicBool) {
    let mut buffer = [0; 2048];
    while !stop.load(Relaxed) {
        let known = clients.lock().unwrap();
        for (number, (_, socket)) in known.all.iter().enumerate() {
            while let Ok(length) = socket.recv(&mut buffer) {
                way.push(number, &buffer[..length], Instant::now());
            }
        }
        while let Some((number, datagram)) = way.pop(Instant::now()) {
            let _ = front.send_to(&datagram, known.all[number].0);
        }
        drop(known);
        std::thread::sleep(Duration::from_micros(100));
    }
}
