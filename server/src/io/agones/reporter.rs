use super::game_server::GameServer;
use super::sidecar::{Call, Failure};
use std::time::Duration;
use tidelock::{ClientId, Instant};

/// Decides what to tell Agones, and when. It knows no socket and no clock.
///
/// Calls are made one at a time. One that fails is tried again; what the sidecar refuses, such as a counter that the fleet does
/// not have, is told no more.
#[derive(Debug)]
pub(super) struct Reporter {
    capacity: usize,
    began: Instant,
    game_server: Option<GameServer>,
    health_due: Instant,
    look_due: Instant,
    ready: Errand,
    allocate: Errand,
    shutdown: Errand,
    /// How many play, and of how many.
    count: Kept<(usize, usize)>,
    list: Kept<Vec<ClientId>>,
}

/// What the server is like.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Ticks are run.
    pub(super) is_alive: bool,
    /// Players may join.
    pub(super) is_ready: bool,
    /// It has stopped.
    pub(super) is_over: bool,
    /// Who plays. Those whose place waits for them are among them.
    pub(super) players: Vec<ClientId>,
}

/// Something to be told once.
#[derive(Debug, Default)]
struct Errand {
    is_done: bool,
    due: Instant,
}

/// Something to be told whenever it changes.
#[derive(Debug)]
struct Kept<T> {
    told: Option<T>,
    is_refused: bool,
    due: Instant,
}

/// Agones gives a server up that is silent for several times its period, which is 5 s unless a fleet says otherwise.
const HEALTH_PERIOD: Duration = Duration::from_secs(1);
/// Who plays is told no more often, and what failed is not tried sooner.
const PAUSE: Duration = Duration::from_secs(1);
/// Changes come by a stream: this is for when it is broken.
const LOOK_PERIOD: Duration = Duration::from_secs(10);
/// A server whose address Agones does not tell takes players all the same.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(10);

impl Reporter {
    /// Of a server for so many players that begins now.
    pub(super) fn new(capacity: usize, now: Instant) -> Self {
        Self {
            capacity,
            began: now,
            game_server: None,
            health_due: now,
            look_due: now,
            ready: Errand::default(),
            allocate: Errand::default(),
            shutdown: Errand::default(),
            count: Kept::default(),
            list: Kept::default(),
        }
    }

    /// Agones told of a change.
    pub(super) fn on_game_server(&mut self, game_server: GameServer) {
        self.game_server = Some(game_server);
    }

    /// What to tell it now, if anything.
    pub(super) fn next(&self, now: Instant, seen: &Seen) -> Option<Call> {
        if seen.is_over {
            return self.shutdown.is_due(now).then_some(Call::Shutdown);
        }
        if seen.is_alive && self.health_due <= now {
            return Some(Call::Health);
        }
        if self.look_due <= now {
            return Some(Call::Look);
        }
        if !self.ready.is_done {
            let may = seen.is_ready && self.ready.is_due(now) && self.knows_enough(now);
            return may.then_some(Call::Ready);
        }
        if !seen.players.is_empty() && !self.is_allocated() && self.allocate.is_due(now) {
            return Some(Call::Allocate);
        }
        let game_server = self.game_server.as_ref()?;
        let players = seen.players.len();
        // A server that drains has no room, so that nobody is sent there.
        let capacity = if seen.is_ready { self.capacity } else { players };
        if game_server.has_counter() && self.count.is_due(now, &(players, capacity)) {
            return Some(Call::Count { players, capacity });
        }
        let taken = players.min(game_server.list_capacity()?);
        let listed = seen.players[..taken].to_vec();
        self.list.is_due(now, &listed).then_some(Call::List(listed))
    }

    /// What became of it.
    pub(super) fn on_answer(&mut self, now: Instant, call: Call, answer: Result<Option<GameServer>, Failure>) {
        let result = answer.map(|game_server| self.game_server = game_server.or(self.game_server.take()));
        match call {
            Call::Health => self.health_due = now + HEALTH_PERIOD,
            Call::Look => self.look_due = now + if self.knows_address() { LOOK_PERIOD } else { PAUSE },
            Call::Ready => self.ready.on_answer(now, &result),
            Call::Allocate => self.allocate.on_answer(now, &result),
            Call::Shutdown => self.shutdown.on_answer(now, &result),
            Call::Count { players, capacity } => self.count.on_answer(now, (players, capacity), &result),
            Call::List(clients) => self.list.on_answer(now, clients, &result),
        }
    }

