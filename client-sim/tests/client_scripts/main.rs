//! What a client makes of datagrams that come one after the other, for clients in other languages: sections 1 to 4, 7 and 8
//! of `PROTOCOL.md`. Run with `WRITE_VECTORS=1` after an intended change.

mod acceptance;
mod audits;
mod baselines;
mod datagram;
mod desyncs;
mod ghosts;
mod listener;
mod malformed;
mod messages;
mod schema;
mod script;
mod sequences;
mod streams;
#[path = "../../../shared/tests/vector_file/mod.rs"]
mod vector_file;

use schema::schema;
use script::{Script, welcomed};
use serde_json::{Value, json};
use tidelock_server::io::schema_json;
use vector_file::{Vectors, hex};

const FILE: &str = "client_scripts.txt";

fn scripts() -> Vec<Script> {
    let all = [
        sequences::scripts(),
        acceptance::scripts(),
        baselines::scripts(),
        ghosts::scripts(),
        streams::scripts(),
        desyncs::scripts(),
        audits::scripts(),
        malformed::scripts(),
        messages::scripts(),
    ];
    all.into_iter().flatten().collect()
}

/// All of the schema but its codes, which are those of `tables.txt`.
fn schema_without_codes() -> Value {
    let mut schema: Value = serde_json::from_str(&schema_json(schema())).unwrap();
    schema.as_object_mut().unwrap().remove("codes");
    schema
}

#[test]
fn a_client_hears_scripts_so() {
    let mut vectors = Vectors::new(
        FILE,
        "What a client makes of datagrams that come one after the other, below encryption: what it accepts, keeps, shows.\n\
         proves: the rule. step_1, step_2, ...: each a datagram, and what became of it.\n\
         \x20 hex          the datagram; about tells people what is in it\n\
         \x20 accepted     it counts as accepted from then on: the next acks report it, unless it lies behind more gaps\n\
         \x20              than can be listed\n\
         \x20 malformed    it is counted as malformed, or a message in it is dropped and counted\n\
         \x20 desync_tick  the tick of the desync message that the client sends next; null if it sends none\n\
         \x20 audit_right  an audit was compared, and is right; a wrong one shows in desync_tick\n\
         \x20 ended        the client ends the connection\n\
         \x20 events       those that the game gets: name and body; reliable ones in order, before those that are not\n\
         \x20 shown        the newest version of each stream that is shown: audience, index, generation, mask, lanes;\n\
         \x20              by audience and index\n\
         The client sends one datagram before all that, with its hello, and one after each that it hears, the welcome's\n\
         included: the one after step n has sequence n + 1, or n if it was not joined. That is what acks in datagrams speak\n\
         of. Time plays no part.\n\
         joined: before step_1 the client has heard the datagram welcome. schema: as section 17 has it, with the codes of\n\
         tables.txt.",
    );
    vectors.context(&json!({
        "joined": true,
        "schema": schema_without_codes(),
        "welcome": hex(&welcomed().bytes()),
    }));
    let mut all_wrong = Vec::new();
    for script in scripts() {
        let given = (!script.is_joined).then(|| json!({ "joined": false }));
        let (steps, wrong) = script.play();
        vectors.script(script.name, script.proves, given.as_ref(), &steps);
        all_wrong.extend(wrong);
    }
    assert!(all_wrong.is_empty(), "{all_wrong:#?}");
    vectors.check();
}
