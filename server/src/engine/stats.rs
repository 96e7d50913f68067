use super::congestion::BackOff;
use std::time::Duration;
use tidelock::wire::{CloseReason, RecordHead, RejectReason};

/// Everything the engine counts, since the start. Each name is also the metric's name, but for the prefix.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// `ticks_total`.
    pub ticks: u64,
    /// `packets_total` and `bytes_total` (UDP payload), received and sent.
    pub received: Traffic,
    /// See `received`.
    pub sent: Traffic,
    /// `packets_lost_total{direction}`: sent to clients and never acknowledged; missing from what clients sent.
    pub lost_down: u64,
    /// See `lost_down`.
    pub lost_up: u64,
    /// `connections_total`: clients that finished joining.
    pub connections: u64,
    /// `connections_rejected_total{reason}`.
    pub rejected: RejectedCounts,
    /// `disconnects_total{reason}`.
    pub disconnects: DisconnectCounts,
    /// `resumes_total{result}`.
    pub resumes: ResumeCounts,
    /// `inputs_total{fate}`.
    pub inputs: InputCounts,
    /// `snapshot_entities_total{kind}`.
    pub snapshot_entities: SnapshotEntityCounts,
    /// `delta_cache_total{result}`.
    pub delta_cache_hits: u64,
    /// See `delta_cache_hits`.
    pub delta_cache_misses: u64,
    /// `baselines_expired_total`: records that were encoded in full because the history did not know the baseline any more, or it lay
    /// too far back for clients to know it.
    pub baselines_expired: u64,
    /// `history_bytes`: what all versions take.
    pub history_bytes: u64,
    /// `rewinds_clamped_total`: what players did upon a view older than the server looks back.
    pub rewinds_clamped: u64,
    /// `desyncs_total`: clients that reported a state different from ours.
    pub desyncs: u64,
    /// `budget_deferred_total`: records that waited for a later snapshot.
    pub budget_deferred: u64,
    /// `back_offs_total{cause}`.
    pub back_offs: BackOffCounts,
    /// `packets_dropped_total{reason}` above netcode: a payload that is not ours or not well-formed.
    pub payloads_malformed: u64,
    /// `packets_dropped_total{reason}`: an event of a client that does not decode, or came before it joined.
    pub events_malformed: u64,
    /// `packets_dropped_total{reason}`: events beyond what may wait for the game to take it.
    pub events_flooded: u64,
    /// `packets_dropped_total{reason}`: events beyond what their type allows a client.
    pub events_over_rate: u64,
    /// `events_unsent_total`: unreliable events for which no datagram of their tick had room.
    pub events_unsent: u64,
    /// What was measured since the reader last took it: see [`Samples`].
    pub samples: Samples,
}

/// What a thread that writes to clients counts, until it is added to all.
#[derive(Debug, Default)]
pub(crate) struct SendCounts {
    pub(crate) sent: Traffic,
    pub(crate) snapshot_entities: SnapshotEntityCounts,
    pub(crate) budget_deferred: u64,
    pub(crate) events_unsent: u64,
    pub(crate) back_offs: BackOffCounts,
    pub(crate) snapshot_size_bytes: Vec<u32>,
}

impl Stats {
    /// Adds what a thread counted, which begins anew.
    pub(crate) fn add(&mut self, counts: &mut SendCounts) {
        let SendCounts { sent, snapshot_entities, budget_deferred, events_unsent, back_offs, snapshot_size_bytes } =
            counts;
        self.sent.packets += sent.packets;
        self.sent.bytes += sent.bytes;
        self.snapshot_entities.add(snapshot_entities);
        self.budget_deferred += *budget_deferred;
        self.events_unsent += *events_unsent;
        self.back_offs.add(back_offs);
        let room = Samples::MAX.saturating_sub(self.samples.snapshot_size_bytes.len());
        self.samples.snapshot_size_bytes.extend(snapshot_size_bytes.drain(..).take(room));
        *counts = SendCounts { snapshot_size_bytes: std::mem::take(snapshot_size_bytes), ..SendCounts::default() };
    }
}

/// Packets and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Datagrams.
    pub packets: u64,
    /// Their UDP payload.
    pub bytes: u64,
}

impl Traffic {
    pub(crate) fn count(&mut self, bytes: usize) {
        self.packets += 1;
        self.bytes += bytes as u64;
    }
}

/// Single measurements for histograms. The reader takes and clears them after each tick; unread, they stop growing.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// `snapshot_size_bytes`: netcode payload of each snapshot datagram.
    pub snapshot_size_bytes: Vec<u32>,
    /// `client_rtt_seconds`: each client's smoothed RTT, about once a second.
    pub client_rtt: Vec<Duration>,
    /// `client_loss_ratio`: which share of the datagrams to each client was lost, about once a second.
    pub client_loss_down_ratio: Vec<f32>,
    /// The same of those from each client.
    pub client_loss_up_ratio: Vec<f32>,
    /// `client_rate_bytes_per_second`: what each client may be sent, about once a second.
    pub client_rate_bytes_per_second: Vec<u32>,
    /// `input_lead_ticks`: how long before its use each new input arrived; negative when late.
    pub input_lead_ticks: Vec<f32>,
}

