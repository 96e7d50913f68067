//! `summary.schema.json` says what `--summary-json` writes.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Map, Value};
use tidelock_sim::measure::{Run, Summary};

const SCHEMA: &str = include_str!("../summary.schema.json");

fn schema() -> Value {
    serde_json::from_str(SCHEMA).expect("the schema is JSON")
}

/// The part of JSON Schema 2020-12 that ours uses. Anything else is a mistake.
struct Validator<'a> {
    root: &'a Value,
    /// What is wrong, with where.
    faults: Vec<String>,
}

impl Validator<'_> {
    fn check(root: &Value, value: &Value) -> Vec<String> {
        let mut validator = Validator { root, faults: Vec::new() };
        validator.visit(root, value, "");
        validator.faults
    }

    fn visit(&mut self, schema: &Value, value: &Value, path: &str) {
        for (keyword, rule) in schema.as_object().expect("a schema is an object") {
            match keyword.as_str() {
                "type" => self.visit_type(rule, value, path),
                "properties" => self.visit_properties(rule, value, path),
                "required" => self.visit_required(rule, value, path),
                "additionalProperties" => self.visit_additional(schema, rule, value, path),
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.visit(rule, item, &format!("{path}/{index}"));
                    }
                }
                "anyOf" => {
                    let fits = |rule: &Value| {
                        let mut alone = Validator { root: self.root, faults: Vec::new() };
                        alone.visit(rule, value, path);
                        alone.faults.is_empty()
                    };
                    if !rule.as_array().unwrap().iter().any(fits) {
                        self.fault(path, "fits none of what it may be");
                    }
                }
                "$ref" => {
                    let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                    let root = self.root;
                    self.visit(root.pointer(pointer).expect("what is referred to exists"), value, path);
                }
                "const" if value != rule => self.fault(path, "is not what it has to be"),
                "minimum" if value.as_f64() < rule.as_f64() && value.is_number() => self.fault(path, "is too small"),
                "maximum" if value.as_f64() > rule.as_f64() => self.fault(path, "is too large"),
                "$schema" | "$defs" | "title" | "description" | "const" | "minimum" | "maximum" => {}
                unknown => panic!("{unknown} is not understood"),
            }
        }
    }

    fn visit_type(&mut self, rule: &Value, value: &Value, path: &str) {
        let name = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_u64() || number.is_i64() => "integer",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let fits = |rule: &Value| rule == name || (rule == "number" && name == "integer");
        if !rule.as_array().map_or_else(|| fits(rule), |rules| rules.iter().any(fits)) {
            self.fault(path, &format!("is {name}, not {rule}"));
        }
    }

    fn visit_properties(&mut self, rule: &Value, value: &Value, path: &str) {
        for (name, schema) in rule.as_object().unwrap() {
            if let Some(value) = value.get(name) {
                self.visit(schema, value, &format!("{path}/{name}"));
            }
        }
    }

    fn visit_required(&mut self, rule: &Value, value: &Value, path: &str) {
        let Some(fields) = value.as_object() else { return };
        for name in rule.as_array().unwrap() {
            if !fields.contains_key(name.as_str().unwrap()) {
                self.fault(path, &format!("lacks {name}"));
            }
        }
    }

    fn visit_additional(&mut self, schema: &Value, rule: &Value, value: &Value, path: &str) {
        let known = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
        for (name, value) in value.as_object().into_iter().flatten().filter(|(name, _)| !known.contains_key(*name)) {
            if rule == false {
                self.fault(path, &format!("has {name}, of which the schema does not know"));
            } else {
                self.visit(rule, value, &format!("{path}/{name}"));
            }
        }
    }

    fn fault(&mut self, path: &str, what: &str) {
        self.faults.push(format!("{path} {what}"));
    }
}

/// What the program would write.
fn file(summary: &Summary) -> Value {
    serde_json::from_str(&summary.to_file(&Run::default())).expect("the file is JSON")
}

#[test]
fn a_summary_with_everything_and_one_with_nothing_are_as_the_schema_says() {
    let none = Vec::<String>::new();
    let summaries = [Summary::full(), Summary { schema: Summary::SCHEMA, ..Summary::default() }];
    for summary in summaries.map(|summary| Summary { schema: Summary::SCHEMA, ..summary }) {
        assert_eq!(Validator::check(&schema(), &file(&summary)), none);
    }
}

#[test]
fn a_run_writes_what_the_schema_says() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("schema.json");
    let flags = ["--embedded", "--clients", "3", "--duration", "2s", "--profile", "lan=1,wifi=1", "--quiet"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidelock-sim"));
    let output = command.args(flags).args(["--threshold", "desyncs<1", "--summary-json"]).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(Validator::check(&schema(), &file), Vec::<String>::new());
}

#[test]
fn what_is_not_as_the_schema_says_is_noticed() {
    let faults = |change: fn(&mut Map<String, Value>)| {
        let mut file = file(&Summary { schema: Summary::SCHEMA, ..Summary::full() });
        change(file.as_object_mut().unwrap());
        Validator::check(&schema(), &file)
    };
    assert_eq!(faults(|file| drop(file.remove("desyncs"))), [" lacks \"desyncs\""]);
    assert_eq!(
        faults(|file| drop(file.insert("news".to_owned(), 1.into()))),
        [" has news, of which the schema does not know"]
    );
    assert_eq!(faults(|file| drop(file.insert("desyncs".to_owned(), (-1).into()))), ["/desyncs is too small"]);
    assert_eq!(
        faults(|file| drop(file.insert("rtt_ms".to_owned(), "fast".into()))),
        ["/rtt_ms fits none of what it may be"]
    );
    assert_eq!(faults(|file| drop(file.insert("schema".to_owned(), 2.into()))), ["/schema is not what it has to be"]);
}
