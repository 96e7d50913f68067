use super::shots::Shot;
use bevy_ecs::prelude::{Entity, Query, ResMut, Resource, With};
use core::ops::RangeInclusive;
use glam::Vec3;
use tidelock_arena::flight::first_met;
use tidelock_arena::movement::Body;
use tidelock_arena::{Position, Status, Velocity};

/// Cells along one side of the arena, and their width.
const CELLS: usize = 50;
const CELL_M: f32 = 2.0 * Position::EXTENT_M / CELLS as f32;

/// A body that may be hit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) entity: Entity,
    /// Where it stands now, in metres.
    pub(super) place: Vec3,
    /// Is dead now. Who looks back may see it alive.
    pub(super) is_dead: bool,
}

/// All bodies in this tick, sorted by cell: the cells of a row lie side by side, row after row.
#[derive(Resource, Debug, Default)]
pub(super) struct Targets {
    /// Cell `n` holds `bodies[starts[n]..starts[n + 1]]`.
    starts: Vec<u32>,
    bodies: Vec<Target>,
    /// In the order of the query, with their cells.
    unsorted: Vec<(usize, Target)>,
}

/// Sorts bodies into cells, if any shot is in the air.
pub(super) fn index(
    shots: Query<(), With<Shot>>,
    bodies: Query<(Entity, &Position, &Status)>,
    mut targets: ResMut<Targets>,
) {
    if !shots.is_empty() {
        let target = |(entity, position, status): (Entity, &Position, &Status)| Target {
            entity,
            place: position.0,
            is_dead: status.dead,
        };
        targets.fill(bodies.iter().map(target));
    }
}

impl Targets {
    /// The first body that the line from `from` to `to` meets, and how far along, 0 to 1, if each stands where
    /// `place_of` says: that is asked of those alone that can have been on the line within the last `age_s` seconds, and
    /// `None` is nowhere.
    pub(super) fn first_hit(
        &self,
        from: Vec3,
        to: Vec3,
        age_s: f32,
        mut place_of: impl FnMut(&Target) -> Option<Vec3>,
    ) -> Option<(f32, Entity)> {
        // Nobody has come farther along any axis; half a step of rounding at either end.
        let reach_m = if age_s > 0.0 { Velocity::MAX * age_s + Position::STEP_M } else { 0.0 };
        let columns = cells(from.x, to.x, reach_m);
        let rows = cells(from.y, to.y, reach_m).map(|row| {
            let start = self.starts[row * CELLS + columns.start()] as usize;
            let end = self.starts[row * CELLS + columns.end() + 1] as usize;
            &self.bodies[start..end]
        });
        let near = rows.flatten().filter(|target| Body::hull(target.place).grown(reach_m).entry(from, to).is_some());
        first_met(from, to, near.filter_map(|target| Some((target.entity, place_of(target)?))))
    }

    /// A counting sort: two passes, and no allocation once the vectors are long enough.
    fn fill(&mut self, bodies: impl Iterator<Item = Target>) {
        self.unsorted.clear();
        self.unsorted.extend(bodies.map(|body| (cell(body.place.y) * CELLS + cell(body.place.x), body)));
        self.starts.clear();
        self.starts.resize(CELLS * CELLS + 1, 0);
        for (at, _) in &self.unsorted {
            self.starts[*at] += 1;
        }
        let mut end = 0;
        for start in &mut self.starts {
            end += *start;
            *start = end;
        }
        self.bodies.clear();
        self.bodies.extend(self.unsorted.iter().map(|(_, body)| *body));
        for (at, body) in self.unsorted.iter().rev() {
            self.starts[*at] -= 1;
            self.bodies[self.starts[*at] as usize] = *body;
        }
    }
}

/// The cells in which a body can stand that reached between two coordinates when it was at most `reach_m` away.
fn cells(a: f32, b: f32, reach_m: f32) -> RangeInclusive<usize> {
    let margin_m = Body::HALF_WIDTH_M + reach_m;
    cell(a.min(b) - margin_m)..=cell(a.max(b) + margin_m)
}

fn cell(coordinate: f32) -> usize {
    (((coordinate + Position::EXTENT_M) / CELL_M) as usize).min(CELLS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bevy_ecs::world::World;
    use tidelock_arena::Rng;

    fn target(entity: Entity, place: Vec3) -> Target {
        Target { entity, place, is_dead: false }
    }

    #[test]
    fn finds_what_looking_at_everyone_finds() {
        let mut world = World::new();
        let mut rng = Rng::new(11);
        let mut point =
            |height: f32| Vec3::new(rng.between(-100.0, 100.0), rng.between(-100.0, 100.0), rng.between(0.0, height));
        let bodies: Vec<_> = (0..2_000).map(|_| target(world.spawn_empty().id(), point(0.5))).collect();
        let mut targets = Targets::default();
        targets.fill(bodies.iter().copied());
        let mut hits = 0;
        for _ in 0..500 {
            let (from, to) = (point(2.0), point(2.0));
            let to = from + (to - from).clamp_length_max(20.0);
            let entries = bodies.iter().filter_map(|body| Body::hull(body.place).entry(from, to));
            let expected = entries.reduce(f32::min);
            let present = targets.first_hit(from, to, 0.0, |body| Some(body.place));
            assert_eq!(present.map(|(at, _)| at), expected);
            hits += u32::from(expected.is_some());
            // A quarter of a second ago all stood elsewhere.
            let then = |place: Vec3| place + Vec3::new(-1.4, 1.4, 0.5);
            let entries = bodies.iter().filter_map(|body| Body::hull(then(body.place)).entry(from, to));
            let expected = entries.reduce(f32::min);
            let past = targets.first_hit(from, to, 0.25, |body| Some(then(body.place)));
            assert_eq!(past.map(|(at, _)| at), expected);
            hits += u32::from(expected.is_some());
        }
        assert!(hits > 100, "{hits}");
    }

    #[test]
    fn who_is_nowhere_is_not_hit() {
        let mut world = World::new();
        let (nobody, victim) = (world.spawn_empty().id(), world.spawn_empty().id());
        let mut targets = Targets::default();
        targets.fill([target(nobody, Vec3::ZERO), target(victim, Vec3::new(5.0, 0.0, 0.0))].into_iter());
        let eye = Vec3::new(0.0, 0.0, Body::EYE_M);
        let place_of = |body: &Target| (body.entity != nobody).then_some(body.place);
        let hit = targets.first_hit(eye, eye + Vec3::X * 10.0, 0.0, place_of);
        assert_eq!(hit.map(|(_, entity)| entity), Some(victim));
    }
}
