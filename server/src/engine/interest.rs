use super::filter::Filter;
use super::grid::Grid;
use super::marks::{IndexSet, Marks};
use glam::Vec2;

/// What clients see besides what they own: what is near, and what is always relevant, as far as the game hides it from nobody
/// or shows it.
#[derive(Debug)]
pub(crate) struct Interest {
    radius: f32,
    grid: Grid,
    always: IndexSet,
    /// Those that their team sees wherever they are.
    team_relevant: IndexSet,
    pub(crate) filter: Filter,
}

/// What was seen stays seen up to this part beyond the radius, so that nobody flickers.
const HYSTERESIS: f32 = 1.1;

impl Interest {
    pub(crate) fn new(radius: f32) -> Self {
        Self {
            radius,
            grid: Grid::new((radius / 2.0).max(1e-3)),
            always: IndexSet::default(),
            team_relevant: IndexSet::default(),
            filter: Filter::default(),
        }
    }

    /// An entity is at `place` now.
    pub(crate) fn place(&mut self, index: u32, place: Vec2) {
        self.grid.put(index, place);
    }

    /// Where `place` comes among all when those near each other are to be side by side.
    pub(crate) fn locality(&self, place: Vec2) -> u64 {
        self.grid.locality(place)
    }

    /// An entity is nowhere any more.
    pub(crate) fn displace(&mut self, index: u32) {
        self.grid.remove(index);
    }

    /// Everybody sees an entity, or no longer does so wherever it is.
    pub(crate) fn set_always_relevant(&mut self, index: u32, always: bool) {
        self.always.set(index, always);
    }

    /// A team sees its entity wherever it is, or no longer does so.
    pub(crate) fn set_team_relevant(&mut self, index: u32, relevant: bool) {
        self.team_relevant.set(index, relevant);
    }

    /// An entity is gone, and nobody has an exception of it.
    pub(crate) fn remove(&mut self, index: u32) {
        self.grid.remove(index);
        self.always.set(index, false);
        self.team_relevant.set(index, false);
        self.filter.set_layers(index, None);
    }

    /// Marks what a client sees from `center` who is of a team with these members. The marks reach all indices.
    pub(crate) fn select(&self, center: Option<Vec2>, mates: Option<&IndexSet>, marks: &mut Marks) {
        marks.add_all(&self.always);
        if let Some(mates) = mates {
            marks.add_both(&self.team_relevant, mates);
        }
        let Some(center) = center else { return };
        let reach = self.radius * HYSTERESIS;
        let (inner, outer) = (self.radius * self.radius, reach * reach);
        self.grid.near(center, reach, |index, square| {
            if square <= outer {
                marks.add(index, square <= inner);
            }
        });
    }

    /// How far an entity is from a client's viewpoint: 0 there, 1 at the radius. What is seen wherever it is counts as half
    /// as far at most.
    pub(crate) fn distance(&self, index: u32, place: Option<Vec2>, center: Option<Vec2>) -> f32 {
        let near = place.zip(center).map(|(place, center)| place.distance(center) / self.radius);
        match near {
            // What is seen from farther off is its team's, or shown to this client.
            Some(near) if near <= HYSTERESIS && !self.always.has(index) => near,
            near => near.unwrap_or(0.5).min(0.5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(places: &[Vec2]) -> Interest {
        let mut interest = Interest::new(10.0);
        places.iter().enumerate().for_each(|(index, place)| interest.place(index as u32, *place));
        interest
    }

    /// Each index that is marked, and whether it may enter.
    fn seen(interest: &Interest, center: Option<Vec2>) -> Vec<(u32, bool)> {
        let mut marks = Marks::default();
        marks.reach(5_000);
        interest.select(center, None, &mut marks);
        let words = marks.drain().flat_map(|(word, marked)| {
            let bits = (0..64).filter(move |bit| marked.may_stay >> bit & 1 != 0);
            bits.map(move |bit| (word * 64 + bit, marked.may_enter >> bit & 1 != 0))
        });
        words.collect()
    }

    #[test]
    fn it_sees_what_a_scan_of_all_would_see() {
        let place = |n: u32| Vec2::new((n * 7919 % 4001) as f32 - 2000.0, (n * 104_729 % 3001) as f32 - 1500.0) * 0.1;
        let places: Vec<Vec2> = (0..3000).map(place).collect();
        let interest = world(&places);
        for center in [Vec2::ZERO, Vec2::new(-150.0, 90.0), Vec2::new(200.0, -150.0)] {
            let scan = (0..3000u32).filter_map(|n| {
                let distance = places[n as usize].distance(center);
                (distance <= 11.0).then_some((n, distance <= 10.0))
            });
            assert_eq!(seen(&interest, Some(center)), scan.collect::<Vec<_>>());
        }
    }

    #[test]
    fn who_moved_is_found_where_it_is() {
        let mut interest = world(&[Vec2::ZERO]);
        interest.place(0, Vec2::splat(500.0));
        assert_eq!(seen(&interest, Some(Vec2::ZERO)), []);
        assert_eq!(seen(&interest, Some(Vec2::splat(500.0))), [(0, true)]);
    }

    #[test]
    fn the_always_relevant_are_seen_from_nowhere() {
        let mut interest = world(&[Vec2::ZERO, Vec2::ZERO, Vec2::ZERO]);
        interest.set_always_relevant(2, true);
        assert_eq!(seen(&interest, None), [(2, true)]);
        interest.set_always_relevant(2, false);
        assert_eq!(seen(&interest, None), []);
    }

    #[test]
    fn what_is_gone_is_seen_no_more() {
        let mut interest = world(&[Vec2::ZERO, Vec2::ONE]);
        interest.set_always_relevant(0, true);
        interest.remove(0);
        interest.displace(1);
        assert_eq!(seen(&interest, Some(Vec2::ZERO)), []);
    }
}
