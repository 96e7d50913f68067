use crate::universe::check::{Checker, Scene};
use crate::universe::churn::{Chronicle, Frame, Glide, Sight};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tidelock::state::Input;
use tidelock::{ClientId, Moment, Tick};

/// What is shown never goes back in time, shows nothing twice, and shows things where they were on their way. Players must
/// be [piloted](crate::universe::churn::Churn::pilot).
#[derive(Debug)]
pub struct Shown {
    chronicle: Chronicle,
    screens: BTreeMap<ClientId, Screen>,
    /// Frames, to look at other entities in each.
    frames: usize,
    judged: u64,
}

/// What a player was shown.
#[derive(Debug, Default)]
struct Screen {
    /// Over which connection, and of when the last frame was.
    last: Option<(u32, Moment)>,
    /// Ticks of which everything was known, oldest first.
    wholes: VecDeque<Tick>,
}

/// Ticks that are remembered.
const WHOLES_MAX: usize = 64;
/// Where something is shown is known if everything was known so many ticks before.
const AROUND_TICKS: i32 = 32;
/// What rounding may add, in metres.
const SLACK_M: f32 = 0.01;
/// Entities that are looked at in a frame.
const ENTITIES_PER_FRAME: usize = 2;

impl Screen {
    fn remember(&mut self, whole: Option<Tick>) {
        if let Some(whole) = whole.filter(|whole| self.wholes.back() != Some(whole)) {
            self.wholes.push_back(whole);
        }
        if self.wholes.len() > WHOLES_MAX {
            self.wholes.pop_front();
        }
    }

    /// The last tick up to this one of which everything was known.
    fn whole_before(&self, tick: Tick) -> Option<Tick> {
        let before = self.wholes.iter().rev().find(|whole| !whole.is_newer_than(tick))?;
        (tick.since(*before) <= AROUND_TICKS).then_some(*before)
    }
}

impl Shown {
    /// Of the game that keeps this chronicle.
    #[must_use]
    pub fn new(chronicle: &Chronicle) -> Self {
        Self { chronicle: chronicle.clone(), screens: BTreeMap::new(), frames: 0, judged: 0 }
    }

    fn on_frame(&mut self, frame: &Frame) -> Result<(), String> {
        let Frame { client_id, era, moment, .. } = *frame;
        let screen = self.screens.entry(client_id).or_default();
        screen.remember(frame.whole);
        let last = screen.last.replace((era, moment));
        if let Some((_, last)) = last.filter(|(before, last)| *before == era && moment.since(*last) < 0.0) {
            return Err(format!("client {client_id} is shown {moment:?} after {last:?}"));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = frame.shown.iter().find(|sight| !seen.insert(sight.id.index)) {
            return Err(format!("client {client_id} is shown two of one index: {twice:?}"));
        }
        // Past what is known, things hold still where they may be no longer.
        let since = screen.whole_before(moment.tick).filter(|_| frame.newest.is_newer_than(moment.tick));
        // Who was away for long shows what was when it last heard, which the chronicle may have forgotten.
        let Some(since) = since.filter(|since| self.chronicle.page(*since).is_some()) else { return Ok(()) };
        self.frames += 1;
        let count = frame.shown.len();
        let sights = frame.shown.iter().cycle().skip(self.frames * ENTITIES_PER_FRAME % count.max(1));
        for sight in sights.take(ENTITIES_PER_FRAME.min(count)) {
            self.is_on_its_way(frame, *sight, since)?;
        }
        Ok(())
    }

    /// Whether something is shown between where it was since everything was known and where it is now.
    fn is_on_its_way(&mut self, frame: &Frame, sight: Sight, since: Tick) -> Result<(), String> {
        let Sight { serial, glide: Some(Glide(at)), .. } = sight else { return Ok(()) };
        let pages = (0..Chronicle::PAGES_MAX as u32).map_while(|n| self.chronicle.page(since.add(n)));
        let truth = pages.filter_map(|page| Some(page.bodies.get(&serial)?.glide?.0)).map(|at| (at, at));
        let Some((low, high)) = truth.reduce(|(low, high), (at, _)| (low.min(at), high.max(at))) else {
            return Err(format!(
                "client {} is shown {sight:?} in {:?}, which does not glide",
                frame.client_id, frame.moment
            ));
        };
        if at.cmplt(low - SLACK_M).any() || at.cmpgt(high + SLACK_M).any() {
            let (who, moment) = (frame.client_id, frame.moment);
            return Err(format!("client {who} is shown {serial} at {at} in {moment:?}; it went from {low} to {high}"));
        }
        self.judged += 1;
        Ok(())
    }
}

impl<I: Input> Checker<I> for Shown {
    fn name(&self) -> &'static str {
        "shown"
    }

