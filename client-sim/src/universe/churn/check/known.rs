use super::Reader;
use crate::universe::churn::{Chronicle, Page};
use std::collections::BTreeMap;
use std::sync::Arc;
use tidelock::{ClientId, Tick};

/// What the pages of a chronicle say of each player, as far as they were read.
#[derive(Debug)]
pub(super) struct Known<T> {
    reader: Reader,
    /// By what was told of them.
    pub(super) players: BTreeMap<ClientId, T>,
    /// No page was missed: of whom nothing was told is not here.
    pub(super) is_all: bool,
}

impl<T> Known<T> {
    pub(super) fn new(chronicle: &Chronicle) -> Self {
        Self { reader: Reader::new(chronicle), players: BTreeMap::new(), is_all: true }
    }

    pub(super) const fn chronicle(&self) -> &Chronicle {
        &self.reader.chronicle
    }

    /// The pages that are new up to the tick `now`, in order. If some were missed, nothing is known of anybody any more.
    pub(super) fn read(&mut self, now: Tick) -> Vec<Arc<Page>> {
        let (pages, has_missed) = self.reader.read(now);
        if has_missed {
            self.players.clear();
            self.is_all = false;
        }
        pages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_whom_pages_were_missed_nothing_is_known() {
        let chronicle = Chronicle::default();
        let mut known = Known::new(&chronicle);
        let write = |tick| chronicle.publish(Page { tick: Tick(tick), ..Page::default() });
        (1..=3).for_each(write);
        assert_eq!(known.read(Tick(3)).len(), 3);
        known.players.insert(ClientId(1), ());
        (4..=5).for_each(write);
        assert_eq!((known.read(Tick(5)).len(), known.players.len(), known.is_all), (2, 1, true));
        (6..=600).for_each(write);
        known.read(Tick(600));
        assert_eq!((known.players.len(), known.is_all), (0, false));
    }
}
