use super::audits::Audits;
use super::budget::Budget;
use super::closing::Closing;
use super::congestion::{Congestion, RateBounds};
use super::event_queue::EventQueue;
use super::event_rates::EventRates;
use super::history::History;
use super::input_buffer::InputBuffer;
use super::loss_meter::LossMeter;
use super::snapshot_tick::SnapshotTick;
use super::stats::{Samples, SendCounts, Stats};
use super::view::Views;
use crate::game::InputType;
use core::net::SocketAddr;
use std::time::Duration;
use tidelock::bits::{BitReader, BitWriter, Malformed};
use tidelock::netcode::Slot;
use tidelock::state::{Delivery, Schema};
use tidelock::wire::{ClientMessage, Connection, Farewell, Fate, InputReader, SendError, ServerMessage};
use tidelock::{ClientId, Instant, Tick};

/// One connected client: its datagrams, inputs, view and budget.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) slot: Slot,
    pub(crate) client_id: ClientId,
    pub(crate) address: SocketAddr,
    pub(crate) phase: Phase,
    /// Whether the game knows the player: it joined, or it is back and has kept its place.
    pub(crate) in_game: bool,
    /// The session of the same player that this one took the place of.
    pub(crate) superseded: Option<Slot>,
    pub(crate) connection: Connection<Carried>,
    pub(crate) inputs: InputBuffer,
    pub(crate) views: Views,
    pub(crate) budget: Budget,
    pub(crate) congestion: Congestion,
    pub(crate) audits: Audits,
    pub(crate) sent_bytes: u64,
    /// What was lost of the client's datagrams when it was last counted.
    counted_lost_up: u64,
    counted_lost_down: u64,
    last_snapshot_at: Option<Instant>,
    /// When something was last counted as lost on the way to the client.
    last_loss_at: Option<Instant>,
    /// Datagrams since the last that carried records.
    sent_since_records: u32,
    last_clock_at: Option<Instant>,
    last_sample_at: Instant,
    loss_meter: LossMeter,
    /// Events of the game that the client sent.
    pub(crate) events: EventQueue,
    pub(crate) event_rates: EventRates,
    /// The client asked for everything in full.
    pub(crate) wants_full: bool,
    last_full_at: Option<Instant>,
}

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Netcode is connected; the hello has not come yet.
    Hello {
        /// It is not waited for any longer if others need the place.
        deadline: Instant,
    },
    /// The hello was good; the client is being told what it needs before the first snapshot makes sense to it.
    Welcoming {
        /// It is not waited for any longer.
        deadline: Instant,
    },
    /// The client plays.
    Playing {
        /// Since when.
        since: Tick,
    },
    /// The client is told why, then disconnected.
    Closing(Closing),
}

/// What a datagram of ours carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carried {
    /// Messages, or what every snapshot has.
    Messages,
    /// State.
    Records,
}

/// When a datagram came, and in which tick of the world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) at: Instant,
    /// The last tick that ran.
    pub(crate) simulated: Tick,
    /// When that tick was due.
    pub(crate) simulated_due: Instant,
    pub(crate) tick_period: Duration,
}

/// A client that sends input hears of its fate at least this often; just before netcode would send a keep-alive.
pub(super) const HEARTBEAT: Duration = Duration::from_millis(99);
/// The server's clock is told this often.
const CLOCK_INTERVAL: Duration = Duration::from_secs(1);
/// The smoothed round-trip time goes into the histogram this often.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

/// A loss is noticed when so many later datagrams are acknowledged.
const PROBES: u32 = 3;
/// For so long a link is taken for one that loses.
const PROBE_AFTER_LOSS: Duration = Duration::from_secs(1);

/// A client gets everything in full no more often than this.
const FULL_INTERVAL: Duration = Duration::from_millis(250);

impl Session {
    pub(crate) fn new(
        slot: Slot,
        client_id: ClientId,
        address: SocketAddr,
        deadline: Instant,
        input: InputType,
        bounds: RateBounds,
    ) -> Self {
        Self {
            slot,
            client_id,
            address,
            phase: Phase::Hello { deadline },
            in_game: false,
            superseded: None,
            connection: Connection::new(ClientMessage::BYTES_MAX),
            inputs: InputBuffer::new(input),
            views: Views::default(),
            budget: Budget::default(),
            congestion: Congestion::new(bounds),
            sent_bytes: 0,
            counted_lost_up: 0,
            counted_lost_down: 0,
            last_snapshot_at: None,
            last_loss_at: None,
            sent_since_records: PROBES,
            last_clock_at: None,
            last_sample_at: Instant::default(),
            loss_meter: LossMeter::default(),
            audits: Audits::new((slot.0 % 64) as u8),
            events: EventQueue::default(),
            event_rates: EventRates::default(),
            wants_full: false,
            last_full_at: None,
        }
    }

