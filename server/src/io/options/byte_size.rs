use super::one_of;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A number of bytes as people write it: `64KiB`, `1MiB`, `64kB`, `65536`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteSize(pub u32);

/// Bytes in each unit; the binary ones, which are printed, first and in falling order.
const UNITS: [(&str, u64); 8] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("", 1),
];

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no size such as 64KiB, 1MiB or 65536, below 4GiB");
        let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (count, unit) = text.split_at(unit_at);
        let unit_bytes = one_of(&UNITS, unit).ok_or_else(wrong)?;
        let count: u64 = count.parse().map_err(|_| wrong())?;
        let bytes = count.checked_mul(unit_bytes).ok_or_else(wrong)?;
        u32::try_from(bytes).map(Self).map_err(|_| wrong())
    }
}

/// In the largest binary unit that divides it.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = u64::from(self.0);
        let divides = |(_, unit_bytes): &(&str, u64)| bytes > 0 && bytes.is_multiple_of(*unit_bytes);
        let (unit, unit_bytes) = UNITS.into_iter().find(divides).unwrap_or(("B", 1));
        write!(f, "{}{unit}", bytes / unit_bytes)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u64),
    Text(String),
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Written::deserialize(deserializer)? {
            Written::Number(bytes) => bytes.to_string(),
            Written::Text(text) => text,
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [("64KiB", 65_536), ("1MiB", 1 << 20), ("64kB", 64_000), ("10B", 10), ("123", 123)] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
    }

    #[test]
    fn sizes_that_are_none_are_refused() {
        for text in
            ["", "KiB", "-1", "1.5MiB", "64 KiB", "64kib", "4GiB", "99999999999999999999", "18446744073709551615GiB"]
        {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_print_as_they_are_read() {
        for text in ["64KiB", "1MiB", "3GiB", "1000B", "0B"] {
            assert_eq!(text.parse::<ByteSize>().unwrap().to_string(), text);
        }
    }
}
