//! The verb `feeds`, and what the daemon does with feeds beyond asking for them.

use std::os::unix::fs::PermissionsExt;

use crate::world::{Served, Server, World, rss, wait_for};

const FETCH: &str = "[fetch]\npoll_secs_min = 1\nper_host_gap_secs = 0\nallow_private = [\"127.0.0.0/8\"]\n";

fn serve(server: &Server, path: &str, content_type: &'static str, body: &str) {
    server.serve(path, Served { body: body.to_owned(), content_type, etag: None });
}

fn items(count: u32) -> String {
    let item = |number: u32| {
        let url = format!("https://outlet.example/{number}");
        (url, format!("Report {number}"), format!("The ferry to island {number} was halted."))
    };
    rss(&(0..count).map(item).collect::<Vec<_>>())
}

#[test]
fn health_is_told_in_words_and_as_json() {
    let server = Server::start();
    serve(&server, "/good", "application/rss+xml", &items(3).replace("</channel></rss>", ""));
    let world = World::new(&format!(
        "{FETCH}[[feed]]\nurl = \"{}\"\nname = \"Good\"\n[[feed]]\nurl = \"{}\"\nname = \"Missing\"\n",
        server.url("/good"),
        server.url("/missing")
    ));
    assert!(world.ok(&["feeds", "list"]).contains("2 feeds: 2 new"));
    let daemon = world.start();
    let said = wait_for("both to be asked", || {
        let said = world.ok(&["feeds", "list"]);
        said.contains("1 good, 1 failing").then_some(said)
    });
    for expected in
        ["Good <http", "3 entries", "put right: it breaks off", "next in 1", "nothing at its address (404)"]
    {
        assert!(said.contains(expected), "{said}\nhas no {expected}");
    }
    let failing: serde_json::Value =
        serde_json::from_str(&world.ok(&["feeds", "list", "--json", "--failing"])).unwrap();
    let healths: Vec<_> =
        failing.as_array().unwrap().iter().map(|feed| feed["health"].as_str().unwrap()).collect();
    assert_eq!(healths, ["good", "failing"], "what was put right is to be mended too");
    assert_eq!(failing[1]["errors"], 1);
    assert!(failing[0]["last_success"].is_string() && failing[0]["next"].is_string());
    let status: serde_json::Value = serde_json::from_str(&world.ok(&["status", "--json"])).unwrap();
    assert_eq!(
        (&status["feeds"]["count"]["good"], &status["feeds"]["count"]["failing"]),
        (&1.into(), &1.into())
    );
    assert_eq!(status["feeds"]["ill"][0]["url"], server.url("/missing"));
    daemon.stop();
}

#[test]
fn what_is_gone_is_known_to_the_journal() {
    let server = Server::start();
    let world = World::new(&format!("{FETCH}[[feed]]\nurl = \"{}\"\npoll_secs = 1\n", server.url("/gone")));
    let daemon = world.start();
    wait_for("the end", || world.ok(&["feeds", "list"]).contains("1 gone").then_some(()));
    daemon.stop();
    std::fs::remove_dir_all(world.path("state/index")).unwrap();
    let said = world.ok(&["feeds", "list"]);
    assert!(said.contains("(410)") && said.contains("ago: it is not asked any more"), "{said}");
    let asked = server.asked("/gone").len();
    let daemon = world.start();
    wait_for("the list", || world.ok(&["feeds", "list"]).contains("1 gone").then_some(()));
    daemon.stop();
    assert_eq!((asked, server.asked("/gone").len()), (1, 1));
}

