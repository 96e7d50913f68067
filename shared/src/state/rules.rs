use super::Audience;

/// How a component is sent. Both ends must agree: it is part of the schema's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Who sees it.
    pub audience: Audience,
    /// How often its changes are sent.
    pub rate: SendRate,
    /// How soon an entity's changes go out when not everything fits: a weight, 1 unless said otherwise. An entity has the
    /// largest of its components'.
    pub priority: u8,
}

/// How often changes of a component are sent, to all clients alike. What changes between two turns goes out at the next, in
/// its state of then; that a component comes or goes is told at once. Entities take turns, so that the work is spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendRate {
    /// Every so many ticks; 1 is each.
    Ticks(u8),
    /// So many times a second, or as near as whole ticks come; never more often than each tick.
    Hz(u8),
}

impl Rules {
    /// For everybody, in each tick, with a priority of 1.
    pub const PUBLIC: Self = Self { audience: Audience::Public, rate: SendRate::Ticks(1), priority: 1 };

    /// The same for another audience.
    #[must_use]
    pub const fn with_audience(self, audience: Audience) -> Self {
        Self { audience, ..self }
    }

    /// The same at another rate.
    #[must_use]
    pub const fn with_rate(self, rate: SendRate) -> Self {
        let (SendRate::Ticks(number) | SendRate::Hz(number)) = rate;
        assert!(number > 0, "what is never sent need not be declared");
        Self { rate, ..self }
    }

    /// The same with another priority.
    #[must_use]
    pub const fn with_priority(self, priority: u8) -> Self {
        assert!(priority > 0, "a priority is at least 1");
        Self { priority, ..self }
    }

    /// As the hash of a schema takes it in.
    pub(super) const fn to_bytes(self) -> [u8; 4] {
        let (unit, number) = match self.rate {
            SendRate::Ticks(ticks) => (0, ticks),
            SendRate::Hz(hz) => (1, hz),
        };
        [self.audience as u8, unit, number, self.priority]
    }
}

impl SendRate {
    /// Ticks from one turn to the next at `tick_hz` ticks a second: at least 1.
    #[must_use]
    pub const fn ticks(self, tick_hz: u32) -> u32 {
        let ticks = match self {
            Self::Ticks(ticks) => ticks as u32,
            Self::Hz(0) => tick_hz,
            Self::Hz(hz) => (tick_hz + hz as u32 / 2) / hz as u32,
        };
        if ticks == 0 { 1 } else { ticks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_in_hz_comes_as_near_as_whole_ticks_do() {
        let ticks = |hz, tick_hz| SendRate::Hz(hz).ticks(tick_hz);
        assert_eq!([ticks(20, 60), ticks(60, 60), ticks(120, 60), ticks(25, 60), ticks(1, 240)], [3, 1, 1, 2, 240]);
        assert_eq!([SendRate::Ticks(4).ticks(60), SendRate::Ticks(0).ticks(60)], [4, 1]);
    }

    #[test]
    fn what_is_asked_for_is_changed_and_all_else_stays() {
        let rate = SendRate::Hz(5);
        let rules = Rules::PUBLIC.with_audience(Audience::Team).with_rate(rate).with_priority(7);
        assert_eq!(rules, Rules { audience: Audience::Team, rate, priority: 7 });
        assert_eq!((rules.to_bytes(), Rules::PUBLIC.to_bytes()), ([1, 1, 5, 7], [0, 0, 1, 1]));
    }
}
