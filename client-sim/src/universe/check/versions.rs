use super::{Checker, Scene};
use tidelock::state::Input;

/// What a client holds of a tick is what the server had in that tick, lane for lane.
#[derive(Debug, Default)]
pub struct EqualVersions {
    compared: u64,
}

impl<I: Input> Checker<I> for EqualVersions {
    fn name(&self) -> &'static str {
        "equal versions"
    }

    fn looked(&self) -> u64 {
        self.compared
    }

    fn on_tick(&mut self, scene: &Scene<'_, I>) -> Result<(), String> {
        for player in scene.in_turn() {
            for (id, audience, tick, held) in player.client.view().streams() {
                // What the server has forgotten cannot be compared.
                let Some(truth) = scene.engine.version_at(id, audience, tick) else { continue };
                if truth != held {
                    let who = player.client_id;
                    return Err(format!("client {who} has {id} {audience:?} of {tick} as {held:?}, not {truth:?}"));
                }
                self.compared += 1;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Stage;
    use super::*;

    #[test]
    fn it_finds_a_lane_that_differs() {
        let mut stage = Stage::new();
        assert_eq!(stage.judged_by(EqualVersions::default()), Ok(()));
        let [thing, _] = stage.things();
        stage.view_mut().corrupt(thing);
        let found = stage.judged_by(EqualVersions::default()).unwrap_err();
        assert!(found.contains(&format!("has {thing} Public")), "{found}");
    }
}
