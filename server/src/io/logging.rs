use super::clock;
use super::options::{LogFormat, LogLevel};
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Lines that wait for whoever reads standard error; more are dropped, and counted.
const LINES_MAX: usize = 1024;
/// How long the end of the program waits for them.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// Set when it is to be known before the log is started.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();
/// Set when the log goes to standard error as JSON.
static JSON: OnceLock<LogWriter> = OnceLock::new();

/// Sends the log to standard error, from a thread of its own: a reader that has stopped reading stops no tick. Does nothing if the
/// program has a log already.
pub(super) fn start(level: LogLevel, format: LogFormat) -> io::Result<LogWriter> {
    let level = match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let writer = LogWriter::start()?;
    let log = tracing_subscriber::fmt().with_max_level(level).with_writer(writer.clone()).with_target(false);
    let _ = match format {
        LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init().map(|()| log_panics(&writer)),
    };
    Ok(writer)
}

/// Whoever collects lines of JSON gets nothing else.
fn log_panics(writer: &LogWriter) {
    let _ = JSON.set(writer.clone());
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let text = panic.payload_as_str().unwrap_or("it says nothing");
        tracing::error!(place, thread = std::thread::current().name(), "panicked: {text}");
    }));
}

/// A program that ends before its log is started says why in this format, if it was said first.
pub(super) fn prepare(format: Option<LogFormat>) {
    if let Some(format) = format {
        FORMAT.get_or_init(|| format);
    }
}

/// The last words of a program that ends otherwise than well.
pub(super) fn complain(failure: &dyn std::fmt::Display) {
    if let (None, Some(LogFormat::Json)) = (JSON.get(), FORMAT.get()) {
        // Without a thread for it there is plain text.
        let _ = start(LogLevel::Error, LogFormat::Json);
    }
    if let Some(writer) = JSON.get() {
        tracing::error!("{failure}");
        writer.flush();
    } else {
        // With standard error closed there is nobody to tell.
        let _ = writeln!(io::stderr(), "error: {failure}");
    }
}

/// Takes lines for standard error and never waits.
#[derive(Clone, Debug)]
pub(super) struct LogWriter {
    lines: SyncSender<Line>,
}

#[derive(Debug)]
enum Line {
    Text(Vec<u8>),
    /// All before it has been written when this is answered.
    Flush(SyncSender<()>),
}

/// Lines that found no room, until that is said.
static DROPPED: AtomicU64 = AtomicU64::new(0);

impl LogWriter {
    fn start() -> io::Result<Self> {
        let (lines, waiting) = sync_channel(LINES_MAX);
        let builder = std::thread::Builder::new().name("tidelock-log".to_owned());
        builder.spawn(move || write(&waiting))?;
        Ok(Self { lines })
    }

    /// Waits until what was said is written, if somebody reads it.
    pub(super) fn flush(&self) {
        let give_up_at = clock::now() + FLUSH_TIMEOUT;
        let (written, is_written) = sync_channel(1);
        let mut flush = Line::Flush(written);
        while let Err(error) = self.lines.try_send(flush) {
            let std::sync::mpsc::TrySendError::Full(unsent) = error else { return };
            if clock::now() >= give_up_at {
                return;
            }
            flush = unsent;
            clock::sleep_until(clock::now() + Duration::from_millis(5));
        }
        let _: Result<(), RecvTimeoutError> = is_written.recv_timeout(give_up_at.since(clock::now()));
    }
}

fn write(lines: &Receiver<Line>) {
    for line in lines {
        // Where nobody can be told, the next line may have more luck.
        let _ = match line {
            Line::Text(text) => io::stderr().write_all(&text),
            Line::Flush(written) => {
                let _ = written.try_send(());
                Ok(())
            }
        };
        let dropped = DROPPED.swap(0, Relaxed);
        if dropped > 0 {
            tracing::warn!(dropped, "lines of the log found no room, as nobody read them");
        }
    }
}

impl Write for LogWriter {
    /// One event is one call.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.lines.try_send(Line::Text(line.to_vec())).is_err() {
            DROPPED.fetch_add(1, Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
