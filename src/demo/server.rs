//! A feed server on the loopback interface, for the demo's outlets: real HTTP, real feeds, real conditional requests.

use std::{
    fmt::Write as _,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

use super::pieces::{OUTLETS, Outlet, Piece, Via, pieces};

const REQUEST_BYTES_MAX: usize = 16 << 10;
const EXCHANGE_SECS: u64 = 10;
const CONNECTIONS_MAX: usize = 64;

/// The running server. It ends with the tasks that it was started in.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shelf: Arc<Shelf>,
}

/// What is published, and what has been asked for.
#[derive(Debug)]
struct Shelf {
    pieces: Vec<Piece>,
    began: Timestamp,
    released: AtomicU8,
    /// By place in `OUTLETS`: the last wave that a reader of the outlet's feed has seen.
    seen: [AtomicU8; OUTLETS.len()],
}

impl Server {
    /// Starts to serve; nothing is released yet. `began` is what the pieces' ages count from.
    ///
    /// # Errors
    /// No port can be had on 127.0.0.1.
    pub async fn start(tasks: &mut JoinSet<()>, began: Timestamp) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shelf =
            Arc::new(Shelf { pieces: pieces(), began, released: AtomicU8::new(0), seen: Default::default() });
        tasks.spawn(serve(listener, Arc::clone(&shelf)));
        Ok(Self { address, shelf })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Publishes all pieces up to that wave.
    pub fn release(&self, wave: u8) {
        self.shelf.released.store(wave, Ordering::Release);
    }

    /// Whether every feed was asked for since its last change.
    pub fn all_seen(&self) -> bool {
        OUTLETS.iter().zip(&self.shelf.seen).all(|(outlet, seen)| {
            outlet.via == Via::Drop || seen.load(Ordering::Acquire) >= self.shelf.version(outlet)
        })
    }
}

/// The address of an outlet's feed on the server.
pub fn feed_url(server: SocketAddr, outlet: &Outlet) -> String {
    format!("http://{server}/{}/feed.xml", outlet.host)
}

async fn serve(listener: TcpListener, shelf: Arc<Shelf>) {
    let mut exchanges = JoinSet::new();
    loop {
        if exchanges.len() >= CONNECTIONS_MAX {
            exchanges.join_next().await;
        }
        while exchanges.try_join_next().is_some() {}
        // What goes wrong with one connection is its client's business: it asks again.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shelf = Arc::clone(&shelf);
        exchanges.spawn(async move {
            timeout(Duration::from_secs(EXCHANGE_SECS), exchange(stream, &shelf)).await.is_ok()
        });
    }
}

async fn exchange(mut stream: TcpStream, shelf: &Shelf) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        let mut part = [0; 2048];
        let read = stream.read(&mut part).await?;
        request.extend_from_slice(part.get(..read).unwrap_or_default());
        if read == 0 || request.len() > REQUEST_BYTES_MAX {
            return Ok(());
        }
    }
    let answer = shelf.answer(&String::from_utf8_lossy(&request));
    stream.write_all(&answer).await?;
    stream.shutdown().await
}

impl Shelf {
    fn answer(&self, request: &str) -> Vec<u8> {
        let mut lines = request.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if method != "GET" {
            return response("405 Method Not Allowed", "text/plain", "", "only GET is answered\n");
        }
        let known = |outlet: &&Outlet| {
            let below = path.strip_prefix('/').and_then(|path| path.strip_prefix(outlet.host));
            below.is_some_and(|below| below.starts_with('/'))
        };
        let Some(place) = OUTLETS.iter().position(|outlet| known(&outlet)) else { return not_found() };
        let Some(outlet) = OUTLETS.get(place) else { return not_found() };
        let below = path.get(outlet.host.len() + 1..).unwrap_or_default();
        if below != "/feed.xml" || outlet.via == Via::Drop {
            let page = self.current(outlet).into_iter().find(|piece| piece.path == below);
            return page.map_or_else(not_found, |piece| {
                response("200 OK", "text/html; charset=utf-8", "", &page_of(piece))
            });
        }
        let version = self.version(outlet);
        let etag = format!("\"{}-{version}\"", outlet.host);
        let held = lines.filter_map(|line| line.split_once(':'));
        let mut held = held.filter(|(name, _)| name.eq_ignore_ascii_case("if-none-match"));
        let unchanged = held.any(|(_, value)| value.trim() == etag);
        if let Some(seen) = self.seen.get(place) {
            seen.fetch_max(version, Ordering::AcqRel);
        }
        let extra = format!("ETag: {etag}\r\n");
        match (unchanged, outlet.via) {
            (true, _) => response("304 Not Modified", "", &extra, ""),
            (false, Via::Atom) => {
                response("200 OK", "application/atom+xml; charset=utf-8", &extra, &self.atom(outlet))
            }
            (false, _) => response("200 OK", "application/rss+xml; charset=utf-8", &extra, &self.rss(outlet)),
        }
    }

