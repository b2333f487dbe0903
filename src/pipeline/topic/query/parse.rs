//! From text to `Query`: a list of tokens with their places, then a descent of bounded depth.

use super::{Pattern, Place, Query, Words};

/// Characters of a query.
const QUERY_CHARS_MAX: usize = 20_000;
/// Nested parentheses and negations.
const DEPTH_MAX: usize = 64;
/// Bytes of a compiled regular expression.
const REGEX_BYTES_MAX: usize = 1 << 20;
const NEAR_MAX: u16 = 100;

/// A query that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {what}, expected {expected}")]
pub struct Fault {
    /// Line within the query, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What could stand there.
    pub expected: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    Near(u16),
    Leaf(Query),
}

struct Reader<'a> {
    tokens: std::iter::Peekable<std::slice::Iter<'a, (usize, Token)>>,
    written: &'a str,
}

/// Reads a query; its length, depth and regular expressions are bounded.
pub fn parse(written: &str) -> Result<Query, Fault> {
    if written.chars().count() > QUERY_CHARS_MAX {
        let expected = format!("at most {QUERY_CHARS_MAX} characters");
        return Err(fault(written, 0, "a query that is too long", &expected));
    }
    let tokens = tokens(written)?;
    let mut reader = Reader { tokens: tokens.iter().peekable(), written };
    let query = reader.any(0)?;
    match reader.tokens.next() {
        None => Ok(query),
        Some((at, _)) => Err(fault(written, *at, ") without (", "AND, OR, NOT or the end")),
    }
}

pub(super) fn is_operator(word: &str) -> bool {
    matches!(word, "AND" | "OR" | "NOT") || word.starts_with("NEAR/")
}

/// A slash inside an expression is written with a backslash.
pub(super) fn escape_slashes(expression: &str) -> String {
    let mut escaped = String::with_capacity(expression.len() + 2);
    let mut backslash = false;
    for char in expression.chars() {
        if char == '/' && !backslash {
            escaped.push('\\');
        }
        backslash = char == '\\' && !backslash;
        escaped.push(char);
    }
    escaped
}

fn fault(written: &str, at: usize, what: impl Into<String>, expected: &str) -> Fault {
    let before = written.get(..at).unwrap_or(written);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Fault { line, column, what: what.into(), expected: expected.to_owned() }
}

impl Reader<'_> {
    fn any(&mut self, depth: usize) -> Result<Query, Fault> {
        let mut parts = vec![self.all(depth)?];
        while self.tokens.next_if(|(_, token)| *token == Token::Or).is_some() {
            parts.push(self.all(depth)?);
        }
        Ok(one_or(parts, Query::Or))
    }

    fn all(&mut self, depth: usize) -> Result<Query, Fault> {
        let mut parts = vec![self.one(depth)?];
        while let Some((_, token)) = self.tokens.peek() {
            match token {
                Token::And => {
                    self.tokens.next();
                }
                Token::Or | Token::Close => break,
                Token::Not | Token::Open | Token::Leaf(_) | Token::Near(_) => {}
            }
            parts.push(self.one(depth)?);
        }
        Ok(one_or(parts, Query::And))
    }

    fn one(&mut self, depth: usize) -> Result<Query, Fault> {
        const OPERAND: &str = "a word, a phrase or (";
        let Some((at, token)) = self.tokens.next() else {
            return Err(fault(self.written, self.written.len(), "the query ends here", OPERAND));
        };
        if depth >= DEPTH_MAX {
            let expected = format!("at most {DEPTH_MAX} of them");
            return Err(fault(self.written, *at, "too many nested parentheses", &expected));
        }
        match token {
            Token::Not => Ok(Query::Not(Box::new(self.one(depth + 1)?))),
            Token::Open => {
                let inner = self.any(depth + 1)?;
                match self.tokens.next() {
                    Some((_, Token::Close)) => Ok(inner),
                    Some((at, _)) => Err(fault(self.written, *at, "an open parenthesis", ")")),
                    None => Err(fault(self.written, self.written.len(), "the query ends here", ")")),
                }
            }
            Token::Leaf(leaf) => match self.tokens.next_if(|(_, token)| matches!(token, Token::Near(_))) {
                Some((at, Token::Near(distance))) => self.near(*at, *distance, leaf),
                _ => Ok(leaf.clone()),
            },
            Token::Close => Err(fault(self.written, *at, ")", OPERAND)),
            Token::And => Err(fault(self.written, *at, "AND", OPERAND)),
            Token::Or => Err(fault(self.written, *at, "OR", OPERAND)),
            Token::Near(_) => Err(fault(self.written, *at, "NEAR", "a word or phrase before it")),
        }
    }

    fn near(&mut self, at: usize, distance: u16, before: &Query) -> Result<Query, Fault> {
        match (before, self.tokens.next()) {
            (Query::Words(Place::Anywhere, a), Some((_, Token::Leaf(Query::Words(Place::Anywhere, b))))) => {
                Ok(Query::Near(distance, Box::new([a.clone(), b.clone()])))
            }
            _ => Err(fault(self.written, at, "NEAR", "a plain word or phrase on both sides")),
        }
    }
}

fn one_or(mut parts: Vec<Query>, many: fn(Vec<Query>) -> Query) -> Query {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            many(parts)
        }
    }
}

fn tokens(written: &str) -> Result<Vec<(usize, Token)>, Fault> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = written.get(at..).filter(|rest| !rest.is_empty()) {
        let blank = rest.len() - rest.trim_start().len();
        if blank > 0 {
            at += blank;
            continue;
        }
        let (token, length) = match rest.chars().next() {
            Some('(') => (Token::Open, 1),
            Some(')') => (Token::Close, 1),
            Some('/') => regex(written, at, rest)?,
            _ => word(written, at, rest)?,
        };
        tokens.push((at, token));
        at += length;
    }
    Ok(tokens)
}

