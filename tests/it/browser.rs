//! The page in a real browser, over what the demo publishes: Chromium, led by chromedriver over its plain JSON.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use base64::Engine;
use serde_json::{Value, json};
use storywatch::demo::{
    self,
    pieces::{EXAMPLE_TEXT, EXAMPLE_TITLE, Kind, Piece, Story, Via, WAVES, pieces},
    server::Server,
};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{
    page::address,
    world::{DEADLINE, Daemon, World, wait_for},
};

/// Phone, tablet, wide screen.
const WIDTHS: [u32; 3] = [390, 820, 1440];

/// A browser with one window; ended with the test.
struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    fn open() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = loop {
            let line = lines.next().unwrap().unwrap();
            if let Some((_, port)) = line.split_once("on port ")
                && line.contains("started successfully")
            {
                break port.trim_end_matches('.').parse().unwrap();
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        let mut browser = Self { driver, port, session: String::new() };
        let wished = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"]},
        }}});
        let made = browser.post("/session", &wished);
        made["sessionId"].as_str().unwrap().clone_into(&mut browser.session);
        browser
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", path, &body.to_string())
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(DEADLINE * 2)).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = Vec::new();
        // The driver may keep the connection: its length says where the answer ends.
        let mut reader = BufReader::new(stream);
        let mut bytes = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(length) = line.to_lowercase().strip_prefix("content-length:") {
                bytes = length.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        answer.resize(bytes, 0);
        reader.read_exact(&mut answer).unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert!(answer["value"]["error"].is_null(), "{path}: {}", answer["value"]);
        answer["value"].clone()
    }

    fn at(&self, path: &str) -> String {
        format!("/session/{}{path}", self.session)
    }

    fn go(&self, url: &str) {
        self.post(&self.at("/url"), &json!({ "url": url }));
    }

    /// What a function's body gives.
    fn run(&self, script: &str) -> Value {
        self.post(&self.at("/execute/sync"), &json!({"script": script, "args": []}))
    }

    fn devtools(&self, command: &str, parameters: &Value) {
        self.post(&self.at("/goog/cdp/execute"), &json!({"cmd": command, "params": parameters}));
    }

    fn show_as(&self, width: u32, scheme: &str) {
        let metrics = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500});
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", &features);
    }

    /// What the console was told since the last time.
    fn console(&self) -> Vec<String> {
        let said = self.post(&self.at("/se/log"), &json!({"type": "browser"}));
        said.as_array().unwrap().iter().map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }

    /// Serious faults by axe-core, each with what it is of.
    fn faults(&self, axe: &str) -> Vec<String> {
        self.run(axe);
        let script = "const done = arguments[arguments.length - 1]; axe.run().then((found) => done(found.violations \
                      .filter((one) => ['serious', 'critical'].includes(one.impact)) \
                      .map((one) => one.id + ': ' + one.nodes.map((node) => node.html).join(' | '))));";
        let found = self.post(&self.at("/execute/async"), &json!({"script": script, "args": []}));
        found.as_array().unwrap().iter().map(|fault| fault.as_str().unwrap().to_owned()).collect()
    }

    fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("STORYWATCH_PICTURES") else { return };
        let height = self.run("return document.documentElement.scrollHeight").as_u64().unwrap().min(4_000);
        let width = self.run("return window.innerWidth").as_u64().unwrap();
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500});
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        let picture = self.ask("GET", &self.at("/screenshot"), "");
        let bytes = base64::engine::general_purpose::STANDARD.decode(picture.as_str().unwrap()).unwrap();
        fs::write(std::path::Path::new(&folder).join(name), bytes).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let path = self.at("");
            write!(stream, "DELETE {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n").ok();
            stream.read_exact(&mut [0; 1]).ok();
        }
        self.driver.kill().ok();
        self.driver.wait().ok();
    }
}

/// The demo's outlets, and the daemon that reads them.
struct Stage {
    daemon: Daemon,
    address: String,
    world: World,
    server: Server,
    _tasks: JoinSet<()>,
    _runtime: Runtime,
}

impl Stage {
    fn open() -> Self {
        let world = World::new("");
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut tasks = JoinSet::new();
        let server = runtime.block_on(Server::start(&mut tasks, jiff::Timestamp::now())).unwrap();
        let config = demo::config_text(server.address(), &world.path(""));
        world.write("storywatch.toml", &format!("{config}\n[serve]\nlisten = \"127.0.0.1:0\"\n"));
        world.write("example-contract.txt", &format!("{EXAMPLE_TITLE}\n\n{EXAMPLE_TEXT}\n"));
        let daemon = world.start();
        let address = address(&daemon);
        Self { daemon, address, world, server, _tasks: tasks, _runtime: runtime }
    }

