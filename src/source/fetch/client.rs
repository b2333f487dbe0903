//! The client, and the guard before it: names are judged once more when they are looked up to connect.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
    header::HeaderValue,
    redirect,
};
use tokio::net::lookup_host;

use super::told;
use crate::source::{
    Proxy,
    net::{self, Exemption},
};

/// Idle connections are closed after this time: feeds are minutes apart, several of one host only seconds. With very
/// many hosts each idle one is an open file.
const IDLE_SECS: u64 = 20;

/// What a client depends on.
pub(super) struct Settings {
    pub(super) allowed: Arc<[Exemption]>,
    pub(super) connect_timeout: Duration,
    pub(super) agent: String,
    pub(super) proxy: Option<Proxy>,
}

impl Settings {
    /// Makes the client, also where no certificates can be read. Takes time.
    pub(super) fn build(self) -> Result<Client, String> {
        // it may have been installed before: then it is the same
        rustls::crypto::ring::default_provider().install_default().ok();
        let proxy_host = self.proxy.as_ref().and_then(|proxy| proxy.url.host_str().map(str::to_owned));
        let guard = Arc::new(Guard { allowed: self.allowed, proxy: proxy_host });
        let proxy = self.proxy.as_ref().map(proxied).transpose()?;
        let settings = || {
            // the environment's proxies are not ours
            let client = Client::builder().no_proxy();
            let client = proxy.iter().fold(client, |client, proxy| client.proxy(proxy.clone()));
            client
                .user_agent(&self.agent)
                .redirect(redirect::Policy::none())
                .referer(false)
                .connect_timeout(self.connect_timeout)
                .dns_resolver(Arc::clone(&guard))
                .pool_idle_timeout(Duration::from_secs(IDLE_SECS))
                .pool_max_idle_per_host(1)
        };
        match settings().build() {
            Ok(client) => Ok(client),
            Err(error) => {
                tracing::warn!(
                    reason = told(&error),
                    "no certificates of this system could be read: https will not work, http does"
                );
                settings().tls_certs_only([]).build().map_err(|error| told(&error))
            }
        }
    }
}

fn proxied(proxy: &Proxy) -> Result<reqwest::Proxy, String> {
    let mut made = reqwest::Proxy::all(proxy.url.as_str()).map_err(|error| told(&error))?;
    for (name, value) in proxy.credentials.iter().flat_map(|open| open.headers()) {
        if name == "authorization"
            && let Ok(mut value) = HeaderValue::from_str(value)
        {
            value.set_sensitive(true);
            made = made.custom_http_auth(value);
        }
    }
    Ok(made)
}

/// Looks names up and keeps back what may not be connected to.
#[derive(Debug)]
struct Guard {
    allowed: Arc<[Exemption]>,
    proxy: Option<String>,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = Arc::clone(&self.allowed);
        let is_proxy = self.proxy.as_deref().is_some_and(|proxy| proxy.eq_ignore_ascii_case(name.as_str()));
        Box::pin(async move {
            let host = name.as_str();
            let addresses: Vec<SocketAddr> = lookup_host((host, 0)).await?.collect();
            let fit = |address: &SocketAddr| {
                is_proxy || net::is_public(address.ip()) || is_allowed(&allowed, host, address.ip())
            };
            let fitting: Vec<SocketAddr> = addresses.into_iter().filter(fit).collect();
            if fitting.is_empty() {
                let reason = format!(
                    "{host} stands for a private address; if it is meant, add it to fetch.allow_private"
                );
                return Err(reason.into());
            }
            Ok(Box::new(fitting.into_iter()) as Addrs)
        })
    }
}

/// The port is not known here; it was judged before the request.
fn is_allowed(allowed: &[Exemption], host: &str, address: IpAddr) -> bool {
    allowed.iter().any(|exemption| match exemption {
        Exemption::Address(exempt) => exempt.ip().to_canonical() == address.to_canonical(),
        Exemption::Named(name, _) => name.eq_ignore_ascii_case(host),
        Exemption::Network(..) => exemption.covers(address, 0),
    })
}
