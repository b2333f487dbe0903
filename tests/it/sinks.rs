//! Sinks beside the log: at least once and in order, whatever the other side does.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

use crate::world::{World, wait_for};

const TOPIC: &str = "[[topic]]\nname = \"ferry\"\nquery = \"ferry\"\n";

/// What a receiver got: the id of the request's header, whether it took it, and the body.
#[derive(Clone, Debug)]
struct Got {
    id: String,
    took: bool,
    headers: String,
    body: Value,
}

type Answer = fn(usize) -> u16;

/// A server that takes what is posted, or answers as it is told to.
struct Receiver {
    address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
    /// Status by the number of the request.
    answer: Arc<Mutex<Answer>>,
}

impl Receiver {
    fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let receiver = Self { address, got: Arc::default(), answer: Arc::new(Mutex::new(answer)) };
        let (got, answer) = (Arc::clone(&receiver.got), Arc::clone(&receiver.answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (got, answer) = (Arc::clone(&got), Arc::clone(&answer));
                thread::spawn(move || take(&stream, &got, &answer));
            }
        });
        receiver
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    fn taken(&self) -> Vec<Got> {
        self.got().into_iter().filter(|got| got.took).collect()
    }

    /// Config of a webhook that comes here.
    fn webhook(&self, more: &str) -> String {
        format!(
            "[fetch]\nallow_private = [\"{0}\"]\n{TOPIC}[[sink]]\nname = \"desk\"\nkind = \"webhook\"\nurl = \"http://{0}/in\"\n{more}",
            self.address
        )
    }
}

