//! `WebSub` against a real hub, which the test plays on 127.0.0.1.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use ring::hmac;
use url::{Url, form_urlencoded};

use crate::world::{Served, Server, World, rss, wait_for};

type Form = BTreeMap<String, String>;

/// A hub that verifies each subscription and grants leases of `lease_secs`.
struct Hub {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Form>>>,
    echoes: Arc<Mutex<Vec<String>>>,
}

impl Hub {
    fn start(lease_secs: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let hub = Self { address, asked: Arc::default(), echoes: Arc::default() };
        let (asked, echoes) = (Arc::clone(&hub.asked), Arc::clone(&hub.echoes));
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let body = read_body(&mut stream);
                let form: Form = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
                stream
                    .write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    .unwrap();
                let mut url: Url = form["hub.callback"].parse().unwrap();
                url.query_pairs_mut()
                    .append_pair("hub.mode", &form["hub.mode"])
                    .append_pair("hub.topic", &form["hub.topic"])
                    .append_pair("hub.challenge", "4711")
                    .append_pair("hub.lease_seconds", &lease_secs.to_string());
                asked.lock().unwrap().push(form);
                echoes.lock().unwrap().push(request("GET", &url, "", ""));
            }
        });
        hub
    }

    fn asked(&self) -> Vec<Form> {
        self.asked.lock().unwrap().clone()
    }

    /// Brings news to whoever subscribed last; gives the status line.
    fn publish(&self, body: &str, sign: impl Fn(&[u8], &[u8]) -> String) -> String {
        let form = self.asked().pop().unwrap();
        let signature = sign(form["hub.secret"].as_bytes(), body.as_bytes());
        let headers = format!("Content-Type: application/rss+xml\r\nX-Hub-Signature: {signature}\r\n");
        request("POST", &form["hub.callback"].parse().unwrap(), &headers, body)
    }
}

