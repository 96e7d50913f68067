//! When everything sent so far is here, the whole can be checked.

use super::Client;
use super::event::ClientEvent;
use tidelock::Tick;
use tidelock::state::Input;
use tidelock::wire::{Audit, Header, SnapshotHeader};

/// What a snapshot says of the whole, until something newer comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct WholeClaim {
    tick: Tick,
    /// Of the datagrams that must be here: the first, and the last, after which none may be.
    oldest: u64,
    last: u64,
    complete: bool,
    audit: Option<Audit>,
}

impl<I: Input> Client<I> {
    /// Takes note of what a datagram of the newest snapshot says of the whole.
    pub(super) fn claim_whole(&mut self, header: &Header, snapshot: &SnapshotHeader) {
        let audit = self.claim.and_then(|claim| claim.audit.filter(|_| claim.tick == snapshot.tick));
        self.claim = Some(WholeClaim {
            tick: snapshot.tick,
            oldest: header.sequence.saturating_sub(u64::from(snapshot.in_flight)),
            last: header.sequence + u64::from(snapshot.count - 1 - snapshot.index),
            complete: snapshot.complete,
            audit: snapshot.audit.or(audit),
        });
    }

    /// Checks the whole, if all of it is here: also what came last may be what was late.
    pub(super) fn check_whole(&mut self) {
        let Some(claim) = self.claim else { return };
        let held = self.connection.received();
        if held.newest() != Some(claim.last) || !held.contains_all_from(claim.oldest) {
            return;
        }
        self.claim = None;
        if self.is_resyncing() {
            return;
        }
        if let Some(audit) = claim.audit.filter(|_| !self.is_thin) {
            if self.view.audit(audit.bucket) != audit.hash {
                self.on_desync(claim.tick);
                return;
            }
            self.stats.audits_passed += 1;
        }
        if claim.complete {
            self.view.on_whole(claim.tick);
            if !self.full_view_seen {
                self.full_view_seen = true;
                self.emit(ClientEvent::FirstFullView);
            }
        }
    }
}