fn take(stream: &TcpStream, got: &Mutex<Vec<Got>>, answer: &Mutex<Answer>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut headers = String::new();
        while reader.read_line(&mut headers).ok()? > 2 {
            if headers.ends_with("\r\n\r\n") {
                break;
            }
        }
        let header = |name: &str| {
            let line = headers.lines().find(|line| line.to_lowercase().starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let mut body = vec![0; header("content-length")?.parse().unwrap()];
        reader.read_exact(&mut body).ok()?;
        let status = {
            let mut got = got.lock().unwrap();
            let status = answer.lock().unwrap()(got.len());
            let (id, took) = (header("webhook-id").unwrap_or_default(), status == 200);
            got.push(Got {
                id,
                took,
                headers: headers.clone(),
                body: serde_json::from_slice(&body).unwrap(),
            });
            status
        };
        let reply = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
        let mut stream = stream;
        stream.write_all(reply.as_bytes()).ok()?;
    }
}

fn report(world: &World, number: usize) {
    let words =
        ["storm", "mast", "captain", "rudder", "ticket", "winter", "engine", "island", "pier", "anchor"];
    let of = |place: usize| words[(number / 10_usize.pow(u32::try_from(place).unwrap())) % 10];
    let text = format!("Ferry notice {number}: {} {} {} {number}{number}.", of(0), of(1), of(2));
    let title = format!("Ferry notice {number}");
    world.drop_file(
        &format!("{number}.json"),
        &json!({"id": number.to_string(), "title": title, "text": text}).to_string(),
    );
}

fn ids(world: &World) -> Vec<String> {
    world.alerts().iter().map(|alert| alert["id"].as_str().unwrap().to_owned()).collect()
}

fn firsts(got: &[Got]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    got.iter().filter(|got| seen.insert(got.id.clone())).map(|got| got.id.clone()).collect()
}

#[test]
fn a_webhook_that_fails_half_of_the_time_gets_each_alert_in_order() {
    let receiver = Receiver::start(|number| if number % 2 == 0 { 503 } else { 200 });
    let world = World::new(&receiver.webhook("secret = \"desk.secret\"\n"));
    world.write("desk.secret", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\n");
    let daemon = world.start();
    (1..=8).for_each(|number| report(&world, number));
    wait_for("the alerts", || (world.alerts().len() == 8).then_some(()));
    wait_for("all of them at the receiver", || (receiver.taken().len() >= 8).then_some(()));
    daemon.stop();
    let taken = receiver.taken();
    assert_eq!(firsts(&taken), ids(&world));
    let first = &taken[0];
    assert_eq!(first.body["specversion"], "1.0");
    assert_eq!(first.body["type"], "storywatch.alert.new-story");
    assert_eq!((&first.body["id"], &first.body["data"]["seq"]), (&first.id.as_str().into(), &1.into()));
    let signed = first.headers.to_lowercase().contains("webhook-signature: v1,");
    assert!(signed && first.headers.contains("application/cloudevents+json"), "{}", first.headers);
}

#[test]
fn a_sink_that_was_down_catches_up_after_a_restart_and_holds_up_nobody() {
    let receiver = Receiver::start(|_| 503);
    let more = "[[sink]]\nname = \"feed\"\nkind = \"atom\"\npath = \"feeds\"\n";
    let world = World::new(&receiver.webhook(more));
    let daemon = world.start();
    (1..=40).for_each(|number| report(&world, number));
    wait_for("the alerts", || (world.alerts().len() == 40).then_some(()));
    let feed = world.path("feeds/ferry.atom");
    wait_for("the feed", || {
        fs::read_to_string(&feed).ok().filter(|text| text.matches("<entry>").count() == 40)
    });
    wait_for("the fault to be told", || daemon.said().contains("could not deliver an alert").then_some(()));
    wait_for("the fault to be listed", || {
        world.ok(&["alerts", "list"]).contains("the server answered 503").then_some(())
    });
    daemon.kill();
    *receiver.answer.lock().unwrap() = |_| 200;
    let daemon = world.start();
    wait_for("the catch-up", || (receiver.taken().len() >= 40).then_some(()));
    assert_eq!(firsts(&receiver.taken()), ids(&world));
    wait_for("the checkpoint", || {
        world.ok(&["alerts"]).contains("webhook desk: up to #40, nothing waits").then_some(())
    });
    daemon.stop();
    world.ok(&["store", "verify"]);
}

#[test]
fn a_sink_that_a_reload_brings_begins_with_what_comes_then() {
    let receiver = Receiver::start(|_| 200);
    let world = World::new(&receiver.webhook(""));
    let config = fs::read_to_string(world.path("storywatch.toml")).unwrap();
    world.write("storywatch.toml", config.split_once("[[sink]]").unwrap().0);
    let daemon = world.start();
    report(&world, 1);
    report(&world, 2);
    wait_for("the alerts", || (world.alerts().len() == 2).then_some(()));
    world.write("storywatch.toml", &config);
    daemon.signal(rustix::process::Signal::HUP);
    wait_for("the reload", || daemon.said().contains("read the config again").then_some(()));
    report(&world, 3);
    wait_for("the third at the receiver", || (!receiver.taken().is_empty()).then_some(()));
    daemon.stop();
    assert_eq!(firsts(&receiver.taken()), ids(&world)[2..]);
}

#[test]
fn what_is_being_delivered_at_a_reload_or_stop_may_end_and_does_not_come_again() {
    let world = World::new(
        "[[sink]]\nname = \"ring\"\nkind = \"exec\"\n\
         command = [\"sh\", \"-c\", \"echo begun >> \\\"$0\\\"; sleep 0.3; echo done >> \\\"$0\\\"\", \"RANG\"]\n\
         [[topic]]\nname = \"ferry\"\nquery = \"ferry\"\n",
    );
    let rang = world.path("rang");
    let config = fs::read_to_string(world.path("storywatch.toml")).unwrap();
    world.write("storywatch.toml", &config.replace("RANG", rang.to_str().unwrap()));
    let words = || fs::read_to_string(&rang).unwrap_or_default();
    let begun = |times| {
        wait_for("the program", || (words().matches("begun").count() == times).then_some(()));
    };
    let daemon = world.start();
    report(&world, 1);
    begun(1);
    daemon.signal(rustix::process::Signal::HUP);
    wait_for("its end", || words().contains("done").then_some(()));
    report(&world, 2);
    begun(2);
    daemon.stop();
    let daemon = world.start();
    report(&world, 3);
    begun(3);
    daemon.stop();
    assert_eq!(words(), "begun\ndone\n".repeat(3));
}

#[test]
fn what_is_refused_is_laid_aside_and_tried_again_when_asked() {
    let receiver = Receiver::start(|_| 422);
    let world = World::new(&receiver.webhook(""));
    let daemon = world.start();
    report(&world, 1);
    let listed = wait_for("the dead letter", || {
        let listed: Value = serde_json::from_str(&world.ok(&["alerts", "list", "--json"])).unwrap();
        (listed["sinks"][0]["dead"].as_array().unwrap().len() == 1).then_some(listed)
    });
    assert_eq!(listed["sinks"][0]["dead"][0]["why"], "the server answered 422");
    *receiver.answer.lock().unwrap() = |_| 200;
    report(&world, 2);
    wait_for("the next alert", || (receiver.taken().len() == 1).then_some(()));
    world.ok(&["alerts", "retry", "desk"]);
    wait_for("the letter", || (receiver.taken().len() == 2).then_some(()));
    let told = ids(&world);
    let taken: Vec<_> = receiver.taken().iter().map(|got| got.id.clone()).collect();
    assert_eq!(taken, [told[1].clone(), told[0].clone()]);
    wait_for("the empty list", || (!world.ok(&["alerts"]).contains("laid aside")).then_some(()));
    daemon.stop();
    let (code, said) = world.fails(&["alerts", "retry"]);
    assert!(code == Some(1) && said.contains("no daemon runs"), "{said}");
}

#[test]
fn a_private_address_is_refused_unless_it_is_allowed() {
    let receiver = Receiver::start(|_| 200);
    let world = World::new(&receiver.webhook("").replace("allow_private", "# allow_private"));
    let daemon = world.start();
    report(&world, 1);
    wait_for("the refusal", || daemon.said().contains("is a private address").then_some(()));
    daemon.stop();
    assert!(receiver.got().is_empty());
}

#[test]
fn a_test_goes_through_every_sink_of_its_topic_alone() {
    let receiver = Receiver::start(|_| 200);
    let more = format!(
        "{TOPIC}[[topic]]\nname = \"tram\"\nquery = \"tram\"\n[fetch]\nallow_private = [\"{0}\"]\n\
         [[sink]]\nname = \"phone\"\nkind = \"ntfy\"\nurl = \"http://{0}/desk\"\ntopics = [\"ferry\"]\nkinds = [\"new-story\"]\n\
         [[sink]]\nname = \"other\"\nkind = \"webhook\"\nurl = \"http://{0}/other\"\ntopics = [\"tram\"]\n\
         [[sink]]\nname = \"script\"\nkind = \"exec\"\ncommand = [\"tee\", \"got.json\"]\n",
        receiver.address
    );
    let world = World::new(&more);
    let daemon = world.start();
    let said = world.ok(&["topics", "test", "ferry"]);
    assert!(said.contains("test alert #000001") && said.contains("ntfy phone: delivered"), "{said}");
    assert!(said.contains("exec script: delivered") && !said.contains("other"), "{said}");
    let got = receiver.got();
    assert_eq!((got.len(), &got[0].body["topic"]), (1, &"desk".into()));
    let alert: Value = serde_json::from_slice(&fs::read(world.path("got.json")).unwrap()).unwrap();
    assert_eq!((&alert["kind"], &alert["seq"]), (&"test".into(), &1.into()));
    assert_eq!(world.alerts()[0]["kind"], "test");
    // A sink without `new-coverage` hears nothing of it.
    report(&world, 1);
    report(&world, 2);
    wait_for("the alerts", || (world.alerts().len() == 3).then_some(()));
    daemon.stop();
    let (_, said) = world.fails(&["topics", "test", "ferry"]);
    assert!(said.contains("no daemon runs"), "{said}");
    world.ok(&["store", "verify"]);
}

/// A mail server that takes one mail a connection and keeps it.
fn mail_server() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mails = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&mails);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            serve_mail(&stream, &kept);
        }
    });
    (address, mails)
}

