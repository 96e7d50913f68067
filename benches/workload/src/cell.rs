use crate::recording::{Recording, RecordingError};
use crate::world::World;
use serde::Serialize;
use std::path::PathBuf;

/// One cell of the tables: how much there is of everything, and which variant of a library runs it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// How many entities.
    pub entities: usize,
    /// How many clients.
    pub clients: usize,
    /// Which share of the entities walks.
    pub moving: f32,
    /// Whether clients see only what is near them.
    pub interest: bool,
    /// Whether links are bad, each in its own way: [`Spread::WIDE`](crate::Spread::WIDE).
    pub spread: bool,
    /// What the entities do instead of walking.
    pub recording: Option<PathBuf>,
    /// Ticks that are run before any is measured.
    pub warmup_ticks: u64,
    /// Ticks that are measured.
    pub ticks: u64,
    /// Ticks in which nothing happens and nothing is lost any more, before clients' copies are counted.
    pub quiet_ticks: u64,
    /// How many clients are real at least; the others only acknowledge, where the library lets that be told apart.
    pub real: usize,
    /// Of the library.
    pub variant: String,
}

/// What is wrong with the arguments.
#[derive(Debug)]
pub enum CellError {
    /// There is no such argument.
    Unknown(String),
    /// The argument has no value, or one that is none.
    Value(String),
    /// More clients than entities.
    Clients,
    /// The recording cannot be read.
    Recording(RecordingError),
}

impl Default for Cell {
    fn default() -> Self {
        Self {
            entities: 1000,
            clients: 10,
            moving: 1.0,
            interest: false,
            spread: false,
            recording: None,
            warmup_ticks: 60,
            ticks: 200,
            quiet_ticks: 60,
            real: 1,
            variant: String::new(),
        }
    }
}

impl Cell {
    /// Reads a program's arguments: `--entities 1000 --clients 100 --moving 0.1 --interest --spread --recording FILE
    /// --warmup-ticks 60 --ticks 200 --quiet-ticks 60 --real 1 --variant NAME`, each of which may be left out.
    ///
    /// # Errors
    /// [`CellError`].
    pub fn from_arguments(arguments: impl IntoIterator<Item = String>) -> Result<Self, CellError> {
        let mut cell = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| CellError::Value(name.clone()));
            match name.strip_prefix("--").unwrap_or_default() {
                "entities" => cell.entities = number(&name, &value()?)?,
                "clients" => cell.clients = number(&name, &value()?)?,
                "moving" => cell.moving = number(&name, &value()?)?,
                "interest" => cell.interest = true,
                "spread" => cell.spread = true,
                "recording" => cell.recording = Some(value()?.into()),
                "warmup-ticks" => cell.warmup_ticks = number(&name, &value()?)?,
                "ticks" => cell.ticks = number(&name, &value()?)?,
                "quiet-ticks" => cell.quiet_ticks = number(&name, &value()?)?,
                "real" => cell.real = number(&name, &value()?)?,
                "variant" => cell.variant = value()?,
                _ => return Err(CellError::Unknown(name)),
            }
        }
        Ok(cell)
    }

    /// The cell of this program's arguments, or the end of the program with a message.
    #[must_use]
    pub fn of_this_program() -> Self {
        Self::from_arguments(std::env::args().skip(1)).unwrap_or_else(|error| fail(&error))
    }

    /// The world of this cell, or the end of the program with a message.
    #[must_use]
    pub fn world_of_this_program(&mut self) -> World {
        self.world().unwrap_or_else(|error| fail(&error))
    }

    /// The world of this cell. A recording says itself how many entities there are.
    ///
    /// # Errors
    /// [`CellError::Recording`], [`CellError::Clients`].
    pub fn world(&mut self) -> Result<World, CellError> {
        let recording = self.recording.as_ref().map(|path| {
            let file = std::fs::File::open(path).map_err(|error| CellError::Recording(error.into()))?;
            Recording::read(&mut std::io::BufReader::new(file)).map_err(CellError::Recording)
        });
        let recording = recording.transpose()?;
        if let Some(recording) = &recording {
            self.entities = recording.first.len();
        }
        if self.clients > self.entities {
            return Err(CellError::Clients);
        }
        Ok(match recording {
            Some(recording) => World::replay(recording, self.clients),
            None => World::new(self.entities, self.clients, self.moving),
        })
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, CellError> {
    value.parse().map_err(|_| CellError::Value(name.to_owned()))
}

#[expect(clippy::print_stderr, reason = "a program that cannot start says why")]
fn fail(error: &CellError) -> ! {
    eprintln!("{error}");
    std::process::exit(2)
}

impl std::fmt::Display for CellError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "there is no argument `{name}`"),
            Self::Value(name) => write!(f, "`{name}` needs a value, and takes only some"),
            Self::Clients => f.write_str("there are more clients than entities to be their avatars"),
            Self::Recording(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CellError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_say_what_is_run() {
        let read = |line: &str| Cell::from_arguments(line.split_whitespace().map(str::to_owned));
        let cell = read("--entities 100 --moving 0.1 --interest --variant quant").unwrap();
        let expected =
            Cell { entities: 100, moving: 0.1, interest: true, variant: "quant".to_owned(), ..Cell::default() };
        assert_eq!(cell, expected);
        assert!(matches!(read("--speed 3"), Err(CellError::Unknown(_))));
        assert!(matches!(read("ticks 3"), Err(CellError::Unknown(_))));
        assert!(matches!(read("--ticks"), Err(CellError::Value(_))));
        assert!(matches!(read("--ticks many"), Err(CellError::Value(_))));
        assert!(matches!(read("--entities 5").unwrap().world(), Err(CellError::Clients)));
    }
}
