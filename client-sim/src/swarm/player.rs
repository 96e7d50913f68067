use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use tidelock::Instant;
use tidelock::netcode::PACKET_BYTES_MAX;
use tidelock_arena::{ArenaInput, Map, Say};

use super::SwarmError;
use super::frames::FrameSamples;
use super::record::RecordFile;
use super::recorder::Recorder;
use crate::bots::{AvatarPrediction, Player as Bot, Screen};
use crate::client::{
    Client, ClientEvent, ClientStats, DisconnectReason, EffectFate, PlaybackCounts, Prediction, Status,
};
use crate::link::Conditioner;

/// One client of the swarm: a client core, a bot that plays it, a socket, and a bad link in between.
pub(super) struct SwarmPlayer {
    core: Client<ArenaInput>,
    bot: Bot,
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
    stats_before: ClientStats,
    frames_before: PlaybackCounts,
    record: Option<Box<RecordFile>>,
}

/// When a client was in the game.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Played {
    pub(super) from: Option<Instant>,
    pub(super) until: Option<Instant>,
    pub(super) end: Option<DisconnectReason>,
}

/// Maps that clients were told of; all have the same.
#[derive(Default)]
pub(super) struct MapCache {
    known: Option<(Vec<u8>, Arc<Map>)>,
}

impl SwarmPlayer {
    pub(super) fn new(
        core: Client<ArenaInput>,
        bot: Bot,
        [down, up]: [Conditioner; 2],
        server: SocketAddr,
        now: Instant,
    ) -> io::Result<Self> {
        Ok(Self {
            core,
            bot,
            prediction: None,
            socket: connected_socket(server)?,
            server,
            down,
            up,
            started_at: now,
            tick_hz: 0,
            played: Played::default(),
            frames: FrameSamples::default(),
            stats_before: ClientStats::default(),
            frames_before: PlaybackCounts::default(),
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
        [core, self.down.next_due(), self.up.next_due()].into_iter().flatten().min()
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

    pub(super) fn begin_window(&mut self) {
        self.stats_before = *self.core.stats();
        self.frames_before = self.core.playback().map_or_else(PlaybackCounts::default, |playback| *playback.counts());
    }

    /// What became of frames in the window.
    pub(super) fn frames(&self) -> PlaybackCounts {
        self.core
            .playback()
            .map_or_else(PlaybackCounts::default, |playback| playback.counts().since(&self.frames_before))
    }

    /// The core's counters at the start of the window and now.
    pub(super) fn stats(&self) -> (&ClientStats, &ClientStats) {
        (&self.stats_before, self.core.stats())
    }

    pub(super) fn core(&self) -> &Client<ArenaInput> {
        &self.core
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

    /// The core tries another server of its token.
    fn follow(&mut self, server: SocketAddr) {
        if self.socket.connect(server).is_ok() {
            self.server = server;
        }
    }

    fn handle_events(&mut self, now: Instant, recorder: &mut Recorder, maps: &mut MapCache) {
        while let Some(event) = self.core.poll_event() {
            match event {
                ClientEvent::Joined { payload, tick_hz, .. } => {
                    self.tick_hz = tick_hz;
                    self.played.from = Some(now);
                    recorder.on_connected(now.since(self.started_at));
                    if let Some(map) = maps.find(payload) {
                        self.bot.learn_map(Arc::clone(&map));
                        self.prediction = Some(Prediction::new(AvatarPrediction::new(map, tick_hz)));
                    }
                }
                ClientEvent::FirstFullView => recorder.on_first_full_view(now.since(self.started_at)),
                ClientEvent::Snapshot { due, received_at, .. } => {
                    recorder.on_snapshot(due, received_at);
                    self.reconcile(received_at, recorder);
                }
                ClientEvent::InputEffect { latency, .. } => recorder.on_effect(latency),
                ClientEvent::RttSample(rtt) => recorder.on_rtt(rtt),
                // Desyncs are among the core's counters; what others say interests no bot.
                ClientEvent::Desync { .. }
                | ClientEvent::Event { .. }
                | ClientEvent::Silent { .. }
                | ClientEvent::Resumed => {}
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
}

/// Connected, so that the kernel finds the peer once, and refuses strangers.
fn connected_socket(server: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr =
        if server.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(any)?;
    socket.set_nonblocking(true)?;
    socket.connect(server)?;
    Ok(socket)
}
