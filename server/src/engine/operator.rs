//! What an operator sees of the engine, and can tell it.

use super::session::{Phase, Session};
use super::{ClientStatus, Engine, EngineConfig, Outbox, Stats};
use core::net::SocketAddr;
use tidelock::netcode::Slot;
use tidelock::state::Schema;
use tidelock::wire::CloseReason;
use tidelock::{ClientId, Instant, Tick};

impl Engine {
    /// What it was started with.
    #[must_use]
    pub const fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// What the game replicates.
    #[must_use]
    pub const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Everything counted so far.
    #[must_use]
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The same, to take the samples.
    pub const fn stats_mut(&mut self) -> &mut Stats {
        &mut self.stats
    }

    /// Datagrams that netcode refused, by reason.
    pub fn netcode_drops(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.netcode.drops().iter().map(|(reason, count)| (reason.name(), count))
    }

    /// What waits to be sent. Send it, then clear it.
    pub const fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// The last tick that ran.
    #[must_use]
    pub const fn tick_number(&self) -> Tick {
        self.tick
    }

    /// Clients that are connected, those being told to leave included.
    #[must_use]
    pub const fn client_count(&self) -> usize {
        self.sessions.len()
    }

    /// Clients that play or are about to: they have been welcomed.
    #[must_use]
    pub const fn player_count(&self) -> usize {
        self.sessions.player_count()
    }

    /// Players whose connection is gone, and who may come back to their place in the game.
    #[must_use]
    pub fn absent_count(&self) -> usize {
        self.absentees.len()
    }

    /// Players of the game: those who have joined, and of these also who is away and may come back.
    #[must_use]
    pub const fn roster_len(&self) -> usize {
        self.roster.len()
    }

    /// Entities that are replicated.
    #[must_use]
    pub const fn entity_count(&self) -> usize {
        self.history.entity_count()
    }

    /// The most bytes that the history of one entity takes.
    #[must_use]
    pub fn entity_bytes_max(&self) -> usize {
        self.history.entity_bytes_max()
    }

    /// All clients, for people to look at.
    #[must_use]
    pub fn clients(&self) -> Vec<ClientStatus> {
        self.sessions.iter().map(Session::status).collect()
    }

    /// Disconnects a client, with a reason, and keeps no place for it. False if there is none of that id.
    pub fn kick(&mut self, client_id: ClientId, now: Instant) -> bool {
        self.remove(client_id, CloseReason::Kicked, now)
    }

    /// Refuses a client from now on, and disconnects it. False if it was not here.
    pub fn ban(&mut self, client_id: ClientId, now: Instant) -> bool {
        self.bans.insert(client_id);
        self.remove(client_id, CloseReason::Banned, now)
    }

    /// Lets a client in again. False if it was not refused.
    pub fn unban(&mut self, client_id: ClientId) -> bool {
        self.bans.remove(&client_id)
    }

    fn remove(&mut self, client_id: ClientId, reason: CloseReason, now: Instant) -> bool {
        let slot = self.netcode.slot_of(client_id);
        slot.into_iter().for_each(|slot| self.close(slot, reason, now));
        self.forget_absentee(client_id) || slot.is_some()
    }

    /// Sets where clients find the server: from now on, tokens have to name this address. Who is connected stays.
    pub fn set_public_address(&mut self, address: SocketAddr) {
        self.netcode.set_public_addresses(vec![address]).expect("one is not none");
    }

    /// Sets who is refused.
    pub fn set_bans(&mut self, bans: impl IntoIterator<Item = ClientId>) {
        self.bans = bans.into_iter().collect();
    }

    /// Who is refused, by ascending id.
    pub fn bans(&self) -> impl Iterator<Item = ClientId> {
        self.bans.iter().copied()
    }

    /// Refuses new players from now on.
    pub const fn drain(&mut self) {
        self.draining = true;
    }

    /// Whether new players are refused.
    #[must_use]
    pub const fn is_draining(&self) -> bool {
        self.draining
    }

    /// Tells every client that the server stops, and disconnects it. Keep ticking until none is left: at most a second,
    /// or ten ticks if those take longer.
    pub fn shut_down(&mut self, now: Instant) {
        self.draining = true;
        let slots: Vec<Slot> = self.sessions.iter().map(|session| session.slot).collect();
        slots.into_iter().for_each(|slot| self.close(slot, CloseReason::Shutdown, now));
        let absentees: Vec<ClientId> = self.absentees.iter().collect();
        for client_id in absentees {
            self.forget_absentee(client_id);
        }
    }
}

impl Session {
    fn status(&self) -> ClientStatus {
        let sent = self.connection.send_counts();
        let received = self.connection.receive_counts();
        let share = |lost: u64, of: u64| 100.0 * lost as f32 / of.max(1) as f32;
        ClientStatus {
            client_id: self.client_id,
            address: self.address,
            rtt: self.connection.rtt().smoothed(),
            loss_down_pct: share(sent.lost, sent.acked + sent.lost),
            loss_up_pct: share(received.expected.saturating_sub(received.received), received.expected),
            input_lead_ticks: self.inputs.lead_ticks(),
            joined_tick: if let Phase::Playing { since } = self.phase { Some(since) } else { None },
            rate_bytes_s: self.congestion.rate_bytes_s(),
            sent_bytes: self.sent_bytes,
            visible: self.visible_count(),
        }
    }
}
