//! The whole system in one thread on virtual time: a real engine, real client cores, and a bad network between them, all
//! from one seed.

pub mod check;
pub mod churn;
mod clock;
mod config;
#[cfg(test)]
mod corruption;
mod hash;
mod player;
pub mod scenario;
pub mod strangers;
mod tap;
pub mod wiretap;
mod witness;

pub use check::Violation;
pub use clock::LocalClock;
pub use config::UniverseConfig;
pub use player::{Mind, Pilot, Player};
pub use tap::Packet;
pub use witness::{Verdict, Witness};

use crate::client::{ClientEvent, Status};
use crate::link::{Conditioner, LinkConfig, Rng};
use bevy_app::Plugin;
use check::{Arriving, Checker, Checks, Origin, Sent, Turn};
use core::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use strangers::Stranger;
use tap::Tap;
use tidelock::netcode::{ConnectToken, Key, TokenSecrets, TokenSpec, USER_DATA_BYTES};
use tidelock::state::{Input, Schema};
use tidelock::{ClientId, Instant};
use tidelock_server::engine::{Engine, EngineConfig, Executor, Phase, Schedule};

/// A server and its players. `I` is the game's input.
pub struct Universe<I: Input> {
    engine: Engine,
    schema: Arc<Schema>,
    players: Vec<Player<I>>,
    now: Instant,
    schedule: Schedule,
    /// Before this the server does nothing.
    busy_until: Instant,
    /// How long a tick takes it.
    tick_cost: Duration,
    rng: Rng,
    checks: Checks<I>,
    tap: Tap,
    strangers: Vec<Box<dyn Stranger>>,
    /// What a check found where there was nobody to tell.
    found: Result<(), Violation>,
    /// A datagram that is being delivered. Kept for its memory.
    datagram: Vec<u8>,
}

/// What the server does in a step of time, for measuring it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lap {
    /// It begins to take a datagram, or to run a tick.
    Begun,
    /// It has taken the datagram.
    Received,
    /// A phase of the tick ends.
    Ended(Phase),
}

/// Time moves in steps of this.
const STEP: Duration = Duration::from_millis(1);
/// The date in a universe at its time zero.
const EPOCH_UNIX_S: u64 = 1_700_000_000;
/// A token is good for so long.
const TOKEN_LIFETIME_S: u64 = 60;
/// Where the server is.
pub const SERVER: SocketAddr = SocketAddr::new(core::net::IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 7777);

impl<I: Input> std::fmt::Debug for Universe<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Universe").field("now", &self.now).field("players", &self.players.len()).finish_non_exhaustive()
    }
}

impl<I: Input> Universe<I> {
    /// A server that runs `game`, without players.
    ///
    /// # Panics
    /// If the configuration is out of the engine's ranges, or looks in every 0 ticks.
    #[must_use]
    pub fn new(config: UniverseConfig, game: impl Plugin) -> Self {
        let mut rng = Rng::stream(config.seed, 0);
        let now = Instant::from_us(1_000_000_000);
        let engine = Engine::new(engine_config(config, &mut rng), game, now).expect("the configuration is in range");
        Self {
            schema: Arc::new(engine.schema().clone()),
            schedule: Schedule::new(engine.config().tick_hz, now + engine.config().tick_period()),
            engine,
            players: Vec::new(),
            now,
            busy_until: now,
            tick_cost: Duration::ZERO,
            rng,
            checks: Checks::new(config.look_every_ticks),
            tap: Tap::default(),
            strangers: Vec::new(),
            found: Ok(()),
            datagram: Vec::new(),
        }
    }

    /// From now on the engine shares its work out.
    pub fn set_executor(&mut self, executor: Box<dyn Executor>) {
        self.engine.set_executor(executor);
    }

    /// A player begins to connect, over a link with these properties down and up. Returns its number.
    pub fn add_player(&mut self, down: LinkConfig, up: LinkConfig, mind: Mind<I>) -> usize {
        self.add_player_with_clock(LocalClock::default(), down, up, mind)
    }

