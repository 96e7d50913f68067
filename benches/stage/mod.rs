//! The workload on the real engine: everything between a datagram in and a datagram out, on virtual time and in one thread,
//! without cipher and sockets.

mod acker;
mod copies;
mod game;
mod guest;

pub use acker::Acker;
pub use game::{Ask, Health, Play, Position, Script, Velocity, WidePosition, WorkloadGame, Yaw};
pub use guest::Guest;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tidelock::netcode::{Cipher, ConnectToken, Key, ServerSecrets, TokenSecrets, TokenSpec, USER_DATA_BYTES};
use tidelock::state::Schema;
use tidelock::wire::Load;
use tidelock::{ClientId, Instant};
use tidelock_server::engine::{Engine, EngineConfig};
use tidelock_server::io::Cores;
use tidelock_sim::link::{Conditioner, LinkConfig, Rng};
use tidelock_workload::heap::live_bytes;
use tidelock_workload::{Cell, Meter, Spread, TICK_HZ, World};

/// What a stage is set up with.
#[derive(Clone, Copy, Debug)]
pub struct StageConfig {
    /// Places for clients.
    pub clients: usize,
    /// Whether clients see only what is near them.
    pub interest: bool,
    /// Whether the world is [`World::wide`].
    pub wide: bool,
    /// Upper end of what each is sent, in bytes a second.
    pub bandwidth_bytes_s: u32,
    /// Clients act at moments of their own, not all just before the tick.
    pub is_spread: bool,
}

/// An engine with its clients and the links between them.
#[derive(Debug)]
pub struct Stage {
    engine: Engine,
    schema: Arc<Schema>,
    script: Script,
    guests: Vec<Guest>,
    is_spread: bool,
    now: Instant,
    due: Instant,
    rng: Rng,
    arrivals: Arrivals,
    /// What the engine took of the heap since it was made, and has not given back.
    engine_bytes: isize,
}

/// Datagrams for the server, one after the other, as a receive thread leaves them.
#[derive(Debug, Default)]
struct Arrivals {
    bytes: Vec<u8>,
    datagrams: Vec<(SocketAddr, usize, Instant)>,
}

/// How a client is, besides its number.
#[derive(Clone, Copy, Debug)]
pub struct GuestConfig {
    /// Whether it decodes what it gets.
    pub is_real: bool,
    /// Both ways.
    pub link: LinkConfig,
}

const TICK_PERIOD: Duration = Duration::from_nanos(1_000_000_000 / TICK_HZ as u64);
/// In a spread stage, clients act at moments this far apart.
const STEP: Duration = Duration::from_millis(1);
const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 7777);
const PROTOCOL_ID: u64 = 7;
const UNIX_S: u64 = 1_700_000_000;
/// Ticks in which everybody must have got in.
const CONNECT_TICKS_MAX: u32 = 900;

impl Stage {
    /// A stage without clients, whose world stands still.
    ///
    /// # Panics
    /// If there are more clients than an engine takes.
    #[must_use]
    pub fn new(config: StageConfig, world: World) -> Self {
        let now = Instant::from_us(1_000_000_000);
        let script = Script::new(world, config.clients);
        let game = WorkloadGame { script: script.clone(), interest: config.interest, wide: config.wide };
        let before = live_bytes();
        let engine = Engine::new(engine_config(&config), game, now).expect("the configuration is in range");
        Self {
            engine_bytes: live_bytes() - before,
            schema: Arc::new(engine.schema().clone()),
            engine,
            script,
            guests: Vec::new(),
            is_spread: config.is_spread,
            now,
            due: now,
            rng: Rng::new(1),
            arrivals: Arrivals::default(),
        }
    }

    /// A stage for a cell of the tables with all its clients, of which the first are real.
    #[must_use]
    pub fn of_cell(cell: &Cell, world: World) -> Self {
        let config = StageConfig {
            clients: cell.clients,
            interest: cell.interest,
            wide: false,
            bandwidth_bytes_s: u32::MAX,
            is_spread: cell.spread,
        };
        let mut stage = Self::new(config, world);
        for number in 0..cell.clients {
            let link = if cell.spread { link_of(&Spread::WIDE, number, cell.clients) } else { LinkConfig::default() };
            stage.add_guest(GuestConfig { is_real: number < cell.real, link });
        }
        stage
    }

