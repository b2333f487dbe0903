//! The page over its socket: who may read, what each view says, alerts as they come.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::Path,
    process::Command,
};

use serde_json::json;

use crate::world::{DEADLINE, Daemon, World, wait_for};

const TEXT: &str = "The ferry Tern ran aground near Holm on Monday with ninety passengers aboard. \"I did not have any dealings with the shipyard,\" said Captain Lena Orvik.";
const OTHER: &str = "The ferry Tern, aground near Holm since Monday with ninety passengers, had cracked bolts. Captain Lena Orvik said: \"I haven't had dealings with that shipyard.\" Minister Jonas Falk of Port Maren will answer.";

pub fn with_page(more: &str) -> World {
    World::new(&format!(
        "[serve]\nlisten = \"127.0.0.1:0\"\n[[topic]]\nname = \"ferry & co\"\nquery = \"ferry\"\n{more}"
    ))
}

/// Host and port of the page.
pub fn address(daemon: &Daemon) -> String {
    wait_for("the page", || {
        let said = daemon.said();
        let (_, rest) = said.split_once("the page is at http://")?;
        rest.split_once('/').map(|(address, _)| address.to_owned())
    })
}

/// Status, headers in lower case, body.
struct Got {
    status: u16,
    head: String,
    body: String,
}

fn ask(address: &str, path: &str, headers: &[(&str, &str)]) -> Got {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    exchange(&mut stream, "GET", path, headers)
}

