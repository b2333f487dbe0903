//! Which addresses may be asked. A feed's entry or a redirect must not lead the daemon into the network behind it.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use url::{Host, Url};

/// A private address that a configured feed may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exemption {
    /// One port of one address.
    Address(SocketAddr),
    /// One port of a named host.
    Named(String, u16),
    /// All ports of a network: its first address and the length of its prefix in bits.
    Network(IpAddr, u8),
}

/// The text is no exemption.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is neither host:port nor a network: expected such as \"127.0.0.1:8080\", \"intranet:80\" or \"10.1.0.0/16\""
)]
pub struct NotAnExemption(String);

impl FromStr for Exemption {
    type Err = NotAnExemption;

    fn from_str(text: &str) -> Result<Self, NotAnExemption> {
        parse(text.trim()).ok_or_else(|| NotAnExemption(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Exemption> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(Exemption::Address(address));
    }
    if let Some((network, prefix)) = text.split_once('/') {
        let network: IpAddr = network.parse().ok()?;
        let prefix: u8 = prefix.parse().ok()?;
        let bits = if network.is_ipv4() { 32 } else { 128 };
        return (prefix <= bits).then_some(Exemption::Network(network, prefix));
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(Exemption::Network(address, if address.is_ipv4() { 32 } else { 128 }));
    }
    let (name, port) = text.rsplit_once(':')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let named = !name.is_empty() && name.chars().all(plain);
    Some(Exemption::Named(named.then(|| name.to_ascii_lowercase())?, port.parse().ok()?))
}

impl Exemption {
    /// Whether that port of that address is meant.
    pub fn covers(&self, address: IpAddr, port: u16) -> bool {
        let address = plain(address);
        match self {
            Self::Address(exempt) => plain(exempt.ip()) == address && exempt.port() == port,
            Self::Named(..) => false,
            Self::Network(network, prefix) => match (plain(*network), address) {
                (IpAddr::V4(network), IpAddr::V4(address)) => {
                    same_prefix(u32::from(network).into(), u32::from(address).into(), 32, *prefix)
                }
                (IpAddr::V6(network), IpAddr::V6(address)) => {
                    same_prefix(network.into(), address.into(), 128, *prefix)
                }
                _ => false,
            },
        }
    }

    fn names(&self, host: &str, port: u16) -> bool {
        matches!(self, Self::Named(name, at) if *at == port && name.eq_ignore_ascii_case(host))
    }
}

fn same_prefix(a: u128, b: u128, bits: u32, prefix: u8) -> bool {
    (a ^ b).checked_shr(bits.saturating_sub(u32::from(prefix))).unwrap_or(0) == 0
}

/// An IPv4 address that is written inside an IPv6 one, as itself.
fn plain(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Whether an address is reachable from everywhere: neither private, local, shared, reserved nor multicast
/// (RFC 6890 and the registries it set up).
pub fn is_public(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a, b, c) == (192, 88, 99)
        || (a == 198 && (b == 18 || b == 19))
        || a >= 224)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, middle @ .., high, low] = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match a {
        // NAT64 and the addresses of 6to4 lead to the IPv4 address inside them
        0x64 if b == 0xff9b && middle == [0; 4] => embedded(high, low),
        0x2002 => embedded(b, middle.first().copied().unwrap_or_default()),
        // Teredo, ORCHID, documentation
        0x2001 if b == 0 || b == 0xdb8 || (0x10..0x30).contains(&b) => false,
        _ => (a & 0xe000) == 0x2000,
    }
}

/// What the host of an address is: a number that can be judged at once, or a name to look up.
pub(crate) fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

/// Whether the exemptions name the host and port of this address, as it is written.
pub(crate) fn is_exempt(url: &Url, exemptions: &[Exemption]) -> bool {
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return false };
    match literal(url) {
        Some(address) => exemptions.iter().any(|exemption| exemption.covers(address, port)),
        None => exemptions.iter().any(|exemption| exemption.names(host, port)),
    }
}

/// An address without what may be secret in it: user info, query and fragment.
pub fn redacted(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else {
        return "an address that cannot be read".to_owned();
    };
    let secret = parsed.query().is_some();
    // both fail only for addresses that cannot have user info
    if parsed.set_username("").is_err() || parsed.set_password(None).is_err() {
        return parsed.scheme().to_owned() + ":…";
    }
    parsed.set_fragment(None);
    parsed.set_query(None);
    let mut text = parsed.to_string();
    if secret {
        text.push_str("?…");
    }
    text
}

/// The host of an address without `www.`; empty where it has none.
pub fn outlet_of(url: &str) -> String {
    let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_ascii_lowercase));
    let host = host.unwrap_or_default();
    host.strip_prefix("www.").unwrap_or(&host).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(addresses: &[&str], expected: bool) {
        for address in addresses {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn the_net_is_public() {
        check(&["93.184.216.34", "8.8.8.8", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8"], true);
    }

    #[test]
    fn what_lies_behind_us_is_not() {
        check(
            &[
                "127.0.0.1",
                "10.0.0.1",
                "172.16.3.4",
                "192.168.1.1",
                "169.254.169.254",
                "100.64.0.1",
                "0.0.0.0",
                "224.0.0.1",
                "255.255.255.255",
                "198.18.0.1",
                "::1",
                "::",
                "fe80::1",
                "fc00::1",
                "ff02::1",
                "::ffff:127.0.0.1",
                "::ffff:10.0.0.1",
                "64:ff9b::10.0.0.1",
                "2002:7f00:1::",
                "::127.0.0.1",
            ],
            false,
        );
    }

    #[test]
    fn an_exemption_covers_its_port_only() {
        let exempt: Exemption = "127.0.0.1:8080".parse().unwrap();
        let at = |port| exempt.covers("127.0.0.1".parse().unwrap(), port);
        assert_eq!((at(8080), at(22)), (true, false));
    }

    #[test]
    fn a_network_covers_its_addresses() {
        let exempt: Exemption = "10.1.0.0/16".parse().unwrap();
        let has = |address: &str| exempt.covers(address.parse().unwrap(), 80);
        assert_eq!((has("10.1.255.1"), has("10.2.0.1"), has("::ffff:10.1.0.1")), (true, false, true));
    }

    #[test]
    fn a_host_is_exempt_by_name_and_port() {
        let exempt = ["intranet:81".parse().unwrap()];
        let is = |url: &str| is_exempt(&Url::parse(url).unwrap(), &exempt);
        assert_eq!((is("http://intranet:81/x"), is("http://intranet/x")), (true, false));
    }

    #[test]
    fn what_is_no_exemption_is_named() {
        for text in ["", "host", "10.0.0.0/33", "a b:80", "host:port"] {
            assert_eq!(text.parse::<Exemption>(), Err(NotAnExemption(text.to_owned())));
        }
    }

    #[test]
    fn secrets_are_redacted() {
        assert_eq!(redacted("https://me:word@a.example/x?key=1#y"), "https://a.example/x?…");
        assert_eq!(redacted("https://a.example/x"), "https://a.example/x");
    }

    #[test]
    fn an_outlet_is_a_host_without_www() {
        assert_eq!(outlet_of("https://www.a.example/x"), "a.example");
        assert_eq!(outlet_of("nonsense"), "");
    }
}
