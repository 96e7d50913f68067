//! How long it may take until everybody holds all that it should, once nothing goes wrong any more.

use super::guests::{Guests, PATIENCE_MAX};
use super::{PlayerPlan, Scenario};
use crate::link::{Conditioner, LinkConfig};
use crate::universe::Universe;
use std::time::Duration;
use tidelock::state::Input;

/// Tokens say so: who is not answered for so long knows that its connection is gone, and so does the server.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest that anything waits in a queue, which scenarios draw.
const QUEUE_MAX: Duration = Duration::from_secs(2);
/// A rate that fell as far as it may is at the limit that was known again after half of this (`RECOVERY` of
/// `server/src/engine/congestion`), and beyond what was known as long after that.
const RECOVERED: Duration = Duration::from_secs(5);
/// Then at least this share of what the link takes is used.
const RATE_SHARE: f64 = 0.25;
/// Hello, welcome, records, their acks, and as often again for what had to wait.
const ROUND_TRIPS: u32 = 10;
/// What a record takes at most besides its lanes, and for each of them: see `shared/PROTOCOL.md`, section 8.
const RECORD_BYTES: usize = 15;
const LANE_BYTES: usize = 4;
/// Estimates of round trips come as near as this, by a few acks.
const KNOWN_SHARE: f64 = 0.9;
/// Peers tell how long they sat on an ack in whole steps.
const RTT_SLACK: Duration = Duration::from_millis(5);

/// For the slowest of all who want to play.
pub(super) fn bound<I: Input>(scenario: &Scenario, universe: &Universe<I>, guests: &Guests) -> Duration {
    let state_bytes = universe.players().iter().map(|player| {
        let visible = universe.engine().visible_to(player.client_id);
        visible.map(|(_, _, version)| RECORD_BYTES + LANE_BYTES * version.lanes.len()).sum::<usize>()
    });
    // Who does not play will see no more than the others do, or all there is.
    let state_bytes = state_bytes.max().unwrap_or(0).max(universe.engine().entity_count() * RECORD_BYTES);
    let plans = scenario.players.iter().zip(guests.wanting());
    let bounds = plans.filter(|(_, wants)| *wants).map(|(plan, _)| {
        let interval = Duration::from_secs(1) / scenario.config.snapshot_hz;
        let round_trip = plan.down.latency + plan.up.latency + interval * 2;
        let late = late(plan.down) + late(plan.up);
        lost() + late + round_trip * ROUND_TRIPS + RECOVERED + transfer(scenario, plan, state_bytes)
    });
    bounds.max().unwrap_or_default()
}

/// Whether everybody who wants to play knows about how long its way is by now, and the server too. A round trip is never shorter than
/// the way; an estimate that stays so is of a way that was, by acks that come too late to count.
pub(super) fn ways_are_known<I: Input>(
    scenario: &Scenario,
    universe: &Universe<I>,
    guests: &Guests,
) -> Result<(), String> {
    let served = universe.engine().clients();
    let plans = scenario.players.iter().zip(universe.players()).zip(guests.wanting());
    for ((plan, player), _) in plans.filter(|(_, wants)| *wants) {
        let way = plan.down.latency + plan.up.latency;
        let believed = served.iter().find(|client| client.client_id == player.client_id).and_then(|client| client.rtt);
        for (who, rtt) in [("it", player.client.rtt()), ("the server", believed)] {
            if rtt.is_some_and(|rtt| rtt + RTT_SLACK < way.mul_f64(KNOWN_SHARE)) {
                return Err(format!("client {} is {way:?} away, and {who} believes {rtt:?}", player.client_id));
            }
        }
    }
    Ok(())
}

/// Who has lost its connection finds out, tries again, and may still be taken for the one it was before.
fn lost() -> Duration {
    (TIMEOUT + PATIENCE_MAX) * 2
}

/// By how much what is under way may be later than its latency: that keeps what comes after it waiting, once.
fn late(link: LinkConfig) -> Duration {
    // Of an exponential distribution, one in a million is longer than 14 means.
    link.jitter * 14 + Conditioner::HOLD_MAX + QUEUE_MAX
}

fn transfer(scenario: &Scenario, plan: &PlayerPlan, state_bytes: usize) -> Duration {
    let bottleneck = plan.down.bottleneck.map_or(u32::MAX, |bottleneck| bottleneck.bandwidth_bytes_s);
    let rate_bytes_s = f64::from(scenario.config.client_bandwidth_bytes_s.min(bottleneck)) * RATE_SHARE;
    Duration::from_secs_f64(state_bytes as f64 / rate_bytes_s)
}
