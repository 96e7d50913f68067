//! A client of the arena as a Bevy plugin, and a program without a window that plays a few seconds with it.
//!
//! The plugin is meant to be copied: it has a socket, mirrors what is visible into entities of Bevy, shows others between
//! snapshots and predicts the player's own avatar. A game puts its components where those of the arena stand.
//!
//! `cargo run -p tidelock-sim --example bevy_client`

#![expect(clippy::needless_pass_by_value, reason = "systems take their parameters by value")]

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bevy_app::{App, First, Last, Plugin, PostUpdate, PreUpdate, Update};
use bevy_ecs::prelude::*;
use glam::Vec3;
use tidelock::netcode::{ConnectToken, PACKET_BYTES_MAX};
use tidelock::state::NetId;
use tidelock::{ClientId, Instant, Tick};
use tidelock_arena::{ArenaInput, Body, Facing, Health, Kind, Map, Position, Status, Velocity, movement};
use tidelock_server::arena::Arena;
use tidelock_server::io::{Options, Server, ServerConfig, clock};
use tidelock_sim::client::{Client, ClientConfig, ClientEvent, Effects, Predict, Prediction, View};

/// Connects to the server that its tokens name, and plays there.
///
/// Systems of the game write [`Keys`] in `Update`, and read entities with [`Mirrored`] and messages [`Told`].
pub struct TidelockClientPlugin<F> {
    /// Asks the game's backend for a token: at the start, and to come back after a silence.
    pub tokens: F,
}

/// What the player asks for. The same until it is changed.
#[derive(Resource, Debug, Default)]
pub struct Keys(pub ArenaInput);

/// Something happened to the connection.
#[derive(Message, Debug)]
pub struct Told(pub ClientEvent);

/// An entity of the server's. It also has `Kind`, `Position`, `Facing`, `Health` and `Status`, if the original has.
#[derive(Component, Debug)]
pub struct Mirrored(pub NetId);

/// The player's own avatar, which is shown as predicted.
#[derive(Component, Debug)]
pub struct Own;

/// The connection. There is more in it than the plugin uses: its health, for example.
#[derive(Resource)]
pub struct Connection {
    /// The core.
    pub client: Client<ArenaInput>,
    /// The player's own avatar, since the map is known.
    pub prediction: Option<Prediction<OwnBody>>,
    /// Predictions that were wrong.
    pub corrections: u32,
    tick_s: f32,
    tokens: Box<dyn Fn() -> ConnectToken + Send + Sync>,
    socket: UdpSocket,
}

/// When this frame is.
#[derive(Resource)]
struct Now(Instant);

/// Which entity mirrors which.
#[derive(Resource, Default)]
struct Mirrors(BTreeMap<NetId, Entity>);

impl<F: Fn() -> ConnectToken + Clone + Send + Sync + 'static> Plugin for TidelockClientPlugin<F> {
    fn build(&self, app: &mut App) {
        let connection = Connection::open(Box::new(self.tokens.clone())).expect("there are sockets to be had");
        app.insert_resource(connection)
            .insert_resource(Now(clock::now()))
            .init_resource::<Keys>()
            .init_resource::<Mirrors>()
            .add_message::<Told>()
            .add_systems(First, |mut now: ResMut<Now>| now.0 = clock::now())
            .add_systems(PreUpdate, receive)
            .add_systems(PostUpdate, (tick, mirror, show_own).chain())
            .add_systems(Last, transmit);
    }
}

impl Connection {
    fn open(tokens: Box<dyn Fn() -> ConnectToken + Send + Sync>) -> io::Result<Self> {
        let token = tokens();
        let any: SocketAddr = if token.servers()[0].is_ipv4() {
            (Ipv4Addr::UNSPECIFIED, 0).into()
        } else {
            (Ipv6Addr::UNSPECIFIED, 0).into()
        };
        let socket = UdpSocket::bind(any)?;
        socket.set_nonblocking(true)?;
        let schema = Arc::new(tidelock_arena::schema());
        let client = Client::new(ClientConfig { token, schema }, clock::now());
        Ok(Self { client, prediction: None, corrections: 0, tick_s: 1.0, tokens, socket })
    }

