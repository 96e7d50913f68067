//! Reading PromQL, as dashboards and rules have it.

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};
use std::convert::Infallible;

/// What one selector of an expression asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// The metric, as it is written: with `_bucket` and the like.
    pub metric: String,
    /// Labels, and the values that are named, one by one. What is not a list of plain words has none.
    pub labels: Vec<(String, Vec<String>)>,
    /// The selector alone, as PromQL.
    pub text: String,
}

/// What Grafana puts in the place of its variables.
#[derive(Clone, Copy, Debug)]
pub struct Variables {
    /// `$job`, a pattern.
    pub job: &'static str,
    /// `$instance`, a pattern.
    pub instance: &'static str,
    /// `$simulator`, a pattern.
    pub simulator: &'static str,
    /// `$__rate_interval`
    pub rate_interval: &'static str,
    /// `$__range`
    pub range: &'static str,
}

impl Variables {
    /// Everything, and times as in a dashboard of the last half hour.
    pub const ALL: Self = Self { job: ".+", instance: ".+", simulator: ".+", rate_interval: "20s", range: "30m" };

    /// The expression as Prometheus gets it. What is no known variable stays, and is then refused.
    #[must_use]
    pub fn fill(&self, expr: &str) -> String {
        let mut parts = expr.split('$');
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(part.len());
            let (name, rest) = part.split_at(end);
            match self.value(name) {
                Some(value) => filled.push_str(value),
                None => filled.extend(["$", name]),
            }
            filled.push_str(rest);
        }
        filled
    }

    fn value(&self, name: &str) -> Option<&'static str> {
        match name {
            "job" => Some(self.job),
            "instance" => Some(self.instance),
            "simulator" => Some(self.simulator),
            "__rate_interval" => Some(self.rate_interval),
            "__range" => Some(self.range),
            _ => None,
        }
    }
}

/// The selectors of an expression, or why it is none.
pub fn selectors(expr: &str) -> Result<Vec<Selector>, String> {
    let tree = promql_parser::parser::parse(expr).map_err(|why| format!("`{expr}` is no PromQL: {why}"))?;
    let mut collect = Collect(Vec::new());
    let Ok(_) = walk_expr(&mut collect, &tree);
    if expr.contains('$') {
        return Err(format!("`{expr}` has a variable that nobody knows"));
    }
    collect.0.into_iter().collect()
}

struct Collect(Vec<Result<Selector, String>>);

impl ExprVisitor for Collect {
    type Error = Infallible;

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Infallible> {
        match expr {
            Expr::VectorSelector(vector) => self.0.push(selector(vector)),
            Expr::MatrixSelector(matrix) => self.0.push(selector(&matrix.vs)),
            _ => {}
        }
        Ok(true)
    }
}

fn selector(vector: &VectorSelector) -> Result<Selector, String> {
    let metric = vector.name.clone().ok_or_else(|| format!("`{vector}` names no metric"))?;
    let labels = vector.matchers.matchers.iter().map(|matcher| (matcher.name.clone(), words(matcher))).collect();
    Ok(Selector { metric, labels, text: vector.to_string() })
}

fn words(matcher: &Matcher) -> Vec<String> {
    let is_word =
        |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    match matcher.op {
        MatchOp::Equal | MatchOp::NotEqual => vec![matcher.value.clone()],
        MatchOp::Re(_) | MatchOp::NotRe(_) => matcher.value.split('|').filter(is_word).map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_found_wherever_they_stand() {
        let found = selectors(
            r#"sum(rate(a_total{x="1",y=~"b|c|d.*"}[5m])) / on () (max_over_time(b[1h:]) > 0) or c unless d"#,
        );
        let found = found.expect("good PromQL");
        let metrics: Vec<_> = found.iter().map(|selector| selector.metric.as_str()).collect();
        assert_eq!(metrics, ["a_total", "b", "c", "d"]);
        let values = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        assert_eq!(found[0].labels, [("x".to_owned(), values(&["1"])), ("y".to_owned(), values(&["b", "c"]))]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (expr, why) in [
            ("sum(rate(a[5m])", "no PromQL"),
            ("rate(a[$__interval])", "no PromQL"),
            (r#"a{b="$other"}"#, "variable"),
            (r#"a{b=~"$jobs"}"#, "variable"),
            (r#"{b="c"}"#, "no metric"),
        ] {
            let error = selectors(&Variables::ALL.fill(expr)).expect_err(expr);
            assert!(error.contains(why), "{error}");
        }
    }
}