impl Samples {
    /// Unread measurements beyond this many of a kind are dropped.
    pub const MAX: usize = 1 << 16;

    /// Forgets all and keeps the memory.
    pub fn clear(&mut self) {
        self.snapshot_size_bytes.clear();
        self.client_rtt.clear();
        self.client_loss_down_ratio.clear();
        self.client_loss_up_ratio.clear();
        self.client_rate_bytes_per_second.clear();
        self.input_lead_ticks.clear();
    }

    pub(crate) fn push<T>(samples: &mut Vec<T>, value: T) {
        if samples.len() < Self::MAX {
            samples.push(value);
        }
    }
}

/// A set of counters with the names their labels have in metrics.
macro_rules! counts {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: u64,)*
        }

        impl $name {
            /// Each counter with its label.
            #[must_use]
            pub fn named(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($field), self.$field),)*]
            }
        }
    };
}

counts!(
    /// Why clients that passed netcode were turned away.
    RejectedCounts {
        /// Another game, or another version of it.
        schema_mismatch,
        /// The server takes no new players.
        draining,
        /// On the ban list.
        banned,
        /// Another version of the protocol.
        version_mismatch,
        /// As many play as may.
        full,
        /// Netcode connected, no hello came in time, and others needed the place.
        hello_timeout,
        /// The client did not take what it needs to join.
        join_timeout,
    }
);

impl RejectedCounts {
    pub(crate) fn count(&mut self, reason: RejectReason) {
        match reason {
            RejectReason::SchemaMismatch => self.schema_mismatch += 1,
            RejectReason::Draining => self.draining += 1,
            RejectReason::Banned => self.banned += 1,
            RejectReason::VersionMismatch => self.version_mismatch += 1,
            RejectReason::Full => self.full += 1,
            RejectReason::HelloTimeout => self.hello_timeout += 1,
            RejectReason::JoinTimeout => self.join_timeout += 1,
            RejectReason::Unknown => unreachable!("a server knows its reasons"),
        }
    }
}

counts!(
    /// Why clients that had joined are gone.
    DisconnectCounts {
        /// They said so.
        left,
        /// Nothing came from them for the token's time-out.
        timeout,
        /// The same player connected from elsewhere.
        duplicate_login,
        /// An operator or the game said so.
        kicked,
        /// An operator put them on the ban list.
        banned,
        /// The server stopped.
        shutdown,
        /// They broke the protocol.
        protocol_error,
        /// They did not take their messages as fast as they came.
        too_slow,
    }
);

impl DisconnectCounts {
    pub(crate) fn count(&mut self, reason: CloseReason) {
        match reason {
            CloseReason::Kicked => self.kicked += 1,
            CloseReason::Shutdown => self.shutdown += 1,
            CloseReason::ProtocolError => self.protocol_error += 1,
            CloseReason::TooSlow => self.too_slow += 1,
            CloseReason::Timeout => self.timeout += 1,
            CloseReason::DuplicateLogin => self.duplicate_login += 1,
            CloseReason::Banned => self.banned += 1,
            CloseReason::Unknown => unreachable!("a server knows its reasons"),
        }
    }
}

counts!(
    /// Players who came back to their place in the game, by what became of the state that they held.
    ResumeCounts {
        /// They proved to hold it: snapshots build on it.
        state_kept,
        /// They held none, or not what the server knows: they got everything anew.
        state_lost,
    }
);

counts!(
    /// What became of players' inputs. Each tick of each player counts once as `on_time` or `missing`.
    InputCounts {
        /// There when its tick took it.
        on_time,
        /// Arrived after its tick had been simulated.
        late,
        /// Not there when its tick wanted it: the last one was repeated.
        missing,
        /// Arrived again: the redundancy working as it should.
        duplicate,
        /// Arrived first in a redundant copy: the datagram that should have brought it was lost or late.
        recovered,
        /// Too far ahead to be kept.
        flood,
    }
);

counts!(
    /// What snapshots are made of.
    SnapshotEntityCounts {
        /// Records against a baseline.
        delta,
        /// Records without one.
        full,
        /// Entities that left a client's view, or the world.
        despawn,
    }
);

counts!(
    /// Why clients were sent less than before.
    BackOffCounts {
        /// Datagrams waited in a queue on their way.
        delay,
        /// More were lost than the link loses anyway.
        loss,
    }
);

impl BackOffCounts {
    const fn add(&mut self, other: &Self) {
        self.delay += other.delay;
        self.loss += other.loss;
    }

    pub(crate) const fn count(&mut self, cause: BackOff) {
        match cause {
            BackOff::Delay => self.delay += 1,
            BackOff::Loss => self.loss += 1,
        }
    }
}

impl SnapshotEntityCounts {
    const fn add(&mut self, other: &Self) {
        self.delta += other.delta;
        self.full += other.full;
        self.despawn += other.despawn;
    }

    pub(crate) const fn count(&mut self, head: RecordHead) {
        match head {
            RecordHead::Base | RecordHead::Delta { .. } => self.delta += 1,
            RecordHead::Full { .. } => self.full += 1,
            RecordHead::Leave { .. } => self.despawn += 1,
        }
    }
}
