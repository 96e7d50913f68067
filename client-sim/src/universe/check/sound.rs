use super::{Checker, Scene};
use tidelock::state::Input;

/// No honest client is ever in doubt: nothing that it was sent is malformed, cannot be decoded, or leads to what it should not.
#[derive(Debug, Default)]
pub struct Sound {
    looked: u64,
}

impl<I: Input> Checker<I> for Sound {
    fn name(&self) -> &'static str {
        "no doubt"
    }

    fn looked(&self) -> u64 {
        self.looked
    }

    fn on_tick(&mut self, scene: &Scene<'_, I>) -> Result<(), String> {
        for player in scene.players {
            let (who, stats) = (player.client_id, player.client.stats());
            let doubts = [
                ("desyncs", stats.desyncs),
                ("undecodable snapshots", stats.snapshots.undecodable),
                ("malformed payloads", stats.payloads_malformed),
            ];
            if let Some((what, count)) = doubts.into_iter().find(|(_, count)| *count > 0) {
                return Err(format!("client {who} counts {count} {what}"));
            }
            self.looked += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Stage;
    use super::*;
    use std::time::Duration;

    #[test]
    fn it_finds_a_desync() {
        let mut stage = Stage::new();
        assert_eq!(stage.judged_by(Sound::default()), Ok(()));
        let [thing, _] = stage.things();
        stage.view_mut().corrupt(thing);
        stage.universe.set_checked(false);
        stage.universe.run(Duration::from_secs(1)).unwrap();
        let found = stage.judged_by(Sound::default()).unwrap_err();
        assert!(found.ends_with("counts 1 desyncs"), "{found}");
    }
}
