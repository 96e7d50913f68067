use super::game_server::GameServer;
use super::sidecar::{Call, Failure};
use std::collections::BTreeSet;
use std::time::Duration;
use tidelock::{ClientId, Instant};

/// Decides what to tell Agones, and when. It knows no socket and no clock.
///
/// Calls are made one at a time, and one that fails is tried again: what has to be told at once each second, and who plays
/// less and less often, as a fleet may keep no such thing.
#[derive(Debug)]
pub(super) struct Reporter {
    capacity: usize,
    game_server: Option<GameServer>,
    health_due: Instant,
    look_due: Instant,
    ready: Errand,
    allocate: Errand,
    shutdown: Errand,
    /// How many play, and of how many.
    counted: Option<(usize, usize)>,
    count_pace: Pace,
    /// Who is on the list of Agones: first as it says, then as it was told.
    listed: Option<BTreeSet<String>>,
    list_pace: Pace,
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
    /// It is known where clients find it.
    pub(super) has_address: bool,
    /// Places that are taken, by those who play and by those whose place waits for them.
    pub(super) taken: usize,
    /// Who plays.
    pub(super) players: Vec<ClientId>,
}

/// Something to be told once.
#[derive(Debug, Default)]
struct Errand {
    is_done: bool,
    due: Instant,
}

/// How often something is told that may not be wanted.
#[derive(Debug, Default)]
struct Pace {
    failures: u32,
    due: Instant,
}

/// Agones gives a server up that is silent for several times its period, which is 5 s unless a fleet says otherwise.
const HEALTH_PERIOD: Duration = Duration::from_secs(1);
/// Who plays is told no more often, and what failed is not tried sooner.
const PAUSE: Duration = Duration::from_secs(1);
/// What fails again and again is tried as often as this.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Changes come by a stream: this is for when it is broken.
const LOOK_PERIOD: Duration = Duration::from_secs(10);

impl Reporter {
    /// Of a server for so many players that begins now.
    pub(super) fn new(capacity: usize, now: Instant) -> Self {
        Self {
            capacity,
            game_server: None,
            health_due: now,
            look_due: now,
            ready: Errand::default(),
            allocate: Errand::default(),
            shutdown: Errand::default(),
            counted: None,
            count_pace: Pace::default(),
            listed: None,
            list_pace: Pace::default(),
        }
    }

    /// Agones told of a change.
    pub(super) fn on_game_server(&mut self, game_server: GameServer) {
        // Only at the start, or when a call about it failed, its list may be another than it was told.
        self.listed = self.listed.take().or_else(|| game_server.listed().cloned());
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
        // Whoever comes needs a token that names the right address.
        let game_server = self.game_server.as_ref()?;
        if !self.is_known_ready() {
            return (seen.is_ready && seen.has_address && self.ready.is_due(now)).then_some(Call::Ready);
        }
        if seen.taken > 0 && !self.is_allocated() && self.allocate.is_due(now) {
            return Some(Call::Allocate);
        }
        self.count(now, seen, game_server).or_else(|| self.list(now, seen, game_server))
    }

    fn count(&self, now: Instant, seen: &Seen, game_server: &GameServer) -> Option<Call> {
        // A server that drains has no room, so that nobody is sent there.
        let capacity = if seen.is_ready { self.capacity } else { seen.taken };
        let is_due = game_server.has_counter() && self.count_pace.due <= now;
        let is_news = self.counted != Some((seen.taken, capacity));
        (is_due && is_news).then_some(Call::Count { players: seen.taken, capacity })
    }

    fn list(&self, now: Instant, seen: &Seen, game_server: &GameServer) -> Option<Call> {
        let listed = self.listed.as_ref().filter(|_| self.list_pace.due <= now)?;
        let taken = seen.players.len().min(game_server.list_capacity()?);
        let players: BTreeSet<_> = seen.players[..taken].iter().map(|player| player.0.to_string()).collect();
        // First those who left, so that there is room.
        let gone = listed.difference(&players).next().map(|player| Call::Delist(player.clone()));
        gone.or_else(|| players.difference(listed).next().map(|player| Call::Enlist(player.clone())))
    }

    /// What became of it.
    pub(super) fn on_answer(&mut self, now: Instant, call: Call, answer: Result<Option<GameServer>, Failure>) {
        let is_ok = answer.is_ok();
        if let Ok(Some(game_server)) = answer {
            self.on_game_server(game_server);
        }
        match call {
            Call::Health => self.health_due = now + HEALTH_PERIOD,
            Call::Look => self.look_due = now + if self.is_known_ready() { LOOK_PERIOD } else { PAUSE },
            Call::Ready => {
                self.ready.on_answer(now, is_ok);
                // It may have been heard all the same: to say it again then would take an allocation back.
                self.look_due = if is_ok { self.look_due } else { now };
            }
            Call::Allocate => self.allocate.on_answer(now, is_ok),
            Call::Shutdown => self.shutdown.on_answer(now, is_ok),
            Call::Count { players, capacity } => {
                self.count_pace.on_answer(now, is_ok);
                self.counted = is_ok.then_some((players, capacity));
            }
            Call::Enlist(player) => self.on_list(now, is_ok, |listed| listed.insert(player)),
            Call::Delist(player) => self.on_list(now, is_ok, |listed| listed.remove(&player)),
        }
    }

