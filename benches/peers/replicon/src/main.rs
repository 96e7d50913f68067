//! bevy_replicon 0.45.5 as its documentation advises, with messages handed over in memory: no socket, no I/O backend.
//!
//! The first clients are whole Bevy apps, as many as `--real` says; the others read from each message of mutations which it
//! is, and acknowledge it. Variants: none, four components as they are; `one`, all in one component; `quant`, four
//! components quantized by `replicate_as`.
//!
//! Who sees whom is worked out by the workload, untimed; telling the library what changed of that is timed.

mod components;
mod stubs;

use bevy::{prelude::*, state::app::StatesPlugin, time::TimeUpdateStrategy};
use bevy_replicon::{
    bytes::Bytes,
    prelude::*,
    server::visibility::{client_visibility::ClientVisibility, filters_mask::FilterBit, registry::FilterRegistry},
    shared::{
        backend::channels::ServerChannel, replication::registry::ReplicationRegistry,
        server_entity_map::ServerEntityMap,
    },
};
use components::{Ask, is_right, register, spawn, write};
use std::time::Duration;
use stubs::Stubs;
use tidelock_workload::heap::CountingHeap;
use tidelock_workload::{
    Carrier, Cell, Copies, MESSAGE_BYTES_MAX, Meter, Report, Spread, TICK_HZ, TICK_US, World as Workload, input,
};

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

/// Of the buttons of all inputs.
#[derive(Resource, Default)]
struct InputsSum(u64);

/// A server, its clients, and the way between them.
struct Stage {
    server: App,
    entities: Vec<Entity>,
    clients: Vec<Entity>,
    filter: FilterBit,
    input_channel: usize,
    real: Vec<App>,
    stubs: Stubs,
    down: Carrier<(usize, Bytes)>,
    down_reliable: Carrier<(usize, Bytes)>,
    up: Carrier<(usize, Bytes)>,
}

