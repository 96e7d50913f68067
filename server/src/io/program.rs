use super::clock;
use super::command_line::{self, UsageError};
use super::keys::{random_key_text, read_key, write_new_key};
use super::logging;
use super::options::{
    Flags, Number, Options, OptionsError, PROTOCOL_ID, Span, check_advertise, check_lifetime, reachable,
};
use super::schema_json::schema_json;
use super::server::{Crashed, Server, StartError};
use super::server_config::ServerConfig;
use super::shared::Shared;
use super::signals::SignalListener;
use super::systemd;
use super::tokens::TokenMint;
use crate::engine::EngineError;
use crate::game::Rehearsal;
use bevy_app::Plugin;
use clap::Parser;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tidelock::ClientId;

/// Authoritative multiplayer game server.
#[derive(Parser)]
#[command(version, max_term_width = 120, args_conflicts_with_subcommands = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    flags: Flags,

    #[command(subcommand)]
    subcommand: Option<Subcommand>,
}

const EXIT_CODES: &str = "Flags go before environment variables, and these before the file.\n\
    Exit codes: 0 after a clean stop, 2 for bad configuration, 1 for anything else, such as a port in use.\n\
    The first SIGTERM or Ctrl-C drains, the second forces the stop.";

const TOKEN_LIFETIMES: &str = "A server refuses a token that lives longer than its --token-lifetime. For that long after its start it also refuses \
    tokens\nthat expire sooner than one of that lifetime made at its start: an earlier run may have taken them.";

const SCHEMA: &str = "Components, input and events with their fields and lanes, the schema's hash, and the tables of this version of the protocol:\n\
    shared/PROTOCOL.md, section 17.";

#[derive(clap::Subcommand)]
enum Subcommand {
    /// Print a connect token in base64
    #[command(after_help = TOKEN_LIFETIMES)]
    Token(TokenFlags),
    /// Exit with 0 if the server on this machine takes players
    Healthcheck {
        /// The server's admin address
        #[arg(
            long,
            env = "TIDELOCK_ADMIN",
            hide_env_values = true,
            value_name = "ADDRESS",
            default_value = "127.0.0.1:9100"
        )]
        admin: SocketAddr,
    },
    /// Print what clients in other languages need to know of this game, as JSON
    #[command(after_help = SCHEMA)]
    Schema {
        /// The only format there is
        #[arg(long, required = true)]
        json: bool,
    },
    /// Print a new key, for --key-file
    Keygen {
        /// Write it to this new file instead, which only you may read
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(clap::Args)]
struct TokenFlags {
    /// File with a key of the server; of several, the first
    #[arg(
        long,
        env = "TIDELOCK_KEY_FILE",
        hide_env_values = true,
        value_name = "FILE",
        value_delimiter = ',',
        required = true
    )]
    key_file: Vec<PathBuf>,
    /// Whom the token is for, decimal or 0x...
    #[arg(long, value_name = "NUMBER")]
    client_id: Number,
    /// Where clients find the server: its --advertise
    #[arg(long, env = "TIDELOCK_ADVERTISE", hide_env_values = true, value_name = "ADDRESS")]
    advertise: SocketAddr,
    /// How long it may be used to connect, in whole seconds: best the server's --token-lifetime, which refuses more
    #[arg(long, env = "TIDELOCK_TOKEN_LIFETIME", hide_env_values = true, value_name = "TIME", default_value = "30s")]
    expires: Span,
    /// The server's --protocol-id [default: Tidelock's]
    #[arg(long, env = "TIDELOCK_PROTOCOL_ID", hide_env_values = true, value_name = "NUMBER", default_value_t = Number(PROTOCOL_ID), hide_default_value = true)]
    protocol_id: Number,
}

/// Why the program ends otherwise than well.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Usage(#[from] UsageError),
    #[error(transparent)]
    Options(#[from] OptionsError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Crashed(#[from] Crashed),
    #[error("listening for signals: {0}")]
    Signals(io::Error),
    #[error("not ready: {0}")]
    NotReady(String),
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    /// 2 for what another configuration would mend, 1 for the rest. A port in use is the machine's state, and an
    /// address that the machine does not have is a mistake.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Options(_) | Self::Start(StartError::File(_)) => 2,
            Self::Start(StartError::Bind { why, .. }) if why.kind() == io::ErrorKind::AddrNotAvailable => 2,
            Self::Start(StartError::Engine(error)) if !matches!(error, EngineError::Schema(_)) => 2,
            _ => 1,
        }
    }
}

