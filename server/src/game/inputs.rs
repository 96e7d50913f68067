use super::references::{NetIds, refer_to};
use bevy_ecs::prelude::Resource;
use bevy_ecs::world::World;
use tidelock::ClientId;
use tidelock::state::{EntityRef, Input};

/// The input of every player for the tick now running, one each: what came in time, or the last one with its one-shot
/// buttons cleared.
#[derive(Resource, Clone, Debug)]
pub struct Inputs<I: Input> {
    /// By ascending client id.
    inputs: Vec<(ClientId, I)>,
}

impl<I: Input> Inputs<I> {
    /// The input of one player, if it plays.
    #[must_use]
    pub fn of(&self, client_id: ClientId) -> Option<&I> {
        let index = self.inputs.binary_search_by_key(&client_id, |(id, _)| *id).ok()?;
        Some(&self.inputs[index].1)
    }

    /// All of them, by ascending client id.
    pub fn iter(&self) -> impl Iterator<Item = (ClientId, &I)> {
        self.inputs.iter().map(|(client_id, input)| (*client_id, input))
    }
}

impl<I: Input> Default for Inputs<I> {
    fn default() -> Self {
        Self { inputs: Vec::new() }
    }
}

/// The game's input type, with its name erased: the engine knows inputs as lanes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InputType {
    pub(crate) lane_count: usize,
    /// What a player asks for who has not asked yet.
    pub(crate) default: fn(&mut [u32]),
    pub(crate) clear_one_shots: fn(&mut [u32]),
    /// Fills [`Inputs`].
    pub(crate) deliver: DeliverInputs,
}

type DeliverInputs = for<'a> fn(&mut World, &mut dyn Iterator<Item = TickInput<'a>>);

/// One player's input for one tick, as lanes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TickInput<'a> {
    pub(crate) client_id: ClientId,
    pub(crate) lanes: &'a [u32],
}

impl InputType {
    pub(crate) fn of<I: Input>() -> Self {
        Self {
            lane_count: I::lane_count(),
            default: |lanes| I::default().write_lanes(lanes),
            clear_one_shots: |lanes| {
                let mut input = I::read_lanes(lanes);
                input.clear_one_shots();
                input.write_lanes(lanes);
            },
            deliver: |world, tick_inputs| {
                world.resource_scope::<NetIds, _>(|world, ids| {
                    let mut resource = world.resource_mut::<Inputs<I>>();
                    let inputs = &mut resource.inputs;
                    let mut entity_of = |id| ids.entity(id).map_or(EntityRef::None, refer_to);
                    inputs.clear();
                    inputs.extend(
                        tick_inputs.map(|input| (input.client_id, I::read_lanes_with(input.lanes, &mut entity_of))),
                    );
                    inputs.sort_unstable_by_key(|(client_id, _)| *client_id);
                });
            },
        }
    }
}
