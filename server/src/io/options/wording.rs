/// What libraries say of a wrong value, and what an operator can act upon.
const WORDS: [(&str, &str); 7] = [
    ("invalid socket address syntax", "not an IP address and a port, such as 203.0.113.5:7777 or [2001:db8::5]:7777"),
    ("invalid digit found in string", "not a whole number"),
    ("number too large to fit in target type", "too large"),
    ("invalid float literal", "not a number"),
    ("expected u32", "expected a whole number"),
    ("expected usize", "expected a whole number"),
    ("expected f32", "expected a number"),
];

/// The same sentence, without words of programmers.
pub(crate) fn in_plain_words(message: &str) -> String {
    WORDS.iter().fold(message.to_owned(), |message, (theirs, ours)| message.replace(theirs, ours))
}
