use std::collections::BTreeSet;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Gauge, Paragraph, Sparkline};

use super::Screen;
use super::screen::Panel;
use crate::measure::Mood;

/// Figures in two columns.
const COLUMNS: usize = 2;
/// A title, and three rows of bars.
const PANEL_ROWS: u16 = 4;
/// Bars have this many heights for each row.
const HEIGHTS: f64 = 8.0;

/// Draws a screen: on any size of terminal what fits, from the top.
pub fn draw(screen: &Screen, frame: &mut Frame<'_>) {
    let rows = screen.panels.len().div_ceil(COLUMNS) as u16;
    let [head, progress, panels, clients, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(rows * PANEL_ROWS),
        Constraint::Min(2),
        Constraint::Length(2),
    ])
    .areas(frame.area());
    draw_head(screen, head, frame);
    draw_progress(screen, progress, frame);
    draw_panels(screen, panels, frame);
    draw_clients(screen, clients, frame);
    draw_foot(screen, foot, frame);
}

fn draw_head(screen: &Screen, area: Rect, frame: &mut Frame<'_>) {
    let title = Span::styled(&screen.title, Style::new().add_modifier(Modifier::BOLD));
    let seed = Span::styled(format!("  seed {}", screen.seed), faint());
    frame.render_widget(Line::from(vec![title, seed]), area);
}

fn draw_progress(screen: &Screen, area: Rect, frame: &mut Frame<'_>) {
    let share = screen.elapsed_s as f64 / screen.duration_s.max(1) as f64;
    let gauge = Gauge::default()
        .ratio(share.clamp(0.0, 1.0))
        .label(format!("{} of {} s", screen.elapsed_s, screen.duration_s))
        .use_unicode(true)
        .gauge_style(Style::new().fg(Color::Blue).bg(Color::Reset));
    frame.render_widget(gauge, area);
}

fn draw_panels(screen: &Screen, area: Rect, frame: &mut Frame<'_>) {
    let rows =
        Layout::vertical(vec![Constraint::Length(PANEL_ROWS); screen.panels.len().div_ceil(COLUMNS)]).split(area);
    for (row, panels) in rows.iter().zip(screen.panels.chunks(COLUMNS)) {
        let columns = Layout::horizontal([Constraint::Fill(1); COLUMNS]).spacing(2).split(*row);
        panels.iter().zip(columns.iter()).for_each(|(panel, column)| {
            draw_panel(panel, screen.duration_s, *column, frame);
        });
    }
}

/// The figure first: where there is little room, its name is cut, and no digit.
fn draw_panel(panel: &Panel, duration_s: u64, area: Rect, frame: &mut Frame<'_>) {
    let most = panel.history.iter().flatten().copied().fold(0.0, f64::max);
    let title = Line::from(vec![
        Span::styled(format!("{} ", panel.now), Style::new().add_modifier(Modifier::BOLD)),
        Span::styled(format!("{} ", panel.name), faint()),
    ]);
    let block = Block::new().borders(Borders::TOP).border_style(faint()).title(title);
    let inner = block.inner(area);
    let steps = f64::from(inner.height.max(1)) * HEIGHTS;
    // A value is never invisible: that there is one matters more than how small it is.
    let height = |value: f64| if most > 0.0 { ((value / most * steps).round() as u64).max(1) } else { 0 };
    // A short run fills the width at its end; of a long one, as many seconds are seen as there are columns.
    let columns_each = (u64::from(inner.width) / duration_s.max(1)).max(1) as usize;
    let newest = panel.history.len().saturating_sub(usize::from(inner.width) / columns_each);
    let seconds = panel.history.iter().skip(newest);
    let bars: Vec<_> = seconds.flat_map(|value| std::iter::repeat_n(value.map(height), columns_each)).collect();
    let line = Sparkline::default().data(&bars).max(steps as u64).style(Style::new().fg(Color::Cyan)).block(block);
    frame.render_widget(line, area);
}

/// A mark for each client, or for as many as have to share one: then the worst of them.
fn draw_clients(screen: &Screen, area: Rect, frame: &mut Frame<'_>) {
    let presence = screen.presence;
    let lost = Span::styled(format!("  {} lost ", presence.lost), alarm(presence.lost > 0));
    let title = Line::from(vec![
        Span::styled("clients", faint()),
        Span::raw(format!("  {} of {} playing", presence.playing, presence.wanted)),
        lost,
    ]);
    let key = key(&screen.moods);
    let has_room = title.width() + key.width() < usize::from(area.width);
    let titles = [Some(title), has_room.then_some(key.right_aligned())];
    let block = Block::new().borders(Borders::TOP).border_style(faint());
    let block = titles.into_iter().flatten().fold(block, Block::title);
    let inner = block.inner(area);
    let cells = usize::from(inner.width) * usize::from(inner.height);
    if cells == 0 {
        return frame.render_widget(block, area);
    }
    let each = screen.moods.len().div_ceil(cells).max(1);
    let marks: Vec<_> =
        screen.moods.chunks(each).map(|moods| moods.iter().copied().max().map_or(Span::raw(" "), mark)).collect();
    let lines: Vec<_> = marks.chunks(usize::from(inner.width)).map(|marks| Line::from(marks.to_vec())).collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// What the marks that are there mean.
fn key(moods: &[Mood]) -> Line<'static> {
    let there: BTreeSet<_> = moods.iter().copied().collect();
    let spans = |mood| [Span::raw(" "), mark(mood), Span::styled(format!(" {} ", name(mood)), faint())];
    there.into_iter().flat_map(spans).collect()
}

const fn name(mood: Mood) -> &'static str {
    match mood {
        Mood::Away => "away",
        Mood::Hostile => "hostile",
        Mood::Well => "well",
        Mood::Joining => "joining",
        Mood::Poor => "poor",
        Mood::Silent => "silent",
        Mood::Lost => "lost",
    }
}

fn mark(mood: Mood) -> Span<'static> {
    let (sign, color) = match mood {
        Mood::Away => ("·", Color::DarkGray),
        Mood::Hostile => ("▲", Color::Magenta),
        Mood::Well => ("■", Color::Green),
        Mood::Joining => ("□", Color::Blue),
        Mood::Poor => ("■", Color::Yellow),
        Mood::Silent => ("■", Color::Red),
        Mood::Lost => ("✕", Color::Red),
    };
    Span::styled(sign, Style::new().fg(color))
}

fn draw_foot(screen: &Screen, area: Rect, frame: &mut Frame<'_>) {
    let load = screen.load_level.map_or_else(|| "-".to_owned(), |level| level.to_string());
    let facts = Line::from(vec![
        Span::styled(format!("{} desyncs", screen.desyncs), alarm(screen.desyncs > 0)),
        Span::styled(format!("  server load level {load}"), alarm(screen.load_level > Some(0))),
        Span::styled(format!("  simulator {:.0} % of a core", screen.sim_cpu_pct), faint()),
    ]);
    let word = screen.notes.last().map_or("Ctrl-C ends the run, with its figures", |note| note);
    frame.render_widget(Paragraph::new(vec![facts, Line::styled(word, faint())]), area);
}

const fn faint() -> Style {
    Style::new().fg(Color::DarkGray)
}

fn alarm(is_on: bool) -> Style {
    if is_on { Style::new().fg(Color::Red).add_modifier(Modifier::BOLD) } else { faint() }
}
