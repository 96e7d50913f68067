use super::admin::{Admin, AdminThread};
use super::agones::AgonesThread;
use super::bans::BanFile;
use super::build::{COMMIT, VERSION};
use super::clock;
use super::cores::Cores;
use super::lifecycle::{Lifecycle, Request};
use super::metrics::Metrics;
use super::options::OptionsError;
use super::server_config::ServerConfig;
use super::shared::{Facts, ServerStats, Shared, State};
use super::tick_thread::{Links, TickThread};
use super::tokens::TokenMint;
use super::truth::TruthWriter;
use super::udp::{Inbox, ReceiveThread, UdpPort};
use crate::engine::{Engine, EngineConfig, EngineError};
use bevy_app::Plugin;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use tidelock::ClientId;
use tidelock::netcode::{Cipher, ConnectToken};

/// Commands that wait for the tick thread; more are refused.
const COMMANDS_MAX: usize = 64;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be bound.
    #[error("{key} {address}: {why}")]
    Bind {
        /// The setting, named as its flag is.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        why: io::Error,
    },
    /// The engine refuses its configuration, or the game.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] OptionsError),
    /// A thread cannot be started.
    #[error("starting a thread: {0}")]
    Thread(io::Error),
    /// The game's plugin panicked.
    #[error("the game panicked while it was set up")]
    GamePanicked,
}

/// The tick thread panicked: a mistake in the game or in the server. Nothing of the match is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tick thread panicked")]
pub struct Crashed;

/// A server in this process.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Starts the threads of a server, and returns when it takes players.
    ///
    /// # Errors
    /// [`StartError`], when nothing of it runs any more.
    pub fn start(config: &ServerConfig, game: impl Plugin) -> Result<ServerHandle, StartError> {
        let (address, max_clients) = (config.options.bind, config.options.max_clients);
        let port = UdpPort::bind(address, max_clients).map_err(|why| StartError::Bind { key: "bind", address, why })?;
        let listener = config.admin.as_ref().map(|admin| listen(admin.address)).transpose()?;
        let shared = Arc::new(Shared::new(facts(config, port.address()), config.advertise(port.address())));
        let inbox = Arc::new(Inbox::new(max_clients, shared.facts.protocol_id));
        let (command_sender, commands) = sync_channel(COMMANDS_MAX);
        let mint = config.token_mint(shared.advertise());
        let mut handle = ServerHandle::new(Arc::clone(&shared), mint.clone());
        let mut recorder = None;
        if let (Some(listener), Some(admin_config)) = (listener, config.admin.clone()) {
            let metrics = Metrics::new(&shared.facts);
            recorder = Some(metrics.tick_recorder());
            let bans = Mutex::new(config.bans().cloned());
            let shared = Arc::clone(&shared);
            let commands = command_sender.clone();
            let admin = Admin { shared, commands, metrics, mint, bans, config: admin_config };
            handle.admin = Some(AdminThread::start(listener, admin).map_err(StartError::Thread)?);
        }
        handle.receive = Some(ReceiveThread::start(&port, Arc::clone(&inbox)).map_err(StartError::Thread)?);
        let truth = config.options.truth.as_deref().map(TruthWriter::create).transpose()?;
        handle.start_ticks(config, game, Links { shared, port, inbox, commands, recorder, truth })?;
        log_start(config, &handle);
        if let Some(file) = config.bans() {
            warn_unless_writable(file);
        }
        if let Some(port) = config.agones {
            let asks_address = config.options.advertise.is_none();
            let shared = Arc::clone(&handle.shared);
            let agones = AgonesThread::start(port, shared, command_sender, asks_address).map_err(StartError::Thread)?;
            handle.agones = Some(agones);
        }
        Ok(handle)
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).map_err(|why| StartError::Bind { key: "admin", address, why })
}

fn facts(config: &ServerConfig, udp_address: SocketAddr) -> Facts {
    // A token made and used in this second by the server before this one could not be told from one made now.
    let started_unix_s = if config.has_lasting_keys() { clock::next_unix_s() } else { clock::unix_s() };
    Facts {
        tick_hz: config.options.tick_hz,
        snapshot_hz: config.options.snapshot_hz,
        max_clients: config.options.max_clients,
        protocol_id: config.options.protocol_id.0,
        udp_address,
        started_at: clock::now(),
        started_unix_s,
        has_agones: config.agones.is_some(),
    }
}

fn log_start(config: &ServerConfig, handle: &ServerHandle) {
    let facts = &handle.shared.facts;
    tracing::info!(
        version = VERSION,
        commit = COMMIT,
        udp = %facts.udp_address,
        advertise = %handle.shared.advertise(),
        admin = handle.admin_address().map(tracing::field::display),
        tick_hz = facts.tick_hz,
        snapshot_hz = facts.snapshot_hz,
        max_clients = facts.max_clients,
        seed = config.seed(),
        protocol_id = format_args!("{:#x}", facts.protocol_id),
        "ready for players"
    );
}

