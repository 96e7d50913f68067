//! The summary file: figures to read, and at its end all they are made of.

use serde::Deserialize;
use serde_json::Value;

use super::{Run, Summary};

/// Why a text is no summary file.
#[derive(Debug, thiserror::Error)]
pub enum SummaryFileError {
    /// It is no JSON, or lacks something.
    #[error("it is no summary of tidelock-sim: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It is of another format.
    #[error("it is of format {0}, and this simulator reads {known}", known = Summary::SCHEMA)]
    Schema(u32),
}

/// What every summary file has.
#[derive(Deserialize)]
struct Versioned {
    schema: u32,
}

/// What is read from it.
#[derive(Deserialize)]
struct Exact {
    exact: Run,
}

impl Summary {
    /// The file that `--summary-json` writes: figures a line each, and then `exact` on a line of its own, which nobody needs to read but
    /// `tidelock-sim merge`.
    #[must_use]
    pub fn to_file(&self, exact: &Run) -> String {
        let figures = serde_json::to_string_pretty(self).expect("a summary is plain data");
        let exact = serde_json::to_string(exact).expect("a run is plain data");
        let figures = figures.strip_suffix("\n}").expect("an object ends so");
        format!("{figures},\n  \"exact\": {exact}\n}}\n")
    }
}

/// The figures of a summary file as plain data, without the exact part.
pub(super) fn figures_of_file(text: &str) -> Result<Value, SummaryFileError> {
    let Versioned { schema } = serde_json::from_str(text)?;
    if schema != Summary::SCHEMA {
        return Err(SummaryFileError::Schema(schema));
    }
    let mut value: Value = serde_json::from_str(text)?;
    if let Some(fields) = value.as_object_mut() {
        fields.remove("exact");
    }
    Ok(value)
}

impl Run {
    /// Reads the exact part of a summary file.
    ///
    /// # Errors
    /// [`SummaryFileError`].
    pub fn from_file(text: &str) -> Result<Self, SummaryFileError> {
        let Versioned { schema } = serde_json::from_str(text)?;
        if schema != Summary::SCHEMA {
            return Err(SummaryFileError::Schema(schema));
        }
        let Exact { exact } = serde_json::from_str(text)?;
        Ok(exact)
    }
}
