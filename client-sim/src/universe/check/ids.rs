use super::{Checker, Scene};
use crate::client::Status;
use tidelock::Tick;
use tidelock::state::Input;

/// An index never means two entities to anybody, and is counted in as many views as it is in.
#[derive(Debug, Default)]
pub struct Ids {
    /// For each index the generation that somebody was last meant to see, and when.
    generations: Vec<Option<(u16, Tick)>>,
    seen: u64,
}

/// An index that somebody saw is nobody's for at least so many ticks.
const REST_TICKS: i32 = 64;

impl Ids {
    fn generation(&self, index: u32) -> Option<u16> {
        self.generations.get(index as usize)?.map(|(generation, _)| generation)
    }

    /// Counts in whose views entities are, and how long indices have rested that are given away again.
    fn on_meant<I: Input>(&mut self, scene: &Scene<'_, I>) -> Result<(), String> {
        let now = scene.engine.tick_number();
        let (counted, seen) = scene.engine.viewers();
        if counted != seen {
            return Err(format!("entities are counted {counted} times as in a view, and are in {seen}"));
        }
        for (_, id) in scene.players.iter().flat_map(|player| scene.meant.now(player.client_id)) {
            self.seen += 1;
            let index = id.index as usize;
            if index >= self.generations.len() {
                self.generations.resize(index + 1, None);
            }
            let Some((generation, last)) = self.generations[index].replace((id.generation, now)) else { continue };
            if generation != id.generation && now.since(last) < REST_TICKS {
                return Err(format!("the index of {id} belonged to another entity {} ticks ago", now.since(last)));
            }
        }
        Ok(())
    }
}

impl<I: Input> Checker<I> for Ids {
    fn name(&self) -> &'static str {
        "one entity an index"
    }

    fn looked(&self) -> u64 {
        self.seen
    }

    fn on_tick(&mut self, scene: &Scene<'_, I>) -> Result<(), String> {
        self.on_meant(scene)?;
        for player in scene.in_turn() {
            // What a player still shows who is gone concerns nobody.
            let is_gone = matches!(player.client.status(), Status::Disconnected(_));
            if is_gone || scene.meant.now(player.client_id).is_empty() {
                continue;
            }
            for (id, ..) in player.client.view().streams() {
                if self.generation(id.index).is_some_and(|generation| generation != id.generation) {
                    let who = player.client_id;
                    return Err(format!("client {who} still shows {id}, whose index is another entity's by now"));
                }
            }
        }
        Ok(())
    }
}
