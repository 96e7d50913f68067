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
