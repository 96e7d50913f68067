use crate::universe::churn::{Chronicle, Page};
use std::sync::Arc;
use tidelock::Tick;

/// Reads a chronicle page by page.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) chronicle: Chronicle,
    last: Option<Tick>,
}

impl Reader {
    pub(super) fn new(chronicle: &Chronicle) -> Self {
        Self { chronicle: chronicle.clone(), last: None }
    }

    /// What was written up to the tick `now` since this was last asked, in order, as far as it is known; and whether some
    /// was missed. The beginning is not missed by who has not read before.
    pub(super) fn read(&mut self, now: Tick) -> (Vec<Arc<Page>>, bool) {
        let is_new = |tick: Tick| self.last.is_none_or(|last| tick.is_newer_than(last));
        let ticks = (0..Chronicle::PAGES_MAX as u32).map(|ago| now.sub(ago)).take_while(|tick| is_new(*tick));
        let mut pages: Vec<Arc<Page>> = ticks.map_while(|tick| self.chronicle.page(tick)).collect();
        pages.reverse();
        let has_missed = match (pages.first(), self.last) {
            (Some(first), Some(last)) => first.tick != last.next(),
            (Some(first), None) => first.tick != Tick(1),
            (None, _) => false,
        };
        self.last = pages.last().map(|page| page.tick).or(self.last);
        (pages, has_missed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(chronicle: &Chronicle, ticks: core::ops::RangeInclusive<u32>) {
        ticks.for_each(|tick| chronicle.publish(Page { tick: Tick(tick), ..Page::default() }));
    }

    #[test]
    fn each_page_is_read_once_in_order_and_what_is_missed_is_told() {
        let chronicle = Chronicle::default();
        let mut reader = Reader::new(&chronicle);
        let mut read = |now| {
            let (pages, has_missed) = reader.read(Tick(now));
            (pages.iter().map(|page| page.tick.0).collect::<Vec<_>>(), has_missed)
        };
        write(&chronicle, 1..=3);
        assert_eq!(read(3), (vec![1, 2, 3], false));
        assert_eq!(read(3), (vec![], false));
        write(&chronicle, 4..=5);
        assert_eq!(read(5), (vec![4, 5], false));
        write(&chronicle, 6..=400);
        let (pages, has_missed) = read(400);
        assert_eq!((pages.len(), pages[0], has_missed), (Chronicle::PAGES_MAX, 145, true));
    }
}
