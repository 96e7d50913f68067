use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::eventfd::EventFd;
use tidelock::netcode::ConnectToken;
use tidelock::{ClientId, Instant};

use super::gate::{Gate, is_local};
use super::options::SwarmOptions;
use super::poller::Poller;
use super::progress::{Progress, Sum};
use super::record::{RecordFile, header};
use super::report::{Measured, ServerMeasured};
use super::server_figures::ServerFigures;
use super::summary::Summary;
use super::system::{Interrupt, make_room};
use super::totals::{Reasons, STILL_CONNECTING, commonest};
use super::worker::{Order, Plan, Worker, WorkerProgress, WorkerReport};
use super::{SwarmError, clock};
use crate::link::Rng;
use crate::recording::Header;

/// The figures of a run, and whether its recording lacks something.
type Recorded = (Summary, Result<(), SwarmError>);

/// Runs a swarm to its end, or until Ctrl-C, and says what it measured.
///
/// # Errors
/// Any [`SwarmError`]: then there are no figures.
pub fn run(options: &SwarmOptions) -> Result<Summary, SwarmError> {
    conduct(options, None).map(|(summary, _)| summary)
}

/// The same, and writes into a file what the first client receives and does. Also says whether that lacks something.
///
/// # Errors
/// As [`run`], and if the file cannot be created.
pub fn record(options: &SwarmOptions, file: &Path) -> Result<(Summary, Result<(), SwarmError>), SwarmError> {
    let created = RecordFile::create(file)?;
    conduct(options, Some((file, created)))
}

fn conduct(options: &SwarmOptions, file: Option<(&Path, File)>) -> Result<Recorded, SwarmError> {
    let interrupt = Interrupt::install()?;
    make_room(options.clients)?;
    let gate = Gate::open(&options.target, options.clients, options.seed)?;
    let first_token = gate.token(client_id(options.seed, 0))?;
    let mut run = Run::start(options, gate, &first_token)?;
    run.record = file.map(|(path, file)| Box::new(RecordFile::begin(path, file, run.header())));
    run.conduct(first_token, &interrupt)
}

/// A swarm that runs, seen from the main thread: it hands out tokens, reads the server's figures, tells the progress.
struct Run<'a> {
    options: &'a SwarmOptions,
    gate: Gate,
    crew: Vec<Hand>,
    progress: Progress,
    server: SocketAddr,
    started_at: Instant,
    window: (Instant, Instant),
    /// Clients that have got their token, or never will.
    served: u32,
    tokenless: Reasons,
    before: Option<(Instant, ServerFigures)>,
    /// For the first client.
    record: Option<Box<RecordFile>>,
}

/// One worker, and the ways to reach it.
struct Hand {
    orders: Sender<Order>,
    call: Arc<EventFd>,
    progress: Arc<Mutex<WorkerProgress>>,
    thread: JoinHandle<Result<WorkerReport, SwarmError>>,
}

impl<'a> Run<'a> {
    /// The main thread looks after everything this often.
    const ROUND: Duration = Duration::from_millis(50);
    /// Below, one worker is enough for any machine.
    const CLIENTS_PER_WORKER: u32 = 500;

