//! naia 0.25.0 through its Bevy adapter, over a transport in memory and on a clock that the workload moves. All clients are
//! whole Bevy apps.
//!
//! Variants: none, with the cap on bandwidth lifted; `capped`, as the library comes, at 64 kB/s a client.
//!
//! Who sees whom is worked out by the workload, untimed; telling the library what changed of that is timed.

mod protocol;
mod transport;

use bevy_app::{App, Startup, Update};
use bevy_ecs::{message::Messages, prelude::*, system::RunSystemOnce};
use naia_bevy_client::{Client, ClientConfig, Plugin as ClientPlugin, events::ConnectEvent as ConnectedEvent};
use naia_bevy_server::{
    CommandsExt, Plugin as ServerPlugin, RoomKey, Server, ServerConfig, UserKey,
    events::{AuthEvents, ConnectEvent, MessageEvents},
};
use naia_bevy_shared::{HandleWorldEvents, WorldUpdate};
use naia_shared::TestClock;
use protocol::{Ask, Auth, Body, InputChannel, TICK_MS, protocol, write};
use std::collections::BTreeMap;
use std::time::Duration;
use tidelock_workload::heap::CountingHeap;
use tidelock_workload::{Carrier, Cell, Copies, Meter, Report, Spread, TICK_US, World as Workload, input};
use transport::{ClientInbox, ClientSocket, Hub, ServerSocket, address, number_of};

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

/// Marks the library's client, of which an app could have several.
struct Only;

/// What the server's systems know.
#[derive(Resource, Default)]
struct Hall {
    inputs_sum: u64,
    users: BTreeMap<u32, UserKey>,
    connected: usize,
    room: Option<RoomKey>,
}

/// What a client's systems know.
#[derive(Resource)]
struct Guest {
    number: u32,
    tick: u64,
    connected: bool,
}

/// A server, its clients, and the way between them.
struct Stage {
    server: App,
    hub: Hub,
    apps: Vec<(App, ClientInbox)>,
    entities: Vec<Entity>,
    users: Vec<UserKey>,
    down: Carrier<Vec<u8>>,
    up: Carrier<Vec<u8>>,
}

/// Ticks in which everybody must have got in.
const CONNECT_TICKS_MAX: u32 = 2000;

fn main() {
    let mut cell = Cell::of_this_program();
    assert!(["", "capped"].contains(&&cell.variant[..]), "there is no variant `{}`", cell.variant);
    let mut world = cell.world_of_this_program();
    let mut stage = Stage::new(&cell, &world);
    let mut meter = Meter::default();
    let measured = cell.warmup_ticks + cell.ticks;
    for tick in 0..measured + cell.quiet_ticks {
        meter.set_on((cell.warmup_ticks..measured).contains(&tick));
        if tick < measured {
            world.step();
            if cell.interest {
                world.look();
            }
        } else {
            world.rest();
            stage.down.heal();
            stage.up.heal();
        }
        TestClock::advance(TICK_MS);
        stage.step_clients(tick, &mut meter);
        meter.tick(|laps| {
            write(&mut stage.server, &world, &stage.entities);
            laps.end("write");
            if cell.interest {
                stage.show(&world);
            }
            laps.end("show");
            stage.server.update();
            laps.end("update");
        });
        stage.send(tick, &mut meter);
    }
    let copies = stage.copies(&cell, &world);
    let mut report = Report::new("naia-0.25.0", &cell, &meter, cell.clients, copies);
    report.own.insert("inputs_sum", stage.server.world().resource::<Hall>().inputs_sum as f64);
    report.print();
}

fn admit(mut server: Server, mut events: ResMut<Messages<AuthEvents>>, mut hall: ResMut<Hall>) {
    for event in events.drain() {
        for (key, auth) in event.read::<Auth>() {
            hall.users.insert(auth.client, key);
            server.accept_connection(&key);
        }
    }
}