    /// Whether Agones knows that the server is not needed any more.
    pub(super) fn has_told_end(&self) -> bool {
        self.shutdown.is_done
    }

    fn knows_address(&self) -> bool {
        self.game_server.as_ref().is_some_and(|game_server| game_server.address().is_some())
    }

    /// Whoever comes needs a token that names the right address.
    fn knows_enough(&self, now: Instant) -> bool {
        self.knows_address() || now.since(self.began) >= ADDRESS_PATIENCE
    }

    /// Once told, it is so for good, whatever the last word of Agones is, which may be old.
    pub(super) fn is_allocated(&self) -> bool {
        self.allocate.is_done || self.game_server.as_ref().is_some_and(GameServer::is_allocated)
    }
}

impl Errand {
    fn is_due(&self, now: Instant) -> bool {
        !self.is_done && self.due <= now
    }

    fn on_answer(&mut self, now: Instant, result: &Result<(), Failure>) {
        self.is_done = result.is_ok();
        self.due = now + PAUSE;
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { told: None, is_refused: false, due: Instant::default() }
    }
}

impl<T: PartialEq> Kept<T> {
    fn is_due(&self, now: Instant, value: &T) -> bool {
        !self.is_refused && self.due <= now && self.told.as_ref() != Some(value)
    }

    fn on_answer(&mut self, now: Instant, value: T, result: &Result<(), Failure>) {
        self.due = now + PAUSE;
        match result {
            Ok(()) => self.told = Some(value),
            Err(Failure::Passing(_)) => {}
            Err(Failure::Refused(_)) => self.is_refused = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server beside a sidecar, in virtual time.
    struct World {
        reporter: Reporter,
        now: Instant,
        seen: Seen,
        /// The sidecar's.
        game_server: GameServer,
        refuses: fn(&Call) -> Option<Failure>,
    }

    const ADDRESSED: &str =
        r#"{"status":{"state":"Scheduled","address":"203.0.113.9","ports":[{"name":"game","port":7000}]}}"#;
    const WITH_PLAYERS: &str = r#"{"status":{"address":"203.0.113.9","ports":[{"name":"game","port":7000}],
        "counters":{"players":{"capacity":"8"}},"lists":{"players":{"capacity":"2"}}}}"#;

    impl World {
        fn new(game_server: &str) -> Self {
            let seen = Seen { is_alive: true, is_ready: true, is_over: false, players: Vec::new() };
            let game_server = serde_json::from_str(game_server).unwrap();
            let now = Instant::from_us(1_000_000);
            Self { reporter: Reporter::new(64, now), now, seen, game_server, refuses: |_| None }
        }

        /// All calls of so long, but for health and looks.
        fn run(&mut self, lasts: Duration) -> Vec<Call> {
            let all = self.run_all(lasts);
            all.into_iter().filter(|call| !matches!(call, Call::Health | Call::Look)).collect()
        }

        fn run_all(&mut self, lasts: Duration) -> Vec<Call> {
            let (end, mut calls) = (self.now + lasts, Vec::new());
            while self.now < end {
                while let Some(call) = self.reporter.next(self.now, &self.seen) {
                    calls.push(call.clone());
                    let look = (call == Call::Look).then(|| self.game_server.clone());
                    let answer = (self.refuses)(&call).map_or(Ok(look), Err);
                    self.reporter.on_answer(self.now, call, answer);
                }
                self.now += Duration::from_millis(100);
            }
            calls
        }
    }

    fn ids(ids: &[u64]) -> Vec<ClientId> {
        ids.iter().map(|id| ClientId(*id)).collect()
    }

