use super::playback::Playback;
use super::streams::{Around, Stream};
use super::view::View;
use tidelock::state::{Audience, Interpolate, NetId, Replicate, StreamLayout, VersionRef};
use tidelock::{Moment, Tick};

/// The world at a moment, as far as a client knows: what [`View::at`] gives.
///
/// An entity is in it from the tick in which it entered the client's view to the one in which it left.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    view: &'a View,
    moment: Moment,
}

/// One entity of a [`Scene`].
#[derive(Clone, Copy)]
pub struct SceneEntity<'a> {
    scene: Scene<'a>,
    id: NetId,
    /// Of what all see of it.
    public: Around<'a>,
}

impl std::fmt::Debug for SceneEntity<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SceneEntity").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<'a> Scene<'a> {
    pub(super) const fn new(view: &'a View, moment: Moment) -> Self {
        Self { view, moment }
    }

    /// Of when it is.
    #[must_use]
    pub const fn moment(&self) -> Moment {
        self.moment
    }

    /// All that is to be seen, by ascending index.
    pub fn entities(&self) -> impl Iterator<Item = SceneEntity<'a>> + use<'a> {
        let scene = *self;
        let held = scene.view.of(Audience::Public).iter_held();
        held.filter_map(move |(index, stream)| {
            let id = NetId { index, generation: stream.generation };
            Some(SceneEntity { scene, id, public: scene.around(Audience::Public, stream)? })
        })
    }

    /// One entity, if it is to be seen.
    #[must_use]
    pub fn entity(&self, id: NetId) -> Option<SceneEntity<'a>> {
        let stream = self.view.of(Audience::Public).at(id.index).filter(|stream| stream.generation == id.generation)?;
        Some(SceneEntity { scene: *self, id, public: self.around(Audience::Public, stream)? })
    }

    /// The versions of a stream around the moment, if it is visible then.
    fn around(&self, audience: Audience, stream: &'a Stream) -> Option<Around<'a>> {
        let visible = stream.is_visible_at(self.moment.tick);
        visible.then(|| self.view.of(audience).around(stream, self.moment.tick))?
    }
}

impl<'a> SceneEntity<'a> {
    /// Its name on the wire.
    #[must_use]
    pub const fn id(&self) -> NetId {
        self.id
    }

    /// Whether it belonged to this client.
    #[must_use]
    pub fn is_owned(&self) -> bool {
        self.around(Audience::Owner).is_some()
    }

    /// Whether it was of this client's team.
    #[must_use]
    pub fn is_teammate(&self) -> bool {
        self.around(Audience::Team).is_some()
    }

    /// One of its components at the moment: between the version before it and the one after. What stood still in between
    /// began to change after the last snapshot that did not bring it; what is sent in turns only, after its turn before. Past
    /// what is known, what changed last goes on, up to [`Playback::EXTRAPOLATION_MAX`].
    ///
    /// What [jumped](Interpolate::jumped) is shown where it was, until it is elsewhere.
    #[must_use]
    pub fn get<C: Interpolate>(&self) -> Option<C> {
        let (audience, bit) = self.scene.view.schema().find::<C>()?;
        let around = self.around(audience)?;
        let component = Component { view: self.scene.view, audience, bit };
        let last: C = component.read(around.last().1)?;
        let value = if component.turn_ticks() > self.scene.view.arrivals().every_ticks() {
            self.between_turns(&around, component, &last)
        } else if let Some((to, next)) = around.next() {
            let from = self.began_to_change(around.last().0, to);
            component.read(next).and_then(|next| self.on_the_way((from, &last), (to, &next)))
        } else {
            let past = self.ticks_past(around.last().0, 1);
            let before = around.earlier().next().filter(|_| past > 0.0);
            before.and_then(|(from, before)| {
                let from = self.began_to_change(from, around.last().0);
                self.onward((from, &component.read(before)?), (around.last().0, &last), past)
            })
        };
        Some(value.unwrap_or(last))
    }

    /// One of its components as of the last snapshot at or before the moment: for what has no values in between.
    #[must_use]
    pub fn latest<C: Replicate>(&self) -> Option<C> {
        let (audience, bit) = self.scene.view.schema().find::<C>()?;
        Component { view: self.scene.view, audience, bit }.read(self.around(audience)?.last().1)
    }

    /// Whether the moment is past all that is known of its public components, and they were changing: what is shown is a
    /// guess.
    #[must_use]
    pub fn is_extrapolated(&self) -> bool {
        self.public.next().is_none() && self.ticks_past(self.public.last().0, 1) > 0.0
    }

