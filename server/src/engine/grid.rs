use glam::Vec2;

/// Where entities are: a grid of square cells, folded onto itself so that worlds of any size fit. A cell's entities lie side
/// by side, in blocks of one pool; one that moves within its cell is updated where it lies.
#[derive(Debug)]
pub(crate) struct Grid {
    cell_size: f32,
    /// One above the newest block of cell (x, y), at `y % SIDE * SIDE + x % SIDE`; only that one has room.
    cells: Vec<u32>,
    blocks: Vec<Block>,
    /// One above the first block of no cell.
    free: u32,
    /// By index: one above the block it lies in, and where there.
    listed: Vec<(u32, u32)>,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    cell: u32,
    /// One above the next block of the same cell, or of none.
    next: u32,
    len: u32,
    entries: [Entry; BLOCK_LEN],
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    place: Vec2,
    index: u32,
}

const SIDE: i32 = 64;
const BLOCK_LEN: usize = 10;

impl Grid {
    pub(crate) fn new(cell_size: f32) -> Self {
        let cells = vec![0; (SIDE * SIDE) as usize];
        Self { cell_size, cells, blocks: Vec::new(), free: 0, listed: Vec::new() }
    }

    /// An entity is at `place` now.
    pub(crate) fn put(&mut self, index: u32, place: Vec2) {
        let cell = self.cell(self.column(place.x), self.column(place.y));
        if self.listed.len() <= index as usize {
            self.listed.resize(index as usize + 1, (0, 0));
        }
        let (block, at) = self.listed[index as usize];
        if let Some(block) = block.checked_sub(1).map(|block| &mut self.blocks[block as usize])
            && block.cell == cell
        {
            block.entries[at as usize].place = place;
            return;
        }
        self.remove(index);
        self.list(cell, Entry { place, index });
    }

    /// An entity is nowhere any more.
    pub(crate) fn remove(&mut self, index: u32) {
        let Some((block, at)) = self.listed.get_mut(index as usize).map(std::mem::take) else { return };
        let Some(block) = block.checked_sub(1) else { return };
        // The last of the cell's newest block fills the gap.
        let cell = self.blocks[block as usize].cell;
        let newest = self.cells[cell as usize] - 1;
        let source = &mut self.blocks[newest as usize];
        source.len -= 1;
        let last = source.entries[source.len as usize];
        let (is_empty, next) = (source.len == 0, source.next);
        if last.index != index {
            self.blocks[block as usize].entries[at as usize] = last;
            self.listed[last.index as usize] = (block + 1, at);
        }
        if is_empty {
            self.cells[cell as usize] = next;
            self.blocks[newest as usize].next = self.free;
            self.free = newest + 1;
        }
    }

    /// Calls `sink` with each entity that may be within `reach` of `center`, and the square of its distance. What is in
    /// the grid is at a number; what is infinitely far is near nobody.
    #[inline]
    pub(crate) fn near(&self, center: Vec2, reach: f32, mut sink: impl FnMut(u32, f32)) {
        let span = |c: f32| (self.column(c - reach), self.column(c + reach));
        let ((x0, x1), (y0, y1)) = (span(center.x), span(center.y));
        for y in y0..=y1.min(y0 + SIDE - 1) {
            for x in x0..=x1.min(x0 + SIDE - 1) {
                let mut block = self.cells[self.cell(x, y) as usize];
                while let Some(this) = block.checked_sub(1).map(|block| &self.blocks[block as usize]) {
                    for entry in &this.entries[..this.len as usize] {
                        sink(entry.index, center.distance_squared(entry.place));
                    }
                    block = this.next;
                }
            }
        }
    }

    /// A number for `place`, such that places with numbers not far from each other are near each other: its cell's on a
    /// Z-order curve.
    pub(crate) fn locality(&self, place: Vec2) -> u64 {
        let [x, y] = [place.x, place.y].map(|c| spread_bits((self.column(c) as u32) ^ (1 << 31)));
        x | y << 1
    }

    fn list(&mut self, cell: u32, entry: Entry) {
        let newest = self.cells[cell as usize];
        let has_room = newest > 0 && (self.blocks[newest as usize - 1].len as usize) < BLOCK_LEN;
        let block = if has_room { newest - 1 } else { self.open_block(cell) };
        let this = &mut self.blocks[block as usize];
        this.entries[this.len as usize] = entry;
        self.listed[entry.index as usize] = (block + 1, this.len);
        this.len += 1;
    }

