//! How many instructions something takes, which no other load of the machine changes.

use std::process::Command;

/// Instructions that each repetition takes: this program runs under valgrind with `arguments` and a number of
/// repetitions, `few` and then `many`, and the difference is that of the repetitions alone. `None` without valgrind.
pub fn per_repetition(arguments: &[&str], few: u64, many: u64) -> Option<f64> {
    let (less, more) = (total(arguments, few)?, total(arguments, many)?);
    Some((more as f64 - less as f64) / (many - few) as f64)
}

fn total(arguments: &[&str], repetitions: u64) -> Option<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(std::env::current_exe().ok()?)
        .args(arguments)
        .arg(repetitions.to_string())
        .output()
        .ok()?;
    refs(&String::from_utf8_lossy(&output.stderr))
}

/// `==1234== I   refs:      5,678`
fn refs(told: &str) -> Option<u64> {
    let (_, refs) = told.lines().find_map(|line| line.split_once("refs:"))?;
    refs.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_found_in_what_valgrind_says() {
        assert_eq!(refs("==7== Cachegrind\n==7== \n==7== I   refs:      1,234,567\n"), Some(1_234_567));
        assert_eq!(refs("==7== no such tool\n"), None);
    }
}
