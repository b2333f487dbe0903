//! Addresses: which are one page, and whose they are. Knows nothing of articles.

use std::borrow::Cow;

use url::Url;

/// Longest address that is read, in bytes.
const ADDRESS_BYTES_MAX: usize = 8192;

/// Wrappings (an AMP cache of a search engine's copy) that are taken off.
const WRAPPINGS_MAX: usize = 3;

/// The form in which two addresses of one page are equal: without scheme, `www.`, mobile and AMP variants, tracking
/// and session parameters. Not for fetching. None where it is no http address.
pub fn canonical(address: &str) -> Option<String> {
    let mut url = parse(address)?;
    for _ in 0..WRAPPINGS_MAX {
        let Some(inner) = wrapped(&url) else { break };
        url = inner;
    }
    let mut page = bare_host(&url)?;
    if let Some(port) = url.port().filter(|port| !matches!(port, 80 | 443)) {
        page.push(':');
        page.push_str(&port.to_string());
    }
    push_path(&mut page, url.path());
    push_query(&mut page, url.query().unwrap_or_default());
    // pages that a script draws: the fragment is their address
    if let Some(fragment) = url.fragment().filter(|fragment| fragment.starts_with(['!', '/'])) {
        page.push('#');
        page.push_str(fragment);
    }
    Some(page)
}

/// The host of an address, in lower case and punycode.
pub fn host(address: &str) -> Option<String> {
    let url = parse(address)?;
    Some(url.host_str()?.trim_end_matches('.').to_owned())
}

/// Whose an address is: its registrable domain by the Public Suffix List. What is no address and no host is an
/// outlet's name and stays that, in lower case.
pub fn site(address_or_outlet: &str) -> String {
    let name = address_or_outlet.trim();
    let is_host = name.contains('.') && !name.contains(|c: char| c.is_whitespace() || c == '/');
    let host = host(name).or_else(|| is_host.then(|| host(&format!("http://{name}/"))).flatten());
    match host {
        Some(host) if host.parse::<std::net::IpAddr>().is_ok() => host,
        Some(host) => psl::domain_str(&host).map(str::to_owned).unwrap_or(host),
        None => name.to_lowercase(),
    }
}