    fn start(options: &'a SwarmOptions, gate: Gate, first_token: &ConnectToken) -> Result<Self, SwarmError> {
        let started_at = clock::now();
        let window = (started_at + options.warm_up(), started_at + options.duration);
        let plan = Plan {
            window_begin: window.0,
            window_end: window.1,
            down: options.down,
            up: options.up,
            bots: options.bots.clone(),
            seed: options.seed,
            schema: Arc::new(tidelock_arena::schema()),
        };
        let workers = if options.clients <= Self::CLIENTS_PER_WORKER { 1 } else { 2 };
        let crew = (0..workers).map(|_| Hand::hire(&plan)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            options,
            gate,
            crew,
            progress: Progress::new(options.quiet, started_at),
            server: first_token.servers()[0],
            started_at,
            window,
            served: 0,
            tokenless: Reasons::new(),
            before: None,
            record: None,
        })
    }

    fn conduct(mut self, first_token: ConnectToken, interrupt: &Interrupt) -> Result<Recorded, SwarmError> {
        self.serve(0, Ok(first_token));
        loop {
            let now = clock::now();
            self.serve_due(now);
            if self.before.is_none() && now >= self.window.0 {
                self.before = self.gate.figures().map(|figures| (now, figures));
            }
            let sum = self.sum();
            self.progress.show(now, now.since(self.started_at), self.options.duration, sum);
            let everybody_is_gone = self.served == self.options.clients
                && sum.all.started + self.tokenless.values().sum::<u64>() >= u64::from(self.options.clients)
                && sum.all.over >= sum.all.started;
            if now >= self.window.1 || everybody_is_gone {
                break;
            }
            if interrupt.wait(self.round(now)) {
                self.progress.note("interrupted: the figures are of the time until now");
                break;
            }
        }
        self.finish()
    }

    /// Until when to rest.
    fn round(&self, now: Instant) -> Duration {
        let next_client = (self.served < self.options.clients).then(|| self.due(self.served));
        let moments = [next_client, Some(self.window.0), Some(self.window.1)];
        let ahead = moments.into_iter().flatten().filter(|moment| *moment > now).map(|moment| moment.since(now));
        ahead.min().map_or(Self::ROUND, |ahead| ahead.clamp(Duration::from_millis(1), Self::ROUND))
    }

    /// Gives tokens to the clients whose turn in the ramp has come.
    fn serve_due(&mut self, now: Instant) {
        while self.served < self.options.clients && self.due(self.served) <= now {
            // Asking takes time: the rest of the round is not to wait for a whole ramp.
            if clock::now().since(now) > Self::ROUND {
                return;
            }
            let token = self.gate.token(client_id(self.options.seed, self.served));
            self.serve(self.served, token);
        }
    }

    fn serve(&mut self, index: u32, token: Result<ConnectToken, SwarmError>) {
        self.served = index + 1;
        match token {
            Ok(token) => {
                let worker = index as usize % self.crew.len();
                self.crew[worker].order(Order::Start { index, token: Box::new(token), record: self.record.take() });
            }
            Err(error) => *self.tokenless.entry(error.to_string()).or_default() += 1,
        }
    }

    /// When a client's turn in the ramp comes.
    fn due(&self, index: u32) -> Instant {
        self.started_at + self.options.ramp_effective() * index / self.options.clients
    }

    fn sum(&self) -> Sum {
        let mut sum = Sum::default();
        for hand in &self.crew {
            sum.add(&hand.progress.lock().expect("nobody panics with the progress in hand"));
        }
        sum
    }

    /// Ends the window, if it has not ended, and puts everything together.
    fn finish(self) -> Result<Recorded, SwarmError> {
        let (ended_at, same_clock) = (clock::now(), self.same_clock());
        self.crew.iter().for_each(|hand| hand.order(Order::Stop));
        let after = self.gate.figures().map(|figures| (clock::now(), figures));
        let mut reports = Vec::new();
        for hand in self.crew {
            // The panic has been printed; there is nothing to add.
            let report = hand.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            reports.push(report?);
        }
        self.progress.end();
        let measured = Measured::add_up(&reports, &self.tokenless);
        if measured.totals.connected == 0 {
            return Err(nobody_connected(self.options, self.server, &self.gate, &measured.totals.failed));
        }
        let server = self.before.zip(after).map(|((began, before), (ended, after))| ServerMeasured {
            figures: after.since(&before),
            over: ended.since(began),
            is_embedded: self.gate.is_embedded(),
        });
        self.gate.close()?;
        let summary = measured.summary(self.options, ended_at.since(self.started_at), server.as_ref(), same_clock);
        Ok((summary, reports.into_iter().try_for_each(|report| report.recorded)))
    }

    /// Whether the server reads the same clock: an age is a difference.
    fn same_clock(&self) -> bool {
        self.gate.is_embedded() || is_local(self.server)
    }

    /// What a recording says of this run.
    fn header(&self) -> Header {
        let schema = tidelock_arena::schema();
        header(self.options, &self.server.to_string(), &schema, self.same_clock(), self.started_at)
    }
}

impl Hand {
    fn hire(plan: &Plan) -> Result<Self, SwarmError> {
        let (orders, inbox) = channel();
        let call = Poller::call().map_err(SwarmError::system("making an event"))?;
        let poller = Poller::new(Arc::clone(&call)).map_err(SwarmError::system("making a poller"))?;
        let progress = Arc::new(Mutex::new(WorkerProgress::default()));
        let worker = Worker::new(plan.clone(), inbox, poller, Arc::clone(&progress));
        let builder = std::thread::Builder::new().name("tidelock-swarm".to_owned());
        let thread = builder.spawn(move || worker.run()).map_err(SwarmError::system("starting a thread"))?;
        Ok(Self { orders, call, progress, thread })
    }

    /// A worker that has ended needs no orders.
    fn order(&self, order: Order) {
        if self.orders.send(order).is_ok() {
            let _ = self.call.write(1);
        }
    }
}

/// Unlike those of another seed's swarm on the same server, and below 2^53: some JSON readers know no larger numbers.
fn client_id(seed: u64, index: u32) -> ClientId {
    let swarm = Rng::stream(seed, u64::MAX).next_u64() >> 35;
    ClientId((swarm << 24) + u64::from(index) + 1)
}

fn nobody_connected(options: &SwarmOptions, server: SocketAddr, gate: &Gate, failed: &Reasons) -> SwarmError {
    let reason = commonest(failed).unwrap_or("the run ended too soon");
    let is_silence = reason.ends_with("timed_out") || reason == STILL_CONNECTING;
    let why = if is_silence { gate.silence_hint() } else { reason };
    SwarmError::NobodyConnected {
        clients: u64::from(options.clients),
        address: server.to_string(),
        why: why.to_owned(),
    }
}
