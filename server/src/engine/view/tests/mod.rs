//! A client in a few lines: what it was sent it may hold or not, and its acks come in any order.

mod pair;
mod resume;
mod storm;

use super::*;
use crate::engine::marks::bits;
use pair::{PUBLIC, Pair};
use std::time::Duration;

#[test]
fn acks_move_the_base_and_leave_no_exceptions() {
    let mut pair = Pair::settled();
    for _ in 0..5 {
        let sequence = pair.sends(0b011);
        assert_eq!(pair.sent[sequence].records.iter().map(|record| record.0).collect::<Vec<_>>(), [0, 1]);
        pair.deliver(sequence);
        pair.ack(&[sequence]);
        assert_eq!((pair.views.base(), pair.exceptions()), (Some(pair.tick), 0));
    }
}

#[test]
fn the_base_never_moves_back() {
    let mut pair = Pair::settled();
    let sequences: Vec<usize> = (0..3).map(|_| pair.sends(0b111)).collect();
    pair.ack(&[sequences[2]]);
    pair.ack(&[sequences[0], sequences[1]]);
    assert_eq!((pair.views.base(), pair.exceptions()), (Some(Tick(4)), 0));
}

#[test]
fn nothing_is_sent_again_while_it_is_under_way() {
    let mut pair = Pair::settled();
    pair.sends(0b001);
    pair.step(0);
    assert_eq!(pair.due(), []);
}

#[test]
fn what_is_lost_is_due_again_if_nothing_newer_of_it_is_under_way() {
    let mut pair = Pair::settled();
    let lost = pair.sends(0b011);
    let later = pair.sends(0b010);
    pair.lose(&[lost]);
    pair.step(0);
    assert_eq!(pair.due(), [(0, Some(Tick(1)))]);
    pair.send(0, false);
    pair.ack(&[later]);
    assert_eq!((pair.views.base(), pair.exceptions()), (Some(Tick(3)), 1), "stream 0 is still of tick 1");
    pair.step(0b001);
    assert_eq!(pair.due(), [(0, Some(Tick(1)))]);
}

#[test]
fn an_ack_after_all_takes_a_loss_back() {
    let mut pair = Pair::settled();
    let late = pair.sends(0b001);
    pair.lose(&[late]);
    pair.ack(&[late]);
    pair.step(0);
    assert_eq!((pair.due(), pair.views.base(), pair.exceptions()), (vec![], Some(Tick(2)), 0));
}

#[test]
fn a_snapshot_whose_end_may_still_arrive_is_no_base_yet() {
    let mut pair = Pair::settled();
    pair.step(0b111);
    pair.send(0, true);
    pair.ack(&[1]);
    assert_eq!((pair.views.base(), pair.exceptions()), (Some(Tick(1)), 0));
    pair.ack(&[2]);
    assert_eq!((pair.views.base(), pair.exceptions()), (Some(Tick(2)), 0));
}

#[test]
fn a_base_of_which_all_arrived_is_kept_rather_than_one_with_a_hole() {
    let mut pair = Pair::settled();
    pair.step(0b111);
    pair.send(0, true);
    pair.ack(&[2]);
    assert_eq!((pair.views.base(), pair.exceptions()), (Some(Tick(1)), 0));
    let whole = pair.sends(0b111);
    pair.ack(&[whole]);
    assert_eq!((pair.views.base(), pair.exceptions()), (Some(Tick(3)), 0));
}

#[test]
fn the_later_of_two_snapshots_with_holes_is_a_base_but_for_what_is_in_its_hole() {
    let mut pair = Pair::settled();
    for _ in 0..2 {
        pair.step(0b111);
        pair.send(0, true);
    }
    pair.ack(&[2, 4]);
    assert_eq!((pair.views.base(), pair.exceptions()), (Some(Tick(3)), 1));
    pair.step(0b111);
    assert_eq!(pair.due(), [(0, Some(Tick(1))), (1, Some(Tick(3))), (2, Some(Tick(3)))]);
}

