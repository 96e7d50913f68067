use super::agones::AgonesView;
use super::clock;
use super::lifecycle::Request;
use super::udp::SendDrops;
use crate::engine::{ClientStatus, Load, Stats};
use hdrhistogram::Histogram;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::Duration;
use tidelock::state::Schema;
use tidelock::{ClientId, Instant, Tick};
use tokio::sync::oneshot;

/// What a server has done since it started, as of its last tick.
#[derive(Clone, Debug)]
pub struct ServerStats {
    /// What the engine counted. Its samples are empty: they are taken each tick.
    pub engine: Stats,
    /// Datagrams that netcode refused, by reason.
    pub netcode_drops: Vec<(&'static str, u64)>,
    /// The last tick.
    pub tick: Tick,
    /// Clients that play.
    pub clients: usize,
    /// Players who may come back to their place.
    pub clients_away: usize,
    /// Replicated entities.
    pub entities: usize,
    /// What clients are told of overload.
    pub load: Load,
    /// The highest [`Load::level`] so far.
    pub load_level_max: u8,
    /// Ticks that took longer than a tick time.
    pub overruns: u64,
    /// Tick times given up.
    pub skipped: u64,
    /// How long each tick took, from the first received datagram to the last sent one, in microseconds.
    pub tick_duration_us: Histogram<u64>,
    /// Datagrams that the kernel dropped as the receive buffer was full.
    pub socket_receive_drops: u64,
    /// Datagrams of players that were received but found no room before the next tick.
    pub inbox_full: u64,
    /// Datagrams of others that did not, who have a room of their own.
    pub inbox_strangers_full: u64,
    /// Datagrams that could not be sent.
    pub send_drops: SendDrops,
}

impl Default for ServerStats {
    fn default() -> Self {
        Self {
            engine: Stats::default(),
            netcode_drops: Vec::new(),
            tick: Tick::default(),
            clients: 0,
            clients_away: 0,
            entities: 0,
            load: Load::default(),
            load_level_max: 0,
            overruns: 0,
            skipped: 0,
            tick_duration_us: Histogram::new_with_bounds(1, 60_000_000, 3).expect("bounds and precision that exist"),
            socket_receive_drops: 0,
            inbox_full: 0,
            inbox_strangers_full: 0,
            send_drops: SendDrops::default(),
        }
    }
}

/// What does not change while a server runs.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) tick_hz: u32,
    pub(crate) snapshot_hz: u32,
    pub(crate) max_clients: usize,
    pub(crate) protocol_id: u64,
    /// Where the socket is bound.
    pub(crate) udp_address: SocketAddr,
    pub(crate) started_at: Instant,
    pub(crate) started_unix_s: u64,
    /// Agones is told of the server.
    pub(crate) has_agones: bool,
}

/// Where a server is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Starting,
    Running,
    Draining,
    Stopped,
}

impl State {
    const ALL: [Self; 4] = [Self::Starting, Self::Running, Self::Draining, Self::Stopped];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Draining => "draining",
            Self::Stopped => "stopped",
        }
    }
}

/// What the threads of one server know of each other. The tick thread waits for none of them here.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) facts: Facts,
    request: AtomicU8,
    /// Who was the first to ask for a drain, and for a stop.
    drain_asker: OnceLock<String>,
    stop_asker: OnceLock<String>,
    state: AtomicU8,
    last_tick_us: AtomicU64,
    /// Where clients find the server.
    advertise: Mutex<SocketAddr>,
    has_signal: AtomicBool,
    pub(crate) agones: AgonesView,
    /// Once the game has declared it.
    pub(crate) schema: OnceLock<Schema>,
    stats: Mutex<ServerStats>,
}

impl Shared {
    pub(crate) fn new(facts: Facts, advertise: SocketAddr) -> Self {
        Self {
            advertise: Mutex::new(advertise),
            has_signal: AtomicBool::new(false),
            agones: AgonesView::default(),
            schema: OnceLock::new(),
            request: AtomicU8::new(Request::Run as u8),
            drain_asker: OnceLock::new(),
            stop_asker: OnceLock::new(),
            state: AtomicU8::new(State::Starting as u8),
            last_tick_us: AtomicU64::new(facts.started_at.as_us()),
            stats: Mutex::default(),
            facts,
        }
    }

    /// Asks for a drain or a stop, which is logged as the doing of `by`. What was asked for before is not taken back.
    pub(crate) fn ask(&self, request: Request, by: impl Into<String>) {
        if let Some(asker) = self.lock_of(request) {
            asker.get_or_init(|| by.into());
        }
        // Whoever sees the request sees who asked.
        self.request.fetch_max(request as u8, Release);
    }

    /// Who asked for what is [requested](Self::request).
    pub(crate) fn asker(&self) -> &str {
        self.lock_of(self.request()).and_then(OnceLock::get).map_or("nobody", String::as_str)
    }

    fn lock_of(&self, request: Request) -> Option<&OnceLock<String>> {
        match request {
            Request::Run => None,
            Request::Drain => Some(&self.drain_asker),
            Request::Stop => Some(&self.stop_asker),
        }
    }

    pub(crate) fn request(&self) -> Request {
        let request = self.request.load(Acquire);
        [Request::Run, Request::Drain, Request::Stop][usize::from(request)]
    }

