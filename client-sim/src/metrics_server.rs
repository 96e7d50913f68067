//! `--metrics`: the run so far, for Prometheus.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Context;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use tidelock_sim::measure::Second;
use tidelock_sim::tell::Exposition;

/// Answers `GET /metrics` in a thread of its own, until the program ends.
pub(crate) struct MetricsServer {
    address: SocketAddr,
    exposition: Exposition,
    text: Arc<Mutex<String>>,
}

impl MetricsServer {
    pub(crate) fn start(address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).with_context(|| format!("--metrics {address}"))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let exposition = Exposition::default();
        let text = Arc::new(Mutex::new(exposition.render()));
        let answers = Arc::clone(&text);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let builder = thread::Builder::new().name("tidelock-metrics".to_owned());
        builder.spawn(move || runtime.block_on(answer(listener, answers)))?;
        Ok(Self { address, exposition, text })
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A second is over.
    pub(crate) fn on_second(&mut self, second: &Second) {
        self.exposition.on_second(second);
        *self.text.lock().unwrap_or_else(PoisonError::into_inner) = self.exposition.render();
    }
}

/// A run goes on without whoever would look at it.
async fn answer(listener: TcpListener, text: Arc<Mutex<String>>) {
    let metrics = move || {
        let text = text.lock().unwrap_or_else(PoisonError::into_inner).clone();
        async { ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text) }
    };
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let _ = axum::serve(listener, Router::new().route("/metrics", get(metrics))).await;
}
