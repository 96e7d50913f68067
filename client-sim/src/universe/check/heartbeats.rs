use super::super::SERVER;
use super::{Checker, Scene, Sent, Turn};
use core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tidelock::state::Input;
use tidelock::{Instant, Tick};
use tidelock_server::engine::{Engine, EngineConfig};

/// A tick waits for nobody: its number goes up by one each time, it runs when it is due and the server has time, and whoever
/// plays is sent something in every heartbeat, whatever others do.
#[derive(Debug, Default)]
pub struct Heartbeats {
    last: Option<(Tick, Instant)>,
    /// When the last ticks ran, newest first: of as many as lie between two snapshots of one client under load.
    ran: VecDeque<Instant>,
    /// Ticks since the server was last overloaded.
    calm_ticks: u32,
    /// When something was last sent to an address where somebody plays, or it began to.
    heard: BTreeMap<SocketAddr, Instant>,
    /// Where something was sent since the last tick, and when.
    sent: BTreeMap<SocketAddr, Instant>,
    beats: u64,
}

/// A snapshot goes out before so long has passed since the last, if the server takes its turns in time.
const HEARTBEAT: Duration = Duration::from_millis(99);
/// Time moves in steps, in each of which one tick can run.
const STEP: Duration = Duration::from_millis(1);
const ROUNDING: Duration = Duration::from_micros(2);

impl Heartbeats {
    /// Whether the tick is the next, and ran as soon as it was due and the server had time for it.
    fn follow(&mut self, tick: Tick, turn: Turn, now: Instant, config: &EngineConfig) -> Result<(), String> {
        let Turn { due, free_at, .. } = turn;
        let ran_at = self.ran.front().copied().unwrap_or_default();
        if now.since(due.max(free_at).max(ran_at)) > STEP {
            return Err(format!("it was due at {due}, and ran at {now}, though the server was free at {free_at}"));
        }
        let Some((before, before_due)) = self.last.replace((tick, due)) else { return Ok(()) };
        if tick != before.next() {
            return Err(format!("the tick before was {before}"));
        }
        let expected = before_due + config.tick_period();
        let was_busy = free_at > expected;
        if due + ROUNDING < expected || (due > expected + ROUNDING && !was_busy) {
            return Err(format!("it was due at {due} rather than at {expected}"));
        }
        Ok(())
    }

    /// For how long nothing may have been sent to who plays, when all is told that was sent before the tick that now runs. At
    /// the client's last turn before that there was still time until the next, as long as ticks are meant to take.
    fn silence_max(&self, config: &EngineConfig) -> Duration {
        let every = config.tick_hz / config.snapshot_hz;
        let ticks = if self.calm_ticks > 2 * every { every } else { 2 * every };
        let newest = self.ran.front().copied().unwrap_or_default();
        let turn = self.ran.get(ticks as usize - 1).or(self.ran.back()).copied().unwrap_or_default();
        HEARTBEAT.saturating_sub(config.tick_period() * every) + newest.since(turn) + STEP
    }

    /// Takes note of a tick that runs.
    fn note(&mut self, turn: Turn, now: Instant, config: &EngineConfig) {
        self.calm_ticks = if turn.load.level > 0 { 0 } else { self.calm_ticks.saturating_add(1) };
        self.ran.push_front(now);
        self.ran.truncate(2 * (config.tick_hz / config.snapshot_hz) as usize + 1);
    }
}

impl<I: Input> Checker<I> for Heartbeats {
    fn name(&self) -> &'static str {
        "heartbeats"
    }

    fn looked(&self) -> u64 {
        self.beats
    }

    fn on_resumed(&mut self, _: &Engine) {
        *self = Self { beats: self.beats, ..Self::default() };
    }

    fn on_sent(&mut self, sent: &Sent<'_>, _: &Engine) -> Result<(), String> {
        if sent.from == SERVER {
            self.sent.insert(sent.to, sent.now);
        }
        Ok(())
    }

    fn on_tick(&mut self, scene: &Scene<'_, I>) -> Result<(), String> {
        let Scene { engine, now, turn, .. } = *scene;
        let config = engine.config();
        self.follow(engine.tick_number(), turn, now, config)?;
        let (ran_at, silence_max) = (self.ran.front().copied(), self.silence_max(config));
        let mut heard = BTreeMap::new();
        for client in engine.clients().into_iter().filter(|client| client.joined_tick.is_some()) {
            let sent = self.sent.get(&client.address).copied();
            let at = sent.or(self.heard.get(&client.address).copied()).unwrap_or(now);
            let lasts = ran_at.map_or(Duration::ZERO, |ran_at| ran_at.since(at));
            if lasts > silence_max {
                let who = client.client_id;
                return Err(format!(
                    "client {who} plays, and was sent nothing for {lasts:?}, more than {silence_max:?}"
                ));
            }
            self.beats += u64::from(sent.is_some());
            heard.insert(client.address, at);
        }
        self.note(turn, now, config);
        self.heard = heard;
        self.sent.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::universe::check::fixture::{Keys, universe};
    use tidelock::wire::Load;

    /// Hears nothing of what is sent to a port.
    #[derive(Debug)]
    struct Deaf(Heartbeats, u16);

    impl Checker<Keys> for Deaf {
        fn name(&self) -> &'static str {
            "deaf"
        }

        fn looked(&self) -> u64 {
            0
        }

        fn on_sent(&mut self, sent: &Sent<'_>, engine: &Engine) -> Result<(), String> {
            let hears = sent.to.port() != self.1;
            if hears { Checker::<Keys>::on_sent(&mut self.0, sent, engine) } else { Ok(()) }
        }

        fn on_tick(&mut self, scene: &Scene<'_, Keys>) -> Result<(), String> {
            self.0.on_tick(scene)
        }
    }

    #[test]
    fn who_is_sent_nothing_is_told_of() {
        let mut universe = universe(2);
        universe.run(Duration::from_secs(1)).unwrap();
        universe.add_checker(Box::new(Deaf(Heartbeats::default(), universe.players()[1].address.port())));
        let found = universe.run(Duration::from_secs(1)).unwrap_err();
        assert!(found.what.contains("client 2 plays, and was sent nothing for 1"), "{found}");
    }

    #[test]
    fn a_tick_that_is_late_or_left_out_is_told_of() {
        let universe = universe(0);
        let config = universe.engine().config();
        let at = |n: u64| Instant::from_us(1_000_000 + n * 16_666);
        let mut ticks = Heartbeats::default();
        let mut follow = |n: u64, due: Instant, free_at: Instant, now: Instant| {
            let turn = Turn { due, free_at, load: Load::default() };
            let found = ticks.follow(Tick(n as u32), turn, now, config);
            ticks.note(turn, now, config);
            found
        };
        assert_eq!(follow(1, at(1), at(0), at(1)), Ok(()));
        assert_eq!(follow(2, at(2), at(0), at(2) + STEP), Ok(()));
        assert!(follow(3, at(3), at(0), at(3) + STEP * 2).unwrap_err().contains("and ran at"));
        assert!(follow(5, at(5), at(0), at(5)).unwrap_err().contains("the tick before was"));
        assert_eq!(follow(6, at(8), at(8), at(8)), Ok(()), "it was busy when the tick was due");
        assert!(follow(7, at(10), at(8), at(10)).unwrap_err().contains("rather than"));
    }
}
