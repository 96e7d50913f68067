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

#[cfg(test)]
mod tests {
    use super::super::fixture::Stage;
    use super::*;
    use tidelock::state::NetId;

    #[test]
    fn it_finds_an_index_that_is_another_entitys_to_a_client() {
        let mut stage = Stage::new();
        assert_eq!(stage.judged_by(Ids::default()), Ok(()));
        let [thing, other] = stage.things();
        let former = NetId { generation: other.generation.wrapping_sub(1), ..other };
        stage.view_mut().haunt(thing, former);
        let found = stage.judged_by(Ids::default()).unwrap_err();
        assert!(found.contains(&format!("still shows {former}")), "{found}");
    }

    #[test]
    fn it_finds_an_index_that_has_not_rested() {
        let stage = Stage::new();
        let ([thing, _], now) = (stage.things(), stage.universe.engine().tick_number());
        let after = |ticks: i32| {
            let last = (thing.generation.wrapping_sub(1), now.sub(ticks.cast_unsigned()));
            let mut generations = vec![None; thing.index as usize];
            generations.push(Some(last));
            stage.judged_by(Ids { generations, seen: 0 })
        };
        assert_eq!(after(REST_TICKS), Ok(()));
        assert!(after(REST_TICKS - 1).unwrap_err().contains("63 ticks ago"));
    }
}
