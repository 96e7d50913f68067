//! Where one can walk: the arena's floor and walls, and boxes that a seed scatters over it.

use crate::body::Position;
use crate::movement::Body;
use crate::rng::Rng;
use crate::solid::Solid;
use alloc::vec;
use alloc::vec::Vec;
use bitcode::{Decode, Encode};
use glam::{Vec2, Vec3};

/// All that a map is made from: what a joining client gets instead of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MapParameters {
    /// Decides where everything stands.
    pub seed: u64,
    /// How many obstacles to try to place, at most [`MapParameters::OBSTACLES_MAX`].
    pub obstacles: u16,
}

impl MapParameters {
    /// As many obstacles as a map can have.
    pub const OBSTACLES_MAX: u16 = 500;
    /// What a map has unless asked otherwise.
    pub const OBSTACLES_DEFAULT: u16 = 120;
    /// A payload is never longer, in bytes.
    const PAYLOAD_BYTES_MAX: usize = 64;

    /// The usual map of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, obstacles: Self::OBSTACLES_DEFAULT }
    }

    /// The join payload: these parameters in `bitcode`.
    #[must_use]
    pub fn to_payload(&self) -> Vec<u8> {
        bitcode::encode(self)
    }

    /// Reads a join payload.
    pub fn from_payload(payload: &[u8]) -> Result<Self, PayloadError> {
        if payload.len() > Self::PAYLOAD_BYTES_MAX {
            return Err(PayloadError::Malformed);
        }
        let parameters: Self = bitcode::decode(payload).map_err(|_| PayloadError::Malformed)?;
        if parameters.obstacles > Self::OBSTACLES_MAX {
            return Err(PayloadError::TooManyObstacles(parameters.obstacles));
        }
        Ok(parameters)
    }
}

/// Why a join payload is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// Too long, or not map parameters.
    #[error("the join payload holds no map parameters")]
    Malformed,
    /// More obstacles than a map can have.
    #[error("the join payload asks for {0} obstacles")]
    TooManyObstacles(u16),
}

/// The arena with its obstacles. The same parameters give the same map everywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    parameters: MapParameters,
    solids: Vec<Solid>,
    /// The solids of cell `n` are those that `listed[starts[n]..starts[n + 1]]` names.
    starts: Vec<u16>,
    listed: Vec<u16>,
}

/// Cells along one side, and their width.
const CELLS: usize = 20;
const CELL_M: f32 = 2.0 * Position::EXTENT_M / CELLS as f32;
/// Between two obstacles there is room for two to pass, so nothing is walled in, in metres.
const GAP_M: f32 = 2.0;

impl Map {
    /// Builds the map. More obstacles than allowed are left out.
    #[must_use]
    pub fn generate(parameters: MapParameters) -> Self {
        let mut rng = Rng::stream(parameters.seed, 0x6D61_7000);
        let mut solids: Vec<Solid> = Vec::new();
        for _ in 0..parameters.obstacles.min(MapParameters::OBSTACLES_MAX) {
            let free = |solid: &Solid| !solids.iter().any(|other| other.is_near(solid, GAP_M));
            // A crowded map may have no room left: then it gets fewer.
            let Some(solid) = (0..8).map(|_| obstacle(&mut rng)).find(free) else { continue };
            solids.push(solid);
        }
        let (starts, listed) = index(&solids);
        Self { parameters, solids, starts, listed }
    }

    /// Builds the map that a join payload describes.
    pub fn from_payload(payload: &[u8]) -> Result<Self, PayloadError> {
        MapParameters::from_payload(payload).map(Self::generate)
    }

    /// What it was made from.
    #[must_use]
    pub const fn parameters(&self) -> MapParameters {
        self.parameters
    }

    /// All obstacles.
    #[must_use]
    pub fn solids(&self) -> &[Solid] {
        &self.solids
    }

    /// The obstacles that may touch the rectangle between two corners on the ground; one may come more than once.
    pub fn solids_near(&self, min: Vec2, max: Vec2) -> impl Iterator<Item = &Solid> {
        let (columns, rows) = (cell(min.x)..=cell(max.x), cell(min.y)..=cell(max.y));
        let cells = rows.flat_map(move |row| columns.clone().map(move |column| row * CELLS + column));
        let listed = cells.flat_map(|at| &self.listed[self.starts[at] as usize..self.starts[at + 1] as usize]);
        listed.map(|solid| &self.solids[*solid as usize])
    }

