use std::time::Duration;
use tidelock::Instant;

/// Decides what of a running server is worth a line in the log: little, however bad it gets.
#[derive(Debug)]
pub(crate) struct Notices {
    /// What the log says of the load, and until when that has to do.
    overload: Option<(u8, Instant)>,
    clock: Option<ClockReading>,
    drops_told: u64,
    drops_due: Instant,
    has_told_buffer: bool,
}

/// Something for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Clients get less than they should.
    Overload {
        /// From 1 to 3.
        level: u8,
    },
    /// Not any more.
    Relief,
    /// The clock that people set was set.
    ClockStepped {
        /// Forwards.
        by_s: i64,
    },
    /// The kernel dropped what players sent.
    ReceiveDrops {
        /// Since this was last said.
        datagrams: u64,
    },
    /// The kernel holds less than a datagram of each client.
    SmallBuffer {
        /// How many there are.
        clients: usize,
        /// How many it holds.
        datagrams: usize,
    },
}

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug)]
struct ClockReading {
    at: Instant,
    unix_s: u64,
}

/// Before the same is said again, or its contrary.
const PAUSE: Duration = Duration::from_secs(10);
/// The clocks are compared in whole seconds, and one of them may be adjusted a little.
const STEP_MIN_S: i64 = 2;

impl Notices {
    pub(crate) fn new() -> Self {
        Self { overload: None, clock: None, drops_told: 0, drops_due: Instant::default(), has_told_buffer: false }
    }

    /// The server has this load level now.
    pub(crate) fn on_load(&mut self, now: Instant, level: u8) -> Option<Notice> {
        match &mut self.overload {
            None if level > 0 => {
                self.overload = Some((level, now + PAUSE));
                Some(Notice::Overload { level })
            }
            Some((told, until)) if level > *told => {
                (*told, *until) = (level, now + PAUSE);
                Some(Notice::Overload { level })
            }
            // It has to stay away for a while.
            Some((_, until)) if level > 0 => {
                *until = now + PAUSE;
                None
            }
            Some((_, until)) if *until <= now => {
                self.overload = None;
                Some(Notice::Relief)
            }
            _ => None,
        }
    }

    /// The clock that people set says this.
    pub(crate) fn on_clock(&mut self, now: Instant, unix_s: u64) -> Option<Notice> {
        let before = self.clock.replace(ClockReading { at: now, unix_s })?;
        let passed_s = now.since(before.at).as_secs();
        let by_s = unix_s.cast_signed() - before.unix_s.cast_signed() - passed_s.cast_signed();
        if by_s.abs() < STEP_MIN_S {
            // Fractions of seconds would be lost, one after the other.
            self.clock = Some(before);
            return None;
        }
        Some(Notice::ClockStepped { by_s })
    }

    /// So many datagrams were dropped by the kernel, since the start.
    pub(crate) fn on_receive_drops(&mut self, now: Instant, dropped: u64) -> Option<Notice> {
        if dropped <= self.drops_told || now < self.drops_due {
            return None;
        }
        self.drops_due = now + PAUSE;
        let datagrams = dropped - std::mem::replace(&mut self.drops_told, dropped);
        Some(Notice::ReceiveDrops { datagrams })
    }

    /// So many clients, and so many datagrams that the kernel holds. Said once.
    pub(crate) fn on_buffer(&mut self, clients: usize, datagrams: usize) -> Option<Notice> {
        if clients <= datagrams || std::mem::replace(&mut self.has_told_buffer, true) {
            return None;
        }
        Some(Notice::SmallBuffer { clients, datagrams })
    }
}

impl Notice {
    pub(crate) fn log(self) {
        match self {
            Self::Overload { level } => tracing::warn!(level, "overloaded: clients are sent less, see /status"),
            Self::Relief => tracing::info!("no longer overloaded"),
            Self::ClockStepped { by_s } => tracing::warn!(
                by_s,
                "the system clock was set: players stay, but connect tokens are judged by it, as by the clock of who makes them"
            ),
            Self::ReceiveDrops { datagrams } => tracing::warn!(
                datagrams,
                "the kernel's receive buffer was full and datagrams were dropped: raise net.core.rmem_max, or look for a flood"
            ),
            Self::SmallBuffer { clients, datagrams } => tracing::warn!(
                clients,
                datagrams,
                "the kernel's receive buffer holds less than one datagram of each client: raise net.core.rmem_max"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Instant {
        Instant::from_us(ms * 1_000)
    }

    #[test]
    fn overload_is_told_when_it_begins_and_worsens_and_relief_when_it_stays_away() {
        let mut notices = Notices::new();
        let mut told = Vec::new();
        let levels =
            [(0, 0), (1_000, 1), (1_100, 0), (2_000, 1), (3_000, 2), (4_000, 1), (5_000, 0), (14_000, 0), (14_001, 0)];
        for (ms, level) in levels {
            told.extend(notices.on_load(at(ms), level).map(|notice| (ms, notice)));
        }
        let overload = |level| Notice::Overload { level };
        assert_eq!(told, [(1_000, overload(1)), (3_000, overload(2)), (14_000, Notice::Relief)]);
    }

    #[test]
    fn a_load_that_comes_and_goes_is_told_once() {
        let mut notices = Notices::new();
        let told = (0..600).filter_map(|n| notices.on_load(at(n * 100), u8::from(n % 2 == 0))).count();
        assert_eq!(told, 1);
    }

    #[test]
    fn a_clock_that_is_set_is_told_and_one_that_drifts_is_not() {
        let mut notices = Notices::new();
        // A second in ten thousand too fast.
        for n in 0..10_000_u64 {
            assert_eq!(notices.on_clock(at(n * 1_000), 1_000_000 + n + n / 10_000), None, "{n}");
        }
        let step = |by_s| Some(Notice::ClockStepped { by_s });
        assert_eq!(notices.on_clock(at(10_000_000), 1_000_000 + 10_000 + 3_600), step(3_600));
        assert_eq!(notices.on_clock(at(10_001_000), 1_000_000 + 10_001 + 3_600), None);
        assert_eq!(notices.on_clock(at(10_002_000), 1_000_000 + 10_002), step(-3_600));
    }

    #[test]
    fn a_flood_of_drops_is_a_line_now_and_then() {
        let mut notices = Notices::new();
        let told: Vec<_> = (0..250).filter_map(|n| notices.on_receive_drops(at(n * 100), n)).collect();
        let drops = |datagrams| Notice::ReceiveDrops { datagrams };
        assert_eq!(told, [drops(1), drops(100), drops(100)]);
    }

    #[test]
    fn a_small_buffer_is_told_once() {
        let mut notices = Notices::new();
        let told: Vec<_> = (0..5).filter_map(|clients| notices.on_buffer(clients, 2)).collect();
        assert_eq!(told, [Notice::SmallBuffer { clients: 3, datagrams: 2 }]);
    }
}
