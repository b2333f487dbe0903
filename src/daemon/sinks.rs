//! From the config's sinks to those that run: their secrets, and who sends for them. What the user asks of them.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::feeds::{fetch_limits, read_credentials, read_secret};
use crate::{
    alert::sink::{self, Spec, Way, atom::Atom, exec::Exec, mail, ntfy, send, webhook::Webhook},
    config::{self, Config},
    serve::control::{self, Reply, Request},
    source::fetch::Fetcher,
};

/// How long `topics test` waits for the sinks.
const TEST_WAIT: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The sinks to run, and what keeps some of them from it.
pub(super) fn specs(config: &Config) -> (sink::Specs, Vec<String>) {
    let mut warnings = Vec::new();
    let mut specs = Vec::new();
    for sink in &config.sinks {
        match way(&sink.way) {
            Ok(way) => specs.push(Arc::new(Spec {
                name: sink.name.clone(),
                topics: sink.topics.clone(),
                kinds: sink.kinds.clone(),
                way,
            })),
            Err(fault) => warnings.push(format!("sink \"{}\" does not run: {fault}", sink.name)),
        }
    }
    (Arc::new(specs), warnings)
}

fn way(way: &config::Way) -> Result<Way, String> {
    let secs = |secs: &u32| Duration::from_secs((*secs).into());
    let headers = |path: &Option<std::path::PathBuf>| match path {
        None => Ok(Vec::new()),
        Some(path) => {
            let read = read_credentials(path)?;
            let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            Ok::<_, String>(read.headers().map(owned).collect())
        }
    };
    Ok(match way {
        config::Way::Webhook { url, secret, credentials, timeout_secs } => Way::Webhook(Webhook {
            url: url.clone(),
            headers: headers(credentials)?,
            secret: secret.as_deref().map(read_secret).transpose()?,
            timeout: secs(timeout_secs),
        }),
        config::Way::Ntfy { url, credentials, timeout_secs } => {
            let (server, topic) =
                ntfy::parts(url).ok_or("its address has no topic, expected such as https://ntfy.sh/TOPIC")?;
            Way::Ntfy(ntfy::Ntfy {
                server,
                topic,
                headers: headers(credentials)?,
                timeout: secs(timeout_secs),
            })
        }
        config::Way::Mail { url, credentials, from, to, digest_secs, timeout_secs } => {
            let login = match credentials {
                None => None,
                Some(path) => {
                    let (user, password) = read_credentials(path)?.login().ok_or_else(|| {
                        format!("{} has no `user` and `password` for the mail server", path.display())
                    })?;
                    Some(mail::Login { user, password })
                }
            };
            let gathers = Duration::from_secs(u64::try_from(*digest_secs).unwrap_or_default());
            Way::Mail(Box::new(mail::Mail::new(url, login, from, to, gathers, secs(timeout_secs))?))
        }
        config::Way::Exec { command, timeout_secs } => {
            Way::Exec(Exec { command: command.clone(), timeout: secs(timeout_secs) })
        }
        config::Way::Atom { path, entries } => {
            Way::Atom(Atom { path: path.clone(), entries_max: *entries as usize })
        }
    })
}

/// Sends by the rules of the fetcher.
pub(super) fn sender(config: &Config) -> send::Send {
    let fetcher = Arc::new(Fetcher::new(&fetch_limits(config).0));
    Arc::new(move |letter: send::Letter| {
        let fetcher = Arc::clone(&fetcher);
        Box::pin(async move {
            let send::Letter { url, headers, body, timeout } = letter;
            let (status, retry_after) = fetcher.post(&url, &headers, body, timeout).await?;
            Ok(send::Answer { status, retry_after })
        })
    })
}

/// The sinks of the config, each with how far it has come and what it has laid aside.
///
/// # Errors
/// When neither the daemon nor the store can be asked.
pub fn sinks(config: &Config) -> anyhow::Result<Value> {
    let status = &super::questions::status_once(config)?;
    let mut known: BTreeMap<&str, &Value> = BTreeMap::new();
    for sink in status["sinks"].as_array().into_iter().flatten() {
        known.insert(sink["name"].as_str().unwrap_or_default(), sink);
    }
    let alerts = &status["alerts"];
    let last = alerts["last"].as_u64().unwrap_or(0);
    let sinks = config.sinks.iter().map(|sink| {
        let known = known.remove(sink.name.as_str());
        let state = known.map_or(&Value::Null, |known| &known["state"]);
        json!({
            "name": sink.name,
            "kind": kind(&sink.way),
            "topics": sink.topics,
            "kinds": sink.kinds,
            "delivered": state["seq"],
            "waiting": state["seq"].as_u64().map(|seq| last.saturating_sub(seq)),
            "fault": state["fault"],
            "since": state["since"],
            "dead": known.map_or(json!([]), |known| known["dead"].clone()),
        })
    });
    let sinks: Vec<Value> = sinks.collect();
    Ok(json!({
        "running": status["running"],
        "last": last,
        "log": { "path": status["alert_log"], "delivered": alerts["in_log"], "fault": alerts["log_fault"] },
        "sinks": sinks,
    }))
}

