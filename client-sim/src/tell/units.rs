//! How numbers are said.

/// Bytes a second, as people say it.
pub(crate) fn rate(bytes_s: f64) -> String {
    const UNITS: [&str; 4] = ["B/s", "KiB/s", "MiB/s", "GiB/s"];
    let (mut value, mut unit) = (bytes_s, 0);
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = if unit == 0 || value >= 100.0 { 0 } else { 1 };
    format!("{value:.digits$} {}", UNITS[unit])
}

/// Three digits that count.
pub(crate) fn ms(value: f64) -> String {
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.digits$}")
}

/// Two decimals; a dash for nothing.
pub(crate) fn pct(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2} %"))
}

/// As many digits as it takes, three after the point at most.
pub(crate) fn plain(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// 1234567 as 1,234,567.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_right() {
        assert_eq!([0.123, 1.234, 12.34, 123.4].map(ms), ["0.12", "1.23", "12.3", "123"]);
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [512.0, 2048.0, 204_800.0, 1_048_575.0].map(rate),
            ["512 B/s", "2.0 KiB/s", "200 KiB/s", "1.0 MiB/s"]
        );
        assert_eq!([50.0, 0.5, 0.0].map(plain), ["50", "0.5", "0"]);
        assert_eq!([None, Some(1.234)].map(pct), ["-", "1.23 %"]);
    }
}
