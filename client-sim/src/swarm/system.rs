//! What else the operating system is asked for: room for sockets, news of Ctrl-C, processor time.

use std::os::fd::AsFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, Usage, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::time::TimeValLike;

use super::SwarmError;

/// Files that are open besides the clients' sockets.
const OTHER_FILES: u64 = 64;

/// Raises the limit of open files as far as it goes, so that each client can have a socket.
pub(super) fn make_room(clients: u32) -> Result<(), SwarmError> {
    let (soft, hard) =
        getrlimit(Resource::RLIMIT_NOFILE).map_err(SwarmError::system("reading the limit of open files"))?;
    let needed = u64::from(clients) + OTHER_FILES;
    if hard < needed {
        return Err(SwarmError::TooManyFiles { clients, needed, limit: hard });
    }
    // Those who leave keep theirs for a while, and the hostile have two.
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
            .map_err(SwarmError::system("raising the limit of open files"))?;
    }
    Ok(())
}

/// Ctrl-C and SIGTERM, which end a run early but not without its figures.
pub(super) struct Interrupt {
    signals: SignalFd,
}

impl Interrupt {
    /// Takes them over for this thread, and all that it starts from now on.
    pub(super) fn install() -> Result<Self, SwarmError> {
        let mut set = SigSet::empty();
        set.add(Signal::SIGINT);
        set.add(Signal::SIGTERM);
        set.thread_block().map_err(SwarmError::system("taking over signals"))?;
        let signals = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC);
        Ok(Self { signals: signals.map_err(SwarmError::system("taking over signals"))? })
    }

    /// Waits, and tells whether it was interrupted.
    pub(super) fn wait(&self, timeout: Duration) -> bool {
        let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
        let mut fds = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        // An error means that nothing is known of a signal; the next wait asks again.
        let _ = poll(&mut fds, timeout);
        matches!(self.signals.read_signal(), Ok(Some(_)))
    }
}

/// Processor time of this thread so far.
pub(super) fn thread_cpu() -> Duration {
    getrusage(UsageWho::RUSAGE_THREAD).as_ref().map_or(Duration::ZERO, cpu)
}

fn cpu(usage: &Usage) -> Duration {
    let us = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(us.max(0).cast_unsigned())
}

/// This machine in a few words: its processor, cores, memory and system.
pub(super) fn machine() -> String {
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let memory_kib = field(&read("/proc/meminfo"), "MemTotal")
        .and_then(|total| total.split_whitespace().next()?.parse::<u64>().ok());
    let memory = memory_kib.map(|kib| format!(", {} GiB", (kib as f64 / f64::from(1 << 20)).round()));
    let kernel = read("/proc/sys/kernel/osrelease");
    let system =
        if kernel.trim().is_empty() { std::env::consts::OS.to_owned() } else { format!("Linux {}", kernel.trim()) };
    format!("{model}, {cores} cores{}, {system}", memory.unwrap_or_default())
}
