//! The client core that a game embeds: connection, time, the replicated world and inputs. Pure: it owns no socket and no
//! clock.
//!
//! Feed it datagrams with [`Client::handle_datagram`], call [`Client::tick`] with the player's input whenever
//! [`Client::next_tick`] is due and [`Client::update`] whenever [`Client::next_wakeup`] is; after each call send what
//! [`Client::poll_transmit`] gives and look at what [`Client::poll_event`] tells.
//!
//! Snapshots come less often than frames, and not evenly. A frame shows what is others' at the moment that [`Client::frame`]
//! gives: `client.view().at(moment)` is the world of then, with what lies between two snapshots
//! ([`Interpolate`](tidelock::state::Interpolate)). [`Client::shown`] says the same to whoever asks again, such as an input that
//! tells the server what its player saw ([`ViewAge`](tidelock::ViewAge)). One's own avatar is ahead of that:
//! [`Prediction`].
//!
//! The [`guide`] goes through it step by step.

mod apply;
mod arrivals;
mod baselines;
mod buffers;
mod clock;
mod event;
mod event_queue;
mod ghosts;
pub mod guide;
mod inputs;
mod pacer;
mod playback;
mod prediction;
mod receive;
mod resume;
mod resync;
#[cfg(test)]
mod sabotage;
mod scene;
mod staleness;
mod stats;
mod streams;
mod tap;
mod transmit;
mod view;
mod whole;

#[cfg(test)]
mod tests;

pub use clock::Clock;
pub use event::{ClientEvent, DisconnectReason, Status};
pub use playback::{Playback, PlaybackConfig, PlaybackCounts};
pub use prediction::{Correction, EffectFate, Effects, Predict, PredictedEffect, Prediction};
pub use scene::{Scene, SceneEntity};
pub use stats::{ClientStats, SnapshotCounts};
pub use tap::Tapped;
pub use view::{EntityView, View};

use apply::Decoder;
use core::net::SocketAddr;
use event_queue::EventQueue;
use inputs::UnconfirmedInputs;
use pacer::Pacer;
use resume::Silence;
use resync::Resync;
use stats::ConnectionCounts;
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;
use tap::Tap;
use tidelock::bits::BitWriter;
use tidelock::netcode::{self, Cipher, ClientState, ConnectToken, DropCounts};
use tidelock::state::{Input, Schema};
use tidelock::wire::{Connection, MESSAGE_BYTES_MAX};
use tidelock::{Instant, Moment, Tick};
use whole::WholeClaim;

/// What a client is started with.
#[derive(Debug)]
pub struct ClientConfig {
    /// From the backend.
    pub token: ConnectToken,
    /// The game's: its hash must equal the server's.
    pub schema: Arc<Schema>,
}

/// One player's connection. `I` is the game's input.
pub struct Client<I: Input> {
    schema: Arc<Schema>,
    netcode: netcode::Client,
    cipher: Cipher,
    connection: Connection<()>,
    status: Status,
    hello_sent: bool,
    /// Nothing came from the server yet: it may not even speak this version.
    greets: bool,
    /// Of the join payload; `None` before the first welcome.
    payload_hash: Option<u64>,
    silence: Silence,
    view: View,
    decoder: Decoder,
    /// It reads only heads of snapshots: see [`Client::thin`].
    is_thin: bool,
    /// Of the welcome; 0 before.
    tick_hz: u32,
    /// What the server told of its clock; `None` before the welcome.
    clock: Option<Clock>,
    /// `None` before the first snapshot.
    playback: Option<Playback>,
    playback_config: PlaybackConfig,
    /// Of playbacks before the present one.
    past_frames: PlaybackCounts,
    resync: Option<Resync>,
    claim: Option<WholeClaim>,
    full_view_seen: bool,
    pacer: Option<Pacer>,
    inputs: UnconfirmedInputs,
    default_input: Vec<u32>,
    events: EventQueue,
    /// A payload that waits to be sealed.
    outgoing: VecDeque<Vec<u8>>,
    last_sent_at: Option<Instant>,
    /// How long both ends may sit on an ack.
    ack_slack: Duration,
    writer: BitWriter,
    stats: ClientStats,
    /// What earlier connections counted.
    past: ConnectionCounts,
    tap: Tap,
    input: PhantomData<I>,
}

impl<I: Input> std::fmt::Debug for Client<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("status", &self.status)
            .field("entities", &self.view.len())
            .finish_non_exhaustive()
    }
}

impl<I: Input> Client<I> {
    /// Starts to connect.
    #[must_use]
    pub fn new(config: ClientConfig, now: Instant) -> Self {
        Self::with_cipher(config, Cipher::default(), now)
    }

