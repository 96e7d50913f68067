//! A stand-in for the SDK sidecar of Agones, with answers as the real one gives them over REST.
#![allow(dead_code, reason = "each file of tests uses a part of it")]

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How it takes calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As it should.
    Well,
    /// Every answer is an error of its own.
    Fails,
    /// It takes the connection and says nothing.
    Hangs,
    /// It answers, but not in HTTP.
    TalksNonsense,
    /// It answers in HTTP, but not what was asked for.
    TalksOfOtherThings,
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    /// As in "POST /ready".
    pub(crate) what: String,
    pub(crate) body: Value,
}

/// A running stand-in, on a free port of loopback.
#[derive(Clone)]
pub(crate) struct Sidecar {
    pub(crate) port: u16,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    manner: Manner,
    /// The status of the game server.
    status: Value,
    told: Vec<Told>,
    watchers: Vec<TcpStream>,
}

impl Sidecar {
    /// With a game server that clients reach at this port of 127.0.0.2: by its own lights it would be 127.0.0.1.
    pub(crate) fn start(manner: Manner, game_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let status = json!({
            "state": "Scheduled", "address": "127.0.0.2", "ports": [{ "name": "game", "port": game_port }], "players": null,
            "counters": { "players": { "count": "0", "capacity": "1" } },
            "lists": { "players": { "capacity": "100", "values": [] } },
        });
        let inner = Inner { manner, status, told: Vec::new(), watchers: Vec::new() };
        let sidecar = Self { port: listener.local_addr().unwrap().port(), inner: Arc::new(Mutex::new(inner)) };
        let answering = sidecar.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let answering = answering.clone();
                std::thread::spawn(move || answering.converse(connection.unwrap()));
            }
        });
        sidecar
    }

    pub(crate) fn behave(&self, manner: Manner) {
        self.inner.lock().unwrap().manner = manner;
    }

    /// Takes the counter and the list away, as where the fleet has none.
    pub(crate) fn keep_no_players(&self) {
        let mut inner = self.inner.lock().unwrap();
        (inner.status["counters"], inner.status["lists"]) = (Value::Null, Value::Null);
    }

    /// Changes the state, and tells who watches.
    pub(crate) fn enter(&self, state: &str) {
        let mut inner = self.inner.lock().unwrap();
        inner.status["state"] = state.into();
        let line = format!("{}\n", json!({ "result": inner.game_server() }));
        let chunk = format!("{:x}\r\n{line}\r\n", line.len());
        inner.watchers.retain_mut(|watcher| watcher.write_all(chunk.as_bytes()).is_ok());
    }

    /// All that it was told so far with this method and path.
    pub(crate) fn told(&self, what: &str) -> Vec<Told> {
        self.inner.lock().unwrap().told.iter().filter(|told| told.what == what).cloned().collect()
    }

    /// Waits until it was told so, once at least.
    pub(crate) fn await_told(&self, what: &str) -> Told {
        let give_up_at = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(told) = self.told(what).first() {
                return told.clone();
            }
            assert!(Instant::now() < give_up_at, "it was not told {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn converse(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some((what, body)) = read_request(&mut reader) {
            let told = Told { what: what.clone(), body };
            let manner = {
                let mut inner = self.inner.lock().unwrap();
                inner.told.push(told.clone());
                inner.manner
            };
            match manner {
                Manner::Well if what == "GET /watch/gameserver" => return self.take_watcher(stream),
                Manner::Well => self.answer(&told, &stream),
                Manner::Fails => write_answer(&stream, "500 Internal Server Error", r#"{"code":13,"message":"no"}"#),
                Manner::Hangs => std::thread::sleep(Duration::from_secs(3600)),
                Manner::TalksNonsense => return drop((&stream).write_all(&[0xff; 4096])),
                Manner::TalksOfOtherThings => write_answer(&stream, "200 OK", r#"[{"status":7}, "#),
            }
        }
    }

    fn take_watcher(&self, mut stream: TcpStream) {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
        if stream.write_all(head.as_bytes()).is_ok() {
            self.inner.lock().unwrap().watchers.push(stream);
        }
    }

    fn answer(&self, told: &Told, stream: &TcpStream) {
        let answer = self.inner.lock().unwrap().answer(told);
        match answer {
            Some(answer) => write_answer(stream, "200 OK", &answer.to_string()),
            // As the real one answers to most of what it will never do.
            None => {
                write_answer(stream, "500 Internal Server Error", r#"{"code":2,"message":"not found","details":[]}"#);
            }
        }
    }
}

impl Inner {
    fn game_server(&self) -> Value {
        json!({
            "object_meta": { "name": "arena-x7k2p", "namespace": "default", "uid": "1", "annotations": {}, "labels": {} },
            "spec": { "health": { "disabled": false, "period_seconds": 5, "failure_threshold": 5 } },
            "status": self.status,
        })
    }

    fn answer(&mut self, Told { what, body, .. }: &Told) -> Option<Value> {
        match what.as_str() {
            "GET /gameserver" => Some(self.game_server()),
            "POST /health" | "POST /ready" | "POST /allocate" | "POST /shutdown" if *body == json!({}) => {
                Some(json!({}))
            }
            "PATCH /v1beta1/counters/players" => {
                let counter = self.status["counters"].get_mut("players")?;
                (counter["count"], counter["capacity"]) = (body["count"].clone(), body["capacity"].clone());
                Some(counter.clone())
            }
            "POST /v1beta1/lists/players:addValue" => {
                let list = self.status["lists"].get_mut("players")?;
                let values = list["values"].as_array_mut()?;
                (!values.contains(&body["value"])).then(|| values.push(body["value"].clone()))?;
                Some(list.clone())
            }
            "POST /v1beta1/lists/players:removeValue" => {
                let list = self.status["lists"].get_mut("players")?;
                let values = list["values"].as_array_mut()?;
                let place = values.iter().position(|value| *value == body["value"])?;
                values.remove(place);
                Some(list.clone())
            }
            _ => None,
        }
    }
}

/// `None` at the end of a connection.
fn read_request(reader: &mut impl BufRead) -> Option<(String, Value)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split(' ');
    let what = format!("{} {}", words.next()?, words.next()?);
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((what, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

/// Who asked may be gone.
fn write_answer(mut stream: &TcpStream, status: &str, body: &str) {
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    let _ = stream.write_all((head + body).as_bytes());
}