    fn around(&self, audience: Audience) -> Option<Around<'a>> {
        if audience == Audience::Public {
            return Some(self.public);
        }
        let stream = self.scene.view.of(audience).at(self.id.index)?;
        (stream.generation == self.id.generation).then(|| self.scene.around(audience, stream))?
    }

    /// What a component was between two turns, if it is not what it was at the first: versions in between have it as of then.
    fn between_turns<C: Interpolate>(&self, around: &Around<'_>, component: Component<'_>, last: &C) -> Option<C> {
        let turn = component.turn_ticks();
        let (at, version) = around.last();
        let lanes = component.lanes(version);
        let is_same = |(_, version): &(Tick, VersionRef<'_>)| component.lanes(*version) == lanes;
        let since = around.earlier().take_while(is_same).last().map_or(at, |(tick, _)| tick);
        let soon = self.scene.moment.tick.add(turn);
        let mut next = around.later().take_while(|(tick, _)| !tick.is_newer_than(soon)).skip_while(is_same);
        if let Some((to, next)) = next.next() {
            let turn_before = to.sub(turn);
            let from = if turn_before.is_newer_than(since) { turn_before } else { since };
            return self.on_the_way((from, last), (to, &component.read(next)?));
        }
        let past = self.ticks_past(since, turn);
        let (_, before) = around.earlier().find(|other| !is_same(other)).filter(|_| past > 0.0)?;
        self.onward((since.sub(turn), &component.read(before)?), (since, last), past)
    }

    /// How far the moment is past `at`, in ticks, at most [`Playback::EXTRAPOLATION_MAX`]; 0 if what changed then is known to
    /// have stood still for so many ticks afterwards.
    fn ticks_past(&self, at: Tick, ticks: u32) -> f32 {
        let view = self.scene.view;
        let is_rest = |tick: Tick| tick.since(at) >= ticks.cast_signed();
        if view.whole_tick().is_some_and(is_rest) || is_rest(view.arrivals().unchanged_since(at)) {
            return 0.0;
        }
        let past = self.scene.moment.since(Moment::at(at));
        past.clamp(0.0, Playback::EXTRAPOLATION_MAX.as_secs_f32() * view.tick_hz() as f32)
    }

    /// What lies between two versions, of which the second began to come about at `from`; `None` before that.
    fn on_the_way<C: Interpolate>(&self, (from, a): (Tick, &C), (to, b): (Tick, &C)) -> Option<C> {
        let passed = self.scene.moment.since(Moment::at(from));
        (passed > 0.0).then(|| self.between((from, a), (to, b), passed))?
    }

    /// What follows after two versions, if it goes on like that for `ticks`.
    fn onward<C: Interpolate>(&self, (from, a): (Tick, &C), (to, b): (Tick, &C), ticks: f32) -> Option<C> {
        self.between((from, a), (to, b), to.since(from) as f32 + ticks)
    }

    /// The tick after which what was so at `from`, and became different by `to`, began to change.
    fn began_to_change(&self, from: Tick, to: Tick) -> Tick {
        let arrivals = self.scene.view.arrivals();
        let is_next = to.since(from) <= arrivals.every_ticks().cast_signed();
        if is_next { from } else { arrivals.rested_until(from, to) }
    }

    /// What a change leads to after so many of its ticks; `None` if it did not pass what lies there.
    fn between<C: Interpolate>(&self, (from, a): (Tick, &C), (to, b): (Tick, &C), passed: f32) -> Option<C> {
        let ticks = to.since(from) as f32;
        let seconds = ticks / self.scene.view.tick_hz().max(1) as f32;
        (!C::jumped(a, b, seconds)).then(|| C::interpolate(a, b, passed / ticks))
    }
}

/// Where a component lies in the versions of its streams.
#[derive(Clone, Copy)]
struct Component<'a> {
    view: &'a View,
    audience: Audience,
    bit: usize,
}

