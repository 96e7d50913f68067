use super::diary::Diary;
use super::dice::ExtraDice;
use bevy_ecs::prelude::ResMut;
use tidelock_server::game::JoinPayload;

/// The join payload of a number: several fragments long.
#[must_use]
pub fn payload(number: u32) -> Vec<u8> {
    let ballast = (0..4_000u32).map(|n| (n.wrapping_add(number).wrapping_mul(0x9E37_79B9) >> 24) as u8);
    number.to_le_bytes().into_iter().chain(ballast).collect()
}

/// The number of a join payload, if it is one and intact.
#[must_use]
pub fn payload_number(bytes: &[u8]) -> Option<u32> {
    let number = u32::from_le_bytes(*bytes.first_chunk()?);
    (bytes == payload(number)).then_some(number)
}

/// Now and then, who joins is told something else.
pub(super) fn change_payload(
    mut join_payload: ResMut<'_, JoinPayload>,
    mut dice: ResMut<'_, ExtraDice>,
    mut diary: ResMut<'_, Diary>,
) {
    if dice.0.chance(0.02) || join_payload.0.is_empty() {
        diary.0.payload += 1;
        join_payload.0 = payload(diary.0.payload);
    }
}
