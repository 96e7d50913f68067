//! A swarm of bots that are not the simulator's own.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tidelock::Tick;
use tidelock_arena::{ArenaInput, Map};
use tidelock_sim::bots::{Bot, Cast, Seen, Sight};
use tidelock_sim::link::Link;
use tidelock_sim::load::Load;
use tidelock_sim::swarm::{self, EmbeddedOptions, End, Links, Nobody, Share, SwarmOptions, Target, ThinShare};

/// Jumps all the time, and counts.
struct Jumper {
    asked: Arc<AtomicU64>,
    asked_blindly: Arc<AtomicU64>,
}

impl Bot for Jumper {
    fn input(&mut self, avatar: &Seen, _: &dyn Sight, map: Option<&Map>, _: Tick) -> ArenaInput {
        assert!(avatar.owned && map.is_some());
        self.asked.fetch_add(1, Relaxed);
        ArenaInput { jump: true, ..ArenaInput::default() }
    }

    fn input_unseeing(&mut self, _: Tick) -> ArenaInput {
        self.asked_blindly.fetch_add(1, Relaxed);
        ArenaInput { jump: true, ..ArenaInput::default() }
    }
}

#[test]
fn bots_of_ones_own_play_in_full_and_thin_clients() {
    let [asked, asked_blindly] = [(); 2].map(|()| Arc::new(AtomicU64::new(0)));
    let (seeing, blind) = (Arc::clone(&asked), Arc::clone(&asked_blindly));
    let bots = Cast::new("jumpers", move |_, _| {
        Box::new(Jumper { asked: Arc::clone(&seeing), asked_blindly: Arc::clone(&blind) })
    });
    let options = SwarmOptions {
        target: Target::Embedded(EmbeddedOptions {
            program: PathBuf::from(env!("CARGO_BIN_EXE_tidelock-sim")),
            ..EmbeddedOptions::default()
        }),
        load: Load::steady(8, Duration::from_millis(200), Duration::from_secs(3)),
        links: Links::all(Link::default()),
        bots,
        thin: ThinShare(0.5),
        seed: 1,
        share: Share::ALL,
        command: String::new(),
    };
    let outcome = swarm::run(&options, &mut Nobody).unwrap();
    let summary = outcome.run.summary();
    assert_eq!((outcome.end, summary.clients.connected, &*summary.bots), (End::Planned, 8, "jumpers"));
    assert_eq!(summary.sim.thin_clients, 3);
    // Three clients at 60 Hz, and five, for more than two seconds.
    let asked = [asked, asked_blindly].map(|count| count.load(Relaxed));
    assert!(asked.iter().all(|count| *count > 300), "{asked:?}");
}
