use super::absentees::Absentees;
use super::closing::Closing;
use super::session::{Phase, Session};
use super::stats::InputCounts;
use crate::game::{InputType, TickInput};
use bevy_ecs::world::World;
use tidelock::netcode::Slot;
use tidelock::wire::Farewell;
use tidelock::{Instant, Tick};

/// All sessions, by their netcode slot.
#[derive(Debug)]
pub(crate) struct Sessions {
    slots: Vec<Option<Box<Session>>>,
    len: usize,
    /// Those who play or have been welcomed to.
    players: usize,
    /// The input of who asks for nothing, kept for its memory.
    nothing: Vec<u32>,
}

impl Sessions {
    pub(crate) fn new(slots: usize) -> Self {
        Self { slots: (0..slots).map(|_| None).collect(), len: 0, players: 0, nothing: Vec::new() }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn player_count(&self) -> usize {
        self.players
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
        self.players -= usize::from(session.may_play());
        Some(session)
    }

    /// From now on this session may play.
    pub(crate) fn welcome(&mut self, slot: Slot, deadline: Instant) {
        let Some(session) = self.slots[slot.index()].as_deref_mut() else { return };
        self.players += usize::from(!session.may_play());
        session.phase = Phase::Welcoming { deadline };
    }

    /// The session is over: from now on it says nothing but why, at most after the messages that wait.
    pub(crate) fn begin_closing(&mut self, slot: Slot, farewell: Farewell, messages_first: bool, now: Instant) {
        let Some(session) = self.slots[slot.index()].as_deref_mut() else { return };
        self.players -= usize::from(session.may_play());
        session.phase = Phase::Closing(Closing::new(farewell, messages_first, now));
    }

    pub(crate) fn at(&self, slot: Slot) -> Option<&Session> {
        self.slots[slot.index()].as_deref()
    }

    pub(crate) fn at_mut(&mut self, slot: Slot) -> Option<&mut Session> {
        self.slots[slot.index()].as_deref_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.slots.iter().filter_map(Option::as_deref)
    }

    /// Those of all slots up to the last that is in use.
    pub(crate) fn slots_mut(&mut self) -> &mut [Option<Box<Session>>] {
        let end = self.slots.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        &mut self.slots[..end]
    }

    /// By ascending slot: the order in which everything happens.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        self.slots.iter_mut().filter_map(Option::as_deref_mut)
    }

    /// Gives the game one input of each player. Who is away asks for nothing.
    pub(crate) fn deliver_inputs(
        &mut self,
        tick: Tick,
        input: InputType,
        absentees: &Absentees,
        world: &mut World,
        counts: &mut InputCounts,
    ) {
        let mut nothing = std::mem::take(&mut self.nothing);
        nothing.resize(input.lane_count, 0);
        (input.default)(&mut nothing);
        let present = self.iter_mut().filter(|session| session.in_game).map(|session| {
            let lanes = if session.is_playing() { session.inputs.take(tick, input, counts) } else { &nothing };
            TickInput { client_id: session.client_id, lanes }
        });
        let away = absentees.iter().map(|client_id| TickInput { client_id, lanes: &nothing });
        (input.deliver)(world, &mut present.chain(away));
        self.nothing = nothing;
    }
}
