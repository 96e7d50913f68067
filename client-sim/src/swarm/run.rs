use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use tidelock::netcode::{ConnectToken, DisconnectCause};
use tidelock::{ClientId, Instant};

use super::crew::Crew;
use super::gate::{Gate, is_local};
use super::hearing::Hearing;
use super::options::{SwarmOptions, Target};
use super::outcome::{End, Outcome};
use super::record::{RecordFile, header};
use super::scraper::{Reading, Scraper};
use super::system::{Interrupt, machine, make_room};
use super::tally::STILL_CONNECTING;
use super::timeline::Timeline;
use super::worker::{News, Order, Plan, WorkerReport};
use super::{SwarmError, clock};
use crate::link::Rng;
use crate::load::{Act, Director};
use crate::measure::summary::{LoadSummary, Origin, StageSummary};
use crate::measure::{Mood, ProfileRun, Reasons, Run, Second, ServerFigures, ServerRun, Setup, commonest};
use crate::recording::Header;

/// Looks on while a swarm runs.
pub trait Watcher {
    /// It begins.
    fn on_start(&mut self, options: &SwarmOptions, server: &str);
    /// A second is over.
    fn on_second(&mut self, second: &Second);
    /// How clients are, by their numbers, once a second.
    fn on_moods(&mut self, moods: &[Mood]);
    /// Something is worth a word.
    fn note(&mut self, text: &str);
}

/// Nobody does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Watcher for Nobody {
    fn on_start(&mut self, _: &SwarmOptions, _: &str) {}
    fn on_second(&mut self, _: &Second) {}
    fn on_moods(&mut self, _: &[Mood]) {}
    fn note(&mut self, _: &str) {}
}

/// Runs a swarm to its end, or until Ctrl-C.
///
/// # Errors
/// Any [`SwarmError`]: then there are no figures.
pub fn run(options: &SwarmOptions, watcher: &mut dyn Watcher) -> Result<Outcome, SwarmError> {
    conduct(options, None, watcher)
}

/// The same, and writes into a file what the first client receives and does.
///
/// # Errors
/// As [`run`], and if the file cannot be created.
pub fn record(options: &SwarmOptions, file: &Path, watcher: &mut dyn Watcher) -> Result<Outcome, SwarmError> {
    let created = RecordFile::create(file)?;
    conduct(options, Some((file, created)), watcher)
}

fn conduct(
    options: &SwarmOptions,
    file: Option<(&Path, File)>,
    watcher: &mut dyn Watcher,
) -> Result<Outcome, SwarmError> {
    let interrupt = Interrupt::install()?;
    make_room(options.load.clients_max())?;
    let gate = Gate::open(&options.target, options.load.clients_max(), options.seed)?;
    let tokens = first_tokens(options, &gate)?;
    let mut conductor = Conductor::start(options, gate, tokens)?;
    conductor.record = file.map(|(path, file)| Box::new(RecordFile::begin(path, file, conductor.header())));
    watcher.on_start(options, &conductor.server.to_string());
    conductor.conduct(watcher, &interrupt)
}

/// Of those who are to come at once, so that they do; and of the first, to see that there are any to be had.
fn first_tokens(options: &SwarmOptions, gate: &Gate) -> Result<BTreeMap<u32, ConnectToken>, SwarmError> {
    let at_once = options.load.wanted(Duration::ZERO).max(1);
    let mine = (0..at_once).filter(|client| options.share.has(*client) || *client == 0);
    mine.map(|client| Ok((client, gate.token(client_id(options.seed, client))?))).collect()
}

