use serde::{Deserialize, Serialize};

use crate::client::{ClientStats, PlaybackCounts};

/// Declares counters that can be added and told apart by time.
macro_rules! counts {
    ($(#[$about:meta])* pub struct $name:ident { $($(#[$doc:meta])* pub $field:ident,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $name { $($(#[$doc])* pub $field: u64,)* }

        impl $name {
            /// Adds what others counted.
            pub const fn add(&mut self, other: &Self) {
                $(self.$field += other.$field;)*
            }

            /// What was counted after `earlier`.
            #[must_use]
            pub const fn since(&self, earlier: &Self) -> Self {
                // What is given up for lost and comes after all is taken off again: a counter may run back a little.
                Self { $($field: self.$field.saturating_sub(earlier.$field),)* }
            }
        }
    };
}

counts! {
    /// What clients count of the network and of their game.
    pub struct Counts {
        /// Sequences of the server that should have come.
        pub down_expected,
        /// Those that did.
        pub down_received,
        /// Those that came after a later one.
        pub down_reordered,
        /// Copies.
        pub down_duplicate,
        /// Datagrams to the server that it acknowledged.
        pub up_acked,
        /// Those given up for lost.
        pub up_lost,
        /// UDP payload from the server.
        pub bytes_down,
        /// UDP payload to the server.
        pub bytes_up,
        /// Snapshot datagrams.
        pub snapshots_received,
        /// Those that changed the view.
        pub snapshots_applied,
        /// Those that were too old.
        pub snapshots_stale,
        /// Those that made no sense.
        pub snapshots_undecodable,
        /// Inputs, without redundant copies.
        pub inputs_sent,
        /// Frames shown.
        pub frames,
        /// Frames past the newest snapshot.
        pub underruns,
        /// Frames in which time stood still.
        pub stalled,
        /// Frames in which something may have been missing.
        pub partial,
        /// Jumps of the time shown.
        pub jumps,
        /// Checksums that did not match.
        pub desyncs,
    }
}

counts! {
    /// What happens now and then.
    pub struct Events {
        /// Predictions corrected.
        pub corrections,
        /// Deeds predicted, and done.
        pub confirmed,
        /// Deeds predicted, and not done.
        pub undone,
        /// Entities sampled as they were shown.
        pub shown,
        /// Those of them shown past what was known.
        pub extrapolated,
        /// Snapshots from the future, or from long ago: the server's clock is not ours.
        pub ages_impossible,
    }
}

impl Counts {
    /// Of one client, since it began.
    #[must_use]
    pub fn of(stats: &ClientStats, playback: &PlaybackCounts) -> Self {
        Self {
            down_expected: stats.down.expected,
            down_received: stats.down.received,
            down_reordered: stats.down.reordered,
            down_duplicate: stats.down.duplicate,
            up_acked: stats.up.acked,
            up_lost: stats.up.lost,
            bytes_down: stats.bytes_received,
            bytes_up: stats.bytes_sent,
            snapshots_received: stats.snapshots.received,
            snapshots_applied: stats.snapshots.applied,
            snapshots_stale: stats.snapshots.stale,
            snapshots_undecodable: stats.snapshots.undecodable,
            inputs_sent: stats.inputs_sent,
            frames: playback.frames,
            underruns: playback.underruns,
            stalled: playback.stalled,
            partial: playback.partial,
            jumps: playback.jumps,
            desyncs: stats.desyncs,
        }
    }
}
