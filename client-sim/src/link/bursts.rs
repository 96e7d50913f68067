use super::Rng;

/// Loss that comes in bursts: a chain of two states, good and bad, that takes one step before each datagram. In the
/// good state datagrams are lost as [`LinkConfig::loss`](super::LinkConfig::loss) says, in the bad one as this does.
///
/// Sources: E. N. Gilbert, "Capacity of a burst-noise channel", Bell System Technical Journal 39 (1960), where nothing
/// is lost in the good state; E. O. Elliott, "Estimates of error rates for codes on burst-noise channels", Bell System
/// Technical Journal 42 (1963), where some is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bursts {
    /// Chance of each step to go from the good state to the bad one, 0 to 1.
    pub enter: f64,
    /// Chance of each step to go from the bad state to the good one, 0 to 1.
    pub leave: f64,
    /// Share of datagrams that is lost in the bad state, 0 to 1.
    pub loss: f64,
}

impl Bursts {
    /// Of what people know of a link: the share of datagrams that it loses, 0 to 1, and how many it loses in a row, on
    /// average, at least 1. In the bad state every datagram is lost then, and none should be in the good one.
    ///
    /// Between two bursts at least one datagram arrives. So a share above `length / (length + 1)` takes longer bursts,
    /// and has them: `(1 - share)` of the steps in the bad state lead out of it. All that is lost is one burst without end.
    #[must_use]
    pub fn of(share: f64, length: f64) -> Self {
        let odds = share / (1.0 - share);
        Self { enter: (odds / length).min(1.0), leave: length.max(odds).recip(), loss: 1.0 }
    }

    /// How many datagrams pass in the bad state, on average, before it is left; infinite if it never is.
    #[must_use]
    pub fn mean_length(&self) -> f64 {
        self.leave.recip()
    }

    /// Share of datagrams that meet the bad state, in the long run, 0 to 1.
    #[must_use]
    pub fn bad_share(&self) -> f64 {
        if self.enter > 0.0 { self.enter / (self.enter + self.leave) } else { 0.0 }
    }
}

/// Where one direction of a link is in the chain. It begins in the good state.
#[derive(Debug)]
pub(super) struct Chain {
    /// Its own, so that bursts shift nobody else's draws.
    rng: Rng,
    is_bad: bool,
}

impl Chain {
    pub(super) fn new(rng: Rng) -> Self {
        Self { rng, is_bad: false }
    }

    /// One step, for one datagram: whether it is lost, which `lost_if_good` says of the good state.
    pub(super) fn step(&mut self, bursts: Option<Bursts>, lost_if_good: bool) -> bool {
        let Some(bursts) = bursts else {
            self.is_bad = false;
            return lost_if_good;
        };
        let change = if self.is_bad { bursts.leave } else { bursts.enter };
        self.is_bad ^= self.rng.chance(change);
        // Drawn in both states, so that fates differ only where the states do.
        let lost_if_bad = self.rng.chance(bursts.loss);
        if self.is_bad { lost_if_bad } else { lost_if_good }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bursts_of_a_share_and_a_length_have_both() {
        for (share, length) in [(0.05, 4.0), (0.5, 1.0), (0.3, 2.5), (0.01, 100.0), (0.8, 4.0)] {
            let bursts = Bursts::of(share, length);
            assert!((bursts.bad_share() - share).abs() < 1e-12, "{bursts:?}");
            assert!((bursts.mean_length() - length).abs() < 1e-9, "{bursts:?}");
            assert!((0.0..=1.0).contains(&bursts.enter) && bursts.loss == 1.0, "{bursts:?}");
        }
    }

    #[test]
    fn a_share_too_great_for_short_bursts_makes_them_longer() {
        let bursts = Bursts::of(0.9, 2.0);
        assert!((bursts.bad_share() - 0.9).abs() < 1e-12, "{bursts:?}");
        assert!((bursts.mean_length() - 9.0).abs() < 1e-9, "{bursts:?}");
    }

    #[test]
    fn nothing_lost_has_no_bursts_and_all_lost_is_one_without_end() {
        assert_eq!(Bursts::of(0.0, 3.0).bad_share(), 0.0);
        let all = Bursts::of(1.0, 3.0);
        assert_eq!((all.enter, all.bad_share(), all.mean_length()), (1.0, 1.0, f64::INFINITY));
    }
}
