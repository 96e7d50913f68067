use super::axis::Axis;
use super::columns::{Column, Columns};
use super::html::{escape, number};
use super::marks::{Marks, Tone};
use super::scale::Scale;
use std::fmt::Write;

/// One plot, over a scale that it shares with others.
#[derive(Debug)]
pub(crate) struct Chart<'a> {
    pub(crate) title: &'a str,
    pub(crate) unit: &'a str,
    /// Beside the title: the whole in a few words.
    pub(crate) note: String,
    pub(crate) lines: Vec<Line<'a>>,
}

/// What is drawn in a chart, one above the other.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) name: &'a str,
    pub(crate) style: Style,
    /// One for each column; `None` where there is no figure.
    pub(crate) points: Vec<Option<Point>>,
    /// Of a column.
    pub(crate) width_s: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// The mean as a line, in the band from the least to the most.
    First,
    /// The same, of which the band is what one looks at.
    Wide,
    /// The same, for a narrower band that lies on a wide one, and is darker for it.
    Narrow,
    /// The same as the first in another colour.
    Second,
    /// The same for one of several kinds, in a colour of its own.
    Kind(usize),
    /// The band alone, as a place to be in.
    Target,
    /// A stem from zero to the most.
    Stems,
}

impl Style {
    /// Kinds that have colours of their own.
    const KINDS: usize = 8;

    /// Of the style sheet.
    fn class(self) -> String {
        match self {
            Self::First => "first".to_owned(),
            Self::Wide => "first wide".to_owned(),
            Self::Narrow => "first narrow".to_owned(),
            Self::Second => "second".to_owned(),
            Self::Kind(number) => format!("kind{}", number % Self::KINDS),
            Self::Target => "target".to_owned(),
            Self::Stems => "stems".to_owned(),
        }
    }
}

/// What a column shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) least: f64,
    pub(crate) mean: f64,
    pub(crate) most: f64,
}

/// The sides of the drawing, whatever size it is shown in.
const SIDE: f64 = 1000.0;
/// Parts of a chart that tell their figures when pointed at.
const HINTS: usize = 100;
/// A stem is this high at least: that there is one matters more than how high it is.
const STEM_MIN: f64 = 40.0;
/// Where nothing came for longer, a line is broken.
const BREAK_S: f64 = 1.0;

impl Point {
    /// All the same.
    pub(crate) const fn at(value: f64) -> Self {
        Self { least: value, mean: value, most: value }
    }

    fn of(column: &Column) -> Option<Self> {
        column.mean().map(|mean| Self { least: column.least, mean, most: column.most })
    }

    const fn moved(self, by: f64) -> Self {
        Self { least: self.least + by, mean: self.mean + by, most: self.most + by }
    }
}

impl<'a> Line<'a> {
    pub(crate) fn of(name: &'a str, style: Style, columns: &Columns) -> Self {
        Self { name, style, points: columns.iter().map(Point::of).collect(), width_s: columns.width_s() }
    }

    /// What each column is made of instead.
    pub(crate) fn map(mut self, f: impl Fn(Point) -> Point) -> Self {
        self.points.iter_mut().flatten().for_each(|point| *point = f(*point));
        self
    }

    /// All of it higher by so much.
    pub(crate) fn moved(self, by: f64) -> Self {
        self.map(|point| point.moved(by))
    }

    /// Sums of columns, a second.
    pub(crate) fn rate(name: &'a str, style: Style, columns: &Columns, per: f64) -> Self {
        let width_s = columns.width_s();
        let points = columns.iter().map(|column| Some(Point::at(column.sum / width_s / per))).collect();
        Self { name, style, points, width_s }
    }

    fn x(&self, column: usize) -> f64 {
        (column as f64 + 0.5) / self.points.len() as f64 * SIDE
    }

    /// Stretches of points that belong together, each with its column.
    fn runs(&self) -> Vec<Vec<(usize, Point)>> {
        let gap_max = ((BREAK_S / self.width_s) as usize).max(1);
        let mut runs: Vec<Vec<(usize, Point)>> = Vec::new();
        for (column, point) in self.points.iter().enumerate() {
            let Some(point) = *point else { continue };
            match runs.last_mut() {
                Some(run) if run.last().is_some_and(|(last, _)| column - last <= gap_max) => run.push((column, point)),
                _ => runs.push(vec![(column, point)]),
            }
        }
        runs
    }

    /// What lies in a part of the span, both as shares of it.
    fn within(&self, from: f64, to: f64) -> Option<Point> {
        let count = self.points.len();
        let from = ((from * count as f64) as usize).min(count - 1);
        let to = ((to * count as f64).ceil() as usize).clamp(from + 1, count);
        let mut points = self.points[from..to].iter().flatten();
        let first = *points.next()?;
        let (all, count) = points.fold((first, 1.0), |(all, count), point| {
            let (least, most) = (all.least.min(point.least), all.most.max(point.most));
            (Point { least, mean: all.mean + point.mean, most }, count + 1.0)
        });
        Some(Point { mean: all.mean / count, ..all })
    }

