use super::clock;
use super::lifecycle::{Attendance, Lifecycle, Reason, Step};
use super::metrics::{PHASES, TickRecorder};
use super::notices::{Notice, Notices};
use super::shared::{Command, ServerStats, Shared, State};
use super::truth::TruthWriter;
use super::udp::{Batch, BatchSender, Inbox, UdpPort};
use crate::engine::{Engine, Schedule};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use tidelock::Instant;

/// Commands executed in one tick; more wait for the next.
const COMMANDS_PER_TICK: usize = 16;

/// Tick durations that wait to be published while somebody reads the statistics; beyond this, they are not kept.
const UNPUBLISHED_MAX: usize = 1024;

/// How long clients are told that the server stops, until all have heard.
const FAREWELL: Duration = Duration::from_secs(1);
/// Or so many ticks, if those take longer: it is said once a tick at most.
const FAREWELL_TICKS: u32 = 12;

/// What the tick thread works with. It waits for the next deadline, and for nothing else.
pub(crate) struct TickThread {
    engine: Engine,
    schedule: Schedule,
    lifecycle: Lifecycle,
    links: Links,
    batch: Batch,
    sender: BatchSender,
    unpublished: Vec<Duration>,
    notices: Notices,
}

/// How the tick thread is tied to the others.
pub(crate) struct Links {
    pub(crate) shared: Arc<Shared>,
    pub(crate) port: UdpPort,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) commands: Receiver<Command>,
    pub(crate) recorder: Option<TickRecorder>,
    pub(crate) truth: Option<TruthWriter>,
}

impl TickThread {
    /// Prepares to run `engine`, the first tick at once.
    pub(crate) fn new(engine: Engine, lifecycle: Lifecycle, links: Links) -> Self {
        let schedule = Schedule::new(engine.config().tick_hz, clock::now());
        Self {
            engine,
            schedule,
            lifecycle,
            links,
            batch: Batch::default(),
            sender: BatchSender::new(),
            unpublished: Vec::with_capacity(UNPUBLISHED_MAX),
            notices: Notices::new(),
        }
    }

    /// Runs ticks until the lifecycle ends.
    pub(crate) fn run(mut self) {
        loop {
            clock::sleep_until(self.schedule.due());
            self.tick();
            let request = self.links.shared.request();
            match self.lifecycle.step(clock::now(), self.attendance(), self.links.shared.is_wanted(), request) {
                Step::Run => {}
                Step::Drain(reason) => self.drain(reason),
                Step::Stop(reason) => return self.stop(reason),
            }
        }
    }

    fn tick(&mut self) {
        let started = clock::now();
        let mut stopwatch = Stopwatch::start(started);
        self.execute_commands();
        self.receive();
        stopwatch.lap(0);
        let due = self.schedule.begin(started);
        self.engine.tick(started, due, self.schedule.load(), &mut |phase| stopwatch.lap(1 + phase as usize));
        self.transmit();
        stopwatch.lap(PHASES.len() - 1);
        if let Some(truth) = &mut self.links.truth {
            truth.on_tick(&self.engine);
        }
        self.schedule.on_tick(started, stopwatch.lap_began);
        self.links.shared.on_tick(stopwatch.lap_began);
        self.publish(stopwatch.lap_began.since(started), &stopwatch.laps);
        self.notice(stopwatch.lap_began);
    }

    fn execute_commands(&mut self) {
        for command in self.links.commands.try_iter().take(COMMANDS_PER_TICK) {
            let now = clock::now();
            // Who asked may have stopped waiting for the answer.
            let _ = match command {
                Command::Clients(answer) => answer.send(self.engine.clients()).is_ok(),
                Command::Kick(client_id, answer) => answer.send(self.engine.kick(client_id, now)).is_ok(),
                Command::Ban(client_id, answer) => answer.send(self.engine.ban(client_id, now)).is_ok(),
                Command::Unban(client_id, answer) => answer.send(self.engine.unban(client_id)).is_ok(),
                Command::Advertise(address) => {
                    self.engine.set_public_address(address);
                    true
                }
                Command::Bans(answer) => answer.send(self.engine.bans().collect()).is_ok(),
            };
        }
    }

    fn receive(&mut self) {
        let unix_s = clock::unix_s();
        self.links.inbox.swap(&mut self.batch);
        self.batch.for_each(|from, datagram, at| self.engine.handle_datagram(from, datagram, at, unix_s));
    }

    fn transmit(&mut self) {
        // Whoever answers must be known by then.
        self.note_recipients();
        let outbox = self.engine.outbox();
        self.sender.send(&self.links.port, outbox);
        outbox.clear();
    }

