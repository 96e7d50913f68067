//! Figures are compared across programs and years: the workload must not change by accident.

use tidelock_workload::{Change, Recording, SPEED_MAX, State, WORLD_M, World, input, mix};

#[test]
fn chance_is_what_it_always_was() {
    assert_eq!(mix(0), 0xE220_A839_7B1D_CDAF);
    let input = input(3, 77);
    assert_eq!((input.look.map(f32::to_bits), input.buttons), ([0x4016_7fe1, 0xbf70_43f8], 179));
    assert!((input.towards[0] + std::f32::consts::FRAC_1_SQRT_2).abs() < 1e-6);
}

#[test]
fn the_world_walks_as_it_always_did() {
    let mut world = World::new(1000, 10, 0.1);
    let mut changes = 0;
    for _ in 0..260 {
        world.step();
        changes += world.changes.len();
    }
    world.look();
    assert_eq!(changes, 26_533);
    assert_eq!(world.visible_to(0).iter().filter(|visible| **visible).count(), 55);
    // Sine and cosine are the platform's: not every bit need be the same everywhere.
    let sum: f64 = world.entities.iter().map(|state| f64::from(state.position[0])).sum();
    assert!((sum - 101_006.072).abs() < 0.01, "{sum}");
    for (index, place) in [(0, [88.458_89, 122.825_25, 8.513_462]), (7, [107.907_89, 164.815_32, 8.578_215])] {
        let at: [f32; 3] = world.entities[index].position;
        assert!(at.iter().zip(place).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-3), "{index} is at {at:?}");
    }
    assert_eq!([0, 7, 999].map(|index| world.entities[index].health), [100, 100, 99]);
}

#[test]
fn nothing_leaves_the_world_or_is_too_fast() {
    let mut world = World::new(300, 1, 1.0);
    for _ in 0..600 {
        world.step();
        for state in &world.entities {
            assert!((0..3).all(|axis| (0.0..=WORLD_M[axis]).contains(&state.position[axis])), "{state:?}");
            assert!(state.velocity.iter().map(|v| v * v).sum::<f32>().sqrt() <= SPEED_MAX, "{state:?}");
            assert!(state.yaw.abs() <= std::f32::consts::PI, "{state:?}");
        }
    }
}

#[test]
fn what_enters_and_leaves_is_what_is_seen() {
    let mut world = World::new(500, 5, 1.0);
    let mut seen = vec![vec![false; 500]; 5];
    for _ in 0..90 {
        world.step();
        world.look();
        for (client, seen) in seen.iter_mut().enumerate() {
            world.entered[client].iter().for_each(|index| seen[*index as usize] = true);
            world.left[client].iter().for_each(|index| seen[*index as usize] = false);
            assert_eq!(world.visible_to(client), seen);
        }
    }
}

#[test]
fn a_recording_is_replayed_and_then_stands() {
    let (before, after) = (State { health: 3, ..State::default() }, State { yaw: 1.0, ..State::default() });
    let recording = Recording { first: vec![State::default(), before], steps: vec![vec![(1, after)]] };
    let mut world = World::replay(recording, 1);
    world.step();
    assert_eq!(world.changes, [(1, Change(Change::YAW.0 | Change::HEALTH.0))]);
    assert_eq!(world.entities[1], after);
    world.step();
    assert_eq!((world.changes.len(), world.entities[1]), (0, after));
}