    pub(crate) const fn is_playing(&self) -> bool {
        matches!(self.phase, Phase::Playing { .. })
    }

    /// Whether the client may have its welcome, and so may speak of the game, though its ack of it may not have come.
    pub(crate) const fn may_play(&self) -> bool {
        matches!(self.phase, Phase::Welcoming { .. } | Phase::Playing { .. })
    }

    /// Whether it gets a snapshot in this tick. Clients take turns, so that a rate below the tick's spreads the work over the
    /// ticks.
    pub(crate) fn takes_turn(&self, tick: Tick, every: u32) -> bool {
        self.is_playing() && tick.0.wrapping_add(u32::from(self.slot.0)).is_multiple_of(every)
    }

    /// Whether it is neither over nor about to be.
    pub(crate) const fn is_open(&self) -> bool {
        !matches!(self.phase, Phase::Closing(_))
    }

    /// Whether messages are for it: not before its hello, and at its end only for a while.
    pub(crate) fn takes_messages(&self, now: Instant) -> bool {
        match &self.phase {
            Phase::Hello { .. } => false,
            Phase::Welcoming { .. } | Phase::Playing { .. } => true,
            Phase::Closing(closing) => closing.lets_messages_out(now),
        }
    }

    /// The last word, if it is to be said now.
    pub(crate) fn poll_farewell(&mut self, now: Instant) -> Option<[u8; Farewell::BYTES]> {
        let messages_wait = !self.connection.messages_delivered();
        match &mut self.phase {
            Phase::Closing(closing) => closing.poll(messages_wait, now),
            _ => None,
        }
    }

    /// Takes a payload of the client: acks and inputs take effect, messages wait to be taken.
    pub(crate) fn receive(
        &mut self,
        payload: &[u8],
        arrival: Arrival,
        game: (&Schema, InputType),
        history: &mut History,
        stats: &mut Stats,
    ) -> Result<(), Malformed> {
        let mut r = BitReader::new(payload);
        let Some(header) = self.connection.read_header(&mut r)? else { return Ok(()) };
        let messages = self.connection.read_messages(&mut r);
        let read = messages.and_then(|()| self.read_inputs(&mut r, arrival, game, stats));
        if read.is_ok() {
            self.connection.accept(header.sequence, arrival.at);
        }
        // What is malformed in a datagram takes nothing from what came before it.
        let Self { views, congestion, audits, .. } = self;
        self.connection.on_acks(&header, arrival.at, |sequence, fate| {
            let arrived = matches!(fate, Fate::Acked(_));
            congestion.on_fate(sequence, arrived, arrival.at);
            views.on_fate(sequence, arrived);
            if !arrived {
                audits.on_lost(sequence);
            }
        });
        self.congestion.on_acks(self.connection.rtt(), arrival.at);
        self.views.settle(self.connection.oldest_remembered(), history, arrival.simulated);
        read
    }

    fn read_inputs(
        &mut self,
        r: &mut BitReader<'_>,
        arrival: Arrival,
        (schema, input): (&Schema, InputType),
        stats: &mut Stats,
    ) -> Result<(), Malformed> {
        let Some(mut reader) = InputReader::new(schema.input(), arrival.simulated, r)? else { return Ok(()) };
        let mut lanes = [0; 64];
        let lanes = &mut lanes[..input.lane_count];
        (input.default)(lanes);
        let mut newest = None;
        while let Some(tick) = reader.next(lanes, r)? {
            if self.is_playing() {
                self.inputs.insert(tick, lanes, arrival.simulated, newest.is_some(), &mut stats.inputs);
            }
            newest.get_or_insert(tick);
        }
        if let Some(newest) = newest.filter(|_| self.is_playing()) {
            let lead = arrival.lead_ticks(newest);
            self.inputs.on_lead(lead);
            Samples::push(&mut stats.samples.input_lead_ticks, lead);
        }
        Ok(())
    }

