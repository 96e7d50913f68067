//! The schema as JSON: what a client in another language starts from.

mod operator;

use operator::{program, refuse};
use serde_json::Value;
use tidelock::state::Audience;
use tidelock::state::codec::{TABLE_OF_CONTEXT, code_lengths};

fn document() -> Value {
    let output = program(&["schema", "--json"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

#[test]
fn the_document_is_of_the_schema_that_clients_are_made_for() {
    let (document, schema) = (document(), tidelock_arena::schema());
    assert_eq!((&document["schema"], &document["game"]), (&1.into(), &"arena".into()));
    assert_eq!(document["hash"], format!("{:#018x}", schema.hash()));
    for (name, audience) in [("public", Audience::Public), ("team", Audience::Team), ("owner", Audience::Owner)] {
        let told = list(&document["streams"][name]);
        assert_eq!(told.len(), schema.stream(audience).components().len());
        for (told, component) in told.iter().zip(schema.stream(audience).components()) {
            assert_eq!(told["name"], component.name);
            let lanes = list(&told["fields"]).iter().flat_map(|field| list(&field["lanes"]));
            let maxima: Vec<_> = lanes.map(|lane| lane["max"].as_u64().unwrap()).collect();
            assert_eq!(maxima, component.lanes.iter().map(|lane| u64::from(lane.max)).collect::<Vec<_>>());
        }
    }
    assert_eq!(list(&document["input"]["default"]).len(), schema.input().len());
}

#[test]
fn fields_are_told_with_all_that_lanes_follow_from() {
    let document = document();
    let position = &document["streams"]["public"][0]["fields"][0];
    assert_eq!((&position["kind"], &position["step"]), (&"range".into(), &0.003_906_25.into()));
    assert_eq!(position["velocity"], serde_json::json!(["velocity", "0.x"]));
    let facing = &document["streams"]["public"][2]["fields"][0];
    assert_eq!((&facing["kind"], &facing["bits"], &facing["order"]), (&"angle".into(), &12.into(), &6.into()));
    assert_eq!(facing["lanes"], serde_json::json!([{ "max": 4095, "coding": "circle" }]));
}

#[test]
fn events_are_told_with_their_shapes_and_what_a_client_may_send() {
    let document = document();
    let say = &document["events"][0];
    assert_eq!((&say["name"], &say["reliable"]), (&"say".into(), &true.into()));
    assert_eq!(say["from_client"], serde_json::json!({ "per_s": 1, "burst": 4 }));
    assert_eq!(say["shape"], serde_json::json!({ "struct": [["text", "text"]] }));
    assert_eq!(document["events"][1]["from_client"], Value::Null);
}

#[test]
fn the_codes_are_those_of_the_protocol() {
    let codes = &document()["codes"];
    let contexts: Vec<u8> = serde_json::from_value(codes["residual_of_context"].clone()).unwrap();
    assert_eq!(contexts, TABLE_OF_CONTEXT);
    let told = list(&codes["residual"]).iter().chain(list(&codes["pattern"]));
    let told: Vec<Vec<u8>> = told.map(|lengths| serde_json::from_value(lengths.clone()).unwrap()).collect();
    assert_eq!(told, code_lengths().map(<[u8]>::to_vec).collect::<Vec<_>>());
    assert_eq!(list(&codes["pattern"]).len(), 256);
}

#[test]
fn json_is_asked_for_by_name() {
    assert!(refuse(&["schema"], &[]).contains("--json"));
}

#[test]
fn a_file_of_the_truth_that_cannot_be_written_is_named() {
    let said = refuse(&["--bind", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--truth", "/nowhere/truth"], &[]);
    assert!(said.ends_with("error: truth /nowhere/truth: No such file or directory (os error 2)\n"), "{said}");
}
