use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use tidelock::netcode::{ConnectToken, PACKET_BYTES_MAX};
use tidelock::{Instant, Tick};
use tidelock_arena::{ArenaInput, Map, Say};

use super::SwarmError;
use super::frames::FrameSamples;
use super::record::RecordFile;
use super::socket::connected_socket;
use crate::bots::{AvatarPrediction, Player as Bot, Screen};
use crate::client::{Client, ClientConfig, ClientEvent, DisconnectReason, EffectFate, Prediction, Status};
use crate::link::Conditioner;
use crate::measure::{Counts, Mood, Recorder};

/// One client of the swarm: a client core, a bot that plays it, a socket, and a bad link in between.
pub(super) struct SwarmPlayer {
    core: Client<ArenaInput>,
    bot: Bot,
    /// The bot sees nothing.
    is_thin: bool,
    /// Since it knows the map.
    prediction: Option<Prediction<AvatarPrediction>>,
    socket: UdpSocket,
    server: SocketAddr,
    down: Conditioner,
    up: Conditioner,
    started_at: Instant,
    tick_hz: u32,
    played: Played,
    frames: FrameSamples,
    /// At the start of the window.
    before: Counts,
    /// When its mood was last asked for.
    asked: Counts,
    /// Nothing comes any more: it would come back with a fresh token.
    is_silent: bool,
    /// The newest snapshot's tick, and when it was due.
    newest: Option<(Tick, Instant)>,
    /// It was told to leave.
    leaves_at: Option<Instant>,
    record: Option<Box<RecordFile>>,
}

/// When a client was in the game, and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Played {
    pub(super) from: Option<Instant>,
    pub(super) until: Option<Instant>,
    pub(super) end: Option<DisconnectReason>,
    pub(super) joins: u64,
    pub(super) resumes: u64,
    /// It has seen all that it should, once at least.
    pub(super) has_seen: bool,
}

/// Maps that clients were told of; all have the same.
#[derive(Default)]
pub(super) struct MapCache {
    known: Option<(Vec<u8>, Arc<Map>)>,
}

impl SwarmPlayer {
    /// Frames that are guesses, more than one in so many, are felt.
    const POOR_ONE_IN: u64 = 20;

    pub(super) fn new(
        config: ClientConfig,
        bot: Bot,
        is_thin: bool,
        [down, up]: [Conditioner; 2],
        server: SocketAddr,
        now: Instant,
    ) -> io::Result<Self> {
        let core = Client::new(config, now);
        Ok(Self {
            core: if is_thin { core.thin() } else { core },
            bot,
            is_thin,
            prediction: None,
            socket: connected_socket(server)?,
            server,
            down,
            up,
            started_at: now,
            tick_hz: 0,
            played: Played::default(),
            frames: FrameSamples::default(),
            before: Counts::default(),
            asked: Counts::default(),
            is_silent: false,
            newest: None,
            leaves_at: None,
            record: None,
        })
    }

    /// Takes one datagram from the socket into the link. The poller says again if there are more.
    pub(super) fn receive(&mut self, now: Instant) {
        let mut buffer = [0; PACKET_BYTES_MAX];
        // An error is the echo of something sent, such as a port where nobody listens: the client notices the silence.
        if let Ok(length) = self.socket.recv(&mut buffer) {
            self.down.push(&buffer[..length], now);
        }
    }

    /// Does all that is due: what arrived, what the core wants, the bot's input, what is to be sent.
    pub(super) fn run(&mut self, now: Instant, recorder: &mut Recorder, maps: &mut MapCache) {
        while let Some(delivery) = self.down.pop_due(now) {
            self.core.handle_datagram(self.server, delivery.datagram, delivery.due);
            self.handle_events(now, recorder, maps);
        }
        if self.core.next_wakeup() <= now {
            self.core.update(now);
        }
        self.handle_events(now, recorder, maps);
        if self.core.next_tick().is_some_and(|due| due <= now) {
            self.play(now, recorder);
        }
        self.transmit(now);
        if let Some(record) = &mut self.record {
            record.recording().follow(&mut self.core, now);
        }
    }

