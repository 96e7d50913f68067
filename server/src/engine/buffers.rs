//! What checks of bounds look at.

use super::Engine;
use super::history::History;
use super::session::Session;
use super::snapshot::MESSAGE_DATAGRAMS_MAX;
use super::stats::Samples;
use tidelock::wire::SnapshotHeader;
use tidelock::{Buffer, ClientId};

/// Every goodbye is said so often, at once.
const GOODBYES: usize = 10;

impl Engine {
    /// Every buffer that the network can fill, with the client whose it is: none grows past its bound, whatever arrives.
    pub fn buffers(&self, see: &mut dyn FnMut(Option<ClientId>, Buffer)) {
        self.netcode.buffers(&mut |buffer| see(None, buffer));
        self.shared_buffers(&mut |buffer| see(None, buffer));
        for session in self.sessions.iter() {
            session.buffers(&self.history, self.events.len(), &mut |buffer| see(Some(session.client_id), buffer));
        }
        for (client_id, views) in self.absentees.views() {
            views.buffers(self.history.index_count(), &mut |buffer| see(Some(client_id), buffer));
        }
    }

    /// Those that are nobody's own.
    fn shared_buffers(&self, see: &mut dyn FnMut(Buffer)) {
        let (slots, places) = (self.netcode.max_clients(), self.config.max_clients);
        see(Buffer { name: "sessions", len: self.sessions.len(), max: slots });
        see(Buffer { name: "places taken", len: self.places_taken(), max: places });
        self.roster.buffers(places, see);
        self.tables.buffers(slots, see);
        self.history.buffers(see);
        let replies_max = places + self.config.refusal_slots();
        let of_a_slot = GOODBYES + 2 + MESSAGE_DATAGRAMS_MAX + SnapshotHeader::DATAGRAMS_MAX as usize;
        see(Buffer { name: "outbox", len: self.outbox.len(), max: replies_max.max(128) + slots * of_a_slot });
        let samples = &self.stats.samples;
        let unread = [
            samples.snapshot_size_bytes.len(),
            samples.client_rtt.len(),
            samples.client_loss_down_ratio.len(),
            samples.client_loss_up_ratio.len(),
            samples.client_rate_bytes_per_second.len(),
            samples.input_lead_ticks.len(),
        ];
        let most = unread.into_iter().max().unwrap_or(0);
        see(Buffer { name: "samples that nobody read", len: most, max: Samples::MAX });
    }
}

impl Session {
    fn buffers(&self, history: &History, event_types: usize, see: &mut dyn FnMut(Buffer)) {
        self.connection.buffers(see);
        self.inputs.buffers(see);
        self.events.buffers(see);
        see(Buffer { name: "event rates", len: self.event_rates.len(), max: event_types });
        self.audits.buffers(see);
        self.congestion.buffers(see);
        self.views.buffers(history.index_count(), see);
    }
}
