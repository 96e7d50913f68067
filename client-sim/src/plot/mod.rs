//! Charts over time for pages that are one file without scripts. Pure: figures in, HTML out.

mod axis;
mod chart;
mod columns;
mod date;
mod html;
mod marks;
mod scale;
mod span;

pub(crate) use axis::time_text;
pub(crate) use chart::{Chart, Line, Point, Style, capitalized};
pub(crate) use columns::Columns;
pub(crate) use date::date_text;
pub(crate) use html::{escape, number};
pub(crate) use marks::{Mark, Marks, Tone};
pub(crate) use scale::Scale;
pub(crate) use span::Span;

/// How a page looks.
pub(crate) const STYLE: &str = include_str!("page.css");