/// A swarm that runs, seen from the main thread: it sends clients on and off, hands out tokens, and takes in what is told.
struct Conductor<'a> {
    options: &'a SwarmOptions,
    gate: Gate,
    crew: Crew,
    news: Receiver<News>,
    scraper: Scraper,
    director: Director,
    /// Clients with lower numbers have had their turn to come.
    called: u32,
    timeline: Timeline,
    server: SocketAddr,
    started_at: Instant,
    started_unix_s: u64,
    window: (Instant, Instant),
    tokens: BTreeMap<u32, ConnectToken>,
    tokenless: Reasons,
    /// Of the server: at the start, at the start of the window, and now.
    first: Option<Reading>,
    before: Option<Reading>,
    latest: Option<Reading>,
    hearing: Hearing,
    /// Who needs a token to come back.
    lost: BTreeSet<u32>,
    /// By the number of the client.
    moods: Vec<Mood>,
    /// For the first client.
    record: Option<Box<RecordFile>>,
}

impl<'a> Conductor<'a> {
    /// The main thread looks after everything this often.
    const ROUND: Duration = Duration::from_millis(50);

    fn start(options: &'a SwarmOptions, gate: Gate, tokens: BTreeMap<u32, ConnectToken>) -> Result<Self, SwarmError> {
        let server = tokens.values().next().expect("there is a first token").servers()[0];
        let started_at = clock::now();
        let window = (started_at + options.load.warm_up(), started_at + options.load.duration());
        let plan = Plan {
            started_at,
            window_begin: window.0,
            window_end: window.1,
            links: options.links.clone(),
            bots: options.bots.clone(),
            thin: options.thin,
            seed: options.seed,
            schema: Arc::new(tidelock_arena::schema()),
            same_clock: is_local(server),
        };
        let (crew, news) = Crew::hire(&plan, options.load.clients_max(), options.share.of)?;
        Ok(Self {
            options,
            scraper: Scraper::start(gate.admin().clone(), started_at)?,
            gate,
            director: Director::new(options.load.clone(), Rng::stream(options.seed, u64::MAX - 1).next_u64()),
            called: 0,
            timeline: Timeline::new(crew.len()),
            crew,
            news,
            server,
            started_at,
            started_unix_s: clock::unix_s(),
            window,
            tokens,
            tokenless: Reasons::new(),
            first: None,
            before: None,
            latest: None,
            hearing: Hearing::default(),
            lost: BTreeSet::new(),
            moods: vec![Mood::Away; options.load.clients_max() as usize],
            record: None,
        })
    }

    fn conduct(mut self, watcher: &mut dyn Watcher, interrupt: &Interrupt) -> Result<Outcome, SwarmError> {
        let end = loop {
            let now = clock::now();
            self.direct(now);
            self.listen(watcher);
            if let Some(end) = self.end(now) {
                break end;
            }
            if interrupt.wait(self.round(now)) {
                watcher.note("interrupted: the figures are of the time until now");
                break End::Interrupted;
            }
        };
        self.finish(end, watcher)
    }

    /// Whether it is over.
    fn end(&self, now: Instant) -> Option<End> {
        if now >= self.window.1 {
            return Some(End::Planned);
        }
        if now >= self.window.0 && self.hearing.everybody_is_lost {
            return Some(End::NobodyLeft { after: now.since(self.started_at) });
        }
        self.hearing.gone_after().map(|after| End::ServerGone { after })
    }

    /// Until when to rest.
    fn round(&self, now: Instant) -> Duration {
        let next_act = self.director.next_at(now.since(self.started_at)).map(|at| self.started_at + at);
        let moments = [next_act, Some(self.window.1)];
        let ahead = moments.into_iter().flatten().map(|moment| moment.since(now));
        ahead.min().map_or(Self::ROUND, |ahead| ahead.clamp(Duration::from_millis(1), Self::ROUND))
    }

    /// Sends clients on and off as it is time.
    fn direct(&mut self, now: Instant) {
        while let Some(act) = self.director.act(now.since(self.started_at)) {
            if let Act::Start(client) = act {
                self.called = self.called.max(client + 1);
            }
            match act {
                Act::Start(client) if self.options.share.has(client) => self.send_on(client),
                Act::Leave(client) if self.options.share.has(client) => {
                    self.moods[client as usize] = Mood::Away;
                    self.crew.order(client, Order::Leave { client });
                }
                Act::Start(_) | Act::Leave(_) => {}
            }
            // Asking for tokens takes time: the rest of the round is not to wait for a whole ramp.
            if clock::now().since(now) > Self::ROUND {
                return;
            }
        }
    }

