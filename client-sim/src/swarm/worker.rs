use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::Duration;

use tidelock::Instant;
use tidelock::netcode::ConnectToken;
use tidelock::state::Schema;

use super::SwarmError;
use super::clock;
use super::links::Links;
use super::options::ThinShare;
use super::player::{MapCache, SwarmPlayer};
use super::poller::{GRAIN, Poller};
use super::record::RecordFile;
use super::schedule::Schedule;
use super::seats::{Seat, Seats};
use super::system::thread_cpu;
use super::tally::Tally;
use crate::bots::{Cast, Player as Bot};
use crate::client::{ClientConfig, Status};
use crate::link::{Conditioner, Rng};
use crate::measure::{Account, Counts, Mood, Presence, Recorder, Second};

/// One thread with its share of the clients.
pub(super) struct Worker {
    plan: Plan,
    orders: Receiver<Order>,
    news: Sender<News>,
    poller: Poller,
    seats: Seats,
    schedule: Schedule,
    tally: Tally,
    maps: MapCache,
    /// Clients that are to play and could not even be started.
    stillborn: BTreeSet<u32>,
    phase: Phase,
    window: Option<(Instant, Instant)>,
    cpu_before: Duration,
    second: Passing,
    /// Whether what was recorded lacks something.
    recorded: Result<(), SwarmError>,
    report: Option<WorkerReport>,
    /// What there was to report at the end of the first second in which nothing came, if nothing has come since: the server may be gone.
    silence: Option<WorkerReport>,
}

/// What all workers are told at the start.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) started_at: Instant,
    pub(super) window_begin: Instant,
    pub(super) window_end: Instant,
    pub(super) links: Links,
    pub(super) bots: Cast,
    pub(super) thin: ThinShare,
    pub(super) seed: u64,
    pub(super) schema: Arc<Schema>,
    /// The server's clock is ours.
    pub(super) same_clock: bool,
}

/// What a worker is told while it runs.
pub(super) enum Order {
    /// A client may connect.
    Start { client: u32, token: Box<ConnectToken>, record: Option<Box<RecordFile>> },
    /// A client is to leave.
    Leave { client: u32 },
    /// What a client needs to come back.
    Resume { client: u32, token: Box<ConnectToken> },
    /// The window ends, or has ended at a moment before.
    Stop { at: Instant },
}

/// What a worker tells while it runs.
pub(super) enum News {
    /// A second is over, for its share of the clients, and how those are.
    Second { second: Box<Second>, moods: Vec<(u32, Mood)> },
    /// How some clients are.
    Moods(Vec<(u32, Mood)>),
    /// A client has lost its connection, and would come back with a fresh token.
    Lost { client: u32 },
}

/// What a worker has to show at the end.
pub(super) struct WorkerReport {
    /// One for each kind of link.
    pub(super) accounts: Vec<Account>,
    /// How long it measured.
    pub(super) measured: Duration,
    /// Processor time of its thread while it measured.
    pub(super) cpu: Duration,
    /// Whether what was recorded lacks something.
    pub(super) recorded: Result<(), SwarmError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    WarmUp,
    Window,
    /// Everybody says goodbye, until then.
    Farewell(Instant),
}

/// The second that is going by.
struct Passing {
    number: u32,
    counts_before: Counts,
    cpu_before: Duration,
}

impl Worker {
    /// Turns in a row, before the sockets are looked at again.
    const TURNS: usize = 64;
    /// Goodbyes are repeated, and take their way.
    const FAREWELL: Duration = Duration::from_millis(250);
    /// Whoever ends a run does not wait for a link of hours.
    const FAREWELL_MAX: Duration = Duration::from_secs(2);

    pub(super) fn new(plan: Plan, orders: Receiver<Order>, news: Sender<News>, poller: Poller) -> Self {
        Self {
            tally: Tally::new(plan.links.kinds().count(), plan.same_clock),
            plan,
            orders,
            news,
            poller,
            seats: Seats::default(),
            schedule: Schedule::default(),
            maps: MapCache::default(),
            stillborn: BTreeSet::new(),
            phase: Phase::WarmUp,
            window: None,
            cpu_before: Duration::ZERO,
            second: Passing { number: 0, counts_before: Counts::default(), cpu_before: Duration::ZERO },
            recorded: Ok(()),
            report: None,
            silence: None,
        }
    }

    /// Plays until the window ends, and says goodbye.
    pub(super) fn run(mut self) -> Result<WorkerReport, SwarmError> {
        loop {
            let now = clock::now();
            self.advance(now);
            if matches!(self.phase, Phase::Farewell(until) if now >= until) {
                let ended = self.seats.into_iter().try_for_each(|seat| seat.player.end_record(now));
                let report = self.report.expect("the window ended before the farewell");
                return Ok(WorkerReport { recorded: self.recorded.and(ended), ..report });
            }
            self.take_orders(now);
            let deadline = self.deadline(now);
            self.poller.wait(deadline).map_err(SwarmError::system("waiting for sockets"))?;
            self.receive();
            self.take_turns();
        }
    }