#[test]
fn lists_of_other_readers_come_in_and_go_out() {
    let world = World::new("[[feed]]\nurl = \"https://known.example/rss\"\n");
    world.write(
        "other.opml",
        "<?xml version='1.0'?><opml version='2.0'><head><title>mine</title></head><body>\
         <outline text='World' title='World'><outline text='Europe'><outline type='rss' text='A &quot;daily&quot;' \
         title='A &quot;daily&quot;' xmlUrl='https://a.example/rss?x=1&amp;y=2' htmlUrl='https://a.example'/></outline>\
         </outline><outline text='K' xmlUrl='https://known.example/rss'/>\
         <outline text='S' xmlUrl='https://ann:word@s.example/f'/></body></opml>",
    );
    let output = world.output(&["feeds", "import", "other.opml"]);
    let tables = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("2 new feeds, 1 known already"), "{said}");
    assert!(!tables.contains("word") && !tables.contains("known.example"), "{tables}");
    assert!(tables.contains("credentials = \"s.example.credentials\""), "{tables}");
    let config = std::fs::read_to_string(world.path("storywatch.toml")).unwrap();
    world.write("storywatch.toml", &(config + &tables));
    let opml = world.ok(&["feeds", "export"]);
    for expected in [
        "<outline text=\"World\" title=\"World\">",
        "<outline text=\"Europe\" title=\"Europe\">",
        "text=\"A &quot;daily&quot;\"",
        "xmlUrl=\"https://a.example/rss?x=1&amp;y=2\"",
        "xmlUrl=\"https://known.example/rss\"",
    ] {
        assert!(opml.contains(expected), "{opml}\nhas no {expected}");
    }
    world.write("again.opml", &opml);
    assert_eq!(world.ok(&["feeds", "import", "again.opml"]), "", "all of it is known");
    let (code, said) = world.fails(&["feeds", "import", "storywatch.toml"]);
    assert!(code == Some(1) && said.contains("no OPML"), "{said}");
}