    /// The newest revision of each released article of the outlet, newest article first.
    fn current(&self, outlet: &Outlet) -> Vec<&Piece> {
        let released = self.released.load(Ordering::Acquire);
        let own = self.pieces.iter().filter(|piece| piece.outlet == *outlet && piece.wave <= released);
        let mut current: Vec<&Piece> = Vec::new();
        for piece in own {
            current.retain(|known| known.path != piece.path);
            current.push(piece);
        }
        current.sort_by_key(|piece| piece.published_minutes_ago);
        current
    }

    /// The wave of the outlet's last change; zero before its first piece.
    fn version(&self, outlet: &Outlet) -> u8 {
        self.current(outlet).iter().map(|piece| piece.wave).max().unwrap_or(0)
    }

    fn published(&self, piece: &Piece) -> Timestamp {
        published(piece, self.began)
    }

    fn rss(&self, outlet: &Outlet) -> String {
        let mut feed = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <rss version=\"2.0\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\">\n<channel>\n\
             <title>{name}</title>\n<link>https://{host}/</link>\n<description>News by {name}</description>\n",
            name = outlet.name,
            host = outlet.host
        );
        for piece in self.current(outlet) {
            let date =
                jiff::fmt::rfc2822::to_string(&self.published(piece).to_zoned(jiff::tz::TimeZone::UTC));
            feed.push_str("<item>\n");
            element(&mut feed, "title", piece.title);
            element(&mut feed, "link", &piece.url());
            element(&mut feed, "guid", &piece.url());
            element(&mut feed, "pubDate", &date.unwrap_or_default());
            element(&mut feed, "description", piece.text.lines().next().unwrap_or_default());
            element(&mut feed, "content:encoded", &html(piece.text));
            feed.push_str("</item>\n");
        }
        feed.push_str("</channel>\n</rss>\n");
        feed
    }

    fn atom(&self, outlet: &Outlet) -> String {
        let current = self.current(outlet);
        let newest = current.iter().map(|piece| self.published(piece)).max().unwrap_or(self.began);
        let mut feed = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n\
             <title>{name}</title>\n<id>https://{host}/</id>\n<link href=\"https://{host}/\"/>\n\
             <updated>{newest}</updated>\n<author><name>{name}</name></author>\n",
            name = outlet.name,
            host = outlet.host
        );
        for piece in current {
            let date = self.published(piece).to_string();
            feed.push_str("<entry>\n");
            element(&mut feed, "title", piece.title);
            element(&mut feed, "id", &piece.url());
            element(&mut feed, "published", &date);
            element(&mut feed, "updated", &date);
            write!(feed, "<link href=\"{}\"/>\n<content type=\"html\">", escape(&piece.url())).ok();
            feed.push_str(&escape(&html(piece.text)));
            feed.push_str("</content>\n</entry>\n");
        }
        feed.push_str("</feed>\n");
        feed
    }
}

/// When a piece says that it was published.
pub(super) fn published(piece: &Piece, began: Timestamp) -> Timestamp {
    let age = SignedDuration::from_mins(i64::from(piece.published_minutes_ago));
    let whole = Timestamp::from_second(began.as_second()).unwrap_or(began);
    whole.checked_sub(age).unwrap_or(whole)
}

fn element(xml: &mut String, name: &str, text: &str) {
    let text = escape(text);
    writeln!(xml, "<{name}>{text}</{name}>").ok();
}