fn regex(written: &str, at: usize, rest: &str) -> Result<(Token, usize), Fault> {
    let mut backslash = false;
    let end = rest.char_indices().skip(1).find(|(_, char)| {
        let ends = *char == '/' && !backslash;
        backslash = *char == '\\' && !backslash;
        ends
    });
    let Some((end, _)) = end else { return Err(fault(written, at, "an expression without end", "/")) };
    let inner = rest.get(1..end).unwrap_or_default().replace("\\/", "/");
    if inner.is_empty() {
        return Err(fault(written, at, "an empty expression", "a regular expression between slashes"));
    }
    let built = regex::RegexBuilder::new(&inner)
        .size_limit(REGEX_BYTES_MAX)
        .dfa_size_limit(REGEX_BYTES_MAX)
        .nest_limit(64)
        .build();
    match built {
        Ok(regex) => Ok((Token::Leaf(Query::Regex(Pattern(regex))), end + 1)),
        Err(regex::Error::CompiledTooBig(_)) => {
            Err(fault(written, at, "an expression that is too large", "a simpler one"))
        }
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Err(fault(written, at, format!("a wrong expression ({reason})"), "a regular expression"))
        }
    }
}

/// A word, phrase, operator or field.
fn word(written: &str, at: usize, rest: &str) -> Result<(Token, usize), Fault> {
    let head = rest.get(..bare_length(rest)).unwrap_or(rest);
    match head {
        "AND" => return Ok((Token::And, head.len())),
        "OR" => return Ok((Token::Or, head.len())),
        "NOT" => return Ok((Token::Not, head.len())),
        _ => {}
    }
    if let Some(distance) = head.strip_prefix("NEAR/") {
        let distance = distance.parse().ok().filter(|distance| (1..=NEAR_MAX).contains(distance));
        let expected = format!("NEAR/1 to NEAR/{NEAR_MAX}");
        return distance
            .map(|distance| (Token::Near(distance), head.len()))
            .ok_or_else(|| fault(written, at, "a distance that is no number", &expected));
    }
    let Some((field, _)) = head.split_once(':').filter(|(field, _)| field.chars().all(char::is_alphabetic))
    else {
        let (words, length) = operand(written, at, rest)?;
        return Ok((Token::Leaf(Query::Words(Place::Anywhere, words)), length));
    };
    let skipped = field.len() + 1;
    let value = rest.get(skipped..).unwrap_or_default();
    let leaf = match field {
        "title" | "entity" => {
            let (words, length) = operand(written, at + skipped, value)?;
            let leaf =
                if field == "title" { Query::Words(Place::Title, words) } else { Query::Entity(words) };
            (leaf, length)
        }
        "source" => {
            let (source, length) = value_of(written, at + skipped, value)?;
            (Query::Source(source), length)
        }
        "lang" => {
            let (language, length) = value_of(written, at + skipped, value)?;
            let fits = (2..=3).contains(&language.len()) && language.bytes().all(|b| b.is_ascii_alphabetic());
            if !fits {
                let expected = "two or three letters such as en";
                return Err(fault(written, at + skipped, "no language", expected));
            }
            (Query::Lang(language.to_lowercase()), length)
        }
        _ => {
            let what = format!("unknown field {field}");
            return Err(fault(written, at, what, "title, entity, source or lang"));
        }
    };
    Ok((Token::Leaf(leaf.0), skipped + leaf.1))
}

/// Bytes up to white space, a quotation mark or a parenthesis.
fn bare_length(rest: &str) -> usize {
    rest.find(|char: char| char.is_whitespace() || matches!(char, '"' | '(' | ')')).unwrap_or(rest.len())
}

/// What stands between quotation marks, and its length with them.
fn quoted<'a>(written: &str, at: usize, rest: &'a str) -> Result<Option<(&'a str, usize)>, Fault> {
    let Some(inner) = rest.strip_prefix('"') else { return Ok(None) };
    let end = inner.find('"').ok_or_else(|| fault(written, at, "a phrase without end", "\""))?;
    Ok(Some((inner.get(..end).unwrap_or_default(), end + 2)))
}

fn operand(written: &str, at: usize, rest: &str) -> Result<(Words, usize), Fault> {
    let (exact, value) = rest.strip_prefix('=').map_or((false, rest), |value| (true, value));
    let skipped = usize::from(exact);
    let (inner, mut length) = quoted(written, at + skipped, value)?.unwrap_or_else(|| {
        let length = bare_length(value);
        let word = value.get(..length).unwrap_or(value);
        let length = word.find('*').unwrap_or(length);
        (word.get(..length).unwrap_or(word), length)
    });
    let prefix = value.get(length..).is_some_and(|after| after.starts_with('*'));
    length += usize::from(prefix);
    let words = Words::new(inner, exact, prefix);
    words
        .map(|words| (words, skipped + length))
        .ok_or_else(|| fault(written, at, "no letter or digit", "a word"))
}

fn value_of(written: &str, at: usize, rest: &str) -> Result<(String, usize), Fault> {
    let bare = bare_length(rest);
    let (value, length) = quoted(written, at, rest)?.unwrap_or((rest.get(..bare).unwrap_or(rest), bare));
    if value.trim().is_empty() {
        return Err(fault(written, at, "an empty field", "a value"));
    }
    Ok((value.trim().to_owned(), length))
}