fn read_body(stream: &mut TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

/// The whole answer.
fn request(method: &str, url: &Url, headers: &str, body: &str) -> String {
    let address = (url.host_str().unwrap(), url.port().unwrap());
    let mut stream = TcpStream::connect(address).unwrap();
    let target = &url[url::Position::BeforePath..];
    let length = body.len();
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: we.example\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn signed(secret: &[u8], body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::sign(&key, body).as_ref().iter().fold("sha256=".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn item(number: u32) -> (String, String, String) {
    (
        format!("https://outlet.example/{number}"),
        format!("Ferry report {number}"),
        format!("On day {number} of the storm the ferry to island {number} was halted by its captain."),
    )
}

/// A feed that names the hub, served; and a daemon's world that hubs can reach.
fn world(hub: &Hub) -> (Server, World, u16) {
    let server = Server::start();
    let port = free_port();
    let links = format!(
        "<channel><link xmlns=\"http://www.w3.org/2005/Atom\" rel=\"hub\" href=\"http://{}/\"/>\
         <link xmlns=\"http://www.w3.org/2005/Atom\" rel=\"self\" href=\"{}\"/>",
        hub.address,
        server.url("/feed.xml")
    );
    let body = rss(&[item(1)]).replacen("<channel>", &links, 1);
    server.serve("/feed.xml", Served { body, content_type: "application/rss+xml", etag: None });
    let world = World::new(&format!(
        "[fetch]\nper_host_gap_secs = 0\nallow_private = [\"127.0.0.0/8\"]\n\
         [websub]\nlisten = \"127.0.0.1:{port}\"\ncallback = \"http://127.0.0.1:{port}/hub\"\n\
         [[feed]]\nurl = \"{}\"\n[[topic]]\nname = \"ferry\"\nquery = \"ferry\"\n",
        server.url("/feed.xml")
    ));
    (server, world, port)
}

fn told(world: &World, title: &str) -> bool {
    world.alerts().iter().any(|alert| alert["article"]["title"] == title)
}

#[test]
fn a_hubs_news_is_told_at_once_and_a_strangers_is_not() {
    let hub = Hub::start(864_000);
    let (server, world, port) = world(&hub);
    let daemon = world.start();
    let echo = wait_for("the verification", || hub.echoes.lock().unwrap().first().cloned());
    assert!(echo.starts_with("HTTP/1.1 200 ") && echo.ends_with("4711"), "{echo}");
    let form = &hub.asked()[0];
    assert_eq!((form["hub.mode"].as_str(), &form["hub.topic"]), ("subscribe", &server.url("/feed.xml")));
    assert!(form["hub.callback"].starts_with(&format!("http://127.0.0.1:{port}/hub/")), "{form:?}");

    let forged = hub.publish(&rss(&[item(2)]), |_, body| signed(b"guessed", body));
    assert!(forged.starts_with("HTTP/1.1 202 "), "{forged}");
    let answer = hub.publish(&rss(&[item(3)]), signed);
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    assert!(told(&world, "Ferry report 3"), "it was acknowledged before it was durable");
    assert!(!told(&world, "Ferry report 2"));
    assert_eq!(server.asked("/feed.xml").len(), 1, "the feed itself was not asked again");

    let elsewhere = format!("http://127.0.0.1:{port}/hub/0123456789abcdef").parse().unwrap();
    assert!(request("POST", &elsewhere, "", "x").starts_with("HTTP/1.1 410 "));
    let unasked = format!("{}?hub.mode=subscribe&hub.topic=x&hub.challenge=1", form["hub.callback"]);
    assert!(request("GET", &unasked.parse().unwrap(), "", "").starts_with("HTTP/1.1 404 "));
    let said = world.ok(&["feeds", "list"]);
    assert!(said.contains("tells us of news") && said.contains("only to check"), "{said}");
    daemon.stop();

    let daemon = world.start();
    let answer = hub.publish(&rss(&[item(4)]), signed);
    assert!(answer.starts_with("HTTP/1.1 202 ") && told(&world, "Ferry report 4"), "{answer}");
    assert_eq!(hub.asked().len(), 1, "a subscription outlives a restart");
    daemon.stop();
}

#[test]
fn the_hub_of_a_feed_that_is_taken_out_is_told_so() {
    let hub = Hub::start(864_000);
    let (_server, world, _) = world(&hub);
    let daemon = world.start();
    wait_for("the verification", || hub.echoes.lock().unwrap().first().cloned());
    let config = std::fs::read_to_string(world.path("storywatch.toml")).unwrap();
    let (before, after) = config.split_once("[[feed]]").unwrap();
    world.write("storywatch.toml", &format!("{before}{}", &after[after.find("[[topic]]").unwrap()..]));
    daemon.signal(rustix::process::Signal::HUP);
    let echo = wait_for("the farewell", || hub.echoes.lock().unwrap().get(1).cloned());
    assert!(echo.starts_with("HTTP/1.1 200 ") && echo.ends_with("4711"), "{echo}");
    let forms = hub.asked();
    assert_eq!(forms[1]["hub.mode"], "unsubscribe");
    assert_eq!(
        (&forms[0]["hub.callback"], &forms[0]["hub.topic"]),
        (&forms[1]["hub.callback"], &forms[1]["hub.topic"])
    );
    daemon.stop();
}

#[test]
fn a_lease_is_renewed_in_time() {
    let hub = Hub::start(10);
    let (server, world, _) = world(&hub);
    let daemon = world.start();
    wait_for("the renewal", || (hub.asked().len() >= 2).then_some(()));
    assert_eq!(server.asked("/feed.xml").len(), 2, "a renewal goes with a request for the feed");
    daemon.stop();
}

#[test]
fn without_its_hub_a_feed_is_asked() {
    let hub = Hub { address: "127.0.0.1:1".parse().unwrap(), asked: Arc::default(), echoes: Arc::default() };
    let (_server, world, _) = world(&hub);
    let daemon = world.start();
    wait_for("the refusal", || daemon.said().contains("hub could not be asked").then_some(()));
    let said = wait_for("the feed's health", || {
        let said = world.ok(&["feeds", "list"]);
        said.contains("does not tell us").then_some(said)
    });
    assert!((13..=16).any(|minutes| said.contains(&format!("next in {minutes} minutes"))), "{said}");
    daemon.stop();
}