    fn send_on(&mut self, client: u32) {
        let token = self.tokens.remove(&client).map_or_else(|| self.token(client), Ok);
        match token {
            Ok(token) => {
                let record = if self.options.bots.is_hostile(client) { None } else { self.record.take() };
                self.crew.order(client, Order::Start { client, token: Box::new(token), record });
            }
            Err(error) => *self.tokenless.entry(error.to_string()).or_default() += 1,
        }
    }

    fn token(&self, client: u32) -> Result<ConnectToken, SwarmError> {
        self.gate.token(client_id(self.options.seed, client))
    }

    /// Takes in what workers and the server tell.
    fn listen(&mut self, watcher: &mut dyn Watcher) {
        while let Ok(news) = self.news.try_recv() {
            match news {
                News::Second { second, moods } => {
                    self.timeline.on_second(&second);
                    self.on_moods(&moods);
                }
                News::Moods(moods) => self.on_moods(&moods),
                News::Lost { client } => {
                    self.lost.insert(client);
                }
            }
        }
        self.help_lost();
        for reading in self.scraper.readings() {
            self.first.get_or_insert_with(|| reading.clone());
            if self.before.is_none() && reading.at >= self.window.0 {
                self.before = Some(reading.clone());
            }
            self.latest = Some(reading.clone());
            self.timeline.on_reading(reading);
        }
        while let Some(second) = self.timeline.next() {
            self.hearing.on_second(second);
            watcher.on_second(second);
            watcher.on_moods(&self.moods);
            if self.hearing.is_missing_answers() {
                let hint = self.silence_hint(self.latest.as_ref().map(|reading| &reading.figures));
                watcher.note(&format!("{} has let nobody in yet: {hint}", self.server));
            }
        }
    }

    /// Why the server, with these figures by now, may have said nothing to anybody.
    fn silence_hint(&self, now: Option<&ServerFigures>) -> String {
        let since_first = self.first.as_ref().zip(now).map(|(first, now)| now.since(&first.figures));
        self.gate.silence_hint(since_first.map(|figures| figures.refused_tokens()).as_ref())
    }

    /// Why nobody got in.
    fn why_not(&self, failed: &Reasons, now: Option<&ServerFigures>) -> String {
        let silences = [DisconnectCause::RequestTimedOut.to_string(), STILL_CONNECTING.to_owned()];
        match commonest(failed) {
            Some(reason) if silences.iter().any(|silence| silence == reason) => self.silence_hint(now),
            reason => reason.unwrap_or("the run ended too soon").to_owned(),
        }
    }

    /// Gives tokens to those who lost their connection, as many as there is time for: they ask again.
    fn help_lost(&mut self) {
        let began = clock::now();
        while clock::now().since(began) < Self::ROUND
            && let Some(client) = self.lost.pop_first()
        {
            match self.token(client) {
                Ok(token) => self.crew.order(client, Order::Resume { client, token: Box::new(token) }),
                // Where there are none to be had, all would wait for the answer.
                Err(_) => self.lost.clear(),
            }
        }
    }

    fn on_moods(&mut self, moods: &[(u32, Mood)]) {
        for (client, mood) in moods {
            if let Some(known) = self.moods.get_mut(*client as usize) {
                *known = *mood;
            }
        }
    }

