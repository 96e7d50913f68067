use crate::state::State;
use std::io::{self, Read, Write};

/// What the entities of a game did: where they were at first, and then for each tick the new state of those that changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// By index: avatars first.
    pub first: Vec<State>,
    /// For each tick, by ascending index.
    pub steps: Vec<Vec<(u32, State)>>,
}

/// Why a recording cannot be read.
#[derive(Debug)]
pub enum RecordingError {
    /// Of the file.
    Io(io::Error),
    /// It is something else.
    Foreign,
    /// A state is of an entity that there is none of.
    Index(u32),
}

const MAGIC: &[u8; 8] = b"TLKPLAY1";
/// Index, seven numbers and health.
const ROW_BYTES: usize = 4 + 7 * 4 + 1;

impl Recording {
    /// Writes it, all little-endian.
    ///
    /// ```text
    /// "TLKPLAY1" | entities u32 | ticks u32 | a row for each entity | for each tick: rows u32 | its rows
    /// row: index u32 | position f32 × 3 | velocity f32 × 3 | yaw f32 | health u8
    /// ```
    ///
    /// # Errors
    /// Of the file.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(MAGIC)?;
        out.write_all(&(self.first.len() as u32).to_le_bytes())?;
        out.write_all(&(self.steps.len() as u32).to_le_bytes())?;
        for (index, state) in (0..).zip(&self.first) {
            out.write_all(&row(index, state))?;
        }
        for step in &self.steps {
            out.write_all(&(step.len() as u32).to_le_bytes())?;
            for (index, state) in step {
                out.write_all(&row(*index, state))?;
            }
        }
        Ok(())
    }

    /// Reads what [`Recording::write`] wrote.
    ///
    /// # Errors
    /// [`RecordingError`].
    pub fn read(file: &mut impl Read) -> Result<Self, RecordingError> {
        let mut magic = [0; 8];
        file.read_exact(&mut magic)?;
        if magic != *MAGIC {
            return Err(RecordingError::Foreign);
        }
        let (entities, ticks) = (number(file)?, number(file)?);
        let mut recording = Self::default();
        for _ in 0..entities {
            recording.first.push(read_row(file, entities)?.1);
        }
        for _ in 0..ticks {
            let rows = number(file)?;
            let step: Result<Vec<_>, RecordingError> = (0..rows).map(|_| read_row(file, entities)).collect();
            recording.steps.push(step?);
        }
        Ok(recording)
    }
}

fn row(index: u32, state: &State) -> [u8; ROW_BYTES] {
    let mut row = [0; ROW_BYTES];
    row[..4].copy_from_slice(&index.to_le_bytes());
    let numbers = state.position.iter().chain(&state.velocity).chain([&state.yaw]);
    for (place, number) in row[4..].chunks_exact_mut(4).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    row[ROW_BYTES - 1] = state.health;
    row
}

fn read_row(file: &mut impl Read, entities: u32) -> Result<(u32, State), RecordingError> {
    let mut row = [0; ROW_BYTES];
    file.read_exact(&mut row)?;
    let word = |n: usize| [row[4 * n], row[4 * n + 1], row[4 * n + 2], row[4 * n + 3]];
    let number = |n: usize| f32::from_le_bytes(word(n));
    let index = u32::from_le_bytes(word(0));
    if index >= entities {
        return Err(RecordingError::Index(index));
    }
    let state = State {
        position: [1, 2, 3].map(number),
        velocity: [4, 5, 6].map(number),
        yaw: number(7),
        health: row[ROW_BYTES - 1],
    };
    Ok((index, state))
}

fn number(file: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    file.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

impl From<io::Error> for RecordingError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl std::fmt::Display for RecordingError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the recording cannot be read: {error}"),
            Self::Foreign => f.write_str("the file is no recording"),
            Self::Index(index) => write!(f, "the recording tells of entity {index}, which it does not have"),
        }
    }
}

impl std::error::Error for RecordingError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_comes_back_as_it_was() {
        let state = State { position: [1.5, 2.5, 3.5], velocity: [-8.0, 8.0, 0.25], yaw: -3.0, health: 77 };
        let recording =
            Recording { first: vec![State::default(), state], steps: vec![vec![], vec![(0, state), (1, state)]] };
        let mut bytes = Vec::new();
        recording.write(&mut bytes).unwrap();
        assert_eq!(Recording::read(&mut &bytes[..]).unwrap(), recording);
        assert!(Recording::read(&mut &bytes[..bytes.len() - 1]).is_err());
        bytes[0] = b'X';
        assert!(matches!(Recording::read(&mut &bytes[..]), Err(RecordingError::Foreign)));
    }
}
