//! A bot of one's own, and a swarm of it: half of the clients run in circles around the middle of the arena, the others wander.
//!
//! `cargo run -p tidelock-sim --example own_bot`

use std::f32::consts::FRAC_PI_2;
use std::io::{self, Write};
use std::time::Duration;

use tidelock::Tick;
use tidelock_arena::{ArenaInput, Facing, Map};
use tidelock_server::arena::Arena;
use tidelock_server::io::{Options, Server, ServerConfig};
use tidelock_sim::bots::{Bot, Cast, Seen, Sight, Wanderer};
use tidelock_sim::link::{Profile, Rng};
use tidelock_sim::load::Load;
use tidelock_sim::mix::Mix;
use tidelock_sim::swarm::{self, Links, Nobody, RemoteOptions, Share, SwarmOptions, Target, ThinShare};
use tidelock_sim::tell::{Ink, render};

/// Runs around the middle at a distance of its own.
struct Runner {
    radius_m: f32,
}

impl Runner {
    /// The same seed runs the same way.
    fn new(seed: u64) -> Self {
        Self { radius_m: Rng::stream(seed, 0).between(10.0, 40.0) as f32 }
    }
}

impl Bot for Runner {
    fn input(&mut self, avatar: &Seen, _: &dyn Sight, _: Option<&Map>, _: Tick) -> ArenaInput {
        let outwards = avatar.position.with_z(0.0);
        // Straight on along the circle, and back towards it from either side.
        let off = (outwards.length() / self.radius_m - 1.0).clamp(-1.0, 1.0);
        let yaw = Facing::towards(outwards).yaw + FRAC_PI_2 * (1.0 + off);
        ArenaInput { forward: 1.0, look: Facing { yaw, pitch: 0.0 }, sprint: true, ..ArenaInput::default() }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let any = "127.0.0.1:0".parse()?;
    let config = ServerConfig::from_options(Options { bind: any, admin: any, ..Options::default() })?;
    let server = Server::start(&config, Arena { npcs: 20 })?;
    let admin = format!("http://{}", server.admin_address().ok_or("the server has an admin endpoint")?);

    let bots = Cast::new("runners and wanderers", |client, seed| {
        if client % 2 == 0 { Box::new(Runner::new(seed)) } else { Box::new(Wanderer::new(seed)) }
    });
    let options = SwarmOptions {
        target: Target::Remote(RemoteOptions::at(&admin)),
        load: Load::steady(20, Duration::from_secs(1), Duration::from_secs(6)),
        links: Links::new(Mix::only(Profile::Wifi), Profile::link),
        bots,
        thin: ThinShare::default(),
        seed: 1,
        share: Share::ALL,
        command: "own_bot".to_owned(),
    };
    let outcome = swarm::run(&options, &mut Nobody)?;
    io::stdout().write_all(render(&outcome.run.summary(), Ink::Plain).as_bytes())?;
    server.stop()?;
    Ok(())
}