fn parse(address: &str) -> Option<Url> {
    if address.len() > ADDRESS_BYTES_MAX {
        return None;
    }
    let url = Url::parse(address.trim()).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// The page that an AMP cache or viewer shows.
fn wrapped(url: &Url) -> Option<Url> {
    let host = url.host_str()?;
    let path = url.path();
    let inner = if host.ends_with(".cdn.ampproject.org") || host == "cdn.ampproject.org" {
        ["/c/", "/v/", "/i/", "/wp/"].iter().find_map(|prefix| path.strip_prefix(prefix))?
    } else if host.split('.').any(|label| label == "google") {
        path.strip_prefix("/amp/")?
    } else {
        return None;
    };
    let inner = match inner.strip_prefix("s/") {
        Some(secure) => format!("https://{secure}"),
        None => format!("http://{inner}"),
    };
    let mut inner =
        Url::parse(&inner).ok().filter(|inner| inner.host_str().is_some_and(|h| h.contains('.')))?;
    inner.set_query(url.query());
    inner.set_fragment(url.fragment());
    Some(inner)
}

fn bare_host(url: &Url) -> Option<String> {
    let mut host = url.host_str()?.trim_end_matches('.');
    loop {
        let rest =
            ["www.", "m.", "mobile.", "mobi.", "amp."].iter().find_map(|label| host.strip_prefix(label));
        // `m.com` is a site, and so is `amp.co.uk`
        match rest.filter(|rest| rest.contains('.') && psl::domain_str(rest).is_some()) {
            Some(rest) => host = rest,
            None => return Some(host.to_owned()),
        }
    }
}

fn push_path(page: &mut String, path: &str) {
    let mut segments: Vec<Cow<'_, str>> = path
        .split('/')
        .map(|segment| match segment.to_ascii_lowercase().find(";jsessionid=") {
            Some(end) => segment.get(..end).unwrap_or(segment),
            None => segment,
        })
        .filter(|segment| !segment.is_empty())
        .map(decoded)
        .collect();
    if segments.last().is_some_and(|last| matches!(last.as_ref(), "index.html" | "index.htm" | "index.php")) {
        segments.pop();
    }
    if segments.len() > 1 && segments.last().is_some_and(|last| last == "amp") {
        segments.pop();
    } else if segments.len() > 1 && segments.first().is_some_and(|first| first == "amp") {
        segments.remove(0);
    }
    if let Some(last) = segments.last_mut()
        && let Some(stem) = last.strip_suffix(".amp.html")
    {
        *last = Cow::Owned(format!("{stem}.html"));
    }
    for segment in segments {
        page.push('/');
        page.push_str(&segment);
    }
}

fn push_query(page: &mut String, query: &str) {
    // in a query, but not in a path, a plus sign is a space
    let query = query.replace('+', "%20");
    let mut pairs: Vec<Cow<'_, str>> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(decoded)
        .filter(|pair| names_page(pair))
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    for (place, pair) in pairs.iter().enumerate() {
        page.push(if place == 0 { '?' } else { '&' });
        page.push_str(pair);
    }
}

/// Whether a parameter may tell one page from another.
fn names_page(pair: &str) -> bool {
    const TRACKER_PREFIXES: &[&str] = &[
        "utm_", "mc_", "pk_", "piwik_", "mtm_", "matomo_", "at_", "ns_", "hsa_", "_hs", "amp_", "vero_",
        "oly_",
    ];
    const TRACKERS: &[&str] = &[
        "fbclid",
        "gclid",
        "gclsrc",
        "dclid",
        "gbraid",
        "wbraid",
        "msclkid",
        "yclid",
        "twclid",
        "ttclid",
        "igshid",
        "igsh",
        "li_fat_id",
        "mkt_tok",
        "wt.mc_id",
        "wt_mc",
        "cmpid",
        "cmp",
        "icid",
        "ocid",
        "ncid",
        "xtor",
        "smid",
        "smtyp",
        "sr_share",
        "s_cid",
        "cvid",
        "ito",
        "feedtype",
        "feedname",
        "rss",
        "ref",
        "ref_src",
        "ref_url",
        "referrer",
        "referer",
        "source",
        "_ga",
        "_gl",
        "__twitter_impression",
        "usqp",
        "amp_js_v",
    ];
    /// They name pages on some sites, but not with these values.
    const CHANNEL_KEYS: &[&str] =
        &["src", "via", "partner", "from", "output", "outputtype", "format", "view", "mode"];
    const CHANNELS: &[&str] =
        &["rss", "feed", "twitter", "facebook", "fb", "email", "newsletter", "share", "social", "amp"];
    const SESSIONS: &[&str] =
        &["phpsessid", "jsessionid", "cfid", "cftoken", "sessionid", "session_id", "sessid"];

    let (key, value) = match pair.split_once('=') {
        Some((_, "")) => return false,
        Some((key, value)) => (key.to_ascii_lowercase(), value),
        None => return !pair.eq_ignore_ascii_case("amp"),
    };
    let key = key.as_str();
    let tracks = TRACKERS.contains(&key)
        || TRACKER_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
        || CHANNEL_KEYS.contains(&key) && CHANNELS.contains(&value.to_ascii_lowercase().as_str())
        || key == "amp" && matches!(value, "1" | "true");
    let session = SESSIONS.contains(&key)
        || key.starts_with("aspsessionid")
        || matches!(key, "sid" | "s" | "session") && is_token(value);
    !tracks && !session
}

/// Long and mixed, as no number of a story is.
fn is_token(value: &str) -> bool {
    value.len() >= 20
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        && value.bytes().any(|b| b.is_ascii_digit())
        && value.bytes().any(|b| b.is_ascii_alphabetic())
}

/// Percent-escapes of characters that need none are undone, the others written in capitals (RFC 3986, 6.2.2).
fn decoded(part: &str) -> Cow<'_, str> {
    if !part.contains('%') {
        return Cow::Borrowed(part);
    }
    let mut out = String::with_capacity(part.len());
    let mut pieces = part.split('%');
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let digits = piece.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte.map(char::from), digits) {
            (Some(c), _) if c.is_ascii_alphanumeric() || "-._~!$'()*,;:@".contains(c) => out.push(c),
            (_, Some(digits)) => {
                out.push('%');
                out.push_str(&digits.to_ascii_uppercase());
            }
            // a mark that escapes nothing stands for itself; else it would escape what is decoded behind it
            (_, None) => out.push_str("%25"),
        }
        out.push_str(if digits.is_some() { piece.get(2..).unwrap_or_default() } else { piece });
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(address: &str, expected: &str) {
        assert_eq!(canonical(address).as_deref(), Some(expected), "{address}");
    }

    fn check_site(address_or_outlet: &str, expected: &str) {
        assert_eq!(site(address_or_outlet), expected);
    }

    #[test]
    fn what_says_nothing_of_the_page_is_dropped() {
        check("https://www.gull.example/a/?utm_source=x&UTM_Medium=y&fbclid=z#top", "gull.example/a");
        check("http://gull.example:80//a/./b/../c/index.html", "gull.example/a/c");
        check("https://m.gull.example./a?at_medium=feed&feedName=top&ref=home", "gull.example/a");
        check("https://gull.example/a?src=rss&via=twitter", "gull.example/a");
    }

    #[test]
    fn sessions_are_dropped() {
        check("https://gull.example/a;jsessionid=1A2B?PHPSESSID=q1&id=4", "gull.example/a?id=4");
        check("https://gull.example/a?sid=0f9e8d7c6b5a49382716abcd", "gull.example/a");
        check("https://gull.example/a?sid=4711", "gull.example/a?sid=4711");
    }

    #[test]
    fn accelerated_pages_are_the_page() {
        for address in [
            "https://amp.gull.example/a/b.html",
            "https://gull.example/amp/a/b.html",
            "https://gull.example/a/b.html/amp",
            "https://gull.example/a/b.amp.html",
            "https://gull.example/a/b.html?amp",
            "https://gull.example/a/b.html?outputType=amp",
            "https://www.google.co.uk/amp/s/gull.example/a/b.html",
            "https://gull-example.cdn.ampproject.org/c/s/gull.example/a/b.html?usqp=mq331",
        ] {
            check(address, "gull.example/a/b.html");
        }
    }

    #[test]
    fn one_page_has_one_spelling() {
        check("HTTPS://Gull.Example/%7ea/%c3%a9?b=2&a=1+0", "gull.example/~a/%C3%A9?a=1%200&b=2");
        check("https://gull.example/~a/é?a=1%200&b=2&c=", "gull.example/~a/%C3%A9?a=1%200&b=2");
        check("https://möwe.example/", "xn--mwe-sna.example");
        check("https://gull.example/%%41a?b=5%", "gull.example/%25Aa?b=5%25");
    }

    #[test]
    fn pages_that_look_alike_stay_apart() {
        check("https://gull.example:8080/Story?page=2&id=1", "gull.example:8080/Story?id=1&page=2");
        check("https://gull.example/amp", "gull.example/amp");
        check("https://gull.example/music/amp-review", "gull.example/music/amp-review");
        check("https://gull.example/?20170301", "gull.example?20170301");
        check("https://gull.example/#!/story/4", "gull.example#!/story/4");
        check("https://m.co.uk/a", "m.co.uk/a");
        check("https://gull.example/a?src=42", "gull.example/a?src=42");
        check("https://gull.example/a%2Fb?c=d%26e", "gull.example/a%2Fb?c=d%26e");
    }

    #[test]
    fn what_is_no_address_has_no_page() {
        for text in ["", "gull.example", "ftp://gull.example/a", "mailto:desk@gull.example", "http://"] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }

    #[test]
    fn a_site_is_what_can_be_registered() {
        check_site("https://news.gull.co.uk/a", "gull.co.uk");
        check_site("Sport.Gull.example", "gull.example");
        check_site("http://192.0.2.7:8080/a", "192.0.2.7");
        check_site(" The Daily Gull ", "the daily gull");
        check_site("", "");
    }

    #[test]
    fn a_host_is_in_lower_case() {
        assert_eq!(host("https://News.Gull.example:81/a").as_deref(), Some("news.gull.example"));
        assert_eq!(host("news.gull.example"), None);
    }

    proptest! {
        #[test]
        fn the_canonical_form_stays_as_it_is(path in "[a-zA-Z0-9/%+;.~é-]{0,30}", query in "[a-z0-9&=%+é]{0,30}") {
            let once = canonical(&format!("https://gull.example/{path}?{query}")).unwrap();
            prop_assert_eq!(canonical(&format!("https://{once}")), Some(once));
        }

        #[test]
        fn no_text_is_too_strange(text: String) {
            let _ = (canonical(&text), canonical(&format!("http://{text}")), host(&text), site(&text));
        }
    }
}
