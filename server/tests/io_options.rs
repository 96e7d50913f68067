//! Settings as an operator meets them: the program, its flags, its environment and its file.

use std::path::PathBuf;
use std::process::{Command, Output};

/// A directory of its own for each test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tidelock-options-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn program(args: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidelock-server"));
    command.env_clear().envs(environment.iter().copied()).args(args).output().unwrap()
}

fn check(args: &[&str], environment: &[(&str, &str)]) -> toml::Table {
    let output = program(&[&["--check-config"], args].concat(), environment);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{error}");
    String::from_utf8(output.stdout).unwrap().parse().unwrap()
}

fn refuse(args: &[&str], environment: &[(&str, &str)]) -> String {
    let output = program(args, environment);
    assert_eq!(output.status.code(), Some(2), "{args:?}");
    assert_eq!(output.stdout, b"");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_flag_goes_before_the_environment_and_that_before_the_file() {
    let scratch = Scratch::new("precedence");
    let file = scratch.file("server.toml", "tick-hz = 20\nnpcs = 1\nmax-clients = 5\nexit-when-empty = true\n");
    let environment = [("TIDELOCK_TICK_HZ", "40"), ("TIDELOCK_NPCS", "2"), ("TIDELOCK_CONFIG", &file)];
    let settings = check(&["--tick-hz", "120", "--exit-when-empty=false"], &environment);
    assert_eq!(settings["tick-hz"].as_integer(), Some(120));
    assert_eq!(settings["npcs"].as_integer(), Some(2));
    assert_eq!(settings["max-clients"].as_integer(), Some(5));
    assert_eq!(settings["exit-when-empty"].as_bool(), Some(false));
    assert_eq!(settings["snapshot-hz"].as_integer(), Some(120));
    assert_eq!(settings["advertise"].as_str(), Some("127.0.0.1:7777"));
}

#[test]
fn the_file_may_be_what_was_printed() {
    let scratch = Scratch::new("printed");
    let printed = check(&["--tick-hz", "30", "--seed", "0xffffffffffffffff", "--match-time", "90s"], &[]);
    let file = scratch.file("server.toml", &printed.to_string());
    assert_eq!(check(&["--config", &file], &[]), printed);
}

#[test]
fn several_keys_come_from_flags_environment_or_file() {
    let scratch = Scratch::new("keys");
    let key = |name| scratch.file(name, &"0123456789abcdefABCDEF0000000000".repeat(2));
    let (first, second) = (key("first"), key("second"));
    let both: toml::Value = vec![first.as_str(), second.as_str()].into();
    assert_eq!(check(&["--key-file", &first, "--key-file", &second], &[])["key-file"], both);
    assert_eq!(check(&[], &[("TIDELOCK_KEY_FILE", &format!("{first},{second}"))])["key-file"], both);
    let file = scratch.file("server.toml", &format!("key-file = [{first:?}, {second:?}]"));
    assert_eq!(check(&["--config", &file], &[])["key-file"], both);
}

#[test]
fn what_is_wrong_is_named_in_one_sentence() {
    let scratch = Scratch::new("wrong");
    let unknown = scratch.file("unknown.toml", "tick-hs = 20\n");
    let short = scratch.file("short.key", "abc\n");
    let not_hex = scratch.file("nothex.key", &"x".repeat(64));
    let token = scratch.file("token", "secret\n");
    let bans = scratch.file("bans", "17\nbob\n");
    let missing = scratch.0.join("missing").join("file").display().to_string();
    for (args, sentence) in [
        (["--config", &unknown], "unknown.toml: line 1, `tick-hs = 20`: unknown field `tick-hs`"),
        (["--config", &missing], "missing/file: No such file or directory"),
        (["--key-file", &short], "short.key: has 3 characters, and must have 64 hex digits"),
        (["--key-file", &not_hex], "nothex.key: has other characters than hex digits"),
        (["--key-file", &missing], "key-file"),
        (["--admin-token-file", &token], "token: has fewer than 16 characters"),
        (["--ban-file", &bans], "bans: line 2: `bob` is no client id"),
        (["--ban-file", &missing], "ban-file"),
        (["--tick-hz", "500"], "tick-hz is 500, and must be 1 to 240"),
        (["--bind", "192.0.2.1:7777"], "bind 192.0.2.1:7777"),
    ] {
        let error = refuse(&args, &[]);
        assert!(error.contains(sentence), "{args:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn flags_that_do_not_exist_or_do_not_parse_are_refused() {
    for (args, environment, named) in [
        (&["--tick-rate", "30"][..], &[][..], "--tick-rate"),
        (&["--client-bandwidth", "much"], &[], "--client-bandwidth"),
        (&["--drain-timeout", "30"], &[], "no length of time"),
        (&[], &[("TIDELOCK_TICK_HZ", "fast")], "fast"),
        (&["--tick-hz", "30", "keygen"], &[], "keygen"),
        (&["token", "--client-id", "7"], &[], "--key-file"),
    ] {
        let error = refuse(args, environment);
        assert!(error.contains(named), "{args:?}: {error}");
    }
}

#[test]
fn a_new_key_is_taken_and_seals_tokens() {
    let scratch = Scratch::new("keygen");
    let key = program(&["keygen"], &[]);
    assert!(key.status.success());
    let file = scratch.file("key", std::str::from_utf8(&key.stdout).unwrap());
    check(&["--key-file", &file], &[]);
    let args = ["token", "--key-file", &file, "--client-id", "7", "--advertise", "192.0.2.1:7777", "--expires", "5m"];
    let token = program(&args, &[]);
    assert!(token.status.success(), "{}", String::from_utf8_lossy(&token.stderr));
    let text = String::from_utf8(token.stdout).unwrap();
    let bytes = data_encoding::BASE64.decode(text.trim_end().as_bytes()).unwrap();
    let token = tidelock::netcode::ConnectToken::from_bytes(&bytes).unwrap();
    assert_eq!(token.servers(), ["192.0.2.1:7777".parse().unwrap()]);
    assert_eq!(token.expire_unix_s() - token.create_unix_s(), 300);
    assert_ne!(program(&args, &[]).stdout, text.into_bytes(), "tokens are never the same");
}