    const fn s(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn health_is_told_each_second_while_ticks_run() {
        let mut world = World::new(ADDRESSED);
        let health = |calls: Vec<Call>| calls.iter().filter(|call| **call == Call::Health).count();
        assert_eq!(health(world.run_all(s(10))), 10);
        world.seen.is_alive = false;
        assert_eq!(health(world.run_all(s(10))), 0);
        world.seen.is_alive = true;
        assert_eq!(health(world.run_all(s(10))), 10);
    }

    #[test]
    fn ready_is_told_once_when_players_may_join() {
        let mut world = World::new(ADDRESSED);
        world.seen.is_ready = false;
        assert_eq!(world.run(s(5)), []);
        world.seen.is_ready = true;
        assert_eq!(world.run(s(60)), [Call::Ready]);
    }

    #[test]
    fn ready_waits_for_the_address_but_not_for_ever() {
        let mut world = World::new("{}");
        assert_eq!(world.run(s(5)), []);
        world.game_server = serde_json::from_str(ADDRESSED).unwrap();
        assert_eq!(world.run(s(2)), [Call::Ready]);
        let mut world = World::new("{}");
        assert_eq!(world.run(s(9)), []);
        assert_eq!(world.run(s(2)), [Call::Ready]);
    }

    #[test]
    fn what_fails_is_tried_again_each_second_and_health_does_not_wait_for_it() {
        let mut world = World::new(ADDRESSED);
        world.refuses = |call| (*call == Call::Ready).then(|| Failure::Passing("HTTP 500".to_owned()));
        let calls = world.run_all(s(10));
        let count = |wanted: &Call| calls.iter().filter(|call| *call == wanted).count();
        assert_eq!((count(&Call::Ready), count(&Call::Health)), (10, 10));
        world.refuses = |_| None;
        assert_eq!(world.run(s(10)), [Call::Ready]);
    }

    #[test]
    fn the_first_player_allocates_a_server_that_nobody_allocated() {
        let mut world = World::new(ADDRESSED);
        world.run(s(1));
        world.seen.players = ids(&[7]);
        assert_eq!(world.run(s(60)), [Call::Allocate], "once, though the sidecar says Scheduled still");
    }

    #[test]
    fn a_server_that_was_allocated_does_not_do_it_again() {
        let mut world = World::new(ADDRESSED);
        world.run(s(1));
        world.reporter.on_game_server(serde_json::from_str(&ADDRESSED.replace("Scheduled", "Allocated")).unwrap());
        world.game_server = serde_json::from_str(&ADDRESSED.replace("Scheduled", "Allocated")).unwrap();
        world.seen.players = ids(&[7]);
        assert_eq!(world.run(s(60)), []);
    }

    #[test]
    fn players_are_counted_and_listed_at_most_once_a_second_where_the_fleet_keeps_them() {
        let mut world = World::new(WITH_PLAYERS);
        let count = |players| Call::Count { players, capacity: 64 };
        assert_eq!(world.run(s(3)), [Call::Ready, count(0), Call::List(ids(&[]))]);
        world.seen.players = ids(&[3, 4, 5]);
        assert_eq!(world.run(s(3)), [Call::Allocate, count(3), Call::List(ids(&[3, 4]))], "a list of two takes two");
        let mut told = Vec::new();
        for n in 0..30 {
            world.seen.players = ids(&[n]);
            told.extend(world.run(Duration::from_millis(100)));
        }
        assert!((3..=8).contains(&told.len()), "{told:?}");
    }

    #[test]
    fn a_server_that_drains_has_no_room() {
        let mut world = World::new(WITH_PLAYERS);
        world.seen.players = ids(&[3]);
        world.run(s(3));
        world.seen.is_ready = false;
        assert_eq!(world.run(s(3)), [Call::Count { players: 1, capacity: 1 }]);
    }

    #[test]
    fn what_the_sidecar_refuses_is_not_told_again() {
        let mut world = World::new(WITH_PLAYERS);
        world.refuses = |call| matches!(call, Call::Count { .. }).then_some(Failure::Refused(404));
        let calls = world.run(s(10));
        assert_eq!(calls.iter().filter(|call| matches!(call, Call::Count { .. })).count(), 1);
        assert_eq!(calls.last(), Some(&Call::List(ids(&[]))), "the rest goes on");
    }

    #[test]
    fn a_refused_ready_is_tried_again() {
        let mut world = World::new(ADDRESSED);
        world.refuses = |call| (*call == Call::Ready).then_some(Failure::Refused(409));
        assert_eq!(world.run(s(5)).len(), 5);
    }

    #[test]
    fn at_the_end_nothing_but_that_is_told() {
        let mut world = World::new(WITH_PLAYERS);
        world.seen.is_over = true;
        world.refuses = |_| Some(Failure::Passing("no answer".to_owned()));
        assert_eq!(world.run_all(s(3)), [Call::Shutdown, Call::Shutdown, Call::Shutdown]);
        assert!(!world.reporter.has_told_end());
        world.refuses = |_| None;
        assert_eq!(world.run_all(s(3)), [Call::Shutdown]);
        assert!(world.reporter.has_told_end());
    }
}