    /// The same for a player whose clock is another.
    pub fn add_player_with_clock(
        &mut self,
        clock: LocalClock,
        down: LinkConfig,
        up: LinkConfig,
        mind: Mind<I>,
    ) -> usize {
        let number = self.players.len();
        let client_id = ClientId(number as u64 + 1);
        let token = self.issue_token(client_id);
        let (port, cipher) = (player_port(number), self.engine.config().cipher);
        let client = player::connect(token, &self.schema, cipher, clock.at(self.now));
        let (down, up) = [down, up].map(|link| Conditioner::new(link, self.rng.next_u64())).into();
        self.players.push(Player::new(client, client_id, port, clock, (down, up), mind));
        number
    }

    /// A player's address changes, as when a NAT forgets it: what is sent to the old one is lost.
    pub fn rebind(&mut self, number: usize) {
        let player = &mut self.players[number];
        player.address = next_address(player.address);
    }

    /// A player's program hangs for so long; what comes to it waits.
    pub fn pause(&mut self, number: usize, duration: Duration) {
        self.players[number].pause(self.now + duration);
    }

    /// A player's program ends without a goodbye, and nothing is heard of it until it is [restarted](Universe::restart).
    pub fn crash(&mut self, number: usize) {
        self.players[number].pause(player::NEVER);
    }

    /// A player whose connection is lost comes back with a fresh token.
    pub fn resume(&mut self, number: usize) {
        let token = self.issue_token(self.players[number].client_id);
        self.players[number].resume(token, self.now);
    }

    /// A player's program ends without a goodbye if it has not yet, and a new one connects as the same player from another address.
    pub fn restart(&mut self, number: usize) {
        self.rebind(number);
        let token = self.issue_token(self.players[number].client_id);
        let cipher = self.engine.config().cipher;
        self.players[number].restart(token, &self.schema, cipher, self.now);
    }

