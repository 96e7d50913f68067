use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::{TimeSpec, TimeValLike};
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tidelock::Instant;

/// Waits for sockets, for a moment in time to the microsecond, and for another thread's call.
pub(super) struct Poller {
    epoll: Epoll,
    timer: TimerFd,
    call: Arc<EventFd>,
    events: Vec<EpollEvent>,
    /// How many of `events` are filled.
    ready: usize,
}

const TIMER: u64 = u64::MAX;
const CALL: u64 = u64::MAX - 1;

impl Poller {
    /// Sockets told at once; others are told the next time.
    const EVENTS: usize = 1024;

    /// Ends its wait whenever somebody writes to `call`.
    pub(super) fn new(call: Arc<EventFd>) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        epoll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN, TIMER))?;
        epoll.add(&*call, EpollEvent::new(EpollFlags::EPOLLIN, CALL))?;
        Ok(Self { epoll, timer, call, events: vec![EpollEvent::empty(); Self::EVENTS], ready: 0 })
    }

    /// What a [`Poller`] can be called by.
    pub(super) fn call() -> io::Result<Arc<EventFd>> {
        Ok(Arc::new(EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?))
    }

    /// Watches a socket until it is closed.
    pub(super) fn watch(&self, socket: BorrowedFd<'_>, client: usize) -> io::Result<()> {
        Ok(self.epoll.add(socket, EpollEvent::new(EpollFlags::EPOLLIN, client as u64))?)
    }

    /// Returns at `deadline` or when something happens; at once without a deadline.
    pub(super) fn wait(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        let timeout = match deadline {
            Some(deadline) => {
                let at = TimeSpec::microseconds(deadline.as_us().cast_signed().max(1));
                self.timer.set(Expiration::OneShot(at), TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
                EpollTimeout::NONE
            }
            None => EpollTimeout::ZERO,
        };
        self.ready = match self.epoll.wait(&mut self.events, timeout) {
            Ok(ready) => ready,
            Err(nix::errno::Errno::EINTR) => 0,
            Err(error) => return Err(error.into()),
        };
        Ok(())
    }

    /// The clients whose sockets have something to read.
    pub(super) fn readable(&self) -> impl Iterator<Item = usize> {
        self.events[..self.ready].iter().map(EpollEvent::data).filter(|data| *data < CALL).map(|data| data as usize)
    }

    /// Forgets the timer and the call, once they have woken us.
    pub(super) fn clear(&self) {
        for event in &self.events[..self.ready] {
            // Both answer "try again" when there is nothing to forget.
            match event.data() {
                TIMER => drop(self.timer.wait()),
                CALL => drop(self.call.read()),
                _ => {}
            }
        }
    }
}

/// Two waits lie this far apart when only the clock ends them: clients due in between are served together. It bounds
/// the wake-ups to 10,000 a second.
pub(super) const GRAIN: Duration = Duration::from_micros(100);