    /// Begins and ends seconds and the window.
    fn advance(&mut self, now: Instant) {
        while now >= self.second_end() && !matches!(self.phase, Phase::Farewell(_)) {
            self.end_second();
        }
        if self.phase == Phase::WarmUp && now >= self.plan.window_begin {
            self.begin_window(now);
        }
        if !matches!(self.phase, Phase::Farewell(_)) && now >= self.plan.window_end {
            self.end_window(now);
        }
    }

    fn second_end(&self) -> Instant {
        self.plan.started_at + Duration::from_secs(u64::from(self.second.number) + 1)
    }

    /// Looks over all clients, and tells of them.
    fn end_second(&mut self) {
        let mut second = Second::new(self.second.number);
        let stillborn = self.stillborn.len() as u64;
        (second.presence.wanted, second.presence.lost) = (stillborn, stillborn);
        let mut moods = Vec::new();
        for (_, seat) in self.seats.iter_mut().filter(|(_, seat)| !seat.leaves) {
            second.presence.add(&presence(&seat.player));
            moods.push((seat.client, seat.player.mood()));
            sample(&seat.player, &mut self.tally.recorders[seat.link]);
            if seat.player.wants_to_resume() {
                // A main thread that has ended hands out no tokens any more.
                let _ = self.news.send(News::Lost { client: seat.client });
            }
        }
        self.tally.recorders.iter_mut().for_each(|recorder| recorder.take_lately(&mut second.histograms));
        let (counts, cpu) = (self.tally.counts(self.seats.iter().filter(|seat| !seat.leaves)), thread_cpu());
        second.counts = counts.since(&self.second.counts_before);
        second.cpu_us = (cpu - self.second.cpu_before).as_micros() as u64;
        self.second = Passing { number: self.second.number + 1, counts_before: counts, cpu_before: cpu };
        self.follow_silence(&second);
        let _ = self.news.send(News::Second { second: Box::new(second), moods });
    }

    fn begin_window(&mut self, now: Instant) {
        self.phase = Phase::Window;
        self.tally.begin_window();
        self.window = Some((now, now));
        self.cpu_before = thread_cpu();
        self.seats.iter_mut().for_each(|(_, seat)| seat.player.begin_window());
    }

    /// What there is to report if the window ends at `end`.
    fn settled(&self, end: Instant) -> WorkerReport {
        let (begin, _) = self.window.unwrap_or((end, end));
        let window = (begin, end.max(begin));
        let is_measured = self.phase == Phase::Window;
        let mut tally = self.tally.clone();
        for seat in self.seats.iter().filter(|seat| !seat.leaves) {
            tally.settle(seat, is_measured.then_some(window));
        }
        WorkerReport {
            accounts: tally.recorders.into_iter().map(|recorder| recorder.account).collect(),
            measured: window.1.since(window.0),
            cpu: if is_measured { thread_cpu().saturating_sub(self.cpu_before) } else { Duration::ZERO },
            recorded: Ok(()),
        }
    }

    /// Listens for a server that falls silent: what its clients count after that is nobody's.
    fn follow_silence(&mut self, second: &Second) {
        let is_silent = second.counts.bytes_down == 0 && second.presence.wanted > 0;
        if !is_silent {
            self.silence = None;
        } else if self.silence.is_none() {
            let end = self.plan.started_at + Duration::from_secs(u64::from(second.end_s()));
            self.silence = Some(self.settled(end));
        }
    }

    /// Counts everything, then lets everybody say goodbye.
    fn end_window(&mut self, now: Instant) {
        let end = self.plan.window_end.min(now);
        // A window that was over a while ago ended with the server's silence.
        let until_silence = self.silence.take().filter(|_| now.since(end) > Duration::from_secs(1));
        self.report = Some(until_silence.unwrap_or_else(|| self.settled(end)));
        self.tally = Tally::new(self.plan.links.kinds().count(), self.plan.same_clock);
        for (number, seat) in self.seats.iter_mut() {
            seat.player.disconnect();
            self.schedule.hasten(number, Some(now));
        }
        self.phase = Phase::Farewell(now + self.farewell());
    }

    /// How long goodbyes take to arrive.
    fn farewell(&self) -> Duration {
        let slowest = self.plan.links.kinds().map(|(_, link)| link.up.latency + link.up.jitter * 5).max();
        (Self::FAREWELL + slowest.unwrap_or_default()).min(Self::FAREWELL_MAX)
    }