    /// Publishes a wave, and waits until all its news of the topic is in the alert log.
    fn publish(&self, wave: u8) {
        self.server.release(wave);
        let is_told = |piece: &&Piece| {
            piece.wave <= wave
                && piece.story == Story::Minister
                && piece.kind != Kind::Copy
                && piece.outlet.via != Via::Drop
        };
        let expected = pieces().iter().filter(is_told).count();
        wait_for("the alerts", || {
            let log = fs::read_to_string(self.world.path("alerts.log")).unwrap_or_default();
            (log.lines().count() >= expected && self.server.all_seen()).then_some(())
        });
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

#[test]
fn the_page_in_a_browser() {
    if std::env::var_os("STORYWATCH_SYSTEM_TESTS").is_none() {
        return;
    }
    let axe = std::env::var_os("STORYWATCH_AXE").map(|path| fs::read_to_string(path).unwrap());
    let stage = Stage::open();
    stage.publish(1);
    let browser = Browser::open();
    alerts_arrive(&stage, &browser);
    the_chart_shows_what_is_stored(&stage, &browser);
    let story =
        browser.run("return document.querySelector('.headline a[href^=\"/story/\"]').getAttribute('href')");
    let story = story.as_str().unwrap().to_owned();
    let topic = "/topic?name=farrenby-korrin&by=day";
    for path in
        ["/", topic, "/stories", &story, "/search?q=Farrenby&by=relevance", "/search", "/feeds", "/nowhere"]
    {
        for width in WIDTHS {
            for scheme in ["light", "dark"] {
                browser.show_as(width, scheme);
                browser.go(&stage.url(path));
                looks_well(&browser, &format!("{path} at {width}, {scheme}"));
                if let Some(axe) = &axe {
                    let faults = browser.faults(axe);
                    assert!(faults.is_empty(), "{path} at {width}, {scheme}: {faults:#?}");
                }
                let name: String =
                    path.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '-' }).collect();
                browser.picture(&format!("page{name}-{width}-{scheme}.png"));
            }
        }
    }
    let said = browser.console();
    let said: Vec<_> = said.iter().filter(|said| !said.contains("/nowhere")).collect();
    assert!(said.is_empty(), "{said:#?}");
    stage.daemon.stop();
}

fn alerts_arrive(stage: &Stage, browser: &Browser) {
    browser.go(&stage.url("/"));
    wait_for("the first alert on the page", || {
        (browser.run("return document.querySelectorAll('#live .alert').length").as_u64() >= Some(1))
            .then_some(())
    });
    // Nothing is loaded again from here on.
    browser.run("window.untouched = true");
    (2..=WAVES).for_each(|wave| stage.publish(wave));
    wait_for("live alerts", || {
        (browser.run("return document.querySelectorAll('#live .alert').length").as_u64() >= Some(4))
            .then_some(())
    });
    assert_eq!(browser.run("return window.untouched"), true);
    let requests = browser.run("return performance.getEntriesByType('resource').length + 1");
    assert!(requests.as_u64() <= Some(3), "{requests} requests");
}

fn the_chart_shows_what_is_stored(stage: &Stage, browser: &Browser) {
    let stored = |topic: &str| {
        let found: Value =
            serde_json::from_str(&stage.world.ok(&["search", "--json", "--topic", topic, "--since", "20h"]))
                .unwrap();
        found["reports"].as_u64().unwrap()
    };
    let sum = "return Array.from(document.querySelectorAll('.chart.large g')).reduce((sum, bar) => sum + Number(bar.dataset.reports), 0)";
    wait_for("the chart", || {
        browser.go(&stage.url("/topic?name=farrenby-korrin"));
        (browser.run(sum).as_u64() == Some(stored("farrenby-korrin"))).then_some(())
    });
    let bars = browser.run(
        "return Array.from(document.querySelectorAll('.chart.large rect.own')).map((bar) => bar.getBoundingClientRect().height)",
    );
    let bars = bars.as_array().unwrap();
    assert!(!bars.is_empty() && bars.iter().all(|height| height.as_f64() > Some(0.5)), "{bars:?}");
}

/// Nothing is wider than the window, and times are in the reader's zone.
fn looks_well(browser: &Browser, place: &str) {
    let wider = browser.run("return document.documentElement.scrollWidth - window.innerWidth");
    assert!(wider.as_i64() <= Some(0), "{place} is {wider} pixels too wide");
    let zone = browser.run("return document.querySelector('[data-zone]').textContent");
    assert!(zone.as_str().unwrap().starts_with("All times are those of"), "{place}: {zone}");
    let untold = browser
        .run("return Array.from(document.querySelectorAll('time')).filter((time) => !time.title).length");
    assert_eq!(untold, 0, "{place}");
}
