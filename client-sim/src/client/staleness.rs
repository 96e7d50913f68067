/// How old what is known is when it is looked at: a histogram that forgets.
///
/// The share of looks at which what is known was older than some age is the share of frames that would have nothing newer to
/// show with that delay: interval, jitter and losses in a row are all in it. As the histogram of a jitter buffer such as
/// WebRTC's NetEq, but over frames and not over packets.
///
/// Where it is not known when somebody looks, all of the time counts: a gap between two snapshots begins with what is known as
/// old as the first was late, and ends with it older by the length of the gap; so it adds its length, spread over these ages.
#[derive(Clone, Debug)]
pub(super) struct Staleness {
    /// Time in which what is known was so old, in weighted milliseconds.
    bins: [f32; BINS],
    sum: f32,
    /// Of what is added next: it grows, which is as good as forgetting all before.
    weight: f32,
}

const BINS: usize = 256;
const BIN_MS: f32 = 2.0;
/// What is this old is forgotten to a third, in milliseconds.
const MEMORY_MS: f32 = 10_000.0;
/// When weights are scaled back.
const WEIGHT_MAX: f32 = 1e6;

impl Staleness {
    /// The oldest that it tells apart, in milliseconds.
    pub(super) const MAX_MS: f32 = BINS as f32 * BIN_MS;

    /// Nothing was seen yet.
    pub(super) const fn new() -> Self {
        Self { bins: [0.0; BINS], sum: 0.0, weight: 1.0 }
    }

    /// In a gap, what is known became from `fresh_ms` to `stale_ms` old.
    pub(super) fn add(&mut self, fresh_ms: f32, stale_ms: f32) {
        let fresh_ms = fresh_ms.clamp(0.0, Self::MAX_MS - BIN_MS);
        let stale_ms = stale_ms.clamp(fresh_ms, Self::MAX_MS);
        self.pass(stale_ms - fresh_ms);
        for n in (fresh_ms / BIN_MS) as usize..BINS {
            let begin = n as f32 * BIN_MS;
            if begin >= stale_ms {
                break;
            }
            let time = (stale_ms.min(begin + BIN_MS) - fresh_ms.max(begin)) * self.weight;
            self.bins[n] += time;
            self.sum += time;
        }
    }

    /// Somebody looked when what is known was so old, `passed_ms` after the last look: who looks now and then only does not
    /// mind what lies in between.
    pub(super) fn add_look(&mut self, stale_ms: f32, passed_ms: f32) {
        self.pass(passed_ms.max(0.0));
        let n = (stale_ms.max(0.0) / BIN_MS) as usize;
        self.bins[n.min(BINS - 1)] += self.weight;
        self.sum += self.weight;
    }

    /// Forgets a little.
    fn pass(&mut self, passed_ms: f32) {
        self.weight *= (passed_ms.min(Self::MAX_MS) / MEMORY_MS).exp();
        if self.weight > WEIGHT_MAX {
            self.bins.iter_mut().for_each(|bin| *bin /= self.weight);
            self.sum = self.bins.iter().sum();
            self.weight = 1.0;
        }
    }

    /// The age that was exceeded in no more than this share of the time, in milliseconds. `None` of nothing.
    pub(super) fn exceeded_in(&self, share: f32) -> Option<f32> {
        let mut left = self.sum * share;
        if self.sum <= 0.0 {
            return None;
        }
        for n in (0..BINS).rev() {
            if self.bins[n] > left {
                return Some((n as f32 + 1.0 - left / self.bins[n]) * BIN_MS);
            }
            left -= self.bins[n];
        }
        Some(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_is_as_stale_as_its_interval() {
        let mut staleness = Staleness::new();
        assert_eq!(staleness.exceeded_in(0.1), None);
        (0..600).for_each(|_| staleness.add(0.0, 16.0));
        let at = |share| staleness.exceeded_in(share).unwrap();
        assert!((at(0.0) - 16.0).abs() < 0.01 && (at(0.5) - 8.0).abs() < 0.1, "{} {}", at(0.0), at(0.5));
    }

    #[test]
    fn what_is_rare_counts_by_its_time() {
        let mut staleness = Staleness::new();
        // Every hundredth gap is 100 ms longer, which is 100 of 1,700 ms: 5.9 % of the time.
        (0..600).for_each(|n| staleness.add(0.0, if n % 100 == 50 { 116.0 } else { 16.0 }));
        let at = |share| staleness.exceeded_in(share).unwrap();
        assert!((90.0..116.0).contains(&at(0.01)), "{}", at(0.01));
        assert!(at(0.08) < 17.0, "{}", at(0.08));
    }

    #[test]
    fn what_was_is_forgotten_in_time_and_numbers_stay_small() {
        let mut staleness = Staleness::new();
        (0..100).for_each(|_| staleness.add(10.0, 200.0));
        (0..20_000).for_each(|_| staleness.add(0.0, 16.0));
        assert!(staleness.exceeded_in(0.003).unwrap() < 17.0);
        assert!(staleness.weight <= WEIGHT_MAX * 2.0 && staleness.sum.is_finite());
        staleness.add(600.0, 9_000.0);
        staleness.add_look(1e9, 1e9);
        assert!(staleness.exceeded_in(0.0).unwrap() <= Staleness::MAX_MS);
    }
}