    /// Gives up on datagrams sent too long ago, and counts losses.
    pub(crate) fn expire(
        &mut self,
        now: Instant,
        tick: Tick,
        tick_period: Duration,
        history: &mut History,
        stats: &mut Stats,
    ) {
        let Self { views, congestion, audits, .. } = self;
        self.connection.expire(now, tick_period * 3, |sequence, _| {
            congestion.on_fate(sequence, false, now);
            views.on_fate(sequence, false);
            audits.on_lost(sequence);
        });
        self.views.settle(self.connection.oldest_remembered(), history, tick);
        let received = self.connection.receive_counts();
        let lost_up = received.expected.saturating_sub(received.received);
        stats.lost_up += lost_up.saturating_sub(self.counted_lost_up);
        self.counted_lost_up = self.counted_lost_up.max(lost_up);
        let lost_down = self.connection.send_counts().lost;
        stats.lost_down += lost_down.saturating_sub(self.counted_lost_down);
        if lost_down > self.counted_lost_down {
            self.last_loss_at = Some(now);
        }
        self.counted_lost_down = self.counted_lost_down.max(lost_down);
        if now.since(self.last_sample_at) >= SAMPLE_INTERVAL
            && let Some(rtt) = self.connection.rtt().smoothed()
        {
            self.last_sample_at = now;
            Samples::push(&mut stats.samples.client_rtt, rtt);
            let (down, up) = self.loss_meter.look(self.connection.send_counts(), received);
            down.into_iter().for_each(|share| Samples::push(&mut stats.samples.client_loss_down_ratio, share));
            up.into_iter().for_each(|share| Samples::push(&mut stats.samples.client_loss_up_ratio, share));
            Samples::push(&mut stats.samples.client_rate_bytes_per_second, self.congestion.rate_bytes_s());
        }
    }

    /// A tick begins: allowances are renewed, and who asked for everything gets it from this tick's snapshot on, if it did
    /// not just now.
    pub(crate) fn begin_tick(&mut self, now: Instant, tick: Tick) {
        self.events.begin_tick();
        if self.wants_full && take_turn(&mut self.last_full_at, now, FULL_INTERVAL) {
            self.wants_full = false;
            self.views.forget_baselines(tick);
        }
    }

    /// Sends a message.
    pub(crate) fn send(&mut self, message: &ServerMessage, delivery: Delivery) -> Result<(), SendError> {
        let mut w = BitWriter::new();
        message.write(&mut w);
        match delivery {
            Delivery::Reliable => self.connection.send_message(w.finish()),
            Delivery::Unreliable => self.connection.send_unreliable(w.finish()),
        }
    }

    /// Sending begins: what the link takes, and the budget for it, are up to date.
    pub(crate) fn begin_sending(&mut self, tick: SnapshotTick, tick_period: Duration, counts: &mut SendCounts) {
        if let Some(cause) = self.congestion.update(tick.now, tick_period) {
            counts.back_offs.count(cause);
        }
        self.budget.refill(self.congestion.rate_bytes_s(), tick.snapshot_interval, tick.now);
    }

    /// A datagram goes out, of so many bytes with what netcode adds.
    pub(crate) fn spend(&mut self, sequence: u64, bytes: usize) {
        self.budget.spend(bytes);
        self.congestion.on_sent(sequence, bytes);
    }

    /// The datagram that was begun last goes out.
    pub(crate) fn commit(&mut self, carried: Carried, now: Instant) {
        self.sent_since_records =
            if carried == Carried::Records { 0 } else { self.sent_since_records.saturating_add(1) };
        let Self { views, congestion, audits, .. } = self;
        self.connection.commit(now, carried, |sequence, _| {
            congestion.on_fate(sequence, false, now);
            views.on_fate(sequence, false);
            audits.on_lost(sequence);
        });
    }

    /// Whether a snapshot is due though there is nothing new: `interval` later it would be too late.
    pub(crate) fn heartbeat_due(&self, now: Instant, interval: Duration) -> bool {
        self.last_snapshot_at.is_none_or(|last| now.since(last) + interval >= HEARTBEAT)
    }

    /// Whether a snapshot is due though there is nothing new, so that a loss of what went out last is noticed soon: by acks of
    /// later datagrams, not by a time-out. Only where something was lost not long ago.
    pub(crate) fn probe_due(&self, now: Instant) -> bool {
        self.sent_since_records < PROBES && self.last_loss_at.is_some_and(|last| now.since(last) < PROBE_AFTER_LOSS)
    }

    pub(crate) fn on_snapshot(&mut self, now: Instant) {
        self.last_snapshot_at = Some(now);
    }

    /// Whether this snapshot tells the server's clock.
    pub(crate) fn take_clock_turn(&mut self, now: Instant) -> bool {
        take_turn(&mut self.last_clock_at, now, CLOCK_INTERVAL)
    }

    /// The schedule slipped: the clock is told with the next snapshot.
    pub(crate) fn tell_clock(&mut self) {
        self.last_clock_at = None;
    }

    /// How many streams it sees.
    pub(crate) fn visible_count(&self) -> usize {
        self.views.len()
    }
}

impl Arrival {
    /// How many ticks before its use an input for `tick` arrived; negative if late.
    fn lead_ticks(&self, tick: Tick) -> f32 {
        let waited_us = self.at.us_from(self.simulated_due) as f32;
        tick.since(self.simulated) as f32 - waited_us / self.tick_period.as_micros() as f32
    }
}

fn take_turn(last: &mut Option<Instant>, now: Instant, interval: Duration) -> bool {
    let due = last.is_none_or(|last| now.since(last) >= interval);
    if due {
        *last = Some(now);
    }
    due
}
