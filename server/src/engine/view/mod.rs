mod resume;

use super::history::History;
use super::interest::Candidate;
use tidelock::Tick;
use tidelock::state::Audience;
use tidelock::wire::Fate;

/// What one client sees, stream by stream, and what it is known to hold of it. A baseline is a tick, never a copy.
#[derive(Debug, Default)]
pub(crate) struct Views {
    streams: [Vec<StreamView>; 2],
    /// For how many ticks the client has owed us an ack of something that it was to forget, at the last update.
    leaving_ticks: [u32; 2],
    /// Kept for reuse by [`Views::update`].
    merged: Vec<StreamView>,
}

/// One stream in one client's view.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamView {
    pub(crate) index: u32,
    /// When it began: what the client held before is not of this visibility.
    entered: Tick,
    /// Since when it is sent to this connection: the fate of what was sent before says nothing of it.
    since: Tick,
    pub(crate) leaving: Option<Leaving>,
    /// The newest snapshot with this stream that the client acknowledged.
    pub(crate) baseline: Option<Tick>,
    /// The newest snapshot with this stream that was sent and not lost.
    pub(crate) sent: Option<Tick>,
    /// Snapshots for which it waited because others went first.
    pub(crate) waited: u16,
    /// 0 at the viewpoint, 1 at the edge of what is seen.
    pub(crate) distance: f32,
}

/// A stream that the client is to forget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leaving {
    pub(crate) despawned: bool,
    since: Tick,
}

/// What a datagram carried, for when its fate is known.
#[derive(Debug, Default)]
pub(crate) struct SentState {
    pub(crate) tick: Tick,
    pub(crate) streams: Vec<SentStream>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct SentStream {
    pub(crate) index: u32,
    pub(crate) audience: Audience,
    pub(crate) leave: bool,
}

impl StreamView {
    /// Whether something of it is still to be sent.
    pub(crate) fn is_dirty(&self, audience: Audience, history: &History) -> bool {
        match (self.leaving, self.sent) {
            (_, None) => true,
            (Some(_), Some(_)) => false,
            (None, Some(sent)) => history.stream(self.index, audience).newest().tick.is_newer_than(sent),
        }
    }
}

impl Views {
    pub(crate) fn of(&self, audience: Audience) -> &[StreamView] {
        &self.streams[audience as usize]
    }

    /// How many streams are in it, those that leave included.
    pub(crate) fn len(&self) -> usize {
        self.streams.iter().map(Vec::len).sum()
    }

    pub(crate) fn of_mut(&mut self, audience: Audience) -> &mut [StreamView] {
        &mut self.streams[audience as usize]
    }

    /// Merges what is visible now, by ascending index, into what was: some enter, some begin to leave.
    pub(crate) fn update(&mut self, audience: Audience, visible: &[Candidate], history: &mut History, now: Tick) {
        let Self { streams, leaving_ticks, merged } = self;
        let mut longest = 0;
        let enter = |candidate: &Candidate| {
            let Candidate { index, distance, .. } = *candidate;
            StreamView {
                index,
                entered: now,
                since: now,
                leaving: None,
                baseline: None,
                sent: None,
                waited: 0,
                distance,
            }
        };
        merged.clear();
        let mut visible = visible.iter().peekable();
        for view in &streams[audience as usize] {
            while let Some(new) = visible.next_if(|candidate| candidate.index < view.index) {
                if new.may_enter {
                    history.add_viewer(new.index);
                    merged.push(enter(new));
                }
            }
            let still = visible.next_if(|candidate| candidate.index == view.index);
            merged.push(match still {
                Some(seen) if view.leaving.is_none() => StreamView { distance: seen.distance, ..*view },
                Some(again) if again.may_enter => enter(again),
                _ => {
                    let left = view.leave(history, now);
                    longest = longest.max(left.leaving.map_or(0, |leaving| now.since(leaving.since).cast_unsigned()));
                    left
                }
            });
        }
        for new in visible.filter(|candidate| candidate.may_enter) {
            history.add_viewer(new.index);
            merged.push(enter(new));
        }
        std::mem::swap(&mut streams[audience as usize], merged);
        leaving_ticks[audience as usize] = longest;
    }

    /// The fate of a datagram is known: baselines move forward, or what was lost is to be sent again.
    pub(crate) fn on_fate(&mut self, fate: Fate<'_, SentState>, history: &mut History, now: Tick) -> Option<SentState> {
        match fate {
            Fate::Acked(sent) => {
                sent.streams.iter().for_each(|stream| self.on_acked(*stream, sent.tick, history, now));
                Some(sent)
            }
            Fate::Lost(sent) => {
                sent.streams.iter().for_each(|stream| self.on_lost(*stream, sent.tick));
                None
            }
        }
    }

    /// For how many ticks the client has not acknowledged something that it was to forget. Until it does, an index is not
    /// free: who never acknowledges would keep all of them.
    pub(crate) fn leaving_ticks(&self) -> u32 {
        self.leaving_ticks[0].max(self.leaving_ticks[1])
    }

    /// The client holds something else than it should: from the snapshot of `next` on, everything goes out in full.
    pub(crate) fn forget_baselines(&mut self, next: Tick) {
        for view in self.streams.iter_mut().flatten() {
            view.since = next;
            view.baseline = None;
            view.sent = None;
        }
    }