    /// Looks at what happened since it was last asked.
    fn follow(&mut self, now: Instant, told: &mut MessageWriter<Told>) {
        while let Some(event) = self.client.poll_event() {
            match &event {
                ClientEvent::Joined { payload, tick_hz, .. } => {
                    self.tick_s = 1.0 / *tick_hz as f32;
                    let own = Map::from_payload(payload).map(|map| OwnBody { map, tick_s: self.tick_s });
                    self.prediction = own.ok().map(Prediction::new);
                }
                ClientEvent::Snapshot { .. } => {
                    let wrong = self.prediction.as_mut().and_then(|own| own.on_snapshot(self.client.view(), now));
                    self.corrections += u32::from(wrong.is_some());
                }
                ClientEvent::Silent { .. } => self.client.resume((self.tokens)(), now),
                _ => {}
            }
            told.write(Told(event));
        }
    }
}

/// Takes what arrived. A snapshot is held against the prediction before the next one is taken.
fn receive(mut connection: ResMut<Connection>, now: Res<Now>, mut told: MessageWriter<Told>) {
    let mut packet = [0; PACKET_BYTES_MAX];
    while let Ok((length, from)) = connection.socket.recv_from(&mut packet) {
        connection.client.handle_datagram(from, &mut packet[..length], now.0);
        connection.follow(now.0, &mut told);
    }
    connection.client.update(now.0);
    connection.follow(now.0, &mut told);
}

/// An input for each tick that is due, however long the frame was.
fn tick(mut connection: ResMut<Connection>, keys: Res<Keys>, now: Res<Now>) {
    while connection.client.next_tick().is_some_and(|due| due <= now.0) {
        let Some(tick) = connection.client.client_tick() else { return };
        connection.client.tick(&keys.0, now.0);
        if let Some(own) = &mut connection.prediction {
            own.on_input(tick, &keys.0);
        }
    }
}

/// Makes the entities those that are to be seen in this frame, each where it is to be seen.
fn mirror(mut connection: ResMut<Connection>, mut mirrors: ResMut<Mirrors>, now: Res<Now>, mut commands: Commands) {
    let Some(moment) = connection.client.frame(now.0) else { return };
    let mut gone = std::mem::take(&mut mirrors.0);
    for seen in connection.client.view().at(moment).entities() {
        let entity = gone.remove(&seen.id()).unwrap_or_else(|| commands.spawn(Mirrored(seen.id())).id());
        mirrors.0.insert(seen.id(), entity);
        let mut entity = commands.entity(entity);
        // What moves is shown between two snapshots, all else as of the one before.
        seen.get::<Position>().map(|position| entity.insert(position));
        seen.get::<Facing>().map(|facing| entity.insert(facing));
        seen.latest::<Kind>().map(|kind| entity.insert(kind));
        seen.latest::<Health>().map(|health| entity.insert(health));
        seen.latest::<Status>().map(|status| entity.insert(status));
        if seen.is_owned() && seen.latest::<Kind>() == Some(Kind::Avatar) {
            entity.insert(Own);
        }
    }
    gone.into_values().for_each(|entity| commands.entity(entity).despawn());
}

/// The player's own avatar is where the inputs have taken it, though the server has yet to say so.
fn show_own(connection: Res<Connection>, now: Res<Now>, mut own: Query<(&mut Position, &mut Facing), With<Own>>) {
    let Connection { client, prediction: Some(prediction), tick_s, .. } = &*connection else { return };
    let Some((due, body)) = client.next_tick().zip(prediction.predicted()) else { return };
    // Frames fall between ticks.
    let place = prediction.shown_place(1.0 - due.since(now.0).as_secs_f32() / tick_s, now.0);
    for (mut position, mut facing) in &mut own {
        (*position, *facing) = (Position(place.unwrap_or(body.position.0)), body.facing);
    }
}

