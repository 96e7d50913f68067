//! Agones: what this server tells the SDK sidecar of its pod, and learns from it.
//!
//! All of it is best effort, in threads of its own: a sidecar that is missing, hangs or talks nonsense costs log lines.

mod call_counts;
mod game_server;
mod reporter;
mod resolver;
mod sidecar;
mod watch;

use super::clock;
use super::lifecycle::Request;
use super::shared::{Command, Shared, State};
use call_counts::CallCounts;
use game_server::GameServer;
use reporter::{Reporter, Seen};
use resolver::Resolver;
use sidecar::{Call, Failure, Sidecar};
use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tidelock::{ClientId, Instant};
use tokio::sync::oneshot;
use watch::Mailbox;

/// Where the sidecar's REST interface is when Agones does not say.
pub(super) const PORT: u16 = 9358;
/// Where Agones says it.
pub(super) const PORT_VARIABLE: &str = "AGONES_SDK_HTTP_PORT";

/// What a server knows of its sidecar, for those who ask it.
#[derive(Debug, Default)]
pub(crate) struct AgonesView {
    state: Mutex<String>,
    pub(crate) calls: CallCounts,
    is_answering: AtomicBool,
    /// Something of this server is known from Agones.
    has_spoken: AtomicBool,
    is_allocated: AtomicBool,
    /// Agones knows that the server is not needed any more.
    knows_end: AtomicBool,
}

impl AgonesView {
    /// As Agones calls it; empty while it is not known.
    pub(crate) fn state(&self) -> String {
        self.lock_state().clone()
    }

    /// Whether it does all that it was asked lately.
    pub(crate) fn is_answering(&self) -> bool {
        self.is_answering.load(Relaxed)
    }

    /// Whether Agones has said anything of this server, ever.
    pub(crate) fn has_spoken(&self) -> bool {
        self.has_spoken.load(Relaxed)
    }

    /// Whether it has been given to somebody.
    pub(crate) fn is_allocated(&self) -> bool {
        self.is_allocated.load(Relaxed)
    }

    /// Whether Agones will end this pod, as the server has said that it is not needed any more.
    pub(crate) fn knows_end(&self) -> bool {
        self.knows_end.load(Relaxed)
    }

    /// Whether that is news.
    fn replace_state(&self, state: &str) -> bool {
        let mut known = self.lock_state();
        let is_news = *known != state;
        state.clone_into(&mut known);
        is_news
    }

    fn lock_state(&self) -> MutexGuard<'_, String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that talks to the sidecar. Ticks go on whatever happens here.
#[derive(Debug)]
pub(crate) struct AgonesThread {
    end: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl AgonesThread {
    /// Talks to the sidecar at this port of loopback. Without an `advertise` of the operator's, players are let in by tokens that
    /// name the address that Agones tells.
    pub(crate) fn start(
        port: u16,
        shared: Arc<Shared>,
        commands: SyncSender<Command>,
        asks_address: bool,
    ) -> io::Result<Self> {
        let mailbox = Arc::default();
        watch::start(Sidecar::new(port), Arc::downgrade(&mailbox))?;
        let (end, ended) = sync_channel(1);
        let reporter = Reporter::new(shared.facts.max_clients, clock::now());
        let agones = Agones {
            reporter,
            sidecar: Sidecar::new(port),
            mailbox,
            shared,
            commands,
            resolver: asks_address.then(Resolver::default),
            address: None,
            players: Vec::new(),
            players_due: clock::now(),
            complaints: BTreeSet::new(),
            has_told_of_address: false,
        };
        let thread = std::thread::Builder::new().name("tidelock-agones".to_owned());
        Ok(Self { end, thread: thread.spawn(move || agones.run(&ended))? })
    }

    /// Says that the server is not needed any more, or gives up after a few seconds.
    pub(crate) fn finish(self) {
        // Where the thread is gone, its panic has been printed.
        let _ = self.end.send(());
        let _ = self.thread.join();
    }
}

struct Agones {
    reporter: Reporter,
    sidecar: Sidecar,
    mailbox: Arc<Mailbox>,
    shared: Arc<Shared>,
    commands: SyncSender<Command>,
    /// `None` where the operator says where clients find the server.
    resolver: Option<Resolver>,
    /// As Agones says it: a host, and a port.
    address: Option<(String, u16)>,
    /// As of a moment ago.
    players: Vec<ClientId>,
    players_due: Instant,
    /// Which calls fail, as the log says.
    complaints: BTreeSet<&'static str>,
    /// The log says that Agones does not tell where this server is.
    has_told_of_address: bool,
}

impl Agones {
    /// How often there may be something to tell.
    const ROUND: Duration = Duration::from_millis(100);
    /// How often the tick thread is asked who plays.
    const PLAYERS_PERIOD: Duration = Duration::from_secs(1);
    /// How long the tick thread, which may hang, may take for its answer; or two ticks, if those are longer.
    const PLAYERS_TIMEOUT: Duration = Duration::from_millis(500);
    /// How long a server that ends tries to say so.
    const END_TIMEOUT: Duration = Duration::from_secs(4);
    /// And one that is forced to, or that never heard of Agones.
    const BRIEF_END_TIMEOUT: Duration = Duration::from_secs(1);
    /// After so long without an address the log says so.
    const ADDRESS_PATIENCE: Duration = Duration::from_secs(10);
    /// Of what Agones calls a state, so much is kept: the longest is `PortAllocation`.
    const STATE_CHARS_MAX: usize = 32;