    /// Lets time pass, and checks every tick.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn run(&mut self, duration: Duration) -> Result<(), Violation> {
        let end = self.now + duration;
        while self.now < end {
            self.run_timed(&mut |_| {})?;
        }
        Ok(())
    }

    /// Lets one step of time pass, and tells what the server does in it.
    ///
    /// # Errors
    /// As [`Universe::run`].
    pub fn run_timed(&mut self, on_lap: &mut dyn FnMut(Lap)) -> Result<(), Violation> {
        std::mem::replace(&mut self.found, Ok(()))?;
        self.now += STEP;
        self.server_step(on_lap)?;
        self.players_step()
    }

    /// Whether every tick is checked, as it is from the start: a benchmark has no time for it. What is said on the connections of
    /// now is not followed any more, before and after.
    pub fn set_checked(&mut self, checked: bool) {
        self.checks.enable(checked, &self.engine);
    }

    /// Changes every link from now on; what is under way arrives as it was to.
    pub fn set_links(&mut self, down: LinkConfig, up: LinkConfig) {
        for player in self.players_mut() {
            player.down.set_config(down);
            player.up.set_config(up);
        }
    }

    /// The server stands still for so long: datagrams and ticks wait, and most of these are given up ([`Schedule`]).
    pub fn stall(&mut self, duration: Duration) {
        self.busy_until = self.busy_until.max(self.now + duration);
    }

    /// How long each tick takes from now on, nothing at first; while one runs, datagrams wait.
    pub const fn set_tick_cost(&mut self, tick_cost: Duration) {
        self.tick_cost = tick_cost;
    }

    /// A datagram from `from` reaches the server now, whoever made it.
    pub fn inject(&mut self, from: SocketAddr, datagram: &[u8]) {
        self.inject_in_place(from, &mut datagram.to_vec());
    }

    /// The same for a datagram that is not needed any more.
    pub fn inject_in_place(&mut self, from: SocketAddr, datagram: &mut [u8]) {
        let taken = self.take_datagram(from, datagram, Origin::Unknown);
        self.found = std::mem::replace(&mut self.found, Ok(())).and(taken);
    }

    fn take_datagram(&mut self, from: SocketAddr, datagram: &mut [u8], origin: Origin) -> Result<(), Violation> {
        self.checks.on_arriving(&Arriving { from, datagram, origin, now: self.now }, None, &self.engine);
        self.engine.handle_datagram(from, datagram, self.now, date(self.now));
        self.checks.on_taken(&self.engine)
    }

    /// The server.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The server, to do something to it.
    pub const fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// The players, in the order in which they were added.
    #[must_use]
    pub fn players(&self) -> &[Player<I>] {
        &self.players
    }

    /// The players, to do something to them.
    pub fn players_mut(&mut self) -> &mut [Player<I>] {
        self.players.iter_mut().for_each(Player::wake);
        &mut self.players
    }

    /// Now.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// Over every datagram that anybody sent.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.tap.digest()
    }

    /// From now on `checker` watches too. Tokens that were made before it does not hear of.
    pub fn add_checker(&mut self, checker: Box<dyn Checker<I>>) {
        self.checks.add(checker, &self.engine);
    }

    /// The names of all checkers, and how many things each has looked at and found right.
    pub fn looked(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.checks.looked()
    }

    /// How many things the checker of this name has looked at and found right.
    ///
    /// # Panics
    /// If there is none of this name.
    #[must_use]
    pub fn looked_at(&self, checker: &str) -> u64 {
        self.looked().find(|(name, _)| *name == checker).expect("there is such a checker").1
    }

    /// From now on keeps what anybody sends, to be looked at with [`Universe::take_tapped`].
    pub fn tap(&mut self) {
        self.tap.open();
    }

    /// What was sent since this was last asked, in order, by players and server, also to addresses that are no player's.
    pub fn take_tapped(&mut self) -> Vec<Packet> {
        self.tap.take()
    }

    /// Whether every player who plays holds all that it is meant to see, and nothing else.
    ///
    /// # Errors
    /// The first difference.
    pub fn converged(&self) -> Result<(), String> {
        self.players
            .iter()
            .filter(|player| player.client.status() == Status::Playing)
            .try_for_each(|player| check::converged(&self.engine, player.client_id, player.client.view()))
    }

    fn server_step(&mut self, on_lap: &mut dyn FnMut(Lap)) -> Result<(), Violation> {
        if self.now < self.busy_until {
            return Ok(());
        }
        let Self { engine, players, checks, datagram, now, .. } = self;
        for player in players {
            while let Some(arrived_at) = player.pop_sent(*now, datagram) {
                let (from, origin) = (player.address, Origin::Player);
                let arriving = Arriving { from, datagram, origin, now: arrived_at };
                checks.on_arriving(&arriving, Some(player.client_id), engine);
                on_lap(Lap::Begun);
                engine.handle_datagram(from, datagram, arrived_at, date(*now));
                on_lap(Lap::Received);
                checks.on_taken(engine)?;
            }
        }
        self.step_strangers()?;
        if self.now >= self.schedule.due() {
            on_lap(Lap::Begun);
            let Self { schedule, now, .. } = self;
            let (due, load, free_at) = (schedule.begin(*now), schedule.load(), self.busy_until);
            self.engine.tick(*now, due, load, &mut |phase| on_lap(Lap::Ended(phase)));
            self.busy_until = *now + self.tick_cost;
            schedule.on_tick(*now, self.busy_until);
            let turn = Turn { due, free_at, load };
            self.checks.on_tick(&self.engine, &self.players, self.now, turn)?;
        }
        self.send_outbox()
    }

    fn send_outbox(&mut self) -> Result<(), Violation> {
        let mut outbox = std::mem::take(self.engine.outbox());
        let Self { engine, players, checks, tap, now, .. } = self;
        let sent = outbox.iter().try_for_each(|(to, datagram)| {
            tap.on_sent(SERVER, to, datagram);
            let player = player_at(players, to);
            player.into_iter().for_each(|player| player.push_down(datagram, *now));
            checks.on_sent(&Sent { from: SERVER, to, datagram, now: *now }, engine)
        });
        outbox.clear();
        *self.engine.outbox() = outbox;
        sent
    }

    fn players_step(&mut self) -> Result<(), Violation> {
        for number in 0..self.players.len() {
            let Self { engine, players, checks, tap, now, datagram, .. } = self;
            let player = &mut players[number];
            if !player.is_due(*now) {
                continue;
            }
            let told = player.events.len();
            player.step(*now, engine, checks, tap, datagram)?;
            let is_silent = |event: &ClientEvent| matches!(event, ClientEvent::Silent { .. });
            if player.resumes && player.events[told..].iter().any(is_silent) {
                self.resume(number);
            }
        }
        Ok(())
    }

    /// A token that lets a client in: for one that comes back, or for one that is none of the players but as honest.
    pub fn issue_token(&mut self, client_id: ClientId) -> ConnectToken {
        let (token, secrets) = self.make_token(client_id);
        self.checks.on_token(client_id, &secrets);
        token
    }

    /// The same for somebody who may do with it what it likes: no checker hears of it.
    fn make_token(&mut self, client_id: ClientId) -> (ConnectToken, TokenSecrets) {
        let spec = TokenSpec {
            protocol_id: 7,
            create_unix_s: date(self.now),
            expire_unix_s: date(self.now) + TOKEN_LIFETIME_S,
            timeout_s: 5,
            client_id,
            servers: &[SERVER],
            user_data: [0; USER_DATA_BYTES],
        };
        let secrets = TokenSecrets::from_random(bytes(&mut self.rng));
        let token = ConnectToken::generate(&spec, &secrets, &Key::new([7; 32])).expect("the token is well-formed");
        (token, secrets)
    }
}

