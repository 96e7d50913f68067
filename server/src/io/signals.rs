use super::clock;
use super::lifecycle::Request;
use super::shared::{Shared, State};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    signalled: Arc<Mutex<Signalled>>,
}

/// The server that signals are for, once there is one, and those that came.
#[derive(Debug, Default)]
struct Signalled {
    server: Option<Arc<Shared>>,
    first: Option<&'static str>,
    second: Option<&'static str>,
}

impl SignalListener {
    /// Takes the signals over, before the server says that it is ready: whoever reads that may send one at once.
    pub(super) fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let signals = {
            let _entered = runtime.enter();
            Signals::new()?
        };
        let signalled = Arc::<Mutex<Signalled>>::default();
        let obeyed = Arc::clone(&signalled);
        let thread = std::thread::Builder::new().name("tidelock-signals".to_owned());
        thread.spawn(move || obey(&runtime, signals, &obeyed))?;
        Ok(Self { signalled })
    }

    /// The server that signals are for, those that have come already included.
    pub(super) fn attach(&self, server: Arc<Shared>) {
        let mut signalled = lock(&self.signalled);
        signalled.server = Some(server);
        signalled.pass_on();
    }
}

/// First what is asked is done, then it is said: nobody may read what a program in trouble says.
fn obey(runtime: &Runtime, mut signals: Signals, signalled: &Mutex<Signalled>) {
    let first = runtime.block_on(signals.next());
    let before = lock(signalled).on_first(first);
    before.say(first);
    let second = runtime.block_on(signals.next());
    let tick_hz = lock(signalled).on_second(second);
    tracing::warn!(signal = second, "stopping at once");
    let timeout = FORCE_TIMEOUT + Duration::from_secs(1) * FORCE_TICKS / tick_hz;
    clock::sleep_until(clock::now() + timeout);
    tracing::error!("the server does not stop: ending the process");
    std::process::exit(1);
}

fn lock(signalled: &Mutex<Signalled>) -> MutexGuard<'_, Signalled> {
    signalled.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Signalled {
    /// What the server did when the signal came.
    fn on_first(&mut self, signal: &'static str) -> Before {
        let before = self.server.as_ref().map_or(Before::Starting, |server| Before::of(server));
        self.first = Some(signal);
        self.pass_on();
        before
    }

    /// The tick rate, of which a stop takes some ticks.
    fn on_second(&mut self, signal: &'static str) -> u32 {
        self.second = Some(signal);
        self.pass_on();
        self.server.as_ref().map_or(1, |server| server.facts.tick_hz)
    }

    fn pass_on(&self) {
        let Some(server) = &self.server else { return };
        if let Some(signal) = self.first {
            server.ask(Request::Drain, signal);
            server.on_signal();
        }
        if let Some(signal) = self.second {
            server.ask(Request::Stop, signal);
        }
    }
}

/// What a server did before it was sent a signal.
enum Before {
    Starting,
    Running,
    Draining,
    Hanging,
    Stopped,
}

impl Before {
    fn of(server: &Shared) -> Self {
        match server.state() {
            State::Starting => Self::Starting,
            State::Stopped => Self::Stopped,
            _ if !server.is_alive(clock::now()) => Self::Hanging,
            _ if server.is_draining() => Self::Draining,
            _ => Self::Running,
        }
    }

    fn say(&self, signal: &str) {
        match self {
            // The tick that begins to drain says so.
            Self::Running => {}
            Self::Starting => tracing::info!(signal, "stopping as soon as the server has started"),
            Self::Draining => tracing::info!(signal, "draining already; another signal stops at once"),
            Self::Hanging => {
                tracing::warn!(signal, "no ticks are run, so that nothing drains; another signal ends the process");
            }
            Self::Stopped => tracing::info!(signal, "ending, as the server has stopped"),
        }
    }
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
