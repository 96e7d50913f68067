//! What systemd wants to know of a service of `Type=notify`, as `sd_notify(3)` and `sd_watchdog_enabled(3)` describe it.

use super::shared::Shared;
use std::io;
use std::sync::Arc;

pub(super) use os::Notifier;

/// Tells systemd, if it started this process and wants to know, when the server is ready and stops, and that ticks are run: a server
/// whose ticks hang is then started anew, where the unit has `WatchdogSec=`. In a thread of its own, to the end of the process.
pub(super) fn start(shared: Arc<Shared>) -> io::Result<Notifier> {
    os::start(shared)
}

#[cfg(unix)]
mod os {
    use super::super::clock;
    use super::super::shared::{Shared, State};
    use std::ffi::OsString;
    use std::io;
    use std::os::unix::net::UnixDatagram;
    use std::sync::Arc;
    use std::time::Duration;

    /// How often there may be something to tell, and where there is no watchdog.
    const ROUND: Duration = Duration::from_millis(500);

    /// Says things to systemd, or to nobody.
    #[derive(Clone, Debug)]
    pub(crate) struct Notifier(Option<Arc<UnixDatagram>>);

    impl Notifier {
        /// The server has begun to stop. May be said again.
        pub(crate) fn stopping(&self) {
            self.say("STOPPING=1");
        }

        /// Whether systemd listens is its own matter.
        fn say(&self, text: &str) {
            let _ = self.0.as_ref().map(|socket| socket.send(text.as_bytes()));
        }
    }

    pub(super) fn start(shared: Arc<Shared>) -> io::Result<Notifier> {
        let notifier = Notifier(std::env::var_os("NOTIFY_SOCKET").and_then(connected).map(Arc::new));
        if notifier.0.is_some() {
            let round = watchdog().map_or(ROUND, |watchdog| ROUND.min(watchdog / 2));
            let builder = std::thread::Builder::new().name("tidelock-systemd".to_owned());
            let teller = notifier.clone();
            builder.spawn(move || tell(&teller, &shared, round))?;
        }
        Ok(notifier)
    }

    fn tell(systemd: &Notifier, shared: &Shared, round: Duration) {
        systemd.say("READY=1");
        let mut is_stopping = false;
        while shared.state() != State::Stopped {
            if shared.is_alive(clock::now()) {
                systemd.say("WATCHDOG=1");
            }
            if shared.is_draining() && !is_stopping {
                is_stopping = true;
                systemd.say("STOPPING=1\nSTATUS=Draining: waiting for players to leave");
            }
            clock::sleep_until(clock::now() + round);
        }
    }

    /// A path, or a name that begins with `@` and is in no file system.
    fn connected(address: OsString) -> Option<UnixDatagram> {
        let socket = UnixDatagram::unbound().ok()?;
        // What systemd has no room for, it does not hear.
        socket.set_nonblocking(true).ok()?;
        match address.to_str().and_then(|address| address.strip_prefix('@')) {
            Some(name) => connect_abstract(&socket, name)?,
            None => socket.connect(address).ok()?,
        }
        Some(socket)
    }

    #[cfg(target_os = "linux")]
    fn connect_abstract(socket: &UnixDatagram, name: &str) -> Option<()> {
        use std::os::linux::net::SocketAddrExt;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name).ok()?;
        socket.connect_addr(&address).ok()
    }

    #[cfg(not(target_os = "linux"))]
    fn connect_abstract(_: &UnixDatagram, _: &str) -> Option<()> {
        None
    }

    /// How long systemd waits for a sign of life, if it waits for one of this process.
    fn watchdog() -> Option<Duration> {
        let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
        let is_ours =
            std::env::var_os("WATCHDOG_PID").is_none() || number("WATCHDOG_PID")? == u64::from(std::process::id());
        number("WATCHDOG_USEC").filter(|us| is_ours && *us > 0).map(Duration::from_micros)
    }
}

#[cfg(not(unix))]
mod os {
    use super::{Arc, Shared, io};

    #[derive(Clone, Debug)]
    pub(crate) struct Notifier;

    impl Notifier {
        pub(crate) fn stopping(&self) {}
    }

    pub(super) fn start(_: Arc<Shared>) -> io::Result<Notifier> {
        Ok(Notifier)
    }
}
