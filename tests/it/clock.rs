//! A clock that jumps by a day, an hour or a second, forwards and back, under a running daemon and between two runs: no
//! storm of requests, no alert twice, and no silence. Needs libfaketime.

use std::{path::Path, thread, time::Duration};

use crate::world::{Served, Server, World, may_use_the_system, rss, wait_for};

const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

fn serve(server: &Server, count: usize) {
    let item = |number| {
        let text =
            format!("Report {number}: the ferry was halted on day {number} of the storm, the captain said.");
        (format!("https://outlet{number}.example/ferry"), format!("Ferry line {number} halted"), text)
    };
    let items: Vec<_> = (0..count).map(item).collect();
    let served =
        Served { body: rss(&items), content_type: "application/rss+xml", etag: Some(format!("\"{count}\"")) };
    server.serve("/feed.xml", served);
}

#[test]
fn a_clock_that_jumps_is_no_storm_and_no_silence() {
    if !may_use_the_system("a clock that jumps") || !Path::new(LIBRARY).exists() {
        return;
    }
    let server = Server::start();
    let world = World::new(&format!(
        "[fetch]\npoll_secs_min = 1\nper_host_gap_secs = 0\nallow_private = [\"{}\"]\n\
         [[feed]]\nurl = \"{}\"\npoll_secs = 1\n[[topic]]\nname = \"ferry\"\nquery = \"ferry\"\n",
        server.address,
        server.url("/feed.xml")
    ));
    let clock = world.write("clock", "+0");
    let variables = [
        ("LD_PRELOAD", LIBRARY),
        ("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    serve(&server, 1);
    let mut daemon = world.start_with(&variables);
    let mut told = 1;
    wait_for("the first alert", || (world.alerts().len() == told).then_some(()));
    // a day; an hour, as where a clock keeps local time; a second, as the kernel repeats one for a leap second
    let jumps = ["+1d", "+0", "-1d", "+0", "+1h", "+0", "-1", "+0"];
    for (round, jump) in jumps.into_iter().chain(["+1d", "+0", "-1d", "+0"]).enumerate() {
        if round >= jumps.len() {
            // the jump happens while the daemon is away
            daemon.stop();
            world.write("clock", jump);
            daemon = world.start_with(&variables);
        } else {
            world.write("clock", jump);
        }
        let before = server.asked("/feed.xml").len();
        thread::sleep(Duration::from_secs(4));
        let asked = server.asked("/feed.xml").len() - before;
        assert!((1..=8).contains(&asked), "round {round}, {jump}: asked {asked} times in 4 s");
        told += 1;
        serve(&server, told);
        wait_for("the next alert", || (world.alerts().len() == told).then_some(()));
    }
    daemon.stop();
    let seqs: Vec<_> = world.alerts().iter().map(|alert| alert["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=told as u64).collect::<Vec<_>>());
    world.ok(&["store", "verify"]);
}
