//! One exchange with a server, and what it means. Only user of `reqwest`. Redirects are followed by hand, so that every
//! address on the way is judged before anything is sent to it.

use std::{
    error::Error as _,
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use reqwest::{
    Client, Response, StatusCode,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use tokio::{
    net::lookup_host,
    sync::{OnceCell, Semaphore},
    task, time,
};
use url::Url;

use super::{
    FetchLimits,
    credentials::Credentials,
    net::{self, Exemption},
};

mod client;
mod letter;
mod links;
mod page;
mod post;
mod sessions;

use client::Settings;
pub use links::Links;
pub(crate) use page::Step;

/// Redirects that are followed.
const REDIRECTS_MAX: usize = 8;

/// Longest validator that is kept, in bytes; a longer one is not worth its place in the store.
const VALIDATOR_BYTES_MAX: usize = 1024;

/// A body that grows beyond this size waits for one of few places: many large ones at a time would fill the memory.
const SMALL_BODY_BYTES_MAX: usize = 256 << 10;

/// Places for bodies that are larger. With what reading one takes, these stay within the memory that the whole
/// process may have (`docs/guarantees.md`).
const LARGE_BODIES_MAX: usize = 3;

/// A server that has not even taken the call after this part of the time is not reached.
const CONNECT_SHARE: u32 = 2;

/// Where nobody has said who asks, a server's people learn what asks.
const CONTACT_DEFAULT: &str = env!("CARGO_PKG_HOMEPAGE");

const ACCEPT_FEED: &str = "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, \
    text/xml;q=0.9, application/json;q=0.8, text/html;q=0.5, */*;q=0.1";

/// What is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// http or https.
    pub url: &'a str,
    /// As the server gave it.
    pub etag: Option<&'a str>,
    /// As the server gave it.
    pub last_modified: Option<&'a str>,
    /// The configured address on whose behalf it is asked for, which may be exempt: a feed's own, or that of the feed a
    /// page belongs to. `None` asks for public addresses only.
    pub configured: Option<&'a str>,
    /// Sent as long as scheme, host and port are those of the configured address, and nowhere else.
    pub credentials: Option<&'a Credentials>,
}

impl Request<'_> {
    /// What is sent to this address on the way.
    fn headers(&self, url: &Url, accept: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        for (name, value) in
            [(header::IF_NONE_MATCH, self.etag), (header::IF_MODIFIED_SINCE, self.last_modified)]
        {
            if let Some(value) = value.and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok()) {
                headers.insert(name, value);
            }
        }
        let home = self.configured.and_then(|configured| Url::parse(configured).ok());
        let at_home = home.is_some_and(|home| home.origin() == url.origin());
        for (name, value) in self.credentials.filter(|_| at_home).iter().flat_map(|open| open.headers()) {
            if let (Ok(name), Ok(mut value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
                value.set_sensitive(true);
                headers.append(name, value);
            }
        }
        headers
    }
}

/// What a server answered, by what is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Read the body.
    Fetched(Box<Fetched>),
    /// Nothing new.
    NotModified(Validity),
    /// Ask again later: the network or the server is at fault.
    Transient(Failure),
    /// Ask again much later: the address, its content or our access to it is at fault.
    Permanent(Failure),
    /// Don't ask again: it was taken away for good.
    Gone(Failure),
}

/// A body and what belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Decompressed.
    pub body: Vec<u8>,
    /// As the server says.
    pub content_type: Option<String>,
    /// Where it was at last.
    pub url: String,
    /// For the next request.
    pub validity: Validity,
    /// What else it names.
    pub links: Links,
}

/// What a server says about asking again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    /// Verbatim.
    pub etag: Option<String>,
    /// Verbatim.
    pub last_modified: Option<String>,
    /// For how long the answer is fresh; none where the server says nothing of it.
    pub fresh: Option<Duration>,
    /// Where the server says that it has moved for good.
    pub moved: Option<String>,
}

/// Why there is no body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// Lower-case fragment, without secrets.
    pub reason: String,
    /// The server's own wish.
    pub retry_after: Option<Duration>,
    /// The wish holds for the whole host (429).
    pub whole_host: bool,
    /// No server was reached: the fault may be on our side.
    pub unreached: bool,
}

impl Failure {
    fn of(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..Self::default() }
    }
}

/// The client, made when it is first needed: reading the system's certificates takes time.
#[derive(Debug)]
pub struct Fetcher {
    timeout: Duration,
    per_host_gap: Duration,
    body_bytes_max: usize,
    allow_private: Arc<[Exemption]>,
    agent: String,
    proxy: Option<super::Proxy>,
    large_bodies: Semaphore,
    public: OnceCell<Client>,
    exempt: OnceCell<Client>,
}