    /// The engine shares the work of a tick out to so many threads, this one included.
    ///
    /// # Panics
    /// If there are no more threads to be had.
    pub fn share_out(&mut self, threads: usize) {
        if threads > 1 {
            self.engine.set_executor(Box::new(Cores::new(threads).expect("the system has threads")));
        }
    }

    /// Links of clients that come from now on have other luck.
    pub fn reseed(&mut self, seed: u64) {
        self.rng = Rng::new(seed);
    }

    /// The next client begins to connect. Its avatar is the entity of the same number.
    pub fn add_guest(&mut self, config: GuestConfig) {
        let number = self.guests.len();
        let token = self.token(number);
        let links = [0, 1].map(|_| Conditioner::new(config.link, self.rng.next_u64()));
        let schema = self.schema.clone();
        self.guests.push(if config.is_real {
            Guest::real(number, token, schema, links, self.now)
        } else {
            // Half of the round trip and four times the jitter, and a tick for what arrives just after one began.
            let lead = config.link.latency
                + config.link.jitter * 4
                + if self.is_spread { TICK_PERIOD } else { Duration::ZERO };
            let lead_ticks = 1 + lead.as_micros().div_ceil(TICK_PERIOD.as_micros()) as u32;
            let moment = TICK_PERIOD.mul_f64(self.rng.unit() * f64::from(u8::from(self.is_spread)));
            Guest::light(number, Acker::new(token, schema, lead_ticks, self.now), links, self.now + moment)
        });
    }

    /// Runs ticks of a world that stands still until everybody plays and sees what there is to see.
    ///
    /// # Panics
    /// If that takes longer than half a minute.
    pub fn settle(&mut self) {
        let mut meter = Meter::default();
        for _ in 0..CONNECT_TICKS_MAX {
            if self.guests.iter().all(Guest::is_settled) {
                return;
            }
            self.script.play().world.rest();
            self.tick(&mut meter);
        }
        let waiting = self.guests.iter().filter(|guest| !guest.is_settled()).count();
        panic!("{waiting} clients have not joined after {CONNECT_TICKS_MAX} ticks");
    }

    /// Runs what `cell` asks for: ticks to warm up, and ticks that `meter` measures.
    pub fn run(&mut self, warmup_ticks: u64, ticks: u64, meter: &mut Meter) {
        for tick in 0..warmup_ticks + ticks {
            meter.set_on(tick >= warmup_ticks);
            self.script.play().world.step();
            self.tick(meter);
        }
        meter.set_on(false);
    }

    /// Nothing happens any more and nothing is lost any more, for so many ticks.
    pub fn rest(&mut self, ticks: u64) {
        for guest in &mut self.guests {
            for link in [&mut guest.down, &mut guest.up] {
                link.set_config(LinkConfig::default());
            }
        }
        let mut meter = Meter::default();
        for _ in 0..ticks {
            self.script.play().world.rest();
            self.tick(&mut meter);
        }
    }

    /// Lets clients act until the next tick is due, and runs it: `meter` hears of the server's part only.
    pub fn tick(&mut self, meter: &mut Meter) {
        self.due += TICK_PERIOD;
        while self.now < self.due {
            let step = if self.is_spread { STEP } else { TICK_PERIOD };
            self.now = self.due.min(self.now + step);
            self.guests.iter_mut().for_each(|guest| guest.step(self.now));
        }
        self.gather();
        let Self { engine, arrivals, now, engine_bytes, .. } = self;
        let mut rest = &arrivals.bytes[..];
        for (_, len, _) in &arrivals.datagrams {
            let packet;
            (packet, rest) = rest.split_at(*len);
            meter.on_received(payload_bytes(packet));
        }
        let before = live_bytes();
        meter.tick(|laps| {
            let mut rest = &mut arrivals.bytes[..];
            for (from, len, at) in &arrivals.datagrams {
                let datagram;
                (datagram, rest) = rest.split_at_mut(*len);
                engine.handle_datagram(*from, datagram, *at, UNIX_S);
            }
            laps.end("receive");
            engine.tick(*now, *now, Load::default(), &mut |phase| laps.end(phase.name()));
        });
        *engine_bytes += live_bytes() - before;
        engine.stats_mut().samples.clear();
        self.scatter(meter);
    }

