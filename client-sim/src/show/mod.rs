//! A recording as a page: what a client felt, over time. Pure: entries in, HTML out.
//!
//! The page is one file without scripts. It is drawn by columns of time, each with the least, the most and the mean of what
//! was in it, so that ten minutes take no more room than ten seconds.

mod figures;
mod moments;
mod page;

#[cfg(test)]
mod tests;

use crate::plot::Span;
use crate::recording::{ReadError, Reader};
use figures::Figures;
use std::io::{self, Read};

/// A recording, drawn.
#[derive(Clone, Debug)]
pub struct Page {
    /// The file.
    pub html: String,
    /// The recording has its end; else what is shown is what there was before it was cut off.
    pub is_complete: bool,
}

/// Why a recording cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is nothing to show.
    #[error("it ends before the client did anything")]
    Empty,
}

/// Draws a recording, which is read twice: first to know how long it is.
///
/// # Errors
/// If it cannot be opened or read, or has nothing to show.
pub fn page<R: Read>(name: &str, mut open: impl FnMut() -> io::Result<R>) -> Result<Page, ShowError> {
    let mut open = || Reader::new(open()?);
    let span = measure(&mut open()?)?.ok_or(ShowError::Empty)?;
    let mut reader = open()?;
    let mut figures = Figures::new(span);
    while let Some(entry) = reader.read()? {
        figures.take(&entry);
    }
    let is_complete = reader.is_complete();
    Ok(Page { html: page::draw(name, reader.header(), &figures, is_complete), is_complete })
}

/// All of a recording; `None` if nothing happens in it.
fn measure<R: Read>(reader: &mut Reader<R>) -> Result<Option<Span>, ReadError> {
    let start = reader.header().start;
    let mut end = start;
    while let Some(entry) = reader.read()? {
        end = end.max(entry.at);
    }
    Ok((end > start).then(|| Span { start, lasts: end.since(start) }))
}
