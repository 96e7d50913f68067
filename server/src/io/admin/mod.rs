//! Metrics, health and administration over HTTP.

mod access;
mod calls;
mod reports;

pub use access::{AdminConfig, AdminToken};

use super::bans::BanFile;
use super::metrics::Metrics;
use super::shared::{Command, Shared};
use super::tokens::TokenMint;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// Longest body of a request.
const BODY_BYTES_MAX: usize = 1024;

/// How often recorded measurements are sorted into buckets.
const UPKEEP: Duration = Duration::from_secs(1);

/// How long a stop waits for answers under way.
const STOP_TIMEOUT: Duration = Duration::from_millis(500);

/// What the endpoints answer from.
pub(crate) struct Admin {
    pub(crate) shared: Arc<Shared>,
    pub(crate) commands: SyncSender<Command>,
    pub(crate) metrics: Metrics,
    pub(crate) mint: TokenMint,
    /// Locked while a change is put into the file and on its way to the engine, so that both see the same order.
    pub(crate) bans: Mutex<Option<BanFile>>,
    pub(crate) config: AdminConfig,
}

impl Admin {
    /// Makes tokens that lead here.
    fn mint(&self) -> TokenMint {
        self.mint.leading_to(self.shared.advertise())
    }
}

fn router(admin: Arc<Admin>) -> Router {
    Router::new()
        .route("/metrics", get(reports::metrics))
        .route("/livez", get(reports::livez))
        .route("/readyz", get(reports::readyz))
        .route("/status", get(reports::status))
        .route("/ticks", get(reports::ticks))
        .route("/schema", get(reports::schema))
        .route("/clients", get(calls::clients))
        .route("/drain", post(calls::drain))
        .route("/clients/{id}/kick", post(calls::kick))
        .route("/clients/{id}/ban", post(calls::ban))
        .route("/clients/{id}/unban", post(calls::unban))
        .route("/bans", get(calls::bans))
        .route("/token", post(calls::token))
        .fallback(calls::no_endpoint)
        .method_not_allowed_fallback(calls::other_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(admin)
}

/// The thread that answers HTTP. Ticks go on whatever happens here.
#[derive(Debug)]
pub(crate) struct AdminThread {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl AdminThread {
    /// Answers on a bound listener.
    pub(crate) fn start(listener: TcpListener, admin: Admin) -> io::Result<Self> {
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("tidelock-admin".to_owned()).spawn(move || {
            if let Err(error) = runtime.block_on(serve(listener, Arc::new(admin), stopped)) {
                tracing::error!(%error, "the admin endpoints have stopped");
            }
        })?;
        Ok(Self { address, stop, thread })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops, after giving answers under way a moment.
    pub(crate) fn stop(self) {
        // If the thread has ended already there is nobody to tell.
        let _ = self.stop.send(());
        self.thread.join().expect("handlers' panics stay in their connections");
    }
}

async fn serve(listener: TcpListener, admin: Arc<Admin>, stopped: oneshot::Receiver<()>) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let (close, closing) = oneshot::channel::<()>();
    let service = router(Arc::clone(&admin)).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async {
        let _ = closing.await;
    });
    let mut server = std::pin::pin!(server.into_future());
    let mut upkeep = tokio::time::interval(UPKEEP);
    let mut stopped = std::pin::pin!(stopped);
    loop {
        tokio::select! {
            result = &mut server => return result,
            _ = upkeep.tick() => admin.metrics.upkeep(),
            _ = &mut stopped => break,
        }
    }
    let _ = close.send(());
    tokio::time::timeout(STOP_TIMEOUT, server).await.unwrap_or(Ok(()))
}
