use super::{Match, idle};
use tidelock_arena::{Ammo, Health, Kind, Position};

#[test]
fn a_health_pack_heals_vanishes_and_comes_back() {
    let mut game = Match::new(1, 0);
    game.join(7);
    let (avatar, packs) = (game.avatar(7).unwrap(), game.all(Kind::HealthPack));
    let place = game.of::<Position>(packs[0]);
    game.set(avatar, place);
    game.tick(&[(7, idle())]);
    assert_eq!(game.all(Kind::HealthPack).len(), packs.len(), "who is not hurt leaves it");

    game.set(avatar, Health(30));
    game.tick(&[(7, idle())]);
    assert_eq!(game.of::<Health>(avatar), Health(70));
    assert_eq!(game.all(Kind::HealthPack).len(), packs.len() - 1);
    game.ticks(599, &[(7, idle())]);
    assert_eq!(game.all(Kind::HealthPack).len(), packs.len() - 1);
    game.tick(&[(7, idle())]);
    assert_eq!(game.all(Kind::HealthPack).len(), packs.len());
    game.tick(&[(7, idle())]);
    assert_eq!(game.of::<Health>(avatar), Health(100));
}

#[test]
fn an_ammo_pack_fills_up_to_what_one_can_carry() {
    let mut game = Match::new(1, 0);
    game.join(7);
    let (avatar, packs) = (game.avatar(7).unwrap(), game.all(Kind::AmmoPack));
    let place = game.of::<Position>(packs[0]);
    game.set(avatar, place);
    game.set(avatar, Ammo(50));
    game.tick(&[(7, idle())]);
    assert_eq!(game.of::<Ammo>(avatar), Ammo(60));
    assert_eq!(game.all(Kind::AmmoPack).len(), packs.len() - 1);
}