    /// The server.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// All clients, by number.
    #[must_use]
    pub fn guests(&self) -> &[Guest] {
        &self.guests
    }

    /// All clients, to change their links.
    pub fn guests_mut(&mut self) -> &mut [Guest] {
        &mut self.guests
    }

    /// Now.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// The world, to look at it or to let it step.
    #[must_use]
    pub const fn script(&self) -> &Script {
        &self.script
    }

    /// What the engine holds of the heap, netcode and the game's world included.
    #[must_use]
    pub const fn engine_bytes(&self) -> isize {
        self.engine_bytes
    }

    /// Takes what has arrived at the server from all clients.
    fn gather(&mut self) {
        self.arrivals.bytes.clear();
        self.arrivals.datagrams.clear();
        for (number, guest) in self.guests.iter_mut().enumerate() {
            while let Some(delivery) = guest.up.pop_due(self.now) {
                self.arrivals.bytes.extend_from_slice(delivery.datagram);
                self.arrivals.datagrams.push((address(number), delivery.datagram.len(), delivery.due));
            }
        }
    }

    /// Puts what the server sends on its way.
    fn scatter(&mut self, meter: &mut Meter) {
        for (to, packet) in self.engine.outbox().iter() {
            meter.on_sent(payload_bytes(packet));
            let guest = &mut self.guests[number_of(to)];
            guest.down.push(packet, self.now);
            guest.sent_bytes += payload_bytes(packet) as u64;
        }
        self.engine.outbox().clear();
    }

    fn token(&mut self, number: usize) -> ConnectToken {
        let spec = TokenSpec {
            protocol_id: PROTOCOL_ID,
            create_unix_s: UNIX_S,
            expire_unix_s: UNIX_S + 3600,
            timeout_s: 3600,
            client_id: ClientId(number as u64 + 1),
            servers: &[SERVER],
            user_data: [0; USER_DATA_BYTES],
        };
        let secrets = TokenSecrets::from_random(std::array::from_fn(|_| self.rng.next_u64() as u8));
        ConnectToken::generate(&spec, &secrets, &Key::new([7; 32])).expect("the token is well-formed")
    }
}

/// The link of one of `clients` as other libraries have it, for the conditioner.
fn link_of(spread: &Spread, number: usize, clients: usize) -> LinkConfig {
    let jitter = Duration::from_micros(spread.jitter_us);
    LinkConfig {
        // The conditioner's latency is a mean; the workload's is what a wait comes on top of.
        latency: Duration::from_micros(spread.rtt_us_of(number, clients) / 2) + jitter,
        jitter,
        loss: f64::from(spread.loss),
        ..LinkConfig::default()
    }
}

/// The length of a packet without what netcode adds to its payload: prefix, sequence and tag. Other libraries are measured
/// without their encryption, too.
fn payload_bytes(packet: &[u8]) -> usize {
    let sequence_bytes = usize::from(packet[0] >> 4);
    packet.len().saturating_sub(1 + sequence_bytes + 16)
}

fn address(number: usize) -> SocketAddr {
    let [_, a, b, c] = (number as u32).to_be_bytes();
    SocketAddr::from(([20, a, b, c], 5000))
}

fn number_of(address: SocketAddr) -> usize {
    let IpAddr::V4(ip) = address.ip() else { unreachable!("clients have IPv4 addresses") };
    (ip.to_bits() & 0xff_ffff) as usize
}

fn engine_config(config: &StageConfig) -> EngineConfig {
    EngineConfig {
        tick_hz: TICK_HZ,
        snapshot_hz: TICK_HZ,
        max_clients: config.clients,
        protocol_id: PROTOCOL_ID,
        private_keys: vec![Key::new([7; 32])],
        public_addresses: vec![SERVER],
        token_floor_unix_s: None,
        token_lifetime_max_s: None,
        secrets: [9; ServerSecrets::RANDOM_BYTES],
        seed: 1,
        client_bandwidth_bytes_s: config.bandwidth_bytes_s,
        view_radius: None,
        rewind_max: None,
        resume_time: Duration::from_secs(30),
        cipher: Cipher::Null,
    }
}