/// In seconds since 1970: it goes on, so that servers can forget the tokens that nobody may use any more.
fn date(now: Instant) -> u64 {
    EPOCH_UNIX_S + now.since(Instant::from_us(0)).as_secs()
}

/// Players have consecutive ports, in the order of their numbers.
const FIRST_PORT: u16 = 10_000;

fn player_at<I: Input>(players: &mut [Player<I>], address: SocketAddr) -> Option<&mut Player<I>> {
    let number = usize::from(address.port()).checked_sub(usize::from(FIRST_PORT))?;
    players.get_mut(number).filter(|player| player.address == address)
}

fn player_port(number: usize) -> u16 {
    FIRST_PORT + u16::try_from(number).expect("fewer players than ports")
}

/// The same port elsewhere: players are told apart by their ports.
fn next_address(address: SocketAddr) -> SocketAddr {
    let core::net::IpAddr::V4(ip) = address.ip() else { unreachable!("players have IPv4 addresses") };
    SocketAddr::from((Ipv4Addr::from_bits(ip.to_bits() + 256), address.port()))
}

fn engine_config(config: UniverseConfig, rng: &mut Rng) -> EngineConfig {
    EngineConfig {
        tick_hz: config.tick_hz,
        snapshot_hz: config.snapshot_hz,
        max_clients: config.max_clients,
        protocol_id: 7,
        private_keys: vec![Key::new([7; 32])],
        public_addresses: vec![SERVER],
        token_floor_unix_s: None,
        token_lifetime_max_s: None,
        secrets: bytes(rng),
        seed: config.seed,
        client_bandwidth_bytes_s: config.client_bandwidth_bytes_s,
        view_radius: None,
        rewind_max: config.rewind_max,
        resume_time: config.resume_time,
        cipher: config.cipher,
    }
}

fn bytes<const N: usize>(rng: &mut Rng) -> [u8; N] {
    std::array::from_fn(|_| rng.next_u64() as u8)
}
