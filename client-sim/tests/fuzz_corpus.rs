//! Every fuzz target, over its committed corpus and some thousand changes of it, without a fuzzer.
//!
//! `FUZZ_CHANGES=1000000 cargo test --release -p tidelock-sim --test fuzz_corpus TARGET` runs that many changes instead.
//!
//! `TIDELOCK_TRANSCRIPT=FILE cargo test -p tidelock-sim --test fuzz_corpus transcript` writes what clients heard in `client_payload`, `client_datagram`
//! and `client_mutated`, what was read as tokens in `token_reader`, and what became of it, for clients in other languages: they are to take and refuse the same.
//!
//! `WRITE_SEEDS=1 cargo test -p tidelock-sim --test fuzz_corpus` adds to the corpora what is genuine today: after the
//! format of payloads has changed, say.

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "there it is a crate")]
#[allow(dead_code, reason = "there others use all of it")]
mod targets;

use std::path::PathBuf;
use tidelock::netcode::ClientState;
use tidelock_server::io::schema_json;
use tidelock_sim::link::Rng;

/// Runs a target over its corpus, then over changes of it: the same ones every time.
fn replay(target: &str, run: fn(&[u8]), changes: usize) {
    let corpus = corpus(target);
    assert!(!corpus.is_empty(), "{target} has no corpus");
    corpus.iter().for_each(|input| run(input));
    let wanted = std::env::var("FUZZ_CHANGES").ok();
    let changes = wanted.map_or(changes, |wanted| wanted.parse().expect("FUZZ_CHANGES is a number"));
    let mut rng = Rng::stream(corpus.len() as u64, changes as u64);
    for _ in 0..changes {
        run(&changed(&corpus, &mut rng));
    }
}

/// The corpus in the order of its names.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    if std::env::var_os("WRITE_SEEDS").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        for (number, seed) in targets::seeds::seeds(target).iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number:02}")), seed).unwrap();
        }
    }
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// The beginning of one input and the end of another, with up to seven bytes changed.
fn changed(corpus: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let [first, second] = [(); 2].map(|()| &corpus[rng.below(corpus.len() as u64) as usize]);
    let mut input = first.clone();
    if rng.chance(0.3) {
        input.truncate(rng.below(first.len() as u64 + 1) as usize);
        input.extend_from_slice(&second[rng.below(second.len() as u64 + 1) as usize..]);
    }
    for _ in 0..rng.below(8) {
        if input.is_empty() {
            break;
        }
        let at = rng.below(input.len() as u64) as usize;
        match rng.below(4) {
            0 => input[at] ^= 1 << rng.below(8),
            1 => input[at] = rng.next_u64() as u8,
            2 => drop(input.remove(at)),
            _ => input.insert(at, rng.next_u64() as u8),
        }
    }
    input
}

/// Of how many changes of the corpus, besides.
const TRANSCRIPT_CHANGES: usize = 400;

#[test]
fn transcript() {
    let Some(file) = std::env::var_os("TIDELOCK_TRANSCRIPT") else { return };
    let mut text = schema_json(&targets::conversation::conversation().schema);
    let tokens = with_changes("token_reader")
        .iter()
        .filter_map(|input| targets::token_reader::judged(input))
        .collect::<Vec<_>>();
    let tokens: Vec<_> = tokens
        .iter()
        .map(|(bytes, is_token)| serde_json::json!({ "bytes": hex(bytes), "is_token": is_token }))
        .collect();
    text += &format!("{}\n", serde_json::Value::from(tokens));
    let token = hex(&targets::backend::token(1).to_bytes());
    let datagrams = with_changes("client_datagram").into_iter().map(|input| targets::client_datagram::happened(&input));
    let changed = with_changes("client_mutated").into_iter().map(|input| targets::client_mutated::happened(&input));
    let packets: Vec<Vec<_>> = datagrams.chain(changed).map(|all| all.iter().map(packet).collect()).collect();
    text += &format!(
        "{}\n",
        serde_json::json!({ "token": token, "start_us": targets::backend::START.as_us(), "scripts": packets })
    );
    for input in with_changes("client_payload") {
        let said: Vec<_> = targets::client_payload::said(&input).iter().map(heard).collect();
        text += &format!("{}\n", serde_json::Value::from(said));
    }
    std::fs::write(file, text).unwrap();
}

fn with_changes(target: &str) -> Vec<Vec<u8>> {
    let mut inputs = corpus(target);
    let mut rng = Rng::stream(7, 7);
    let changes: Vec<_> = (0..TRANSCRIPT_CHANGES).map(|_| changed(&inputs, &mut rng)).collect();
    inputs.extend(changes);
    inputs
}

fn packet(happened: &targets::watched_client::Happened) -> serde_json::Value {
    let (from, bytes) = happened.datagram.as_ref().map(|(from, bytes)| (from.to_string(), hex(bytes))).unzip();
    let state = match happened.state {
        ClientState::SendingRequest => "requesting",
        ClientState::SendingResponse => "responding",
        ClientState::Connected => "connected",
        ClientState::Disconnected(_) => "ended",
    };
    serde_json::json!({
        "at_us": happened.at.as_us(),
        "from": from,
        "packet": bytes,
        "dropped": happened.dropped,
        "payload": happened.payload.as_deref().map(hex),
        "state": state,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn heard(said: &targets::client_payload::Said) -> serde_json::Value {
    serde_json::json!({
        "payload": hex(&said.payload),
        "next_sequence": said.next_sequence,
        "malformed": said.malformed,
        "applied": said.applied,
        "desync": said.desync,
        "ended": said.ended,
        "shown": format!("{:#018x}", said.shown),
    })
}

/// One test for each target, with how many changes of its corpus it runs.
macro_rules! targets {
    ($($target:ident: $changes:literal,)*) => {
        $(
            #[test]
            fn $target() {
                replay(stringify!($target), targets::$target::run, $changes);
            }
        )*
    };
}

targets! {
    bit_reader: 5_000,
    client_datagram: 5_000,
    client_mutated: 5_000,
    client_payload: 2_000,
    connection_pair: 2_000,
    engine_datagram: 1_000,
    pair_script: 5_000,
    reliable_reassembly: 3_000,
    server_datagram: 5_000,
    server_mutated: 5_000,
    token_reader: 5_000,
}
