use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tidelock::Instant;

use super::admin::Admin;
use super::{SwarmError, clock};
use crate::measure::ServerFigures;

/// Asks a server once a second what it has counted, in a thread of its own: an endpoint that takes its time holds up nobody.
pub(super) struct Scraper {
    readings: Receiver<Reading>,
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

/// One answer.
#[derive(Clone)]
pub(super) struct Reading {
    /// After how many seconds it was asked for.
    pub(super) number: u32,
    pub(super) at: Instant,
    pub(super) figures: ServerFigures,
}

impl Scraper {
    /// At once, and at each whole second after `started_at`.
    pub(super) fn start(admin: Admin, started_at: Instant) -> Result<Self, SwarmError> {
        let (sender, readings) = channel();
        let (stop, stopped) = channel();
        let builder = std::thread::Builder::new().name("tidelock-scraper".to_owned());
        let thread = builder
            .spawn(move || scrape(&admin, started_at, &sender, &stopped))
            .map_err(SwarmError::system("starting a thread"))?;
        Ok(Self { readings, stop, thread })
    }

    /// What has come since the last time.
    pub(super) fn readings(&self) -> impl Iterator<Item = Reading> {
        self.readings.try_iter()
    }

    /// Stops when the answer under way is there.
    pub(super) fn stop(self) {
        drop(self.stop);
        // Its panic has been printed.
        let _ = self.thread.join();
    }
}

fn scrape(admin: &Admin, started_at: Instant, readings: &Sender<Reading>, stopped: &Receiver<()>) {
    let mut number = 0;
    loop {
        let due = started_at + Duration::from_secs(number);
        if stopped.recv_timeout(due.since(clock::now())) != Err(RecvTimeoutError::Timeout) {
            return;
        }
        if let Some(figures) = admin.figures() {
            let reading = Reading { number: number as u32, at: clock::now(), figures };
            if readings.send(reading).is_err() {
                return;
            }
        }
        // An answer that took long makes the next ones fall out.
        number = clock::now().since(started_at).as_secs() + 1;
    }
}
