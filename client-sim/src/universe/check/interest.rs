use super::{Checker, Scene};
use tidelock::state::Input;

/// Nobody holds what it was not meant to see in the tick that it holds it of.
#[derive(Debug, Default)]
pub struct InterestOnly {
    found: u64,
}

impl<I: Input> Checker<I> for InterestOnly {
    fn name(&self) -> &'static str {
        "interest only"
    }

    fn looked(&self) -> u64 {
        self.found
    }

    fn on_tick(&mut self, scene: &Scene<'_, I>) -> Result<(), String> {
        for player in scene.in_turn() {
            let who = player.client_id;
            for (id, audience, tick, _) in player.client.view().streams() {
                let Some(meant) = scene.meant.at(who, tick) else { continue };
                if meant.binary_search(&(audience, id)).is_err() {
                    return Err(format!("client {who} was sent {id} {audience:?} of {tick}, outside its interest"));
                }
                self.found += 1;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{NOBODY, Stage};
    use super::*;

    #[test]
    fn it_finds_what_was_never_meant_to_be_seen() {
        let mut stage = Stage::new();
        assert_eq!(stage.judged_by(InterestOnly::default()), Ok(()));
        let [thing, _] = stage.things();
        stage.view_mut().haunt(thing, NOBODY);
        let found = stage.judged_by(InterestOnly::default()).unwrap_err();
        assert!(found.contains(&format!("was sent {NOBODY}")), "{found}");
    }
}