    /// Whether a body can be at `place`: inside the arena and not inside an obstacle.
    #[must_use]
    pub fn is_free(&self, place: Vec3) -> bool {
        into_arena(place) == place && self.solid_at(place).is_none()
    }

    /// The nearest place above where a body can be. What is not a number becomes a corner of the arena.
    #[must_use]
    pub fn freed(&self, place: Vec3) -> Vec3 {
        let mut place = into_arena(place);
        // Ends: each turn climbs onto another obstacle, and all are lower than the ceiling.
        while let Some(solid) = self.solid_at(place) {
            place.z = solid.grown_for_body().max.z;
        }
        place
    }

    /// The height of what a body at `place` would fall onto, in metres.
    #[must_use]
    pub fn floor(&self, place: Vec3) -> f32 {
        let below = self
            .around(place)
            .map(|solid| solid.grown_for_body())
            .filter(|solid| solid.spans(0, place) && solid.spans(1, place) && solid.max.z <= place.z);
        below.map(|solid| solid.max.z).fold(0.0, f32::max)
    }

    /// How far along the line from `from` to `to` an obstacle is met, 0 to 1; `None` if the way is clear.
    #[must_use]
    pub fn first_hit(&self, from: Vec3, to: Vec3) -> Option<f32> {
        let (min, max) = (from.min(to).truncate(), from.max(to).truncate());
        self.solids_near(min, max).filter_map(|solid| solid.entry(from, to)).reduce(f32::min)
    }

    /// A random place on the ground where a body can be, in whole metres.
    #[must_use]
    pub fn random_place(&self, rng: &mut Rng) -> Vec3 {
        let whole = Position::EXTENT_M as u32 * 2 - 1;
        let mut draw = || Vec3::new((rng.below(whole) + 1) as f32, (rng.below(whole) + 1) as f32, 0.0);
        let mut places = (0..16).map(|_| draw() - Vec2::splat(Position::EXTENT_M).extend(0.0));
        places.find(|place| self.is_free(*place)).unwrap_or_else(|| self.freed(Vec3::ZERO))
    }

    fn solid_at(&self, place: Vec3) -> Option<&Solid> {
        self.around(place).find(|solid| solid.grown_for_body().contains(place))
    }

    fn around(&self, place: Vec3) -> impl Iterator<Item = &Solid> {
        let margin = Vec2::splat(Body::HALF_WIDTH_M);
        self.solids_near(place.truncate() - margin, place.truncate() + margin)
    }
}

/// The nearest place of a body inside the arena; what is not a number becomes the least coordinate.
pub(crate) fn into_arena(place: Vec3) -> Vec3 {
    let side = Position::EXTENT_M - Body::HALF_WIDTH_M;
    let within = |value: f32, min: f32, max: f32| if value > min { value.min(max) } else { min };
    Vec3::new(within(place.x, -side, side), within(place.y, -side, side), within(place.z, 0.0, Position::CEILING_M))
}

/// A crate to jump on, a pillar, a wall along either axis, or a block.
fn obstacle(rng: &mut Rng) -> Solid {
    let mut length = |min: u32, max: u32| (min + rng.below(max - min + 1)) as f32;
    let size = match length(0, 4) as u32 {
        0 => Vec3::new(length(1, 2), length(1, 2), 1.0),
        1 => Vec3::new(1.0, 1.0, 4.0),
        2 => Vec3::new(length(8, 16), 1.0, 3.0),
        3 => Vec3::new(1.0, length(8, 16), 3.0),
        _ => Vec3::new(length(3, 8), length(3, 8), length(1, 3)),
    };
    let reach = Vec2::splat(Position::EXTENT_M - GAP_M) - (size.truncate() / 2.0).ceil();
    let mut coordinate = |reach: f32| rng.below(2 * reach as u32 + 1) as f32 - reach;
    Solid::standing(Vec2::new(coordinate(reach.x), coordinate(reach.y)), size)
}

