/// Finds the most clients for which something holds, by doubling and then by halving what is in between.
///
/// It is taken for granted that what does not hold for some does not hold for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Search {
    first: u32,
    max: u32,
    held: Option<u32>,
    failed: Option<u32>,
}

/// What is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It holds for so many, and not for so many more.
    Between {
        /// The most that were tried and held.
        held: u32,
        /// The least that were tried and did not hold.
        failed: u32,
    },
    /// It holds for as many as were to be tried.
    AtLeast(u32),
    /// It did not even hold for so few.
    LessThan(u32),
}

impl Search {
    /// The answer is within a sixteenth of what held: machines are noisier than that.
    const PRECISION: u32 = 16;

    /// Begins with `first`, and tries no more than `max`.
    #[must_use]
    pub const fn new(first: u32, max: u32) -> Self {
        let first = if first < max { first } else { max };
        Self { first, max, held: None, failed: None }
    }

    /// How many to try next; `None` when the answer is known.
    #[must_use]
    pub fn next(&self) -> Option<u32> {
        match (self.held, self.failed) {
            (None, None) => Some(self.first),
            (Some(held), None) => (held < self.max).then(|| (held * 2).min(self.max)),
            (None, Some(failed)) => (failed > 1).then_some(failed / 2),
            (Some(held), Some(failed)) => {
                let gap = failed - held;
                (gap > (held / Self::PRECISION).max(1)).then_some(held + gap / 2)
            }
        }
    }

    /// Whether it held for so many.
    pub fn on_result(&mut self, clients: u32, held: bool) {
        if held {
            self.held = self.held.max(Some(clients));
        } else {
            self.failed = Some(self.failed.map_or(clients, |failed| failed.min(clients)));
        }
    }

    /// What is known so far; `None` before the first result.
    #[must_use]
    pub fn answer(&self) -> Option<Answer> {
        Some(match (self.held, self.failed) {
            (None, None) => return None,
            (Some(held), None) => Answer::AtLeast(held),
            (None, Some(failed)) => Answer::LessThan(failed),
            (Some(held), Some(failed)) => Answer::Between { held, failed },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer where it holds up to `limit`, and how many tries it took.
    fn search(first: u32, max: u32, limit: u32) -> (Answer, usize) {
        let (mut search, mut tries) = (Search::new(first, max), 0);
        while let Some(clients) = search.next() {
            assert!((1..=max).contains(&clients));
            search.on_result(clients, clients <= limit);
            tries += 1;
        }
        (search.answer().unwrap(), tries)
    }

    #[test]
    fn the_answer_is_near_and_takes_few_tries() {
        for limit in 1..3000 {
            let (answer, tries) = search(16, 4096, limit);
            let Answer::Between { held, failed } = answer else { panic!("{limit}: {answer:?}") };
            assert!(held <= limit && limit < failed && failed - held <= (held / 16).max(1), "{limit}: {answer:?}");
            assert!(tries <= 14, "{limit}: {tries} tries");
        }
    }

    #[test]
    fn no_more_are_tried_than_allowed() {
        assert_eq!(search(16, 100, 5000), (Answer::AtLeast(100), 4));
        assert_eq!(search(64, 10, 5000), (Answer::AtLeast(10), 1));
    }

    #[test]
    fn what_does_not_even_hold_for_one_is_said() {
        assert_eq!(search(16, 4096, 0).0, Answer::LessThan(1));
        assert_eq!(Search::new(16, 100).answer(), None);
    }
}
