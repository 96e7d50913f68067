use super::os::BatchReceiver;
use super::{Inbox, UdpPort};
use crate::io::clock;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

/// The thread that drains the socket, whatever the tick is doing.
#[derive(Debug)]
pub(crate) struct ReceiveThread {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl ReceiveThread {
    /// Starts to receive from `port` into `inbox`.
    pub(crate) fn start(port: &UdpPort, inbox: Arc<Inbox>) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (port, stopped) = (port.clone(), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("tidelock-receive".to_owned())
            .spawn(move || receive(&port, &inbox, &stopped))?;
        Ok(Self { stop, thread })
    }

    /// Stops within the time in which an idle receiver looks up.
    pub(crate) fn stop(self) {
        self.stop.store(true, Relaxed);
        self.thread.join().expect("receiving does not panic");
    }
}

fn receive(port: &UdpPort, inbox: &Inbox, stop: &AtomicBool) {
    let mut receiver = BatchReceiver::new();
    let mut failing = false;
    while !stop.load(Relaxed) {
        match receiver.receive(&port.socket, inbox) {
            Ok(()) => failing = false,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) => {
                if !failing {
                    tracing::error!(%error, "receiving from the socket fails");
                }
                failing = true;
                clock::sleep_until(clock::now() + Duration::from_millis(10));
            }
        }
    }
}
