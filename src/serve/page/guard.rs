//! Who may read: requests that name this machine, or a host that the operator named. A name that only points here
//! (DNS rebinding) is refused, and so is a script of another site.

use std::{collections::BTreeSet, net::SocketAddr};

use hyper::header::{self, HeaderMap};
use url::Url;

/// Names under which the page may be opened.
#[derive(Clone, Debug, Default)]
pub struct Hosts(BTreeSet<String>);

impl Hosts {
    /// Those of the address itself, where it is one of this machine, and what the operator named beside.
    pub fn new(address: Option<SocketAddr>, public: &[String]) -> Self {
        let mut hosts: BTreeSet<String> = public.iter().map(|host| host.to_ascii_lowercase()).collect();
        match address {
            None => hosts.extend(["localhost".to_owned()]),
            Some(address) => {
                let port = address.port();
                let ports = [Some(port), (port == 80).then_some(0)].into_iter().flatten();
                for port in ports {
                    let port = if port == 0 { String::new() } else { format!(":{port}") };
                    for name in ["localhost", "127.0.0.1", "[::1]"] {
                        hosts.insert(format!("{name}{port}"));
                    }
                }
                if !address.ip().is_unspecified() {
                    hosts.insert(address.to_string());
                }
            }
        }
        Self(hosts)
    }

    /// # Errors
    /// Why a request is refused.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), &'static str> {
        const HOST: &str = "this page is not served under that name: put it into public_hosts of [serve]\n";
        const ORIGIN: &str = "another site may not read this page\n";
        let mut named = headers.get_all(header::HOST).iter();
        let host = named.next().and_then(|host| host.to_str().ok()).ok_or(HOST)?;
        if named.next().is_some() || !self.0.contains(&host.to_ascii_lowercase()) {
            return Err(HOST);
        }
        for origin in headers.get_all(header::ORIGIN) {
            let url = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok()).ok_or(ORIGIN)?;
            let mut name = url.host_str().ok_or(ORIGIN)?.to_owned();
            if let Some(port) = url.port() {
                name = format!("{name}:{port}");
            }
            if !self.0.contains(&name) {
                return Err(ORIGIN);
            }
        }
        // A link from elsewhere may lead here; an image, a frame or a script of another site may not ask.
        let word = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if word("sec-fetch-site") == Some("cross-site") && word("sec-fetch-mode") != Some("navigate") {
            return Err(ORIGIN);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Hosts {
        Hosts::new("127.0.0.1:8470".parse().ok(), &["News.Example.org".to_owned()])
    }

    #[track_caller]
    fn check(headers: &[(&'static str, &str)], good: bool) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        assert_eq!(hosts().check(&map).is_ok(), good, "{headers:?}");
    }

    #[test]
    fn only_own_names_are_answered() {
        check(&[("host", "127.0.0.1:8470")], true);
        check(&[("host", "LOCALHOST:8470")], true);
        check(&[("host", "[::1]:8470")], true);
        check(&[("host", "news.example.org")], true);
        check(&[("host", "127.0.0.1")], false);
        check(&[("host", "127.0.0.1:9999")], false);
        check(&[("host", "rebound.example:8470")], false);
        check(&[("host", "news.example.org"), ("host", "rebound.example")], false);
        check(&[], false);
    }

    #[test]
    fn other_sites_are_not_answered() {
        let host = ("host", "127.0.0.1:8470");
        check(&[host, ("origin", "http://127.0.0.1:8470")], true);
        check(&[host, ("origin", "https://news.example.org")], true);
        check(&[host, ("origin", "https://evil.example")], false);
        check(&[host, ("origin", "null")], false);
        check(&[host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], true);
        check(&[host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")], false);
        check(&[host, ("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors")], true);
    }

    #[test]
    fn an_address_for_everybody_is_no_name() {
        let mut map = HeaderMap::new();
        map.append("host", "0.0.0.0:8470".parse().unwrap());
        let hosts = Hosts::new("0.0.0.0:8470".parse().ok(), &["news.example.org".to_owned()]);
        assert!(hosts.check(&map).is_err());
    }
}
