//! Settings as an operator meets them: the program, its flags, its environment and its file.

mod operator;

use operator::{Scratch, program, refuse};

fn check(args: &[&str], environment: &[(&str, &str)]) -> toml::Table {
    let output = program(&[&["--check-config"], args].concat(), environment);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{error}");
    String::from_utf8(output.stdout).unwrap().parse().unwrap()
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
fn the_time_to_resume_comes_from_flag_environment_or_file() {
    let scratch = Scratch::new("resume");
    let file = scratch.file("server.toml", "resume-time = \"5s\"\n");
    let environment = [("TIDELOCK_RESUME_TIME", "1m")];
    for (args, environment, time) in [
        (&[][..], &[][..], "30s"),
        (&["--config", &file], &[], "5s"),
        (&["--config", &file], &environment, "1m"),
        (&["--resume-time", "0s"], &environment, "0s"),
    ] {
        assert_eq!(check(args, environment)["resume-time"].as_str(), Some(time), "{args:?}");
    }
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
    let words = scratch.file("words", "sixteen characters and more\n");
    let bans = scratch.file("bans", "17\nbob\n");
    let missing = scratch.0.join("missing").join("file").display().to_string();
    for (args, sentence) in [
        (["--config", &unknown], "unknown.toml: line 1, `tick-hs = 20`: unknown field `tick-hs`"),
        (["--config", &missing], "missing/file: No such file or directory"),
        (["--key-file", &short], "short.key: has 3 characters, and must have 64 hex digits"),
        (["--key-file", &not_hex], "nothex.key: has other characters than hex digits"),
        (["--key-file", &missing], "key-file"),
        (["--admin-token-file", &token], "token: has fewer than 16 characters"),
        (["--admin-token-file", &words], "words: must hold one word of ASCII characters, and nothing else"),
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
        (&["--resume-time", "soon"], &[], "--resume-time"),
        (&[], &[("TIDELOCK_RESUME_TIME", "30")], "--resume-time"),
        (&[], &[("TIDELOCK_TICK_HZ", "fast")], "fast"),
        (&["--tick-hz", "30", "keygen"], &[], "keygen"),
        (&["token", "--client-id", "7"], &[], "--key-file"),
    ] {
        let error = refuse(args, environment);
        assert!(error.contains(named), "{args:?}: {error}");
    }
}
