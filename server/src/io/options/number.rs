use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A number of 64 bits: decimal, or hexadecimal after `0x`. TOML's own integers end at 2^63, so text does as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number(pub u64);

impl FromStr for Number {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (digits, radix) = text.strip_prefix("0x").map_or((text, 10), |digits| (digits, 16));
        let parsed = u64::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'));
        parsed.map(Self).ok_or_else(|| format!("`{text}` is no number from 0 to 2^64 - 1, decimal or 0x..."))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u64),
    Text(String),
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Number(number) => Ok(Self(number)),
            Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

/// As text such as `0x2a`.
pub(super) fn in_hex<S: Serializer>(number: &Number, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{:#x}", number.0))
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match i64::try_from(self.0) {
            Ok(number) => serializer.serialize_i64(number),
            Err(_) => serializer.collect_str(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal_or_hexadecimal() {
        for (text, number) in [("0", 0), ("42", 42), ("0x2a", 42), ("18446744073709551615", u64::MAX)] {
            assert_eq!(text.parse(), Ok(Number(number)), "{text}");
        }
        for text in ["", "0x", "-1", "+1", "0x+1", "1e3", "18446744073709551616"] {
            assert!(text.parse::<Number>().is_err(), "{text}");
        }
    }
}
