//! The text that Prometheus reads.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use tidelock_server::arena::Arena;
use tidelock_server::io::{AdminConfig, Options, Server, ServerConfig};

/// What a server answers to `GET /metrics` after a few ticks.
fn scrape() -> String {
    let mut config = ServerConfig::embedded(Options::default()).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    config.admin = Some(AdminConfig { address, token: None, allow_token_endpoint: false });
    let server = Server::start(&config, Arena { npcs: 3 }).unwrap();
    while server.stats().engine.ticks < 3 {
        std::thread::yield_now();
    }
    let url = format!("http://{}/metrics", server.admin_address().unwrap());
    let mut response = ureq::get(url).call().unwrap();
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    response.body_mut().read_to_string().unwrap()
}

/// Each metric's type, as declared.
fn types(text: &str) -> BTreeMap<&str, &str> {
    let declared = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    declared.map(|line| line.split_once(' ').unwrap()).collect()
}

#[test]
fn every_promised_metric_is_there_and_explained() {
    let text = scrape();
    let types = types(&text);
    let promised = [
        ("histogram", "tick_duration_seconds tick_phase_duration_seconds snapshot_size_bytes client_rtt_seconds"),
        ("histogram", "input_lead_ticks client_rate_bytes_per_second client_loss_ratio"),
        ("counter", "ticks_total tick_overruns_total ticks_skipped_total packets_total bytes_total"),
        ("counter", "packets_dropped_total packets_lost_total socket_receive_drops_total connections_total"),
        ("counter", "connections_rejected_total disconnects_total inputs_total snapshot_entities_total"),
        (
            "counter",
            "delta_cache_total baselines_expired_total desyncs_total budget_deferred_total events_unsent_total back_offs_total",
        ),
        ("counter", "resumes_total rewinds_clamped_total agones_calls_total"),
        ("gauge", "clients clients_away clients_max entities history_bytes load_level draining start_time_seconds"),
        ("gauge", "build_info tick_budget_seconds"),
    ];
    let mut known =
        BTreeSet::from(["process_cpu_seconds_total".to_owned(), "process_resident_memory_bytes".to_owned()]);
    for (kind, names) in promised {
        for name in names.split(' ').map(|name| format!("tidelock_{name}")) {
            assert_eq!(types.get(name.as_str()), Some(&kind), "{name}");
            assert!(text.contains(&format!("# HELP {name} ")), "{name}");
            known.insert(name);
        }
    }
    assert_eq!(types.keys().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), known);
}

#[test]
fn every_sample_belongs_to_a_declared_metric_and_has_a_number() {
    let text = scrape();
    let types = types(&text);
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let name = series.split('{').next().unwrap();
        let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let declared = types.contains_key(name) || of_histogram.and_then(|name| types.get(name)) == Some(&"histogram");
        assert!(declared, "{line}");
    }
}

#[test]
fn every_label_is_there_before_its_first_event() {
    let text = scrape();
    for series in [
        "tidelock_inputs_total{fate=\"on_time\"} 0",
        "tidelock_inputs_total{fate=\"flood\"} 0",
        "tidelock_delta_cache_total{result=\"hit\"} 0",
        "tidelock_baselines_expired_total 0",
        "tidelock_desyncs_total 0",
        "tidelock_packets_dropped_total{reason=\"inbox_full\"} 0",
        "tidelock_packets_dropped_total{reason=\"inbox_strangers_full\"} 0",
        "tidelock_packets_lost_total{direction=\"down\"} 0",
        "tidelock_disconnects_total{reason=\"timeout\"} 0",
        "tidelock_clients_max 1024",
    ] {
        assert!(text.lines().any(|line| line == series), "{series}");
    }
    let history_bytes = text.lines().find_map(|line| line.strip_prefix("tidelock_history_bytes ")).unwrap();
    assert!(history_bytes.parse::<f64>().unwrap() > 0.0, "of those who are there");
    for phase in ["receive", "step", "capture", "send", "transmit"] {
        let series = format!("tidelock_tick_phase_duration_seconds_count{{phase=\"{phase}\"}} ");
        let count = text.lines().find_map(|line| line.strip_prefix(&series)).expect(phase);
        assert_ne!(count, "0", "{phase}");
    }
}
