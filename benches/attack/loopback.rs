//! A real server with players on real sockets, and a flood beside them. All of it competes for the same processors:
//! that a core is left for the flood is up to the machine.

use serde::Serialize;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;
use tidelock::ClientId;
use tidelock_arena::ArenaInput;
use tidelock_benches::heap::live_bytes;
use tidelock_server::arena::Arena;
use tidelock_server::io::options::Number;
use tidelock_server::io::{Options, Server, ServerConfig, ServerHandle, ServerStats, clock};
use tidelock_sim::bots::BotKind;
use tidelock_sim::link::Link;
use tidelock_sim::load::Load;
use tidelock_sim::measure::Summary;
use tidelock_sim::siege::{Flood, FloodKind, Loot, request};
use tidelock_sim::swarm::{
    self, Flooded, Flooder, Insider, Links, Nobody, RemoteOptions, Share, SwarmOptions, Target, ThinShare,
};

/// One run.
#[derive(Debug, Serialize)]
pub(crate) struct Loopback {
    /// `calm` without a flood.
    kind: &'static str,
    /// Datagrams a second that were sent.
    reached_per_s: f64,
    age_p50_ms: f64,
    age_p99_ms: f64,
    tick_p99_ms: f64,
    disconnected: u64,
    desyncs: u64,
    undecodable: u64,
    down_lost_pct: f64,
    up_lost_pct: f64,
    inputs_missing_pct: f64,
    inbox_full: u64,
    inbox_strangers_full: u64,
    kernel_drops: u64,
    /// The most that the whole process, players and all, took more than at the start of the flood.
    grown_bytes: isize,
    /// The simulator was late itself: ages are worse than the server deserves.
    saturated: bool,
}

/// Until players are in, and their figures count.
const WARM_UP: Duration = Duration::from_secs(2);
/// The insider's, and of good tokens that nobody uses.
const FIRST_CLIENT_ID: u64 = 1 << 53;
const TOKENS: u64 = 4_096;

/// Lets players play for a while under a flood, or in peace.
pub(crate) fn measure(kind: Option<FloodKind>, players: u32, per_s: u64, duration: Duration) -> Loopback {
    let server = start(players);
    let schema = Arc::new(tidelock_arena::schema());
    let insider = Insider::<ArenaInput>::start(server.issue_token(ClientId(FIRST_CLIENT_ID)), schema)
        .expect("there are sockets and threads");
    let options = options(&server, players, WARM_UP + duration);
    let (flooded, grown_bytes, summary) = std::thread::scope(|scope| {
        let (over, is_over) = channel::<()>();
        let flood = std::thread::Builder::new().spawn_scoped(scope, || {
            let is_over = is_over;
            // A moment before figures count.
            let _ = is_over.recv_timeout(WARM_UP - Duration::from_millis(200));
            let flooder = kind.map(|kind| flooder(kind, &server, &insider, per_s));
            let before = live_bytes();
            let mut most = before;
            while is_over.recv_timeout(Duration::from_millis(50)) == Err(RecvTimeoutError::Timeout) {
                most = most.max(live_bytes());
            }
            (flooder.map(Flooder::stop), most - before)
        });
        let summary = swarm::run(&options, &mut Nobody).expect("players get in").run.summary();
        drop(over);
        let (flooded, grown_bytes) = flood.expect("there are threads").join().expect("flooding does not panic");
        (flooded, grown_bytes, summary)
    });
    let _how = insider.stop();
    let stats = server.stop().expect("the server did not crash");
    let told = told(kind, flooded, grown_bytes, &summary, &stats);
    tell(&told);
    told
}

fn start(players: u32) -> ServerHandle {
    let any_port = "127.0.0.1:0".parse().expect("an address");
    let options = Options {
        bind: any_port,
        admin: any_port,
        max_clients: 2 * players as usize,
        seed: Some(Number(1)),
        npcs: 100,
        ..Options::default()
    };
    let config = ServerConfig::from_options(options).expect("the options name no files");
    Server::start(&config, Arena { npcs: 100 }).expect("there are ports and threads")
}

fn options(server: &ServerHandle, players: u32, duration: Duration) -> SwarmOptions {
    let admin = format!("http://{}", server.admin_address().expect("it has an admin endpoint"));
    SwarmOptions {
        target: Target::Remote(RemoteOptions::at(&admin)),
        load: Load::steady(players, WARM_UP - Duration::from_secs(1), duration),
        links: Links::all(Link::default()),
        bots: BotKind::Wander.into(),
        thin: ThinShare::default(),
        seed: 1,
        share: Share::ALL,
        command: String::new(),
    }
}

fn flooder(kind: FloodKind, server: &ServerHandle, insider: &Insider<ArenaInput>, per_s: u64) -> Flooder {
    let token = |number| server.issue_token(ClientId(FIRST_CLIENT_ID + 1 + number));
    let requests = (0..TOKENS).map(|number| request(token(number), clock::now())).collect();
    let loot = Loot { genuine: insider.overheard(), requests };
    Flooder::start(server.udp_address(), Flood::new(kind, loot, 1), insider.socket(), per_s)
        .expect("there are sockets and threads")
}

fn told(
    kind: Option<FloodKind>,
    flooded: Option<Flooded>,
    grown_bytes: isize,
    summary: &Summary,
    stats: &ServerStats,
) -> Loopback {
    let age = summary.figures.snapshot_age_ms.unwrap_or_default();
    Loopback {
        kind: kind.map_or("calm", FloodKind::name),
        reached_per_s: flooded.map_or(0.0, |flooded| flooded.sent as f64 / flooded.duration.as_secs_f64()),
        age_p50_ms: age.p50,
        age_p99_ms: age.p99,
        tick_p99_ms: summary.server.tick_ms.unwrap_or_default().p99,
        disconnected: summary.clients.failed + summary.clients.disconnected,
        desyncs: summary.figures.desyncs,
        undecodable: summary.snapshots.undecodable,
        down_lost_pct: summary.figures.loss.down_pct.unwrap_or(0.0),
        up_lost_pct: summary.figures.loss.up_pct.unwrap_or(0.0),
        inputs_missing_pct: summary.inputs.missing_pct.unwrap_or(0.0),
        inbox_full: stats.inbox_full,
        inbox_strangers_full: stats.inbox_strangers_full,
        kernel_drops: stats.socket_receive_drops,
        grown_bytes,
        saturated: summary.sim.saturated,
    }
}

/// The head of the table.
pub(crate) const HEAD: &str = "kind              sent/s   age p50   age p99   tick p99   disconnects   desyncs   lost down   lost up   missing   inbox full   strangers full   kernel drops   grown KiB";

fn tell(told: &Loopback) {
    println!(
        "{:<16} {:>7.0} {:>6.1} ms {:>6.1} ms {:>7.1} ms {:>13} {:>9} {:>9.3} % {:>7.3} % {:>7.2} % {:>12} {:>16} {:>14} {:>11.0}{}",
        told.kind,
        told.reached_per_s,
        told.age_p50_ms,
        told.age_p99_ms,
        told.tick_p99_ms,
        told.disconnected,
        told.desyncs + told.undecodable,
        told.down_lost_pct,
        told.up_lost_pct,
        told.inputs_missing_pct,
        told.inbox_full,
        told.inbox_strangers_full,
        told.kernel_drops,
        told.grown_bytes as f64 / 1024.0,
        if told.saturated { "   (simulator saturated)" } else { "" },
    );
}
