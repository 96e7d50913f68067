use super::history::History;
use glam::Vec2;

/// Which entities lie near a point: a grid of square cells, folded onto itself so that worlds of any size fit.
#[derive(Debug)]
pub(crate) struct Interest {
    radius: f32,
    cell_size: f32,
    /// `cells[y % SIDE * SIDE + x % SIDE]` lists the entities in cell (x, y).
    cells: Vec<Vec<u32>>,
    /// The cell each entity is listed in, by index.
    listed_in: Vec<Option<u32>>,
    always: Vec<u32>,
}

/// Something that a client may see.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) index: u32,
    /// Whether it is seen even if it was not before: the rim is only for those who were, so that nobody flickers.
    pub(crate) may_enter: bool,
    /// 0 at the viewpoint, 1 at the radius.
    pub(crate) distance: f32,
}

const SIDE: i32 = 64;
/// What was seen stays seen up to this part beyond the radius.
const HYSTERESIS: f32 = 1.1;

impl Interest {
    pub(crate) fn new(radius: f32) -> Self {
        let cells = vec![Vec::new(); (SIDE * SIDE) as usize];
        Self { radius, cell_size: (radius / 2.0).max(1e-3), cells, listed_in: Vec::new(), always: Vec::new() }
    }

    /// An entity is at `place` now.
    pub(crate) fn place(&mut self, index: u32, place: Vec2) {
        let cell = self.cell(self.column(place.x), self.column(place.y));
        if self.listed_in.len() <= index as usize {
            self.listed_in.resize(index as usize + 1, None);
        }
        if self.listed_in[index as usize] != Some(cell) {
            self.unlist(index);
            self.cells[cell as usize].push(index);
            self.listed_in[index as usize] = Some(cell);
        }
    }

    /// An entity is nowhere any more.
    pub(crate) fn displace(&mut self, index: u32) {
        self.unlist(index);
    }

    /// Everybody sees an entity, or no longer does so wherever it is.
    pub(crate) fn set_always_relevant(&mut self, index: u32, always: bool) {
        match (self.always.binary_search(&index), always) {
            (Err(at), true) => self.always.insert(at, index),
            (Ok(at), false) => drop(self.always.remove(at)),
            _ => {}
        }
    }

    /// An entity is gone.
    pub(crate) fn remove(&mut self, index: u32) {
        self.unlist(index);
        self.set_always_relevant(index, false);
    }

    /// What a client sees from `center`, besides what it owns: by ascending index, each once.
    pub(crate) fn select(&self, center: Option<Vec2>, owned: &[u32], history: &History, out: &mut Vec<Candidate>) {
        out.clear();
        let own = owned.iter().map(|index| Candidate { index: *index, may_enter: true, distance: 0.0 });
        out.extend(own);
        out.extend(self.always.iter().map(|index| Candidate { index: *index, may_enter: true, distance: 0.5 }));
        if let Some(center) = center {
            self.select_near(center, history, out);
        }
        out.sort_unstable_by(|a, b| {
            a.index.cmp(&b.index).then(b.may_enter.cmp(&a.may_enter)).then(a.distance.total_cmp(&b.distance))
        });
        out.dedup_by_key(|candidate| candidate.index);
    }

    fn select_near(&self, center: Vec2, history: &History, out: &mut Vec<Candidate>) {
        let reach = self.radius * HYSTERESIS;
        let span = |c: f32| (self.column(c - reach), self.column(c + reach));
        let ((x0, x1), (y0, y1)) = (span(center.x), span(center.y));
        for y in y0..=y1.min(y0 + SIDE - 1) {
            for x in x0..=x1.min(x0 + SIDE - 1) {
                for index in &self.cells[self.cell(x, y) as usize] {
                    let Some(place) = history.slot(*index).place else { continue };
                    let distance = center.distance(place) / self.radius;
                    if distance <= HYSTERESIS {
                        out.push(Candidate { index: *index, may_enter: distance <= 1.0, distance });
                    }
                }
            }
        }
    }

    fn unlist(&mut self, index: u32) {
        let Some(cell) = self.listed_in.get_mut(index as usize).and_then(Option::take) else { return };
        let cell = &mut self.cells[cell as usize];
        if let Some(at) = cell.iter().position(|listed| *listed == index) {
            cell.swap_remove(at);
        }
    }

    fn column(&self, coordinate: f32) -> i32 {
        // Far-off and odd coordinates saturate: they cost precision, not correctness, for distances are checked.
        (coordinate / self.cell_size).floor().clamp(-1e9, 1e9) as i32
    }

    fn cell(&self, x: i32, y: i32) -> u32 {
        (y.rem_euclid(SIDE) * SIDE + x.rem_euclid(SIDE)).cast_unsigned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::empty_schema::empty_schema;
    use super::*;
    use bevy_ecs::entity::Entity;
    use tidelock::Tick;

    fn world(places: &[Vec2]) -> (Interest, History) {
        let schema = empty_schema();
        let (mut interest, mut history) = (Interest::new(10.0), History::default());
        for (n, place) in places.iter().enumerate() {
            let index = history.insert(Entity::from_raw_u32(n as u32).unwrap(), Tick(1), &schema).unwrap();
            history.slot_mut(index).place = Some(*place);
            interest.place(index, *place);
        }
        (interest, history)
    }

    fn seen(interest: &Interest, history: &History, center: Vec2) -> Vec<(u32, bool)> {
        let mut out = Vec::new();
        interest.select(Some(center), &[], history, &mut out);
        out.iter().map(|candidate| (candidate.index, candidate.may_enter)).collect()
    }

    #[test]
    fn it_sees_what_a_scan_of_all_would_see() {
        let place = |n: u32| Vec2::new((n * 7919 % 4001) as f32 - 2000.0, (n * 104_729 % 3001) as f32 - 1500.0) * 0.1;
        let places: Vec<Vec2> = (0..3000).map(place).collect();
        let (interest, history) = world(&places);
        for center in [Vec2::ZERO, Vec2::new(-150.0, 90.0), Vec2::new(200.0, -150.0)] {
            let scan = (0..3000u32).filter_map(|n| {
                let distance = places[n as usize].distance(center);
                (distance <= 11.0).then_some((n, distance <= 10.0))
            });
            assert_eq!(seen(&interest, &history, center), scan.collect::<Vec<_>>());
        }
    }

    #[test]
    fn who_moved_is_found_where_it_is() {
        let (mut interest, mut history) = world(&[Vec2::ZERO]);
        history.slot_mut(0).place = Some(Vec2::splat(500.0));
        interest.place(0, Vec2::splat(500.0));
        assert_eq!(seen(&interest, &history, Vec2::ZERO), []);
        assert_eq!(seen(&interest, &history, Vec2::splat(500.0)), [(0, true)]);
    }

    #[test]
    fn the_always_relevant_and_the_owned_are_seen_from_nowhere() {
        let (mut interest, history) = world(&[Vec2::ZERO, Vec2::ZERO, Vec2::ZERO]);
        interest.set_always_relevant(2, true);
        let mut out = Vec::new();
        interest.select(None, &[0], &history, &mut out);
        assert_eq!(out.iter().map(|c| c.index).collect::<Vec<_>>(), [0, 2]);
    }

    #[test]
    fn coordinates_that_are_not_numbers_hurt_nobody() {
        let (interest, history) = world(&[Vec2::NAN, Vec2::splat(f32::INFINITY), Vec2::ZERO]);
        assert_eq!(seen(&interest, &history, Vec2::ZERO), [(2, true)]);
    }
}