/// Better known at the start than at the first ban.
fn warn_unless_writable(bans: &BanFile) {
    if let Err(error) = bans.try_write() {
        let file = bans.path().display();
        tracing::warn!(%file, %error, "the ban file cannot be changed: bans by the admin calls will hold until a restart");
    }
}

/// A running server. Dropping the handle stops it.
#[derive(Debug)]
pub struct ServerHandle {
    shared: Arc<Shared>,
    mint: TokenMint,
    admin: Option<AdminThread>,
    agones: Option<AgonesThread>,
    receive: Option<ReceiveThread>,
    ticks: Option<JoinHandle<()>>,
}

impl ServerHandle {
    fn new(shared: Arc<Shared>, mint: TokenMint) -> Self {
        Self { shared, mint, admin: None, agones: None, receive: None, ticks: None }
    }

    /// Where the UDP socket is bound.
    #[must_use]
    pub fn udp_address(&self) -> SocketAddr {
        self.shared.facts.udp_address
    }

    /// Where the admin endpoints answer.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(AdminThread::address)
    }

    /// A token that lets a client in, from now on and as long as `--token-lifetime` says.
    #[must_use]
    pub fn issue_token(&self, client_id: ClientId) -> ConnectToken {
        self.mint.leading_to(self.shared.advertise()).issue(client_id)
    }

    /// What the server has done so far. Costs a copy of some 200 KB, of which the tick is not held up.
    #[must_use]
    pub fn stats(&self) -> ServerStats {
        self.shared.stats()
    }

    /// Takes no more players, and stops when those here have left or the drain timeout is over.
    pub fn drain(&self) {
        self.shared.ask(Request::Drain, "the program");
    }

    /// What asks this server to drain and to stop, for another thread.
    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Waits until the server stops, by a signal, a call, or the end of its match.
    ///
    /// # Errors
    /// [`Crashed`].
    pub fn wait(mut self) -> Result<ServerStats, Crashed> {
        self.join()?;
        Ok(self.shared.stats())
    }

    /// Disconnects everybody and stops.
    ///
    /// # Errors
    /// [`Crashed`].
    pub fn stop(self) -> Result<ServerStats, Crashed> {
        self.shared.ask(Request::Stop, "the program");
        self.wait()
    }

    /// Starts the tick thread, which builds the game itself: a world need not be able to change threads.
    fn start_ticks(&mut self, config: &ServerConfig, game: impl Plugin, links: Links) -> Result<(), StartError> {
        let facts = &self.shared.facts;
        let engine_config = config.engine(self.shared.advertise(), facts.started_unix_s);
        let bans = config.bans().map(|file| file.banned().collect()).unwrap_or_default();
        let lifecycle = Lifecycle::new(config.lifecycle_rules());
        let threads = config.options.threads.unwrap_or_else(Cores::available);
        let (result_sender, result) = sync_channel(1);
        let run = move || {
            let _stopped = OnEnd(Arc::clone(&links.shared));
            match start_engine(engine_config, bans, threads, game) {
                Ok(engine) => {
                    links.shared.schema.get_or_init(|| engine.schema().clone());
                    links.shared.on_tick(clock::now());
                    links.shared.enter(State::Running);
                    result_sender.send(Ok(())).expect("start waits for the result");
                    TickThread::new(engine, lifecycle, links).run();
                }
                Err(error) => result_sender.send(Err(error)).expect("start waits for the result"),
            }
        };
        let builder = std::thread::Builder::new().name("tidelock-tick".to_owned());
        self.ticks = Some(builder.spawn(run).map_err(StartError::Thread)?);
        wait_for_engine(&result)
    }

    fn join(&mut self) -> Result<(), Crashed> {
        let ended = self.ticks.take().map_or(Ok(()), |thread| thread.join().map_err(|_| Crashed));
        if let Some(receive) = self.receive.take() {
            receive.stop();
        }
        if let Some(admin) = self.admin.take() {
            admin.stop();
        }
        if let Some(agones) = self.agones.take().filter(|_| ended.is_ok()) {
            agones.finish();
        }
        ended
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.shared.ask(Request::Stop, "the program");
        // Nobody is left to be told of a crash; its panic has been printed.
        let _ = self.join();
    }
}

fn start_engine(
    config: EngineConfig,
    bans: Vec<ClientId>,
    threads: usize,
    game: impl Plugin,
) -> Result<Engine, StartError> {
    assert_eq!(config.cipher, Cipher::ChaCha20Poly1305, "no unprotected packet goes over a network");
    let mut engine = Engine::new(config, game, clock::now())?;
    engine.set_bans(bans);
    if threads > 1 {
        engine.set_executor(Box::new(Cores::new(threads).map_err(StartError::Thread)?));
    }
    Ok(engine)
}

fn wait_for_engine(result: &Receiver<Result<(), StartError>>) -> Result<(), StartError> {
    match result.recv() {
        Ok(result) => result,
        Err(_) => Err(StartError::GamePanicked),
    }
}

/// Marks the server as stopped when the tick thread ends, however it ends.
struct OnEnd(Arc<Shared>);

impl Drop for OnEnd {
    fn drop(&mut self) {
        self.0.enter(State::Stopped);
    }
}
