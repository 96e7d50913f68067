//! lightyear as its documentation advises: replication (on bevy_replicon), a raw connection without encryption, packets moved
//! by hand between the two ends' links. All clients are whole Bevy apps.
//!
//! Two packages share this program: `lightyear` 0.31.0 on bevy_replicon 0.45.5, and `lightyear-0.30` on 0.44.3.
//!
//! It measures round trips by a clock of its own, and takes for lost what is not acknowledged within one and a half of them: on
//! virtual time that runs faster it would send again what is still on its way. So over spread links a tick waits until the
//! clock on the wall has come as far.
//!
//! Who sees whom is worked out by the workload, untimed; telling the library what changed of that is timed.
#![expect(clippy::disallowed_methods, reason = "the library reads a clock, so that who drives it must")]

mod components;

use aeronet_io::connection::{LocalAddr, PeerAddr};
use bevy::{prelude::*, state::app::StatesPlugin, time::TimeUpdateStrategy};
use bevy_replicon::shared::server_entity_map::ServerEntityMap;
use bytes::{Bytes, BytesMut};
use components::{Ask, is_right, register, spawn, write};
use core::net::{Ipv4Addr, SocketAddr};
use lightyear::prelude::{client::*, server::*, *};
use std::time::{Duration, Instant as WallInstant};
use tidelock_workload::heap::CountingHeap;
use tidelock_workload::{Carrier, Cell, Copies, Meter, Report, Spread, TICK_HZ, TICK_US, World as Workload, input};

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

const NAME: &str = if cfg!(feature = "before-0-31") { "lightyear-0.30.1" } else { "lightyear-0.31.0" };
const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4000);

/// Of the buttons of all inputs.
#[derive(Resource, Default)]
struct InputsSum(u64);

struct InputChannel;

/// A server, its clients, and the way between them.
struct Stage {
    server: App,
    entities: Vec<Entity>,
    /// The server's ends.
    clients: Vec<Entity>,
    /// The clients' apps, each with its end.
    apps: Vec<(App, Entity)>,
    down: Carrier<Bytes>,
    up: Carrier<Bytes>,
}

fn main() {
    let mut cell = Cell::of_this_program();
    assert!(cell.variant.is_empty(), "there are no variants");
    let mut world = cell.world_of_this_program();
    let mut stage = Stage::new(&cell, &world);
    let mut meter = Meter::default();
    let measured = cell.warmup_ticks + cell.ticks;
    let began = WallInstant::now();
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
        if cell.spread {
            wait_until(began + Duration::from_micros(tick * TICK_US));
        }
        stage.step_clients(tick);
        stage.receive(tick, &mut meter);
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
    let mut report = Report::new(NAME, &cell, &meter, cell.clients, copies);
    report.own.insert("inputs_sum", stage.server.world().resource::<InputsSum>().0 as f64);
    report.print();
}

fn wait_until(due: WallInstant) {
    std::thread::sleep(due.saturating_duration_since(WallInstant::now()));
}

fn app(plugins: impl FnOnce(&mut App, Duration)) -> App {
    let tick = Duration::from_secs(1) / TICK_HZ;
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, StatesPlugin));
    plugins(&mut app, tick);
    register(&mut app);
    app.register_message::<Ask>().add_direction(NetworkDirection::ClientToServer);
    app.add_channel::<InputChannel>(ChannelSettings { mode: ChannelMode::UnorderedUnreliable, ..default() })
        .add_direction(NetworkDirection::ClientToServer);
    app.insert_resource(TimeUpdateStrategy::ManualDuration(tick)).init_resource::<InputsSum>();
    app
}

fn take_inputs(mut receivers: Query<&mut MessageReceiver<Ask>>, mut sum: ResMut<InputsSum>) {
    for mut receiver in &mut receivers {
        for ask in receiver.receive() {
            sum.0 += u64::from(ask.buttons);
        }
    }
}

fn address(client: usize) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 5000 + client as u16))
}

fn link_of(server: Entity) -> LinkOf {
    #[cfg(feature = "before-0-31")]
    return LinkOf { server };
    #[cfg(not(feature = "before-0-31"))]
    LinkOf { endpoint: server }
}