fn serve_mail(stream: &TcpStream, kept: &Mutex<Vec<String>>) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    let mut stream = stream;
    stream.write_all(b"220 mail.example\r\n").ok()?;
    while let Some(Ok(line)) = lines.next() {
        let reply = match line.split([' ', ':']).next()? {
            "EHLO" => "250 mail.example\r\n",
            "DATA" => {
                stream.write_all(b"354 go on\r\n").ok()?;
                let mail: Vec<_> =
                    lines.by_ref().map_while(Result::ok).take_while(|line| line != ".").collect();
                kept.lock().unwrap().push(mail.join("\n"));
                "250 taken\r\n"
            }
            "QUIT" => return None,
            _ => "250 well\r\n",
        };
        stream.write_all(reply.as_bytes()).ok()?;
    }
    None
}

#[test]
fn mails_gather_what_comes_within_a_while() {
    let (address, mails) = mail_server();
    let more = format!(
        "{TOPIC}[[sink]]\nname = \"mail\"\nkind = \"mail\"\nurl = \"smtp://{address}\"\nfrom = \"watch@paper.example\"\n\
         to = [\"desk@paper.example\"]\ndigest = \"2s\"\n"
    );
    let world = World::new(&more);
    let daemon = world.start();
    (1..=3).for_each(|number| report(&world, number));
    let mail = wait_for("the mail", || mails.lock().unwrap().first().cloned());
    daemon.stop();
    assert!(mail.contains("Subject: [ferry] 3 alerts"), "{mail}");
    assert!(mail.contains("#000001") && mail.contains("#000003"), "{mail}");
}

