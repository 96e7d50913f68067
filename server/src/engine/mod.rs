//! The engine: sessions, inputs, the world's step, capture, interest and snapshots. Pure and deterministic: time,
//! datagrams, secrets and the seed are arguments, and the same ones give the same bytes out.
//!
//! Data flows one way: datagram, session, input buffer, world, history, view, snapshot, outbox.

mod absentees;
mod audits;
mod budget;
mod buffers;
mod capture;
mod closing;
mod config;
mod congestion;
mod draft;
mod event_queue;
mod event_rates;
mod executor;
mod filter;
mod grid;
mod history;
mod input_buffer;
mod interest;
mod join;
mod leave;
mod loss_meter;
mod marks;
mod operator;
mod outbox;
mod phase;
#[cfg(test)]
mod points;
mod receive;
mod record_tables;
mod roster;
#[cfg(feature = "sabotage")]
mod sabotage;
mod schedule;
mod send;
mod session;
mod sessions;
mod share;
mod snapshot;
mod snapshot_tick;
mod stats;
mod status;
mod stream_table;
mod teams;
mod truth;
mod view;

pub(crate) use capture::Capture;
pub use config::{EngineConfig, EngineError};
pub use executor::{Executor, Serial};
pub(crate) use history::{History, REWIND_MAX};
pub(crate) use interest::Interest;
pub use outbox::Outbox;
pub use phase::Phase;
pub use schedule::Schedule;
pub use stats::{
    BackOffCounts, DisconnectCounts, InputCounts, RejectedCounts, ResumeCounts, Samples, SnapshotEntityCounts, Stats,
    Traffic,
};
pub use status::ClientStatus;
pub use tidelock::wire::Load;

use crate::game::{self, EventType, InputType, OutgoingEvent, Past, Registry, TickTime};
use absentees::Absentees;
use bevy_app::{App, FixedMain, Plugin, PostStartup, PreStartup, Startup};
use bevy_ecs::change_detection::Tick as ChangeTick;
use core::net::SocketAddr;
use marks::Marks;
use record_tables::RecordTables;
use roster::RosterChanges;
use session::Arrival;
use sessions::Sessions;
use share::Sender;
use snapshot_tick::SnapshotTick;
use std::collections::BTreeSet;
use tidelock::netcode::{PACKET_BYTES_MAX, Server as Netcode};
use tidelock::state::Schema;
use tidelock::{ClientId, Instant, Tick};
use view::Renewed;

/// What netcode adds to a payload at most: prefix, sequence and authentication tag.
pub(crate) const NETCODE_OVERHEAD_BYTES: usize = 25;

/// The server, without its clock and sockets.
///
/// Feed it datagrams with [`Engine::handle_datagram`], call [`Engine::tick`] at each tick's deadline, and send what is in
/// the [`Engine::outbox`] after either.
pub struct Engine {
    config: EngineConfig,
    schema: Schema,
    input: InputType,
    events: Vec<EventType>,
    app: App,
    netcode: Netcode,
    sessions: Sessions,
    absentees: Absentees,
    capture: Capture,
    history: History,
    interest: Interest,
    tables: RecordTables,
    /// As many as the executor is wide.
    senders: Vec<Sender>,
    executor: Box<dyn Executor>,
    outbox: Outbox,
    stats: Stats,
    bans: BTreeSet<ClientId>,
    draining: bool,
    tick: Tick,
    /// When the last tick was due.
    due: Instant,
    load: Load,
    marks: Marks,
    renewed: Renewed,
    outgoing_events: Vec<OutgoingEvent>,
    roster: RosterChanges,
    /// Of the join payload, and when that was changed.
    payload_hash: Option<(ChangeTick, u64)>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("tick", &self.tick)
            .field("clients", &self.sessions.len())
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine that runs the game `plugin`, with its first tick still to come.
    ///
    /// # Errors
    /// If the configuration is out of its ranges, or the game's schema cannot be replicated.
    pub fn new(config: EngineConfig, plugin: impl Plugin, now: Instant) -> Result<Self, EngineError> {
        config.check()?;
        let mut app = App::new();
        game::prepare(&mut app, config.seed, config.tick_hz);
        app.add_plugins(plugin);
        app.finish();
        app.cleanup();
        let mut registry = app.world_mut().remove_resource::<Registry>().unwrap_or_default();
        let schema = registry.build_schema()?;
        let input = registry.input.ok_or(tidelock::state::SchemaError::NoInput)?;
        let capture = Capture::new(registry.columns, registry.locator, app.world_mut());
        let rewind_max = config.rewind_max.unwrap_or(registry.rewind_max).min(REWIND_MAX);
        app.insert_resource(Past::new(schema.clone(), rewind_max, config.tick_hz));
        // A game without systems in one of them has no such schedule.
        let _ = app.world_mut().try_run_schedule(PreStartup);
        let _ = app.world_mut().try_run_schedule(Startup);
        let _ = app.world_mut().try_run_schedule(PostStartup);
        let netcode = Netcode::new(config.netcode()?, now)?;
        Ok(Self {
            history: History::new(&schema, config.tick_hz, rewind_max),
            interest: Interest::new(config.view_radius.unwrap_or(registry.view_radius)),
            sessions: Sessions::new(netcode.max_clients()),
            absentees: Absentees::default(),
            config,
            schema,
            input,
            events: registry.events,
            app,
            netcode,
            capture,
            tables: RecordTables::default(),
            senders: vec![Sender::default()],
            executor: Box::new(Serial),
            outbox: Outbox::default(),
            stats: Stats::default(),
            bans: BTreeSet::new(),
            draining: false,
            tick: Tick(0),
            due: now,
            load: Load::default(),
            marks: Marks::default(),
            renewed: Renewed::default(),
            outgoing_events: Vec::new(),
            roster: RosterChanges::default(),
            payload_hash: None,
        })
    }

