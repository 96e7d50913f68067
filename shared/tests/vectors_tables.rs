//! The frozen tables of the delta codec. Run with `WRITE_VECTORS=1` after an intended change.

mod vector_file;

use serde_json::json;
use tidelock::state::codec::{TABLE_OF_CONTEXT, code_lengths};
use vector_file::Vectors;

#[test]
fn the_tables_are_those_written_down() {
    let mut text = Vectors::new(
        "tables.txt",
        "The frozen tables of the delta codec.\n\
         table residual_of_context: for each context of a residual, (family * 17 + scale) * 12 + place, the number of its code; length: how\n\
         many contexts. Table residual, table pattern: of the code of this number, the lengths of the words, by symbol; length: how many\n\
         symbols.",
    );
    let length = TABLE_OF_CONTEXT.len();
    let list = json!(TABLE_OF_CONTEXT).to_string();
    text.value("residual_codes", &json!({ "table": "residual_of_context", "number": null, "length": length }), &list);
    let residuals = usize::from(*TABLE_OF_CONTEXT.iter().max().unwrap()) + 1;
    for (at, lengths) in code_lengths().enumerate() {
        let (table, number) = if at < residuals { ("residual", at) } else { ("pattern", at - residuals) };
        let json = json!({ "table": table, "number": number, "length": lengths.len() });
        text.value(&format!("{table}_{number}"), &json, &json!(lengths).to_string());
    }
    text.check();
}