    /// Runs until the end is told, or cannot be, or the server ended otherwise.
    fn run(mut self, ended: &Receiver<()>) {
        let mut ended_at: Option<Instant> = None;
        loop {
            let now = clock::now();
            if ended_at.is_some_and(|at| now.since(at) >= self.end_timeout()) {
                return;
            }
            let told = self.mailbox.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(game_server) = told {
                self.reporter.on_game_server(game_server.clone());
                self.learn(&game_server);
            }
            let has_address = self.find_address();
            let seen = self.look_around(now, has_address, ended_at.is_some());
            let call = self.reporter.next(now, &seen);
            let pause = if call.is_some() { Duration::ZERO } else { Self::ROUND };
            call.into_iter().for_each(|call| self.make(call));
            if self.reporter.has_told_end() {
                self.shared.agones.knows_end.store(true, Relaxed);
                return;
            }
            match ended.recv_timeout(pause) {
                Ok(()) => ended_at = Some(clock::now()),
                Err(RecvTimeoutError::Timeout) => {}
                // Let go of without an end: it crashed, and Agones is to find that out.
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// How long to try to say that the server has ended: not to a sidecar that never said a word, nor for somebody in a hurry.
    fn end_timeout(&self) -> Duration {
        let is_forced = self.shared.request() == Request::Stop;
        let is_brief = is_forced || !self.shared.agones.has_spoken();
        if is_brief { Self::BRIEF_END_TIMEOUT } else { Self::END_TIMEOUT }
    }

    fn look_around(&mut self, now: Instant, has_address: bool, is_over: bool) -> Seen {
        if self.players_due <= now && self.shared.state() != State::Stopped {
            self.players_due = now + Self::PLAYERS_PERIOD;
            if let Some(players) = self.ask_players() {
                self.players = players;
            }
        }
        Seen {
            is_alive: self.shared.is_alive(now),
            is_ready: self.shared.is_ready(),
            is_over,
            has_address,
            taken: self.shared.taken(),
            players: self.players.clone(),
        }
    }

    /// `None` if the tick thread does not answer.
    fn ask_players(&self) -> Option<Vec<ClientId>> {
        let (answer, mut answered) = oneshot::channel();
        self.commands.try_send(Command::Clients(answer)).ok()?;
        let two_ticks = Duration::from_secs(2) / self.shared.facts.tick_hz;
        let give_up_at = clock::now() + Self::PLAYERS_TIMEOUT.max(two_ticks);
        while clock::now() < give_up_at {
            match answered.try_recv() {
                Ok(clients) => {
                    let joined = clients.iter().filter(|client| client.joined_tick.is_some());
                    return Some(joined.map(|client| client.client_id).collect());
                }
                Err(oneshot::error::TryRecvError::Empty) => {
                    clock::sleep_until(clock::now() + Duration::from_millis(5));
                }
                Err(oneshot::error::TryRecvError::Closed) => return None,
            }
        }
        None
    }

    fn make(&mut self, call: Call) {
        let answer = self.sidecar.make(&call);
        self.note(&call, &answer);
        if let Ok(Some(game_server)) = &answer {
            self.learn(game_server);
        }
        self.reporter.on_answer(clock::now(), call, answer);
    }

    /// One line for each thing that matters, however often a call is made.
    fn note(&mut self, call: &Call, answer: &Result<Option<GameServer>, Failure>) {
        let view = &self.shared.agones;
        view.calls.count(call, answer.is_ok());
        match answer {
            Err(why) if self.complaints.insert(call.name()) => {
                tracing::warn!(call = call.name(), %why, "a call to the Agones sidecar fails; trying on");
            }
            Ok(_) if self.complaints.remove(call.name()) => {
                tracing::info!(call = call.name(), "a call to the Agones sidecar does what it should again");
            }
            _ => {}
        }
        view.is_answering.store(self.complaints.is_empty(), Relaxed);
        match (answer, call) {
            (Ok(_), Call::Ready) => tracing::info!("Agones knows that players may come"),
            (Ok(_), Call::Allocate) => tracing::info!("a player came before Agones allocated this server: it is now"),
            (Ok(_), Call::Shutdown) => tracing::info!("Agones knows that this server has ended"),
            _ => {}
        }
    }

    /// What Agones says of this server.
    fn learn(&mut self, game_server: &GameServer) {
        let view = &self.shared.agones;
        view.is_allocated.store(self.reporter.is_allocated() || game_server.is_allocated(), Relaxed);
        view.has_spoken.store(true, Relaxed);
        if let Some((host, port)) = game_server.address() {
            self.address = Some((host.to_owned(), port));
        }
        let state: String = game_server.status.state.chars().take(Self::STATE_CHARS_MAX).collect();
        let is_news = view.replace_state(&state);
        if is_news {
            let name = &game_server.object_meta.name;
            tracing::info!(state, name, "Agones says what this server is");
        }
    }

    /// Whether clients' tokens name the right address.
    fn find_address(&mut self) -> bool {
        let Some(resolver) = &mut self.resolver else { return true };
        let found = self.address.as_ref().and_then(|(host, port)| resolver.resolve(host, *port));
        let Some(address) = found else {
            if !self.has_told_of_address && self.shared.uptime() > Self::ADDRESS_PATIENCE {
                self.has_told_of_address = true;
                let said = self.address.as_ref().map(|(host, port)| format!("{host}:{port}"));
                tracing::warn!(
                    said,
                    "Agones has not told an address of this server that can be resolved: it hears no Ready until then, or give --advertise"
                );
            }
            return false;
        };
        if address != self.shared.advertise() {
            if self.commands.try_send(Command::Advertise(address)).is_err() {
                return false;
            }
            self.shared.set_advertise(address);
            tracing::info!(%address, "Agones says where clients find this server");
        }
        true
    }
}
