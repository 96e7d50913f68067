use super::admin::{AdminConfig, AdminToken};
use super::bans::BanFile;
use super::keys::{random_key, read_key};
use super::lifecycle::LifecycleRules;
use super::options::{Options, OptionsError, reachable};
use super::random::random;
use super::tokens::TokenMint;
use crate::engine::EngineConfig;
use std::net::{Ipv4Addr, SocketAddr};
use tidelock::netcode::{Cipher, Key};

/// What a server is started with: settings, and the content of the files they name.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The settings. Those that name files have been read, and are not looked at again.
    pub options: Options,
    /// The admin endpoints; `None` for none.
    pub admin: Option<AdminConfig>,
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
        Ok(Self { admin: Some(admin), keys, seed, bans, options })
    }

    /// A server inside another program: on a free loopback port, without admin endpoints, with a random key.
    ///
    /// # Errors
    /// As [`from_options`](Self::from_options).
    pub fn embedded(options: Options) -> Result<Self, OptionsError> {
        let bind = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let options = Options { bind, advertise: None, key_file: Vec::new(), ..options };
        Ok(Self { admin: None, ..Self::from_options(options)? })
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
