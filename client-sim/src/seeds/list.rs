use super::Trial;
use crate::universe::scenario::Wishes;

/// Why a text is no list of seeds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: `{text}` is no seed: use NAME SEED, and clients=N or ticks=T if they are not the seed's")]
pub struct ListError {
    /// Counted from 1.
    pub line: usize,
    /// What it says.
    pub text: String,
}

/// Reads a list of seeds with names, one a line: `NAME SEED [clients=N] [ticks=T]`. What follows a `#` is for people.
///
/// # Errors
/// The first line that is none.
pub fn read_list(text: &str) -> Result<Vec<Trial>, ListError> {
    let lines =
        text.lines().enumerate().map(|(number, line)| (number + 1, line.split('#').next().unwrap_or("").trim()));
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(line, text)| read_line(text).ok_or_else(|| ListError { line, text: text.to_owned() }))
        .collect()
}

fn read_line(text: &str) -> Option<Trial> {
    let mut words = text.split_whitespace();
    let (name, seed) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
    let mut wishes = Wishes::default();
    for word in words {
        match word.split_once('=')? {
            ("clients", number) => wishes.clients = Some(number.parse().ok().filter(|n| Wishes::CLIENTS.contains(n))?),
            ("ticks", number) => wishes.ticks = Some(number.parse().ok().filter(|n| Wishes::TICKS.contains(n))?),
            _ => return None,
        }
    }
    Some(Trial { name: Some(name), seed, wishes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_seeds_and_what_is_wished() {
        let text = "# Found by chance\n\nlost-leave 88   # it left\ncrowded 5 clients=32 ticks=100\n";
        let trials = read_list(text).unwrap();
        let wishes = Wishes { clients: Some(32), ticks: Some(100) };
        assert_eq!(
            trials,
            [
                Trial { name: Some("lost-leave".to_owned()), seed: 88, wishes: Wishes::default() },
                Trial { name: Some("crowded".to_owned()), seed: 5, wishes },
            ]
        );
    }

    #[test]
    fn what_is_no_seed_is_told_with_its_line() {
        for line in
            ["lonely", "a b", "a -1", "a 1 clients", "a 1 clients=0", "a 1 clients=x", "a 1 ticks=0", "a 1 hz=5"]
        {
            let error = read_list(&format!("fine 1\n{line}")).unwrap_err();
            assert_eq!((error.line, &*error.text), (2, line));
        }
    }
}
