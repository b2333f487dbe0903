//! Each part of the daemon is made to stand still: systemd's watchdog is not fed from then on, and people are told which.

use std::{
    io::Write,
    os::unix::net::{UnixDatagram, UnixStream},
    time::{Duration, Instant},
};

use crate::world::{Served, Server, World, rss, wait_for};

/// What systemd hears.
struct Ear(UnixDatagram);

impl Ear {
    fn open(world: &World) -> Self {
        let socket = UnixDatagram::bind(world.path("notify")).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        Self(socket)
    }

    fn hear(&self) -> Option<String> {
        let mut message = [0; 4096];
        let length = self.0.recv(&mut message).ok()?;
        Some(String::from_utf8_lossy(&message[..length]).into_owned())
    }

    fn wait_for(&self, word: &str) -> String {
        wait_for(word, || self.hear().filter(|heard| heard.contains(word)))
    }
}

/// A watchdog of six seconds, so that a part is stuck after three.
fn check(failpoint: &str, part: &str) {
    let server = Server::start();
    let items =
        [("https://a.example/1".to_owned(), "Ferry halted".to_owned(), "The ferry is halted.".to_owned())];
    let served = Served { body: rss(&items), content_type: "application/rss+xml", etag: None };
    server.serve("/feed.xml", served);
    let world = World::new(&format!(
        "[serve]\nlisten = \"unix:page.sock\"\n\
         [fetch]\npoll_secs_min = 1\nper_host_gap_secs = 0\nallow_private = [\"{}\"]\n\
         [[feed]]\nurl = \"{}\"\npoll_secs = 1\nfull_text = \"teasers\"\n\
         [[sink]]\nname = \"ring\"\nkind = \"exec\"\ncommand = [\"/bin/true\"]\n\
         [[topic]]\nname = \"ferry\"\nquery = \"ferry\"\n",
        server.address,
        server.url("/feed.xml")
    ));
    let ear = Ear::open(&world);
    let socket = world.path("notify");
    let variables = [
        ("NOTIFY_SOCKET", socket.to_str().unwrap()),
        ("WATCHDOG_USEC", "6000000"),
        ("STORYWATCH_FAILPOINTS", failpoint),
    ];
    let daemon = world.spawn_with(&variables);
    ear.wait_for("READY=1");
    world.drop_file("a.txt", "Ferry halted again\n\nThe ferry between the islands was halted on Tuesday.");
    // Who goes away is not answered: they stay.
    let readers: Vec<_> = if part == "page" { (0..4).map(|_| reader(&world)).collect() } else { Vec::new() };
    if failpoint.is_empty() {
        for _ in 0..5 {
            ear.wait_for("WATCHDOG=1");
        }
        return daemon.stop();
    }
    let told = ear.wait_for("STUCK: ");
    assert!(told.contains(part), "{told}");
    wait_for("the log to say it", || daemon.said().contains("stuck: the watchdog is not fed").then_some(()));
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        let heard = ear.hear().unwrap_or_default();
        assert!(!heard.contains("WATCHDOG=1"), "the watchdog is fed while {part} stands still");
    }
    daemon.kill();
    drop(readers);
}

/// Somebody who asks for a page and waits for it.
fn reader(world: &World) -> UnixStream {
    let mut stream = UnixStream::connect(world.path("page.sock")).unwrap();
    stream.write_all(b"GET /stories HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    stream
}

#[test]
fn as_long_as_all_get_on_the_watchdog_is_fed() {
    check("", "");
}

#[test]
fn a_pipeline_that_stands_still_is_noticed() {
    check("pipeline=hang@5", "pipeline");
}

#[test]
fn a_schedule_of_feeds_that_stands_still_is_noticed() {
    check("feeds=hang@5", "feeds");
}

#[test]
fn a_desk_of_pages_that_stands_still_is_noticed() {
    check("pages=hang@5", "pages");
}

#[test]
fn parts_that_hold_up_the_threads_of_all_others_are_noticed() {
    check("feeds=hang@5,pages=hang@5", "signals");
}

#[test]
fn a_watch_of_drops_that_stands_still_is_noticed() {
    check("drops=hang", "drops");
}

#[test]
fn a_sink_that_stands_still_is_noticed() {
    check("sinks=hang", "sinks");
}

#[test]
fn a_page_that_stands_still_is_noticed() {
    check("page=hang", "page");
}

#[test]
fn a_parser_that_never_ends_is_noticed() {
    check("feed-parse=hang", "readers");
}
