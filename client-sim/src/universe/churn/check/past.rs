use super::Reader;
use crate::universe::check::{Checker, Scene};
use crate::universe::churn::{Chronicle, Page};
use tidelock::state::Input;

/// What the game saw when it looked back is what was.
#[derive(Debug)]
pub struct PastIsTrue {
    reader: Reader,
    looks: u64,
}

impl PastIsTrue {
    /// Of the game that keeps this chronicle.
    #[must_use]
    pub fn new(chronicle: &Chronicle) -> Self {
        Self { reader: Reader::new(chronicle), looks: 0 }
    }

    fn on_page(&mut self, page: &Page) -> Result<(), String> {
        if let Some(look) = page.looks.iter().find(|look| look.said != look.was) {
            return Err(format!("the game looked back in {}, and was told what was not: {look:?}", page.tick));
        }
        self.looks += page.looks.len() as u64;
        Ok(())
    }
}

impl<I: Input> Checker<I> for PastIsTrue {
    fn name(&self) -> &'static str {
        "past is true"
    }

    fn looked(&self) -> u64 {
        self.looks
    }

    fn on_tick(&mut self, scene: &Scene<'_, I>) -> Result<(), String> {
        let (pages, _) = self.reader.read(scene.engine.tick_number());
        pages.iter().try_for_each(|page| self.on_page(page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::universe::churn::{Look, Place};
    use glam::Vec2;
    use tidelock::Moment;

    #[test]
    fn a_past_that_was_not_is_found() {
        let place = |x| Some(Place(Vec2::new(x, 0.0)));
        let look = |said, was| Look { moment: Moment::default(), said: (said, None), was: (was, None) };
        let mut checker = PastIsTrue::new(&Chronicle::default());
        let mut told = |look| checker.on_page(&Page { looks: vec![look], ..Page::default() });
        told(look(place(1.0), place(1.0))).unwrap();
        assert!(told(look(place(1.0), place(1.5))).is_err() && told(look(place(1.0), None)).is_err());
        assert_eq!(Checker::<crate::universe::churn::Stamp>::looked(&checker), 1);
    }
}
