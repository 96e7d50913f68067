//! How to embed the client in a game, step by step.
//!
//! The client is a value without a socket, a clock or a thread. The game gives it what arrived and what time it is, and
//! takes from it what to send and what happened. So it fits any loop and any engine, runs as well in a test, and does the
//! same each time it is told the same. For Bevy there is a plugin to copy: `examples/bevy_client.rs`.
//!
//! A game needs nothing of the simulator around it:
//!
//! ```toml
//! tidelock-sim = { version = "0.1", default-features = false }
//! ```
//!
//! # What both ends share
//! The types of what is replicated, what a player may ask for, and the step from one state to the next are the game's, in a
//! crate that its server uses too. The schema lists them in the server's order: if the two differ, the server says so when
//! the client connects, and no state is ever misread.
//!
//! ```
//! use glam::Vec2;
//! use tidelock::state::{Input, Interpolate, Replicate, Schema};
//!
//! /// Where somebody stands, to 1/64 m.
//! #[derive(Replicate, Clone, Copy, Debug, Default, PartialEq)]
//! struct Place(#[field(range(-100.0..=100.0), step = 1.0 / 64.0)] Vec2);
//!
//! /// What lies between two snapshots of it.
//! impl Interpolate for Place {
//!     fn interpolate(from: &Self, to: &Self, t: f32) -> Self {
//!         Self(from.0 + (to.0 - from.0) * t)
//!     }
//! }
//!
//! /// Where to go.
//! #[derive(Replicate, Clone, Copy, Debug, Default, PartialEq)]
//! struct Walk(#[field(range(-1.0..=1.0), step = 1.0 / 8.0)] Vec2);
//!
//! impl Input for Walk {
//!     fn clear_one_shots(&mut self) {}
//! }
//!
//! /// One tick. Snapped to what travels, both ends go on from the same bits.
//! fn step(place: Place, walk: Walk, delta_s: f32) -> Place {
//!     Place(place.0 + walk.0.clamp_length_max(1.0) * 5.0 * delta_s).snapped()
//! }
//!
//! fn schema() -> Schema {
//!     Schema::builder("walk").replicate::<Place>().input::<Walk>().build().expect("the game is small")
//! }
//! # let _ = schema();
//! # assert_eq!(step(Place::default(), Walk(Vec2::X), 0.2), Place(Vec2::X));
//! ```
//!
//! # Connecting, and the loop
//! A player comes with a connect token from the game's backend, who has checked that it may play. The token holds the
//! server's address and the keys of the connection; it is good for one.
//!
//! ```
//! # mod walk { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/client/guide/walk.rs")); }
//! # use walk::*;
//! # use glam::Vec2;
//! # use std::time::Duration;
//! use std::sync::Arc;
//! use tidelock::Instant;
//! use tidelock::netcode::{ConnectToken, PACKET_BYTES_MAX};
//! use tidelock_sim::client::{Client, ClientConfig, Status};
//!
//! fn connect(token: ConnectToken, now: Instant) -> Client<Walk> {
//!     Client::new(ClientConfig { token, schema: Arc::new(schema()) }, now)
//! }
//!
//! /// Once a frame: what came, what is due, what goes out.
//! fn pass(client: &mut Client<Walk>, socket: &mut Socket, keys: Walk, now: Instant) {
//!     let mut packet = [0; PACKET_BYTES_MAX];
//!     while let Some((length, from)) = socket.recv_from(&mut packet) {
//!         client.handle_datagram(from, &mut packet[..length], now);
//!     }
//!     // One input for each tick of the client, which runs ahead of the server by what inputs need to get there.
//!     while client.next_tick().is_some_and(|due| due <= now) {
//!         client.tick(&keys, now);
//!     }
//!     if client.next_wakeup() <= now {
//!         client.update(now);
//!     }
//!     while let Some((length, to)) = client.poll_transmit(now, &mut packet) {
//!         socket.send_to(&packet[..length], to);
//!     }
//!     // What happened is told below.
//!     while let Some(event) = client.poll_event() {
//!         drop(event);
//!     }
//! }
//! #
//! # fn main() {
//! # let mut now = Instant::from_us(1_000_000);
//! # let mut socket = Socket::new(now);
//! # let mut client = connect(socket.token(), now);
//! # for _ in 0..200 {
//! #     now += Duration::from_millis(10);
//! #     socket.pass_time(now);
//! #     pass(&mut client, &mut socket, Walk(Vec2::X), now);
//! # }
//! # assert_eq!(client.status(), Status::Playing);
//! # let place = client.view().owned().next().unwrap().get::<Place>().unwrap();
//! # assert!(place.0.x > 3.0, "{place:?}");
//! # }
//! ```
//!
//! - `now` is any clock that does not jump: microseconds since the program began will do.
//! - A frame may be of any length, and of another rate than the server's ticks: [`Client::next_tick`] says how many inputs
//!   are due. A program that sleeps between frames wakes up at [`Client::next_wakeup`], or when a datagram comes, whatever is
//!   first. To stamp datagrams with when they came, not with when the frame began, makes round trips and clocks more exact.
//! - The socket must not block, and what it cannot send is dropped: the client treats that as loss.
//!
//! # What is to be seen
//! [`Client::view`] is the newest that is known, in ticks: what game logic wants. A frame shows [`View::at`] the moment that
//! [`Client::frame`] gives: a little in the past, as little as the link's jitter and loss allow, so that between two
//! snapshots there is always a next one to go towards.
//!
//! ```
//! # mod walk { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/client/guide/walk.rs")); }
//! # use walk::*;
//! # use glam::Vec2;
//! # use std::sync::Arc;
//! # use std::time::Duration;
//! # use tidelock::netcode::PACKET_BYTES_MAX;
//! # use tidelock_sim::client::ClientConfig;
//! use tidelock::Instant;
//! use tidelock_sim::client::Client;
//!
//! /// Where to draw whom.
//! fn draw(client: &mut Client<Walk>, now: Instant) -> Vec<(u32, Vec2)> {
//!     let Some(moment) = client.frame(now) else { return Vec::new() };
//!     let scene = client.view().at(moment);
//!     // What has no values in between, `latest` gives as of the moment; what one owns is predicted, see below.
//!     scene.entities().filter_map(|entity| Some((entity.id().index, entity.get::<Place>()?.0))).collect()
//! }
//! #
//! # fn main() {
//! # let mut now = Instant::from_us(1_000_000);
//! # let mut socket = Socket::new(now);
//! # let mut client = Client::new(ClientConfig { token: socket.token(), schema: Arc::new(schema()) }, now);
//! # let mut packet = [0; PACKET_BYTES_MAX];
//! # let mut drawn = Vec::new();
//! # for _ in 0..200 {
//! #     now += Duration::from_millis(10);
//! #     socket.pass_time(now);
//! #     while let Some((length, from)) = socket.recv_from(&mut packet) {
//! #         client.handle_datagram(from, &mut packet[..length], now);
//! #     }
//! #     while client.next_tick().is_some_and(|due| due <= now) {
//! #         client.tick(&Walk(Vec2::X), now);
//! #     }
//! #     client.update(now);
//! #     while let Some((length, to)) = client.poll_transmit(now, &mut packet) {
//! #         socket.send_to(&packet[..length], to);
//! #     }
//! #     drawn.extend(draw(&mut client, now).first().map(|(_, place)| place.x));
//! # }
//! # let steps: Vec<f32> = drawn.windows(2).map(|two| two[1] - two[0]).collect();
//! # assert!(drawn.len() > 100 && drawn.last() > Some(&3.0), "{drawn:?}");
//! # assert!(steps[50..].iter().all(|step| (0.02..0.09).contains(step)), "5 m/s, 10 ms a frame: {steps:?}");
//! # }
//! ```
//!
//! An entity is named by its [`NetId`](tidelock::state::NetId), which is never given to another while somebody may mean
//! the first. To mirror entities into a world of one's own, keep a map from these to one's own names: who is in the
//! scene and not in the map appears, who is in the map and not in the scene is gone.
//!
//! # Prediction
//! What the player does must not wait for a round trip. A game says by [`Predict`] what of the view is the player's own
//! state and how one input steps it, with the function that the server runs; [`Prediction`] runs that ahead of the server,
//! and goes back and replays where a snapshot says otherwise. On a clean link it never does, and where it does, what is drawn
//! follows within tenths of a second rather than at once.
//!
//! ```
//! # mod walk { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/client/guide/walk.rs")); }
//! # use walk::*;
//! # use std::sync::Arc;
//! # use std::time::Duration;
//! # use tidelock::netcode::PACKET_BYTES_MAX;
//! # use tidelock_sim::client::ClientConfig;
//! use glam::{Vec2, Vec3};
//! use tidelock::{Instant, Tick};
//! use tidelock_sim::client::{Client, ClientEvent, Effects, Predict, Prediction, View};
//!
//! struct OwnPlace {
//!     delta_s: f32,
//! }
//!
//! impl Predict for OwnPlace {
//!     type Input = Walk;
//!     type State = Place;
//!     // Shots and pick-ups would be effects: told when they are predicted, and when they are confirmed or undone.
//!     type Effect = ();
//!
//!     fn observe(&mut self, view: &View) -> Option<(Tick, Place)> {
//!         let avatar = view.owned().next()?;
//!         Some((avatar.tick(), avatar.get()?))
//!     }
//!
//!     fn step(&self, place: &Place, walk: &Walk, _: &mut Effects<()>) -> Place {
//!         step(*place, *walk, self.delta_s)
//!     }
//!
//!     fn place(&self, place: &Place) -> Vec3 {
//!         place.0.extend(0.0)
//!     }
//! }
//!
//! /// Instead of `client.tick(..)`: what is asked for takes effect here at once.
//! fn tick(client: &mut Client<Walk>, prediction: &mut Prediction<OwnPlace>, keys: Walk, now: Instant) {
//!     if let Some(tick) = client.client_tick() {
//!         client.tick(&keys, now);
//!         prediction.on_input(tick, &keys);
//!     }
//! }
//!
//! /// Right after each datagram: a snapshot is compared with what was predicted for its tick.
//! fn after_datagram(client: &mut Client<Walk>, prediction: &mut Prediction<OwnPlace>, now: Instant) -> u32 {
//!     let mut corrections = 0;
//!     while let Some(event) = client.poll_event() {
//!         if let ClientEvent::Snapshot { .. } = event {
//!             corrections += u32::from(prediction.on_snapshot(client.view(), now).is_some());
//!         }
//!     }
//!     corrections
//! }
//!
//! /// Where to draw the player: on its way from one tick to the next.
//! fn draw_own(client: &Client<Walk>, prediction: &Prediction<OwnPlace>, now: Instant) -> Option<Vec3> {
//!     let until_next_s = client.next_tick()?.since(now).as_secs_f32();
//!     prediction.shown_place(1.0 - until_next_s * 60.0, now)
//! }
//! #
//! # fn main() {
//! # let mut now = Instant::from_us(1_000_000);
//! # let mut socket = Socket::new(now);
//! # let mut client = Client::new(ClientConfig { token: socket.token(), schema: Arc::new(schema()) }, now);
//! # let mut prediction = Prediction::new(OwnPlace { delta_s: 1.0 / 60.0 });
//! # let mut packet = [0; PACKET_BYTES_MAX];
//! # let mut corrections = 0;
//! # for pass in 0..400 {
//! #     now += Duration::from_millis(5);
//! #     socket.pass_time(now);
//! #     while let Some((length, from)) = socket.recv_from(&mut packet) {
//! #         client.handle_datagram(from, &mut packet[..length], now);
//! #         corrections += after_datagram(&mut client, &mut prediction, now);
//! #     }
//! #     while client.next_tick().is_some_and(|due| due <= now) {
//! #         tick(&mut client, &mut prediction, Walk(Vec2::from_angle(pass as f32 / 50.0)), now);
//! #     }
//! #     client.update(now);
//! #     while let Some((length, to)) = client.poll_transmit(now, &mut packet) {
//! #         socket.send_to(&packet[..length], to);
//! #     }
//! # }
//! # assert_eq!(corrections, 0, "a clean link has none");
//! # let shown = prediction.predicted().unwrap();
//! # let known = client.view().owned().next().unwrap().get::<Place>().unwrap();
//! # assert_ne!(*shown, known, "it is ahead");
//! # assert!(shown.0.distance(known.0) < 1.0 && shown.0.length() > 1.0);
//! # let drawn = draw_own(&client, &prediction, now).unwrap().truncate();
//! # assert!(drawn.distance(shown.0) < 0.1, "a tick's way behind at most: {drawn} {shown:?}");
//! # }
//! ```
//!
//! What a step does besides moving, [`Prediction::poll_effect`] tells: that a shot is predicted, so that it can be heard at
//! once, and later that the server has it too, or that it was none after all.
//!
//! The tick rate comes with [`ClientEvent::Joined`], along with the join payload, which is where a game puts its map.
//!
//! # What happens
//! ```
//! # mod walk { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/client/guide/walk.rs")); }
//! # use walk::*;
//! # use glam::Vec2;
//! # use std::sync::Arc;
//! # use std::time::Duration;
//! # use tidelock::netcode::{ConnectToken, PACKET_BYTES_MAX};
//! # use tidelock_sim::client::{ClientConfig, Status};
//! use tidelock::Instant;
//! use tidelock_sim::client::{Client, ClientEvent};
//!
//! /// Looks at one thing that happened, and says what to tell the player, if anything.
//! fn on_event(
//!     client: &mut Client<Walk>,
//!     event: ClientEvent,
//!     fresh_token: impl FnOnce() -> ConnectToken,
//!     now: Instant,
//! ) -> Option<String> {
//!     match event {
//!         ClientEvent::Joined { resumed, .. } => Some(if resumed { "welcome back" } else { "welcome" }.to_owned()),
//!         // Nothing comes any more: the network may be another than it was. The server keeps the place for a while.
//!         ClientEvent::Silent { .. } => {
//!             client.resume(fresh_token(), now);
//!             Some("reconnecting".to_owned())
//!         }
//!         ClientEvent::Resumed => Some("reconnected".to_owned()),
//!         ClientEvent::Event { id, body, .. } if Some(id) == client.schema().event::<Wave>() => {
//!             // From the server, but still: what cannot be read is dropped.
//!             bitcode::decode(&body).ok().map(|Wave(text)| text)
//!         }
//!         ClientEvent::Disconnected(reason) => Some(format!("disconnected: {reason}")),
//!         _ => None,
//!     }
//! }
//! #
//! # fn main() {
//! # let mut now = Instant::from_us(1_000_000);
//! # let mut socket = Socket::new(now);
//! # let mut client = Client::new(ClientConfig { token: socket.token(), schema: Arc::new(schema()) }, now);
//! # let mut packet = [0; PACKET_BYTES_MAX];
//! # let mut told = Vec::new();
//! # for pass in 0..900 {
//! #     now += Duration::from_millis(5);
//! #     socket.pass_time(now);
//! #     while let Some((length, from)) = socket.recv_from(&mut packet) {
//! #         client.handle_datagram(from, &mut packet[..length], now);
//! #     }
//! #     while client.next_tick().is_some_and(|due| due <= now) {
//! #         client.tick(&Walk(Vec2::X), now);
//! #     }
//! #     client.update(now);
//! #     while let Some((length, to)) = client.poll_transmit(now, &mut packet) {
//! #         socket.send_to(&packet[..length], to);
//! #     }
//! #     while let Some(event) = client.poll_event() {
//! #         let token = || { socket.set_cut(false); socket.token() };
//! #         told.extend(on_event(&mut client, event, token, now));
//! #     }
//! #     match pass {
//! #         200 => client.send_event(&Wave("hello".to_owned())).unwrap(),
//! #         300 => socket.set_cut(true),
//! #         _ => {}
//! #     }
//! # }
//! # client.disconnect();
//! # assert_eq!(told, ["welcome", "hello", "reconnecting", "reconnected"]);
//! # assert!(matches!(client.poll_event(), Some(ClientEvent::Disconnected(_))));
//! # }
//! ```
//!
//! Events go out with [`Client::send_event`], reliably and in order, or as a type's
//! [`DELIVERY`](tidelock::state::Event::DELIVERY) says once or never. It refuses when too much waits already: then the
//! link is the trouble, and the game does better to say less. Without a fresh token a client may wait for the silence to pass; netcode gives up
//! after the time-out that the token names. What is shown stands still until the client is back, so a game that steers by
//! it should say so to the player.
//!
//! # What to show of the connection's health
//! | figure | healthy | what it means to the player |
//! |---|---|---|
//! | [`Client::rtt`] | below 100 ms | how long others take to see what one does |
//! | [`Client::jitter`] | below a tick or two | uneven delay: the delays below grow with it |
//! | [`Playback::delay_ms`] | below 50 ms at 60 snapshots a second | how far in the past others are shown |
//! | underruns among [`Playback::counts`] | below 1 % of frames | others stutter |
//! | [`Client::input_lead_ticks`] | near its target | far below: inputs come too late and are lost |
//! | `down` of [`Client::stats`] | `received` near `expected` | loss; 5 % is played over without notice |
//! | corrections of [`Prediction`] | none without loss | the own avatar is pulled |
//! | `load_level_max` of [`Client::stats`] | 0 | not the link: the server is overloaded |
//!
//! A sign of three bars is best driven by underruns and late inputs: they are what is felt, whatever the round trip.
//!
//! # When a player complains
//! The client can be recorded, with all that it received: [`Recording`](crate::recording::Recording). `tidelock-sim show`
//! draws such a file, and [`Replay`](crate::recording::Replay) has another client live through it.
//!
//! ```
//! # mod walk { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/client/guide/walk.rs")); }
//! # use walk::*;
//! # use std::sync::Arc;
//! # use tidelock_sim::client::{Client, ClientConfig};
//! use tidelock::Instant;
//! use tidelock_sim::recording::{Header, Recording};
//!
//! # fn main() {
//! # let now = Instant::from_us(1_000_000);
//! # let mut socket = Socket::new(now);
//! # let mut client = Client::<Walk>::new(ClientConfig { token: socket.token(), schema: Arc::new(schema()) }, now);
//! # let mut file = Vec::new();
//! let facts = vec![("player".to_owned(), "42".to_owned())];
//! let header = Header { start: now, schema_hash: client.schema().hash(), facts, ..Header::default() };
//! let mut recording = Recording::begin(&mut file, header);
//! client.open_tap();
//! // In each pass of the loop:
//! recording.follow(&mut client, now);
//! // And what `Prediction::on_snapshot` gives: recording.on_correction(correction, now);
//! // When it is over:
//! recording.end(now).expect("memory does not fill up");
//! # assert!(file.starts_with(b"TLRECORD"));
//! # }
//! ```

#[cfg(doc)]
use super::{Client, ClientEvent, Playback, Predict, Prediction, View};
