use bevy_ecs::message::{Message, Messages};
use bevy_ecs::world::World;
use tidelock::ClientId;
use tidelock::state::{Delivery, Event, EventRate};

/// An event that a client sent, for the game's systems to read in the tick after it arrived.
#[derive(Clone, Debug)]
pub struct FromClient<E: Event> {
    /// Who sent it.
    pub client_id: ClientId,
    /// What it sent. Its fields may hold anything that its types allow.
    pub event: E,
}

impl<E: Event> Message for FromClient<E> {}

/// An event for clients, delivered as its type says. Write it with a `MessageWriter`.
#[derive(Clone, Debug)]
pub struct ToClients<E: Event> {
    /// Who is to receive it.
    pub to: Recipients,
    /// What they receive.
    pub event: E,
}

impl<E: Event> Message for ToClients<E> {}

/// Whom an event goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipients {
    /// Every client that plays.
    All,
    /// Every client that plays, but one.
    AllBut(ClientId),
    /// One client.
    One(ClientId),
}

impl Recipients {
    /// Whether `client_id` is among them.
    #[must_use]
    pub fn include(self, client_id: ClientId) -> bool {
        match self {
            Self::All => true,
            Self::AllBut(other) => client_id != other,
            Self::One(one) => client_id == one,
        }
    }
}

/// An event of the game with its type erased, encoded.
#[derive(Clone, Debug)]
pub(crate) struct OutgoingEvent {
    pub(crate) to: Recipients,
    pub(crate) event_index: u8,
    pub(crate) body: Vec<u8>,
}

/// One of the game's event types, with its name erased.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventType {
    /// Gives a client's event to the game; false if the bytes are none.
    pub(crate) receive: fn(&mut World, ClientId, &[u8]) -> bool,
    /// Takes what the game sent in this tick, and forgets what it has read.
    pub(crate) drain: fn(&mut World, u8, &mut Vec<OutgoingEvent>),
    pub(crate) delivery: Delivery,
    /// What is taken from one client.
    pub(crate) rate: EventRate,
}

impl EventType {
    pub(crate) fn of<E: Event>() -> Self {
        Self {
            receive: |world, client_id, body| {
                let Ok(event) = bitcode::decode::<E>(body) else { return false };
                world.resource_mut::<Messages<FromClient<E>>>().write(FromClient { client_id, event });
                true
            },
            drain: |world, event_index, out| {
                world.resource_mut::<Messages<FromClient<E>>>().clear();
                let mut messages = world.resource_mut::<Messages<ToClients<E>>>();
                let encode =
                    |sent: ToClients<E>| OutgoingEvent { to: sent.to, event_index, body: bitcode::encode(&sent.event) };
                out.extend(messages.drain().map(encode));
            },
            delivery: E::DELIVERY,
            rate: E::RATE,
        }
    }
}
