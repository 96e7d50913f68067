//! Section 8: what a client does in doubt.

use super::datagram::{at, spot};
use super::script::Fate::{Accepted, AuditRight, AuditWrong, Desync, Dropped};
use super::script::{A, B, C, Script, TOLD_IN, first, in_doubt, script};
use tidelock::state::Audience::Public;

pub(crate) fn scripts() -> Vec<Script> {
    vec![
        in_doubt(
            "snapshots_up_to_a_desync_are_dropped",
            "up to its tick, with records or without, until long after; what is newer is taken",
        )
        .then(at(3, 1_011).full(0, A, 165), Dropped, &[])
        .then(at(4, 1_012).full(0, A, 165), Dropped, &[])
        .then(at(5, 1_012), Dropped, &[])
        .then(at(6, 1_013), Accepted, &[])
        .then(at(7, 1_014).full(0, A, 170).acks(TOLD_IN), Accepted, &[(A, 170)])
        .then(at(8, 1_012).full(1, B, 200), Dropped, &[(A, 170)]),
        in_doubt(
            "until_a_desync_is_acknowledged_there_is_no_other",
            "a wrong checksum and a baseline that is not held are dropped, and change nothing",
        )
        .then(at(3, 1_014).full(1, B, 200), Accepted, &[(B, 200)])
        .then(at(4, 1_016).full(1, B, 201).with_a_wrong_checksum(), Dropped, &[(B, 200)])
        .then(at(5, 1_018).delta(0, A, 165, (1_010, 160)), Dropped, &[(B, 200)])
        .then(at(6, 1_015).full(0, A, 170), Accepted, &[(A, 170), (B, 200)]),
        in_doubt(
            "until_a_desync_is_acknowledged_no_audit_is_compared",
            "the server does not know yet what was forgotten",
        )
        .then(at(3, 1_014).full(1, B, 200).audits(Public, A, &spot(163)), Accepted, &[(B, 200)])
        .then(at(4, 1_016).acks(TOLD_IN), Accepted, &[(B, 200)])
        .then(at(5, 1_018).audits(Public, A, &spot(163)), AuditWrong(1_018), &[]),
        in_doubt(
            "after_a_desync_everything_comes_in_full",
            "once the message is acknowledged all is as at the beginning, audits included",
        )
        .then(at(3, 1_014).full(0, A, 170).acks(TOLD_IN).audits(Public, A, &spot(170)), AuditRight, &[(A, 170)])
        .then(at(4, 1_016).delta(0, A, 180, (1_014, 170)), Accepted, &[(A, 180)])
        .then(at(5, 1_018).delta(0, A, 190, (1_016, 180)).with_a_wrong_checksum(), Desync(1_018), &[]),
        script(
            "a_desync_forgets_ghosts_too",
            "`since` and leaves are forgotten even if they are newer than the desync, so that they hold nothing back",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(at(4, 1_020).full(0, A, 170).leave(1), Accepted, &[(A, 170)])
        .then(at(2, 1_012).full(0, A, 163).with_a_wrong_checksum(), Desync(1_012), &[])
        .then(at(3, 1_016).full(0, B, 200).full(1, C, 240), Accepted, &[(B, 200), (C, 240)]),
        script(
            "a_wrong_checksum_is_a_desync_though_late",
            "only what names a baseline that is not held may be late; what is newer than its tick is \
             forgotten as well, and not dropped if it comes",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(at(3, 1_014).delta(0, A, 170, (1_010, 160)), Accepted, &[(A, 170)])
        .then(at(2, 1_012).delta(0, A, 165, (1_010, 160)).with_a_wrong_checksum(), Desync(1_012), &[])
        .then(at(4, 1_013).full(0, A, 167), Accepted, &[(A, 167)]),
        in_doubt(
            "acks_come_before_the_snapshot",
            "a datagram that acknowledges the message and is wrong itself is a second desync",
        )
        .then(at(3, 1_014).full(0, A, 170).with_a_wrong_checksum().acks(TOLD_IN), Desync(1_014), &[]),
    ]
}