    /// The same, to a server of a simulation or benchmark that protects its packets differently: see [`Cipher`].
    #[must_use]
    pub fn with_cipher(config: ClientConfig, cipher: Cipher, now: Instant) -> Self {
        let mut default_input = vec![0; I::lane_count()];
        I::default().write_lanes(&mut default_input);
        Self {
            view: View::new(config.schema.clone()),
            decoder: Decoder::default(),
            is_thin: false,
            schema: config.schema,
            netcode: netcode::Client::with_cipher(config.token, cipher, now),
            cipher,
            connection: Connection::new(MESSAGE_BYTES_MAX),
            status: Status::Connecting,
            hello_sent: false,
            greets: true,
            payload_hash: None,
            silence: Silence::default(),
            tick_hz: 0,
            clock: None,
            playback: None,
            playback_config: PlaybackConfig::default(),
            past_frames: PlaybackCounts::default(),
            resync: None,
            claim: None,
            full_view_seen: false,
            pacer: None,
            inputs: UnconfirmedInputs::default(),
            default_input,
            events: EventQueue::default(),
            outgoing: VecDeque::new(),
            last_sent_at: None,
            ack_slack: Duration::from_millis(200),
            writer: BitWriter::new(),
            stats: ClientStats::default(),
            past: ConnectionCounts::default(),
            tap: Tap::default(),
            input: PhantomData,
        }
    }

    /// One that leaves the records of snapshots unread, for load tests with thousands: its view stays empty, and it notices no
    /// desync. All else is as ever, for heads of snapshots say it: connection, acks, clock, playback, input timing. The server
    /// cannot tell the difference, and has the same work.
    #[must_use]
    pub const fn thin(mut self) -> Self {
        self.is_thin = true;
        self
    }

    /// Takes a datagram that arrived at `received_at`, and decrypts it in place.
    pub fn handle_datagram(&mut self, from: SocketAddr, datagram: &mut [u8], received_at: Instant) {
        self.stats.datagrams_received += 1;
        self.stats.bytes_received += datagram.len() as u64;
        let bytes = datagram.len();
        let payload = self.netcode.handle_datagram(from, datagram, received_at);
        self.tap.on_call(received_at, || Tapped::Received { bytes, payload: payload.map(<[u8]>::to_vec) });
        if let Some(payload) = payload {
            self.receive(payload, received_at);
        }
        self.follow_netcode(received_at);
    }

    /// Applies time-outs, and speaks when it is time to. Call it at [`Client::next_wakeup`].
    pub fn update(&mut self, now: Instant) {
        self.tap.on_call(now, || Tapped::Updated);
        self.follow_time(now);
    }

    fn follow_time(&mut self, now: Instant) {
        self.netcode.tick(now);
        self.follow_netcode(now);
        self.connection.expire(now, self.ack_slack, |_, _| {});
        self.count_connection();
        self.follow_silence(now);
        if self.speaks_at().is_some_and(|at| at <= now) {
            self.queue_datagram(now, None);
        }
    }

    /// When [`Client::update`] or [`Client::tick`] is to be called at the latest.
    #[must_use]
    pub fn next_wakeup(&self) -> Instant {
        let silence = self.silence.ends_patience_at().filter(|_| self.status == Status::Playing);
        let all = [self.netcode.next_wakeup(), self.speaks_at(), self.next_tick(), silence];
        all.into_iter().flatten().min().unwrap_or(Instant::from_us(u64::MAX))
    }

    /// When the next input is due; `None` unless playing. The client runs ahead of the server by what its inputs need to
    /// arrive in time, and steers by up to 5 % to stay there, or more after a slip of the server's schedule and under its overload.
    #[must_use]
    pub fn next_tick(&self) -> Option<Instant> {
        self.pacer.as_ref().filter(|_| self.status == Status::Playing).map(Pacer::next_at)
    }

    /// The tick that the next input is for.
    #[must_use]
    pub fn client_tick(&self) -> Option<Tick> {
        self.pacer.as_ref().map(Pacer::next_tick)
    }

    /// Takes the player's input for the tick that is due, and sends it with all that the server has not confirmed.
    pub fn tick(&mut self, input: &I, now: Instant) {
        let Some(pacer) = self.pacer.as_mut().filter(|_| self.status == Status::Playing) else { return };
        let (tick, due) = pacer.advance(now);
        let mut lanes = vec![0; self.default_input.len()];
        input.write_lanes(&mut lanes);
        self.tap.on_call(now, || Tapped::Ticked { tick, late: now.since(due), lanes: lanes.clone() });
        self.inputs.push(tick, due, lanes);
        self.stats.inputs_sent += 1;
        self.queue_datagram(now, Some(tick));
        self.follow_time(now);
    }