    /// From now on the work of a tick is shared out by `executor`; before, it is done by one thread.
    pub fn set_executor(&mut self, executor: Box<dyn Executor>) {
        self.senders.resize_with(executor.width().max(1), Sender::default);
        self.executor = executor;
    }

    /// Takes a datagram that arrived at `received_at`, and decrypts it in place. `unix_s` is the date in seconds since
    /// 1970, for the expiry of tokens. Whatever it holds, it is at most counted.
    pub fn handle_datagram(&mut self, from: SocketAddr, datagram: &mut [u8], received_at: Instant, unix_s: u64) {
        self.stats.received.count(datagram.len());
        let arrival = Arrival {
            at: received_at,
            simulated: self.tick,
            simulated_due: self.due,
            tick_period: self.config.tick_period(),
        };
        self.accept_datagram(from, datagram, arrival, unix_s);
    }

    /// Runs the next tick, which was due at `due`, and puts what is to be sent into the outbox.
    pub fn tick(&mut self, now: Instant, due: Instant, load: Load, on_phase_end: &mut dyn FnMut(Phase)) {
        let slipped = due.us_from(self.due + self.config.tick_period()).unsigned_abs() > 500;
        self.tick = self.tick.next();
        self.due = due;
        self.load = load;
        self.stats.ticks += 1;
        self.expire_sessions(now);
        self.step();
        on_phase_end(Phase::Step);
        self.capture.run(self.app.world_mut(), self.tick, &mut self.history, &mut self.interest);
        on_phase_end(Phase::Capture);
        // First netcode's own: a client that has not been told that it is connected could not take a snapshot.
        self.poll_netcode(now);
        self.send(
            SnapshotTick {
                tick: self.tick,
                now,
                due,
                snapshot_interval: self.config.tick_period() * self.ticks_per_snapshot(),
                load,
            },
            slipped,
        );
        on_phase_end(Phase::Send);
    }

    /// Ticks between two snapshots of one client: under load, every other one is left out.
    fn ticks_per_snapshot(&self) -> u32 {
        self.config.ticks_per_snapshot() << u32::from(self.load.level > 0)
    }

    /// Moves what netcode itself has to say, handshakes and keep-alives, into the outbox.
    fn poll_netcode(&mut self, now: Instant) {
        let mut packet = [0; PACKET_BYTES_MAX];
        while let Some((len, to)) = self.netcode.poll_transmit(now, &mut packet) {
            self.outbox.push(to, &packet[..len]);
            self.stats.sent.count(len);
        }
    }

    /// Runs the game for one tick on the inputs that are there.
    fn step(&mut self) {
        let world = self.app.world_mut();
        world.resource_mut::<TickTime>().tick = self.tick;
        self.roster.tell(world);
        self.sessions.deliver_inputs(self.tick, self.input, &self.absentees, world, &mut self.stats.inputs);
        world.resource_mut::<Past>().exchange(&mut self.history);
        world.run_schedule(FixedMain);
        let mut past = world.resource_mut::<Past>();
        past.exchange(&mut self.history);
        self.stats.rewinds_clamped += past.take_clamped();
        for (index, event) in self.events.iter().enumerate() {
            (event.drain)(world, index as u8, &mut self.outgoing_events);
        }
    }
}
