use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidelock::Instant;
use tidelock::netcode::ConnectToken;
use tidelock::state::Schema;

use super::SwarmError;
use super::clock;
use super::player::{MapCache, SwarmPlayer};
use super::poller::{GRAIN, Poller};
use super::record::RecordFile;
use super::recorder::{Mean, Recorder};
use super::schedule::Schedule;
use super::system::thread_cpu;
use super::totals::Totals;
use crate::bots::{BotMix, Player as Bot};
use crate::client::{Client, ClientConfig, Status};
use crate::link::{Conditioner, LinkConfig, Rng};

/// One thread with its share of the clients.
pub(super) struct Worker {
    plan: Plan,
    orders: Receiver<Order>,
    poller: Poller,
    players: Vec<SwarmPlayer>,
    schedule: Schedule,
    recorder: Recorder,
    maps: MapCache,
    /// Clients that could not even be started.
    stillborn: BTreeMap<String, u64>,
    phase: Phase,
    window: Option<(Instant, Instant)>,
    cpu_before: Duration,
    report: Option<WorkerReport>,
    progress: Arc<Mutex<WorkerProgress>>,
    next_glance: Instant,
    glances: u32,
}

/// What all workers are told at the start.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) window_begin: Instant,
    pub(super) window_end: Instant,
    pub(super) down: LinkConfig,
    pub(super) up: LinkConfig,
    pub(super) bots: BotMix,
    pub(super) seed: u64,
    pub(super) schema: Arc<Schema>,
}

/// What a worker is told while it runs.
pub(super) enum Order {
    /// Client number `index` may connect.
    Start { index: u32, token: Box<ConnectToken>, record: Option<Box<RecordFile>> },
    /// The window ends now.
    Stop,
}

/// What a worker has to show at the end.
pub(super) struct WorkerReport {
    pub(super) recorder: Recorder,
    pub(super) totals: Totals,
    /// How long it measured.
    pub(super) measured: Duration,
    /// Processor time of its thread while it measured.
    pub(super) cpu: Duration,
    /// Whether what was recorded lacks something.
    pub(super) recorded: Result<(), SwarmError>,
}

/// How a worker is doing, several times a second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WorkerProgress {
    pub(super) started: u64,
    pub(super) playing: u64,
    pub(super) over: u64,
    pub(super) bytes_down: u64,
    pub(super) bytes_up: u64,
    pub(super) rtt: Mean,
    pub(super) age: Mean,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    WarmUp,
    Window,
    /// Goodbyes are under way until then.
    Farewell(Instant),
}

impl Worker {
    /// Between two looks over all clients.
    const GLANCE: Duration = Duration::from_millis(200);
    /// One look in so many also takes each client's jitter: once a second.
    const GLANCES_PER_JITTER: u32 = 5;
    /// Turns served before the sockets are looked at again, so that arrivals are stamped when they arrive.
    const TURNS: usize = 64;
    /// How long goodbyes may take, beyond the link's delay.
    const FAREWELL: Duration = Duration::from_millis(250);

    pub(super) fn new(
        plan: Plan,
        orders: Receiver<Order>,
        poller: Poller,
        progress: Arc<Mutex<WorkerProgress>>,
    ) -> Self {
        Self {
            plan,
            orders,
            poller,
            players: Vec::new(),
            schedule: Schedule::default(),
            recorder: Recorder::new(),
            maps: MapCache::default(),
            stillborn: BTreeMap::new(),
            phase: Phase::WarmUp,
            window: None,
            cpu_before: Duration::ZERO,
            report: None,
            progress,
            next_glance: clock::now(),
            glances: 0,
        }
    }

    /// Plays until the window ends, and says goodbye.
    pub(super) fn run(mut self) -> Result<WorkerReport, SwarmError> {
        loop {
            let now = clock::now();
            self.advance(now);
            if matches!(self.phase, Phase::Farewell(until) if now >= until) {
                let recorded = self.players.into_iter().try_for_each(|player| player.end_record(now));
                let report = self.report.expect("the window ended before the farewell");
                return Ok(WorkerReport { recorded, ..report });
            }
            self.take_orders(now);
            self.glance(now);
            let deadline = self.deadline(now);
            self.poller.wait(deadline).map_err(SwarmError::system("waiting for sockets"))?;
            self.receive();
            self.take_turns();
        }
    }

    /// Begins and ends the window.
    fn advance(&mut self, now: Instant) {
        if self.phase == Phase::WarmUp && now >= self.plan.window_begin {
            self.phase = Phase::Window;
            self.recorder.in_window = true;
            self.window = Some((now, now));
            self.cpu_before = thread_cpu();
            self.players.iter_mut().for_each(SwarmPlayer::begin_window);
        }
        if !matches!(self.phase, Phase::Farewell(_)) && now >= self.plan.window_end {
            self.end_window(now);
        }
    }