impl Fetcher {
    /// Asks within these limits.
    pub fn new(limits: &FetchLimits) -> Self {
        Self {
            timeout: Duration::from_secs(limits.timeout_secs.into()),
            per_host_gap: Duration::from_secs(limits.per_host_gap_secs.into()),
            body_bytes_max: limits.body_bytes_max,
            allow_private: limits.allow_private.clone().into(),
            agent: agent(limits.contact.as_deref()),
            proxy: limits.proxy.clone(),
            large_bodies: Semaphore::new(LARGE_BODIES_MAX),
            public: OnceCell::new(),
            exempt: OnceCell::new(),
        }
    }

    /// Asks, and reads the whole answer.
    pub async fn get(&self, request: Request<'_>) -> Outcome {
        match time::timeout(self.timeout, self.follow(request)).await {
            Ok(Ok(outcome) | Err(outcome)) => outcome,
            Err(_) => Outcome::Transient(self.too_slow()),
        }
    }

    fn too_slow(&self) -> Failure {
        Failure::of(format!("the exchange took longer than {} s (timeout_secs)", self.timeout.as_secs()))
    }

    async fn follow(&self, request: Request<'_>) -> Result<Outcome, Outcome> {
        let mut url =
            Url::parse(request.url).map_err(|error| permanent(format!("its address is none: {error}")))?;
        let exempt = self.is_exempt(request.configured).await;
        let (mut moved, mut for_good) = (None, true);
        for _ in 0..=REDIRECTS_MAX {
            let client = self.admit(&url, exempt).await?;
            let headers = request.headers(&url, ACCEPT_FEED);
            let response = client.get(url.clone()).headers(headers).send().await;
            let response = response.map_err(|error| {
                Outcome::Transient(Failure { unreached: error.is_connect(), ..Failure::of(told(&error)) })
            })?;
            let status = response.status();
            if !is_redirect(status) {
                return self.read(response, &url, moved).await;
            }
            let target = response
                .headers()
                .get(header::LOCATION)
                .and_then(|to| std::str::from_utf8(to.as_bytes()).ok());
            let target = target.ok_or_else(|| permanent("a redirect names no address"))?;
            url = url
                .join(target)
                .map_err(|error| permanent(format!("a redirect's address is none: {error}")))?;
            for_good &= matches!(status.as_u16(), 301 | 308);
            if for_good {
                moved = Some(url.to_string());
            }
        }
        Err(permanent(format!("more than {REDIRECTS_MAX} redirects")))
    }

    /// Whether exemptions hold for this request: the configured address itself must be among them.
    async fn is_exempt(&self, configured: Option<&str>) -> bool {
        let Some(url) = configured.and_then(|url| Url::parse(url).ok()) else { return false };
        if self.allow_private.is_empty() {
            return false;
        }
        net::is_exempt(&url, &self.allow_private) || self.leads_to_exempt(&url).await
    }

    /// Whether a name stands for exempt addresses.
    async fn leads_to_exempt(&self, url: &Url) -> bool {
        let (Some(url::Host::Domain(host)), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return false;
        };
        let Ok(addresses) = lookup_host((host, port)).await else { return false };
        addresses.into_iter().any(|address| self.covers(address.ip(), port))
    }

    fn covers(&self, address: IpAddr, port: u16) -> bool {
        self.allow_private.iter().any(|exemption| exemption.covers(address, port))
    }

