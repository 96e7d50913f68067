//! The incoming half of a client: from a payload to the view and events.

use super::Client;
use super::apply::DecodeError;
use super::arrivals::Arrival;
use super::clock::Clock;
use super::event::{ClientEvent, DisconnectReason, Status};
use super::pacer::Pacer;
use super::playback::Playback;
use super::resume::Silence;
use super::resync::Resync;
use super::stats::ConnectionCounts;
use super::view::View;
use std::time::Duration;
use tidelock::bits::{BitReader, Malformed};
use tidelock::netcode::DropReason;
use tidelock::state::{Delivery, EventId, FNV1A_OFFSET, Input, fnv1a};
use tidelock::wire::{ClientMessage, Connection, Farewell, Header, ServerMessage, SnapshotHeader, Welcome};
use tidelock::{Instant, Tick};

impl<I: Input> Client<I> {
    pub(super) fn receive(&mut self, payload: &[u8], now: Instant) {
        self.greets = false;
        self.silence.on_heard(now);
        if let Some(farewell) = Farewell::read(payload) {
            self.on_farewell(farewell);
            return;
        }
        let mut r = BitReader::new(payload);
        if self.read(&mut r, now).is_err() {
            self.stats.payloads_malformed += 1;
        }
        if self.connection.messages_broken() {
            self.break_off();
        }
        self.count_connection();
    }

    /// The server does not speak this protocol.
    fn break_off(&mut self) {
        self.netcode.disconnect();
        self.end(DisconnectReason::ProtocolError);
    }

    /// What this connection and those before it counted.
    pub(super) fn connection_counts(&self) -> ConnectionCounts {
        // Copies never come past netcode, which counts them.
        self.past.plus(&self.connection, self.netcode.drops().of(DropReason::Replayed))
    }

    pub(super) fn count_connection(&mut self) {
        ConnectionCounts { down: self.stats.down, up: self.stats.up } = self.connection_counts();
    }

    fn read(&mut self, r: &mut BitReader<'_>, now: Instant) -> Result<(), Malformed> {
        let Some(header) = self.connection.read_header(r)? else { return Ok(()) };
        self.follow_acks(&header, now);
        if !self.events.has_room() && Connection::<()>::brings_reliable_messages(r)? {
            // Its messages are lost, for now, and so it is.
            self.stats.datagrams_put_off += 1;
            return Ok(());
        }
        self.connection.read_messages(r)?;
        self.take_messages(now);
        let near = self.newest_tick_known();
        match SnapshotHeader::read(near, r)? {
            None => {
                self.connection.accept(header.sequence, now);
                Ok(())
            }
            // Ticks travel in 16 bits: without the welcome nobody knows which are meant.
            Some(_) if self.clock.is_none() => Ok(()),
            Some(snapshot) => self.read_snapshot(&header, &snapshot, r, now),
        }
    }

    fn follow_acks(&mut self, header: &Header, now: Instant) {
        let rtts = self.connection.rtt().samples();
        self.connection.on_acks(header, now, |_, _| {});
        self.follow_resync();
        if let Some(rtt) = self.connection.rtt().latest().filter(|_| self.connection.rtt().samples() != rtts) {
            self.clock.iter_mut().for_each(|clock| clock.on_rtt(rtt, now));
            self.emit_news(ClientEvent::RttSample(rtt));
        }
    }

    /// Near enough to any tick that the server may speak of now. What is shown may be from long before a resume.
    fn newest_tick_known(&self) -> Tick {
        let told = self.clock.as_ref().map_or(Tick::default(), Clock::told_tick);
        self.view.newest_tick().filter(|seen| seen.is_newer_than(told)).unwrap_or(told)
    }

