//! The baseline without a library: all that a client sees, in full, each tick, encoded by bitcode.
//!
//! Variants: none, encoded for each client; `shared`, encoded once and copied, where everybody sees everything.

use bitcode::{Decode, Encode};
use tidelock_workload::heap::CountingHeap;
use tidelock_workload::{Cell, Copies, Meter, Report, State, World, input};

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

#[derive(Encode, Decode)]
struct Snapshot {
    tick: u32,
    entities: Vec<Entity>,
}

#[derive(Encode, Decode, Clone, Copy)]
struct Entity {
    index: u32,
    position: [f32; 3],
    velocity: [f32; 3],
    yaw: f32,
    health: u8,
}

#[derive(Encode, Decode)]
struct Ask {
    towards: [f32; 2],
    look: [f32; 2],
    buttons: u16,
}

#[derive(Default)]
struct Server {
    buffer: bitcode::Buffer,
    entities: Vec<Entity>,
    outbox: Vec<Vec<u8>>,
    inputs_sum: u64,
}

impl Server {
    fn take_inputs(&mut self, inputs: &[Vec<u8>]) {
        for bytes in inputs {
            let ask: Ask = bitcode::decode(bytes).expect("clients encode well");
            self.inputs_sum += u64::from(ask.buttons) + u64::from(ask.towards[0] + ask.look[0] > 9.0);
        }
    }

    fn send(&mut self, tick: u32, world: &World, cell: &Cell) {
        self.outbox.clear();
        if cell.variant == "shared" {
            let bytes = self.encode(tick, world, |_| true);
            self.outbox.extend((0..cell.clients).map(|_| bytes.clone()));
        } else {
            for client in 0..cell.clients {
                let visible = world.visible_to(client);
                let bytes = self.encode(tick, world, |index| !cell.interest || visible[index]);
                self.outbox.push(bytes);
            }
        }
    }

    fn encode(&mut self, tick: u32, world: &World, is_visible: impl Fn(usize) -> bool) -> Vec<u8> {
        let mut entities = std::mem::take(&mut self.entities);
        entities.clear();
        let all = world.entities.iter().enumerate().filter(|(index, _)| is_visible(*index));
        entities.extend(all.map(|(index, state)| Entity::new(index as u32, state)));
        let snapshot = Snapshot { tick, entities };
        let bytes = self.buffer.encode(&snapshot).to_vec();
        self.entities = snapshot.entities;
        bytes
    }
}

impl Entity {
    fn new(index: u32, state: &State) -> Self {
        let State { position, velocity, yaw, health } = *state;
        Self { index, position, velocity, yaw, health }
    }

    fn is(&self, state: &State) -> bool {
        (self.position, self.velocity, self.yaw, self.health)
            == (state.position, state.velocity, state.yaw, state.health)
    }
}

fn main() {
    let mut cell = Cell::of_this_program();
    assert!(!cell.spread, "full states need no acks, and what is lost of them is lost");
    assert!(cell.variant.is_empty() || (cell.variant == "shared" && !cell.interest), "no such variant here");
    let mut world = cell.world_of_this_program();
    let (mut meter, mut server) = (Meter::default(), Server::default());
    for tick in 0..cell.warmup_ticks + cell.ticks {
        meter.set_on(tick >= cell.warmup_ticks);
        world.step();
        if cell.interest {
            world.look();
        }
        let inputs: Vec<Vec<u8>> = (0..cell.clients)
            .map(|client| {
                let tidelock_workload::Input { towards, look, buttons } = input(client, tick);
                bitcode::encode(&Ask { towards, look, buttons })
            })
            .collect();
        inputs.iter().for_each(|bytes| meter.on_received(bytes.len()));
        meter.tick(|laps| {
            server.take_inputs(&inputs);
            laps.end("receive");
            server.send(tick as u32, &world, &cell);
            laps.end("send");
        });
        server.outbox.iter().for_each(|bytes| meter.on_sent(bytes.len()));
    }
    let mut copies = Copies::default();
    for (client, bytes) in server.outbox.iter().enumerate() {
        let snapshot: Snapshot = bitcode::decode(bytes).expect("servers encode well");
        let mut held = snapshot.entities.iter().peekable();
        for (index, state) in (0..).zip(&world.entities) {
            let entity = held.next_if(|entity| entity.index == index);
            let is_meant = !cell.interest || world.visible_to(client)[index as usize];
            copies.count(is_meant, entity.map(|entity| entity.is(state)));
        }
    }
    let mut report = Report::new("bitcode-0.6.9, full state", &cell, &meter, cell.clients, copies);
    report.own.insert("inputs_sum", server.inputs_sum as f64);
    report.print();
}
