//! Section 8: which entity a ghost is.

use super::datagram::at;
use super::script::Fate::{Accepted, Desync, Dropped};
use super::script::{A, B, C, Script, first, script};
use tidelock::state::Audience::Owner;

pub(crate) fn scripts() -> Vec<Script> {
    vec![
        script(
            "a_full_of_another_entity_takes_the_ghost",
            "t is newer than `since`: the ghost is the other's, and what had it stays shown",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(at(2, 1_012).full(0, B, 200), Accepted, &[(A, 160), (B, 200)])
        .then(at(3, 1_014).delta(0, B, 210, (1_012, 200)), Accepted, &[(A, 160), (B, 210)]),
        script(
            "an_older_full_of_another_entity_is_ignored",
            "t is not newer than `since`; the datagram is accepted all the same",
        )
        .then(at(2, 1_012).full(0, B, 200), Accepted, &[(B, 200)])
        .then(first(), Accepted, &[(B, 200)])
        .then(at(3, 1_012).full(0, C, 240), Accepted, &[(B, 200)])
        .then(at(4, 1_014).delta(0, B, 210, (1_012, 200)), Accepted, &[(B, 210)]),
        script("an_entity_has_the_ghost_of_the_newest_full", "a leave and a delta of the former ghost are none of its")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(2, 1_012).full(3, A, 163), Accepted, &[(A, 163)])
            .then(at(3, 1_014).leave(0), Accepted, &[(A, 163)])
            .then(at(4, 1_016).delta(3, A, 170, (1_012, 163)), Accepted, &[(A, 170)])
            .then(at(5, 1_018).delta(0, A, 180, (1_012, 163)), Desync(1_018), &[]),
        script(
            "an_older_full_does_not_give_the_ghost_back",
            "it is stored, but the entity keeps the ghost of the newest",
        )
        .then(at(2, 1_012).full(3, A, 163), Accepted, &[(A, 163)])
        .then(first(), Accepted, &[(A, 163)])
        .then(at(3, 1_014).leave(0), Accepted, &[(A, 163)])
        .then(at(4, 1_016).delta(3, A, 170, (1_010, 160)), Accepted, &[(A, 170)]),
        script("a_late_delta_not_newer_than_since_is_dropped", "its baseline counts as not held, though it is")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(3, 1_014).full(0, A, 170), Accepted, &[(A, 170)])
            .then(at(2, 1_012).delta(0, A, 165, (1_010, 160)), Dropped, &[(A, 170)])
            .then(at(4, 1_016).delta(0, A, 180, (1_010, 160)), Accepted, &[(A, 180)]),
        script("a_delta_of_the_tick_since_is_a_desync", "its baseline counts as not held, and it is not late")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(2, 1_014).full(0, A, 170), Accepted, &[(A, 170)])
            .then(at(3, 1_014).delta(0, A, 165, (1_010, 160)), Desync(1_014), &[]),
        script(
            "an_older_full_leaves_since_as_it_is",
            "`since` is the tick of the newest full record, not of the last that came",
        )
        .then(at(3, 1_014).full(0, A, 170), Accepted, &[(A, 170)])
        .then(first(), Accepted, &[(A, 170)])
        .then(at(2, 1_012).delta(0, A, 165, (1_010, 160)), Dropped, &[(A, 170)]),
        script(
            "a_leave_of_a_ghost_without_an_entity_is_noted",
            "a full record at that tick or before is of a stay that is over",
        )
        .then(at(3, 1_014).leave(0), Accepted, &[])
        .then(first(), Accepted, &[])
        .then(at(4, 1_014).full(0, A, 165), Accepted, &[])
        .then(at(5, 1_016).full(0, A, 170), Accepted, &[(A, 170)])
        .then(at(2, 1_013).full(0, A, 163), Accepted, &[(A, 170)]),
        script("a_full_not_newer_than_its_ghosts_leave_is_ignored", "what left does not come back by what is late")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(3, 1_014).leave(0), Accepted, &[])
            .then(at(2, 1_012).full(0, A, 165), Accepted, &[])
            .then(at(4, 1_014).full(0, A, 167), Accepted, &[]),
        script("a_leave_not_newer_than_since_is_of_a_former_stay", "the ghost keeps its entity")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(3, 1_014).full(0, B, 200), Accepted, &[(A, 160), (B, 200)])
            .then(at(2, 1_012).leave(0), Accepted, &[(A, 160), (B, 200)])
            .then(at(4, 1_014).leave(0), Accepted, &[(A, 160), (B, 200)])
            .then(at(5, 1_016).delta(0, B, 210, (1_014, 200)), Accepted, &[(A, 160), (B, 210)]),
        script(
            "a_leave_of_a_former_stay_is_noted",
            "a full record of that stay, which comes even later, is ignored: nothing can be built on it",
        )
        .then(at(3, 1_014).full(0, A, 170), Accepted, &[(A, 170)])
        .then(at(2, 1_012).leave(0), Accepted, &[(A, 170)])
        .then(first(), Accepted, &[(A, 170)])
        .then(at(4, 1_016).delta(0, A, 180, (1_010, 160)), Desync(1_016), &[]),
        script(
            "a_delta_of_a_ghost_that_left_is_a_desync",
            "it has no entity any more, so that only a full record finds the stream",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(at(2, 1_012).leave(0), Accepted, &[])
        .then(at(3, 1_014).delta(0, A, 165, (1_010, 160)), Desync(1_014), &[]),
        script("each_list_has_its_own_ghosts", "a leave among the owner's is none among the public")
            .then(first().owned(0, A, 7), Accepted, &[(A, 160), (A, 7)])
            .then(at(2, 1_012).leave_of(Owner, 0), Accepted, &[(A, 160)])
            .then(at(3, 1_014).delta(0, A, 170, (1_010, 160)).owned(1, A, 9), Accepted, &[(A, 170), (A, 9)]),
    ]
}