    /// What happened. Call until `None`.
    ///
    /// Of what a game does not look at for long, news such as [`ClientEvent::Snapshot`] and events that are sent unreliably are dropped beyond
    /// 4,096, and counted in [`ClientStats::events_missed`]. Reliable events are not: beyond about 3,000, or a megabyte, the client
    /// takes no more of them, until the game looks, or the server ends the connection because it is too slow.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.poll()
    }

    /// From now on keeps what passes the client's edge, to be taken with [`Client::poll_tapped`]. Off, it costs next to
    /// nothing; on, a copy of each payload.
    pub const fn open_tap(&mut self) {
        self.tap.open();
    }

    /// What passed the client's edge and when, once the tap is open. Call until `None`; a few thousand wait at most.
    pub fn poll_tapped(&mut self) -> Option<(Instant, Tapped)> {
        self.tap.poll()
    }

    /// How far the connection has come.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// What the client knows of the world.
    #[must_use]
    pub const fn view(&self) -> &View {
        &self.view
    }

    /// The server's clock, as far as it is known. `None` before the welcome.
    #[must_use]
    pub const fn clock(&self) -> Option<&Clock> {
        self.clock.as_ref()
    }

    /// Which moment of the server's time is shown, and how that went. `None` before the first snapshot.
    #[must_use]
    pub const fn playback(&self) -> Option<&Playback> {
        self.playback.as_ref()
    }

    /// What was counted of frames since the client began, also before it joined anew; [`Playback::counts`] is since then.
    #[must_use]
    pub fn frame_counts(&self) -> PlaybackCounts {
        let mut counts = self.past_frames;
        self.playback.iter().for_each(|playback| counts.add(playback.counts()));
        counts
    }

    /// Asks for other delays than the usual ones.
    pub fn set_playback(&mut self, config: PlaybackConfig) {
        self.playback_config = config;
        self.playback.iter_mut().for_each(|playback| playback.configure(config));
    }

    /// The moment to show at `now`: [`View::at`] shows it. The same `now` gives the same moment, as long as no datagram was
    /// handled in between; a later one gives none that is earlier, until the client joins anew. `None` before the first
    /// snapshot.
    #[must_use]
    pub fn shown(&self, now: Instant) -> Option<Moment> {
        self.playback.as_ref().map(|playback| playback.moment(now))
    }

    /// The same for a frame that is shown, which is counted in [`Playback::counts`].
    pub fn frame(&mut self, now: Instant) -> Option<Moment> {
        let whole = self.view.whole_tick();
        self.playback.as_mut().map(|playback| playback.on_frame(now, whole))
    }

    /// The game's schema.
    #[must_use]
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Everything counted so far.
    #[must_use]
    pub const fn stats(&self) -> &ClientStats {
        &self.stats
    }

    /// How many datagrams of the present connection netcode refused, and why.
    #[must_use]
    pub fn netcode_drops(&self) -> &DropCounts {
        self.netcode.drops()
    }

    /// Whether netcode is connected.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.netcode.state() == ClientState::Connected
    }

    /// The smoothed round-trip time.
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        self.connection.rtt().smoothed()
    }

    /// The smoothed mean deviation of the round-trip time.
    #[must_use]
    pub fn jitter(&self) -> Duration {
        self.connection.rtt().variation()
    }

    /// How far ahead of their use inputs arrive, in ticks, as the server reports it, and how far they are meant to.
    #[must_use]
    pub fn input_lead_ticks(&self) -> Option<(f32, f32)> {
        self.pacer.as_ref().map(Pacer::lead_and_target)
    }

    /// Says goodbye: it comes out of [`Client::poll_transmit`].
    pub fn disconnect(&mut self) {
        self.tap.on(|| Tapped::Left);
        self.netcode.disconnect();
        self.end(DisconnectReason::Local);
    }

    fn follow_netcode(&mut self, now: Instant) {
        match self.netcode.state() {
            ClientState::Connected if self.status == Status::Connecting => {
                self.status = Status::Joining;
                self.tap.on_call(now, || Tapped::Connected);
                if !self.hello_sent {
                    self.hello_sent = true;
                    let hello = self.hello();
                    self.send_message(&hello).expect("the first message fits");
                }
                self.queue_datagram(now, None);
            }
            ClientState::Disconnected(cause) => self.end(DisconnectReason::Netcode(cause)),
            _ => {}
        }
    }

    fn end(&mut self, reason: DisconnectReason) {
        if !matches!(self.status, Status::Disconnected(_)) {
            self.status = Status::Disconnected(reason);
            self.emit(ClientEvent::Disconnected(reason));
        }
    }

    /// Tells the game what it must not miss.
    fn emit(&mut self, event: ClientEvent) {
        self.tap.on(|| Tapped::Event(event.clone()));
        self.stats.events_missed += u64::from(!self.events.push(event));
    }

    /// Tells the game what it may miss if it does not look for long.
    fn emit_news(&mut self, event: ClientEvent) {
        self.tap.on(|| Tapped::Event(event.clone()));
        self.stats.events_missed += u64::from(!self.events.push_news(event));
    }
}
