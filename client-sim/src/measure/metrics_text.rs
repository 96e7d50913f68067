//! The part of Prometheus' text format that a server's `/metrics` uses.
//!
//! Source: "Exposition formats", Prometheus documentation, text format 0.0.4.

/// One line: a name, labels and a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample<'a> {
    pub(crate) name: &'a str,
    labels: &'a str,
    pub(crate) value: f64,
}

/// All lines that are samples. Others, comments among them, are passed over.
pub(crate) fn samples(text: &str) -> impl Iterator<Item = Sample<'_>> {
    text.lines().filter_map(sample)
}

impl<'a> Sample<'a> {
    /// The value of a label. Escapes stay as they are: no name or bound that is looked for here has any.
    pub(crate) fn label(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.labels;
        while let Some((key, after)) = rest.split_once("=\"") {
            let end = closing_quote(after)?;
            if key.trim_start_matches([',', ' ']) == name {
                return Some(&after[..end]);
            }
            rest = &after[end + 1..];
        }
        None
    }
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let name_end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(name_end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => rest.split_at(closing_brace(rest)?),
        None => ("", rest),
    };
    let value = rest.trim_start_matches('}').split_whitespace().next()?;
    Some(Sample { name, labels, value: number(value)? })
}

/// `+Inf`, `-Inf` and `NaN` are Rust's too.
pub(crate) fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// Where the labels end: a brace outside of quotes.
fn closing_brace(text: &str) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text[at..].find(['"', '}']) {
        at += found;
        if text.as_bytes()[at] == b'}' {
            return Some(at);
        }
        at += 1;
        at += closing_quote(&text[at..])? + 1;
    }
    None
}

/// Where a value ends: a quote that no backslash escapes.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_labels_and_values_are_read() {
        let text = "# HELP x y\n# TYPE x counter\nx_total{a=\"1\",b=\"two\"} 3.5\nplain 7 1712345678\n\n";
        let read: Vec<_> = samples(text).collect();
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].name, read[0].label("a"), read[0].label("b")), ("x_total", Some("1"), Some("two")));
        assert_eq!((read[0].label("c"), read[0].value), (None, 3.5));
        assert_eq!((read[1].name, read[1].value), ("plain", 7.0));
    }

    #[test]
    fn a_brace_or_an_escaped_quote_inside_a_value_ends_nothing() {
        let read: Vec<_> = samples("x{a=\"}\\\"\",le=\"+Inf\"} 1").collect();
        assert_eq!((read[0].label("le"), read[0].value), (Some("+Inf"), 1.0));
    }

    #[test]
    fn what_is_no_sample_is_passed_over() {
        assert_eq!(samples("x{a=\"1\" 3\nx\nx{} many\n{\n}\nx{a=\"").count(), 0);
    }
}