#[test]
fn a_topics_reports_are_told_together_where_it_says_so() {
    let world = World::new(&format!("{TOPIC}alert.digest = \"2s\"\n"));
    let daemon = world.start();
    (1..=3).for_each(|number| report(&world, number));
    let digest = wait_for("the digest", || world.alerts().pop());
    daemon.stop();
    assert_eq!(
        (&digest["kind"], &digest["digest"]["reports"], &digest["seq"]),
        (&"digest".into(), &3.into(), &1.into())
    );
    assert!(
        world.decisions().iter().all(|decision| decision["matches"][0]["outcome"] == "suppressed:digest")
    );
    let topics = world.ok(&["topics"]);
    assert!(topics.contains("3 digest") && topics.contains("3 in two weeks"), "{topics}");
    world.ok(&["store", "rebuild"]);
    world.ok(&["store", "verify"]);
    assert_eq!(world.ok(&["topics"]), topics);
}

#[test]
fn since_is_read_from_the_journal() {
    let world = World::new(TOPIC);
    let daemon = world.start();
    report(&world, 1);
    report(&world, 2);
    wait_for("the alerts", || (world.alerts().len() == 2).then_some(()));
    fs::write(world.path("alerts.log"), "").unwrap();
    let since = |more: &[&str]| world.ok(&[&["tail", "--since", "1h"], more].concat());
    assert_eq!(since(&[]).lines().count(), 2);
    assert_eq!(since(&["-n", "1", "--json"]).lines().count(), 1);
    assert_eq!(since(&["--kind", "surge"]), "");
    daemon.stop();
}

#[test]
fn what_keeps_a_sink_from_its_work_is_told_by_check_by_a_start_and_by_a_reload() {
    let world = World::new(
        "[[sink]]\nname = \"desk\"\nkind = \"webhook\"\nurl = \"https://paper.example/\"\nsecret = \"no-secret\"\n\
         [[sink]]\nname = \"ring\"\nkind = \"exec\"\ncommand = [\"/no/such/program\"]\n",
    );
    let checked = String::from_utf8(world.output(&["check"]).stderr).unwrap();
    let daemon = world.start();
    let started = daemon.said();
    daemon.signal(rustix::process::Signal::HUP);
    wait_for("the reload", || daemon.said().contains("read the config again").then_some(()));
    let reloaded = daemon.said()[started.len()..].to_owned();
    daemon.stop();
    for said in [checked, started, reloaded] {
        assert!(said.contains("sink \"desk\" does not run"), "{said}");
        assert!(said.contains("sink \"ring\": /no/such/program cannot be run"), "{said}");
    }
}

#[test]
fn secrets_stay_in_their_files() {
    let receiver = Receiver::start(|_| 401);
    let world = World::new(&receiver.webhook("secret = \"desk.secret\"\ncredentials = \"desk.token\"\n"));
    world.write("desk.secret", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\n");
    world.write("desk.token", "token: opensesame\n");
    let daemon = world.start();
    report(&world, 1);
    wait_for("the refusal", || daemon.said().contains("the server answered 401").then_some(()));
    assert!(receiver.got()[0].headers.contains("Bearer opensesame"));
    let said = format!("{}{}", daemon.said(), world.ok(&["alerts", "--json"]));
    assert!(!said.contains("sesame") && !said.contains("C2FVsBQ"), "{said}");
    daemon.stop();
    world.write("desk.secret", "C2FVsBQ\n");
    let daemon = world.start();
    wait_for("the warning", || daemon.said().contains("does not run").then_some(()));
    assert!(!daemon.said().contains("C2FVsBQ"), "{}", daemon.said());
    daemon.stop();
    assert!(Path::new(&world.path("alerts.log")).exists());
}
