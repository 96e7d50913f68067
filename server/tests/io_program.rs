//! The program as a supervisor meets it: its log, its signals, its exit codes.
#![expect(clippy::disallowed_methods, reason = "the program runs in real time")]

mod sidecar;

use serde_json::Value;
use sidecar::{Manner, Sidecar};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server program. Ends with the test.
struct Program {
    child: Child,
    log: BufReader<ChildStderr>,
    started: Value,
}

impl Program {
    fn start(args: &[&str]) -> Self {
        Self::of(&mut command(args))
    }

    fn of(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let started = next_event(&mut log, "ready for players");
        Self { child, log, started }
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidelock-server"));
    command.env_clear().args(["--admin", "127.0.0.1:0", "--log-format", "json", "--npcs", "0"]).args(args);
    command
}

fn next_line(log: &mut impl BufRead) -> Value {
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"))
}

/// The next line of the log with this message.
fn next_event(log: &mut impl BufRead, message: &str) -> Value {
    let mut line = String::new();
    while log.read_line(&mut line).unwrap() > 0 {
        let event: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        if event["message"] == message {
            return event;
        }
        line.clear();
    }
    panic!("the log ended without \"{message}\"");
}

#[test]
fn the_start_is_one_line_with_all_that_matters() {
    let program = Program::start(&["--bind", "127.0.0.1:0", "--seed", "42", "--tick-hz", "30"]);
    let started = &program.started;
    assert_eq!((&started["seed"], &started["tick_hz"]), (&42.into(), &30.into()));
    assert_eq!(started["protocol_id"], "0x746964656c6f636b");
    assert_eq!(started["advertise"], started["udp"]);
    assert!(started["admin"].as_str().unwrap().starts_with("127.0.0.1:"));
}

#[test]
fn the_first_sigterm_stops_an_empty_server_cleanly() {
    let mut program = Program::start(&["--bind", "127.0.0.1:0"]);
    program.signal("-TERM");
    let draining = next_line(&mut program.log);
    assert_eq!((&draining["message"], &draining["reason"]), (&"draining".into(), &"SIGTERM".into()));
    assert_eq!(next_line(&mut program.log)["message"], "stopping");
    next_event(&mut program.log, "stopped");
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_drain_is_told_once_and_by_whom_it_was_asked_for() {
    let sidecar = Sidecar::start(Manner::Well, 7777);
    let mut program = in_a_pod(&sidecar);
    let admin = program.started["admin"].as_str().unwrap();
    ureq::post(format!("http://{admin}/drain")).send_empty().unwrap();
    let draining = next_event(&mut program.log, "draining");
    assert!(draining["reason"].as_str().unwrap().starts_with("POST /drain from 127.0.0.1:"), "{draining}");
    sidecar.await_told("POST /shutdown");
    program.signal("-TERM");
    // It waits for that, and has nothing left to drain.
    assert_eq!(next_event(&mut program.log, "ending, as the server has stopped")["signal"], "SIGTERM");
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_server_that_agones_says_nothing_of_stops_idle_and_fast() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let mut program = command(&["--bind", "127.0.0.1:0", "--agones", "on", "--idle-timeout", "500ms"]);
    let mut program = Program::of(program.env("AGONES_SDK_HTTP_PORT", nobody));
    let began = Instant::now();
    let draining = next_event(&mut program.log, "draining");
    assert_eq!(draining["reason"], "nobody came for the idle timeout");
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn wrong_settings_are_lines_of_json_where_the_log_is_and_a_sentence_elsewhere() {
    let refused = |args: &[&str], variable: (&str, &str)| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_tidelock-server"));
        let output = program.env_clear().env(variable.0, variable.1).args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said.lines().count(), 1, "{said}");
        said
    };
    let json = ("TIDELOCK_LOG_FORMAT", "json");
    for args in [&["--tick-hz", "0"][..], &["--tick-hz", "x"], &["--config", "/nowhere"], &["--tick-hs", "3"]] {
        let line: Value = serde_json::from_str(&refused(args, json)).unwrap();
        assert_eq!(line["level"], "ERROR", "{args:?}");
    }
    assert!(refused(&["--check-config", "--tick-hz", "x"], json).starts_with("error: invalid value 'x'"));
    assert!(refused(&["token"], json).starts_with("error: the following required arguments were not provided: "));
    let said = refused(&["--log-format=json", "--tick-hz=x"], ("TIDELOCK_NPCS", "1"));
    assert!(serde_json::from_str::<Value>(&said).is_ok(), "{said}");
    let said = refused(&[], ("TIDELOCK_AGONES", ""));
    assert!(said.starts_with("error: TIDELOCK_AGONES: a value is required for '--agones <WHEN>'"), "{said}");
    let said = refused(&["--advertise", "example.com:7777"], ("TIDELOCK_ADVERTISE", "127.0.0.1:1"));
    let sentence =
        "error: invalid value 'example.com:7777' for '--advertise <ADDRESS>': not an IP address and a port, such as";
    assert!(said.starts_with(sentence), "{said}");
}

#[test]
fn words_that_are_no_text_are_refused_as_any() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_tidelock-server"));
    let output = program.env_clear().arg("--tick-hs").arg(OsStr::from_bytes(b"\xff")).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.starts_with(b"error: unexpected argument '--tick-hs' found"));
}

