//! How many instructions something takes, which no other load of the machine changes.

use std::process::Command;

/// Instructions that each repetition takes: this program runs under valgrind with `arguments` and a number of
/// repetitions, `few` and then `many`, and the difference is that of the repetitions alone. `None` without valgrind.
pub fn per_repetition(arguments: &[&str], few: u64, many: u64) -> Option<f64> {
    let (less, more) = (total(arguments, few)?, total(arguments, many)?);
    Some((more as f64 - less as f64) / (many - few) as f64)
}

/// The same of what happens in functions whose names match `pattern`, where `*` is anything, and in what they call.
pub fn per_repetition_in(pattern: &str, arguments: &[&str], few: u64, many: u64) -> Option<f64> {
    let toggle = format!("--toggle-collect={pattern}");
    let tool = ["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no", &toggle];
    let (less, more) = (run(&tool, arguments, few)?, run(&tool, arguments, many)?);
    let total = |told: &str| number_after(told, "Collected :");
    Some((total(&more)? as f64 - total(&less)? as f64) / (many - few) as f64)
}

fn total(arguments: &[&str], repetitions: u64) -> Option<u64> {
    let tool = ["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"];
    number_after(&run(&tool, arguments, repetitions)?, "refs:")
}

/// What valgrind says of a run of this program; `None` if it is not there, or the program fails.
fn run(tool: &[&str], arguments: &[&str], repetitions: u64) -> Option<String> {
    let mut command = Command::new("valgrind");
    command.args(tool).arg(std::env::current_exe().ok()?).args(arguments).arg(repetitions.to_string());
    let output = command.output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// `==1234== I   refs:      5,678`, or `==1234== Collected : 5678`
fn number_after(told: &str, label: &str) -> Option<u64> {
    let (_, number) = told.lines().find_map(|line| line.split_once(label))?;
    number.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_found_in_what_valgrind_says() {
        let told = "==7== Cachegrind\n==7== \n==7== I   refs:      1,234,567\n==7== Collected : 89\n";
        assert_eq!((number_after(told, "refs:"), number_after(told, "Collected :")), (Some(1_234_567), Some(89)));
        assert_eq!(number_after("==7== no such tool\n", "refs:"), None);
    }
}
