//! What checks of bounds look at.

use super::Views;
use super::part::Part;
use tidelock::Buffer;
use tidelock::state::Audience;
use tidelock::wire::{DATAGRAM_BITS_MAX, Flight, SnapshotHeader};

impl Views {
    /// Every buffer that a client can fill by what it acknowledges and what it does not, in a world of so many indices.
    pub(crate) fn buffers(&self, indices: usize, see: &mut dyn FnMut(Buffer)) {
        self.parts.iter().for_each(|part| part.buffers(indices, see));
        self.flight.buffers(see);
        self.past.buffers(indices, see);
        see(Buffer { name: "ghosts", len: self.ghosts.len(), max: indices });
    }
}

impl Part {
    fn buffers(&self, indices: usize, see: &mut dyn FnMut(Buffer)) {
        let words = indices.div_ceil(64);
        see(Buffer { name: "words of a view", len: self.words.len(), max: words });
        see(Buffer { name: "streams of a view", len: self.len(), max: 2 * indices });
        see(Buffer { name: "exceptions", len: self.exceptions.len(), max: indices });
        see(Buffer { name: "exceptions that settled", len: self.settled.len(), max: indices });
        see(Buffer { name: "streams that leave", len: self.leaving.len(), max: indices });
        see(Buffer { name: "words due", len: self.due.len(), max: words });
        // Of the second baseline's holes, and of exceptions that settled.
        see(Buffer { name: "young words", len: self.young.len(), max: 2 * words });
        see(Buffer { name: "others due", len: self.extras.len(), max: 2 * indices });
    }
}

impl super::SnapshotsInFlight {
    fn buffers(&self, see: &mut dyn FnMut(Buffer)) {
        let (datagrams, words, news) = self.lens();
        // What a snapshot makes the connection forget is settled before the next.
        let remembered = Flight::<()>::LEN_MAX + SnapshotHeader::DATAGRAMS_MAX as usize;
        see(Buffer { name: "snapshot datagrams whose fate is open", len: datagrams, max: remembered });
        // A word takes a bit of the datagram at the very least.
        see(Buffer { name: "words in flight", len: words, max: datagrams * DATAGRAM_BITS_MAX });
        // A datagram can be taken for lost, and found, before its fate is settled.
        see(Buffer { name: "fates to settle", len: news, max: 2 * remembered });
    }
}

impl super::Past {
    fn buffers(&self, indices: usize, see: &mut dyn FnMut(Buffer)) {
        let (ticks, holes) = self.lens();
        see(Buffer { name: "past ticks", len: ticks, max: Self::TICKS_MAX });
        let words = Audience::COUNT * indices.div_ceil(64);
        see(Buffer { name: "holes of past ticks", len: holes, max: Self::TICKS_MAX * words });
    }
}
