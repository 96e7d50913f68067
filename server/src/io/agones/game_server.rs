use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, BTreeSet};

/// The name of the counter and of the list that hold who plays.
pub(super) const PLAYERS: &str = "players";

/// The port of a game server that clients connect to, if it has several.
const PORT: &str = "game";

/// The most values that Agones lets a list have.
const LIST_VALUES_MAX: u64 = 1_000;

/// What Agones knows of this server: the part of `GET /gameserver` that matters here. What is missing is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct GameServer {
    #[serde(deserialize_with = "or_default")]
    pub(super) object_meta: Meta,
    #[serde(deserialize_with = "or_default")]
    pub(super) status: Status,
}

/// What Kubernetes calls it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Meta {
    pub(super) name: String,
}

/// Where it is, and what is kept of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    /// `Scheduled`, `Ready`, `Allocated` and so on.
    pub(super) state: String,
    /// An IP address, or a name.
    address: String,
    #[serde(deserialize_with = "or_default")]
    ports: Vec<Port>,
    #[serde(deserialize_with = "or_default")]
    counters: BTreeMap<String, Counter>,
    #[serde(deserialize_with = "or_default")]
    lists: BTreeMap<String, List>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Port {
    name: String,
    port: u16,
}

/// Its values are written here, and not read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct Counter {}

/// Agones writes numbers of 64 bits as text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct List {
    capacity: String,
    #[serde(deserialize_with = "or_default")]
    values: BTreeSet<String>,
}

/// Agones says `null` for what it has none of.
fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl GameServer {
    /// Where clients find this server, once it is known: a host, by address or name, and its port named "game", or the first.
    pub(super) fn address(&self) -> Option<(&str, u16)> {
        let Status { address, ports, .. } = &self.status;
        let port = ports.iter().find(|port| port.name == PORT).or(ports.first())?.port;
        (!address.is_empty() && port != 0).then_some((address.as_str(), port))
    }

    /// Whether a counter of players is kept.
    pub(super) fn has_counter(&self) -> bool {
        self.status.counters.contains_key(PLAYERS)
    }

    /// How many players the list takes, if one is kept.
    pub(super) fn list_capacity(&self) -> Option<usize> {
        let list = self.status.lists.get(PLAYERS)?;
        Some(list.capacity.parse().unwrap_or(0).min(LIST_VALUES_MAX) as usize)
    }

    /// Who is on the list, if one is kept.
    pub(super) fn listed(&self) -> Option<&BTreeSet<String>> {
        self.status.lists.get(PLAYERS).map(|list| &list.values)
    }

    /// Whether Agones knows that players may come. To say so again would take an allocation back.
    pub(super) fn is_past_ready(&self) -> bool {
        ["RequestReady", "Ready", "Reserved", "Allocated"].contains(&self.status.state.as_str())
    }

    /// Whether it has been given to somebody.
    pub(super) fn is_allocated(&self) -> bool {
        self.status.state == "Allocated"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the sidecar answers `GET /gameserver`.
    const ANSWER: &str = r#"{"object_meta":{"name":"arena-x7k2p","namespace":"default","uid":"1","annotations":{},"labels":{}},
        "spec":{"health":{"disabled":false,"period_seconds":5}},
        "status":{"state":"Allocated","address":"203.0.113.9","addresses":[{"type":"ExternalIP","address":"203.0.113.9"}],
        "ports":[{"name":"voice","port":7001},{"name":"game","port":7002}],"players":null,
        "counters":{"players":{"count":"0","capacity":"64"}},"lists":{"players":{"capacity":"64","values":[]}}}}"#;

    fn read(text: &str) -> GameServer {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn its_address_is_that_of_the_port_called_game() {
        let game_server = read(ANSWER);
        assert_eq!(game_server.address(), Some(("203.0.113.9", 7002)));
        assert_eq!(game_server.listed().map(BTreeSet::len), Some(0));
        assert_eq!((game_server.object_meta.name.as_str(), game_server.is_allocated()), ("arena-x7k2p", true));
        assert_eq!((game_server.has_counter(), game_server.list_capacity()), (true, Some(64)));
    }

    #[test]
    fn its_address_is_that_of_the_first_port_if_none_is_called_so() {
        let game_server = read(r#"{"status":{"address":"2001:db8::9","ports":[{"name":"default","port":7001}]}}"#);
        assert_eq!(game_server.address(), Some(("2001:db8::9", 7001)));
    }

    #[test]
    fn what_agones_does_not_know_yet_is_missing() {
        for text in [
            "{}",
            r#"{"object_meta":null,"status":null}"#,
            r#"{"status":{"state":"Scheduled","address":"","ports":[{"name":"game","port":7002}]}}"#,
            r#"{"status":{"state":"Scheduled","address":"203.0.113.9","ports":null,"counters":null,"lists":null}}"#,
            r#"{"status":{"address":"203.0.113.9","ports":[{"name":"game","port":0}]}}"#,
        ] {
            let game_server = read(text);
            assert_eq!(game_server.address(), None, "{text}");
            assert_eq!((game_server.has_counter(), game_server.list_capacity()), (false, None), "{text}");
        }
    }

    #[test]
    fn a_list_takes_no_more_than_agones_allows() {
        let capacity = |capacity: &str| {
            let text = format!(r#"{{"status":{{"lists":{{"players":{{"capacity":"{capacity}"}}}}}}}}"#);
            read(&text).list_capacity()
        };
        assert_eq!((capacity("20"), capacity("999999999999"), capacity("-1")), (Some(20), Some(1_000), Some(0)));
    }
}