    fn open_block(&mut self, cell: u32) -> u32 {
        let opened = Block { cell, next: self.cells[cell as usize], len: 0, entries: [Entry::default(); BLOCK_LEN] };
        let block = match self.free.checked_sub(1) {
            Some(block) => {
                self.free = self.blocks[block as usize].next;
                self.blocks[block as usize] = opened;
                block
            }
            None => {
                self.blocks.push(opened);
                self.blocks.len() as u32 - 1
            }
        };
        self.cells[cell as usize] = block + 1;
        block
    }

    fn column(&self, coordinate: f32) -> i32 {
        // Far-off and odd coordinates saturate: they cost precision, not correctness, for distances are checked.
        (coordinate / self.cell_size).floor().clamp(-1e9, 1e9) as i32
    }

    fn cell(&self, x: i32, y: i32) -> u32 {
        (y.rem_euclid(SIDE) * SIDE + x.rem_euclid(SIDE)).cast_unsigned()
    }
}

/// Bit n of `value` becomes bit 2n.
fn spread_bits(value: u32) -> u64 {
    let masks = [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ];
    masks.iter().fold(u64::from(value), |value, (shift, mask)| (value | value << shift) & mask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn found(grid: &Grid, center: Vec2, reach: f32) -> Vec<u32> {
        let mut found = Vec::new();
        grid.near(center, reach, |index, square| found.extend((square <= reach * reach).then_some(index)));
        found.sort_unstable();
        found
    }

    proptest! {
        #[test]
        fn it_finds_what_a_scan_of_all_would_find(moves in prop::collection::vec((0u32..60, -90i32..90, -90i32..90, 0u32..8), 1..300)) {
            let (mut grid, mut model) = (Grid::new(5.0), BTreeMap::new());
            for (index, x, y, what) in moves {
                let place = Vec2::new(x as f32, y as f32);
                if what == 0 {
                    grid.remove(index);
                    model.remove(&index);
                } else {
                    grid.put(index, place);
                    model.insert(index, place);
                }
                for center in [place, Vec2::ZERO] {
                    let scan = model.iter().filter(|(_, at)| center.distance_squared(**at) <= 121.0);
                    prop_assert_eq!(found(&grid, center, 11.0), scan.map(|(index, _)| *index).collect::<Vec<_>>());
                }
            }
        }
    }

    #[test]
    fn entities_that_wander_about_take_no_more_blocks() {
        let mut grid = Grid::new(5.0);
        let mut round = |n: u32| (0..100).for_each(|i| grid.put(i, Vec2::new((i * 7 + n * 3) as f32 % 300.0, 0.0)));
        (0..50).for_each(&mut round);
        let blocks = grid.blocks.len();
        assert!(blocks <= 100);
        let mut round = |n: u32| (0..100).for_each(|i| grid.put(i, Vec2::new((i * 7 + n * 3) as f32 % 300.0, 0.0)));
        (50..500).for_each(&mut round);
        assert_eq!(grid.blocks.len(), blocks);
    }

    #[test]
    fn sixteen_cells_that_are_a_square_have_numbers_in_a_row() {
        let grid = Grid::new(5.0);
        let number = |x: i32, y: i32| grid.locality(Vec2::new(x as f32, y as f32) * 5.0 + 1.0);
        for (x0, y0) in [(0, 0), (4, 8), (-4, 0), (-400, -80)] {
            let mut numbers: Vec<u64> = (0..16).map(|n| number(x0 + n % 4, y0 + n / 4)).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (numbers[0]..numbers[0] + 16).collect::<Vec<_>>());
        }
        assert!(number(-1, -1) < number(0, 0));
    }

    #[test]
    fn what_is_nowhere_sensible_is_near_nobody() {
        let mut grid = Grid::new(5.0);
        for (index, x) in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 3e38].into_iter().enumerate() {
            grid.put(index as u32, Vec2::new(x, 0.0));
            assert!(found(&grid, Vec2::ZERO, 11.0).is_empty());
        }
        (0..4).for_each(|index| grid.remove(index));
    }
}
