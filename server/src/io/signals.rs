use super::clock;
use super::lifecycle::Request;
use super::shared::Shared;
use std::io;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long a forced stop may take before the process ends without it: farewells, and a last word to Agones.
const FORCE_TIMEOUT: Duration = Duration::from_secs(5);
/// Farewells are said once a tick.
const FORCE_TICKS: u32 = 12;

/// Obeys SIGTERM and Ctrl-C, on a thread of its own: the first drains, the second forces. Also while the server starts, which may take a game
/// its time.
#[derive(Debug)]
pub(super) struct SignalListener {
    server: Arc<Signalled>,
}

/// The server that signals are for, once there is one.
#[derive(Debug, Default)]
struct Signalled {
    shared: OnceLock<Arc<Shared>>,
    /// How many came.
    count: AtomicU8,
}

impl SignalListener {
    /// Takes the signals over, before the server says that it is ready: whoever reads that may send one at once.
    pub(super) fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let signals = {
            let _entered = runtime.enter();
            Signals::new()?
        };
        let server = Arc::<Signalled>::default();
        let obeyed = Arc::clone(&server);
        let thread = std::thread::Builder::new().name("tidelock-signals".to_owned());
        thread.spawn(move || obey(&runtime, signals, &obeyed))?;
        Ok(Self { server })
    }

    /// The server that signals are for, those that have come already included.
    pub(super) fn attach(&self, shared: Arc<Shared>) {
        self.server.shared.get_or_init(|| shared);
        self.server.ask();
    }
}

impl Signalled {
    fn on_signal(&self) {
        self.count.fetch_add(1, SeqCst);
        self.ask();
    }

    /// Either who counts a signal sees the server, or who attaches the server sees the count.
    fn ask(&self) {
        let Some(shared) = self.shared.get() else { return };
        match self.count.load(SeqCst) {
            0 => return,
            1 => shared.ask(Request::Drain),
            _ => shared.ask(Request::Stop),
        }
        shared.on_signal();
    }
}

/// First what is asked is done, then it is said: nobody may read what a program in trouble says.
fn obey(runtime: &Runtime, mut signals: Signals, server: &Signalled) {
    let signal = runtime.block_on(signals.next());
    server.on_signal();
    tracing::info!(signal, "draining; a second signal forces the stop");
    let signal = runtime.block_on(signals.next());
    server.on_signal();
    tracing::warn!(signal, "stopping at once");
    let tick_hz = server.shared.get().map_or(1, |shared| shared.facts.tick_hz);
    let timeout = FORCE_TIMEOUT + Duration::from_secs(1) * FORCE_TICKS / tick_hz;
    clock::sleep_until(clock::now() + timeout);
    tracing::error!("the server does not stop: ending the process");
    std::process::exit(1);
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}