#[test]
fn a_tick_that_acks_skipped_is_a_second_baseline_but_for_what_is_in_its_hole() {
    let mut pair = Pair::new(0b11_1111);
    pair.send(0, false);
    pair.ack(&[0]);
    pair.step(0b11_1111);
    pair.send(0, true);
    // Of datagrams 1 and 2 the first is lost.
    let (third, fourth) = (pair.sends(0b11_1111), pair.sends(0b11_1111));
    pair.ack(&[2, third, fourth]);
    assert_eq!(pair.views.base(), Some(Tick(4)), "ticks 2 and 3 were never bases");
    pair.sends(0b11_1111);
    pair.step(0b11_1111);
    assert_eq!([0, 1].map(|index| pair.second_of(index)), [None, Some(Tick(2))]);
    pair.send(0, false);
    pair.step(0b11_1111);
    assert_eq!([0, 1].map(|index| pair.second_of(index)), [Some(Tick(1)); 2]);
}

#[test]
fn what_was_put_off_is_no_part_of_any_base_from_then() {
    let mut pair = Pair::settled();
    pair.step(0b011);
    pair.send(0b001, false);
    let later = pair.sends(0b001);
    pair.ack(&[later]);
    pair.step(0b001);
    assert_eq!((pair.views.base(), pair.due()), (Some(Tick(3)), vec![(0, Some(Tick(3)))]));
    // Acks of the snapshot that went without it may come in between.
    let mut pair = Pair::settled();
    let first = pair.sends(0b001);
    pair.step(0b011);
    pair.send(0b001, false);
    let (without, _) = (pair.sent.len() - 1, pair.sends(0b001));
    pair.ack(&[first]);
    pair.ack(&[without]);
    pair.step(0b001);
    assert_eq!((pair.views.base(), pair.due()), (Some(Tick(3)), vec![(0, Some(Tick(2)))]));
}

#[test]
fn what_was_sent_before_a_visibility_says_nothing_of_it() {
    let mut pair = Pair::settled();
    let before = pair.sends(0b001);
    pair.visible = 0b110;
    let leave = pair.sends(0);
    assert_eq!(pair.sent[leave].leaves, [0]);
    pair.visible = 0b111;
    pair.step(0);
    assert_eq!(pair.due(), [(0, None)]);
    pair.ack(&[before, leave]);
    assert_eq!((pair.views.len(), pair.exceptions()), (3, 1));
    pair.step(0);
    assert_eq!(pair.due(), [(0, None)]);
}

#[test]
fn who_acknowledges_a_leave_has_forgotten() {
    let mut pair = Pair::settled();
    pair.visible = 0b110;
    let leave = pair.sends(0);
    assert_eq!((pair.views.len(), pair.history.viewer_count()), (3, 3));
    pair.ack(&[leave]);
    assert_eq!((pair.views.len(), pair.history.viewer_count()), (2, 2));
}

#[test]
fn a_leave_that_is_not_acknowledged_grows_old_and_is_said_again_when_lost() {
    let mut pair = Pair::settled();
    pair.visible = 0b110;
    let leave = pair.sends(0);
    (0..5).for_each(|_| pair.step(0));
    assert_eq!((pair.views.leaving_ticks(), pair.views.is_due()), (5, false));
    pair.lose(&[leave]);
    let again = pair.sends(0);
    assert_eq!(pair.sent[again].leaves, [0]);
}

#[test]
fn after_a_desync_only_what_is_sent_from_then_on_counts() {
    let mut pair = Pair::settled();
    let before = pair.sends(0b111);
    pair.views.forget_baselines(pair.tick.next());
    pair.ack(&[before]);
    pair.step(0);
    assert_eq!((pair.views.base(), pair.due()), (None, vec![(0, None), (1, None), (2, None)]));
    pair.send(0, false);
    pair.ack(&[pair.sent.len() - 1]);
    assert_eq!((pair.views.base(), pair.exceptions()), (Some(Tick(3)), 0));
}

