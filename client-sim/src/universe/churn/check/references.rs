use crate::universe::check::{Checker, Scene};
use crate::universe::churn::{Body, Chronicle, Mate, Page, Serial};
use tidelock::ClientId;
use tidelock::state::{EntityRef, Input};

/// A reference that a client has leads to whom the game meant, or to nobody yet; in a whole view it is one to somebody who
/// is there and may be named, and is told if nothing speaks against it.
#[derive(Debug)]
pub struct References {
    chronicle: Chronicle,
    followed: u64,
}

impl References {
    /// Of the game that keeps this chronicle.
    #[must_use]
    pub fn new(chronicle: &Chronicle) -> Self {
        Self { chronicle: chronicle.clone(), followed: 0 }
    }
}

/// Whether what the entity `holder` says of its mate is so, which in the client's view is `found`.
fn leads_right(holder: u32, mate: Mate, found: Option<u32>) -> Result<(), String> {
    match found {
        Some(found) if found != mate.serial => {
            Err(format!("{holder} refers to {}, which leads to {found}", mate.serial))
        }
        _ => Ok(()),
    }
}

/// Whether a whole view of this page may have it so.
fn may_be_told(page: &Page, holder: u32, mate: Mate) -> Result<(), String> {
    let target = page.bodies.get(&mate.serial);
    let is_hidden = page.exceptions.iter().any(|((_, of), is_shown)| *of == mate.serial && !is_shown);
    let is_named = mate.who != EntityRef::None;
    let found = match target {
        None if is_named => "is gone",
        Some(_) if is_named && is_hidden => "is hidden from somebody",
        Some(target) if is_named && !is_discreet(page, holder, target) => "is on layers, and others may hear of it",
        Some(target) if !is_named && !is_hidden && target.layers.is_none() => "could be told, and is not",
        _ => return Ok(()),
    };
    Err(format!("{holder} refers to {}, which {found} in {}", mate.serial, page.tick))
}

/// Whether whoever sees the holder may know of the target: of one on layers, only from others on the same.
fn is_discreet(page: &Page, holder: u32, target: &Body) -> bool {
    let Some(layers) = target.layers else { return true };
    let Some(body) = page.bodies.get(&holder) else { return false };
    let is_within = body.layers.is_some_and(|own| own & !layers == 0);
    let is_shown = page.exceptions.iter().any(|((_, of), is_shown)| *of == holder && *is_shown);
    let sees = |owner: ClientId| page.sees.get(&owner).is_some_and(|sees| sees & layers != 0);
    is_within && !is_shown && body.owner.is_none_or(sees)
}

impl<I: Input> Checker<I> for References {
    fn name(&self) -> &'static str {
        "references"
    }

    fn looked(&self) -> u64 {
        self.followed
    }

    fn on_tick(&mut self, scene: &Scene<'_, I>) -> Result<(), String> {
        for player in scene.in_turn() {
            let (who, view) = (player.client_id, player.client.view());
            let whole = view.whole_tick().filter(|whole| view.newest_tick() == Some(*whole));
            let page = whole.and_then(|whole| self.chronicle.page(whole));
            for entity in view.entities() {
                let Some(mate) = entity.get::<Mate>() else { continue };
                let holder = entity.get::<Serial>().map_or(0, |serial| serial.0);
                let found = mate.who.net_id().and_then(|id| view.entity(id)?.get::<Serial>());
                let found = found.map(|serial| serial.0);
                let told = leads_right(holder, mate, found)
                    .and_then(|()| page.as_ref().map_or(Ok(()), |page| may_be_told(page, holder, mate)));
                told.map_err(|what| format!("client {who} is told that {what}"))?;
                self.followed += u64::from(found.is_some());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::universe::churn::Place;
    use glam::Vec2;
    use tidelock::state::NetId;

    const NAMED: Mate = Mate { who: EntityRef::Net(NetId { index: 4, generation: 2 }), serial: 9 };
    const UNNAMED: Mate = Mate { who: EntityRef::None, serial: 9 };

    fn body(layers: Option<u64>) -> Body {
        Body { place: Place(Vec2::ZERO), glide: None, owner: None, layers, mate: None }
    }

    /// The holder is 1, the other 9.
    fn page(holder: Option<u64>, other: Option<u64>) -> Page {
        Page { bodies: [(1, body(holder)), (9, body(other))].into(), ..Page::default() }
    }

    fn is_right(page: &Page, mate: Mate) -> bool {
        may_be_told(page, 1, mate).is_ok()
    }

    #[test]
    fn a_reference_that_leads_to_another_is_found() {
        assert!(leads_right(1, NAMED, Some(9)).is_ok() && leads_right(1, NAMED, None).is_ok());
        assert!(leads_right(1, NAMED, Some(8)).is_err());
    }

    #[test]
    fn who_is_there_is_named_and_who_is_gone_is_not() {
        assert!(is_right(&page(None, None), NAMED) && !is_right(&page(None, None), UNNAMED));
        let gone = Page { bodies: [(1, body(None))].into(), ..Page::default() };
        assert!(is_right(&gone, UNNAMED) && !is_right(&gone, NAMED));
    }

    #[test]
    fn who_is_hidden_or_on_layers_of_its_own_is_not_named() {
        let hidden = Page { exceptions: [((ClientId(3), 9), false)].into(), ..page(None, None) };
        assert!(is_right(&hidden, UNNAMED) && !is_right(&hidden, NAMED));
        assert!(is_right(&page(None, Some(1)), UNNAMED) && !is_right(&page(None, Some(1)), NAMED));
        assert!(is_right(&page(Some(1), Some(3)), NAMED) && !is_right(&page(Some(4), Some(3)), NAMED));
        let shown = Page { exceptions: [((ClientId(3), 1), true)].into(), ..page(Some(1), Some(3)) };
        assert!(!is_right(&shown, NAMED));
    }
}
