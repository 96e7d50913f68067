use std::time::Duration;

use crate::measure::Second;

/// Whether anything still comes from the server.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hearing {
    /// The end of the last second in which something came.
    heard_s: Option<u32>,
    /// The end of the last second that was told.
    told_s: u32,
    /// All who should play have lost their connection, or never had one.
    pub(super) everybody_is_lost: bool,
    /// Seconds in which somebody knocked, and no answer had ever come.
    unanswered_s: u32,
}

impl Hearing {
    /// A server that says nothing to anybody for so long is gone.
    const SILENCE_MAX_S: u32 = 5;
    /// After so long it is worth a word that no answer comes.
    const ANSWER_MAX_S: u32 = 3;
    /// Workers notice at the end of the first second of it.
    pub(super) const NOTICED_AFTER: Duration = Duration::from_secs(1);

    pub(super) fn on_second(&mut self, second: &Second) {
        self.told_s = second.end_s();
        self.everybody_is_lost = second.presence.wanted > 0 && second.presence.lost >= second.presence.wanted;
        self.unanswered_s += u32::from(second.presence.wanted > 0 && self.heard_s.is_none());
        if second.counts.bytes_down > 0 || second.presence.wanted == 0 {
            self.heard_s = Some(second.end_s());
        }
    }

    /// Whether the last second was the one that made it worth a word that the server has answered nobody.
    pub(super) const fn is_missing_answers(&self) -> bool {
        self.heard_s.is_none() && self.unanswered_s == Self::ANSWER_MAX_S
    }

    /// How long it was there, if it is gone.
    pub(super) fn gone_after(&self) -> Option<Duration> {
        let heard_s = self.heard_s?;
        (self.told_s >= heard_s + Self::SILENCE_MAX_S).then(|| Duration::from_secs(u64::from(heard_s)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Presence;

    fn second(number: u32, bytes_down: u64, presence: Presence) -> Second {
        let mut second = Second { presence, ..Second::new(number) };
        second.counts.bytes_down = bytes_down;
        second
    }

    #[test]
    fn a_server_that_says_nothing_to_anybody_for_five_seconds_is_gone() {
        let (mut hearing, playing) = (Hearing::default(), Presence { wanted: 2, playing: 2, lost: 0 });
        hearing.on_second(&second(0, 100, playing));
        for number in 1..5 {
            hearing.on_second(&second(number, 0, playing));
            assert_eq!(hearing.gone_after(), None, "{number}");
        }
        hearing.on_second(&second(5, 0, playing));
        assert_eq!(hearing.gone_after(), Some(Duration::from_secs(1)));
    }

    #[test]
    fn nobody_hears_anything_where_nobody_plays() {
        let mut hearing = Hearing::default();
        (0..20).for_each(|number| hearing.on_second(&second(number, 0, Presence::default())));
        assert_eq!((hearing.gone_after(), hearing.everybody_is_lost), (None, false));
    }

    #[test]
    fn that_no_answer_comes_is_noticed_once() {
        let knocking = Presence { wanted: 2, playing: 0, lost: 0 };
        let noticed = |heard_in: Option<u32>| {
            let mut hearing = Hearing::default();
            let mut is_missing = |number| {
                hearing.on_second(&second(number, u64::from(heard_in == Some(number)), knocking));
                hearing.is_missing_answers()
            };
            (0..10).filter(|number| is_missing(*number)).collect::<Vec<_>>()
        };
        assert_eq!(noticed(None), [2]);
        assert_eq!(noticed(Some(1)), [0; 0]);
        assert_eq!(noticed(Some(2)), [0; 0]);
        assert_eq!(noticed(Some(5)), [2]);
    }

    #[test]
    fn everybody_is_lost_when_all_who_should_play_are() {
        let mut hearing = Hearing::default();
        hearing.on_second(&second(0, 100, Presence { wanted: 2, playing: 0, lost: 2 }));
        assert!(hearing.everybody_is_lost);
    }
}