#[test]
fn variables_that_are_no_settings_are_named() {
    let mut program = command(&["--bind", "127.0.0.1:0"]);
    program.env("TIDELOCK_TICKHZ", "30").env("TIDELOCK_NPCS", "0");
    // Kubernetes names its own after a Service.
    program.env("TIDELOCK_SERVICE_HOST", "10.0.0.1").env("TIDELOCK_PORT_7777_UDP", "udp://10.0.0.1:7777");
    let mut child = program.stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    assert_eq!(next_line(&mut log)["name"], "TIDELOCK_TICKHZ");
    assert_eq!(next_line(&mut log)["message"], "ready for players");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_ban_file_that_cannot_be_changed_is_told_at_the_start() {
    // A number that not even root may change.
    let file = "/proc/sys/kernel/ngroups_max";
    let mut program = Program::start(&["--bind", "127.0.0.1:0", "--ban-file", file]);
    let warning = next_line(&mut program.log);
    assert_eq!((&warning["level"], &warning["file"]), (&"WARN".into(), &file.into()));
}

#[test]
fn ctrl_c_does_the_same() {
    let mut program = Program::start(&["--bind", "127.0.0.1:0"]);
    program.signal("-INT");
    next_event(&mut program.log, "stopped");
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_port_in_use_is_no_matter_of_configuration() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = command(&["--bind", &address]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    // Who collects lines of JSON gets this as one, too.
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert!(error["message"].as_str().unwrap().starts_with(&format!("bind {address}: ")), "{error}");
}

#[test]
fn an_admin_port_in_use_is_told_by_its_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut program = Command::new(env!("CARGO_BIN_EXE_tidelock-server"));
    let output = program.env_clear().args(["--bind", "127.0.0.1:0", "--admin", &address]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with(&format!("error: admin {address}: ")), "{error}");
}

#[test]
fn an_admin_port_that_is_lost_for_a_while_costs_no_tick() {
    // As when somebody holds as many connections as the process may have files.
    let shell = "ulimit -n 40 && exec \"$0\" --bind 127.0.0.1:0 --admin 127.0.0.1:0 --log-format json --npcs 0";
    let program = Program::of(Command::new("sh").args(["-c", shell, env!("CARGO_BIN_EXE_tidelock-server")]));
    let admin = program.started["admin"].as_str().unwrap();
    let status = || -> Value {
        let text = ureq::get(format!("http://{admin}/status")).call().unwrap().body_mut().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let (before, began) = (status(), Instant::now());
    let held: Vec<_> = (0..64).map_while(|_| TcpStream::connect(admin).ok()).collect();
    let patience = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(2)));
    let answer = patience.build().new_agent().get(format!("http://{admin}/livez")).call();
    assert!(answer.is_err(), "it is lost: {answer:?}");
    drop(held);
    let after = status();
    let ticks = after["tick"].as_u64().unwrap() - before["tick"].as_u64().unwrap();
    let wanted = began.elapsed().as_secs_f64() * 60.0;
    assert!(ticks as f64 > wanted / 2.0, "{ticks} ticks, {wanted} wanted on a machine that has nothing else to do");
}

#[test]
fn the_health_check_follows_readiness() {
    let program = Program::start(&["--bind", "127.0.0.1:0"]);
    let admin = program.started["admin"].as_str().unwrap().to_owned();
    let healthcheck = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidelock-server"));
        command.env("TIDELOCK_ADMIN", &admin).arg("healthcheck").status().unwrap().code()
    };
    assert_eq!(healthcheck(), Some(0));
    drop(program);
    assert_eq!(healthcheck(), Some(1));
}