impl Stage {
    fn new(cell: &Cell, world: &Workload) -> Self {
        let mut server = app(|app, tick_duration| {
            app.add_plugins(ServerPlugins { tick_duration });
        });
        server.add_systems(Update, take_inputs);
        server.finish();
        server.cleanup();
        let endpoint = server.world_mut().spawn((RawServer, LocalAddr(SERVER))).id();
        server.world_mut().entity_mut(endpoint).insert(Linked);
        server.update();
        let (mut apps, mut clients) = (Vec::new(), Vec::new());
        for client in 0..cell.clients {
            apps.push(client_app(client));
            let end = (
                link_of(endpoint),
                Link::default(),
                LocalAddr(SERVER),
                PeerAddr(address(client)),
                PingManager::new(PingConfig::default()),
                ReplicationSender,
            );
            let end = server.world_mut().spawn(end).id();
            server.world_mut().entity_mut(end).insert(Linked);
            clients.push(end);
        }
        server.update();
        let entities: Vec<Entity> = world.entities.iter().map(|state| spawn(server.world_mut(), state)).collect();
        if cell.interest {
            for client in &clients {
                entities.iter().for_each(|entity| server.world_mut().lose_visibility(*entity, *client));
            }
        }
        let spread = cell.spread.then_some(&Spread::WIDE);
        let down = Carrier::new(cell.clients, spread, false);
        Self { server, entities, apps, down, up: Carrier::new(cell.clients, spread, true), clients }
    }

    /// Clients take what has arrived, and answer. Untimed.
    fn step_clients(&mut self, tick: u64) {
        let now_us = tick * TICK_US;
        for (client, (app, end)) in self.apps.iter_mut().enumerate() {
            let mut end = app.world_mut().entity_mut(*end);
            let mut link = end.get_mut::<Link>().expect("it was spawned with it");
            while let Some(packet) = self.down.poll(client, now_us) {
                link.recv.push_raw(BytesMut::from(packet));
            }
            let tidelock_workload::Input { towards, look, buttons } = input(client, tick);
            if let Some(mut sender) = end.get_mut::<MessageSender<Ask>>() {
                sender.send::<InputChannel>(Ask { towards, look, buttons });
            }
            let end = end.id();
            app.update();
            let mut link = app.world_mut().get_mut::<Link>(end).expect("it was spawned with it");
            for packet in link.send.drain() {
                self.up.send(client, now_us, packet);
            }
        }
    }

    fn receive(&mut self, tick: u64, meter: &mut Meter) {
        for (client, end) in self.clients.iter().enumerate() {
            let mut link = self.server.world_mut().get_mut::<Link>(*end).expect("it was spawned with it");
            while let Some(packet) = self.up.poll(client, tick * TICK_US) {
                meter.on_received(packet.len());
                link.recv.push_raw(BytesMut::from(packet));
            }
        }
    }

    /// Tells the library who came into whose sight, and who left it.
    fn show(&mut self, world: &Workload) {
        let ecs = self.server.world_mut();
        for (client, end) in self.clients.iter().enumerate() {
            for index in &world.entered[client] {
                ecs.gain_visibility(self.entities[*index as usize], *end);
            }
            for index in &world.left[client] {
                ecs.lose_visibility(self.entities[*index as usize], *end);
            }
        }
    }

    fn send(&mut self, tick: u64, meter: &mut Meter) {
        for (client, end) in self.clients.iter().enumerate() {
            let mut link = self.server.world_mut().get_mut::<Link>(*end).expect("it was spawned with it");
            for packet in link.send.drain() {
                meter.on_sent(packet.len());
                self.down.send(client, tick * TICK_US, packet);
            }
        }
    }

    fn copies(&mut self, cell: &Cell, world: &Workload) -> Copies {
        let mut copies = Copies::default();
        for (client, (app, _)) in self.apps.iter_mut().enumerate() {
            app.update();
            let ecs = app.world();
            let map = ecs.resource::<ServerEntityMap>().to_client();
            for (index, (entity, state)) in self.entities.iter().zip(&world.entities).enumerate() {
                let is_meant = !cell.interest || world.visible_to(client)[index];
                let held = map.get(entity).map(|entity| ecs.entity(*entity));
                copies.count(is_meant, held.map(|held| is_right(&held, state)));
            }
        }
        copies
    }
}

fn client_app(client: usize) -> (App, Entity) {
    let mut app = app(|app, tick_duration| {
        app.add_plugins(ClientPlugins { tick_duration });
    });
    app.finish();
    app.cleanup();
    let end = (
        Client::default(),
        RawClient,
        Link::default(),
        LocalAddr(address(client)),
        PeerAddr(SERVER),
        PingManager::new(PingConfig::default()),
        ReplicationReceiver,
    );
    let end = app.world_mut().spawn(end).id();
    app.world_mut().entity_mut(end).insert(Linked);
    (app, end)
}
