use super::{Checker, Meant, Scene, StreamKey};
use crate::client::View;
use tidelock::state::{Input, VersionRef};
use tidelock::{ClientId, Tick};
use tidelock_server::engine::Engine;

/// Who believes that it holds everything of its newest tick does.
#[derive(Debug, Default)]
pub struct WholeViews {
    compared: u64,
}

impl<I: Input> Checker<I> for WholeViews {
    fn name(&self) -> &'static str {
        "whole views"
    }

    fn looked(&self) -> u64 {
        self.compared
    }

    fn on_tick(&mut self, scene: &Scene<'_, I>) -> Result<(), String> {
        for player in scene.in_turn() {
            let view = player.client.view();
            let Some(tick) = view.whole_tick().filter(|whole| view.newest_tick() == Some(*whole)) else { continue };
            let found = compare(scene.engine, scene.meant, player.client_id, tick, view);
            if let Err(what) = found {
                let who = player.client_id;
                return Err(format!("client {who} believes that it holds all of {tick}, but {what}"));
            }
            self.compared += 1;
        }
        Ok(())
    }
}

fn compare(engine: &Engine, meant: &Meant, who: ClientId, tick: Tick, view: &View) -> Result<(), String> {
    let Some(meant) = meant.at(who, tick) else { return Ok(()) };
    let truth = |(audience, id): StreamKey| engine.version_at(id, audience, tick);
    same_streams(meant.iter().map(|key| (*key, truth(*key))), view)
}

/// Whether a view shows just these streams, sorted, in these versions as far as they are known.
pub(super) fn same_streams<'a>(
    meant: impl Iterator<Item = (StreamKey, Option<VersionRef<'a>>)>,
    view: &View,
) -> Result<(), String> {
    let mut held = view.streams().peekable();
    for (key @ (audience, id), truth) in meant {
        let next = held.next_if(|(id, audience, ..)| (*audience, *id) <= key);
        match next {
            Some((at, of, ..)) if (of, at) != key => return Err(format!("{at} {of:?} is a ghost")),
            Some((.., version)) if truth.is_some_and(|truth| version != truth) => {
                return Err(format!("{id} {audience:?} is stale"));
            }
            Some(_) => {}
            None => return Err(format!("{id} {audience:?} is missing")),
        }
    }
    match held.next() {
        Some((id, audience, ..)) => Err(format!("{id} {audience:?} is a ghost")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{NOBODY, Stage};
    use super::*;

    #[test]
    fn it_finds_what_is_missing_and_what_is_too_much() {
        let mut stage = Stage::new();
        assert_eq!(stage.judged_by(WholeViews::default()), Ok(()));
        let [thing, other] = stage.things();
        stage.view_mut().haunt(thing, NOBODY);
        let found = stage.judged_by(WholeViews::default()).unwrap_err();
        assert!(found.ends_with(&format!("{NOBODY} Public is a ghost")), "{found}");
        let mut stage = Stage::new();
        stage.view_mut().lose(other);
        let found = stage.judged_by(WholeViews::default()).unwrap_err();
        assert!(found.contains("is a ghost") || found.contains("is missing"), "{found}");
    }

    #[test]
    fn it_finds_what_is_stale() {
        let mut stage = Stage::new();
        let [thing, _] = stage.things();
        stage.view_mut().corrupt(thing);
        let found = stage.judged_by(WholeViews::default()).unwrap_err();
        assert!(found.ends_with(&format!("{thing} Public is stale")), "{found}");
    }
}