/// The column or row of a coordinate; outside of the arena, the nearest.
fn cell(coordinate: f32) -> usize {
    (((coordinate + Position::EXTENT_M) / CELL_M) as usize).min(CELLS - 1)
}

/// Lists for each cell the solids that touch it.
fn index(solids: &[Solid]) -> (Vec<u16>, Vec<u16>) {
    let mut cells = vec![Vec::new(); CELLS * CELLS];
    for (number, solid) in solids.iter().enumerate() {
        for row in cell(solid.min.y)..=cell(solid.max.y) {
            for column in cell(solid.min.x)..=cell(solid.max.x) {
                cells[row * CELLS + column].push(number as u16);
            }
        }
    }
    let mut starts = vec![0u16];
    for cell in &cells {
        starts.push(starts[starts.len() - 1] + cell.len() as u16);
    }
    (starts, cells.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

    #[test]
    fn the_same_parameters_give_the_same_map() {
        let parameters = MapParameters::new(42);
        let map = Map::generate(parameters);
        assert_eq!(map, Map::from_payload(&parameters.to_payload()).unwrap());
        assert_ne!(map.solids(), Map::generate(MapParameters::new(43)).solids());
        assert!(map.solids().len() > 100, "{} obstacles", map.solids().len());
    }

    #[test]
    fn a_payload_that_asks_for_too_much_is_refused_and_its_twin_is_not() {
        let most = MapParameters { seed: 1, obstacles: MapParameters::OBSTACLES_MAX };
        assert_eq!(MapParameters::from_payload(&most.to_payload()), Ok(most));
        let more = MapParameters { seed: 1, obstacles: MapParameters::OBSTACLES_MAX + 1 };
        assert_eq!(MapParameters::from_payload(&more.to_payload()), Err(PayloadError::TooManyObstacles(501)));
        assert_eq!(MapParameters::from_payload(&[0; 65]), Err(PayloadError::Malformed));
        assert_eq!(MapParameters::from_payload(&[]), Err(PayloadError::Malformed));
    }

    #[test]
    fn obstacles_leave_room_to_pass() {
        let map = Map::generate(MapParameters { seed: 9, obstacles: MapParameters::OBSTACLES_MAX });
        for (number, solid) in map.solids().iter().enumerate() {
            assert!(!map.solids()[..number].iter().any(|other| other.is_near(solid, GAP_M)));
            assert!(solid.max.truncate().abs().max(solid.min.truncate().abs()).max_element() <= 98.5);
            assert!(solid.max.z <= 4.0 && solid.max.z > 0.0);
        }
    }

    #[test]
    fn random_places_are_free() {
        let map = Map::generate(MapParameters { seed: 3, obstacles: MapParameters::OBSTACLES_MAX });
        let mut rng = Rng::new(5);
        for _ in 0..1_000 {
            let place = map.random_place(&mut rng);
            assert!(map.is_free(place), "{place}");
        }
    }

    #[test]
    fn a_wall_stops_a_line_of_sight() {
        let map = Map::generate(MapParameters::new(1));
        let wall = map.solids().iter().find(|solid| solid.max.z == 3.0 && solid.max.y - solid.min.y == 1.0).unwrap();
        let middle = (wall.min + wall.max) / 2.0;
        let side = Vec3::new(0.0, 2.0, 0.0);
        assert!(map.first_hit(middle - side, middle + side).is_some());
        assert!(map.first_hit(middle + side, middle + side * 1.2).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_payload_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = MapParameters::from_payload(&bytes);
        }

        #[test]
        fn a_freed_place_is_free(x in any::<f32>(), y in any::<f32>(), z in any::<f32>(), seed in 0u64..8) {
            let map = Map::generate(MapParameters { seed, obstacles: 300 });
            prop_assert!(map.is_free(map.freed(Vec3::new(x, y, z))));
        }

        #[test]
        fn the_index_finds_every_obstacle(x in -100.0f32..100.0, y in -100.0f32..100.0, seed in 0u64..4) {
            let map = Map::generate(MapParameters { seed, obstacles: 300 });
            let place = Vec3::new(x, y, 0.5);
            let listed = map.solids_near(place.truncate(), place.truncate()).any(|solid| solid.contains(place));
            prop_assert_eq!(listed, map.solids().iter().any(|solid| solid.contains(place)));
        }
    }
}
