//! What a dashboard is described with. [`crate::grafana`] makes Grafana's model of it.

/// A dashboard.
#[derive(Debug)]
pub struct Dashboard {
    /// Names its file and its address in Grafana.
    pub uid: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Whether it shows what load tests measure, and lets one choose among them.
    pub simulators: bool,
    /// Its rows, from the top.
    pub rows: Vec<Row>,
}

/// A row of panels, under a title.
#[derive(Debug)]
pub struct Row {
    /// Its title.
    pub title: &'static str,
    /// Whether it is closed at first.
    pub closed: bool,
    /// Its panels, from the left; they go on in the next line where there is no room.
    pub panels: Vec<Panel>,
}

/// An open row.
#[must_use]
pub fn row(title: &'static str, panels: Vec<Panel>) -> Row {
    Row { title, closed: false, panels }
}

/// How a panel draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Lines over time.
    Lines,
    /// Areas over time that add up.
    Stack,
    /// Numbers of now, in large.
    Stat,
    /// The buckets of a histogram over time.
    Heatmap,
}

/// One query.
#[derive(Debug)]
pub struct Query {
    /// PromQL with Grafana's variables.
    pub expr: String,
    /// How its series are called.
    pub legend: &'static str,
}

/// From this value on, a colour.
#[derive(Clone, Copy, Debug)]
pub struct Threshold(pub f64, pub &'static str);

/// A panel.
#[derive(Debug)]
pub struct Panel {
    /// Its title.
    pub title: &'static str,
    /// What it shows and what is normal.
    pub about: &'static str,
    /// How it draws.
    pub kind: Kind,
    /// Grafana's name of the unit.
    pub unit: &'static str,
    /// Columns of 24, and lines.
    pub size: (u32, u32),
    /// What it shows.
    pub queries: Vec<Query>,
    /// Colours above green.
    pub thresholds: Vec<Threshold>,
    /// The least and the most that there can be.
    pub bounds: (Option<f64>, Option<f64>),
}

impl Panel {
    fn new(kind: Kind, size: (u32, u32), title: &'static str, unit: &'static str, about: &'static str) -> Self {
        let (queries, thresholds, bounds) = (Vec::new(), Vec::new(), (Some(0.0), None));
        Self { title, about, kind, unit, size, queries, thresholds, bounds }
    }

    /// Lines over time, a third of the width.
    #[must_use]
    pub fn lines(title: &'static str, unit: &'static str, about: &'static str) -> Self {
        Self::new(Kind::Lines, (8, 8), title, unit, about)
    }

    /// Areas that add up, a third of the width.
    #[must_use]
    pub fn stack(title: &'static str, unit: &'static str, about: &'static str) -> Self {
        Self::new(Kind::Stack, (8, 8), title, unit, about)
    }

    /// A number, a sixth of the width.
    #[must_use]
    pub fn stat(title: &'static str, unit: &'static str, about: &'static str) -> Self {
        Self::new(Kind::Stat, (4, 4), title, unit, about)
    }

    /// A histogram over time, by the name of its metric, half of the width.
    #[must_use]
    pub fn heatmap(title: &'static str, unit: &'static str, metric: &str, about: &'static str) -> Self {
        let expr = format!("sum by (le) (increase({metric}_bucket{{@}}[@]))");
        Self::new(Kind::Heatmap, (12, 8), title, unit, about).query("{{le}}", &expr)
    }

    /// A query. `{@}` chooses the servers that the dashboard shows, `[@]` is the time over which rates are taken there.
    #[must_use]
    pub fn query(mut self, legend: &'static str, expr: &str) -> Self {
        let expr = expr
            .replace("{@sim", r#"{instance=~"$simulator""#)
            .replace("{@", r#"{job=~"$job",instance=~"$instance""#)
            .replace("[@]", "[$__rate_interval]");
        self.queries.push(Query { expr, legend });
        self
    }

    /// The middle and the upper end of a histogram, over all servers together.
    #[must_use]
    pub fn percentiles(self, metric: &str) -> Self {
        let of = |quantile| format!("histogram_quantile({quantile}, sum by (le) (rate({metric}_bucket{{@}}[@])))");
        self.query("p50", &of("0.5")).query("p95", &of("0.95")).query("p99", &of("0.99"))
    }

    /// The quantiles that a simulator tells.
    #[must_use]
    pub fn quantiles(self, metric: &str) -> Self {
        self.query("p{{quantile}}", &format!("max by (quantile) ({metric}{{@sim}})"))
    }

    /// Half of the width.
    #[must_use]
    pub fn wide(mut self) -> Self {
        self.size.0 = 12;
        self
    }

    /// Yellow and red from these values on.
    #[must_use]
    pub fn limits(mut self, yellow: f64, red: f64) -> Self {
        self.thresholds = vec![Threshold(yellow, "yellow"), Threshold(red, "red")];
        self
    }

    /// Yellow from this value on.
    #[must_use]
    pub fn notice(mut self, yellow: f64) -> Self {
        self.thresholds = vec![Threshold(yellow, "yellow")];
        self
    }

    /// Red from this value on.
    #[must_use]
    pub fn limit(mut self, red: f64) -> Self {
        self.thresholds = vec![Threshold(red, "red")];
        self
    }

    /// Up to this value.
    #[must_use]
    pub fn at_most(mut self, most: f64) -> Self {
        self.bounds.1 = Some(most);
        self
    }

    /// Values below zero are shown as well.
    #[must_use]
    pub fn signed(mut self) -> Self {
        self.bounds.0 = None;
        self
    }
}