    /// The client that may ask for this address. Names are judged once more when they are looked up to connect.
    async fn admit(&self, url: &Url, exempt: bool) -> Result<&Client, Outcome> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(permanent(format!("addresses of the kind {}: are not asked for", url.scheme())));
        }
        let port = url.port_or_known_default().unwrap_or_default();
        let named = exempt && net::is_exempt(url, &self.allow_private);
        match net::literal(url) {
            Some(address) if net::is_public(address) => {}
            Some(address) if exempt && self.covers(address, port) => {}
            Some(_) => return Err(private(url)),
            // behind a proxy nobody else looks the name up
            None if named || (!exempt && self.proxy.is_none()) => {}
            None if !exempt => {
                let host = url.host_str().unwrap_or_default();
                let mut addresses = lookup_host((host, port)).await.into_iter().flatten();
                if !addresses.all(|address| net::is_public(address.ip())) {
                    return Err(private(url));
                }
            }
            None => {
                let host = url.host_str().unwrap_or_default();
                let mut addresses = lookup_host((host, port)).await.map_err(|error| {
                    let reason = format!("could not look up {host}: {error}");
                    Outcome::Transient(Failure { unreached: true, ..Failure::of(reason) })
                })?;
                if !addresses.all(|address| net::is_public(address.ip()) || self.covers(address.ip(), port)) {
                    return Err(private(url));
                }
            }
        }
        let (cell, allowed, proxy) = if exempt {
            (&self.exempt, Arc::clone(&self.allow_private), None)
        } else {
            (&self.public, Arc::from(Vec::new()), self.proxy.clone())
        };
        let client = cell.get_or_try_init(|| async {
            let connect_timeout = self.timeout / CONNECT_SHARE;
            let (per_host_gap, agent) = (self.per_host_gap, self.agent.clone());
            let settings = Settings { allowed, connect_timeout, per_host_gap, agent, proxy };
            task::spawn_blocking(move || settings.build()).await.map_err(|error| error.to_string())?
        });
        client
            .await
            .map_err(|reason| Outcome::Transient(Failure::of(format!("could not make the client: {reason}"))))
    }

    async fn read(
        &self,
        mut response: Response,
        url: &Url,
        moved: Option<String>,
    ) -> Result<Outcome, Outcome> {
        let status = response.status();
        let validity = Validity { moved, ..validity(response.headers()) };
        if status == StatusCode::NOT_MODIFIED {
            return Ok(Outcome::NotModified(validity));
        }
        if !status.is_success() {
            return Ok(refusal(status, response.headers()));
        }
        let content_type = text_of(response.headers(), header::CONTENT_TYPE, 256);
        let links = Links::read(response.headers(), url);
        let too_big =
            || permanent(format!("its body has more than {} bytes (body_bytes_max)", self.body_bytes_max));
        if response.content_length().is_some_and(|length| length > self.body_bytes_max as u64) {
            return Err(too_big());
        }
        let mut body = Vec::new();
        let mut place = None;
        loop {
            let chunk =
                response.chunk().await.map_err(|error| Outcome::Transient(Failure::of(told(&error))))?;
            let Some(chunk) = chunk else { break };
            if body.len() + chunk.len() > self.body_bytes_max {
                return Err(too_big());
            }
            if place.is_none() && body.len() + chunk.len() > SMALL_BODY_BYTES_MAX {
                place = self.large_bodies.acquire().await.ok();
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Outcome::Fetched(Box::new(Fetched { body, content_type, url: url.to_string(), validity, links })))
    }
}

/// Who is asking, and where to complain.
fn agent(contact: Option<&str>) -> String {
    let contact = contact.unwrap_or(CONTACT_DEFAULT);
    let mark = if contact.contains("://") { "+" } else { "" };
    concat!("storywatch/", env!("CARGO_PKG_VERSION"), " (").to_owned() + mark + contact + ")"
}

fn permanent(reason: impl Into<String>) -> Outcome {
    Outcome::Permanent(Failure::of(reason))
}

fn private(url: &Url) -> Outcome {
    let host = url.host_str().unwrap_or_default();
    permanent(format!("{host} is a private address; if it is meant, add it to fetch.allow_private"))
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn refusal(status: StatusCode, headers: &HeaderMap) -> Outcome {
    let code = status.as_u16();
    let words = match code {
        401 => "the server wants a password (401): `credentials` of the feed can name it".to_owned(),
        403 => "the server refuses us (403)".to_owned(),
        404 => "there is nothing at its address (404)".to_owned(),
        410 => "it was taken away for good (410)".to_owned(),
        429 => "the server says that we ask too often (429)".to_owned(),
        _ => format!("the server answered {code}"),
    };
    let failure = Failure {
        reason: words,
        retry_after: retry_after(headers),
        whole_host: code == 429,
        unreached: false,
    };
    match code {
        410 => Outcome::Gone(failure),
        408 | 425 | 429 | 500..=599 => Outcome::Transient(failure),
        _ => Outcome::Permanent(failure),
    }
}

/// How long it is until a date in a header, by the server's own clock (RFC 9111, 4.2.1) where it tells that.
#[expect(
    clippy::disallowed_methods,
    reason = "a source reads the clock: dates in headers are relative to it"
)]
fn until(date: &str, headers: &HeaderMap) -> Option<Duration> {
    let date = httpdate::parse_http_date(date).ok()?;
    let server = headers.get(header::DATE).and_then(|now| httpdate::parse_http_date(now.to_str().ok()?).ok());
    date.duration_since(server.unwrap_or_else(SystemTime::now)).ok()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    value.parse().map(Duration::from_secs).ok().or_else(|| until(value, headers))
}

