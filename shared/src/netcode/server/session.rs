use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use hashbrown::HashMap;

use super::Slot;
use crate::netcode::cipher::Protocol;
use crate::netcode::deadlines::Deadlines;
use crate::netcode::keyed_hash::KeyedHash;
use crate::netcode::packet::Body;
use crate::netcode::replay::ReplayWindow;
use crate::netcode::{Key, SEND_INTERVAL};
use crate::{Buffer, ClientId, Instant};

/// A connected client.
pub(super) struct Session {
    pub(super) address: SocketAddr,
    pub(super) client_id: ClientId,
    pub(super) client_to_server: Key,
    pub(super) server_to_client: Key,
    pub(super) replay: ReplayWindow,
    pub(super) confirmed: bool,
    /// Whether it waits in [`Sessions::greetings`].
    greeted: bool,
    timeout: Option<Duration>,
    /// Of the next packet to the client.
    sequence: u64,
}

impl Session {
    pub(super) fn new(address: SocketAddr, client_id: ClientId, keys: [Key; 2], timeout: Option<Duration>) -> Self {
        let [client_to_server, server_to_client] = keys;
        Self {
            address,
            client_id,
            client_to_server,
            server_to_client,
            replay: ReplayWindow::new(),
            confirmed: false,
            greeted: false,
            timeout,
            sequence: 0,
        }
    }

    pub(super) fn seal(&mut self, body: Body<'_>, out: &mut [u8], protocol: Protocol) -> usize {
        let len = body.seal(out, self.sequence, &self.server_to_client, protocol);
        self.sequence += 1;
        len
    }
}

/// The slots and who is in them.
pub(super) struct Sessions {
    slots: Vec<Option<Session>>,
    free: Vec<u16>,
    by_client: HashMap<ClientId, Slot, KeyedHash>,
    timeouts: Deadlines,
    keep_alives: Deadlines,
    /// Who gets a keep-alive at once, because nothing tells yet that they know their slot.
    greetings: VecDeque<Slot>,
}

impl Sessions {
    pub(super) fn new(max_clients: usize, hash: KeyedHash) -> Self {
        let count = u16::try_from(max_clients).expect("at most 16,640 slots");
        Self {
            slots: (0..max_clients).map(|_| None).collect(),
            free: (0..count).rev().collect(),
            by_client: HashMap::with_capacity_and_hasher(max_clients, hash),
            timeouts: Deadlines::new(max_clients),
            keep_alives: Deadlines::new(max_clients),
            greetings: VecDeque::with_capacity(max_clients),
        }
    }

    pub(super) fn max(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Who is known, by slot, by client id, and who waits to be told its slot.
    pub(super) fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        see(Buffer { name: "clients by id", len: self.by_client.len(), max: self.max() });
        see(Buffer { name: "greetings", len: self.greetings.len(), max: self.max() });
    }

    pub(super) fn is_full(&self) -> bool {
        self.free.is_empty()
    }

    pub(super) fn at(&self, slot: Slot) -> Option<&Session> {
        self.slots.get(slot.index())?.as_ref()
    }

    pub(super) fn slots_mut(&mut self) -> &mut [Option<Session>] {
        &mut self.slots
    }

    pub(super) fn at_mut(&mut self, slot: Slot) -> Option<&mut Session> {
        self.slots.get_mut(slot.index())?.as_mut()
    }

    pub(super) fn of_client(&self, client_id: ClientId) -> Option<Slot> {
        self.by_client.get(&client_id).copied()
    }

    pub(super) fn connected(&self) -> impl Iterator<Item = Slot> + '_ {
        (0u16..).zip(&self.slots).filter(|(_, session)| session.is_some()).map(|(index, _)| Slot(index))
    }

    /// Gives a client a slot, which is from now on where its id is. Its first keep-alive is due at once.
    pub(super) fn begin(&mut self, session: Session, now: Instant) -> Option<Slot> {
        let slot = Slot(self.free.pop()?);
        self.by_client.insert(session.client_id, slot);
        self.slots[slot.index()] = Some(session);
        self.sent(slot, now);
        self.heard(slot, now);
        Some(slot)
    }

    pub(super) fn end(&mut self, slot: Slot) -> Option<Session> {
        let session = self.slots.get_mut(slot.index())?.take()?;
        if self.by_client.get(&session.client_id) == Some(&slot) {
            self.by_client.remove(&session.client_id);
        }
        self.timeouts.clear(slot.index());
        self.keep_alives.clear(slot.index());
        self.free.push(slot.0);
        Some(session)
    }

    /// Notes that an authentic packet came.
    pub(super) fn heard(&mut self, slot: Slot, now: Instant) {
        if let Some(timeout) = self.at(slot).and_then(|session| session.timeout) {
            self.timeouts.set(slot.index(), now + timeout);
        }
    }

    /// Notes that a packet went out. A client that was not heard in its session may not know its slot yet: it is told
    /// again before the next payload.
    pub(super) fn sent(&mut self, slot: Slot, now: Instant) {
        self.keep_alives.set(slot.index(), now + SEND_INTERVAL);
        let room = self.greetings.len() < self.slots.len();
        let Some(session) = self.at_mut(slot) else { return };
        if room && !session.confirmed && !session.greeted {
            session.greeted = true;
            self.greetings.push_back(slot);
        }
    }

    /// A client whose keep-alive is due: it waits to be greeted, or nothing was sent to it for a while.
    pub(super) fn poll_keep_alive(&mut self, now: Instant) -> Option<Slot> {
        let slot = self.poll_greeting().or_else(|| self.keep_alives.poll(now).map(|index| Slot(index as u16)))?;
        self.keep_alives.set(slot.index(), now + SEND_INTERVAL);
        Some(slot)
    }

    /// Who has left meanwhile is passed over.
    fn poll_greeting(&mut self) -> Option<Slot> {
        loop {
            let slot = self.greetings.pop_front()?;
            if self.at_mut(slot).is_some_and(|session| core::mem::take(&mut session.greeted)) {
                return Some(slot);
            }
        }
    }

    /// Whether a keep-alive is due at once.
    pub(super) fn has_greetings(&self) -> bool {
        !self.greetings.is_empty()
    }

    /// A client of whom nothing was heard for too long.
    pub(super) fn poll_timeout(&mut self, now: Instant) -> Option<Slot> {
        self.timeouts.poll(now).map(|index| Slot(index as u16))
    }

    pub(super) fn next_wakeup(&self) -> Option<Instant> {
        self.timeouts.next().into_iter().chain(self.keep_alives.next()).min()
    }
}
