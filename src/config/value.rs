//! Values with a grammar of their own: durations, addresses, networks. Each `Err` says what was expected.

use std::net::{IpAddr, SocketAddr};

use url::Url;

const MINUTE_SECS: i64 = 60;
const HOUR_SECS: i64 = 60 * MINUTE_SECS;
const DAY_SECS: i64 = 24 * HOUR_SECS;
const WEEK_SECS: i64 = 7 * DAY_SECS;

/// A hundred years: longer spans are mistakes.
const DURATION_SECS_MAX: i64 = 36_500 * DAY_SECS;

/// Longest contact, in bytes: it goes with each request.
const CONTACT_BYTES_MAX: usize = 200;

/// Reads `30s`, `20m`, `24h`, `3d` or `2w`, as seconds.
pub(super) fn duration_secs(text: &str) -> Result<i64, String> {
    let expected = || {
        "a number and a unit (s, m, h, d or w), such as \"0s\", \"20m\", \"24h\" or \"3d\", at most 100 years"
            .to_owned()
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or_else(expected)?;
    let unit_secs = match unit.trim_start() {
        "s" => 1,
        "m" => MINUTE_SECS,
        "h" => HOUR_SECS,
        "d" => DAY_SECS,
        "w" => WEEK_SECS,
        _ => return Err(expected()),
    };
    let number: i64 = number.parse().map_err(|_| expected())?;
    let secs = number.checked_mul(unit_secs).filter(|secs| *secs <= DURATION_SECS_MAX);
    secs.ok_or_else(expected)
}

/// Reads the address of a feed.
pub(super) fn feed_url(text: &str) -> Result<Url, String> {
    let expected = "an http:// or https:// address";
    match Url::parse(text.trim()) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => Err(format!(
            "{expected} without user and password: those belong in a file that `credentials` names"
        )),
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        Ok(url) => Err(format!("{expected}, not `{}:`", url.scheme())),
        Err(url::ParseError::RelativeUrlWithoutBase) => Err(format!("{expected}, with its `https://`")),
        Err(cause) => Err(format!("{expected} ({cause})")),
    }
}

/// Reads how the people of a server reach whoever runs this: a page, or a mail address.
pub(super) fn contact(text: &str) -> Result<String, String> {
    let expected = "an http(s) address or a mail address by which a server's people can reach you";
    let text = text.trim();
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    let plain = text.len() <= CONTACT_BYTES_MAX
        && text.bytes().all(|b| b.is_ascii_graphic() && !b"()<>".contains(&b));
    let page =
        || Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let mail = || text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if plain && (page() || mail()) { Ok(text.to_owned()) } else { Err(expected.to_owned()) }
}

/// Reads the address of a proxy.
pub(super) fn proxy_url(text: &str) -> Result<Url, String> {
    let url =
        Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or("the address of an HTTP proxy, such as \"http://proxy.example:3128\"")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "an address without user and password: those belong in a file that `proxy_credentials` names"
                .to_owned(),
        );
    }
    Ok(url)
}