fn welcome(mut server: Server, mut events: ResMut<Messages<ConnectEvent>>, mut hall: ResMut<Hall>) {
    for event in events.drain() {
        hall.connected += 1;
        let room = hall.room.expect("it was made at the start");
        server.room_mut(&room).add_user(&event.0);
    }
}

fn take_inputs(mut events: ResMut<Messages<MessageEvents>>, mut hall: ResMut<Hall>) {
    for event in events.drain() {
        for (_, ask) in event.read::<InputChannel, Ask>() {
            hall.inputs_sum += u64::from(ask.buttons) + u64::from(ask.towards[0] + ask.look[0] > 9.0);
        }
    }
}

fn note_connected(mut events: ResMut<Messages<ConnectedEvent<Only>>>, mut guest: ResMut<Guest>) {
    guest.connected |= events.drain().count() > 0;
}

fn ask(mut client: Client<Only>, guest: Res<Guest>) {
    if guest.connected {
        let tidelock_workload::Input { towards, look, buttons } = input(guest.number as usize, guest.tick);
        // It says whether there was room.
        let _ = client.send_message::<InputChannel, _>(&Ask { towards, look, buttons });
    }
}

type News = (Vec<Vec<u32>>, Vec<Vec<u32>>, Vec<Entity>, Vec<UserKey>);

fn change_scopes(In((entered, left, entities, users)): In<News>, mut server: Server) {
    for (client, user) in users.iter().enumerate() {
        if entered[client].is_empty() && left[client].is_empty() {
            continue;
        }
        let mut scope = server.user_scope_mut(user);
        for index in &entered[client] {
            scope.include(&entities[*index as usize]);
        }
        for index in &left[client] {
            scope.exclude(&entities[*index as usize]);
        }
    }
}

fn server_app(cell: &Cell, hub: &Hub) -> App {
    let mut config = ServerConfig::default();
    if cell.variant != "capped" {
        config.connection.bandwidth.target_bytes_per_sec = u32::MAX;
    }
    let mut server = App::new();
    let hub = hub.clone();
    server
        .add_plugins(ServerPlugin::new(config, protocol()))
        .init_resource::<Hall>()
        .add_systems(Startup, move |mut server: Server, mut hall: ResMut<Hall>| {
            server.listen(ServerSocket(hub.clone()));
            hall.room = Some(server.create_room().key());
        })
        .add_systems(Update, (admit, welcome, take_inputs).in_set(HandleWorldEvents));
    server.update();
    server
}

fn client_app(number: usize, hub: &Hub) -> (App, ClientInbox) {
    let inbox = ClientInbox::default();
    let config = ClientConfig { send_handshake_interval: Duration::ZERO, ..Default::default() };
    let mut app = App::new();
    let socket = (hub.clone(), inbox.clone());
    app.add_plugins(ClientPlugin::<Only>::new(config, protocol()))
        .insert_resource(Guest { number: number as u32, tick: 0, connected: false })
        .add_systems(Startup, move |mut client: Client<Only>| {
            let (hub, inbox) = socket.clone();
            client.auth(Auth { client: number as u32 });
            client.connect(ClientSocket { hub, address: address(number), inbox });
        })
        .add_systems(Update, note_connected.in_set(HandleWorldEvents))
        .add_systems(Update, ask.in_set(WorldUpdate));
    app.update();
    (app, inbox)
}

impl Stage {
    fn new(cell: &Cell, world: &Workload) -> Self {
        TestClock::init(0);
        let hub = Hub::default();
        let spread = cell.spread.then_some(&Spread::WIDE);
        let mut stage = Self {
            server: server_app(cell, &hub),
            apps: (0..cell.clients).map(|number| client_app(number, &hub)).collect(),
            hub,
            entities: Vec::new(),
            users: Vec::new(),
            down: Carrier::new(cell.clients, spread, false),
            up: Carrier::new(cell.clients, spread, true),
        };
        stage.connect();
        stage.populate(world, cell.interest);
        stage
    }

