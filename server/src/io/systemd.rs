//! What systemd wants to know of a service of `Type=notify`, as `sd_notify(3)` and `sd_watchdog_enabled(3)` describe it.

use super::shared::Shared;
use std::io;
use std::sync::Arc;

/// Tells systemd, if it started this process and wants to know, when the server is ready and stops, and that ticks are run: a server
/// whose ticks hang is then started anew, where the unit has `WatchdogSec=`. In a thread of its own, to the end of the process.
pub(super) fn start(shared: Arc<Shared>) -> io::Result<()> {
    os::start(shared)
}

#[cfg(unix)]
mod os {
    use super::super::clock;
    use super::super::lifecycle::Request;
    use super::super::shared::{Shared, State};
    use std::ffi::OsString;
    use std::io;
    use std::os::unix::net::UnixDatagram;
    use std::sync::Arc;
    use std::time::Duration;

    /// How often there may be something to tell, and where there is no watchdog.
    const ROUND: Duration = Duration::from_millis(500);

    pub(super) fn start(shared: Arc<Shared>) -> io::Result<()> {
        let Some(socket) = std::env::var_os("NOTIFY_SOCKET").and_then(connected) else { return Ok(()) };
        let round = watchdog().map_or(ROUND, |watchdog| ROUND.min(watchdog / 2));
        let builder = std::thread::Builder::new().name("tidelock-systemd".to_owned());
        builder.spawn(move || tell(&socket, &shared, round)).map(drop)
    }

    fn tell(socket: &UnixDatagram, shared: &Shared, round: Duration) {
        // Whether systemd listens is its own matter.
        let say = |text: &str| drop(socket.send(text.as_bytes()));
        say("READY=1");
        let mut is_stopping = false;
        while shared.state() != State::Stopped {
            if shared.is_alive(clock::now()) {
                say("WATCHDOG=1");
            }
            let stops = shared.state() == State::Draining || shared.request() != Request::Run;
            if stops && !is_stopping {
                is_stopping = true;
                say("STOPPING=1\nSTATUS=Draining: waiting for players to leave");
            }
            clock::sleep_until(clock::now() + round);
        }
    }

    /// A path, or a name that begins with `@` and is in no file system.
    fn connected(address: OsString) -> Option<UnixDatagram> {
        let socket = UnixDatagram::unbound().ok()?;
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

    pub(super) fn start(_: Arc<Shared>) -> io::Result<()> {
        Ok(())
    }
}
