use super::Change;
use tidelock::Tick;
use tidelock::bits::BitReader;
use tidelock::state::{Audience, NetId, Version, VersionRef};

/// The bodies of one tick's records, with what they decoded to: the server tells many clients the same in the very same bits, and what
/// these mean against the same baselines needs to be found out only once. What differs by a bit is another body.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    tick: Tick,
    /// By audience and index: one above the place of the body of that stream that came last; 0 if none did.
    last: [Vec<u32>; Audience::COUNT],
    bodies: Vec<Body>,
    /// The bits of all bodies, each from a new word on.
    words: Vec<u32>,
    /// Of all versions, one after another.
    lanes: Vec<u32>,
}

#[derive(Debug)]
struct Body {
    audience: Audience,
    id: NetId,
    change: Change,
    /// One above the place of the body of the same index that came before; 0 if there is none.
    before: u32,
    first_word: usize,
    bits: usize,
    mask: u32,
    first_lane: usize,
    lane_count: usize,
}

impl Decoded {
    /// What follows is of this tick. Of another one everything is forgotten.
    pub(super) fn begin(&mut self, tick: Tick) {
        if tick == self.tick {
            return;
        }
        self.tick = tick;
        for body in self.bodies.drain(..) {
            self.last[body.audience as usize][body.id.index as usize] = 0;
        }
        self.words.clear();
        self.lanes.clear();
    }

    /// The number of the version to which the next bits lead, if they begin with a body that is remembered of such a record of this
    /// stream. They count as read then.
    pub(super) fn find(&self, audience: Audience, id: NetId, change: Change, r: &mut BitReader<'_>) -> Option<u32> {
        let mut next = self.last[audience as usize].get(id.index as usize).copied()?;
        while let Some(number) = next.checked_sub(1) {
            let body = &self.bodies[number as usize];
            if body.id == id
                && body.change == change
                && let Some(behind) = self.behind(body, r.clone())
            {
                *r = behind;
                return Some(number);
            }
            next = body.before;
        }
        None
    }

    /// The reader behind this body, if it stands before it.
    fn behind<'a>(&self, body: &Body, mut r: BitReader<'a>) -> Option<BitReader<'a>> {
        let mut left = body.bits;
        for word in &self.words[body.first_word..] {
            if left == 0 {
                break;
            }
            let step = left.min(32);
            if r.read_u32(step as u32).ok()? != *word {
                return None;
            }
            left -= step;
        }
        Some(r)
    }

    /// A body lies between two places of a reader, and leads to this version. Gives its number.
    pub(super) fn remember(
        &mut self,
        audience: Audience,
        id: NetId,
        change: Change,
        (mut begin, end): (BitReader<'_>, &BitReader<'_>),
        version: &Version,
    ) -> u32 {
        let (first_word, bits) = (self.words.len(), end.position_bits() - begin.position_bits());
        while begin.position_bits() < end.position_bits() {
            let step = (end.position_bits() - begin.position_bits()).min(32);
            self.words.push(begin.read_u32(step as u32).expect("they were read before"));
        }
        let (first_lane, lane_count) = (self.lanes.len(), version.lanes.len());
        self.lanes.extend_from_slice(&version.lanes);
        let last = &mut self.last[audience as usize];
        if last.len() <= id.index as usize {
            last.resize(id.index as usize + 1, 0);
        }
        let number = self.bodies.len() as u32;
        let before = std::mem::replace(&mut last[id.index as usize], number + 1);
        let mask = version.mask;
        self.bodies.push(Body { audience, id, change, before, first_word, bits, mask, first_lane, lane_count });
        number
    }

    /// The version of this number.
    pub(super) fn version(&self, number: u32) -> VersionRef<'_> {
        let body = &self.bodies[number as usize];
        VersionRef { mask: body.mask, lanes: &self.lanes[body.first_lane..][..body.lane_count] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: NetId = NetId { index: 3, generation: 1 };
    const DELTA: Change = Change::Delta { first: Tick(8), second: None };
    const BITS: usize = 70;

    /// 70 bits, each of the bytes' lowest, that are remembered.
    fn decoded(bytes: &[u8]) -> Decoded {
        let mut decoded = Decoded::default();
        decoded.begin(Tick(9));
        let (begin, mut end) = (BitReader::new(bytes), BitReader::new(bytes));
        end.read(64).unwrap();
        end.read(BITS as u32 - 64).unwrap();
        let version = Version { mask: 1, lanes: vec![7, 8] };
        assert_eq!(decoded.remember(Audience::Public, ID, DELTA, (begin, &end), &version), 0);
        decoded
    }

    #[test]
    fn the_same_bits_of_the_same_record_are_read_at_once_wherever_they_are() {
        let bytes: Vec<u8> = (1..12).collect();
        let decoded = decoded(&bytes);
        let shifted: Vec<u8> = (0u8..12).map(|n| n << 3 | n.saturating_sub(1) >> 5).collect();
        let mut r = BitReader::new(&shifted);
        r.read(11).unwrap();
        assert_eq!(decoded.find(Audience::Public, ID, DELTA, &mut r), Some(0));
        assert_eq!(r.position_bits(), 11 + BITS);
        assert_eq!(decoded.version(0), VersionRef { mask: 1, lanes: &[7, 8] });
    }

    #[test]
    fn a_bit_another_stream_another_baseline_and_another_tick_are_not_known() {
        let bytes: Vec<u8> = (1..12).collect();
        let mut decoded = decoded(&bytes);
        let find = |decoded: &Decoded, audience, id, change, bytes: &[u8]| {
            let mut r = BitReader::new(bytes);
            let found = decoded.find(audience, id, change, &mut r);
            assert_eq!(r.position_bits(), if found.is_some() { BITS } else { 0 });
            found
        };
        for bit in 0..88 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let expected = (bit >= BITS).then_some(0);
            assert_eq!(find(&decoded, Audience::Public, ID, DELTA, &flipped), expected, "{bit}");
        }
        let other = Change::Delta { first: Tick(7), second: None };
        assert_eq!(find(&decoded, Audience::Owner, ID, DELTA, &bytes), None);
        assert_eq!(find(&decoded, Audience::Public, NetId { generation: 2, ..ID }, DELTA, &bytes), None);
        assert_eq!(find(&decoded, Audience::Public, ID, other, &bytes), None);
        assert_eq!(find(&decoded, Audience::Public, ID, Change::Full, &bytes), None);
        assert_eq!(find(&decoded, Audience::Public, ID, DELTA, &bytes[..8]), None, "it ends too early");
        decoded.begin(Tick(9));
        assert_eq!(find(&decoded, Audience::Public, ID, DELTA, &bytes), Some(0));
        decoded.begin(Tick(10));
        assert_eq!(find(&decoded, Audience::Public, ID, DELTA, &bytes), None);
    }
}