#[test]
fn a_sites_feeds_are_found() {
    let server = Server::start();
    serve(
        &server,
        "/",
        "text/html",
        "<link rel=alternate type=application/rss+xml href=/news.rss><a href=/dead/feed>x</a>",
    );
    serve(&server, "/news.rss", "application/rss+xml", &items(2));
    serve(&server, "/robots.txt", "text/plain", &format!("Sitemap: {}\n", server.url("/news-map.xml")));
    serve(&server, "/news-map.xml", "application/xml", &news_map(1));
    let world = World::new("");
    let found: serde_json::Value =
        serde_json::from_str(&world.ok(&["feeds", "discover", "--json", &server.url("/")])).unwrap();
    let kinds: Vec<_> = found.as_array().unwrap().iter().map(|feed| feed["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["feed", "sitemap"]);
    assert_eq!((&found[0]["url"], &found[0]["entries"]), (&server.url("/news.rss").into(), &2.into()));
    let tables = world.ok(&["feeds", "discover", &server.url("/")]);
    assert!(tables.contains("[[feed]]") && tables.contains("[[sitemap]]"), "{tables}");
    serve(&server, "/", "text/html", "<p>Nothing");
    server.serve("/news-map.xml", Served { body: String::new(), content_type: "text/plain", etag: None });
    let (code, said) = world.fails(&["feeds", "discover", &server.url("/")]);
    assert!(code == Some(1) && said.contains("no feed was found"), "{said}");
}

fn news_map(number: u32) -> String {
    let now = jiff::Timestamp::now();
    format!(
        "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' \
         xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'><url><loc>https://outlet.example/m{number}</loc>\
         <news:news><news:publication_date>{now}</news:publication_date><news:title>Ferry {number} halted</news:title>\
         </news:news></url><url><loc>https://outlet.example/about</loc></url></urlset>"
    )
}

#[test]
fn a_sitemaps_reports_are_news_also_those_below_an_index() {
    let server = Server::start();
    let index = |names: &[&str]| {
        let now = jiff::Timestamp::now();
        let map = |name: &&str| {
            format!("<sitemap><loc>{}</loc><lastmod>{now}</lastmod></sitemap>", server.url(name))
        };
        format!("<sitemapindex>{}</sitemapindex>", names.iter().map(map).collect::<String>())
    };
    serve(&server, "/index.xml", "application/xml", &index(&["/1.xml"]));
    serve(&server, "/1.xml", "application/xml", &news_map(1));
    serve(&server, "/2.xml", "application/xml", &news_map(2));
    let world = World::new(&format!(
        "{FETCH}[[sitemap]]\nurl = \"{}\"\npoll_secs = 1\n[[feed]]\nurl = \"{}\"\n\
         [[topic]]\nname = \"ferry\"\nquery = \"ferry\"\n",
        server.url("/index.xml"),
        server.url("/1.xml")
    ));
    let daemon = world.start();
    wait_for("the word that it is a sitemap", || daemon.said().contains("under [[sitemap]]").then_some(()));
    serve(&server, "/index.xml", "application/xml", &index(&["/2.xml"]));
    let alert = wait_for("the alert", || world.alerts().pop());
    assert_eq!(alert["article"]["title"], "Ferry 2 halted");
    assert_eq!(alert["article"]["source"], "outlet.example");
    let said = world.ok(&["feeds", "list"]);
    assert!(said.contains("/2.xml>\n") && said.contains("named by"), "{said}");
    daemon.stop();
    serve(&server, "/index.xml", "application/xml", &index(&["/2.xml", "/3.xml"]));
    serve(&server, "/2.xml", "application/xml", &news_map(4));
    let daemon = world.start();
    let told = || world.alerts().iter().any(|alert| alert["article"]["title"] == "Ferry 4 halted");
    wait_for("the sitemap's next report after a restart", || told().then_some(()));
    daemon.stop();
    assert_eq!(world.decisions().len(), 2, "addresses without a title are neither told nor rejected");
}

#[test]
fn credentials_come_from_a_file_and_stay_out_of_words() {
    let server = Server::start();
    serve(&server, "/feed", "application/rss+xml", &items(1));
    let world = World::new(&format!(
        "{FETCH}contact = \"desk@paper.example\"\n[[feed]]\nurl = \"{}\"\npoll_secs = 1\ncredentials = \"wire\"\n",
        server.url("/feed")
    ));
    let (_, said) = (world.ok(&["check"]), world.output(&["check"]).stderr);
    assert!(String::from_utf8(said).unwrap().contains("could not open the credentials"));
    let file = world.write("wire", "user: ann\npassword: sesame\n");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let checked = world.output(&["check"]);
    assert_eq!(String::from_utf8(checked.stderr).unwrap(), "");
    let daemon = world.start();
    let asked = wait_for("a request", || server.asked("/feed").pop());
    assert!(asked.headers.contains("authorization: basic yw5uonnlc2ftzq=="), "{asked:?}");
    assert!(asked.headers.contains("(desk@paper.example)"), "{asked:?}");
    world.write("wire", "token: other\n");
    daemon.signal(rustix::process::Signal::HUP);
    wait_for("the new word", || {
        server.asked("/feed").pop().filter(|asked| asked.headers.contains("bearer other")).map(drop)
    });
    assert!(!daemon.said().contains("sesame") && !world.ok(&["status"]).contains("sesame"));
    daemon.stop();
}

#[test]
fn an_address_with_a_password_is_a_fault() {
    let world = World::new("[[feed]]\nurl = \"https://ann:sesame@a.example/\"\n");
    let (code, said) = world.fails(&["check"]);
    assert!(code == Some(78) && said.contains("credentials") && !said.contains("sesame@"), "{said}");
}

#[test]
fn a_network_that_is_down_is_nobodys_fault_and_its_return_is_seen_soon() {
    // nobody listens at these yet
    let listeners = [(); 3].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let addresses = listeners.each_ref().map(|listener| listener.local_addr().unwrap());
    drop(listeners);
    let allowed: Vec<String> = addresses.iter().map(|address| format!("\"{address}\"")).collect();
    let mut config = format!("[fetch]\nper_host_gap_secs = 0\nallow_private = [{}]\n", allowed.join(", "));
    for address in addresses {
        config.push_str(&format!("[[feed]]\nurl = \"http://{address}/feed\"\n"));
    }
    let world = World::new(&config);
    let daemon = world.start();
    wait_for("word of it", || daemon.said().contains("the network is down").then_some(()));
    let servers = addresses.map(Server::start_at);
    for server in &servers {
        serve(server, "/feed", "application/rss+xml", &items(1));
    }
    // the usual time between two requests is a quarter of an hour
    wait_for("all to be asked", || {
        servers.iter().all(|server| !server.asked("/feed").is_empty()).then_some(())
    });
    wait_for("all to be well", || {
        let feeds: Vec<serde_json::Value> =
            serde_json::from_str(&world.ok(&["feeds", "list", "--json"])).ok()?;
        feeds.iter().all(|feed| feed["health"] == "good" && feed["errors"] == 0).then_some(())
    });
    daemon.stop();
}