fn main() {
    let mut cell = Cell::of_this_program();
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
            stage.heal();
        }
        stage.step_clients(tick);
        stage.receive(tick, &mut meter);
        meter.tick(|laps| {
            write(&mut stage.server, &world, &stage.entities, &cell.variant);
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
    let mut report = Report::new("bevy_replicon-0.45.5", &cell, &meter, stage.real.len(), copies);
    report.own.insert("inputs_sum", stage.server.world().resource::<InputsSum>().0 as f64);
    report.print();
}

fn app(variant: &str) -> App {
    let mut app = App::new();
    let shared = RepliconSharedPlugin { auth_method: AuthMethod::None };
    app.add_plugins((MinimalPlugins, StatesPlugin, RepliconPlugins.set(shared).set(ServerPlugin::new(PostUpdate))))
        .insert_resource(TimeUpdateStrategy::ManualDuration(Duration::from_secs(1) / TICK_HZ))
        .init_resource::<InputsSum>();
    register(&mut app, variant);
    app.add_client_message::<Ask>(Channel::Unreliable)
        .add_systems(Update, take_inputs.run_if(in_state(ServerState::Running)));
    app.finish();
    app
}

fn take_inputs(mut asks: MessageReader<FromClient<Ask>>, mut sum: ResMut<InputsSum>) {
    for ask in asks.read() {
        sum.0 += u64::from(ask.message.buttons);
    }
}

impl Stage {
    fn new(cell: &Cell, world: &Workload) -> Self {
        let mut server = app(&cell.variant);
        let filter = server.world_mut().resource_scope(|world, mut filters: Mut<FilterRegistry>| {
            world.resource_scope(|world, mut registry: Mut<ReplicationRegistry>| {
                filters.register_scope::<Entity>(world, &mut registry, ScopeLifetime::WhileVisible)
            })
        });
        let input_channel = server.world().resource::<RepliconChannels>().client_channels().len() - 1;
        server.world_mut().resource_mut::<NextState<ServerState>>().set(ServerState::Running);
        server.update();
        let entities: Vec<Entity> =
            world.entities.iter().map(|state| spawn(server.world_mut(), state, &cell.variant)).collect();
        let connected = |_| server.world_mut().spawn(ConnectedClient { max_size: MESSAGE_BYTES_MAX }).id();
        let clients: Vec<Entity> = (0..cell.clients).map(connected).collect();
        if cell.interest {
            for client in &clients {
                let mut visibility =
                    server.world_mut().get_mut::<ClientVisibility>(*client).expect("the library adds it");
                entities.iter().for_each(|entity| visibility.set(*entity, filter, false));
            }
        }
        let real = cell.real.min(cell.clients);
        let spread = cell.spread.then_some(&Spread::WIDE);
        Self {
            server,
            entities,
            filter,
            input_channel,
            real: (0..real).map(|_| client_app(&cell.variant)).collect(),
            stubs: Stubs::new(cell.clients),
            down: Carrier::new(cell.clients, spread, false),
            down_reliable: Carrier::new(cell.clients, spread, false),
            up: Carrier::new(cell.clients, spread, true),
            clients,
        }
    }

    /// Clients take what has arrived, and answer. Untimed.
    fn step_clients(&mut self, tick: u64) {
        let now_us = tick * TICK_US;
        for client in 0..self.clients.len() {
            let next = |down: &mut Carrier<_>| down.poll(client, now_us);
            let tidelock_workload::Input { towards, look, buttons } = input(client, tick);
            let ask = Ask { towards, look, buttons };
            if let Some(app) = self.real.get_mut(client) {
                let mut messages = app.world_mut().resource_mut::<ClientMessages>();
                while let Some((channel, message)) = next(&mut self.down_reliable).or_else(|| next(&mut self.down)) {
                    messages.insert_received(channel, message);
                }
                app.world_mut().write_message(ask);
                app.update();
                for (channel, message) in app.world_mut().resource_mut::<ClientMessages>().drain_sent() {
                    self.up.send(client, now_us, (channel, message));
                }
            } else {
                while next(&mut self.down_reliable).is_some() {}
                while let Some((channel, message)) = next(&mut self.down) {
                    debug_assert_eq!(channel, usize::from(ServerChannel::Mutations));
                    self.stubs.take(client, &message);
                }
                self.up.send(client, now_us, (self.input_channel, Stubs::encode(&ask)));
                if let Some(acks) = self.stubs.acks(client) {
                    self.up.send(client, now_us, (0, acks));
                }
            }
        }
    }

    fn receive(&mut self, tick: u64, meter: &mut Meter) {
        let mut messages = self.server.world_mut().resource_mut::<ServerMessages>();
        for (client, entity) in self.clients.iter().enumerate() {
            while let Some((channel, message)) = self.up.poll(client, tick * TICK_US) {
                meter.on_received(message.len());
                messages.insert_received(*entity, channel, message);
            }
        }
    }

    /// Tells the library who came into whose sight, and who left it.
    fn show(&mut self, world: &Workload) {
        for (client, entity) in self.clients.iter().enumerate() {
            let mut visibility =
                self.server.world_mut().get_mut::<ClientVisibility>(*entity).expect("the library adds it");
            for (news, is_visible) in [(&world.entered[client], true), (&world.left[client], false)] {
                for index in news {
                    visibility.set(self.entities[*index as usize], self.filter, is_visible);
                }
            }
        }
    }

    fn send(&mut self, tick: u64, meter: &mut Meter) {
        let now_us = tick * TICK_US;
        let sent: Vec<_> = self.server.world_mut().resource_mut::<ServerMessages>().drain_sent().collect();
        for (entity, channel, message) in sent {
            let client = self.clients.iter().position(|client| *client == entity).expect("it is one of them");
            meter.on_sent(message.len());
            if channel == usize::from(ServerChannel::Mutations) {
                self.down.send(client, now_us, (channel, message));
            } else {
                self.down_reliable.send_reliably(client, now_us, (channel, message));
            }
        }
    }

    fn heal(&mut self) {
        [&mut self.down, &mut self.down_reliable, &mut self.up].into_iter().for_each(Carrier::heal);
    }

    fn copies(&mut self, cell: &Cell, world: &Workload) -> Copies {
        let mut copies = Copies::default();
        for (client, app) in self.real.iter_mut().enumerate() {
            app.update();
            let ecs = app.world();
            let map = ecs.resource::<ServerEntityMap>().to_client();
            for (index, (entity, state)) in self.entities.iter().zip(&world.entities).enumerate() {
                let is_meant = !cell.interest || world.visible_to(client)[index];
                let held = map.get(entity).map(|entity| ecs.entity(*entity));
                copies.count(is_meant, held.map(|held| is_right(&held, state, &cell.variant)));
            }
        }
        copies
    }
}

fn client_app(variant: &str) -> App {
    let mut app = app(variant);
    app.world_mut().resource_mut::<NextState<ClientState>>().set(ClientState::Connected);
    app.update();
    app
}
