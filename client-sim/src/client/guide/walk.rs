// The game of the guide's examples, and a socket with its server behind it, in memory. Examples include this file.

use bevy_app::{App, Plugin};
use bevy_ecs::prelude::*;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use glam::Vec2;
use std::collections::VecDeque;
use std::time::Duration;
use tidelock::netcode::{Cipher, ConnectToken, Key, PACKET_BYTES_MAX, TokenSecrets, TokenSpec, USER_DATA_BYTES};
use tidelock::state::{Event, Input, Interpolate, Replicate, Schema, Shaped};
use tidelock::wire::Load;
use tidelock::{ClientId, Instant};
use tidelock_server::engine::{Engine, EngineConfig};
use tidelock_server::game::{ApplyInput, FromClient, Inputs, Owner, PlayerJoined, Recipients, Replicated, Replication};
use tidelock_server::game::{TickTime, ToClients, Viewpoint};

#[derive(Component, Replicate, Clone, Copy, Debug, Default, PartialEq)]
pub struct Place(#[field(range(-100.0..=100.0), step = 1.0 / 64.0)] pub Vec2);

impl Interpolate for Place {
    fn interpolate(from: &Self, to: &Self, t: f32) -> Self {
        Self(from.0 + (to.0 - from.0) * t)
    }
}

#[derive(Replicate, Clone, Copy, Debug, Default, PartialEq)]
pub struct Walk(#[field(range(-1.0..=1.0), step = 1.0 / 8.0)] pub Vec2);

impl Input for Walk {
    fn clear_one_shots(&mut self) {}
}

#[derive(bitcode::Encode, bitcode::Decode, Shaped, Clone, Debug, PartialEq)]
pub struct Wave(pub String);

impl Event for Wave {
    const NAME: &'static str = "wave";
}

pub fn step(place: Place, walk: Walk, delta_s: f32) -> Place {
    Place(place.0 + walk.0.clamp_length_max(1.0) * 5.0 * delta_s).snapped()
}

pub fn schema() -> Schema {
    Schema::builder("walk").replicate::<Place>().input::<Walk>().event::<Wave>().build().expect("the game is small")
}

struct Game;

impl Plugin for Game {
    fn build(&self, app: &mut App) {
        app.game("walk").replicate::<Place>().input::<Walk>().event::<Wave>().locate::<Place>(|place| place.0);
        app.add_systems(ApplyInput, (join, walk, wave).chain());
    }
}

fn join(mut joined: MessageReader<PlayerJoined>, mut commands: Commands) {
    for PlayerJoined(client) in joined.read() {
        commands.spawn((Place::default(), Owner(*client), Viewpoint, Replicated));
    }
}

fn walk(inputs: Res<Inputs<Walk>>, time: Res<TickTime>, mut walkers: Query<(&Owner, &mut Place)>) {
    for (owner, mut place) in &mut walkers {
        if let Some(input) = inputs.of(owner.0) {
            place.set_if_neq(step(*place, input.clone(), time.delta_s));
        }
    }
}

fn wave(mut waves: MessageReader<FromClient<Wave>>, mut answers: MessageWriter<ToClients<Wave>>) {
    answers.write_batch(waves.read().map(|wave| ToClients { to: Recipients::All, event: wave.event.clone() }));
}

/// As a game would have one of the operating system's.
pub struct Socket {
    engine: Engine,
    due: Instant,
    arrived: VecDeque<Vec<u8>>,
    tokens: u8,
    is_cut: bool,
}

const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7777);
const CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 50_000);
const KEY: [u8; 32] = [7; 32];
const UNIX_S: u64 = 1_700_000_000;

impl Socket {
    pub fn new(now: Instant) -> Self {
        let config = EngineConfig {
            tick_hz: 60,
            snapshot_hz: 60,
            max_clients: 4,
            protocol_id: 1,
            private_keys: vec![Key::new(KEY)],
            public_addresses: vec![SERVER],
            token_floor_unix_s: None,
            token_lifetime_max_s: None,
            secrets: [3; 56],
            seed: 1,
            client_bandwidth_bytes_s: 1 << 16,
            view_radius: None,
            resume_time: Duration::from_secs(30),
            rewind_max: None,
            cipher: Cipher::default(),
        };
        let engine = Engine::new(config, Game, now).expect("the configuration is in range");
        Self { engine, due: now, arrived: VecDeque::new(), tokens: 0, is_cut: false }
    }

    /// What a backend would give the player.
    pub fn token(&mut self) -> ConnectToken {
        self.tokens += 1;
        let spec = TokenSpec {
            protocol_id: 1,
            create_unix_s: UNIX_S,
            expire_unix_s: UNIX_S + 60,
            timeout_s: 5,
            client_id: ClientId(1),
            servers: &[SERVER],
            user_data: [0; USER_DATA_BYTES],
        };
        let secrets = TokenSecrets::from_random([self.tokens; TokenSecrets::RANDOM_BYTES]);
        ConnectToken::generate(&spec, &secrets, &Key::new(KEY)).expect("the token is well-formed")
    }

    /// The server runs up to `now`.
    pub fn pass_time(&mut self, now: Instant) {
        while self.due <= now {
            self.engine.tick(now, self.due, Load::default(), &mut |_| {});
            self.due += self.engine.config().tick_period();
            if !self.is_cut {
                self.arrived.extend(self.engine.outbox().iter().map(|(_, datagram)| datagram.to_vec()));
            }
            self.engine.outbox().clear();
        }
    }

    pub fn recv_from(&mut self, packet: &mut [u8; PACKET_BYTES_MAX]) -> Option<(usize, SocketAddr)> {
        let datagram = self.arrived.pop_front()?;
        packet[..datagram.len()].copy_from_slice(&datagram);
        Some((datagram.len(), SERVER))
    }

    pub fn send_to(&mut self, datagram: &[u8], _server: SocketAddr) {
        if !self.is_cut {
            self.engine.handle_datagram(CLIENT, &mut datagram.to_vec(), self.due, UNIX_S);
            self.arrived.extend(self.engine.outbox().iter().map(|(_, datagram)| datagram.to_vec()));
            self.engine.outbox().clear();
        }
    }

    /// Nothing passes any more, or all does again.
    pub fn set_cut(&mut self, is_cut: bool) {
        self.is_cut = is_cut;
    }
}
