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
    /// Begin to drain. Said once.
    Drain(Reason),
    /// Say goodbye and end.
    Stop(Reason),
}

/// Why a server drains or stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Somebody asked for it.
    Asked,
    /// Nobody played for the idle timeout.
    Idle,
    /// The last player has left, and `--exit-when-empty`.
    Empty,
    /// The match time is over.
    MatchOver,
    /// It drained, and all players have left.
    AllLeft,
    /// It drained for as long as it may.
    DrainTimeout,
}

/// Who is here.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Attendance {
    /// Places that are taken: by who plays, who is about to, and who may come back.
    pub(crate) places: usize,
    /// Players of the game: without those who are about to, and may never.
    pub(crate) players: usize,
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

    /// What follows from who is here `now`. A server in a fleet is not wanted until it is allocated.
    pub(crate) fn step(&mut self, now: Instant, here: Attendance, is_wanted: bool, request: Request) -> Step {
        let is_empty = here.places == 0;
        if !is_empty && self.match_began.is_none() {
            self.match_began = Some(now);
        }
        self.idle_since = (is_empty && is_wanted).then(|| self.idle_since.unwrap_or(now));
        if request == Request::Stop {
            return Step::Stop(Reason::Asked);
        }
        match self.drain_began {
            None => self.drain_reason(now, is_empty, request).map_or(Step::Run, |reason| {
                self.drain_began = Some(now);
                Step::Drain(reason)
            }),
            Some(_) if here.players == 0 => Step::Stop(Reason::AllLeft),
            Some(began) if now.since(began) >= self.rules.drain_timeout => Step::Stop(Reason::DrainTimeout),
            Some(_) => Step::Run,
        }
    }

    fn drain_reason(&self, now: Instant, is_empty: bool, request: Request) -> Option<Reason> {
        let playing = self.match_began.map(|began| now.since(began));
        let idle = self.idle_since.map(|since| now.since(since));
        match playing {
            _ if request == Request::Drain => Some(Reason::Asked),
            _ if self.rules.idle_timeout.is_some_and(|limit| idle >= Some(limit)) => Some(Reason::Idle),
            Some(_) if self.rules.exit_when_empty && is_empty => Some(Reason::Empty),
            Some(time) if self.rules.match_time.is_some_and(|limit| time >= limit) => Some(Reason::MatchOver),
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
        /// Of a server that is wanted, where all who are here play.
        fn go_on(&mut self, now: Instant, players: usize, request: Request) -> Step {
            self.step(now, Attendance { places: players, players }, true, request)
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
        assert_eq!(lifecycle.go_on(at(1), 2, Request::Drain), Step::Drain(Reason::Asked));
        assert_eq!(lifecycle.go_on(at(2), 1, Request::Drain), Step::Run);
        assert_eq!(lifecycle.go_on(at(3), 0, Request::Drain), Step::Stop(Reason::AllLeft));
    }

    #[test]
    fn draining_ends_at_the_timeout() {
        let mut lifecycle = Lifecycle::new(RULES);
        lifecycle.go_on(at(1), 2, Request::Drain);
        assert_eq!(lifecycle.go_on(at(30), 2, Request::Drain), Step::Run);
        assert_eq!(lifecycle.go_on(at(31), 2, Request::Drain), Step::Stop(Reason::DrainTimeout));
    }

    #[test]
    fn draining_does_not_wait_for_who_has_not_joined() {
        let rules = LifecycleRules { exit_when_empty: true, ..RULES };
        let (mut lifecycle, joining) = (Lifecycle::new(rules), Attendance { places: 1, players: 0 });
        lifecycle.go_on(at(1), 1, Request::Run);
        assert_eq!(lifecycle.step(at(2), joining, true, Request::Run), Step::Run, "it is not empty");
        assert_eq!(lifecycle.step(at(3), joining, true, Request::Drain), Step::Drain(Reason::Asked));
        assert_eq!(lifecycle.step(at(4), joining, true, Request::Drain), Step::Stop(Reason::AllLeft));
    }

    #[test]
    fn a_second_request_forces() {
        let mut lifecycle = Lifecycle::new(RULES);
        lifecycle.go_on(at(1), 2, Request::Drain);
        assert_eq!(lifecycle.go_on(at(2), 2, Request::Stop), Step::Stop(Reason::Asked));
    }

    #[test]
    fn a_match_is_timed_from_its_first_player() {
        let mut lifecycle = Lifecycle::new(LifecycleRules { match_time: Some(Duration::from_secs(60)), ..RULES });
        assert_eq!(lifecycle.go_on(at(100), 1, Request::Run), Step::Run);
        assert_eq!(lifecycle.go_on(at(130), 0, Request::Run), Step::Run);
        assert_eq!(lifecycle.go_on(at(160), 3, Request::Run), Step::Drain(Reason::MatchOver));
    }

    #[test]
    fn an_empty_server_stops_if_told_so() {
        let mut lifecycle = Lifecycle::new(LifecycleRules { exit_when_empty: true, ..RULES });
        assert_eq!(lifecycle.go_on(at(1), 1, Request::Run), Step::Run);
        assert_eq!(lifecycle.go_on(at(2), 0, Request::Run), Step::Drain(Reason::Empty));
        assert_eq!(lifecycle.go_on(at(3), 0, Request::Run), Step::Stop(Reason::AllLeft));
    }

    #[test]
    fn a_server_that_is_wanted_and_that_nobody_comes_to_stops_if_told_so() {
        let mut lifecycle = Lifecycle::new(LifecycleRules { idle_timeout: Some(Duration::from_secs(60)), ..RULES });
        assert_eq!(lifecycle.step(at(1), Attendance::default(), false, Request::Run), Step::Run);
        let step = lifecycle.step(at(1_000), Attendance::default(), false, Request::Run);
        assert_eq!(step, Step::Run, "a fleet keeps it for whoever comes");
        assert_eq!(lifecycle.go_on(at(1_001), 0, Request::Run), Step::Run);
        assert_eq!(lifecycle.go_on(at(1_060), 1, Request::Run), Step::Run);
        assert_eq!(lifecycle.go_on(at(1_070), 0, Request::Run), Step::Run);
        assert_eq!(lifecycle.go_on(at(1_129), 0, Request::Run), Step::Run);
        let step = lifecycle.go_on(at(1_130), 0, Request::Run);
        assert_eq!(step, Step::Drain(Reason::Idle));
    }
}