    fn read_snapshot(
        &mut self,
        header: &Header,
        snapshot: &SnapshotHeader,
        r: &mut BitReader<'_>,
        now: Instant,
    ) -> Result<(), Malformed> {
        self.stats.snapshots.received += 1;
        if self.resync.as_ref().is_some_and(|resync| resync.forgot(snapshot.tick)) {
            self.stats.snapshots.stale += 1;
            return Ok(());
        }
        let newest = self.view.newest_tick();
        if let Some(checksum) = snapshot.checksum.filter(|_| !self.is_thin) {
            match self.decoder.decode(&self.view, snapshot.tick, self.tick_hz, r) {
                Ok(sum) if sum.to_u16() == checksum => self.decoder.apply(&mut self.view, snapshot.tick),
                Ok(_) => {
                    self.on_desync(snapshot.tick);
                    return Ok(());
                }
                Err(DecodeError::MissingBaseline) => {
                    self.on_missing_baseline(snapshot);
                    return Ok(());
                }
                Err(DecodeError::Malformed) => {
                    self.stats.snapshots.undecodable += 1;
                    return Err(Malformed);
                }
            }
        } else {
            self.view.on_snapshot(snapshot.tick);
        }
        self.stats.snapshots.applied += 1;
        self.connection.accept(header.sequence, now);
        let arrival = self.view.on_datagram(header.sequence, snapshot);
        self.follow_clock(snapshot, arrival, now);
        self.on_applied(snapshot, now);
        if newest.is_none_or(|newest| !newest.is_newer_than(snapshot.tick)) {
            self.claim_whole(header, snapshot);
        }
        self.check_whole();
        Ok(())
    }

    /// Takes from a snapshot what the time is, and what is to be shown.
    fn follow_clock(&mut self, snapshot: &SnapshotHeader, arrival: Option<Arrival>, now: Instant) {
        let Some(clock) = &mut self.clock else { return };
        if let Some(due) = snapshot.due {
            let slip = clock.on_told(snapshot.tick, due);
            self.pacer.iter_mut().for_each(|pacer| pacer.on_slip(slip, now));
        }
        clock.on_snapshot(snapshot.tick, now);
        let (config, tick_hz, every_ticks) = (self.playback_config, self.tick_hz, self.view.arrivals().every_ticks());
        let playback =
            self.playback.get_or_insert_with(|| Playback::new(config, tick_hz, every_ticks, snapshot.tick, now));
        if snapshot.index == 0 {
            playback.on_load(snapshot.load);
        }
        if let Some(arrival) = arrival {
            playback.on_arrival(arrival, clock, now);
        }
    }

    /// What comes with a snapshot besides state.
    fn on_applied(&mut self, snapshot: &SnapshotHeader, now: Instant) {
        let Some(clock) = &self.clock else { return };
        let due = clock.due_of(snapshot.tick);
        if snapshot.index == 0 {
            self.silence.expect(snapshot.load);
        }
        self.emit_news(ClientEvent::Snapshot { tick: snapshot.tick, due, received_at: now });
        self.stats.load_level_max = self.stats.load_level_max.max(snapshot.load.level);
        let rtt = self.rtt().unwrap_or(Duration::from_millis(50));
        let tick_hz = self.tick_hz;
        self.pacer.get_or_insert_with(|| Pacer::new(tick_hz, snapshot.tick, now, rtt));
        let Some(report) = snapshot.inputs else { return };
        let (events, missed) = (&mut self.events, &mut self.stats.events_missed);
        self.inputs.on_report(snapshot.tick, report, |tick, due| {
            *missed += u64::from(!events.push_news(ClientEvent::InputEffect { tick, latency: now.since(due) }));
        });
        let sent = self.connection.send_counts();
        if let Some(pacer) = &mut self.pacer {
            pacer.on_report(snapshot.tick, report, sent, rtt, now);
            pacer.on_load(snapshot.load);
        }
    }

    /// A late datagram may build on what is forgotten. A timely one may not.
    fn on_missing_baseline(&mut self, snapshot: &SnapshotHeader) {
        let late = self.view.newest_tick().is_some_and(|newest| newest.is_newer_than(snapshot.tick));
        if late || self.is_resyncing() {
            self.stats.snapshots.stale += 1;
        } else {
            self.stats.snapshots.undecodable += 1;
            self.on_desync(snapshot.tick);
        }
    }

    /// What is held is not what the server said: forget it, and ask for all of it.
    pub(super) fn on_desync(&mut self, tick: Tick) {
        if self.is_resyncing() {
            self.stats.snapshots.stale += 1;
            return;
        }
        self.stats.desyncs += 1;
        self.resync = Some(Resync::new(tick));
        self.view.clear();
        self.claim = None;
        self.follow_resync();
        self.emit(ClientEvent::Desync { tick });
    }