    /// The client is gone: it knows nothing any more.
    pub(crate) fn clear(&mut self, history: &mut History, now: Tick) {
        for view in self.streams.iter_mut().flat_map(std::mem::take) {
            history.remove_viewer(view.index, now);
        }
    }

    fn on_acked(&mut self, stream: SentStream, tick: Tick, history: &mut History, now: Tick) {
        let views = &mut self.streams[stream.audience as usize];
        let Some(at) = find(views, stream, tick) else { return };
        let view = &mut views[at];
        if stream.leave && view.leaving.is_some() {
            views.remove(at);
            history.remove_viewer(stream.index, now);
        } else if view.leaving.is_none() && view.baseline.is_none_or(|baseline| tick.is_newer_than(baseline)) {
            view.baseline = Some(tick);
            // It may have been taken for lost.
            if view.sent.is_none_or(|sent| tick.is_newer_than(sent)) {
                view.sent = Some(tick);
            }
        }
    }

    fn on_lost(&mut self, stream: SentStream, tick: Tick) {
        let views = &mut self.streams[stream.audience as usize];
        let Some(at) = find(views, stream, tick) else { return };
        let view = &mut views[at];
        if view.sent == Some(tick) && view.leaving.is_some() == stream.leave {
            view.sent = if stream.leave { None } else { view.baseline };
        }
    }
}

impl StreamView {
    fn leave(&self, history: &History, now: Tick) -> Self {
        let despawned = !history.slot(self.index).is_alive();
        match self.leaving {
            Some(leaving) if leaving.despawned == despawned => *self,
            leaving => {
                let since = leaving.map_or(now, |leaving| leaving.since);
                Self { leaving: Some(Leaving { despawned, since }), sent: None, ..*self }
            }
        }
    }
}

/// The view that a stream sent in `tick` belonged to, if it is still the same visibility.
fn find(views: &[StreamView], stream: SentStream, tick: Tick) -> Option<usize> {
    let at = views.binary_search_by_key(&stream.index, |view| view.index).ok()?;
    (!views[at].since.is_newer_than(tick)).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::super::empty_schema::empty_schema;
    use super::*;
    use bevy_ecs::entity::Entity;

    const SEEN: Candidate = Candidate { index: 0, may_enter: true, distance: 0.0 };

    /// One entity, seen since tick 1.
    fn seen() -> (Views, History) {
        let schema = empty_schema();
        let (mut views, mut history) = (Views::default(), History::default());
        history.insert(Entity::from_raw_u32(0).unwrap(), Tick(1), &schema).unwrap();
        history.commit(Tick(1), &schema);
        views.update(Audience::Public, &[SEEN], &mut history, Tick(1));
        (views, history)
    }

    fn sent(tick: u32, leave: bool) -> SentState {
        let streams = vec![SentStream { index: 0, audience: Audience::Public, leave }];
        SentState { tick: Tick(tick), streams }
    }

    fn baseline(views: &Views) -> Option<Tick> {
        views.of(Audience::Public)[0].baseline
    }

    #[test]
    fn baselines_move_forward_and_never_back() {
        let (mut views, mut history) = seen();
        for (acked, baseline_after) in [(3, 3), (5, 5), (4, 5)] {
            views.on_fate(Fate::Acked(sent(acked, false)), &mut history, Tick(9));
            assert_eq!(baseline(&views), Some(Tick(baseline_after)));
        }
    }

    #[test]
    fn what_was_sent_before_a_visibility_says_nothing_of_it() {
        let (mut views, mut history) = seen();
        views.update(Audience::Public, &[], &mut history, Tick(5));
        views.update(Audience::Public, &[SEEN], &mut history, Tick(6));
        views.on_fate(Fate::Acked(sent(5, true)), &mut history, Tick(7));
        views.on_fate(Fate::Acked(sent(4, false)), &mut history, Tick(7));
        assert_eq!((views.of(Audience::Public).len(), baseline(&views)), (1, None));
        views.on_fate(Fate::Acked(sent(6, false)), &mut history, Tick(8));
        assert_eq!(baseline(&views), Some(Tick(6)));
    }

    #[test]
    fn after_a_desync_only_what_is_sent_from_then_on_counts() {
        let (mut views, mut history) = seen();
        views.on_fate(Fate::Acked(sent(4, false)), &mut history, Tick(6));
        views.forget_baselines(Tick(7));
        views.on_fate(Fate::Acked(sent(6, false)), &mut history, Tick(8));
        assert_eq!(baseline(&views), None);
        views.on_fate(Fate::Acked(sent(7, false)), &mut history, Tick(8));
        assert_eq!(baseline(&views), Some(Tick(7)));
    }

    #[test]
    fn a_leave_that_is_not_acknowledged_grows_old() {
        let (mut views, mut history) = seen();
        for tick in 10..=15 {
            views.update(Audience::Public, &[], &mut history, Tick(tick));
        }
        assert_eq!(views.leaving_ticks(), 5);
        views.on_fate(Fate::Acked(sent(15, true)), &mut history, Tick(16));
        views.update(Audience::Public, &[], &mut history, Tick(16));
        assert_eq!((views.leaving_ticks(), views.of(Audience::Public).len()), (0, 0));
    }
}
