use super::session::Session;
use super::stats::InputCounts;
use crate::game::{InputType, TickInput};
use bevy_ecs::world::World;
use tidelock::netcode::Slot;
use tidelock::{ClientId, Tick};

/// All sessions, by their netcode slot.
#[derive(Debug)]
pub(crate) struct Sessions {
    slots: Vec<Option<Box<Session>>>,
    len: usize,
}

impl Sessions {
    pub(crate) fn new(max_clients: usize) -> Self {
        Self { slots: (0..max_clients).map(|_| None).collect(), len: 0 }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn insert(&mut self, session: Session) {
        let slot = session.slot.index();
        assert!(self.slots[slot].is_none(), "netcode gives a slot to one client at a time");
        self.slots[slot] = Some(Box::new(session));
        self.len += 1;
    }

    pub(crate) fn remove(&mut self, slot: Slot) -> Option<Box<Session>> {
        let session = self.slots[slot.index()].take()?;
        self.len -= 1;
        Some(session)
    }

    pub(crate) fn at_mut(&mut self, slot: Slot) -> Option<&mut Session> {
        self.slots[slot.index()].as_deref_mut()
    }

    pub(crate) fn of_client_mut(&mut self, client_id: ClientId) -> Option<&mut Session> {
        self.iter_mut().find(|session| session.client_id == client_id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.slots.iter().filter_map(Option::as_deref)
    }

    /// By ascending slot: the order in which everything happens.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        self.slots.iter_mut().filter_map(Option::as_deref_mut)
    }

    /// Gives the game one input of each player.
    pub(crate) fn deliver_inputs(&mut self, tick: Tick, input: InputType, world: &mut World, counts: &mut InputCounts) {
        let playing = self.iter_mut().filter(|session| session.is_playing());
        let inputs: Vec<TickInput<'_>> = playing
            .map(|session| {
                let lanes = session.inputs.take(tick, input, counts);
                TickInput { client_id: session.client_id, lanes }
            })
            .collect();
        (input.deliver)(world, &inputs);
    }
}