fn validity(headers: &HeaderMap) -> Validity {
    Validity {
        etag: text_of(headers, header::ETAG, VALIDATOR_BYTES_MAX),
        last_modified: text_of(headers, header::LAST_MODIFIED, VALIDATOR_BYTES_MAX),
        fresh: fresh(headers),
        moved: None,
    }
}

fn fresh(headers: &HeaderMap) -> Option<Duration> {
    let control =
        headers.get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let control = control.to_ascii_lowercase();
    let mut parts = control.split(',').map(str::trim);
    if let Some(age) = parts.clone().find_map(|part| part.strip_prefix("max-age=")) {
        return age.trim_matches('"').parse().map(Duration::from_secs).ok();
    }
    if parts.any(|part| matches!(part, "no-cache" | "no-store")) {
        return Some(Duration::ZERO);
    }
    // a date that is none, such as 0, means that it is stale already
    let expires = headers.get(header::EXPIRES)?.to_str().ok()?;
    Some(until(expires, headers).unwrap_or_default())
}

fn text_of(headers: &HeaderMap, name: header::HeaderName, bytes_max: usize) -> Option<String> {
    let value = std::str::from_utf8(headers.get(name)?.as_bytes()).ok()?;
    (!value.is_empty() && value.len() <= bytes_max).then(|| value.to_owned())
}

