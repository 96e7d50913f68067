//! An engine and somebody who passed netcode, and says what he likes: payloads of any bytes, genuine ones changed, and
//! messages and inputs of any bytes behind an honest head. A bystander does not notice.

use super::conversation::{CLIENT_ID, conversation};
use super::engine_stage::EngineStage;
use super::input::Input;
use super::mutation::mutate;
use super::peer::Peer;
use tidelock::netcode::PAYLOAD_BYTES_MAX;

/// After a byte for how far attacker and bystander have come, each step is something that he says, or a tick.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut attack = Attack::new(input.byte());
    while let Some(step) = input.step() {
        match step % 8 {
            0 | 1 => attack.tick(),
            2 => attack.say(input.block(PAYLOAD_BYTES_MAX)),
            3 if step & 0x80 == 0 => attack.queue_hello(usize::from(step / 8), &mut input),
            3 => attack.come_back(step & 8 == 0),
            4 | 5 => attack.say_changed(usize::from(step / 8), &mut input),
            _ => attack.say_framed(step, &mut input),
        }
        attack.check();
    }
    attack.end();
}

/// Who must not notice.
const BYSTANDER: u64 = 2;
/// Ticks in one run at most: below what a client's silence may last.
const TICKS_MAX: u32 = 60;

/// The attacker's connections in one run at most.
const CONNECTIONS_MAX: u64 = 3;

struct Attack {
    stage: EngineStage,
    attacker: Peer,
    bystander: Option<Peer>,
    ticks: u32,
}

impl Attack {
    fn new(progress: u8) -> Self {
        let mut stage = EngineStage::new();
        let bystander = progress.is_multiple_of(3).then(|| Peer::connect(BYSTANDER, &mut stage));
        let mut attack = Self { attacker: Peer::connect(CLIENT_ID, &mut stage), stage, bystander, ticks: 0 };
        if let Some(bystander) = &mut attack.bystander {
            bystander.greet(&mut attack.stage);
        }
        if progress & 1 == 0 {
            attack.attacker.greet(&mut attack.stage);
            attack.tick();
            attack.attacker.say_framed(&[0], &mut attack.stage);
        }
        attack
    }

    /// The bystander speaks, the engine ticks, and both take what it says.
    fn tick(&mut self) {
        self.ticks += 1;
        if self.ticks > TICKS_MAX {
            return;
        }
        let Self { stage, attacker, bystander, .. } = self;
        if let Some(bystander) = bystander {
            bystander.say_framed(&[0], stage);
        }
        let tick = stage.engine.tick_number();
        let mut bytes_out = 0;
        stage.tick(|to, packet, now| {
            bytes_out += packet.len();
            assert!(packet.len() <= 1_225, "a packet of {} bytes", packet.len());
            let peers = bystander.iter_mut().chain([&mut *attacker]);
            peers.filter(|peer| to == peer.address).for_each(|peer| peer.hear(packet, now));
        });
        assert!(bytes_out <= 64 * 1_225, "{bytes_out} bytes in one tick");
        assert_eq!(stage.engine.tick_number(), tick.next());
    }

    fn say(&mut self, payload: &[u8]) {
        self.attacker.say(payload, &mut self.stage);
    }

    fn say_changed(&mut self, number: usize, input: &mut Input<'_>) {
        let up = &conversation().up;
        let mut payload = up[number % up.len()].clone();
        mutate(&mut payload, input, PAYLOAD_BYTES_MAX);
        self.say(&payload);
    }

    /// What a client says when it is new or comes back, changed.
    fn queue_hello(&mut self, number: usize, input: &mut Input<'_>) {
        let mut hello = conversation().hellos[number % 2].clone();
        mutate(&mut hello, input, 4_096);
        self.attacker.queue(&hello);
    }

    /// He logs in once more.
    fn come_back(&mut self, has_moved: bool) {
        if self.attacker.connections < CONNECTIONS_MAX {
            self.attacker.come_back(has_moved, &mut self.stage);
        }
    }

    /// An honest head with messages, honestly cut but of any bytes, then any bytes where inputs are expected.
    fn say_framed(&mut self, step: u8, input: &mut Input<'_>) {
        if step & 0x80 != 0 {
            self.attacker.queue(input.block(600));
        }
        self.attacker.say_framed(input.block(100), &mut self.stage);
    }

    fn check(&self) {
        let engine = &self.stage.engine;
        assert!(engine.client_count() as u64 <= 1 + self.attacker.connections, "{}", engine.client_count());
        assert!(engine.stats().payloads_malformed <= self.attacker.said, "each of the attacker's counts once at most");
        assert_eq!(engine.stats().disconnects.timeout, 0);
    }

    /// The game goes on as if nothing had been.
    fn end(&mut self) {
        self.tick();
        let entities = self.stage.engine.entity_count();
        assert!((8..=10).contains(&entities), "the yard's and the players': {entities}");
        assert!(self.bystander.is_none() || self.stage.is_connected(BYSTANDER));
    }
}
