use super::backend::{SERVER, START, START_UNIX_S, fresh_token, home, server, token};
use super::engine_stage::EngineStage;
use super::game::{Shout, Walk};
use glam::Vec2;
use std::sync::{Arc, OnceLock};
use tidelock::bits::BitReader;
use tidelock::netcode::{Client as Netcode, PACKET_BYTES_MAX, Server, ServerEvent};
use tidelock::state::Schema;
use tidelock::wire::Connection;
use tidelock::{ClientId, Instant, Tick};
use tidelock_sim::client::{Client, ClientConfig, Status};

/// What a client and an engine said to each other in a second of play, as it is every time: payloads as they are before
/// netcode encrypts them. It comes from the real ones, so that it is what they say whatever the format is.
#[derive(Debug)]
pub struct Conversation {
    /// The game's.
    pub schema: Arc<Schema>,
    /// Payloads from the client, the hello first.
    pub up: Vec<Vec<u8>>,
    /// Payloads to the client.
    pub down: Vec<Vec<u8>>,
    /// Who does the same again gets the same client, until it loses its connection.
    pub turns: Vec<Turn>,
    /// What the client says first: when it is new, and when it comes back.
    pub hellos: Vec<Vec<u8>>,
}

/// The client plays, then it hears what the engine says.
#[derive(Clone, Debug)]
pub struct Turn {
    /// When it plays.
    pub played_at: Instant,
    /// When it hears.
    pub heard_at: Instant,
    /// What it hears; some of what was said is lost.
    pub heard: Vec<Heard>,
}

/// What arrived at the client.
#[derive(Clone, Debug)]
pub enum Heard {
    /// A packet of netcode's own.
    Packet(Vec<u8>),
    /// A payload: its place in [`Conversation::down`].
    Payload(usize),
}

/// Turns of a conversation, until the client loses its connection, ...
const TURNS: u32 = 72;
/// ... and after it has come back.
const TURNS_RESUMED: u32 = 16;
/// Whose words are recorded.
pub const CLIENT_ID: u64 = 1;

/// The recording, made once.
pub fn conversation() -> &'static Conversation {
    static CONVERSATION: OnceLock<Conversation> = OnceLock::new();
    CONVERSATION.get_or_init(|| {
        let mut recording = Recording::new();
        (0..TURNS).for_each(|number| recording.turn(number));
        recording.resume();
        recording.kick();
        let conversation = recording.conversation;
        assert!(conversation.up.len() > 40 && conversation.down.len() > 40, "they understood each other");
        assert_eq!(conversation.hellos.len(), 2);
        conversation
    })
}

/// Beside each end stands a netcode of its own that opens what the other end said.
struct Recording {
    conversation: Conversation,
    stage: EngineStage,
    client: Client<Walk>,
    opens_up: Server,
    opens_down: Netcode,
    packets: usize,
    /// Hears the client, until it has said its first message.
    listener: Option<Connection<()>>,
}

impl Recording {
    fn new() -> Self {
        let stage = EngineStage::new();
        let schema = Arc::new(stage.engine.schema().clone());
        let config = ClientConfig { token: token(CLIENT_ID), schema: schema.clone() };
        Self {
            conversation: Conversation {
                schema,
                up: Vec::new(),
                down: Vec::new(),
                turns: Vec::new(),
                hellos: Vec::new(),
            },
            stage,
            client: Client::new(config, START),
            opens_up: server(2),
            opens_down: Netcode::new(token(CLIENT_ID), START),
            packets: 0,
            listener: Some(Connection::new(1 << 16)),
        }
    }

    /// The client plays, then the engine ticks. One packet in nine is lost, so that acks have gaps and things are said
    /// again.
    fn turn(&mut self, number: u32) {
        let played_at = self.stage.now;
        for mut packet in play(&mut self.client, number, played_at) {
            self.note_up(&packet, played_at);
            if !self.is_lost() {
                self.stage.handle(home(CLIENT_ID), &mut packet);
            }
        }
        let mut sent = Vec::new();
        self.stage.tick(|to, packet, _| sent.extend((to == home(CLIENT_ID)).then(|| packet.to_vec())));
        let mut turn = Turn { played_at, heard_at: self.stage.now, heard: Vec::new() };
        for mut packet in sent {
            let heard = self.note_down(&packet, turn.heard_at);
            if !self.is_lost() {
                self.client.handle_datagram(SERVER, &mut packet, turn.heard_at);
                turn.heard.push(heard);
            }
        }
        self.conversation.turns.push(turn);
    }