    fn take_orders(&mut self, now: Instant) {
        self.poller.clear();
        loop {
            match self.orders.try_recv() {
                Ok(Order::Start { client, token, record }) => self.start(client, *token, record, now),
                Ok(Order::Leave { client }) => self.leave(client, now),
                Ok(Order::Resume { client, token }) => self.resume(client, *token, now),
                Ok(Order::Stop { at }) => self.plan.window_end = self.plan.window_end.min(at),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }

    fn start(&mut self, client: u32, token: ConnectToken, record: Option<Box<RecordFile>>, now: Instant) {
        let link = self.plan.links.of(client).0;
        // Whoever is recorded sees, whichever client that is.
        let is_thin = record.is_none() && self.plan.thin.has(client);
        self.tally.on_started(client, link, is_thin);
        self.stillborn.remove(&client);
        let number = self.seats.next_free();
        let player = self.player(client, token, is_thin, now).and_then(|mut player| {
            player.record(record);
            self.poller.watch(player.socket(), number).map_err(|error| error.to_string())?;
            Ok(player)
        });
        match player {
            Ok(player) => {
                self.schedule.set(number, Some(now));
                self.seats.take(Seat { client, link, player, leaves: false });
            }
            Err(why) => {
                self.stillborn.insert(client);
                self.tally.on_stillborn(link, why);
            }
        }
    }

    fn player(&self, client: u32, token: ConnectToken, is_thin: bool, now: Instant) -> Result<SwarmPlayer, String> {
        let server = token.servers()[0];
        let seed = |purpose: u64| Rng::stream(self.plan.seed, u64::from(client) * 4 + purpose).next_u64();
        let bot = Bot::with_bot(self.plan.bots.bot(client, seed(0)), seed(0));
        let (_, link) = self.plan.links.of(client);
        let links = [Conditioner::new(link.down, seed(1)), Conditioner::new(link.up, seed(2))];
        let config = ClientConfig { token, schema: self.plan.schema.clone() };
        SwarmPlayer::new(config, bot, is_thin, links, server, now).map_err(|error| error.to_string())
    }

    /// A client says goodbye, and its seat is free when that is on its way.
    fn leave(&mut self, client: u32, now: Instant) {
        self.stillborn.remove(&client);
        let window = self.window.map(|(begin, _)| (begin, now));
        let until = now + self.farewell();
        let Some((number, seat)) = self.seats.dismiss(client) else { return };
        self.tally.settle(seat, window);
        seat.player.leave(until);
        self.schedule.set(number, Some(now));
    }

    fn resume(&mut self, client: u32, token: ConnectToken, now: Instant) {
        if let Some((number, seat)) = self.seats.of_client(client) {
            seat.player.resume(token, now);
            self.schedule.hasten(number, Some(now));
        }
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
        let earliest = [Some(self.second_end()), turn, Some(phase_end)].into_iter().flatten().min();
        earliest.map(|earliest| earliest.max(now + GRAIN))
    }

    fn receive(&mut self) {
        for number in self.poller.readable() {
            let Some(Seat { player, .. }) = self.seats.get_mut(number) else { continue };
            player.receive(clock::now());
            self.schedule.hasten(number, player.next_arrival());
        }
    }

    fn take_turns(&mut self) {
        for _ in 0..Self::TURNS {
            let now = clock::now();
            let Some((number, due)) = self.schedule.pop_due(now) else { return };
            let Some(Seat { player, link, .. }) = self.seats.get_mut(number) else { continue };
            let recorder = &mut self.tally.recorders[*link];
            recorder.on_lag(now.since(due));
            player.run(now, recorder, &mut self.maps);
            self.schedule.set(number, player.next_due());
            if player.has_left(now) {
                self.vacate(number, now);
            }
        }
    }

    /// Somebody who was to leave has.
    fn vacate(&mut self, number: usize, now: Instant) {
        self.schedule.set(number, None);
        if let Some(Seat { player, .. }) = self.seats.vacate(number)
            && let Err(error) = player.end_record(now)
        {
            self.recorded = Err(error);
        }
    }
}

/// How a client is there.
fn presence(player: &SwarmPlayer) -> Presence {
    let playing = player.core().status() == Status::Playing;
    Presence { wanted: 1, playing: u64::from(playing), lost: u64::from(player.is_over()) }
}

/// What is looked at once a second.
fn sample(player: &SwarmPlayer, recorder: &mut Recorder) {
    let core = player.core();
    if core.status() != Status::Playing {
        return;
    }
    recorder.on_jitter(core.jitter());
    if let Some((clock, playback)) = core.clock().zip(core.playback()) {
        recorder.on_clocks(clock, playback);
    }
}