    /// Lets everybody in, over a link that is clear.
    fn connect(&mut self) {
        for _ in 0..CONNECT_TICKS_MAX {
            TestClock::advance(TICK_MS);
            self.apps.iter_mut().for_each(|(app, _)| app.update());
            self.exchange();
            self.server.update();
            self.exchange();
            let clients = self.apps.iter().filter(|(app, _)| app.world().resource::<Guest>().connected).count();
            if clients == self.apps.len() && self.server.world().resource::<Hall>().connected == clients {
                self.users = self.server.world().resource::<Hall>().users.values().copied().collect();
                return;
            }
        }
        panic!("not everybody got in within {CONNECT_TICKS_MAX} ticks");
    }

    fn exchange(&mut self) {
        for (to, packet) in self.hub.take_sent_by_server() {
            self.apps[number_of(to)].1.push(packet);
        }
        for (from, packet) in self.hub.take_sent_by_clients() {
            self.hub.deliver_to_server(from, packet);
        }
    }

    fn populate(&mut self, world: &Workload, interest: bool) {
        let states = world.entities.clone();
        let spawn = move |mut commands: Commands, mut server: Server| {
            let spawned = (0..).zip(&states).map(|(index, state)| {
                let mut entity = commands.spawn_empty();
                entity.enable_replication(&mut server).insert(Body::new(index, state)).id()
            });
            spawned.collect::<Vec<Entity>>()
        };
        self.entities = self.server.world_mut().run_system_once(spawn).expect("its parameters are there");
        let room = self.server.world().resource::<Hall>().room.expect("it was made at the start");
        let (entities, users) = (self.entities.clone(), self.users.clone());
        let place = move |mut server: Server| {
            for entity in &entities {
                server.room_mut(&room).add_entity(entity);
            }
            for user in users.iter().filter(|_| interest) {
                let mut scope = server.user_scope_mut(user);
                for entity in &entities {
                    scope.exclude(entity);
                }
            }
        };
        self.server.world_mut().run_system_once(place).expect("its parameters are there");
    }

    /// Clients take what has arrived, and answer. Untimed.
    fn step_clients(&mut self, tick: u64, meter: &mut Meter) {
        let now_us = tick * TICK_US;
        for (client, (app, inbox)) in self.apps.iter_mut().enumerate() {
            while let Some(packet) = self.down.poll(client, now_us) {
                inbox.push(packet);
            }
            app.world_mut().resource_mut::<Guest>().tick = tick;
            app.update();
        }
        for (from, packet) in self.hub.take_sent_by_clients() {
            self.up.send(number_of(from), now_us, packet);
        }
        for client in 0..self.apps.len() {
            while let Some(packet) = self.up.poll(client, now_us) {
                meter.on_received(packet.len());
                self.hub.deliver_to_server(address(client), packet);
            }
        }
    }

    /// Tells the library who came into whose sight, and who left it.
    fn show(&mut self, world: &Workload) {
        let news = (world.entered.clone(), world.left.clone(), self.entities.clone(), self.users.clone());
        self.server.world_mut().run_system_cached_with(change_scopes, news).expect("its parameters are there");
    }

    fn send(&mut self, tick: u64, meter: &mut Meter) {
        for (to, packet) in self.hub.take_sent_by_server() {
            meter.on_sent(packet.len());
            self.down.send(number_of(to), tick * TICK_US, packet);
        }
    }

    fn copies(&mut self, cell: &Cell, world: &Workload) -> Copies {
        let mut copies = Copies::default();
        for (client, (app, _)) in self.apps.iter_mut().enumerate() {
            app.update();
            let mut held = protocol::held(app.world_mut());
            for (index, state) in (0..).zip(&world.entities) {
                let is_meant = !cell.interest || world.visible_to(client)[index as usize];
                copies.count(is_meant, held.remove(&index).map(|held| held == *state));
            }
            copies.ghost += held.len() as u64;
        }
        copies
    }
}
