use super::bytes::Body;
use super::entry::{Entry, Header, What};
use super::{BODY_BYTES_MAX, MAGIC, VERSION};
use std::io::{self, Read};
use tidelock::Instant;

/// Reads a recording, entry by entry. Whatever the bytes are, it ends, and takes no more memory than an entry may have.
#[derive(Debug)]
pub struct Reader<R: Read> {
    input: R,
    header: Header,
    /// Of the last entry.
    at: Instant,
    body: Vec<u8>,
    is_complete: bool,
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It begins like something else.
    #[error("it is no recording of a client")]
    Foreign,
    /// Made by another version of the program.
    #[error("it is of version {0}, and this program reads version {VERSION}")]
    Version(u16),
    /// It ends before it tells anything.
    #[error("it is cut off before it tells whose recording it is")]
    NoHeader,
    /// Some entry is not as the format has it.
    #[error("it is damaged: an entry of kind {kind} is not well-formed")]
    Damaged {
        /// The entry's.
        kind: u8,
    },
    /// Of the file.
    #[error("it cannot be read")]
    Io(#[from] io::Error),
}

/// No recording is longer: 12 days. What claims to be is damaged.
const LASTS_US_MAX: u64 = 1 << 40;

impl<R: Read> Reader<R> {
    /// Reads how it begins.
    ///
    /// # Errors
    /// If it is no recording, or tells nothing.
    pub fn new(mut input: R) -> Result<Self, ReadError> {
        let mut head = [0; MAGIC.len() + 2];
        let length = read_fully(&mut input, &mut head)?;
        let magic = &head[..length.min(MAGIC.len())];
        if magic != &MAGIC[..magic.len()] || magic.is_empty() {
            return Err(ReadError::Foreign);
        }
        if length < head.len() {
            return Err(ReadError::NoHeader);
        }
        let version = u16::from_le_bytes([head[MAGIC.len()], head[MAGIC.len() + 1]]);
        if version != VERSION {
            return Err(ReadError::Version(version));
        }
        let at = Instant::default();
        let mut reader = Self { input, header: Header::default(), at, body: Vec::new(), is_complete: false };
        let kind = reader.read_body()?.ok_or(ReadError::NoHeader)?;
        let mut body = Body(&reader.body);
        match body.zigzag().and_then(|_| What::read(kind, &mut body)) {
            Ok(Some(What::Begin(header))) => reader.header = header,
            _ => return Err(ReadError::Damaged { kind }),
        }
        reader.at = reader.header.start;
        Ok(reader)
    }

    /// Whose recording it is.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Whether the end has been read: else the recording was cut off, or there is more.
    pub const fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// The next entry of a kind that is known; `None` at the end, or where the recording was cut off.
    ///
    /// # Errors
    /// If it is damaged there.
    pub fn read(&mut self) -> Result<Option<Entry>, ReadError> {
        while let Some(kind) = self.read_body()? {
            let damaged = |_| ReadError::Damaged { kind };
            let mut body = Body(&self.body);
            self.at = self.time_after(body.zigzag().map_err(damaged)?).ok_or(ReadError::Damaged { kind })?;
            match What::read(kind, &mut body).map_err(damaged)? {
                None => {}
                Some(What::Begin(_)) => return Err(ReadError::Damaged { kind }),
                Some(what) => {
                    self.is_complete = what == What::End;
                    return Ok(Some(Entry { at: self.at, what }));
                }
            }
        }
        Ok(None)
    }

    /// Some time after the last entry, if a recording may last that long.
    fn time_after(&self, after_us: i64) -> Option<Instant> {
        let us = self.at.as_us().checked_add_signed(after_us)?;
        // A datagram may have come just before the recording began.
        let start = self.header.start.as_us();
        (us.abs_diff(start) <= LASTS_US_MAX).then(|| Instant::from_us(us))
    }

    /// Reads a whole entry, and says of which kind it is; `None` if there is none any more.
    fn read_body(&mut self) -> Result<Option<u8>, ReadError> {
        if self.is_complete {
            return Ok(None);
        }
        let mut kind = [0];
        if read_fully(&mut self.input, &mut kind)? == 0 {
            return Ok(None);
        }
        let [kind] = kind;
        let Some(length) = self.read_length(kind)? else { return Ok(None) };
        self.body.clear();
        let read = self.input.by_ref().take(length).read_to_end(&mut self.body)?;
        Ok((read as u64 == length).then_some(kind))
    }

    fn read_length(&mut self, kind: u8) -> Result<Option<u64>, ReadError> {
        let mut length = 0;
        for shift in (0..21).step_by(7) {
            let mut byte = [0];
            if read_fully(&mut self.input, &mut byte)? == 0 {
                return Ok(None);
            }
            length |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] & 0x80 == 0 {
                let fits = length <= BODY_BYTES_MAX as u64;
                return if fits { Ok(Some(length)) } else { Err(ReadError::Damaged { kind }) };
            }
        }
        Err(ReadError::Damaged { kind })
    }
}

/// Reads until the buffer is full or the input at its end, and says how much that was.
fn read_fully(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match input.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
