//! A chart with a logarithmic axis along the bottom, as SVG.

use std::fmt::Write;
use std::path::Path;

/// Lines over one axis.
#[derive(Clone, Debug)]
pub struct Plot {
    /// Above it.
    pub title: String,
    /// What the bottom axis counts.
    pub x_label: String,
    /// What the left axis counts.
    pub y_label: String,
    /// What is drawn, each with its name.
    pub lines: Vec<(String, Vec<(f64, f64)>)>,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 170.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 55.0;
/// Told apart by people who do not see all colours. Source: M. Okabe and K. Ito, "Color Universal Design", 2008.
const COLORS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const TICKS_Y: usize = 5;

impl Plot {
    /// Draws it. The left axis begins at zero.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|(_, points)| points);
        let (x_min, x_max) = points().fold((f64::MAX, f64::MIN), |(min, max), (x, _)| (min.min(*x), max.max(*x)));
        let y_max = round_up(points().fold(0.0, |max: f64, (_, y)| max.max(*y)));
        let x_at = |x: f64| {
            let share = (x / x_min).ln() / (x_max / x_min).ln().max(1e-9);
            LEFT + share * (WIDTH - LEFT - RIGHT)
        };
        let y_at = |y: f64| HEIGHT - BOTTOM - y / y_max * (HEIGHT - TOP - BOTTOM);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
             font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
        );
        text(&mut svg, (LEFT, 22.0), "start", &self.title);
        text(&mut svg, ((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 12.0), "middle", &self.x_label);
        text(&mut svg, (LEFT - 60.0, TOP - 4.0), "start", &self.y_label);
        for tick in 0..=TICKS_Y {
            let y = y_max * tick as f64 / TICKS_Y as f64;
            line(&mut svg, &[(LEFT, y_at(y)), (WIDTH - RIGHT, y_at(y))], "#dddddd");
            text(&mut svg, (LEFT - 6.0, y_at(y) + 4.0), "end", &number(y));
        }
        let mut marks: Vec<f64> = points().map(|(x, _)| *x).collect();
        marks.sort_by(f64::total_cmp);
        marks.dedup();
        for x in marks {
            text(&mut svg, (x_at(x), HEIGHT - BOTTOM + 18.0), "middle", &number(x));
        }
        for (n, (name, points)) in self.lines.iter().enumerate() {
            let color = COLORS[n % COLORS.len()];
            let points: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x_at(*x), y_at(*y))).collect();
            line(&mut svg, &points, color);
            for (x, y) in &points {
                let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{color}\"/>");
            }
            let label_y = TOP + 18.0 * n as f64;
            line(&mut svg, &[(WIDTH - RIGHT + 12.0, label_y), (WIDTH - RIGHT + 32.0, label_y)], color);
            text(&mut svg, (WIDTH - RIGHT + 38.0, label_y + 4.0), "start", name);
        }
        svg + "</svg>\n"
    }

    /// Draws it into a file, in a folder that is made if it is not there.
    ///
    /// # Errors
    /// Of the file.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(path, self.to_svg())
    }
}

fn line(svg: &mut String, points: &[(f64, f64)], color: &str) {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let points = points.join(" ");
    let _ = writeln!(svg, "<polyline points=\"{points}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\"/>");
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}

fn number(value: f64) -> String {
    if value == 0.0 || value >= 10.0 {
        return format!("{value:.0}");
    }
    format!("{value:.2}")
}

/// The next of 1, 2, 5, 10, 20, ... times a power of ten.
fn round_up(value: f64) -> f64 {
    let power = 10f64.powf(value.max(1e-9).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * power).find(|step| *step >= value).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_shows_each_line_with_its_name() {
        let lines = vec![("few < all".to_owned(), vec![(10.0, 1.0), (100.0, 3.0)])];
        let plot = Plot { title: "t".into(), x_label: "x".into(), y_label: "y".into(), lines };
        let svg = plot.to_svg();
        assert!(svg.contains("few &lt; all") && svg.matches("<circle").count() == 2 && svg.ends_with("</svg>\n"));
        // From the left edge to the right one, and three fifths of the way up.
        assert!(svg.contains("<circle cx=\"70.0\"") && svg.contains("<circle cx=\"550.0\" cy=\"162.0\""), "{svg}");
    }

    #[test]
    fn axes_end_at_round_numbers() {
        assert_eq!([0.7, 1.0, 1.2, 3.0, 7.0, 43.0].map(round_up), [1.0, 1.0, 2.0, 5.0, 10.0, 50.0]);
    }
}
