//! `[serve]`: where the page is.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use super::{
    compile::Compiler,
    walk::{Section, Walker, Written, shown},
};

/// Where the page is when nothing is said but that there shall be one.
const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8470);

/// A socket's path.
const UNIX: &str = "unix:";

/// Where the page is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serve {
    /// Where the daemon listens.
    pub listen: Listen,
    /// Names under which readers may open it, beside those of this machine itself; in lower case.
    pub public_hosts: Vec<String>,
}

/// Where the daemon listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A socket of this machine, for a web server before it.
    Unix(PathBuf),
}

impl Default for Serve {
    fn default() -> Self {
        Self { listen: Listen::Tcp(ADDRESS), public_hosts: Vec::new() }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "http://{address}/"),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

/// As it is written.
pub(super) struct ServeFile {
    listen: Option<Written<Where>>,
    public_hosts: Vec<Written<String>>,
}

#[derive(Clone)]
enum Where {
    Tcp(SocketAddr),
    Unix(String),
}

pub(super) fn serve(at: &Section<'_>, walker: &mut Walker) -> ServeFile {
    let mut public_hosts = walker.texts(at, "public_hosts");
    public_hosts.retain(|host| {
        let good = is_host(&host.value);
        if !good {
            let said = shown(&host.value);
            let what = format!("`public_hosts` has {said}, expected a name such as \"news.example.org\", with :port if it has one");
            walker.fault(host.at.start, what);
        }
        good
    });
    ServeFile { listen: walker.parsed(at, "listen", listen), public_hosts }
}

fn listen(text: &str) -> Result<Where, String> {
    let text = text.trim();
    if let Some(path) = text.strip_prefix(UNIX) {
        return Ok(Where::Unix(path.to_owned()));
    }
    let expected = "an address and a port such as \"127.0.0.1:8470\", or \"unix:/run/storywatch/page.sock\"";
    text.parse().map(Where::Tcp).map_err(|_| expected.to_owned())
}

fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']'))
}

impl Compiler<'_> {
    pub(super) fn serve(&mut self, file: ServeFile) -> Option<Serve> {
        let public_hosts: Vec<String> =
            file.public_hosts.into_iter().map(|host| host.value.to_ascii_lowercase()).collect();
        let listen = match file.listen {
            None => Listen::Tcp(ADDRESS),
            Some(Written { value: Where::Unix(path), at }) => {
                Listen::Unix(self.path(Some(&Written { value: path, at }))?)
            }
            Some(Written { value: Where::Tcp(address), at }) => {
                if !address.ip().is_loopback() && public_hosts.is_empty() {
                    let what = "`listen` is an address that others can reach, expected also `public_hosts`, the names \
                                under which they open the page: whoever reaches it reads everything";
                    self.walker.fault(at.start, what);
                }
                Listen::Tcp(address)
            }
        };
        Some(Serve { listen, public_hosts })
    }
}