fn html(text: &str) -> String {
    text.lines().fold(String::new(), |html, line| html + "<p>" + &escape(line) + "</p>\n")
}

fn page_of(piece: &Piece) -> String {
    let title = escape(piece.title);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <link rel=\"canonical\" href=\"{}\"></head>\n<body><article><h1>{title}</h1>\n{}</article></body></html>\n",
        escape(&piece.url()),
        html(piece.text)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn not_found() -> Vec<u8> {
    response("404 Not Found", "text/plain", "", "there is nothing here\n")
}

fn response(status: &str, content_type: &str, extra: &str, body: &str) -> Vec<u8> {
    let content = match content_type {
        "" => String::new(),
        _ => format!("Content-Type: {content_type}\r\nContent-Length: {}\r\n", body.len()),
    };
    format!("HTTP/1.1 {status}\r\n{content}{extra}Connection: close\r\n\r\n{body}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf(wave: u8) -> Shelf {
        Shelf {
            pieces: pieces(),
            began: "2031-03-06T12:00:00Z".parse().unwrap(),
            released: AtomicU8::new(wave),
            seen: Default::default(),
        }
    }

    #[track_caller]
    fn check(wave: u8, request: &str, status: &str, has: &[&str], has_not: &[&str]) {
        let answer = shelf(wave).answer(&format!("{request}\r\n\r\n"));
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        for part in has {
            assert!(answer.contains(part), "{part} is not in\n{answer}");
        }
        for part in has_not {
            assert!(!answer.contains(part), "{part} is in\n{answer}");
        }
    }

    const POST: &str = "GET /harbourpost.example/feed.xml HTTP/1.1";

    #[test]
    fn a_feed_has_what_is_released() {
        check(0, POST, "200", &["<rss ", "Content-Type: application/rss+xml"], &["<item>"]);
        check(1, POST, "200", &["<item>", "Thu, 6 Mar 2031 11:10:00", "Farrenby met Korrin"], &["Arkwend"]);
        check(4, POST, "200", &["Hollis Arkwend", "harbourpost.example-4"], &["Farrenby met Korrin chief"]);
    }

    #[test]
    fn atom_is_served_too() {
        let courier = "GET /northmarch-courier.example/feed.xml HTTP/1.1";
        check(2, courier, "200", &["<entry>", "<published>2031-03-06T11:29:00Z", "&lt;p&gt;"], &["<rss"]);
    }

    #[test]
    fn an_unchanged_feed_is_not_sent_again() {
        let again = |version| format!("{POST}\r\nif-none-match: \"harbourpost.example-{version}\"");
        check(3, &again(1), "304", &["ETag: \"harbourpost.example-1\""], &["Content-Type"]);
        check(4, &again(1), "200", &["<item>"], &[]);
    }

    #[test]
    fn each_article_has_a_page() {
        let page = "GET /coasteight.example/story/90812 HTTP/1.1";
        check(3, page, "200", &["<h1>Transport minister faces", "text/html"], &[]);
        check(2, page, "404", &[], &["<h1>"]);
    }

    #[test]
    fn all_else_is_refused() {
        check(4, "GET / HTTP/1.1", "404", &[], &[]);
        check(4, "GET /harbourpost.examplefeed.xml HTTP/1.1", "404", &[], &[]);
        check(4, "GET /meridianwire.example/feed.xml HTTP/1.1", "404", &[], &[]);
        check(4, "POST /harbourpost.example/feed.xml HTTP/1.1", "405", &[], &[]);
        check(4, "", "405", &[], &[]);
    }

    #[test]
    fn serves_over_a_socket_and_notes_who_has_seen_what() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            let server = Server::start(&mut tasks, Timestamp::UNIX_EPOCH).await.unwrap();
            server.release(1);
            assert!(!server.all_seen());
            for outlet in OUTLETS.iter().filter(|outlet| outlet.via != Via::Drop) {
                let mut stream = TcpStream::connect(server.address()).await.unwrap();
                let request = format!("GET /{}/feed.xml HTTP/1.1\r\nHost: x\r\n\r\n", outlet.host);
                stream.write_all(request.as_bytes()).await.unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.unwrap();
                assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
            }
            assert!(server.all_seen());
            server.release(2);
            assert!(!server.all_seen());
        });
    }
}