    fn note_recipients(&mut self) {
        let tick_hz = self.engine.config().tick_hz;
        if self.engine.tick_number().0.is_multiple_of(tick_hz.div_ceil(2)) {
            self.links.inbox.forget_silent();
        }
        let mut noted = None;
        for (to, _) in self.engine.outbox().iter() {
            if noted.replace(to) != Some(to) {
                self.links.inbox.note_sent(to);
            }
        }
    }

    /// Lets others see how it goes, unless one of them holds the statistics just now.
    fn publish(&mut self, duration: Duration, phases: &[Duration; PHASES.len()]) {
        if self.unpublished.len() < UNPUBLISHED_MAX {
            self.unpublished.push(duration);
        }
        if let Some(recorder) = &self.links.recorder {
            recorder.record(duration, phases, &self.engine.stats().samples);
        }
        self.engine.stats_mut().samples.clear();
        let shared = Arc::clone(&self.links.shared);
        if let Some(mut stats) = shared.try_lock_stats() {
            self.write_stats(&mut stats);
        }
    }

    fn write_stats(&mut self, stats: &mut ServerStats) {
        stats.engine.clone_from(self.engine.stats());
        self.write_refusals(stats);
        stats.tick = self.engine.tick_number();
        stats.clients = self.engine.player_count();
        stats.clients_away = self.engine.absent_count();
        stats.entities = self.engine.entity_count();
        stats.load = self.schedule.load();
        stats.load_level_max = self.schedule.load_level_max();
        stats.overruns = self.schedule.overruns();
        stats.skipped = self.schedule.skipped();
        stats.socket_receive_drops = self.links.inbox.dropped_by_kernel();
        stats.inbox_full = self.links.inbox.dropped_full();
        stats.inbox_strangers_full = self.links.inbox.dropped_strangers();
        stats.send_drops = self.sender.drops();
        for duration in self.unpublished.drain(..) {
            let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
            stats.tick_duration_us.saturating_record(us);
        }
    }

    /// A datagram that the receive thread refuses counts as one that netcode does: it would have, for the same reason.
    fn write_refusals(&self, stats: &mut ServerStats) {
        let inbox = &self.links.inbox;
        let refused = self.engine.netcode_drops().zip(inbox.refused());
        stats.netcode_drops = refused.map(|((reason, count), early)| (reason, count + early)).collect();
        stats.engine.received.packets += inbox.refused().sum::<u64>();
        stats.engine.received.bytes += inbox.refused_bytes();
    }

    /// What an operator should know of.
    fn notice(&mut self, now: Instant) {
        let (clients, datagrams) = (self.engine.client_count(), self.links.port.receive_capacity());
        let Self { notices, schedule, links, .. } = self;
        let notices = [
            notices.on_load(now, schedule.load().level),
            notices.on_clock(now, clock::unix_s()),
            notices.on_receive_drops(now, links.inbox.dropped_by_kernel()),
            notices.on_buffer(clients, datagrams),
        ];
        notices.into_iter().flatten().for_each(Notice::log);
    }

    fn attendance(&self) -> Attendance {
        Attendance { places: self.engine.places_taken(), players: self.engine.roster_len() }
    }

    fn drain(&mut self, reason: Reason) {
        let (clients, away) = (self.engine.client_count(), self.engine.absent_count());
        tracing::info!(reason = self.words(reason), clients, away, "draining");
        self.engine.drain();
        self.links.shared.enter(State::Draining);
    }

    fn words(&self, reason: Reason) -> &str {
        match reason {
            Reason::Asked => self.links.shared.asker(),
            Reason::Idle => "nobody came for the idle timeout",
            Reason::Empty => "the last player has left",
            Reason::MatchOver => "the match time is over",
            Reason::AllLeft => "all players have left",
            Reason::DrainTimeout => "the drain timeout is over",
        }
    }

    fn stop(mut self, reason: Reason) {
        let (clients, away) = (self.engine.client_count(), self.engine.absent_count());
        tracing::info!(reason = self.words(reason), clients, away, "stopping");
        self.engine.shut_down(clock::now());
        let give_up_at = clock::now() + FAREWELL.max(self.engine.config().tick_period() * FAREWELL_TICKS);
        while self.engine.client_count() > 0 && clock::now() < give_up_at {
            clock::sleep_until(self.schedule.due());
            self.tick();
        }
        let shared = Arc::clone(&self.links.shared);
        self.write_stats(&mut shared.lock_stats());
    }
}

/// Measures the phases of one tick.
struct Stopwatch {
    lap_began: Instant,
    laps: [Duration; PHASES.len()],
}

impl Stopwatch {
    fn start(now: Instant) -> Self {
        Self { lap_began: now, laps: [Duration::ZERO; PHASES.len()] }
    }

    /// A phase, by its index in [`PHASES`], ends, and the next begins.
    fn lap(&mut self, phase: usize) {
        let now = clock::now();
        self.laps[phase] = now.since(self.lap_began);
        self.lap_began = now;
    }
}