    /// Where clients find the server, as its own tokens say.
    pub(crate) fn advertise(&self) -> SocketAddr {
        *self.advertise.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_advertise(&self, address: SocketAddr) {
        *self.advertise.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }

    /// The process was sent a signal to end.
    pub(crate) fn on_signal(&self) {
        self.has_signal.store(true, Relaxed);
    }

    pub(crate) fn has_signal(&self) -> bool {
        self.has_signal.load(Relaxed)
    }

    pub(crate) fn enter(&self, state: State) {
        self.state.store(state as u8, Relaxed);
    }

    pub(crate) fn state(&self) -> State {
        State::ALL[usize::from(self.state.load(Relaxed))]
    }

    /// Whether players should come: to a server in a fleet, only when it is allocated. One that Agones says nothing of is in none.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.agones.has_spoken() || self.agones.is_allocated()
    }

    /// Whether it was asked to take no more players, or does so of itself.
    pub(crate) fn is_draining(&self) -> bool {
        self.state() == State::Draining || self.state() == State::Running && self.request() != Request::Run
    }

    /// Whether players may join: started, and not asked to stop.
    pub(crate) fn is_ready(&self) -> bool {
        self.state() == State::Running && self.request() == Request::Run
    }

    /// Whether ticks are run: the last is not older than ten tick times, or a second if that is longer. A server that is starting lives.
    pub(crate) fn is_alive(&self, now: Instant) -> bool {
        let age_max = (Duration::from_secs(10) / self.facts.tick_hz).max(Duration::from_secs(1));
        match self.state() {
            State::Starting => true,
            State::Stopped => false,
            State::Running | State::Draining => now.since(Instant::from_us(self.last_tick_us.load(Relaxed))) <= age_max,
        }
    }

    pub(crate) fn on_tick(&self, now: Instant) {
        self.last_tick_us.store(now.as_us(), Relaxed);
    }

    pub(crate) fn uptime(&self) -> Duration {
        clock::now().since(self.facts.started_at)
    }

    /// The statistics, to read.
    pub(crate) fn stats(&self) -> ServerStats {
        self.lock_stats().clone()
    }

    /// Places that are taken, by those who play and those whose place waits for them.
    pub(crate) fn taken(&self) -> usize {
        let stats = self.lock_stats();
        stats.clients + stats.clients_away
    }

    /// The statistics, waiting for whoever reads them.
    pub(crate) fn lock_stats(&self) -> MutexGuard<'_, ServerStats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The statistics, unless somebody reads them just now: a tick does not wait.
    pub(crate) fn try_lock_stats(&self) -> Option<MutexGuard<'_, ServerStats>> {
        match self.stats.try_lock() {
            Ok(stats) => Some(stats),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// What the tick thread is asked to do between ticks; it answers through the channel in it.
#[derive(Debug)]
pub(crate) enum Command {
    /// List who plays.
    Clients(oneshot::Sender<Vec<ClientStatus>>),
    /// Disconnect a client; false if there is none such.
    Kick(ClientId, oneshot::Sender<bool>),
    /// Disconnect a client and let it in no more; false if it was not here.
    Ban(ClientId, oneshot::Sender<bool>),
    /// Let a client in again; false if it was not banned.
    Unban(ClientId, oneshot::Sender<bool>),
    /// Clients find the server here, as their tokens are to say from now on.
    Advertise(SocketAddr),
    /// List who is banned.
    Bans(oneshot::Sender<Vec<ClientId>>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(tick_hz: u32) -> Shared {
        let address = SocketAddr::from(([127, 0, 0, 1], 7777));
        let facts = Facts {
            tick_hz,
            snapshot_hz: tick_hz,
            max_clients: 1,
            protocol_id: 1,
            udp_address: address,
            started_at: Instant::from_us(0),
            started_unix_s: 0,
            has_agones: false,
        };
        Shared::new(facts, address)
    }

    #[test]
    fn only_a_running_server_that_nobody_asked_to_drain_is_ready() {
        let shared = shared(60);
        assert!(!shared.is_ready());
        shared.enter(State::Running);
        assert!(shared.is_ready());
        shared.ask(Request::Drain, "a test");
        assert!(!shared.is_ready());
    }

    #[test]
    fn a_request_is_not_taken_back() {
        let shared = shared(60);
        shared.ask(Request::Stop, "the first");
        shared.ask(Request::Stop, "the second");
        shared.ask(Request::Drain, "the third");
        assert_eq!((shared.request(), shared.asker()), (Request::Stop, "the first"));
    }

    #[test]
    fn a_server_lives_while_its_ticks_run() {
        for (tick_hz, age_max_s) in [(60, 1), (2, 5)] {
            let shared = shared(tick_hz);
            assert!(shared.is_alive(Instant::from_us(60_000_000)), "it is starting");
            shared.enter(State::Running);
            shared.on_tick(Instant::from_us(60_000_000));
            assert!(shared.is_alive(Instant::from_us(60_000_000 + age_max_s * 1_000_000)));
            assert!(!shared.is_alive(Instant::from_us(60_000_001 + age_max_s * 1_000_000)));
            shared.enter(State::Stopped);
            assert!(!shared.is_alive(Instant::from_us(60_000_000)));
        }
    }
}