    /// When [`SwarmPlayer::run`] is wanted next.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let core = (!self.is_over()).then(|| self.core.next_wakeup());
        [core, self.down.next_due(), self.up.next_due(), self.leaves_at].into_iter().flatten().min()
    }

    /// When the next datagram arrives: all that [`SwarmPlayer::receive`] can change.
    pub(super) fn next_arrival(&self) -> Option<Instant> {
        self.down.next_due()
    }

    pub(super) fn disconnect(&mut self) {
        if !self.is_over() {
            self.core.disconnect();
        }
    }

    /// Disconnects, and is there until its goodbyes have arrived.
    pub(super) fn leave(&mut self, until: Instant) {
        self.disconnect();
        self.leaves_at = Some(until);
    }

    /// Whether that is over.
    pub(super) fn has_left(&self, now: Instant) -> bool {
        self.leaves_at.is_some_and(|until| until <= now)
    }

    /// From now on writes what the core receives and does, if there is somewhere to.
    pub(super) fn record(&mut self, record: Option<Box<RecordFile>>) {
        if record.is_some() {
            self.core.open_tap();
        }
        self.record = record;
    }

    /// Ends that, and says if something is lacking.
    pub(super) fn end_record(self, now: Instant) -> Result<(), SwarmError> {
        self.record.map_or(Ok(()), |record| record.end(now))
    }

    /// What counts, counts from now on.
    pub(super) fn begin_window(&mut self) {
        self.before = self.counts();
    }

    /// Since it began.
    pub(super) fn counts(&self) -> Counts {
        Counts::of(self.core.stats(), &self.core.frame_counts())
    }

    /// In the window so far.
    pub(super) fn counts_in_window(&self) -> Counts {
        self.counts().since(&self.before)
    }

    /// How it has been since this was last asked.
    pub(super) fn mood(&mut self) -> Mood {
        let lately = self.counts().since(&self.asked);
        self.asked = self.counts();
        match self.core.status() {
            Status::Disconnected(_) => Mood::Lost,
            Status::Connecting | Status::Joining => Mood::Joining,
            Status::Playing if self.is_silent || lately.snapshots_received == 0 => Mood::Silent,
            Status::Playing if lately.underruns + lately.stalled > lately.frames / Self::POOR_ONE_IN => Mood::Poor,
            Status::Playing => Mood::Well,
        }
    }

    /// Connects anew as the same player.
    pub(super) fn resume(&mut self, token: ConnectToken, now: Instant) {
        if self.is_silent && !self.is_over() {
            (self.is_silent, self.newest) = (false, None);
            self.follow(token.servers()[0]);
            self.core.resume(token, now);
        }
    }

    /// Whether it would do that, had it a token.
    pub(super) fn wants_to_resume(&self) -> bool {
        self.is_silent && !self.is_over()
    }

    pub(super) fn core(&self) -> &Client<ArenaInput> {
        &self.core
    }

    pub(super) const fn is_thin(&self) -> bool {
        self.is_thin
    }

    pub(super) fn played(&self) -> Played {
        self.played
    }

    pub(super) fn tick_hz(&self) -> u32 {
        self.tick_hz
    }

    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Connected no more, and never again.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.core.status(), Status::Disconnected(_))
    }

    fn play(&mut self, now: Instant, recorder: &mut Recorder) {
        let Some(tick) = self.core.client_tick() else { return };
        let input = match self.core.frame(now) {
            _ if self.is_thin => self.bot.input_unseeing(tick),
            Some(shown) => {
                self.frames.on_frame(self.core.view(), shown, self.tick_hz, recorder);
                self.bot.input(&Screen::new(self.core.view(), shown), tick)
            }
            None => self.bot.input(self.core.view(), tick),
        };
        self.core.tick(&input, now);
        if let Some(prediction) = &mut self.prediction {
            prediction.on_input(tick, &input);
        }
        if let Some(text) = self.bot.say(tick, self.tick_hz) {
            // A full queue is the link's doing: a line of chat less.
            let _ = self.core.send_event(&Say { text });
        }
    }

    /// Holds the prediction against the snapshot that was applied just now.
    fn reconcile(&mut self, now: Instant, recorder: &mut Recorder) {
        let Some(prediction) = &mut self.prediction else { return };
        match prediction.on_snapshot(self.core.view(), now) {
            Some(correction) => {
                recorder.on_correction(correction.error_m);
                if let Some(record) = &mut self.record {
                    record.recording().follow(&mut self.core, now);
                    record.recording().on_correction(correction, now);
                }
            }
            None if prediction.predicted().is_some() => recorder.on_prediction_right(),
            None => {}
        }
        while let Some(effect) = prediction.poll_effect() {
            recorder.on_effect_fate(effect.fate);
            if let Some(record) = self.record.as_mut().filter(|_| effect.fate == EffectFate::Undone) {
                record.recording().on_undone(effect.tick, now);
            }
        }
    }

    fn transmit(&mut self, now: Instant) {
        let mut buffer = [0; PACKET_BYTES_MAX];
        while let Some((length, server)) = self.core.poll_transmit(now, &mut buffer) {
            if server != self.server {
                self.follow(server);
            }
            self.up.push(&buffer[..length], now);
        }
        while let Some(delivery) = self.up.pop_due(now) {
            // What the system cannot take is lost, as on any link; the measured loss has it.
            let _ = self.socket.send(delivery.datagram);
        }
    }

    /// By how much the server's schedule has slipped since the newest snapshot before this one, and how long a tick is.
    fn slip(&mut self, tick: Tick, due: Instant) -> (Duration, Duration) {
        let period = Duration::from_secs(1) / self.tick_hz.max(1);
        let Some((last, last_due)) = self.newest.filter(|(last, _)| tick.is_newer_than(*last)) else {
            self.newest = self.newest.or(Some((tick, due)));
            return (Duration::ZERO, period);
        };
        self.newest = Some((tick, due));
        let meant = last_due + period * tick.since(last).unsigned_abs();
        (due.since(meant), period)
    }

    /// Inputs of another connection are none of this one's.
    fn predict(&mut self, map: Arc<Map>) {
        if self.is_thin {
            return;
        }
        self.prediction = Some(Prediction::new(AvatarPrediction::new(map, self.tick_hz)));
    }

    /// The server let it in: for the first time, or again.
    fn on_joined(&mut self, resumed: bool, now: Instant, recorder: &mut Recorder) {
        self.played.joins += u64::from(!resumed);
        self.played.resumes += u64::from(resumed);
        if self.played.from.is_none() {
            self.played.from = Some(now);
            recorder.on_connected(now.since(self.started_at));
        }
    }

    /// The core tries another server of its token.
    fn follow(&mut self, server: SocketAddr) {
        if self.socket.connect(server).is_ok() {
            self.server = server;
        }
    }

    fn handle_events(&mut self, now: Instant, recorder: &mut Recorder, maps: &mut MapCache) {
        while let Some(event) = self.core.poll_event() {
            match event {
                ClientEvent::Joined { payload, tick_hz, resumed } => {
                    self.tick_hz = tick_hz;
                    self.on_joined(resumed, now, recorder);
                    if let Some(map) = maps.find(payload) {
                        self.bot.learn_map(Arc::clone(&map));
                        self.predict(map);
                    }
                }
                ClientEvent::Resumed => {
                    self.played.resumes += 1;
                    maps.latest().into_iter().for_each(|map| self.predict(map));
                }
                ClientEvent::Silent { .. } => self.is_silent = true,
                // Who comes back to a place that was given up sees all of it for the first time again.
                ClientEvent::FirstFullView if !self.played.has_seen => {
                    self.played.has_seen = true;
                    recorder.on_first_full_view(now.since(self.started_at));
                }
                ClientEvent::Snapshot { tick, due, received_at } => {
                    self.is_silent = false;
                    let (slip, period) = self.slip(tick, due);
                    recorder.on_snapshot(due, slip, period, received_at);
                    self.reconcile(received_at, recorder);
                }
                ClientEvent::InputEffect { latency, .. } => recorder.on_effect(latency),
                ClientEvent::RttSample(rtt) => recorder.on_rtt(rtt),
                // Desyncs are among the core's counters; what others say interests no bot.
                ClientEvent::FirstFullView | ClientEvent::Desync { .. } | ClientEvent::Event { .. } => {}
                ClientEvent::Disconnected(reason) => {
                    self.played.until = Some(now);
                    self.played.end = Some(reason);
                }
            }
        }
    }
}

impl MapCache {
    /// `None` if the payload is no map: then bots walk blindly.
    fn find(&mut self, payload: Vec<u8>) -> Option<Arc<Map>> {
        if let Some((known, map)) = &self.known
            && *known == payload
        {
            return Some(map.clone());
        }
        let map = Arc::new(Map::from_payload(&payload).ok()?);
        self.known = Some((payload, map.clone()));
        Some(map)
    }

    fn latest(&self) -> Option<Arc<Map>> {
        self.known.as_ref().map(|(_, map)| Arc::clone(map))
    }
}
