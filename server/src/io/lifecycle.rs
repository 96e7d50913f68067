use std::time::Duration;
use tidelock::Instant;

/// When a server stops by itself, and how long a stop may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LifecycleRules {
    /// Drain so long after the first player joined.
    pub(crate) match_time: Option<Duration>,
    /// Stop when the last player has left.
    pub(crate) exit_when_empty: bool,
    /// Drain when the server was wanted, and nobody played, for so long.
    pub(crate) idle_timeout: Option<Duration>,
    /// When draining, wait no longer than this for players to leave.
    pub(crate) drain_timeout: Duration,
}

/// What operators asked for, by signal or HTTP. It only ever rises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Request {
    /// Go on.
    #[default]
    Run,
    /// Take no more players, and stop when those here have left.
    Drain,
    /// Stop now.
    Stop,
}

/// What to do after a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Another tick.
    Run,
    /// Begin to drain, for this reason. Said once.
    Drain(&'static str),
    /// Say goodbye and end, for this reason.
    Stop(&'static str),
}

/// Decides when a server drains and stops.
#[derive(Clone, Debug)]
pub(crate) struct Lifecycle {
    rules: LifecycleRules,
    match_began: Option<Instant>,
    /// Nobody has played since, though somebody should.
    idle_since: Option<Instant>,
    drain_began: Option<Instant>,
}

impl Lifecycle {
    pub(crate) fn new(rules: LifecycleRules) -> Self {
        Self { rules, match_began: None, idle_since: None, drain_began: None }
    }

    /// What follows from `clients` playing `now`. A server in a fleet is not wanted until it is allocated.
    pub(crate) fn step(&mut self, now: Instant, clients: usize, is_wanted: bool, request: Request) -> Step {
        if clients > 0 && self.match_began.is_none() {
            self.match_began = Some(now);
        }
        self.idle_since = (clients == 0 && is_wanted).then(|| self.idle_since.unwrap_or(now));
        if request == Request::Stop {
            return Step::Stop("asked to");
        }
        match self.drain_began {
            None => self.drain_reason(now, clients, request).map_or(Step::Run, |reason| {
                self.drain_began = Some(now);
                Step::Drain(reason)
            }),
            Some(_) if clients == 0 => Step::Stop("all players have left"),
            Some(began) if now.since(began) >= self.rules.drain_timeout => Step::Stop("the drain timeout is over"),
            Some(_) => Step::Run,
        }
    }

    fn drain_reason(&self, now: Instant, clients: usize, request: Request) -> Option<&'static str> {
        let playing = self.match_began.map(|began| now.since(began));
        let idle = self.idle_since.map(|since| now.since(since));
        match playing {
            _ if request == Request::Drain => Some("asked to"),
            _ if self.rules.idle_timeout.is_some_and(|limit| idle >= Some(limit)) => {
                Some("nobody came for the idle timeout")
            }
            Some(_) if self.rules.exit_when_empty && clients == 0 => Some("the last player has left"),
            Some(time) if self.rules.match_time.is_some_and(|limit| time >= limit) => Some("the match time is over"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: LifecycleRules = LifecycleRules {
        match_time: None,
        exit_when_empty: false,
        idle_timeout: None,
        drain_timeout: Duration::from_secs(30),
    };

    impl Lifecycle {
        /// Of a server that is wanted.
        fn go_on(&mut self, now: Instant, clients: usize, request: Request) -> Step {
            self.step(now, clients, true, request)
        }
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_us(1_000_000 * seconds)
    }

    #[test]
    fn a_server_waits_for_players_forever() {
        let mut lifecycle = Lifecycle::new(LifecycleRules {
            match_time: Some(Duration::from_secs(60)),
            exit_when_empty: true,
            ..RULES
        });
        assert_eq!(lifecycle.go_on(at(0), 0, Request::Run), Step::Run);
        assert_eq!(lifecycle.go_on(at(10_000), 0, Request::Run), Step::Run);
    }

    #[test]
    fn draining_ends_when_the_last_player_leaves() {
        let mut lifecycle = Lifecycle::new(RULES);
        assert_eq!(lifecycle.go_on(at(1), 2, Request::Drain), Step::Drain("asked to"));
        assert_eq!(lifecycle.go_on(at(2), 1, Request::Drain), Step::Run);
        assert_eq!(lifecycle.go_on(at(3), 0, Request::Drain), Step::Stop("all players have left"));
    }

    #[test]
    fn draining_ends_at_the_timeout() {
        let mut lifecycle = Lifecycle::new(RULES);
        lifecycle.go_on(at(1), 2, Request::Drain);
        assert_eq!(lifecycle.go_on(at(30), 2, Request::Drain), Step::Run);
        assert_eq!(lifecycle.go_on(at(31), 2, Request::Drain), Step::Stop("the drain timeout is over"));
    }

    #[test]
    fn a_second_request_forces() {
        let mut lifecycle = Lifecycle::new(RULES);
        lifecycle.go_on(at(1), 2, Request::Drain);
        assert_eq!(lifecycle.go_on(at(2), 2, Request::Stop), Step::Stop("asked to"));
    }

    #[test]
    fn a_match_is_timed_from_its_first_player() {
        let mut lifecycle = Lifecycle::new(LifecycleRules { match_time: Some(Duration::from_secs(60)), ..RULES });
        assert_eq!(lifecycle.go_on(at(100), 1, Request::Run), Step::Run);
        assert_eq!(lifecycle.go_on(at(130), 0, Request::Run), Step::Run);
        assert_eq!(lifecycle.go_on(at(160), 3, Request::Run), Step::Drain("the match time is over"));
    }

    #[test]
    fn an_empty_server_stops_if_told_so() {
        let mut lifecycle = Lifecycle::new(LifecycleRules { exit_when_empty: true, ..RULES });
        assert_eq!(lifecycle.go_on(at(1), 1, Request::Run), Step::Run);
        assert_eq!(lifecycle.go_on(at(2), 0, Request::Run), Step::Drain("the last player has left"));
        assert_eq!(lifecycle.go_on(at(3), 0, Request::Run), Step::Stop("all players have left"));
    }

    #[test]
    fn a_server_that_is_wanted_and_that_nobody_comes_to_stops_if_told_so() {
        let mut lifecycle = Lifecycle::new(LifecycleRules { idle_timeout: Some(Duration::from_secs(60)), ..RULES });
        assert_eq!(lifecycle.step(at(1), 0, false, Request::Run), Step::Run);
        assert_eq!(lifecycle.step(at(1_000), 0, false, Request::Run), Step::Run, "a fleet keeps it for whoever comes");
        assert_eq!(lifecycle.go_on(at(1_001), 0, Request::Run), Step::Run);
        assert_eq!(lifecycle.go_on(at(1_060), 1, Request::Run), Step::Run);
        assert_eq!(lifecycle.go_on(at(1_070), 0, Request::Run), Step::Run);
        assert_eq!(lifecycle.go_on(at(1_129), 0, Request::Run), Step::Run);
        let step = lifecycle.go_on(at(1_130), 0, Request::Run);
        assert_eq!(step, Step::Drain("nobody came for the idle timeout"));
    }
}