    /// Ends the window, if it has not ended, and puts everything together.
    fn finish(mut self, end: End, watcher: &mut dyn Watcher) -> Result<Outcome, SwarmError> {
        let ended_at = match end {
            End::ServerGone { after } => self.started_at + after + Hearing::NOTICED_AFTER,
            End::Planned | End::Interrupted | End::NobodyLeft { .. } => clock::now(),
        };
        self.crew.order_all(|| Order::Stop { at: ended_at });
        let after = self.gate.admin().figures().map(|figures| (clock::now(), figures));
        let (reports, hostile) = self.crew.join()?;
        self.listen(watcher);
        // Of a server that is gone, what it told last.
        let after = after.or_else(|| self.latest.take().map(|reading| (reading.at, reading.figures)));
        while let Some(second) = self.timeline.next_of_rest() {
            watcher.on_second(second);
        }
        let server = self.before.as_ref().zip(after.as_ref()).map(|(before, (ended, after))| ServerRun {
            figures: after.since(&before.figures),
            over_us: ended.since(before.at).as_micros() as u64,
        });
        let run = Run {
            setup: setup(self.options),
            origin: self.origin(),
            cut_short: end.cut_short(),
            called: self.options.players().filter(|client| *client < self.called).count() as u64,
            profiles: profiles(self.options, &reports, &self.tokenless),
            duration_us: ended_at.since(self.started_at).as_micros() as u64,
            measured_us: reports.iter().map(|report| report.measured.as_micros() as u64).max().unwrap_or(0),
            cpu_us: reports.iter().map(|report| report.cpu.as_micros() as u64).collect(),
            hostile,
            server,
            same_clock: is_local(self.server),
            timeline: self.timeline.finish(ended_at.since(self.started_at)),
        };
        let attendance = run.account().attendance;
        if attendance.connected == 0 {
            let why = self.why_not(&attendance.failed, after.as_ref().map(|(_, figures)| figures));
            let clients = u64::from(self.options.load.clients_max());
            return Err(SwarmError::NobodyConnected { clients, address: self.server.to_string(), why });
        }
        self.scraper.stop();
        let recorded = reports.into_iter().try_for_each(|report| report.recorded);
        Ok(Outcome { run, end, recorded, closed: self.gate.close() })
    }

    fn origin(&self) -> Origin {
        let server = match &self.options.target {
            Target::Embedded(_) => Origin::EMBEDDED.to_owned(),
            Target::Remote(_) => self.server.to_string(),
        };
        Origin {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commands: vec![self.options.command.clone()],
            machines: vec![machine()],
            server,
            started_unix_s: self.started_unix_s,
        }
    }

    /// What a recording says of this run.
    fn header(&self) -> Header {
        let schema = tidelock_arena::schema();
        header(self.options, &self.server.to_string(), &schema, is_local(self.server), self.started_at)
    }
}

/// Unlike those of another seed's swarm on the same server, and below 2^53: some JSON readers know no larger numbers.
fn client_id(seed: u64, index: u32) -> ClientId {
    let swarm = Rng::stream(seed, u64::MAX).next_u64() >> 35;
    ClientId((swarm << 24) + u64::from(index) + 1)
}

fn setup(options: &SwarmOptions) -> Setup {
    let stages = options.load.all_stages().iter();
    let stages = stages.map(|stage| StageSummary { duration_s: stage.lasts.as_secs_f64(), clients: stage.clients });
    Setup {
        clients: options.players().count() as u64,
        load: LoadSummary { stages: stages.collect(), churn_per_s: options.load.churn_hz() },
        profile: options.links.mix().to_string(),
        bots: options.bots.name().to_owned(),
        thin: options.thin.0,
        seed: options.seed,
        workers: vec![options.share.worker],
        workers_of: options.share.of,
    }
}

/// Everything by kind of link. Who got no token had none: it is told with the first.
fn profiles(options: &SwarmOptions, reports: &[WorkerReport], tokenless: &Reasons) -> BTreeMap<String, ProfileRun> {
    let mut profiles = BTreeMap::new();
    for (position, (name, link)) in options.links.kinds().enumerate() {
        let mut profile = ProfileRun { conditioner: link.into(), ..ProfileRun::default() };
        reports.iter().for_each(|report| profile.account.add(&report.accounts[position]));
        if position == 0 {
            profile.account.attendance.failed.extend(tokenless.clone());
        }
        profiles.insert(name.to_owned(), profile);
    }
    profiles
}