    fn on_list(&mut self, now: Instant, is_ok: bool, change: impl FnOnce(&mut BTreeSet<String>) -> bool) {
        if is_ok {
            // The others follow at once.
            self.list_pace.failures = 0;
            self.listed.as_mut().map(change);
        } else {
            // It is not known any more what the list holds: the next look tells.
            self.list_pace.on_answer(now, false);
            self.listed = None;
        }
    }

    /// Whether Agones knows that the server is not needed any more.
    pub(super) fn has_told_end(&self) -> bool {
        self.shutdown.is_done
    }

    fn is_known_ready(&self) -> bool {
        self.ready.is_done || self.game_server.as_ref().is_some_and(GameServer::is_past_ready)
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

    fn on_answer(&mut self, now: Instant, is_ok: bool) {
        self.is_done = is_ok;
        self.due = now + PAUSE;
    }
}

impl Pace {
    fn on_answer(&mut self, now: Instant, is_ok: bool) {
        self.failures = if is_ok { 0 } else { self.failures.saturating_add(1) };
        self.due = now + (PAUSE * 2_u32.saturating_pow(self.failures.saturating_sub(1))).min(PAUSE_MAX);
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
        fails: fn(&Call) -> bool,
    }

    const BARE: &str = r#"{"status":{"state":"Scheduled"}}"#;
    const WITH_PLAYERS: &str = r#"{"status":{"state":"Scheduled","counters":{"players":{"capacity":"8"}},
        "lists":{"players":{"capacity":"2","values":[]}}}}"#;

    fn game_server(text: &str) -> GameServer {
        serde_json::from_str(text).unwrap()
    }

    impl World {
        fn new(text: &str) -> Self {
            let players = Vec::new();
            let seen = Seen { is_alive: true, is_ready: true, is_over: false, has_address: true, taken: 0, players };
            let now = Instant::from_us(1_000_000);
            Self { reporter: Reporter::new(64, now), now, seen, game_server: game_server(text), fails: |_| false }
        }

        fn play(&mut self, ids: &[u64]) {
            self.seen.players = ids.iter().map(|id| ClientId(*id)).collect();
            self.seen.taken = ids.len();
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
                    assert!(calls.len() < 10_000, "it never ends");
                    calls.push(call.clone());
                    let look = (call == Call::Look).then(|| self.game_server.clone());
                    let answer = if (self.fails)(&call) { Err(Failure("HTTP 500".to_owned())) } else { Ok(look) };
                    self.reporter.on_answer(self.now, call, answer);
                }
                self.now += Duration::from_millis(100);
            }
            calls
        }
    }

    fn count(calls: &[Call], wanted: &Call) -> usize {
        calls.iter().filter(|call| *call == wanted).count()
    }

    const fn s(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn health_is_told_each_second_while_ticks_run() {
        let mut world = World::new(BARE);
        assert_eq!(count(&world.run_all(s(10)), &Call::Health), 10);
        world.seen.is_alive = false;
        assert_eq!(count(&world.run_all(s(10)), &Call::Health), 0);
        world.seen.is_alive = true;
        assert_eq!(count(&world.run_all(s(10)), &Call::Health), 10);
    }

    #[test]
    fn ready_is_told_once_when_players_may_join_and_their_tokens_name_the_right_address() {
        let mut world = World::new(BARE);
        (world.seen.is_ready, world.seen.has_address) = (false, true);
        assert_eq!(world.run(s(60)), []);
        (world.seen.is_ready, world.seen.has_address) = (true, false);
        assert_eq!(world.run(s(60)), []);
        world.seen.has_address = true;
        assert_eq!(world.run(s(60)), [Call::Ready]);
    }

    #[test]
    fn ready_waits_until_it_is_known_what_agones_says_already() {
        let mut world = World::new(BARE);
        world.fails = |call| *call == Call::Look;
        assert_eq!(world.run(s(60)), []);
        world.fails = |_| false;
        assert_eq!(world.run(s(3)), [Call::Ready]);
        let mut world = World::new(r#"{"status":{"state":"Allocated"}}"#);
        assert_eq!(world.run(s(60)), [], "it was started anew in a pod that is in use");
    }

    #[test]
    fn a_ready_that_was_heard_but_not_answered_is_not_told_over_an_allocation() {
        let mut world = World::new(BARE);
        world.fails = |call| *call == Call::Ready;
        world.game_server = game_server(r#"{"status":{"state":"Scheduled"}}"#);
        let first = world.reporter.next(world.now, &world.seen);
        assert_eq!(first, Some(Call::Health));
        world.reporter.on_game_server(world.game_server.clone());
        world.reporter.on_answer(world.now, Call::Ready, Err(Failure("timeout".to_owned())));
        world.game_server = game_server(r#"{"status":{"state":"Allocated"}}"#);
        assert_eq!(world.run(s(60)), []);
    }

    #[test]
    fn what_fails_is_tried_again_each_second_and_health_does_not_wait_for_it() {
        let mut world = World::new(BARE);
        world.fails = |call| *call == Call::Ready;
        let calls = world.run_all(s(10));
        assert_eq!((count(&calls, &Call::Ready), count(&calls, &Call::Health)), (10, 10));
        world.fails = |_| false;
        assert_eq!(world.run(s(10)), [Call::Ready]);
    }

    #[test]
    fn the_first_player_allocates_a_server_that_nobody_allocated() {
        let mut world = World::new(BARE);
        world.run(s(1));
        world.play(&[7]);
        assert_eq!(world.run(s(60)), [Call::Allocate], "once, though the sidecar says Scheduled still");
    }

    #[test]
    fn a_server_that_was_allocated_does_not_do_it_again() {
        let mut world = World::new(BARE);
        world.run(s(1));
        world.game_server = game_server(r#"{"status":{"state":"Allocated"}}"#);
        world.reporter.on_game_server(world.game_server.clone());
        world.play(&[7]);
        assert_eq!(world.run(s(60)), []);
    }

    #[test]
    fn players_are_counted_and_listed_where_the_fleet_keeps_them() {
        let mut world = World::new(WITH_PLAYERS);
        let counted = |players| Call::Count { players, capacity: 64 };
        let enlist = |id: &str| Call::Enlist(id.to_owned());
        let delist = |id: &str| Call::Delist(id.to_owned());
        assert_eq!(world.run(s(3)), [Call::Ready, counted(0)]);
        world.play(&[3, 4, 5]);
        let told = [Call::Allocate, counted(3), enlist("3"), enlist("4")];
        assert_eq!(world.run(s(3)), told, "a list of two takes two");
        world.play(&[4, 5]);
        assert_eq!(world.run(s(3)), [counted(2), delist("3"), enlist("5")]);
    }

    #[test]
    fn what_is_on_the_list_from_before_is_taken_off() {
        let mut world = World::new(&WITH_PLAYERS.replace("[]", r#"["1","2"]"#));
        let gone = ["1", "2"].map(|id| Call::Delist(id.to_owned()));
        assert_eq!(world.run(s(3))[2..], gone);
    }

    #[test]
    fn counts_are_told_at_most_once_a_second() {
        let mut world = World::new(WITH_PLAYERS);
        world.run(s(3));
        let mut told = 0;
        for n in 0..30 {
            world.seen.taken = n;
            told +=
                world.run(Duration::from_millis(100)).iter().filter(|call| matches!(call, Call::Count { .. })).count();
        }
        assert!((3..=4).contains(&told), "{told}");
    }

    #[test]
    fn a_server_that_drains_has_no_room() {
        let mut world = World::new(WITH_PLAYERS);
        world.play(&[3]);
        world.run(s(3));
        world.seen.is_ready = false;
        assert_eq!(world.run(s(3)), [Call::Count { players: 1, capacity: 1 }]);
    }

    #[test]
    fn what_a_fleet_does_not_want_to_know_is_told_ever_less_often_and_the_rest_goes_on() {
        let mut world = World::new(WITH_PLAYERS);
        world.fails = |call| matches!(call, Call::Count { .. } | Call::Enlist(_));
        world.play(&[3]);
        let calls = world.run_all(s(600));
        let of = |is: fn(&Call) -> bool| calls.iter().filter(|call| is(call)).count();
        let counts = of(|call| matches!(call, Call::Count { .. }));
        let enlists = of(|call| matches!(call, Call::Enlist(_)));
        assert!((10..=20).contains(&counts) && (10..=20).contains(&enlists), "{counts} and {enlists} in ten minutes");
        assert_eq!(count(&calls, &Call::Health), 600);
        world.fails = |_| false;
        let told = world.run(s(60));
        assert!(told.contains(&Call::Enlist("3".to_owned())), "{told:?}");
    }

    #[test]
    fn at_the_end_nothing_but_that_is_told() {
        let mut world = World::new(WITH_PLAYERS);
        world.seen.is_over = true;
        world.fails = |_| true;
        assert_eq!(world.run_all(s(3)), [Call::Shutdown, Call::Shutdown, Call::Shutdown]);
        assert!(!world.reporter.has_told_end());
        world.fails = |_| false;
        assert_eq!(world.run_all(s(3)), [Call::Shutdown]);
        assert!(world.reporter.has_told_end());
    }
}
