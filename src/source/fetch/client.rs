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
use rustls::{CipherSuite, ClientConfig, client::Resumption};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::lookup_host;

use super::{sessions::Sessions, told};
use crate::source::{
    Proxy,
    net::{self, Exemption},
};

/// Idle connections are closed so long after a host's next turn: feeds are minutes apart, several of one host only the
/// gap between them. With very many hosts each idle one is an open file and 30 kB.
const IDLE_SECS: u64 = 3;

/// The longest that an idle connection is kept.
const IDLE_SECS_MAX: u64 = 20;

/// What a client depends on.
pub(super) struct Settings {
    pub(super) allowed: Arc<[Exemption]>,
    pub(super) connect_timeout: Duration,
    pub(super) per_host_gap: Duration,
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
        let idle = Duration::from_secs(IDLE_SECS_MAX).min(self.per_host_gap + Duration::from_secs(IDLE_SECS));
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
                .pool_idle_timeout(idle)
                .pool_max_idle_per_host(1)
        };
        match tls() {
            Ok(tls) => settings().tls_backend_preconfigured(tls).build().map_err(|error| told(&error)),
            Err(reason) => {
                tracing::warn!(
                    %reason,
                    "no certificates of this system could be read: https will not work, http does"
                );
                settings().tls_certs_only([]).build().map_err(|error| told(&error))
            }
        }
    }
}

/// As the client would set it up by itself, but for the sessions, and for the suite that it would rather have: as
/// browsers do, one whose hash processors know.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let mut ring = rustls::crypto::ring::default_provider();
    ring.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    let builder =
        ClientConfig::builder_with_provider(Arc::new(ring)).with_safe_default_protocol_versions()?;
    let mut config = builder.with_platform_verifier()?.with_no_client_auth();
    config.resumption = Resumption::store(Arc::new(Sessions::default()));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
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
