//! What a server wants to see before it lets us read. It comes from a file of its own, never from the config, and goes
//! to the server that it was written for, never into a log.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Header lines of one file.
const HEADERS_MAX: usize = 32;

/// Headers that are ours to say: what a request is about, and how it is sent.
const OURS: [&str; 12] = [
    "host",
    "user-agent",
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "transfer-encoding",
    "if-none-match",
    "if-modified-since",
    "range",
    "te",
];

/// Names and values of the headers that open a door.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials(Vec<(String, String)>);

/// The text holds no credentials; says why without repeating it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotCredentials {
    /// Neither name nor value.
    #[error("line {0} is no `name: value`, such as `user: NAME`")]
    Line(usize),
    /// A name that no header has.
    #[error("the name in line {0} is no header's, nor `user`, `password` or `token`")]
    Name(usize),
    /// A header that is not the user's to set.
    #[error("the header `{1}` in line {0} is set by the program itself")]
    Ours(usize, String),
    /// Half of a pair.
    #[error("it has a `user` without a `password`, or the reverse")]
    Half,
    /// Nothing.
    #[error(
        "it holds nothing: expected lines such as `user: NAME` and `password: WORD`, `token: WORD`, or headers"
    )]
    Empty,
    /// Too much.
    #[error("it has more than {HEADERS_MAX} lines")]
    Long,
}

impl Credentials {
    /// Name and password, where the file has them.
    pub fn login(&self) -> Option<(String, String)> {
        let basic = self
            .headers()
            .find_map(|(name, value)| value.strip_prefix("Basic ").filter(|_| name == "authorization"))?;
        let pair = String::from_utf8(STANDARD.decode(basic).ok()?).ok()?;
        pair.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
    }

    /// Each header with its value, which may hold any bytes but control characters.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Lines `name: value`: `user` and `password` make basic authentication (RFC 7617), `token` a bearer's (RFC 6750), every
/// other name is a header. Empty lines and those after `#` count for nothing.
impl FromStr for Credentials {
    type Err = NotCredentials;

    fn from_str(text: &str) -> Result<Self, NotCredentials> {
        let (mut user, mut password) = (None, None);
        let mut headers = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = line.split_once(':').ok_or(NotCredentials::Line(number))?;
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
            if value.is_empty() || value.chars().any(char::is_control) {
                return Err(NotCredentials::Line(number));
            }
            let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
            if name.is_empty() || !name.bytes().all(token) {
                return Err(NotCredentials::Name(number));
            }
            match name.as_str() {
                "user" => user = Some(value),
                "password" => password = Some(value),
                "token" => headers.push(("authorization".to_owned(), format!("Bearer {value}"))),
                _ if OURS.contains(&name.as_str()) => return Err(NotCredentials::Ours(number, name)),
                _ => headers.push((name, value)),
            }
            if headers.len() > HEADERS_MAX {
                return Err(NotCredentials::Long);
            }
        }
        match (user, password) {
            (Some(user), Some(password)) => {
                let pair = STANDARD.encode(format!("{user}:{password}"));
                headers.push(("authorization".to_owned(), format!("Basic {pair}")));
            }
            (None, None) => {}
            _ => return Err(NotCredentials::Half),
        }
        if headers.is_empty() { Err(NotCredentials::Empty) } else { Ok(Self(headers)) }
    }
}

/// Names only: what is debugged ends in logs.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let read: Credentials = text.parse().unwrap();
        assert_eq!(read.headers().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn pairs_tokens_and_headers() {
        check("user: ann\npassword: open:sesame\n", &[("authorization", "Basic YW5uOm9wZW46c2VzYW1l")]);
        let login = "user: ann\npassword: open:sesame\n".parse::<Credentials>().unwrap().login();
        assert_eq!(login, Some(("ann".to_owned(), "open:sesame".to_owned())));
        check("# for the wire\n\ntoken: abc\n", &[("authorization", "Bearer abc")]);
        check("X-Api-Key: k 1\r\nCookie: a=b\n", &[("x-api-key", "k 1"), ("cookie", "a=b")]);
    }

    #[test]
    fn what_is_none_is_told_without_repeating_it() {
        for (text, expected) in [
            ("", NotCredentials::Empty),
            ("secret\n", NotCredentials::Line(1)),
            ("\nuser: a\n", NotCredentials::Half),
            ("a b: c\n", NotCredentials::Name(1)),
            ("Host: a.example\n", NotCredentials::Ours(1, "host".to_owned())),
            ("x: a\u{7}b\n", NotCredentials::Line(1)),
        ] {
            let fault = text.parse::<Credentials>().unwrap_err();
            assert!(!fault.to_string().contains("secret"));
            assert_eq!(fault, expected, "{text}");
        }
    }

    #[test]
    fn they_are_not_debugged() {
        let read: Credentials = "token: abc".parse().unwrap();
        assert_eq!(format!("{read:?}"), "[\"authorization\"]");
    }
}
