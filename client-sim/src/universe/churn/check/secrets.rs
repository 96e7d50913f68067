use crate::client::View;
use crate::universe::check::{Checker, Scene};
use crate::universe::churn::{Chronicle, Page, Serial};
use std::collections::BTreeSet;
use tidelock::ClientId;
use tidelock::state::Input;

/// In a whole view is what the game showed to the player or what belongs to it, and nothing that it hid from the player or
/// put on layers that the player does not see.
#[derive(Debug)]
pub struct Secrets {
    chronicle: Chronicle,
    seen: u64,
}

impl Secrets {
    /// Of the game that keeps this chronicle.
    #[must_use]
    pub fn new(chronicle: &Chronicle) -> Self {
        Self { chronicle: chronicle.clone(), seen: 0 }
    }

    fn on_view(&mut self, page: &Page, who: ClientId, view: &View) -> Result<(), String> {
        let seen = view.entities().filter_map(|entity| entity.get::<Serial>()).map(|serial| serial.0).collect();
        may_see(page, who, &seen)?;
        self.seen += seen.len() as u64;
        Ok(())
    }
}

/// Whether this is what a player may see and must, in the tick of a page, as far as the game says it of single entities.
fn may_see(page: &Page, who: ClientId, seen: &BTreeSet<u32>) -> Result<(), String> {
    let sees = page.sees.get(&who).copied().unwrap_or_default();
    for (serial, body) in &page.bodies {
        let exception = page.exceptions.get(&(who, *serial));
        let is_own = body.owner == Some(who);
        let is_shown = exception == Some(&true);
        let is_off = body.layers.is_some_and(|layers| layers & sees == 0) && !is_shown;
        let is_hidden = exception == Some(&false);
        if seen.contains(serial) && !is_own && (is_off || is_hidden) {
            return Err(format!("client {who} sees {serial} in {}, which is hidden: {body:?}", page.tick));
        }
        if !seen.contains(serial) && (is_own || is_shown) {
            return Err(format!("client {who} does not see {serial} in {}, which it is shown: {body:?}", page.tick));
        }
    }
    match seen.iter().find(|serial| !page.bodies.contains_key(*serial)) {
        Some(serial) => Err(format!("client {who} sees {serial}, which is not there in {}", page.tick)),
        None => Ok(()),
    }
}

impl<I: Input> Checker<I> for Secrets {
    fn name(&self) -> &'static str {
        "secrets"
    }

    fn looked(&self) -> u64 {
        self.seen
    }

    fn on_tick(&mut self, scene: &Scene<'_, I>) -> Result<(), String> {
        for player in scene.in_turn() {
            let view = player.client.view();
            let whole = view.whole_tick().filter(|whole| view.newest_tick() == Some(*whole));
            let Some(page) = whole.and_then(|whole| self.chronicle.page(whole)) else { continue };
            self.on_view(&page, player.client_id, view)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::universe::churn::{Body, Place};
    use glam::Vec2;

    const A: ClientId = ClientId(1);

    fn body(owner: Option<ClientId>, layers: Option<u64>) -> Body {
        Body { place: Place(Vec2::ZERO), glide: None, owner, layers, mate: None }
    }

    fn is_right(body: Body, exception: Option<bool>, seen: bool) -> bool {
        let exceptions = exception.map(|is_shown| ((A, 9), is_shown)).into_iter().collect();
        let page = Page { bodies: [(9, body)].into(), sees: [(A, 0b10)].into(), exceptions, ..Page::default() };
        may_see(&page, A, &seen.then_some(9).into_iter().collect()).is_ok()
    }

    #[test]
    fn what_is_hidden_and_seen_is_found() {
        assert!(is_right(body(None, None), None, true) && is_right(body(None, Some(0b10)), None, true));
        assert!(!is_right(body(None, Some(0b01)), None, true) && !is_right(body(None, None), Some(false), true));
        assert!(is_right(body(Some(A), Some(0b01)), Some(false), true));
    }

    #[test]
    fn what_is_shown_and_not_seen_is_found() {
        assert!(is_right(body(None, None), None, false));
        assert!(!is_right(body(None, Some(0b01)), Some(true), false) && !is_right(body(Some(A), None), None, false));
    }

    #[test]
    fn what_is_seen_and_not_there_is_found() {
        assert!(may_see(&Page::default(), A, &[9].into()).is_err());
    }
}
