/// Text that may come from anywhere, as it may stand in a page.
pub(crate) fn escape(text: &str) -> String {
    /// More than this is nothing to look at.
    const CHARS_MAX: usize = 200;
    let mut escaped = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == CHARS_MAX {
            escaped.push('…');
            break;
        }
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A number as one says it: three digits or a little more.
pub(crate) fn number(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 99.95 || size == 0.0 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.0995 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_be_markup() {
        assert_eq!(
            escape("<script>alert('&')</script>\n\""),
            "&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt; &quot;"
        );
        assert_eq!(escape(&"x".repeat(1000)).chars().count(), 201);
    }

    #[test]
    fn numbers_have_about_three_digits() {
        assert_eq!([0.0, 0.0078, 0.25, 1.0, 12.34, 456.7].map(number), ["0", "0.008", "0.25", "1.00", "12.3", "457"]);
    }
}