fn exchange(stream: &mut (impl Read + Write), method: &str, path: &str, headers: &[(&str, &str)]) -> Got {
    let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{request}\r\n").as_bytes()).unwrap();
    let mut whole = String::new();
    stream.read_to_string(&mut whole).unwrap();
    let (head, body) = whole.split_once("\r\n\r\n").unwrap();
    Got {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}

fn get(address: &str, path: &str) -> Got {
    let got = ask(address, path, &[("Host", address)]);
    assert_eq!(got.status, 200, "{path}: {}", got.body);
    got
}

fn article(id: &str, outlet: &str, title: &str, text: &str) -> String {
    let now = jiff::Timestamp::now().to_string();
    json!({"id": id, "url": format!("https://{outlet}/{id}"), "source": outlet, "title": title, "text": text, "published": now})
        .to_string()
}

fn told(world: &World) {
    let lines = [
        article("a", "gull.example", "Ferry Tern & crew aground near Holm", TEXT),
        article("b", "wire.example", "Ferry Tern aground near Holm", TEXT),
        article("c", "heron.example", "Cracked bolts beneath ferry Tern, aground near Holm", OTHER),
    ];
    world.drop_file("a.jsonl", &lines.join("\n"));
    wait_for("the alerts", || (world.alerts().len() >= 2).then_some(()));
}

/// A page once it holds `expected`: the index follows within a second or two.
fn page_with(address: &str, path: &str, expected: &str) -> String {
    wait_for(expected, || {
        let body = ask(address, path, &[("Host", address)]).body;
        body.contains(expected).then_some(body)
    })
}

#[test]
fn every_view_says_what_is_stored() {
    let world = with_page("");
    let daemon = world.start();
    let address = address(&daemon);
    told(&world);
    let topics = page_with(&address, "/", "3\u{a0}reports");
    assert!(topics.contains("Ferry Tern &amp; crew aground"), "{topics}");
    assert!(topics.contains("href=\"/topic?name=ferry+%26+co\""), "{topics}");
    assert!(
        get(&address, "/topic?name=ferry+%26+co&by=day")
            .body
            .contains("3\u{a0}reports in 30 days, 1 of them copies")
    );
    let stories = get(&address, "/stories").body;
    let story = stories.split_once("href=\"/story/").unwrap().1.get(..16).unwrap();
    let story = get(&address, &format!("/story/{story}")).body;
    assert!(story.contains("only heron.example") && story.contains("<mark>haven't had</mark>"), "{story}");
    assert!(story.contains("Printed by 1 more"), "{story}");
    let found = get(&address, "/search?q=%22cracked+bolts%22").body;
    assert!(found.contains("<mark>cracked bolts</mark>") && found.contains("1\u{a0}report<"), "{found}");
    assert!(get(&address, "/search?q=(").body.contains("expected a word, a phrase or ("));
    assert!(get(&address, "/feeds").body.contains("The config has no feed."));
    let feed = get(&address, "/alerts.atom").body;
    assert!(feed.contains("<title>Ferry Tern &amp; crew aground near Holm</title>"), "{feed}");
    for path in ["/", "/stories", "/search?q=ferry", "/feeds"] {
        let got = get(&address, path);
        assert!(got.body.len() < 150_000);
        for header in [
            "content-security-policy: default-src 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
        ] {
            assert!(got.head.contains(header), "{path} lacks {header}: {}", got.head);
        }
    }
    daemon.stop();
}

#[test]
fn what_is_not_there_is_said_so() {
    let world = with_page("");
    let daemon = world.start();
    let address = address(&daemon);
    for path in ["/nowhere", "/story/zz", "/story/0123456789abcdef", "/topic?name=none", "/topic"] {
        assert_eq!(ask(&address, path, &[("Host", &address)]).status, 404, "{path}");
    }
    let refused = exchange(&mut TcpStream::connect(&address).unwrap(), "POST", "/", &[("Host", &address)]);
    assert!(refused.status == 405 && refused.head.contains("allow: get, head"));
    let head = exchange(&mut TcpStream::connect(&address).unwrap(), "HEAD", "/", &[("Host", &address)]);
    assert!(head.status == 200 && head.body.is_empty());
    daemon.stop();
}

#[test]
fn a_name_that_only_points_here_is_refused() {
    let world = World::new("[serve]\nlisten = \"127.0.0.1:0\"\npublic_hosts = [\"news.example.org\"]\n");
    let daemon = world.start();
    let address = address(&daemon);
    let port = address.rsplit_once(':').unwrap().1;
    for (headers, status) in [
        (vec![("Host", format!("rebound.example:{port}"))], 403),
        (vec![("Host", format!("localhost:{port}"))], 200),
        (vec![("Host", "news.example.org".to_owned())], 200),
        (vec![("Host", address.clone()), ("Origin", "https://evil.example".to_owned())], 403),
        (vec![("Host", address.clone()), ("Origin", format!("http://{address}"))], 200),
    ] {
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        for path in ["/", "/metrics", "/live/nowhere"] {
            let expected = if status == 200 && path == "/live/nowhere" { 404 } else { status };
            assert_eq!(ask(&address, path, &headers).status, expected, "{path} {headers:?}");
        }
    }
    daemon.stop();
}

#[test]
fn alerts_are_seen_as_they_come_and_once() {
    let world = with_page("");
    let daemon = world.start();
    let address = address(&daemon);
    let mut lines = watch(&address, 0);
    // What came before one looked is not repeated to him, but the first may still be on its way into the index.
    told(&world);
    let mut seen = Vec::new();
    while seen.len() < 2 {
        seen.push(next_id(&mut lines));
    }
    assert_eq!(seen, [1, 2]);
    let mut late = watch(&address, 1);
    assert_eq!(next_id(&mut late), 2);
    daemon.stop();
}

#[test]
fn alerts_about_no_article_are_told_too() {
    let world = with_page(
        "[[topic]]\nname = \"later\"\nquery = \"aground\"\nalert.digest = \"2s\"\n\
         [[topic]]\nname = \"usual\"\nquery = \"ferry\"\nalert.min_outlets = 9\n",
    );
    let daemon = world.start();
    let address = address(&daemon);
    let mut live = watch(&address, 0);
    world.ok(&["topics", "test", "usual"]);
    assert_eq!(next_id(&mut live), 1);
    let tried = page_with(&address, "/topic?name=usual", "data-kind=\"test\"");
    assert!(tried.contains("li class=\"alert\" data-seq=\"1\""), "{tried}");
    told(&world);
    let digest = page_with(&address, "/topic?name=later", "data-kind=\"digest\"");
    let (_, digest) = digest.split_once("data-kind=\"digest\"").unwrap();
    assert!(digest.contains("href=\"/story/") && digest.contains("aground near Holm"), "{digest}");
    let all = page_with(&address, "/", "data-kind=\"digest\"");
    assert!(all.contains("data-kind=\"test\"") && all.contains(" in a digest"), "{all}");
    let feed = get(&address, "/alerts.atom?topic=later").body;
    assert!(feed.contains("<entry>"), "{feed}");
    daemon.stop();
}

fn watch(address: &str, after: u64) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "GET /live?after={after} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    while !line.starts_with("retry:") {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0);
    }
    lines
}