    /// The client loses its connection, and comes back with a new token. What it says then is kept, but is no turn.
    fn resume(&mut self) {
        let turns = self.conversation.turns.len();
        self.client.resume(fresh_token(CLIENT_ID, 1), self.stage.now);
        self.opens_down = Netcode::new(fresh_token(CLIENT_ID, 1), self.stage.now);
        self.listener = Some(Connection::new(1 << 16));
        self.packets = 0;
        (TURNS..TURNS + TURNS_RESUMED).for_each(|number| self.turn(number));
        assert_eq!(self.client.status(), Status::Playing);
        self.conversation.turns.truncate(turns);
    }

    /// The server says why it closes the connection.
    fn kick(&mut self) {
        assert!(self.stage.engine.kick(ClientId(CLIENT_ID), self.stage.now));
        let mut sent = Vec::new();
        (0..3).for_each(|_| self.stage.tick(|_, packet, now| sent.push((packet.to_vec(), now))));
        sent.iter().for_each(|(packet, now)| drop(self.note_down(packet, *now)));
    }

    /// The handshake comes through.
    fn is_lost(&mut self) -> bool {
        self.packets += 1;
        self.packets > 12 && self.packets.is_multiple_of(9)
    }

    fn note_up(&mut self, packet: &[u8], at: Instant) {
        let mut packet = packet.to_vec();
        let event = self.opens_up.handle_datagram(home(CLIENT_ID), &mut packet, at, START_UNIX_S);
        if let ServerEvent::Payload { payload, .. } = event {
            self.conversation.up.push(payload.to_vec());
            if let Some(hello) = self.listener.as_mut().and_then(|listener| first_message(listener, payload)) {
                self.conversation.hellos.push(hello);
                self.listener = None;
            }
        }
    }

    fn note_down(&mut self, packet: &[u8], at: Instant) -> Heard {
        let Some(payload) = self.opens_down.handle_datagram(SERVER, &mut packet.to_vec(), at).map(<[u8]>::to_vec)
        else {
            return Heard::Packet(packet.to_vec());
        };
        self.conversation.down.push(payload);
        Heard::Payload(self.conversation.down.len() - 1)
    }
}

fn first_message(listener: &mut Connection<()>, payload: &[u8]) -> Option<Vec<u8>> {
    let mut r = BitReader::new(payload);
    listener.read_header(&mut r).ok()??;
    listener.read_messages(&mut r).ok()?;
    listener.poll_message()
}

/// The client's half of a turn. Gives what it sends.
pub fn play(client: &mut Client<Walk>, turn: u32, now: Instant) -> Vec<Vec<u8>> {
    while client.next_tick().is_some_and(|due| due <= now) {
        let tick = client.client_tick().unwrap_or_default();
        client.tick(&walk(tick), now);
    }
    if turn % 10 == 5 {
        // Before it plays it cannot.
        let _ = client.send_event(&Shout(vec![turn as u8; 1 + turn as usize % 7]));
    }
    client.update(now);
    let (mut out, mut packets) = ([0; PACKET_BYTES_MAX], Vec::new());
    while let Some((len, _)) = client.poll_transmit(now, &mut out) {
        packets.push(out[..len].to_vec());
    }
    while client.poll_event().is_some() {}
    packets
}

/// What a player does: it walks about and spends a coin now and then.
#[must_use]
pub fn walk(tick: Tick) -> Walk {
    let phase = tick.0 as f32 * 0.1;
    Walk { towards: Vec2::new(wave(phase), wave(phase + 1.0)), spend: tick.0.is_multiple_of(20) }
}

/// From -1 to 1 and back.
fn wave(phase: f32) -> f32 {
    1.0 - (phase % 4.0 - 2.0).abs()
}