/// Reads the public address below which hubs reach us; it ends in `/`.
pub(super) fn callback_url(text: &str) -> Result<Url, String> {
    let mut url = feed_url(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("an address without `?` and `#`, to which each feed's own part is added".to_owned());
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// Reads where to listen.
pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    text.trim()
        .parse()
        .map_err(|_| "an address and a port to listen at, such as \"127.0.0.1:8787\"".to_owned())
}

/// Takes `127.0.0.1`, `127.0.0.1:8080`, `[::1]:8080`, `intranet:80` or `10.1.0.0/16`, as it is.
pub(super) fn private_address(text: &str) -> Result<String, String> {
    let text = text.trim();
    let bits = |address: IpAddr| if address.is_ipv4() { 32 } else { 128 };
    let is_network = || {
        let (address, prefix) = text.split_once('/')?;
        let (address, prefix) = (address.parse().ok()?, prefix.parse::<u8>().ok()?);
        Some(prefix <= bits(address))
    };
    let is_named = || {
        let (name, port) = text.rsplit_once(':')?;
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | '_');
        Some(!name.is_empty() && name.chars().all(plain) && port.parse::<u16>().is_ok())
    };
    let is_plain = text.parse::<SocketAddr>().is_ok() || text.parse::<IpAddr>().is_ok();
    if is_plain || is_network() == Some(true) || is_named() == Some(true) {
        return Ok(text.to_owned());
    }
    Err("host:port, an address or a network, such as \"127.0.0.1:8080\", \"intranet:80\" or \"10.1.0.0/16\""
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_duration(text: &str, expected: Option<i64>) {
        assert_eq!(duration_secs(text).ok(), expected, "{text}");
    }

    #[test]
    fn durations() {
        for (text, expected) in [
            ("0s", Some(0)),
            ("20m", Some(1200)),
            ("24h", Some(86_400)),
            ("3d", Some(259_200)),
            ("2w", Some(1_209_600)),
            ("3 d", Some(259_200)),
            ("36500d", Some(3_153_600_000)),
            ("36501d", None),
            ("99999999999999999999d", None),
            ("9223372036854775807w", None),
            ("3", None),
            ("d", None),
            ("", None),
            ("-3d", None),
            ("3 days", None),
            ("1.5h", None),
            ("é", None),
        ] {
            check_duration(text, expected);
        }
    }

    #[track_caller]
    fn check_url(text: &str, expected: Result<&str, &str>) {
        match (feed_url(text), expected) {
            (Ok(url), Ok(expected)) => assert_eq!(url.as_str(), expected),
            (Err(said), Err(expected)) => assert!(said.contains(expected), "{said}"),
            (said, _) => panic!("{text}: {said:?}"),
        }
    }

    #[test]
    fn feed_addresses() {
        check_url("https://a.example/feed", Ok("https://a.example/feed"));
        check_url("HTTP://A.example", Ok("http://a.example/"));
        check_url("ftp://a.example/feed", Err("not `ftp:`"));
        check_url("file:///etc/passwd", Err("not `file:`"));
        check_url("a.example/feed", Err("with its `https://`"));
        check_url("https://", Err("empty host"));
        check_url("https://ann:word@a.example/feed", Err("that `credentials` names"));
    }

    #[test]
    fn contacts() {
        for (text, expected) in [
            ("https://desk.example/bot", Some("https://desk.example/bot")),
            ("mailto:desk@paper.example", Some("desk@paper.example")),
            ("desk@paper", None),
            ("the desk", None),
            ("https://desk.example/(bot)", None),
        ] {
            assert_eq!(contact(text).ok().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn proxies_and_callbacks() {
        assert_eq!(proxy_url("http://proxy.example:3128").unwrap().as_str(), "http://proxy.example:3128/");
        assert!(
            proxy_url("http://ann:word@proxy.example").is_err() && proxy_url("socks5://a.example").is_err()
        );
        assert_eq!(callback_url("https://we.example/hub").unwrap().as_str(), "https://we.example/hub/");
        assert!(callback_url("https://we.example/hub?x=1").is_err());
        assert!(listen("127.0.0.1:8787").is_ok() && listen("8787").is_err());
    }

    #[track_caller]
    fn check_private(text: &str, expected: bool) {
        assert_eq!(private_address(text).is_ok(), expected, "{text}");
    }

    #[test]
    fn private_addresses() {
        for text in
            ["127.0.0.1:8080", "127.0.0.1", "10.1.0.0/16", "[::1]:80", "fd00::/8", "::1", "intranet:80"]
        {
            check_private(text, true);
        }
        for text in
            ["localhost", "10.0.0.0/33", "10.0.0.0/", "::1/129", "10.0.0", "10.0.0.1:99999", "a/b:80", ":80"]
        {
            check_private(text, false);
        }
    }
}
