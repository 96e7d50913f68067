//! Keys and tokens as an operator makes them in a shell.

mod operator;

use operator::{Scratch, program, refuse};
use tidelock::netcode::ConnectToken;

const ADDRESS: &str = "192.0.2.1:7777";

/// What `token` prints.
fn token(args: &[&str], environment: &[(&str, &str)]) -> (String, ConnectToken) {
    let output = program(&[&["token"], args].concat(), environment);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let bytes = data_encoding::BASE64.decode(text.trim_end().as_bytes()).unwrap();
    (text, ConnectToken::from_bytes(&bytes).unwrap())
}

fn lifetime_s(token: &ConnectToken) -> u64 {
    token.expire_unix_s() - token.create_unix_s()
}

#[test]
fn a_new_key_seals_tokens() {
    let scratch = Scratch::new("keygen");
    let key = program(&["keygen"], &[]);
    assert!(key.status.success());
    let file = scratch.file("key", std::str::from_utf8(&key.stdout).unwrap());
    assert!(program(&["--key-file", &file, "--check-config"], &[]).status.success());
    let args = ["--key-file", &file, "--client-id", "7", "--advertise", ADDRESS, "--expires", "5m"];
    let (text, token_of_7) = token(&args, &[]);
    assert_eq!(token_of_7.servers(), [ADDRESS.parse().unwrap()]);
    assert_eq!(lifetime_s(&token_of_7), 300);
    assert_ne!(token(&args, &[]).0, text, "tokens are never the same");
}

#[test]
fn a_key_file_is_new_and_private() {
    let scratch = Scratch::new("keygen-out");
    let file = scratch.0.join("key").display().to_string();
    let output = program(&["keygen", "--out", &file], &[]);
    assert!(output.status.success());
    assert_eq!(output.stdout, b"");
    let key = std::fs::read(&file).unwrap();
    assert_eq!(key.len(), 65);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(program(&["--key-file", &file, "--check-config"], &[]).status.success());
    let error = refuse(&["keygen", "--out", &file], &[]);
    assert_eq!(error, format!("error: out {file}: exists, and is not overwritten\n"));
    assert_eq!(std::fs::read(&file).unwrap(), key);
    let missing = scratch.0.join("missing").join("key").display().to_string();
    assert!(refuse(&["keygen", "--out", &missing], &[]).contains("missing/key: No such file or directory"));
}

#[test]
fn tokens_are_made_with_the_environment_of_the_server() {
    let scratch = Scratch::new("token-environment");
    let key = scratch.file("key", &"0123456789abcdef".repeat(4));
    let environment = [
        ("TIDELOCK_KEY_FILE", &*format!("{key},{key}.old")),
        ("TIDELOCK_ADVERTISE", ADDRESS),
        ("TIDELOCK_PROTOCOL_ID", "0x10"),
        ("TIDELOCK_TOKEN_LIFETIME", "2m"),
    ];
    let (_, made) = token(&["--client-id", "7"], &environment);
    assert_eq!((lifetime_s(&made), made.protocol_id()), (120, 16));
    let (_, made) = token(&["--client-id", "7", "--expires", "10s"], &environment);
    assert_eq!(lifetime_s(&made), 10);
}

#[test]
fn every_number_of_64_bits_is_a_client() {
    let scratch = Scratch::new("token-ids");
    let key = scratch.file("key", &"0123456789abcdef".repeat(4));
    for id in ["0", "18446744073709551615", "0xffffffffffffffff"] {
        let (_, made) = token(&["--key-file", &key, "--client-id", id, "--advertise", ADDRESS], &[]);
        assert_eq!(lifetime_s(&made), 30);
    }
}

#[test]
fn what_is_wrong_with_a_token_is_named() {
    let scratch = Scratch::new("token-wrong");
    let key = scratch.file("key", &"0123456789abcdef".repeat(4));
    let short = scratch.file("short.key", "abc\n");
    let binary = scratch.0.join("binary.key").display().to_string();
    std::fs::write(&binary, [0xff; 32]).unwrap();
    let right = [("--key-file", &*key), ("--client-id", "7"), ("--advertise", ADDRESS), ("--expires", "30s")];
    for (flag, value, sentence) in [
        ("--key-file", &*short, "short.key: has 3 characters, and must have 64 hex digits"),
        ("--key-file", &binary, "binary.key: must have 64 hex digits"),
        ("--key-file", "missing.key", "key-file missing.key: No such file or directory"),
        ("--client-id", "18446744073709551616", "--client-id <NUMBER>': `18446744073709551616` is no number from 0"),
        ("--client-id", "bob", "--client-id <NUMBER>': `bob` is no number from 0 to 2^64 - 1"),
        ("--advertise", "localhost:7777", "'localhost:7777' for '--advertise <ADDRESS>'"),
        ("--advertise", "0.0.0.0:7777", "advertise is 0.0.0.0:7777, and must be an address with a port that"),
        ("--advertise", "192.0.2.1:0", "advertise is 192.0.2.1:0, and must be an address with a port that"),
        ("--expires", "30", "--expires <TIME>': `30` is no length of time"),
        ("--expires", "0s", "expires is 0s, and must be whole seconds, and at least one"),
        ("--expires", "1500ms", "expires is 1500ms, and must be whole seconds, and at least one"),
    ] {
        let args = right.map(|(name, usual)| [name, if name == flag { value } else { usual }]).concat();
        let error = refuse(&[&["token"], &*args].concat(), &[]);
        assert!(error.lines().next().unwrap().contains(sentence), "{flag} {value}: {error}");
    }
}
