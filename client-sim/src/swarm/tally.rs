use std::collections::BTreeSet;

use tidelock::Instant;

use super::player::Played;
use super::seats::Seat;
use crate::measure::{Account, Counts, Recorder};

/// Takes the clients of a worker together: into one recorder for each kind of link.
#[derive(Clone, Default)]
pub(super) struct Tally {
    pub(super) recorders: Vec<Recorder>,
    /// Clients that were started, and those that got in, by number.
    started: BTreeSet<u32>,
    connected: BTreeSet<u32>,
    /// Of clients that are no longer there, since they began.
    gone: Counts,
}

/// Why a client that tried to the end never got in.
pub(super) const STILL_CONNECTING: &str = "it was still connecting at the end";

impl Tally {
    /// Of a server whose clock is ours, or not.
    pub(super) fn new(links: usize, same_clock: bool) -> Self {
        Self { recorders: (0..links).map(|_| Recorder::new(same_clock)).collect(), ..Self::default() }
    }

    /// From now on figures count.
    pub(super) fn begin_window(&mut self) {
        self.recorders.iter_mut().for_each(|recorder| recorder.in_window = true);
    }

    /// A client was started, or should have been.
    pub(super) fn on_started(&mut self, client: u32, link: usize, is_thin: bool) {
        let is_new = self.started.insert(client);
        let attendance = &mut self.account(link).attendance;
        attendance.started += u64::from(is_new);
        attendance.thin += u64::from(is_new && is_thin);
    }

    /// A client could not even be started.
    pub(super) fn on_stillborn(&mut self, link: usize, why: String) {
        *self.account(link).attendance.failed.entry(why).or_default() += 1;
    }

    /// Counts a client that is there no longer, or at the end; of the window, if there is one yet.
    pub(super) fn settle(&mut self, seat: &Seat, window: Option<(Instant, Instant)>) {
        let Seat { client, link, player, leaves } = seat;
        self.gone.add(&player.counts());
        let played = player.played();
        let is_new = played.from.is_some() && self.connected.insert(*client);
        let account = self.account(*link);
        account.attendance.connected += u64::from(is_new);
        count_fate(account, played, *leaves);
        account.attendance.desyncs += player.core().stats().desyncs;
        if player.tick_hz() > 0 {
            account.tick_hz = Some(player.tick_hz());
        }
        if let Some(window) = window {
            account.counts.add(&player.counts_in_window());
            account.load_level_max = account.load_level_max.max(player.core().stats().load_level_max);
            let played_us = played_within_us(played, window);
            account.played_us += played_us;
            account.seen_us += if player.is_thin() { 0 } else { played_us };
        }
    }

    /// Of all clients so far, given those that are there.
    pub(super) fn counts<'a>(&self, there: impl Iterator<Item = &'a Seat>) -> Counts {
        let mut sum = self.gone;
        there.for_each(|seat| sum.add(&seat.player.counts()));
        sum
    }

    fn account(&mut self, link: usize) -> &mut Account {
        &mut self.recorders[link].account
    }
}

fn count_fate(account: &mut Account, played: Played, was_told_to_leave: bool) {
    let attendance = &mut account.attendance;
    attendance.joins += played.joins;
    attendance.resumed += played.resumes;
    if was_told_to_leave && played.end.is_none() {
        attendance.left += u64::from(played.from.is_some());
        return;
    }
    let why = played.end.map_or_else(|| STILL_CONNECTING.to_owned(), |reason| reason.to_string());
    if played.from.is_none() {
        *attendance.failed.entry(why).or_default() += 1;
    } else if played.end.is_some() {
        *attendance.disconnected.entry(why).or_default() += 1;
    }
}

fn played_within_us(played: Played, (begin, end): (Instant, Instant)) -> u64 {
    let Some(from) = played.from else { return 0 };
    played.until.unwrap_or(end).min(end).since(from.max(begin)).as_micros() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_counts_where_the_game_and_the_window_overlap() {
        let at = |s: u64| Instant::from_us(s * 1_000_000);
        let window = (at(10), at(20));
        let seconds = |from: Option<u64>, until: Option<u64>| {
            let played = Played { from: from.map(at), until: until.map(at), ..Played::default() };
            played_within_us(played, window) / 1_000_000
        };
        assert_eq!(seconds(None, None), 0);
        assert_eq!(seconds(Some(3), None), 10);
        assert_eq!(seconds(Some(15), None), 5);
        assert_eq!(seconds(Some(3), Some(12)), 2);
        assert_eq!(seconds(Some(3), Some(5)), 0);
        assert_eq!(seconds(Some(15), Some(30)), 5);
    }
}
