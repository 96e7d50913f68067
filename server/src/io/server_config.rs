use super::admin::{AdminConfig, AdminToken};
use super::agones;
use super::bans::BanFile;
use super::keys::{random_key, read_key};
use super::lifecycle::LifecycleRules;
use super::options::{Agones, Options, OptionsError, reachable};
use super::random::random;
use super::tokens::TokenMint;
use crate::engine::EngineConfig;
use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr};
use tidelock::netcode::{Cipher, Key};

/// What a server is started with: settings, and the content of the files they name.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The settings. Those that name files have been read, and are not looked at again.
    pub options: Options,
    /// The admin endpoints; `None` for none.
    pub admin: Option<AdminConfig>,
    /// The port of Agones' SDK sidecar on loopback; `None` to leave it alone.
    pub agones: Option<u16>,
    /// Keys that tokens may be sealed with; the first seals our own.
    keys: Vec<Key>,
    seed: u64,
    bans: Option<BanFile>,
}

impl ServerConfig {
    /// Reads the files that the settings name, and draws what is random.
    ///
    /// # Errors
    /// [`OptionsError`] names the first file that cannot be read, or whose content is wrong.
    pub fn from_options(options: Options) -> Result<Self, OptionsError> {
        let token = options.admin_token_file.as_deref().map(AdminToken::read).transpose()?;
        let admin = AdminConfig { address: options.admin, token, allow_token_endpoint: options.allow_token_endpoint };
        let mut keys = options.key_file.iter().map(|file| read_key(file)).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            keys.push(random_key());
        }
        let seed = options.seed.map_or_else(|| u64::from_le_bytes(random()), |seed| seed.0);
        let bans = options.ban_file.as_deref().map(BanFile::read).transpose()?;
        let agones = agones_port(options.agones, std::env::var_os(agones::PORT_VARIABLE).as_deref())?;
        Ok(Self { admin: Some(admin), agones, keys, seed, bans, options })
    }

    /// A server inside another program: on a free loopback port, without admin endpoints, with a random key.
    ///
    /// # Errors
    /// As [`from_options`](Self::from_options).
    pub fn embedded(options: Options) -> Result<Self, OptionsError> {
        let bind = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let options = Options { bind, advertise: None, key_file: Vec::new(), ..options };
        Ok(Self { admin: None, agones: None, ..Self::from_options(options)? })
    }

    /// The seed of the world, drawn if none was set.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Where clients find a server that is bound to `bound`.
    pub(super) fn advertise(&self, bound: SocketAddr) -> SocketAddr {
        self.options.advertise.unwrap_or_else(|| reachable(bound))
    }

    pub(super) fn token_mint(&self, address: SocketAddr) -> TokenMint {
        TokenMint {
            key: self.keys[0].clone(),
            protocol_id: self.options.protocol_id.0,
            lifetime: self.options.token_lifetime.0,
            address,
        }
    }

    pub(super) fn lifecycle_rules(&self) -> LifecycleRules {
        LifecycleRules {
            match_time: self.options.match_time.map(|time| time.0),
            exit_when_empty: self.options.exit_when_empty,
            idle_timeout: self.options.idle_timeout.map(|time| time.0),
            drain_timeout: self.options.drain_timeout.0,
        }
    }

    pub(super) fn bans(&self) -> Option<&BanFile> {
        self.bans.as_ref()
    }

    /// The engine's part, for a server that starts at `started_unix_s` and that clients find at `address`.
    pub(super) fn engine(&self, address: SocketAddr, started_unix_s: u64) -> EngineConfig {
        let Options { tick_hz, snapshot_hz, max_clients, view_radius, .. } = self.options;
        EngineConfig {
            tick_hz,
            snapshot_hz,
            max_clients,
            protocol_id: self.options.protocol_id.0,
            private_keys: self.keys.clone(),
            public_addresses: vec![address],
            token_floor_unix_s: self.token_floor_unix_s(started_unix_s),
            token_lifetime_max_s: Some(self.options.token_lifetime.0.as_secs()),
            secrets: random(),
            seed: self.seed,
            client_bandwidth_bytes_s: self.options.client_bandwidth.0,
            view_radius,
            rewind_max: self.options.rewind_max.map(|longest| longest.0),
            resume_time: self.options.resume_time.0,
            cipher: Cipher::ChaCha20Poly1305,
        }
    }

    /// Keys from files outlive a run, and so do tokens made with them: one that expires earlier than any made from now
    /// on may have been used already. A key drawn for this run has no past.
    fn token_floor_unix_s(&self, started_unix_s: u64) -> Option<u64> {
        self.has_lasting_keys().then(|| started_unix_s + self.options.token_lifetime.0.as_secs())
    }

    pub(super) fn has_lasting_keys(&self) -> bool {
        !self.options.key_file.is_empty()
    }
}

/// Where the sidecar is, given what the environment says of it.
fn agones_port(when: Agones, variable: Option<&OsStr>) -> Result<Option<u16>, OptionsError> {
    let said = variable.map(|port| {
        let known = port.to_str().and_then(|port| port.parse().ok()).filter(|port| *port != 0);
        let value = port.to_string_lossy().into_owned();
        known.ok_or(OptionsError::Range { key: agones::PORT_VARIABLE, value, must_be: "a port, 1 to 65535" })
    });
    match when {
        Agones::Off => Ok(None),
        Agones::Auto => said.transpose(),
        Agones::On => Ok(Some(said.transpose()?.unwrap_or(agones::PORT))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sidecar_is_where_the_environment_says_if_it_is_wanted() {
        let port = |when, variable: Option<&str>| agones_port(when, variable.map(OsStr::new)).ok();
        assert_eq!(port(Agones::Auto, None), Some(None));
        assert_eq!(port(Agones::Auto, Some("9000")), Some(Some(9000)));
        assert_eq!(port(Agones::On, None), Some(Some(9358)));
        assert_eq!(port(Agones::On, Some("9000")), Some(Some(9000)));
        assert_eq!(port(Agones::Off, Some("9000")), Some(None));
        assert_eq!(port(Agones::Off, Some("nonsense")), Some(None));
    }

    #[test]
    fn a_port_that_is_none_is_named() {
        for value in ["", "0", "65536", "http"] {
            let error = agones_port(Agones::Auto, Some(OsStr::new(value))).unwrap_err().to_string();
            assert_eq!(error, format!("AGONES_SDK_HTTP_PORT is {value}, and must be a port, 1 to 65535"));
        }
    }
}
