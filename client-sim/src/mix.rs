//! Several kinds by weight, as in `wander=3,fight=1` or `lte=0.3,wifi=0.7`.

use std::fmt;
use std::str::FromStr;

/// What a [`Mix`] may be of.
pub trait Kind: Copy + PartialEq + 'static {
    /// All kinds that can be named.
    const ALL: &'static [Self];
    /// What a kind is called in a message, as in "bot".
    const NOUN: &'static str;
    /// An irrational number, not that of other kinds: clients get their places in a mix in steps of its fraction, and so two
    /// mixes have nothing to do with each other.
    const STRIDE: f64;

    /// As on the command line.
    fn name(self) -> &'static str;
}

/// One kind, or several by weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix<K> {
    /// No weight is zero.
    weights: Vec<(K, f64)>,
    total: f64,
}

/// Why a text is no mix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MixError {
    /// No such kind.
    #[error("there is no {noun} called `{name}`: use {names}, or a mix such as {example}")]
    Name {
        /// What it is not.
        noun: &'static str,
        /// As given.
        name: String,
        /// All there are.
        names: String,
        /// Of a mix.
        example: String,
    },
    /// Named twice.
    #[error("`{0}` is named twice")]
    Twice(&'static str),
    /// The weight is no number above 0.
    #[error("`{0}` is no weight: use a number above 0 and up to 1000, as in {1}")]
    Weight(String, String),
}

const WEIGHT_MAX: f64 = 1000.0;

impl<K: Kind> Mix<K> {
    /// Nothing but one kind.
    #[must_use]
    pub fn only(kind: K) -> Self {
        Self { weights: vec![(kind, 1.0)], total: 1.0 }
    }

    /// The kind of the client with this index. The first clients have the mix to within one or two, and so has any run of them: the places are a Kronecker sequence, whose discrepancy is low.
    #[must_use]
    pub fn kind(&self, index: u32) -> K {
        self.weights[self.position(index)].0
    }

    /// Which of [`Mix::kinds`] that is.
    #[must_use]
    pub fn position(&self, index: u32) -> usize {
        let place = (f64::from(index) + 0.5) * K::STRIDE;
        let mut left = (place - place.floor()) * self.total;
        for (position, (_, weight)) in self.weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return position;
            }
        }
        self.weights.len() - 1
    }

    /// All that are in it, as given.
    pub fn kinds(&self) -> impl Iterator<Item = K> {
        self.weights.iter().map(|(kind, _)| *kind)
    }

    fn example() -> String {
        format!("{}=3,{}=1", K::ALL[0].name(), K::ALL[1].name())
    }
}

impl<K: Kind> FromStr for Mix<K> {
    type Err = MixError;

    fn from_str(text: &str) -> Result<Self, MixError> {
        let mut weights: Vec<(K, f64)> = Vec::new();
        for part in text.split(',') {
            let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
            let (name, weight) = (name.trim(), weight.trim());
            let kind = K::ALL.iter().find(|kind| kind.name() == name).ok_or_else(|| MixError::Name {
                noun: K::NOUN,
                name: name.to_owned(),
                names: K::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", "),
                example: Self::example(),
            })?;
            let number = weight.parse().ok().filter(|weight| *weight > 0.0 && *weight <= WEIGHT_MAX);
            let weight = number.ok_or_else(|| MixError::Weight(weight.to_owned(), Self::example()))?;
            if weights.iter().any(|(other, _)| other == kind) {
                return Err(MixError::Twice(kind.name()));
            }
            weights.push((*kind, weight));
        }
        let total = weights.iter().map(|(_, weight)| weight).sum();
        Ok(Self { weights, total })
    }
}

impl<K: Kind> fmt::Display for Mix<K> {
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

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Fruit {
        Apple,
        Pear,
        Plum,
    }

    impl Kind for Fruit {
        const ALL: &'static [Self] = &[Self::Apple, Self::Pear, Self::Plum];
        const NOUN: &'static str = "fruit";
        const STRIDE: f64 = std::f64::consts::SQRT_2;

        fn name(self) -> &'static str {
            match self {
                Self::Apple => "apple",
                Self::Pear => "pear",
                Self::Plum => "plum",
            }
        }
    }

    #[test]
    fn any_run_of_clients_has_the_mix() {
        let mix: Mix<Fruit> = "apple=0.6,pear=0.3,plum=0.1".parse().unwrap();
        for (first, clients) in [(0, 10), (0, 100), (777, 1_000), (16_000, 100)] {
            for (kind, share) in [(Fruit::Apple, 0.6), (Fruit::Pear, 0.3), (Fruit::Plum, 0.1)] {
                let count = (first..first + clients).filter(|index| mix.kind(*index) == kind).count();
                let wanted = f64::from(clients) * share;
                assert!((count as f64 - wanted).abs() <= 2.0, "{kind:?}: {count} of {clients} from {first}");
            }
        }
    }

    #[test]
    fn a_mix_prints_as_it_is_read() {
        for text in ["plum", "apple=3,pear=1", "pear=0.25,plum=2"] {
            assert_eq!(text.parse::<Mix<Fruit>>().unwrap().to_string(), text);
        }
        assert_eq!("apple,pear".parse::<Mix<Fruit>>().unwrap().to_string(), "apple=1,pear=1");
        assert_eq!(Mix::only(Fruit::Plum), "plum".parse().unwrap());
    }

    #[test]
    fn what_is_no_mix_is_refused_and_told_what_is() {
        for text in
            ["", "fig", "apple=0", "apple=-1", "apple=nan", "apple=1001", "apple=x", "apple,apple", "apple,,pear"]
        {
            assert!(text.parse::<Mix<Fruit>>().is_err(), "{text}");
        }
        let told = "fig".parse::<Mix<Fruit>>().unwrap_err().to_string();
        assert_eq!(told, "there is no fruit called `fig`: use apple, pear, plum, or a mix such as apple=3,pear=1");
    }
}
