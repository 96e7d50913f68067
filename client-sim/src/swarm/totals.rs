use std::collections::BTreeMap;
use std::time::Duration;

use tidelock::Instant;

use super::player::{Played, SwarmPlayer};
use crate::client::PlaybackCounts;

/// What clients counted in the window, added up.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    pub(super) connected: u64,
    /// Why clients never got in.
    pub(super) failed: Reasons,
    /// Why clients that were in are no more.
    pub(super) disconnected: Reasons,
    pub(super) tick_hz: Option<u32>,
    /// The time that clients played, added up.
    pub(super) played: Duration,
    pub(super) down_expected: u64,
    pub(super) down_received: u64,
    pub(super) down_reordered: u64,
    pub(super) down_duplicate: u64,
    pub(super) up_acked: u64,
    pub(super) up_lost: u64,
    pub(super) bytes_down: u64,
    pub(super) bytes_up: u64,
    pub(super) snapshots_received: u64,
    pub(super) snapshots_applied: u64,
    pub(super) snapshots_stale: u64,
    pub(super) snapshots_undecodable: u64,
    pub(super) inputs_sent: u64,
    pub(super) frames: PlaybackCounts,
    /// Of the whole run.
    pub(super) desyncs: u64,
    pub(super) load_level_max: u8,
}

/// How many clients ended for each reason.
pub(super) type Reasons = BTreeMap<String, u64>;

impl Totals {
    /// Adds one client, at the end of the window.
    pub(super) fn count(&mut self, player: &SwarmPlayer, window: (Instant, Instant)) {
        let played = player.played();
        self.count_fate(played);
        if player.tick_hz() > 0 {
            self.tick_hz = Some(player.tick_hz());
        }
        self.played += played_within(played, window);
        let (before, now) = player.stats();
        self.down_expected += now.down.expected.saturating_sub(before.down.expected);
        self.down_received += now.down.received.saturating_sub(before.down.received);
        self.down_reordered += now.down.reordered.saturating_sub(before.down.reordered);
        self.down_duplicate += now.down.duplicate.saturating_sub(before.down.duplicate);
        self.up_acked += now.up.acked.saturating_sub(before.up.acked);
        self.up_lost += now.up.lost.saturating_sub(before.up.lost);
        self.bytes_down += now.bytes_received - before.bytes_received;
        self.bytes_up += now.bytes_sent - before.bytes_sent;
        self.snapshots_received += now.snapshots.received - before.snapshots.received;
        self.snapshots_applied += now.snapshots.applied - before.snapshots.applied;
        self.snapshots_stale += now.snapshots.stale - before.snapshots.stale;
        self.snapshots_undecodable += now.snapshots.undecodable - before.snapshots.undecodable;
        self.inputs_sent += now.inputs_sent - before.inputs_sent;
        self.frames.add(&player.frames());
        self.desyncs += now.desyncs;
        self.load_level_max = self.load_level_max.max(now.load_level_max);
    }

    /// Adds another worker's.
    pub(super) fn add(&mut self, other: &Self) {
        self.connected += other.connected;
        merge(&mut self.failed, &other.failed);
        merge(&mut self.disconnected, &other.disconnected);
        self.tick_hz = self.tick_hz.or(other.tick_hz);
        self.played += other.played;
        self.down_expected += other.down_expected;
        self.down_received += other.down_received;
        self.down_reordered += other.down_reordered;
        self.down_duplicate += other.down_duplicate;
        self.up_acked += other.up_acked;
        self.up_lost += other.up_lost;
        self.bytes_down += other.bytes_down;
        self.bytes_up += other.bytes_up;
        self.snapshots_received += other.snapshots_received;
        self.snapshots_applied += other.snapshots_applied;
        self.snapshots_stale += other.snapshots_stale;
        self.snapshots_undecodable += other.snapshots_undecodable;
        self.inputs_sent += other.inputs_sent;
        self.frames.add(&other.frames);
        self.desyncs += other.desyncs;
        self.load_level_max = self.load_level_max.max(other.load_level_max);
    }

    fn count_fate(&mut self, played: Played) {
        let why = played.end.map_or_else(|| STILL_CONNECTING.to_owned(), |reason| reason.to_string());
        if played.from.is_none() {
            *self.failed.entry(why).or_default() += 1;
            return;
        }
        self.connected += 1;
        if played.end.is_some() {
            *self.disconnected.entry(why).or_default() += 1;
        }
    }
}

/// Why a client that tried to the end never got in.
pub(super) const STILL_CONNECTING: &str = "it was still connecting at the end";

/// The most frequent reason.
pub(super) fn commonest(reasons: &Reasons) -> Option<&str> {
    reasons.iter().max_by_key(|(_, count)| **count).map(|(reason, _)| reason.as_str())
}

fn merge(reasons: &mut Reasons, other: &Reasons) {
    for (reason, count) in other {
        *reasons.entry(reason.clone()).or_default() += count;
    }
}

fn played_within(played: Played, (begin, end): (Instant, Instant)) -> Duration {
    let Some(from) = played.from else { return Duration::ZERO };
    played.until.unwrap_or(end).min(end).since(from.max(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_counts_where_the_game_and_the_window_overlap() {
        let at = |s: u64| Instant::from_us(s * 1_000_000);
        let window = (at(10), at(20));
        let seconds = |from: Option<u64>, until: Option<u64>| {
            played_within(Played { from: from.map(at), until: until.map(at), end: None }, window).as_secs()
        };
        assert_eq!(seconds(None, None), 0);
        assert_eq!(seconds(Some(3), None), 10);
        assert_eq!(seconds(Some(15), None), 5);
        assert_eq!(seconds(Some(3), Some(12)), 2);
        assert_eq!(seconds(Some(3), Some(5)), 0);
        assert_eq!(seconds(Some(15), Some(30)), 5);
    }
}
