use super::wording::in_plain_words;
use std::io;
use std::path::{Path, PathBuf};

/// What is wrong with the settings, in one sentence that names the setting or the file.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// A value is out of range.
    #[error("{key} is {value}, and must be {must_be}")]
    Range {
        /// The setting, named as its flag is.
        key: &'static str,
        /// As given.
        value: String,
        /// What would be right.
        must_be: &'static str,
    },
    /// A file cannot be used.
    #[error("{key} {}: {why}", file.display())]
    File {
        /// The setting that names it.
        key: &'static str,
        /// Its path as given.
        file: PathBuf,
        /// One clause.
        why: String,
    },
}

impl OptionsError {
    /// Reading or writing a file failed.
    pub(crate) fn file(key: &'static str, file: &Path, why: &io::Error) -> Self {
        Self::refused(key, file, &why.to_string())
    }

    /// The content of a file is wrong.
    pub(crate) fn refused(key: &'static str, file: &Path, why: &str) -> Self {
        Self::File { key, file: file.to_owned(), why: why.to_owned() }
    }

    /// The file is no TOML, or has an unknown key or a wrong value.
    pub(super) fn toml(file: &Path, text: &str, error: &toml::de::Error) -> Self {
        // What serde expected instead is a list of every setting there is: --help prints a better one.
        let message = error.message().lines().next().unwrap_or_default();
        let message = message.split(", expected one of").next().unwrap_or_default();
        let place = error.span().and_then(|span| text.get(..span.start)).map(|before| {
            let line_number = before.matches('\n').count();
            let line = text.lines().nth(line_number).unwrap_or_default().trim();
            format!("line {}, `{line}`: ", line_number + 1)
        });
        let message = in_plain_words(message);
        Self::refused("config", file, &format!("{}{message}", place.unwrap_or_default()))
    }
}