    fn draw(&self, y: &Axis, svg: &mut String) {
        let height = |value: f64| SIDE - y.share(value) * SIDE;
        let mut area = String::new();
        let mut path = String::new();
        for run in self.runs() {
            let is_alone = run.len() == 1;
            for (n, (column, point)) in run.iter().enumerate() {
                let x = self.x(*column);
                if self.style == Style::Stems {
                    let _ = write!(path, "M{x:.0} {:.0}V{:.0}", height(0.0), height(point.most).min(SIDE - STEM_MIN));
                    continue;
                }
                let _ = write!(path, "{}{x:.0} {:.0}", if n == 0 { 'M' } else { 'L' }, height(point.mean));
                if is_alone {
                    let _ = write!(path, "h1");
                }
                let _ = write!(area, "{}{x:.0} {:.0}", if n == 0 { 'M' } else { 'L' }, height(point.most));
            }
            for (column, point) in run.iter().rev().filter(|_| self.style != Style::Stems) {
                let _ = write!(area, "L{:.0} {:.0}", self.x(*column), height(point.least));
            }
        }
        let class = self.style.class();
        if !area.is_empty() {
            let _ = write!(svg, "<path class=\"area {class}\" d=\"{area}\"/>");
        }
        if !path.is_empty() && self.style != Style::Target {
            let _ = write!(svg, "<path class=\"line {class}\" d=\"{path}\"/>");
        }
    }
}

impl Chart<'_> {
    /// Draws it, with the moments of `marks`.
    pub(crate) fn draw(&self, x: &Scale, marks: &Marks, html: &mut String) {
        let Self { title, unit, note, lines } = self;
        let y = self.axis();
        let x_marks = x.marks();
        let _ = write!(
            html,
            "<section><h2>{} <small>{}</small></h2><p class=\"note\">{}",
            escape(&capitalized(title)),
            escape(unit),
            escape(note)
        );
        if lines.len() > 1 {
            for line in lines {
                let _ = write!(html, " <span class=\"key {}\">{}</span>", line.style.class(), escape(line.name));
            }
        }
        html.push_str("</p><div class=\"plot\">");
        for mark in y.marks() {
            let _ = write!(
                html,
                "<span class=\"y\" style=\"bottom:{:.1}%\">{}</span>",
                y.share(mark) * 100.0,
                y.text(mark)
            );
        }
        for (share, text) in &x_marks {
            // Centred below its mark, but at the end, where it would leave the page.
            let class = if *share > 0.97 { "x end" } else { "x" };
            let _ = write!(html, "<span class=\"{class}\" style=\"left:{:.1}%\">{text}</span>", share * 100.0);
        }
        html.push_str("<svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" role=\"img\">");
        let _ = write!(html, "<title>{}</title><path class=\"grid\" d=\"", escape(title));
        for mark in y.marks() {
            let _ = write!(html, "M0 {:.0}H1000", SIDE - y.share(mark) * SIDE);
        }
        for (share, _) in &x_marks {
            let _ = write!(html, "M{:.0} 0V1000", share * SIDE);
        }
        html.push_str("\"/>");
        draw_marks(x, marks, html);
        lines.iter().for_each(|line| line.draw(&y, html));
        self.draw_hints(x, html);
        html.push_str("</svg></div></section>\n");
    }

    fn axis(&self) -> Axis {
        let points = || self.lines.iter().flat_map(|line| line.points.iter().flatten());
        let (least, most) = points()
            .fold((0.0_f64, f64::NEG_INFINITY), |(least, most), point| (least.min(point.least), most.max(point.most)));
        Axis::around(least, most.max(least), 4.0)
    }

    /// What a part of the chart shows, for who points at it.
    fn draw_hints(&self, x: &Scale, html: &mut String) {
        html.push_str("<g class=\"hints\">");
        for n in 0..HINTS {
            let (from, to) = (n as f64 / HINTS as f64, (n + 1) as f64 / HINTS as f64);
            let mut hint = String::new();
            for line in self.lines.iter().filter(|line| line.style != Style::Target) {
                let Some(Point { least, mean, most }) = line.within(from, to) else { continue };
                let _ = write!(hint, "\n{}: ", line.name);
                if least < most && line.style != Style::Stems {
                    let _ = write!(hint, "{} to {}, mean {}", number(least), number(most), number(mean));
                } else {
                    let _ = write!(hint, "{}", number(most));
                }
            }
            if !hint.is_empty() {
                let when = x.text(from);
                let hint = hint.trim_start().split('\n').map(escape).collect::<Vec<_>>().join("\n");
                let (left, width) = (from * SIDE, SIDE / HINTS as f64);
                let _ = write!(
                    html,
                    "<rect x=\"{left:.0}\" width=\"{width:.0}\" height=\"1000\"><title>{when}\n{hint}</title></rect>"
                );
            }
        }
        html.push_str("</g>");
    }
}

/// Begins with a capital letter.
pub(crate) fn capitalized(title: &str) -> String {
    let mut chars = title.chars();
    chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect()
}

/// Moments, as lines from top to bottom.
fn draw_marks(x: &Scale, marks: &Marks, html: &mut String) {
    for tone in [Tone::Calm, Tone::Good, Tone::Bad] {
        let mut path = String::new();
        for mark in marks.all.iter().filter(|mark| mark.tone == tone) {
            let _ = write!(path, "M{:.1} 0V1000", x.share_of_time(mark.at_s) * SIDE);
        }
        if !path.is_empty() {
            let _ = write!(html, "<path class=\"mark {}\" d=\"{path}\"/>", tone.class());
        }
    }
}
