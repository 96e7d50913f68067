use std::fmt;
use std::str::FromStr;

/// The kinds of bots there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BotKind {
    /// See [`Wanderer`](super::Wanderer).
    Wander,
    /// See [`Fighter`](super::Fighter).
    Fight,
    /// See [`Idler`](super::Idler).
    Idle,
}

impl BotKind {
    const ALL: [Self; 3] = [Self::Wander, Self::Fight, Self::Idle];

    /// As on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wander => "wander",
            Self::Fight => "fight",
            Self::Idle => "idle",
        }
    }
}

/// Who plays: one kind, or several by weight, as in `wander=3,fight=1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BotMix {
    /// No weight is zero.
    weights: Vec<(BotKind, u32)>,
}

/// Why a text is no mix of bots.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BotMixError {
    /// No such bot.
    #[error("there is no bot called `{0}`: use wander, fight, idle, or a mix such as wander=3,fight=1")]
    Kind(String),
    /// Named twice.
    #[error("`{0}` is named twice")]
    Twice(&'static str),
    /// The weight is no number from 1 to 1000.
    #[error("`{0}` is no weight: use a whole number from 1 to 1000, as in wander=3,fight=1")]
    Weight(String),
}

impl BotMix {
    const WEIGHT_MAX: u32 = 1000;

    /// The kind of the client with this index. Any run of clients as long as the sum of the weights has exactly the mix,
    /// and the kinds alternate as evenly as they can.
    #[must_use]
    pub fn kind(&self, index: u32) -> BotKind {
        let total: u32 = self.weights.iter().map(|(_, weight)| weight).sum();
        // Each kind earns its weight every turn; the richest plays and pays the total.
        let mut credits: Vec<i64> = vec![0; self.weights.len()];
        let mut chosen = 0;
        for _ in 0..=index % total {
            for (credit, (_, weight)) in credits.iter_mut().zip(&self.weights) {
                *credit += i64::from(*weight);
            }
            let richest = *credits.iter().max().expect("a mix is never empty");
            chosen = credits.iter().position(|credit| *credit == richest).expect("one of them is the richest");
            credits[chosen] -= i64::from(total);
        }
        self.weights[chosen].0
    }
}

impl FromStr for BotMix {
    type Err = BotMixError;

    fn from_str(text: &str) -> Result<Self, BotMixError> {
        let mut weights: Vec<(BotKind, u32)> = Vec::new();
        for part in text.split(',') {
            let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
            let named = BotKind::ALL.into_iter().find(|kind| kind.name() == name.trim());
            let kind = named.ok_or_else(|| BotMixError::Kind(name.trim().to_owned()))?;
            let number = weight.trim().parse().ok().filter(|weight| (1..=Self::WEIGHT_MAX).contains(weight));
            let weight = number.ok_or_else(|| BotMixError::Weight(weight.trim().to_owned()))?;
            if weights.iter().any(|(other, _)| *other == kind) {
                return Err(BotMixError::Twice(kind.name()));
            }
            weights.push((kind, weight));
        }
        Ok(Self { weights })
    }
}

impl fmt::Display for BotMix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [(kind, _)] = self.weights[..] {
            return f.write_str(kind.name());
        }
        for (index, (kind, weight)) in self.weights.iter().enumerate() {
            write!(f, "{}{}={weight}", if index == 0 { "" } else { "," }, kind.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(mix: &str, count: u32) -> Vec<BotKind> {
        let mix: BotMix = mix.parse().unwrap();
        (0..count).map(|index| mix.kind(index)).collect()
    }

    #[test]
    fn a_mix_is_exact_and_alternates() {
        use BotKind::{Fight, Wander};
        assert_eq!(kinds("wander=3,fight=1", 8), [Wander, Wander, Fight, Wander, Wander, Wander, Fight, Wander]);
        assert_eq!(kinds("fight", 3), [Fight; 3]);
    }

    #[test]
    fn a_mix_prints_as_it_is_read() {
        for text in ["idle", "wander=3,fight=1", "wander=1,idle=2"] {
            assert_eq!(text.parse::<BotMix>().unwrap().to_string(), text);
        }
        assert_eq!("wander,fight".parse::<BotMix>().unwrap().to_string(), "wander=1,fight=1");
    }

    #[test]
    fn what_is_no_mix_is_refused() {
        for text in ["", "walk", "wander=0", "wander=1001", "wander=x", "wander,wander", "wander=1,,fight=1"] {
            assert!(text.parse::<BotMix>().is_err(), "{text}");
        }
    }
}