#[test]
fn the_health_check_says_why_and_asks_no_proxy() {
    // As a server answers that drains.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let admin = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let body = "starting or draining\n";
        let head = format!("HTTP/1.1 503 Service Unavailable\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all((head + body).as_bytes()).unwrap();
    });
    let mut healthcheck = Command::new(env!("CARGO_BIN_EXE_tidelock-server"));
    let healthcheck = healthcheck.env("http_proxy", "http://127.0.0.1:1").args(["healthcheck", "--admin", &admin]);
    let output = healthcheck.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, format!("error: not ready: http://{admin}/readyz: HTTP 503, starting or draining\n"));
}

#[test]
fn a_port_of_agones_that_is_none_is_bad_configuration() {
    let output = command(&["--bind", "127.0.0.1:0"]).env("AGONES_SDK_HTTP_PORT", "none").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(error["message"], "AGONES_SDK_HTTP_PORT is none, and must be a port, 1 to 65535");
}

/// With its sidecar, as Agones starts it.
fn in_a_pod(sidecar: &Sidecar) -> Program {
    let mut program = command(&["--bind", "127.0.0.1:0"]);
    let program = Program::of(program.env("AGONES_SDK_HTTP_PORT", sidecar.port.to_string()));
    sidecar.await_told("POST /ready");
    program
}

#[test]
fn after_its_match_a_server_waits_for_agones_to_end_its_pod() {
    let sidecar = Sidecar::start(Manner::Well, 7777);
    let mut program = in_a_pod(&sidecar);
    let admin = program.started["admin"].as_str().unwrap();
    ureq::post(format!("http://{admin}/drain")).send_empty().unwrap();
    sidecar.await_told("POST /shutdown");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(program.child.try_wait().unwrap(), None, "a program that ends would be started anew");
    program.signal("-TERM");
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_server_whose_pod_is_ended_tells_agones_and_does_not_wait() {
    let sidecar = Sidecar::start(Manner::Well, 7777);
    let mut program = in_a_pod(&sidecar);
    let began = Instant::now();
    program.signal("-TERM");
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(sidecar.told("POST /shutdown").len(), 1);
}

#[test]
fn systemd_is_told_that_the_server_is_ready_lives_and_stops() {
    let socket =
        UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(format!("tidelock-{}", std::process::id())).unwrap());
    let socket = socket.unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let hear = || {
        let mut text = [0; 256];
        let length = socket.recv(&mut text).unwrap();
        String::from_utf8(text[..length].to_vec()).unwrap()
    };
    let mut program = command(&["--bind", "127.0.0.1:0"]);
    let program =
        program.env("NOTIFY_SOCKET", format!("@tidelock-{}", std::process::id())).env("WATCHDOG_USEC", "200000");
    let mut program = Program::of(program);
    assert_eq!(hear(), "READY=1");
    let began = Instant::now();
    (0..10).for_each(|_| assert_eq!(hear(), "WATCHDOG=1"));
    assert!(began.elapsed() < Duration::from_millis(10 * 200), "twice as often as it has to be: {:?}", began.elapsed());
    program.signal("-TERM");
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
    let last = std::iter::repeat_with(hear).find(|said| said != "WATCHDOG=1").unwrap();
    assert!(last.starts_with("STOPPING=1"), "{last}");
}

#[test]
fn a_log_that_nobody_reads_holds_up_no_tick_and_no_signal() {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut filler = writer.try_clone().unwrap();
    // It waits until there is room, which there is not until the end.
    std::thread::spawn(move || filler.write_all(&[b'x'; 1 << 20]));
    std::thread::sleep(Duration::from_millis(300));
    let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut program = Command::new(env!("CARGO_BIN_EXE_tidelock-server"));
    let program = program.args(["--bind", "127.0.0.1:0", "--admin", &admin, "--npcs", "0"]);
    let mut child = program.stderr(writer).spawn().unwrap();
    let give_up_at = Instant::now() + Duration::from_secs(10);
    let livez = || ureq::get(format!("http://{admin}/livez")).call().is_ok();
    while !livez() {
        assert!(Instant::now() < give_up_at, "it does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < give_up_at, "it does not stop");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    drop(reader);
}