/// The innermost cause, which says most; addresses are not repeated, for they may hold secrets.
fn told(error: &reqwest::Error) -> String {
    let what = if error.is_connect() {
        "could not connect"
    } else if error.is_body() || error.is_decode() {
        "the answer broke off or is damaged"
    } else {
        "the request came to nothing"
    };
    let mut cause = error.source();
    let mut innermost = None;
    while let Some(error) = cause {
        innermost = Some(error);
        cause = error.source();
    }
    innermost.map_or_else(|| what.to_owned(), |cause| format!("{what}: {cause}"))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// Answers each connection with the next of the answers and gives back what was asked.
    async fn serve(answers: Vec<String>) -> (SocketAddr, task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let turn = async move {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap();
                asked.push(String::from_utf8_lossy(&request[..length]).into_owned());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            asked
        };
        #[expect(clippy::disallowed_methods, reason = "the test joins it")]
        let task = tokio::spawn(turn);
        (address, task)
    }

    fn answer(status: &str, headers: &str, body: &str) -> String {
        format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            body.len()
        )
    }

    fn fetcher(allow: &[String]) -> Fetcher {
        Fetcher::new(&FetchLimits {
            allow_private: allow.iter().map(|text| text.parse().unwrap()).collect(),
            body_bytes_max: 100,
            timeout_secs: 5,
            ..FetchLimits::default()
        })
    }

    /// What comes of an answer at an exempt address, and what was asked.
    async fn check(answers: Vec<String>) -> (Outcome, Vec<String>) {
        let (address, asked) = serve(answers).await;
        let url = format!("http://{address}/feed");
        let request =
            Request { url: &url, etag: Some("\"1\""), configured: Some(&url), ..Request::default() };
        let outcome = fetcher(&[address.to_string()]).get(request).await;
        (outcome, asked.await.unwrap())
    }

    #[tokio::test]
    async fn a_body_comes_with_its_validators() {
        let (outcome, asked) =
            check(vec![answer("200 OK", "ETag: W/\"x\"\r\nCache-Control: max-age=60\r\n", "hello")]).await;
        let Outcome::Fetched(fetched) = outcome else { panic!("{outcome:?}") };
        assert_eq!(fetched.body, b"hello");
        assert_eq!(fetched.validity.etag.as_deref(), Some("W/\"x\""));
        assert_eq!(fetched.validity.fresh, Some(Duration::from_secs(60)));
        assert!(
            asked[0].contains("if-none-match: \"1\"\r\n") && asked[0].contains("user-agent: storywatch/"),
            "{asked:?}"
        );
    }

    #[test]
    fn whoever_asks_says_who() {
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            agent(Some("https://a.example/bot")),
            format!("storywatch/{version} (+https://a.example/bot)")
        );
        assert_eq!(agent(Some("ann@a.example")), format!("storywatch/{version} (ann@a.example)"));
        assert!(agent(None).contains(CONTACT_DEFAULT));
    }

    #[tokio::test]
    async fn credentials_go_to_the_feeds_own_server_alone() {
        let (other, asked_there) = serve(vec![answer("200 OK", "", "there")]).await;
        let redirect = answer("302 Found", &format!("Location: http://{other}/\r\n"), "");
        let (home, asked) = serve(vec![redirect]).await;
        let url = format!("http://{home}/feed");
        let open: Credentials = "user: ann\npassword: sesame\nx-key: 7".parse().unwrap();
        let request =
            Request { url: &url, configured: Some(&url), credentials: Some(&open), ..Request::default() };
        let outcome = fetcher(&["127.0.0.0/8".to_owned()]).get(request).await;
        assert!(matches!(outcome, Outcome::Fetched(_)), "{outcome:?}");
        let (asked, asked_there) = (asked.await.unwrap().concat(), asked_there.await.unwrap().concat());
        assert!(
            asked.contains("authorization: Basic YW5uOnNlc2FtZQ==") && asked.contains("x-key: 7"),
            "{asked}"
        );
        assert!(!asked_there.contains("authorization") && !asked_there.contains("x-key"), "{asked_there}");
    }

    #[tokio::test]
    async fn a_proxy_is_asked_for_public_addresses_and_for_no_private_one() {
        let (proxy, asked) = serve(vec![answer("200 OK", "", "through")]).await;
        let fetcher = Fetcher::new(&FetchLimits {
            proxy: Some(super::super::Proxy {
                url: format!("http://{proxy}").parse().unwrap(),
                credentials: "user: ann\npassword: sesame".parse().ok().map(Arc::new),
            }),
            ..FetchLimits::default()
        });
        let private = fetcher.get(Request { url: "http://10.0.0.1/", ..Request::default() }).await;
        assert!(matches!(private, Outcome::Permanent(_)), "{private:?}");
        let outcome = fetcher.get(Request { url: "http://192.31.196.1/feed", ..Request::default() }).await;
        assert!(matches!(&outcome, Outcome::Fetched(fetched) if fetched.body == b"through"), "{outcome:?}");
        let asked = asked.await.unwrap().concat();
        assert!(asked.starts_with("GET http://192.31.196.1/feed "), "{asked}");
        assert!(asked.contains("proxy-authorization: Basic YW5uOnNlc2FtZQ=="), "{asked}");
    }

    #[tokio::test]
    async fn too_big_a_body_is_refused() {
        let (outcome, _) = check(vec![answer("200 OK", "", &"x".repeat(101))]).await;
        assert!(matches!(outcome, Outcome::Permanent(_)), "{outcome:?}");
    }

    #[tokio::test]
    async fn a_busy_server_says_when() {
        let (outcome, _) = check(vec![answer("429 Too Many", "Retry-After: 7\r\n", "")]).await;
        let Outcome::Transient(failure) = outcome else { panic!("{outcome:?}") };
        assert_eq!((failure.retry_after, failure.whole_host), (Some(Duration::from_secs(7)), true));
    }

    #[tokio::test]
    async fn what_is_gone_is_gone() {
        assert!(matches!(check(vec![answer("410 Gone", "", "")]).await.0, Outcome::Gone(_)));
    }

    #[tokio::test]
    async fn a_redirect_is_followed() {
        let answers = vec![answer("302 Found", "Location: /other\r\n", ""), answer("200 OK", "", "here")];
        let (outcome, asked) = check(answers).await;
        assert!(matches!(outcome, Outcome::Fetched(fetched) if fetched.url.ends_with("/other")));
        assert!(asked[1].starts_with("GET /other "));
    }

    #[tokio::test]
    async fn a_redirect_into_the_private_net_is_not() {
        for target in [
            "http://127.0.0.1:1/",
            "http://[::ffff:127.0.0.1]:1/",
            "http://localhost:1/",
            "file:///etc/passwd",
        ] {
            let (outcome, _) = check(vec![answer("302 Found", &format!("Location: {target}\r\n"), "")]).await;
            assert!(matches!(&outcome, Outcome::Permanent(_)), "{target}: {outcome:?}");
        }
    }

    #[tokio::test]
    async fn private_addresses_are_refused() {
        for url in [
            "http://127.0.0.1:1/",
            "http://0x7f.1:1/",
            "http://localhost:1/",
            "http://[::1]:1/",
            "ftp://a.example/",
        ] {
            let outcome =
                fetcher(&[]).get(Request { url, configured: Some(url), ..Request::default() }).await;
            assert!(
                matches!(&outcome, Outcome::Permanent(failure) | Outcome::Transient(failure)
                    if failure.reason.contains("private") || failure.reason.contains("kind")),
                "{url}: {outcome:?}"
            );
        }
    }

    #[tokio::test]
    async fn an_exemption_holds_only_for_what_is_configured() {
        let (address, asked) = serve(Vec::new()).await;
        let url = format!("http://{address}/");
        let outcome = fetcher(&[address.to_string()]).get(Request { url: &url, ..Request::default() }).await;
        assert!(matches!(outcome, Outcome::Permanent(_)), "{outcome:?}");
        assert!(asked.await.unwrap().is_empty());
    }
}
