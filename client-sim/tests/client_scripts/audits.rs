//! Section 8: when audits are compared.

use super::datagram::{Datagram, at, bare, spot};
use super::script::Fate::{Accepted, AuditRight, AuditWrong};
use super::script::{A, B, D, Script, first, script};
use tidelock::state::Audience::{Owner, Public};

pub(crate) fn scripts() -> Vec<Script> {
    let wrong = |datagram: Datagram| datagram.audits(Public, A, &spot(99));
    let audited = |datagram: Datagram| datagram.audits(Public, A, &spot(160)).audits(Public, D, &spot(240));
    vec![
        script("an_audit_of_more_than_was_sent_is_of_all", "in flight is more than its sequence").then(
            first().in_flight(5).audits(Public, A, &spot(160)),
            AuditRight,
            &[(A, 160)],
        ),
        script("an_audit_is_of_a_bucket_in_all_audiences", "it sums up what is shown of indices that are 5 modulo 64")
            .then(first().full(1, B, 200).full(2, D, 240), Accepted, &[(A, 160), (B, 200), (D, 240)])
            .then(
                audited(at(2, 1_012).owned(0, A, 7)).audits(Owner, A, &[7]),
                AuditRight,
                &[(A, 160), (B, 200), (D, 240), (A, 7)],
            )
            .then(audited(at(3, 1_014).leave_of(Owner, 0)), AuditRight, &[(A, 160), (B, 200), (D, 240)]),
        script(
            "a_wrong_audit_is_a_desync",
            "its datagram was accepted before; all is forgotten, and the tick is the snapshot's",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(wrong(at(2, 1_012)), AuditWrong(1_012), &[]),
        script(
            "an_audit_is_not_compared_while_a_datagram_is_missing",
            "and not when a newer snapshot was applied before that comes",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(wrong(at(3, 1_014)).in_flight(1), Accepted, &[(A, 160)])
        .then(at(4, 1_016).in_flight(2), Accepted, &[(A, 160)])
        .then(at(2, 1_012).delta(0, A, 163, (1_010, 160)), Accepted, &[(A, 163)]),
        script("an_audit_is_compared_when_what_was_missing_comes", "and is right with that alone")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(3, 1_014).in_flight(1).audits(Public, A, &spot(163)), Accepted, &[(A, 160)])
            .then(at(2, 1_012).delta(0, A, 163, (1_010, 160)), AuditRight, &[(A, 163)]),
        script(
            "an_audit_is_wrong_when_what_was_missing_comes",
            "the desync is of the audit's tick, not of that of the datagram that came",
        )
        .then(first(), Accepted, &[(A, 160)])
        .then(wrong(at(3, 1_014)).in_flight(1), Accepted, &[(A, 160)])
        .then(at(2, 1_012).delta(0, A, 163, (1_010, 160)), AuditWrong(1_014), &[]),
        script("an_audit_is_not_compared_after_a_later_datagram", "also if that has no snapshot")
            .then(first(), Accepted, &[(A, 160)])
            .then(wrong(at(3, 1_014)).in_flight(1), Accepted, &[(A, 160)])
            .then(bare(4), Accepted, &[(A, 160)])
            .then(at(2, 1_012).delta(0, A, 163, (1_010, 160)), Accepted, &[(A, 163)]),
        script("a_late_audit_is_not_compared", "a newer snapshot was applied")
            .then(first(), Accepted, &[(A, 160)])
            .then(at(3, 1_014).delta(0, A, 170, (1_010, 160)), Accepted, &[(A, 170)])
            .then(wrong(at(2, 1_012)), Accepted, &[(A, 170)]),
    ]
}
