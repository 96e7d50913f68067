use super::{Health, Position, Stage, Velocity, Yaw};
use std::collections::{BTreeMap, BTreeSet};
use tidelock::ClientId;
use tidelock::state::{NetId, Replicate};
use tidelock_sim::client::EntityView;
use tidelock_workload::{Copies, INTEREST_RADIUS_M, State};

/// What was seen stays seen up to this part beyond the radius: nobody may see farther.
const RIM: f32 = 1.1;
/// Of distances, in metres: the engine measures what it sends, and that is rounded.
const ROUNDING_M: f32 = 0.02;

impl Stage {
    /// Holds what all real clients see against the world itself, and says how many clients that were.
    ///
    /// Between the radius and its rim it depends on the past who is seen: there the engine has the say.
    #[must_use]
    pub fn copies(&self, interest: bool) -> (usize, Copies) {
        let (mut clients, mut copies) = (0, Copies::default());
        for (number, guest) in self.guests().iter().enumerate() {
            let Some(client) = guest.client() else { continue };
            clients += 1;
            let meant = self.engine().visible_to(ClientId(number as u64 + 1));
            let meant: BTreeSet<u32> = meant.map(|(id, ..)| id.index).collect();
            let mut held: BTreeMap<u32, EntityView<'_>> = BTreeMap::new();
            for entity in client.view().entities() {
                let NetId { index, .. } = entity.id();
                held.insert(index, entity);
            }
            let play = self.script().play();
            for (place, (entity, state)) in play.cast.iter().zip(&play.world.entities).enumerate() {
                let NetId { index, .. } = self.engine().net_id(*entity).expect("all of them are replicated");
                let distance_m = play.world.distance_m(number, place);
                let is_meant = if !interest || distance_m <= INTEREST_RADIUS_M - ROUNDING_M {
                    true
                } else if distance_m > INTEREST_RADIUS_M * RIM + ROUNDING_M {
                    false
                } else {
                    meant.contains(&index)
                };
                copies.count(is_meant, held.remove(&index).map(|entity| is_right(&entity, state)));
            }
            copies.ghost += held.len() as u64;
        }
        (clients, copies)
    }
}

fn is_right(entity: &EntityView<'_>, state: &State) -> bool {
    entity.get() == Some(Position(state.position).snapped())
        && entity.get() == Some(Velocity(state.velocity).snapped())
        && entity.get() == Some(Yaw(state.yaw).snapped())
        && entity.get() == Some(Health(state.health).snapped())
}
