use super::logging;
use super::options::{LogFormat, in_plain_words};
use clap::error::{ContextKind, ContextValue};
use clap::{Command, CommandFactory, Error, Parser, ValueEnum};

/// What is wrong with the flags or the variables of the environment, in a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UsageError(String);

/// The flags and variables of this process. Prints what `--help` and `--version` ask for, and ends the process.
pub(super) fn parse<C: Parser>() -> Result<C, UsageError> {
    C::try_parse().map_err(|error| {
        if !error.use_stderr() {
            error.exit();
        }
        // What is no text is no flag of ours.
        let words: Vec<_> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
        let mut command = C::command();
        command.build();
        logging::prepare(log_format(&command, &words));
        UsageError(sentence(&error, &command, &words))
    })
}

/// Variables that are named as if they were settings, and are none. Kubernetes names its own after Services, which may be called
/// Tidelock too: `TIDELOCK_SERVICE_HOST`, `TIDELOCK_PORT_7777_UDP_ADDR`.
pub(super) fn unknown_variables<C: CommandFactory>() -> Vec<String> {
    let command = C::command();
    let known = |name: &str| command.get_arguments().any(|argument| argument.get_env() == Some(name.as_ref()));
    let is_of_service = |name: &str| name.contains("_PORT") || name.ends_with("_SERVICE_HOST");
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(|name| name.starts_with("TIDELOCK_") && !is_of_service(name) && !known(name)).collect()
}

/// As one line, which begins with the variable if it is one that is wrong.
fn sentence(error: &Error, command: &Command, words: &[String]) -> String {
    let text = error.to_string();
    let told = text.strip_prefix("error: ").unwrap_or(&text);
    let paragraphs = told.split("\n\n").map(str::trim);
    let telling = paragraphs.filter(|text| !text.starts_with("Usage:") && !text.starts_with("For more information"));
    let lines = telling.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    let sentence = in_plain_words(&lines.collect::<Vec<_>>().join("; "));
    match variable(error, command, words) {
        Some(variable) => format!("{variable}: {sentence}"),
        None => sentence,
    }
}

/// The variable that a wrong value came from. A flag goes before it.
fn variable(error: &Error, command: &Command, words: &[String]) -> Option<String> {
    let Some(ContextValue::String(named)) = error.get(ContextKind::InvalidArg) else { return None };
    let commands = std::iter::once(command).chain(command.get_subcommands());
    let wrong = commands.flat_map(Command::get_arguments).find(|argument| argument.to_string() == *named)?;
    let flag = format!("--{}", wrong.get_long()?);
    let is_flag = |word: &String| word.split('=').next() == Some(&flag);
    let variable = wrong.get_env()?.to_str()?;
    (!words.iter().any(is_flag)).then(|| variable.to_owned())
}

/// As far as can be told from words that are not understood. Whoever asks for something else than a server reads the answer himself.
fn log_format(command: &Command, words: &[String]) -> Option<LogFormat> {
    let is_for_people = |word: &String| word == "--check-config" || command.find_subcommand(word).is_some();
    if words.iter().any(is_for_people) {
        return None;
    }
    let mut rest = words.iter().skip_while(|word| word.split('=').next() != Some("--log-format"));
    let flag =
        rest.next().and_then(|flag| flag.split_once('=').map(|(_, name)| name.to_owned()).or(rest.next().cloned()));
    let name = flag.or_else(|| std::env::var("TIDELOCK_LOG_FORMAT").ok())?;
    LogFormat::from_str(&name, false).ok()
}