#[test]
fn what_changes_long_after_the_last_ack_builds_on_the_last_tick_of_what_is_held() {
    let mut pair = Pair::settled();
    pair.tick = Tick(600);
    let sequence = pair.sends(0b011);
    assert_eq!(pair.sent[sequence].records, [(0, [Some(Tick(600)), None], 601), (1, [Some(Tick(600)), None], 601)]);
    assert!(pair.deliver(sequence));
    // What is in no doubt stays so, and goes on when it is heard of.
    assert_eq!((pair.views.base(), pair.views.named(), pair.exceptions()), (Some(Tick(1)), (None, None), 2));
    pair.ack(&[sequence]);
    assert_eq!((pair.views.base(), pair.exceptions()), (Some(Tick(601)), 0));
}

#[test]
fn no_baseline_lies_farther_back_than_clients_remember() {
    let mut pair = Pair::settled();
    // The state of tick 1 is kept, as it was for long.
    pair.tick = Tick(599);
    pair.history.serve_round_trips_of(Duration::from_secs(60));
    for tick in 600..1_400 {
        let sequence = pair.sends(0b001);
        let named = pair.sent[sequence].records[0].1[0];
        assert!(named.is_none() || named == Some(Tick(599)), "{named:?} in tick {tick}");
        assert!(named.is_some() || tick > 700, "{tick}");
        assert!(pair.deliver(sequence), "{tick}");
        pair.lose(&[sequence]);
    }
}

#[test]
fn the_second_baseline_lies_as_far_before_the_first_as_that_lies_back() {
    let mut pair = Pair::settled();
    let sequences: Vec<usize> = (0..8).map(|_| pair.sends(0b001)).collect();
    assert_eq!(pair.second_of(0), None, "nothing but tick 1 was a base");
    for sequence in sequences {
        pair.ack(&[sequence]);
    }
    // The bases were 1 to 9; three ticks later the second is of three ticks before the newest.
    for _ in 0..2 {
        pair.sends(0b001);
    }
    pair.step(0b011);
    assert_eq!(
        (pair.views.base(), pair.second_of(0), pair.second_of(1)),
        (Some(Tick(9)), Some(Tick(6)), Some(Tick(6)))
    );
}

#[test]
fn who_entered_since_the_second_baseline_does_without_it() {
    let mut pair = Pair::settled();
    (0..3).for_each(|_| {
        let sequence = pair.sends(0b001);
        pair.ack(&[sequence]);
    });
    pair.visible = 0b1111;
    let sequence = pair.sends(0b001);
    pair.ack(&[sequence]);
    for _ in 0..2 {
        pair.sends(0b001);
    }
    pair.step(0b1001);
    assert_eq!(pair.due(), [(0, Some(Tick(5))), (3, Some(Tick(5)))]);
    assert_eq!((pair.second_of(0), pair.second_of(3)), (Some(Tick(2)), None));
}

#[test]
fn ghosts_are_the_lowest_that_are_free_and_stay_till_the_leave_is_acknowledged() {
    let mut pair = Pair::settled();
    let ghosts = |pair: &Pair| [0, 1, 2, 3, 4].map(|index| pair.views.of(PUBLIC).ghost_of(index));
    assert_eq!(ghosts(&pair), [Some(0), Some(1), Some(2), None, None]);
    pair.visible = 0b1101;
    let leave = pair.sends(0);
    assert_eq!(ghosts(&pair), [Some(0), None, Some(2), Some(3), None]);
    pair.ack(&[leave]);
    pair.visible = 0b1_1101;
    pair.step(0);
    assert_eq!(ghosts(&pair), [Some(0), None, Some(2), Some(3), Some(1)]);
}

#[test]
fn slow_snapshots_carry_what_changed_since_the_last() {
    let mut pair = Pair::settled();
    for changing in [0b001, 0b010, 0] {
        pair.tick = pair.tick.next();
        bits(changing).for_each(|index| pair.history.set(index, (PUBLIC, 0), &[pair.tick.0]));
        pair.history.commit(pair.tick);
    }
    pair.collect();
    assert_eq!(pair.indices_due(), [0, 1]);
}