    /// Counts everything, then lets everybody say goodbye.
    fn end_window(&mut self, now: Instant) {
        let (begin, _) = self.window.unwrap_or((now, now));
        if self.phase == Phase::WarmUp {
            // It was stopped before it measured: counters of the time before must not pass for the window's.
            self.players.iter_mut().for_each(SwarmPlayer::begin_window);
            self.cpu_before = thread_cpu();
        }
        let mut totals = Totals { failed: self.stillborn.clone(), ..Totals::default() };
        self.players.iter().for_each(|player| totals.count(player, (begin, now)));
        let recorder = std::mem::replace(&mut self.recorder, Recorder::new());
        let cpu = thread_cpu().saturating_sub(self.cpu_before);
        self.report = Some(WorkerReport { recorder, totals, measured: now.since(begin), cpu, recorded: Ok(()) });
        for (index, player) in self.players.iter_mut().enumerate() {
            player.disconnect();
            self.schedule.hasten(index, Some(now));
        }
        let delay_max = self.plan.up.latency + self.plan.up.jitter * 5;
        self.phase = Phase::Farewell(now + Self::FAREWELL + delay_max);
    }

    fn take_orders(&mut self, now: Instant) {
        self.poller.clear();
        loop {
            match self.orders.try_recv() {
                Ok(Order::Start { index, token, record }) => self.start(index, *token, record, now),
                Ok(Order::Stop) => self.plan.window_end = now,
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }

    fn start(&mut self, index: u32, token: ConnectToken, record: Option<Box<RecordFile>>, now: Instant) {
        match self.player(index, token, now) {
            Ok(mut player) => {
                player.record(record);
                let watched = self.poller.watch(player.socket(), self.players.len());
                if let Err(error) = watched {
                    *self.stillborn.entry(error.to_string()).or_default() += 1;
                    return;
                }
                self.schedule.set(self.players.len(), Some(now));
                self.players.push(player);
            }
            Err(why) => *self.stillborn.entry(why).or_default() += 1,
        }
    }

    fn player(&self, index: u32, token: ConnectToken, now: Instant) -> Result<SwarmPlayer, String> {
        let server = token.servers()[0];
        let seed = |purpose: u64| Rng::stream(self.plan.seed, u64::from(index) * 4 + purpose).next_u64();
        let bot = Bot::new(self.plan.bots.kind(index), seed(0));
        let links = [Conditioner::new(self.plan.down, seed(1)), Conditioner::new(self.plan.up, seed(2))];
        let config = ClientConfig { token, schema: self.plan.schema.clone() };
        let core = Client::new(config, now);
        SwarmPlayer::new(core, bot, links, server, now).map_err(|error| error.to_string())
    }

    /// Until when to wait; `None` when somebody is due already.
    fn deadline(&mut self, now: Instant) -> Option<Instant> {
        let phase_end = match self.phase {
            Phase::WarmUp => self.plan.window_begin.min(self.plan.window_end),
            Phase::Window => self.plan.window_end,
            Phase::Farewell(until) => until,
        };
        let turn = self.schedule.next_due();
        if turn.is_some_and(|due| due <= now) || phase_end <= now {
            return None;
        }
        let earliest = [Some(self.next_glance), turn, Some(phase_end)].into_iter().flatten().min();
        earliest.map(|earliest| earliest.max(now + GRAIN))
    }

    fn receive(&mut self) {
        for client in self.poller.readable() {
            let player = &mut self.players[client];
            player.receive(clock::now());
            self.schedule.hasten(client, player.next_arrival());
        }
    }

    fn take_turns(&mut self) {
        for _ in 0..Self::TURNS {
            let now = clock::now();
            let Some((client, due)) = self.schedule.pop_due(now) else { return };
            self.recorder.on_lag(now.since(due));
            let player = &mut self.players[client];
            player.run(now, &mut self.recorder, &mut self.maps);
            self.schedule.set(client, player.next_due());
        }
    }

    /// Looks over all clients now and then, for the line of progress and for what is sampled.
    fn glance(&mut self, now: Instant) {
        if now < self.next_glance {
            return;
        }
        self.next_glance = now + Self::GLANCE;
        self.glances += 1;
        let mut progress = WorkerProgress {
            started: self.players.len() as u64 + self.stillborn.values().sum::<u64>(),
            over: self.stillborn.values().sum(),
            ..WorkerProgress::default()
        };
        for player in &self.players {
            let core = player.core();
            progress.bytes_down += core.stats().bytes_received;
            progress.bytes_up += core.stats().bytes_sent;
            progress.over += u64::from(player.is_over());
            if core.status() != Status::Playing {
                continue;
            }
            progress.playing += 1;
            if self.glances.is_multiple_of(Self::GLANCES_PER_JITTER) {
                self.recorder.on_jitter(core.jitter());
                if let Some((clock, playback)) = core.clock().zip(core.playback()) {
                    self.recorder.on_clocks(clock, playback);
                }
            }
        }
        let lately = std::mem::take(&mut self.recorder.lately);
        let mut shared = self.progress.lock().expect("nobody panics with the progress in hand");
        progress.rtt = shared.rtt;
        progress.age = shared.age;
        progress.rtt.merge(lately.rtt);
        progress.age.merge(lately.age);
        *shared = progress;
    }
}