fn next_id(lines: &mut BufReader<TcpStream>) -> u64 {
    let mut line = String::new();
    loop {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the stream ended");
        if let Some(id) = line.strip_prefix("id: ") {
            return id.trim().parse().unwrap();
        }
    }
}

#[test]
fn a_socket_of_this_machine_serves_the_page_too() {
    let world = World::new("[serve]\nlisten = \"unix:page.sock\"\n");
    let daemon = world.start();
    let mut stream = UnixStream::connect(world.path("page.sock")).unwrap();
    assert_eq!(exchange(&mut stream, "GET", "/healthz", &[("Host", "localhost")]).body, "ok\n");
    let mut stream = UnixStream::connect(world.path("page.sock")).unwrap();
    assert_eq!(exchange(&mut stream, "GET", "/", &[("Host", "rebound.example")]).status, 403);
    fs::remove_file(world.path("page.sock")).unwrap();
    let mut stream = wait_for("the socket again", || UnixStream::connect(world.path("page.sock")).ok());
    assert_eq!(exchange(&mut stream, "GET", "/healthz", &[("Host", "localhost")]).body, "ok\n");
    daemon.stop();
}

#[test]
fn an_address_that_another_has_is_waited_for_and_no_alert_is_missed() {
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let world = World::new(&format!(
        "[serve]\nlisten = \"{taken}\"\n[[topic]]\nname = \"ferry\"\nquery = \"ferry\"\n"
    ));
    let daemon = world.start();
    wait_for("word of it", || daemon.said().contains("could not open the page").then_some(()));
    told(&world);
    drop(other);
    assert_eq!(address(&daemon), taken);
    assert_eq!(get(&taken, "/healthz").body, "ok\n");
    daemon.stop();
}

#[test]
fn an_address_for_all_must_be_meant() {
    let world = World::new("[serve]\nlisten = \"0.0.0.0:8470\"\n");
    let (code, said) = world.fails(&["check"]);
    assert!(code == Some(78) && said.contains("public_hosts"), "{said}");
}

#[test]
fn many_who_watch_leave_room_for_those_who_read() {
    let world = with_page("");
    let daemon = world.start();
    let address = address(&daemon);
    let watching: Vec<_> = (0..32).map(|_| watch(&address, 0)).collect();
    assert_eq!(ask(&address, "/live", &[("Host", &address)]).status, 503);
    assert_eq!(get(&address, "/healthz").body, "ok\n");
    told(&world);
    drop(watching);
    wait_for("a place", || {
        get(&address, "/metrics").body.contains("storywatch_page_watchers 0\n").then_some(())
    });
    daemon.stop();
}

#[test]
fn figures_are_as_prometheus_wants_them() {
    let world = with_page("");
    let daemon = world.start();
    let address = address(&daemon);
    told(&world);
    assert_eq!(get(&address, "/readyz").body, "ready\n");
    let figures = wait_for("the figures", || {
        let figures = get(&address, "/metrics").body;
        figures.contains("storywatch_alerts_total 2\n").then_some(figures)
    });
    assert!(figures.contains("storywatch_articles_total{verdict=\"copy\"} 1\n"), "{figures}");
    assert!(figures.contains("storywatch_up 1\n"), "{figures}");
    daemon.stop();
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/prometheus-rules.yml");
    for name in fs::read_to_string(&rules).unwrap().split(|c: char| !c.is_ascii_lowercase() && c != '_') {
        let known = !name.starts_with("storywatch_") || figures.contains(&format!("# TYPE {name} "));
        assert!(known, "{name} stands in the alert rules, but is no figure");
    }
    if std::env::var_os("STORYWATCH_SYSTEM_TESTS").is_none() {
        return;
    }
    let path = world.write("metrics.txt", &figures);
    check_metrics(&path);
    let output = Command::new("promtool").args(["check", "rules"]).arg(&rules).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn check_metrics(path: &Path) {
    let output = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(fs::File::open(path).unwrap())
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}