/// The whole program of a game's server, command line and all: `fn main() -> ExitCode { run(|options| MyGame) }`.
pub fn run<P: Plugin>(game: impl FnOnce(&Options) -> P) -> ExitCode {
    let Err(failure) = command_line::parse().map_err(Failure::from).and_then(|cli| execute(cli, game)) else {
        return ExitCode::SUCCESS;
    };
    logging::complain(&failure);
    ExitCode::from(failure.exit_code())
}

fn execute<P: Plugin>(cli: Cli, game: impl FnOnce(&Options) -> P) -> Result<(), Failure> {
    match cli.subcommand {
        None if cli.flags.check_config => check_config(cli.flags, game),
        None => serve(cli.flags, game),
        Some(Subcommand::Token(flags)) => print_token(&flags),
        Some(Subcommand::Healthcheck { admin }) => check_health(admin),
        Some(Subcommand::Schema { .. }) => print_schema(cli.flags, game),
        Some(Subcommand::Keygen { out: None }) => print(&format!("{}\n", random_key_text())),
        Some(Subcommand::Keygen { out: Some(file) }) => Ok(write_new_key(&file)?),
    }
}

fn check_config<P: Plugin>(flags: Flags, game: impl FnOnce(&Options) -> P) -> Result<(), Failure> {
    let options = flags.resolve()?;
    // A game may refuse its settings as well.
    drop(game(&options));
    print(&ServerConfig::from_options(options)?.options.to_toml())
}

fn serve<P: Plugin>(flags: Flags, game: impl FnOnce(&Options) -> P) -> Result<(), Failure> {
    logging::prepare(flags.log_format());
    let flags = flags.with_file()?;
    logging::prepare(flags.log_format());
    let options = flags.resolve()?;
    let game = game(&options);
    let config = ServerConfig::from_options(options)?;
    let log = logging::start(config.options.log, config.options.log_format).map_err(StartError::Thread)?;
    for name in command_line::unknown_variables::<Cli>() {
        tracing::warn!(name, "this variable of the environment is no setting");
    }
    let signals = SignalListener::start().map_err(Failure::Signals)?;
    let server = Server::start(&config, game)?;
    let shared = server.shared();
    signals.attach(Arc::clone(&shared));
    let systemd = systemd::start(Arc::clone(&shared)).map_err(StartError::Thread)?;
    let stats = server.wait()?;
    systemd.stopping();
    await_agones(&shared);
    tracing::info!(ticks = stats.engine.ticks, overruns = stats.overruns, skipped = stats.skipped, "stopped");
    log.flush();
    Ok(())
}

/// How long Agones may take to end a pod that is not needed any more.
const POD_END_TIMEOUT: Duration = Duration::from_secs(30);

/// A program that ended by itself would be started anew in its pod, for the moment that Agones takes to end that.
fn await_agones(shared: &Shared) {
    let give_up_at = clock::now() + POD_END_TIMEOUT;
    while shared.agones.knows_end() && !shared.has_signal() && clock::now() < give_up_at {
        clock::sleep_until(clock::now() + Duration::from_millis(20));
    }
}

fn print_token(flags: &TokenFlags) -> Result<(), Failure> {
    check_lifetime("expires", flags.expires)?;
    check_advertise(flags.advertise)?;
    let mint = TokenMint {
        key: read_key(&flags.key_file[0])?,
        protocol_id: flags.protocol_id.0,
        lifetime: flags.expires.0,
        address: flags.advertise,
    };
    print(&format!("{}\n", mint.issue_text(ClientId(flags.client_id.0))))
}

fn print_schema<P: Plugin>(flags: Flags, game: impl FnOnce(&Options) -> P) -> Result<(), Failure> {
    let options = flags.resolve()?;
    let rehearsal = Rehearsal::new(game(&options), 0, options.tick_hz).map_err(EngineError::Schema);
    print(&schema_json(rehearsal.map_err(StartError::Engine)?.schema()))
}

fn check_health(admin: SocketAddr) -> Result<(), Failure> {
    let url = format!("http://{}/readyz", reachable(admin));
    // A proxy that the environment names is not for a server's own admin port.
    let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(2))).proxy(None);
    let agent = config.http_status_as_error(false).build().new_agent();
    let not_ready = |why: &str| Failure::NotReady(format!("{url}: {why}"));
    let mut answer = agent.get(&url).call().map_err(|error| not_ready(&error.to_string()))?;
    if answer.status() == 200 {
        return Ok(());
    }
    let said = answer.body_mut().with_config().limit(1024).read_to_string().unwrap_or_default();
    Err(not_ready(&format!("HTTP {}, {}", answer.status().as_u16(), said.trim().lines().next().unwrap_or_default())))
}

fn print(text: &str) -> Result<(), Failure> {
    Ok(io::stdout().write_all(text.as_bytes())?)
}
