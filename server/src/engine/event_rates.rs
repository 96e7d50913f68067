use tidelock::Tick;
use tidelock::state::{EventId, EventRate};

/// How many events of each type a client may still send: a token bucket for each, filled by ticks.
#[derive(Debug, Default)]
pub(crate) struct EventRates {
    /// By type, as far as one of it came. One event is as many units as a second has ticks.
    buckets: Vec<Option<Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    units: u64,
    at: Tick,
}

impl EventRates {
    /// Of how many types something came, about.
    pub(crate) fn len(&self) -> usize {
        self.buckets.len()
    }

    /// Takes one event of a type off what is allowed. False if none is left.
    pub(crate) fn take(&mut self, id: EventId, rate: EventRate, tick: Tick, tick_hz: u32) -> bool {
        let n = usize::from(id.0);
        if self.buckets.len() <= n {
            self.buckets.resize(n + 1, None);
        }
        let (cost, full) = (u64::from(tick_hz), u64::from(rate.burst) * u64::from(tick_hz));
        let bucket = self.buckets[n].get_or_insert(Bucket { units: full, at: tick });
        let ticks = u64::from(tick.since(bucket.at).max(0).cast_unsigned());
        bucket.units = (bucket.units + ticks * u64::from(rate.per_s)).min(full);
        bucket.at = tick;
        let is_allowed = bucket.units >= cost;
        bucket.units -= if is_allowed { cost } else { 0 };
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATE: EventRate = EventRate { per_s: 2, burst: 4 };

    fn taken(rates: &mut EventRates, id: u8, rate: EventRate, tick: u32) -> usize {
        (0..100).filter(|_| rates.take(EventId(id), rate, Tick(tick), 60)).count()
    }

    #[test]
    fn a_burst_is_allowed_and_then_so_many_a_second() {
        let mut rates = EventRates::default();
        let at = [0, 1, 29, 30, 60, 1_000_000].map(|tick| taken(&mut rates, 0, RATE, tick));
        assert_eq!(at, [4, 0, 0, 1, 1, 4]);
    }

    proptest! {
        #[test]
        fn over_any_time_no_more_is_taken_than_burst_and_rate_and_none_is_refused_before(
            per_s in 0u16..300, burst in 0u16..20, tick_hz in 1u32..=240, start in prop_oneof![any::<u32>(), u32::MAX - 99..=u32::MAX],
            gaps in prop::collection::vec(prop_oneof![0u32..3, 0..300u32], 1..150),
        ) {
            let mut rates = EventRates::default();
            let rate = EventRate { per_s, burst };
            let mut taken: Vec<u32> = Vec::new();
            let mut elapsed = 0;
            for gap in gaps {
                elapsed += gap;
                let is_taken = rates.take(EventId(3), rate, Tick(start).add(elapsed), tick_hz);
                // What this one made of each window that ends with it, from each one taken on.
                let windows = taken.iter().enumerate().map(|(n, from)| ((taken.len() - n) as u32 + 1, elapsed - from));
                let fits = windows.chain([(1, 0)]).all(|(count, ticks)| count <= u32::from(burst) + ticks * u32::from(per_s) / tick_hz);
                prop_assert_eq!(is_taken, fits, "{} ticks later, after {:?}", elapsed, &taken);
                if is_taken {
                    taken.push(elapsed);
                }
            }
        }
    }

    #[test]
    fn types_do_not_take_from_each_other() {
        let mut rates = EventRates::default();
        assert_eq!(taken(&mut rates, 7, RATE, 0), 4);
        assert_eq!(taken(&mut rates, 0, EventRate { per_s: 1, burst: 1 }, 0), 1);
        assert_eq!(taken(&mut rates, 1, EventRate::NONE, 0), 0);
    }
}
