//! A second game on Tidelock, through the public API only: a rehearsal of tag among three players.
//!
//! `cargo run -p tidelock-server --example tag`

mod game;

use game::{It, Run, Runner, Tag, Tagged};
use glam::Vec2;
use std::io::Write;
use tidelock::ClientId;
use tidelock_server::game::{Owner, Rehearsal};

fn main() -> anyhow::Result<()> {
    let mut rehearsal = Rehearsal::new(Tag, 1, 30)?;
    assert_eq!(rehearsal.schema().hash(), game::schema().hash(), "both halves declare the same");
    let mut out = std::io::stdout().lock();
    for number in 1..=3 {
        rehearsal.join(ClientId(number));
    }
    for tick in 0..900 {
        let inputs = decide(&mut rehearsal);
        rehearsal.tick(&inputs);
        for tagged in rehearsal.take_sent::<Tagged>() {
            writeln!(out, "tick {tick}: player {} is it", tagged.event.client_id)?;
        }
    }
    Ok(())
}

/// Who is it runs to the nearest other; the others run to the middle, and never look.
fn decide(rehearsal: &mut Rehearsal) -> Vec<(ClientId, Run)> {
    let world = rehearsal.world();
    let mut query = world.query::<(&Owner, &Runner, &It)>();
    let runners: Vec<_> = query.iter(world).map(|(owner, runner, it)| (owner.0, runner.0, it.0)).collect();
    let nearest = |from: Vec2| {
        let others = runners.iter().filter(|(_, _, is_it)| !is_it).map(|(_, place, _)| *place);
        others.min_by(|a, b| a.distance_squared(from).total_cmp(&b.distance_squared(from))).unwrap_or_default()
    };
    let aim = |place: Vec2, is_it: bool| if is_it { nearest(place) } else { Vec2::ZERO };
    let run = |place: Vec2, is_it: bool| Run { towards: aim(place, is_it) - place, dash: false };
    runners.iter().map(|(client_id, place, is_it)| (*client_id, run(*place, *is_it))).collect()
}