/// Sends what is to be sent. What the system does not take is lost, as on any link.
fn transmit(mut connection: ResMut<Connection>, now: Res<Now>) {
    let mut packet = [0; PACKET_BYTES_MAX];
    while let Some((length, server)) = connection.client.poll_transmit(now.0, &mut packet) {
        let _ = connection.socket.send_to(&packet[..length], server);
    }
}

/// How the arena moves an avatar: the step that its server runs.
#[derive(Debug)]
pub struct OwnBody {
    map: Map,
    tick_s: f32,
}

impl Predict for OwnBody {
    type Input = ArenaInput;
    type State = Body;
    type Effect = ();

    fn observe(&mut self, view: &View) -> Option<(Tick, Body)> {
        let avatar = view.owned().find(|entity| entity.get::<Kind>() == Some(Kind::Avatar))?;
        let (position, velocity, facing) = (avatar.get::<Position>()?, avatar.get::<Velocity>()?, avatar.get()?);
        let is_dead = avatar.get::<Status>().is_some_and(|status| status.dead);
        (!is_dead).then_some((avatar.tick(), Body { position, velocity, facing }))
    }

    fn step(&self, body: &Body, input: &ArenaInput, _: &mut Effects<()>) -> Body {
        movement::step(*body, input, &self.map, self.tick_s)
    }

    fn place(&self, body: &Body) -> Vec3 {
        body.position.0
    }
}

// From here on: a game of sorts around the plugin.

/// What the program saw.
#[derive(Resource, Debug, Default)]
struct Seen {
    frames: u32,
    events: Vec<&'static str>,
    entities_max: usize,
    /// How far the avatar went, in metres.
    walked_m: f32,
    last: Option<Position>,
}

/// Somebody who walks in circles.
fn walk(mut keys: ResMut<Keys>, seen: Res<Seen>) {
    let yaw = (seen.frames as f32 / 60.0) % 6.0 - 3.0;
    keys.0 = ArenaInput { forward: 1.0, look: Facing { yaw, pitch: 0.0 }, ..ArenaInput::default() };
}

/// Somebody who looks on.
fn watch(
    mut seen: ResMut<Seen>,
    mut told: MessageReader<Told>,
    all: Query<&Mirrored>,
    own: Query<&Position, With<Own>>,
) {
    seen.frames += 1;
    seen.entities_max = seen.entities_max.max(all.iter().count());
    for Told(event) in told.read() {
        match event {
            ClientEvent::Joined { .. } => seen.events.push("joined"),
            ClientEvent::FirstFullView => seen.events.push("all is there"),
            ClientEvent::Disconnected(_) => seen.events.push("disconnected"),
            _ => {}
        }
    }
    if let Some(position) = own.iter().next() {
        let before = seen.last.replace(*position);
        seen.walked_m += before.map_or(0.0, |before| before.0.distance(position.0));
    }
}

fn main() -> ExitCode {
    const FRAME: Duration = Duration::from_millis(10);
    let config = ServerConfig::embedded(Options::default()).expect("the defaults are in range");
    let server = Arc::new(Server::start(&config, Arena { npcs: 50 }).expect("a free port on loopback"));
    let tokens = move || server.issue_token(ClientId(1));
    let mut app = App::new();
    app.add_plugins(TidelockClientPlugin { tokens });
    app.init_resource::<Seen>().add_systems(Update, walk).add_systems(Last, watch);
    let mut frame = clock::now();
    let end = frame + Duration::from_secs(4);
    while frame < end {
        app.update();
        frame += FRAME;
        clock::sleep_until(frame);
    }
    let (seen, connection) = (app.world().resource::<Seen>(), app.world().resource::<Connection>());
    let Seen { frames, events, entities_max, walked_m, .. } = seen;
    let delay_ms = connection.client.playback().map_or(0.0, |playback| playback.delay_ms());
    let said = format!(
        "{frames} frames, {events:?}, up to {entities_max} entities, walked {walked_m:.1} m, others shown {delay_ms:.0} ms \
         after the newest, {} corrections\n",
        connection.corrections
    );
    let _ = io::stdout().write_all(said.as_bytes());
    let is_well = events == &["joined", "all is there"] && *entities_max > 1 && *walked_m > 5.0;
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