impl<'a> Component<'a> {
    /// Its lanes in a version, if that has it.
    fn lanes<'v>(&self, version: VersionRef<'v>) -> Option<&'v [u32]> {
        (version.mask >> self.bit & 1 != 0).then(|| {
            let layout = self.layout();
            let offset = layout.lane_offset(version.mask, self.bit);
            &version.lanes[offset..offset + layout.components()[self.bit].lanes.len()]
        })
    }

    fn read<C: Replicate>(&self, version: VersionRef<'_>) -> Option<C> {
        self.lanes(version).map(C::read_lanes)
    }

    /// Between two of its turns to be sent.
    fn turn_ticks(&self) -> u32 {
        self.layout().components()[self.bit].rules.rate.ticks(self.view.tick_hz())
    }

    fn layout(&self) -> &'a StreamLayout {
        self.view.schema().stream(self.audience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tidelock::state::{Field, Input, LaneReader, LaneWriter, Rules, Schema, SendRate, VersionHead};
    use tidelock::wire::SnapshotHeader;

    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    struct Height(i32);

    impl Replicate for Height {
        const NAME: &'static str = "height";
        const FIELDS: &'static [Field] = &[Field::integer("height", 0, 10_000)];

        fn quantize(&self, lanes: &mut LaneWriter<'_>) {
            lanes.integer(self.0);
        }

        fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
            Self(lanes.integer())
        }
    }

    impl Interpolate for Height {
        fn interpolate(from: &Self, to: &Self, t: f32) -> Self {
            Self(from.0 + ((to.0 - from.0) as f32 * t).round() as i32)
        }

        fn jumped(from: &Self, to: &Self, _: f32) -> bool {
            (to.0 - from.0).abs() > 1_000
        }
    }

    impl Input for Height {
        fn clear_one_shots(&mut self) {}
    }

    /// Changes in every snapshot.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    struct Heat(u32);

    impl Replicate for Heat {
        const NAME: &'static str = "heat";
        const FIELDS: &'static [Field] = &[Field::flags("heat", 8)];

        fn quantize(&self, lanes: &mut LaneWriter<'_>) {
            lanes.flags(self.0);
        }

        fn dequantize(lanes: &mut LaneReader<'_>) -> Self {
            Self(lanes.flags())
        }
    }

    const ID: NetId = NetId { index: 5, generation: 2 };

    /// A client of a server with 50 ticks a second, that knows one entity.
    struct Watcher {
        view: View,
        sequence: u64,
    }

    impl Watcher {
        /// The entity has entered at tick 10, with height 100.
        fn new() -> Self {
            let mut watcher = Self::of_turns(1);
            watcher.snapshot(10, Some(100));
            watcher
        }

        /// Heights are sent every so many ticks.
        fn of_turns(ticks: u8) -> Self {
            let rules = Rules::PUBLIC.with_rate(SendRate::Ticks(ticks));
            let schema = Schema::builder("heights").component_by::<Height>(rules).component::<Heat>(Audience::Public);
            let schema = schema.input::<Height>();
            let mut view = View::new(Arc::new(schema.build().unwrap()));
            view.begin(50, 1);
            view.of_mut(Audience::Public).renew(ID.index, ID.generation, None);
            Self { view, sequence: 0 }
        }

        /// A snapshot of `tick` arrives, with the entity's new height if it has one.
        fn snapshot(&mut self, tick: u32, height: Option<u32>) -> &mut Self {
            let tick = Tick(tick);
            if let Some(height) = height {
                let head = VersionHead::new(tick, 3, 0);
                self.view.of_mut(Audience::Public).keep(ID.index, head, &[height, tick.0 % 256], None);
            }
            self.sequence += 1;
            let header = SnapshotHeader { tick, count: 1, complete: true, ..SnapshotHeader::default() };
            self.view.on_datagram(self.sequence, &header);
            self.view.on_snapshot(tick);
            self
        }

        /// A snapshot is lost.
        fn lost(&mut self) -> &mut Self {
            self.sequence += 1;
            self
        }

        fn at(&self, tick: f32) -> Option<SceneEntity<'_>> {
            self.view.at(Moment::at(Tick(0)).add(tick)).entity(ID)
        }

        fn heights(&self, ticks: &[f32]) -> Vec<i32> {
            ticks.iter().map(|tick| self.at(*tick).unwrap().get::<Height>().unwrap().0).collect()
        }
    }

    #[test]
    fn between_two_snapshots_lies_what_they_said() {
        let mut watcher = Watcher::new();
        watcher.snapshot(11, Some(200)).snapshot(12, Some(300));
        assert_eq!(watcher.heights(&[10.0, 10.5, 11.0, 11.25, 12.0]), [100, 150, 200, 225, 300]);
        assert_eq!(watcher.at(11.75).unwrap().latest::<Height>(), Some(Height(200)));
    }

    #[test]
    fn what_a_lost_snapshot_said_is_bridged() {
        let mut watcher = Watcher::new();
        watcher.lost().lost().snapshot(13, Some(400));
        assert_eq!(watcher.heights(&[10.0, 11.5, 13.0]), [100, 250, 400]);
    }

    #[test]
    fn what_stood_still_starts_when_it_started() {
        let mut watcher = Watcher::new();
        watcher.snapshot(11, None).snapshot(12, None).snapshot(13, Some(200));
        assert_eq!(watcher.heights(&[11.5, 12.0, 12.5, 13.0]), [100, 100, 150, 200]);
    }

    #[test]
    fn what_stood_still_in_silence_starts_when_it_started() {
        let mut watcher = Watcher::new();
        watcher.snapshot(16, Some(200));
        assert_eq!(watcher.heights(&[12.0, 15.0, 15.5, 16.0]), [100, 100, 150, 200]);
    }

    #[test]
    fn what_may_have_started_in_a_lost_snapshot_starts_after_the_last_that_is_here() {
        let mut watcher = Watcher::new();
        watcher.snapshot(11, None).lost().snapshot(13, Some(300));
        assert_eq!(watcher.heights(&[11.0, 12.0, 13.0]), [100, 200, 300]);
    }

    #[test]
    fn past_what_is_known_it_goes_on_for_a_while_and_then_holds_still() {
        let mut watcher = Watcher::new();
        watcher.snapshot(11, Some(110));
        // 100 ms are five ticks.
        assert_eq!(watcher.heights(&[11.0, 12.0, 14.5, 16.0, 30.0]), [110, 120, 145, 160, 160]);
        assert!(watcher.at(11.5).unwrap().is_extrapolated() && !watcher.at(11.0).unwrap().is_extrapolated());
        // It stopped at 11: a snapshot that does not bring it says so.
        watcher.snapshot(12, None);
        assert_eq!(watcher.heights(&[11.5, 12.0, 14.0]), [110, 110, 110]);
        assert!(!watcher.at(14.0).unwrap().is_extrapolated());
    }

    #[test]
    fn what_is_sent_in_turns_moves_between_them() {
        let mut watcher = Watcher::of_turns(4);
        // Other components change in every snapshot; the height has rested before it moved, and goes on.
        for (tick, height) in (8..).zip([100, 100, 100, 100, 100, 140, 140, 140, 140, 180, 180]) {
            watcher.snapshot(tick, Some(height));
        }
        assert_eq!(watcher.heights(&[8.0, 9.0, 10.0, 12.0, 13.0, 15.0, 17.0]), [100, 100, 110, 130, 140, 160, 180]);
        assert_eq!(watcher.heights(&[18.0, 20.0, 21.0]), [190, 210, 220], "its turn is still to come");
        assert_eq!(watcher.at(16.0).unwrap().latest::<Height>(), Some(Height(140)));
        for tick in [19, 20, 21] {
            watcher.snapshot(tick, Some(180));
        }
        assert_eq!(watcher.heights(&[18.0, 21.0, 22.0]), [180, 180, 180], "it came, and nothing has changed");
    }

    #[test]
    fn what_jumped_is_there_at_once_and_does_not_fly_on() {
        let mut watcher = Watcher::new();
        watcher.snapshot(11, Some(5_000));
        assert_eq!(watcher.heights(&[10.9, 11.0, 12.0]), [100, 5_000, 5_000]);
    }

    #[test]
    fn an_entity_is_there_from_the_tick_it_entered_to_the_one_it_left() {
        let mut watcher = Watcher::new();
        watcher.snapshot(11, Some(200));
        watcher.view.of_mut(Audience::Public).leave(ID.index, Tick(13));
        watcher.snapshot(13, None);
        let is_there = |watcher: &Watcher, tick: f32| {
            let scene = watcher.view.at(Moment::at(Tick(0)).add(tick));
            assert_eq!(scene.entities().count(), usize::from(scene.entity(ID).is_some()));
            scene.entity(ID).is_some()
        };
        let ticks = [9.9, 10.0, 12.9, 13.0, 14.9, 15.0, 16.0];
        assert_eq!(ticks.map(|tick| is_there(&watcher, tick)), [false, true, true, false, false, false, false]);
        watcher.view.of_mut(Audience::Public).come_back(ID.index, Tick(15));
        watcher.snapshot(15, Some(700));
        assert_eq!(ticks.map(|tick| is_there(&watcher, tick)), [false, true, true, false, false, true, true]);
        assert_eq!(watcher.heights(&[12.9, 15.0, 15.5]), [200, 700, 700], "it comes back where it is");
    }

    #[test]
    fn an_entity_that_comes_and_goes_often_is_shown_where_it_is_or_not_at_all() {
        let mut watcher = Watcher::new();
        for (left, back, height) in [(12, 14, 300), (16, 18, 500), (20, 22, 700)] {
            watcher.view.of_mut(Audience::Public).leave(ID.index, Tick(left));
            watcher.snapshot(left, None);
            watcher.view.of_mut(Audience::Public).come_back(ID.index, Tick(back));
            watcher.snapshot(back, Some(height));
            // The last two absences are remembered each for itself.
            let height =
                |tick: u32| watcher.at(tick as f32).and_then(|entity| entity.get::<Height>()).map(|height| height.0);
            let shown = [left - 1, left + 1, back + 1].map(height);
            assert_eq!(shown, [Some(height_before(left)), None, Some(height_before(left + 4))]);
            assert_eq!(height(13), None, "it is no longer where it was at first");
        }
    }

    /// Of that entity, between two of its absences.
    fn height_before(left: u32) -> i32 {
        left.cast_signed() * 50 - 500
    }
}
