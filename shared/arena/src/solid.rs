use crate::movement::Body;
use glam::{Vec2, Vec3};

/// An axis-aligned box, in metres. Obstacles have their corners on multiples of half a metre, so that the places where
/// a body touches them are exact in the [steps of a position](crate::Position::STEP_M).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Solid {
    /// The corner with the least coordinates.
    pub min: Vec3,
    /// The corner with the greatest coordinates.
    pub max: Vec3,
}

impl Solid {
    /// A box of `size` that stands on the ground around `middle`.
    #[must_use]
    pub fn standing(middle: Vec2, size: Vec3) -> Self {
        let half = size.truncate() / 2.0;
        Self { min: (middle - half).extend(0.0), max: (middle + half).extend(size.z) }
    }

    /// Where a body's [`Position`](crate::Position) cannot be because of this box: inside of this larger one.
    #[must_use]
    pub fn grown_for_body(&self) -> Self {
        let margin = Vec2::splat(Body::HALF_WIDTH_M);
        Self { min: self.min - margin.extend(Body::HEIGHT_M), max: self.max + margin.extend(0.0) }
    }

    /// The box that reaches `margin_m` farther on all sides.
    #[must_use]
    pub fn grown(&self, margin_m: f32) -> Self {
        Self { min: self.min - margin_m, max: self.max + margin_m }
    }

    /// Whether `point` lies inside; the surface does not count.
    #[must_use]
    pub fn contains(&self, point: Vec3) -> bool {
        (0..3).all(|axis| self.spans(axis, point))
    }

    /// Whether `point` lies between the two sides that stand across `axis` (0 to 2).
    #[must_use]
    pub fn spans(&self, axis: usize, point: Vec3) -> bool {
        self.min[axis] < point[axis] && point[axis] < self.max[axis]
    }

    /// Whether the two boxes come closer than `gap` on the ground.
    #[must_use]
    pub fn is_near(&self, other: &Self, gap: f32) -> bool {
        (0..2).all(|axis| self.min[axis] - gap < other.max[axis] && other.min[axis] - gap < self.max[axis])
    }

    /// How far along the line from `from` to `to` it enters this box: 0 at `from` (also if it starts inside), 1 at `to`;
    /// `None` if it misses.
    #[must_use]
    pub fn entry(&self, from: Vec3, to: Vec3) -> Option<f32> {
        // The line is inside from the last side it enters to the first it leaves (the slab method of Kay and Kajiya, 1986).
        let (mut enters, mut leaves) = (0.0f32, 1.0f32);
        for axis in 0..3 {
            let distance = to[axis] - from[axis];
            if distance == 0.0 {
                if !self.spans(axis, from) {
                    return None;
                }
                continue;
            }
            let (a, b) = ((self.min[axis] - from[axis]) / distance, (self.max[axis] - from[axis]) / distance);
            enters = enters.max(a.min(b));
            leaves = leaves.min(a.max(b));
        }
        (enters < leaves).then_some(enters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cube() -> Solid {
        Solid::standing(Vec2::new(10.0, 0.0), Vec3::splat(2.0))
    }

    #[test]
    fn a_line_enters_where_it_meets_the_first_side() {
        let entry = cube().entry(Vec3::new(0.0, 0.0, 1.0), Vec3::new(18.0, 0.0, 1.0));
        assert_eq!(entry, Some(0.5));
    }

    #[test]
    fn a_line_that_ends_before_or_passes_beside_misses() {
        let from = Vec3::new(0.0, 0.0, 1.0);
        assert_eq!(cube().entry(from, Vec3::new(8.0, 0.0, 1.0)), None);
        assert_eq!(cube().entry(from, Vec3::new(20.0, 4.0, 1.0)), None);
        assert_eq!(cube().entry(from, Vec3::new(-20.0, 0.0, 1.0)), None);
        assert_eq!(cube().entry(from, Vec3::new(20.0, 0.0, 5.0)), None);
    }

    #[test]
    fn a_line_from_inside_enters_at_once() {
        assert_eq!(cube().entry(Vec3::new(10.0, 0.5, 1.0), Vec3::new(30.0, 0.5, 1.0)), Some(0.0));
    }

    #[test]
    fn the_surface_is_not_inside() {
        assert!(cube().contains(Vec3::new(10.0, 0.0, 1.0)));
        assert!(!cube().contains(Vec3::new(9.0, 0.0, 1.0)));
    }
}