    /// Whether everything was forgotten, and the server does not know yet.
    pub(super) fn is_resyncing(&self) -> bool {
        self.resync.as_ref().is_some_and(Resync::is_pending)
    }

    /// Tells the server of a desync as soon as there is room, and takes note when it knows.
    fn follow_resync(&mut self) {
        let Some(resync) = &mut self.resync else { return };
        if resync.told().is_some_and(|mark| self.connection.messages_delivered_to(mark)) {
            resync.on_heard();
        } else if let Some(tick) = resync.to_tell()
            && self.send_message(&ClientMessage::Desync { tick }).is_ok()
        {
            let mark = self.connection.message_mark();
            self.resync.iter_mut().for_each(|resync| resync.on_told(mark));
        }
    }

    fn take_messages(&mut self, now: Instant) {
        while let Some(bytes) = self.connection.poll_message() {
            match ServerMessage::read(&bytes) {
                Ok(ServerMessage::Welcome(welcome)) if self.status == Status::Joining => self.on_welcome(welcome, now),
                _ if self.status == Status::Joining => {
                    self.stats.payloads_malformed += 1;
                    self.break_off();
                    return;
                }
                Ok(ServerMessage::Event { id, body }) => self.on_event(id, body, Delivery::Reliable),
                Ok(ServerMessage::Welcome(_)) | Err(Malformed) => self.stats.payloads_malformed += 1,
            }
        }
        while let Some(bytes) = self.connection.poll_unreliable() {
            match ServerMessage::read(&bytes) {
                // What overtook the welcome comes too early, whatever it is.
                _ if self.status != Status::Playing => {}
                Ok(ServerMessage::Event { id, body }) => self.on_event(id, body, Delivery::Unreliable),
                Ok(ServerMessage::Welcome(_)) | Err(Malformed) => self.stats.payloads_malformed += 1,
            }
        }
    }

    /// An event came, by `delivery`.
    fn on_event(&mut self, id: EventId, body: Vec<u8>, delivery: Delivery) {
        let event = ClientEvent::Event { id, body };
        match (self.schema.delivery(id), delivery) {
            (Some(Delivery::Reliable), Delivery::Reliable) => self.emit(event),
            (Some(Delivery::Unreliable), Delivery::Unreliable) => self.emit_news(event),
            _ => self.stats.payloads_malformed += 1,
        }
    }

    fn on_welcome(&mut self, welcome: Welcome, now: Instant) {
        let tick_hz = u32::from(welcome.tick_hz);
        let period = Duration::from_secs(1) / tick_hz;
        self.tick_hz = tick_hz;
        let interval = Duration::from_secs(1) / u32::from(welcome.snapshot_hz);
        self.ack_slack = interval.max(Duration::from_millis(100)) + period * 3;
        let rtt = self.connection.rtt().latest();
        let mut clock = Clock::new(welcome.tick, welcome.due, period);
        rtt.iter().for_each(|rtt| clock.on_rtt(*rtt, now));
        self.clock = Some(clock);
        self.silence = Silence::begin(interval, rtt.unwrap_or_default(), now);
        self.status = Status::Playing;
        if !welcome.state_kept {
            self.view = View::new(self.schema.clone());
            self.full_view_seen = false;
            self.past_frames = self.frame_counts();
            self.playback = None;
        }
        self.view.begin(tick_hz, (tick_hz / u32::from(welcome.snapshot_hz)).max(1));
        let Some(payload) = welcome.payload else {
            self.emit(ClientEvent::Resumed);
            return;
        };
        self.payload_hash = Some(fnv1a(FNV1A_OFFSET, &payload));
        self.emit(ClientEvent::Joined { payload, tick_hz, resumed: welcome.resumed });
    }

    /// The server's last word. The goodbye tells it that this was heard.
    fn on_farewell(&mut self, farewell: Farewell) {
        self.netcode.disconnect();
        self.end(match farewell {
            Farewell::Rejected(reason) => DisconnectReason::Rejected(reason),
            Farewell::Closed(reason) => DisconnectReason::Closed(reason),
        });
    }
}
