//! The datagrams that are the same in every version, byte by byte. Run with `WRITE_VECTORS=1` after an intended change,
//! of which there should be none but new reasons.

mod vector_file;

use serde_json::{Value, json};
use tidelock::wire::{CloseReason, Farewell, Greeting, RejectReason};
use vector_file::{Vectors, bytes, raw};

const FILE: &str = "frozen_datagrams.txt";

fn greeting_json(greeting: Greeting) -> Value {
    json!({ "kind": "greeting", "version": greeting.version })
}

fn farewell_json(farewell: Farewell) -> Value {
    match farewell {
        Farewell::Rejected(reason) => json!({ "kind": "rejected", "reason": reason.name() }),
        Farewell::Closed(reason) => json!({ "kind": "closed", "reason": reason.name() }),
    }
}

fn farewells() -> Vec<(String, Farewell)> {
    let rejected =
        RejectReason::ALL.iter().map(|reason| (format!("rejected_{}", reason.name()), Farewell::Rejected(*reason)));
    let closed = CloseReason::ALL.iter().map(|reason| (format!("closed_{}", reason.name()), Farewell::Closed(*reason)));
    rejected.chain(closed).collect()
}

const GREETING: Greeting = Greeting { version: 1 };

fn greetings() -> [(&'static str, Greeting); 2] {
    [("greeting", GREETING), ("greeting_of_the_last_version", Greeting { version: u16::MAX })]
}

/// Of these codes, and read as what the last says.
const LATER: [(&str, u8, Farewell); 5] = [
    ("rejected_for_a_later_reason", 255, Farewell::Rejected(RejectReason::Unknown)),
    ("closed_for_a_later_reason", 255, Farewell::Closed(CloseReason::Unknown)),
    ("rejected_for_the_first_later_reason", 8, Farewell::Rejected(RejectReason::Unknown)),
    ("closed_for_the_first_later_reason", 8, Farewell::Closed(CloseReason::Unknown)),
    ("rejected_for_reason_0", 0, Farewell::Rejected(RejectReason::Unknown)),
];

/// What follows is for later versions.
const LONGER_GREETING: &str = "greeting_with_more";
const LONGER_FAREWELL: &str = "farewell_with_more";

/// No greeting, no farewell.
const REFUSED: [(&str, &str, &[u8]); 5] = [
    ("refused_greeting_cut_short", "a version has two bytes; twin: greeting", b"\x0eTIDELOCK\x01"),
    ("refused_greeting_misspelt", "it says TIDELOCK; twin: greeting", b"\x0eTIDELOCk\x01\0"),
    ("refused_greeting_of_another_kind", "its high bits are 0; twin: greeting", b"\x1eTIDELOCK\x01\0"),
    ("refused_farewell_cut_short", "a reason has one byte; twin: rejected_schema_mismatch", b"\x0f"),
    ("refused_farewell_of_another_kind", "1 is the last kind; twin: closed_kicked", b"\x2f\x01"),
];

fn longer(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[1, 2, 3]].concat()
}

#[test]
fn frozen_datagrams_have_these_bytes() {
    let mut vectors = Vectors::new(
        FILE,
        "Datagrams of the same form in every version.\n\
         greeting: 14 u4, 0 u4, TIDELOCK, version u16. farewell: 15 u4, kind u4 (0 rejected, 1 closed), reason u8.\n\
         kind: greeting, rejected or closed. reason: the name that section 5 of PROTOCOL.md has; unknown for any other.",
    );
    for (name, greeting) in greetings() {
        vectors.accepted(name, &greeting_json(greeting), raw(&greeting.write()));
    }
    for (name, farewell) in farewells() {
        vectors.accepted(&name, &farewell_json(farewell), raw(&farewell.write()));
    }
    for (name, code, farewell) in LATER {
        let mut later = farewell.write();
        later[1] = code;
        vectors.accepted(name, &farewell_json(farewell), raw(&later));
    }
    vectors.accepted(LONGER_GREETING, &greeting_json(GREETING), raw(&longer(&GREETING.write())));
    let kicked = Farewell::Closed(CloseReason::Kicked);
    vectors.accepted(LONGER_FAREWELL, &farewell_json(kicked), raw(&longer(&kicked.write())));
    for (name, why, refused) in REFUSED {
        vectors.refused(name.trim_start_matches("refused_"), why, raw(refused));
    }
    vectors.check();
}

#[test]
fn frozen_datagrams_read_back() {
    for (name, greeting) in greetings().into_iter().chain([(LONGER_GREETING, GREETING)]) {
        assert_eq!(Greeting::read(&bytes(FILE, name)), Some(greeting), "{name}");
    }
    let longer = [(LONGER_FAREWELL, Farewell::Closed(CloseReason::Kicked))];
    let later = LATER.into_iter().map(|(name, _, farewell)| (name, farewell));
    let more = later.chain(longer).map(|(name, farewell)| (name.to_owned(), farewell));
    for (name, farewell) in farewells().into_iter().chain(more) {
        assert_eq!(Farewell::read(&bytes(FILE, &name)), Some(farewell), "{name}");
    }
    for (name, ..) in REFUSED {
        let bytes = bytes(FILE, name);
        assert_eq!((Greeting::read(&bytes), Farewell::read(&bytes)), (None, None), "{name}");
    }
}
