//! From a player to nobody: closing with a reason, silence, absence.

use super::Engine;
use super::receive::deliver_events;
use super::session::{Phase, Session};
use std::time::Duration;
use tidelock::netcode::Slot;
use tidelock::wire::{CloseReason, Farewell, RejectReason};
use tidelock::{ClientId, Instant};

/// A client that does not acknowledge for so long what it is to forget never will.
const FORGET_TIMEOUT: Duration = Duration::from_secs(30);

/// What is to become of a session.
enum End {
    Reject(RejectReason),
    Close(CloseReason),
    /// It has been told why.
    Over,
}

impl Engine {
    /// Ends sessions that were silent, never said hello, or have been told why, and gives up on players who did not come
    /// back.
    pub(super) fn expire_sessions(&mut self, now: Instant) {
        while let Some(slot) = self.netcode.poll_timeout(now) {
            if self.sessions.at(slot).is_some_and(Session::is_open) {
                self.close(slot, CloseReason::Timeout, now);
            }
        }
        let short_of_slots = self.netcode.max_clients() - self.netcode.clients() < self.config.refusal_slots();
        let guests_stay = !short_of_slots && !self.draining;
        let leaving_ticks_max = FORGET_TIMEOUT.as_secs() as u32 * self.config.tick_hz;
        let period = self.config.tick_period();
        let mut ends = Vec::new();
        for session in self.sessions.iter_mut() {
            session.expire(now, self.tick, period, &mut self.history, &mut self.stats);
            // What has waited comes out of the allowance that ends here: a tick never gets more than one.
            deliver_events(session, &self.events, self.app.world_mut(), &mut self.stats);
            session.begin_tick(now, self.tick);
            let end = session.end(now, guests_stay, leaving_ticks_max);
            ends.extend(end.map(|end| (session.slot, end)));
        }
        for (slot, end) in ends {
            match end {
                End::Reject(reason) => self.reject(slot, reason, now),
                End::Close(reason) => self.close(slot, reason, now),
                End::Over => self.end_closed(slot),
            }
        }
        let roster = &mut self.roster;
        self.absentees.expire(now, self.tick, &mut self.history, |client_id| roster.leave(client_id));
    }

    /// Tells a client why, and disconnects it soon after. The game sees it leave at once, or go away if it may come back.
    pub(super) fn close(&mut self, slot: Slot, reason: CloseReason, now: Instant) {
        let Some(session) = self.sessions.at_mut(slot).filter(|session| session.is_open()) else { return };
        let was_playing = session.is_playing();
        if was_playing || reason == CloseReason::Kicked {
            self.stats.disconnects.count(reason);
        } else if reason == CloseReason::Banned {
            self.stats.rejected.count(RejectReason::Banned);
        }
        let messages_first = matches!(reason, CloseReason::Kicked | CloseReason::Banned | CloseReason::Shutdown);
        let client_id = session.client_id;
        let in_game = std::mem::take(&mut session.in_game);
        self.sessions.begin_closing(slot, Farewell::Closed(reason), messages_first && in_game, now);
        let Some(session) = self.sessions.at_mut(slot) else { return };
        let may_return = matches!(reason, CloseReason::Timeout | CloseReason::DuplicateLogin);
        if in_game && may_return && !self.config.resume_time.is_zero() {
            let views = std::mem::take(&mut session.views);
            self.absentees.insert(client_id, views, now + self.config.resume_time);
            if was_playing {
                self.roster.away(client_id);
            }
            return;
        }
        session.views.clear(&mut self.history, self.tick);
        if in_game {
            self.roster.leave(client_id);
        }
    }

    /// A client said goodbye.
    pub(super) fn on_left(&mut self, slot: Slot) {
        self.stats.disconnects.left += u64::from(self.sessions.at(slot).is_some_and(Session::is_playing));
        self.end_session(slot);
    }

    /// A player who is away is not to come back. Whether there was one.
    pub(super) fn forget_absentee(&mut self, client_id: ClientId) -> bool {
        let Some(mut views) = self.absentees.remove(client_id) else { return false };
        views.clear(&mut self.history, self.tick);
        self.roster.leave(client_id);
        true
    }

    /// Disconnects a session that has been told why.
    pub(super) fn end_closed(&mut self, slot: Slot) {
        self.netcode.disconnect(slot);
        self.end_session(slot);
    }

    /// Forgets a session whose netcode slot is free.
    fn end_session(&mut self, slot: Slot) {
        let Some(mut session) = self.sessions.remove(slot) else { return };
        session.views.clear(&mut self.history, self.tick);
        if session.in_game {
            self.roster.leave(session.client_id);
        }
    }
}

impl Session {
    /// What is to become of it now, if it is not to go on. `guests_stay`: nobody needs the place of one that says nothing.
    fn end(&self, now: Instant, guests_stay: bool, leaving_ticks_max: u32) -> Option<End> {
        match &self.phase {
            Phase::Hello { deadline } if now > *deadline && !guests_stay => {
                Some(End::Reject(RejectReason::HelloTimeout))
            }
            Phase::Welcoming { deadline } if now > *deadline && self.in_game => Some(End::Close(CloseReason::Timeout)),
            Phase::Welcoming { deadline } if now > *deadline => Some(End::Reject(RejectReason::JoinTimeout)),
            Phase::Playing { .. } if self.views.leaving_ticks() > leaving_ticks_max => {
                Some(End::Close(CloseReason::ProtocolError))
            }
            Phase::Closing(closing) if closing.is_over(now) => Some(End::Over),
            _ => None,
        }
    }
}