fn kind(way: &config::Way) -> &'static str {
    match way {
        config::Way::Webhook { .. } => "webhook",
        config::Way::Ntfy { .. } => "ntfy",
        config::Way::Mail { .. } => "mail",
        config::Way::Exec { .. } => "exec",
        config::Way::Atom { .. } => "atom",
    }
}

/// Has the running daemon try again what a sink has laid aside, or what it waits for; of all sinks without a name.
/// Says how many letters that are.
///
/// # Errors
/// When no daemon runs, or it has no such sink.
pub fn retry(config: &Config, sink: Option<&str>) -> anyhow::Result<u64> {
    if let Some(name) = sink
        && !config.sinks.iter().any(|sink| sink.name == name)
    {
        bail!("{} has no sink \"{name}\"", config.path.display());
    }
    let sinks = config.sinks.iter().map(|sink| sink.name.clone());
    let names: Vec<String> = sinks.filter(|name| sink.is_none_or(|sink| sink == name)).collect();
    let answer = &ask(config, &Request::Retry(names))?;
    Ok(answer["letters"].as_u64().unwrap_or(0))
}

/// What became of a test alert.
#[derive(Debug)]
pub struct Tested {
    /// Its number.
    pub seq: u64,
    /// Where it went, and why it did not arrive there (yet).
    pub sinks: Vec<(String, Option<String>)>,
}

/// Has the running daemon tell a test alert of a topic, and waits for the sinks that it goes to.
///
/// # Errors
/// When no daemon runs, or it has no such topic.
pub fn test_topic(config: &Config, topic: &str) -> anyhow::Result<Tested> {
    if !config.topics.iter().any(|known| known.name == topic) {
        bail!("{} has no topic \"{topic}\"", config.path.display());
    }
    let answer = &ask(config, &Request::Test(topic.to_owned()))?;
    let seq = answer["seq"].as_u64().context("the daemon answered in a form of another version")?;
    let until = Instant::now() + TEST_WAIT;
    let is_asked = |name: &Value| {
        let sink = config.sinks.iter().find(|sink| Some(sink.name.as_str()) == name.as_str());
        sink.is_some_and(|sink| sink.topics.is_empty() || sink.topics.iter().any(|known| known == topic))
    };
    loop {
        let found = &sinks(config)?;
        let mut waits = false;
        let log = &found["log"];
        let mut reports =
            vec![(format!("log {}", log["path"].as_str().unwrap_or_default()), fault(log, seq))];
        for sink in found["sinks"].as_array().into_iter().flatten().filter(|sink| is_asked(&sink["name"])) {
            let fault = fault(sink, seq);
            waits |= fault.is_some() && sink["fault"].is_null();
            let [kind, name] = ["kind", "name"].map(|key| sink[key].as_str().unwrap_or_default());
            reports.push((format!("{kind} {name}"), fault));
        }
        if !waits || Instant::now() > until {
            return Ok(Tested { seq, sinks: reports });
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Why an alert has not arrived.
fn fault(sink: &Value, seq: u64) -> Option<String> {
    let dead = sink["dead"].as_array().into_iter().flatten().find(|dead| dead["seq"] == seq);
    if let Some(dead) = dead {
        return Some(format!("refused: {}", dead["why"].as_str().unwrap_or_default()));
    }
    let arrived = sink["delivered"].as_u64().is_some_and(|delivered| delivered >= seq);
    let waits = || sink["fault"].as_str().unwrap_or("not delivered yet").to_owned();
    (!arrived).then(waits)
}

/// Only a running daemon has sinks at work.
fn ask(config: &Config, request: &Request) -> anyhow::Result<Value> {
    let Some(mut replies) = control::request(&config.control, request)? else {
        bail!("no daemon runs at {}: start it first", config.control.display());
    };
    match replies.next().context("the daemon went away")?? {
        Reply::Answer(json) => {
            let answer: Value = serde_json::from_str(json.get())?;
            match answer.get("error").and_then(Value::as_str) {
                Some(fault) => bail!("{fault}"),
                None => Ok(answer),
            }
        }
        Reply::Fault(fault) => bail!(fault),
        Reply::Decision(_) | Reply::End => bail!("the daemon answered in a form of another version"),
    }
}
