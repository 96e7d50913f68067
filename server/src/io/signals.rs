use super::lifecycle::Request;
use super::shared::Shared;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long a forced stop may take before the process ends without it.
const FORCE_TIMEOUT: Duration = Duration::from_secs(3);

/// SIGTERM and Ctrl-C, from now on kept from ending the process.
pub(super) struct SignalListener {
    runtime: Runtime,
    signals: Signals,
}

impl SignalListener {
    /// Takes the signals over. Before the server says that it is ready: whoever reads that may send one at once.
    pub(super) fn install() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let signals = {
            let _entered = runtime.enter();
            Signals::new()?
        };
        Ok(Self { runtime, signals })
    }

    /// Acts on them, on a thread of its own: the first drains, the second forces.
    pub(super) fn start(self, shared: Arc<Shared>) -> io::Result<()> {
        let Self { runtime, signals } = self;
        let thread = std::thread::Builder::new().name("tidelock-signals".to_owned());
        thread.spawn(move || runtime.block_on(obey(signals, &shared)))?;
        Ok(())
    }
}

async fn obey(mut signals: Signals, shared: &Shared) {
    let signal = signals.next().await;
    shared.on_signal();
    tracing::info!(signal, "draining; a second signal forces the stop");
    shared.ask(Request::Drain);
    let signal = signals.next().await;
    tracing::warn!(signal, "stopping at once");
    shared.ask(Request::Stop);
    let _ = tokio::time::timeout(FORCE_TIMEOUT, std::future::pending::<()>()).await;
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