    fn looked(&self) -> u64 {
        self.judged
    }

    fn on_tick(&mut self, _scene: &Scene<'_, I>) -> Result<(), String> {
        let frames = self.chronicle.take_frames();
        frames.iter().try_for_each(|frame| self.on_frame(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::universe::churn::{Body, Page, Place};
    use glam::Vec2;
    use tidelock::state::NetId;

    /// Something glides from 1 to 200, a metre in a tick.
    fn checker() -> Shown {
        let chronicle = Chronicle::default();
        for tick in 1..=200u32 {
            let glide = Some(Glide(Vec2::new(tick as f32, 0.0)));
            let body = Body { place: Place(Vec2::ZERO), glide, owner: None, layers: None, mate: None };
            chronicle.publish(Page { tick: Tick(tick), bodies: [(9, body)].into(), ..Page::default() });
        }
        Shown::new(&chronicle)
    }

    fn frame(tick: u32, x: f32) -> Frame {
        let glide = Some(Glide(Vec2::new(x, 0.0)));
        let shown = vec![Sight { id: NetId { index: 3, generation: 1 }, serial: 9, glide }];
        Frame {
            client_id: ClientId(1),
            era: 1,
            moment: Moment::at(Tick(tick)),
            newest: Tick(200),
            whole: Some(Tick(90)),
            shown,
        }
    }

    #[test]
    fn what_is_on_its_way_is_right_and_what_is_elsewhere_is_found() {
        let mut checker = checker();
        checker.on_frame(&frame(100, 100.5)).unwrap();
        assert!(checker.on_frame(&frame(100, 220.0)).is_err() && checker.on_frame(&frame(100, 80.0)).is_err());
        assert_eq!(checker.judged, 1);
    }

    #[test]
    fn what_is_past_all_that_is_known_is_not_judged() {
        let mut checker = checker();
        checker.on_frame(&Frame { newest: Tick(100), ..frame(100, 10.0) }).unwrap();
        assert_eq!(checker.judged, 0);
    }

    #[test]
    fn what_nobody_remembers_is_not_judged() {
        let mut checker = checker();
        (201..=500).for_each(|tick| checker.chronicle.publish(Page { tick: Tick(tick), ..Page::default() }));
        checker.on_frame(&Frame { newest: Tick(500), ..frame(100, 10.0) }).unwrap();
        assert_eq!(checker.judged, 0);
    }

    #[test]
    fn time_that_goes_back_is_found_unless_the_connection_is_another() {
        let mut checker = checker();
        checker.on_frame(&frame(100, 100.0)).unwrap();
        assert!(checker.on_frame(&frame(99, 99.0)).is_err());
        checker.on_frame(&Frame { era: 2, ..frame(50, 50.0) }).unwrap();
    }

    #[test]
    fn who_is_shown_twice_is_found() {
        let mut twice = frame(100, 100.0);
        twice.shown.push(Sight { id: NetId { index: 3, generation: 2 }, ..twice.shown[0] });
        assert!(checker().on_frame(&twice).is_err());
    }
}
