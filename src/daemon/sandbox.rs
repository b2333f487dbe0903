//! What the sandbox of systemd/storywatch.service keeps from the daemon, and the lines by which an operator opens it.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use rustix::{fs::Access, io::Errno};

use crate::config::{Config, Finished, Way};

/// Lines that an operator adds to the unit.
const DROP_INS: &str = "/etc/systemd/system/storywatch.service.d";

/// What the unit gives the daemon to write.
const OWN: [&str; 4] = ["/var/lib/storywatch", "/var/log/storywatch", "/run/storywatch", "/srv/storywatch"];

/// `ProtectHome=yes` hides these, `PrivateTmp=yes` puts others in the place of those.
const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];
const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

/// A place that the config names, and whether it is written.
struct Place<'a> {
    what: &'static str,
    path: &'a Path,
    writes: bool,
}

/// What the config names and the service could not reach, each with the lines that mend it. Within the service it is
/// tried; for anybody else who checks the service's config it is told by where the places lie.
pub(super) fn advice(config: &Config) -> Vec<String> {
    let within = env::var_os("INVOCATION_ID").is_some() && env::var_os("STATE_DIRECTORY").is_some();
    if !within && !config.state_dir.starts_with(OWN[0]) {
        return Vec::new();
    }
    let opened = if within { String::new() } else { drop_ins() };
    places(config)
        .into_iter()
        .filter(|place| if within { !place.is_reached() } else { true })
        .filter_map(|place| {
            let lines = place.lines();
            let known = opened.contains(&place.path.display().to_string());
            (!lines.is_empty() && !known).then(|| {
                let Place { what, path, writes } = place;
                let does = if writes { "written" } else { "read" };
                format!(
                    "the {what} {} lies where the service's sandbox does not let it be {does}: \
                     `systemctl edit storywatch`, and add\n    [Service]\n    {}",
                    path.display(),
                    lines.join("\n    ")
                )
            })
        })
        .collect()
}

fn places(config: &Config) -> Vec<Place<'_>> {
    let written = |what, path| Place { what, path, writes: true };
    let read = |what, path| Place { what, path, writes: false };
    let mut places = Vec::new();
    for drop in &config.drops {
        let writes = drop.finished != Finished::Keep || drop.move_rejected;
        places.push(Place { what: "drop", path: &drop.path, writes });
    }
    places.extend(config.alerts.log.parent().map(|path| written("folder of the alert log", path)));
    for topic in &config.topics {
        let samples = topic.examples.iter().chain(&topic.not_examples);
        places.extend(samples.filter_map(|file| Some(read("folder of samples", file.parent()?))));
    }
    let mut secrets = vec![&config.fetch.proxy_credentials];
    secrets.extend(config.feeds.iter().map(|feed| &feed.credentials));
    for sink in &config.sinks {
        match &sink.way {
            Way::Webhook { secret, credentials, .. } => secrets.extend([secret, credentials]),
            Way::Ntfy { credentials, .. } | Way::Mail { credentials, .. } => secrets.push(credentials),
            Way::Atom { path, .. } => places.push(written("folder of a sink", path)),
            Way::Exec { command, .. } => {
                let program = command.first().map(Path::new).filter(|program| program.is_absolute());
                places.extend(program.map(|path| read("program of a sink", path)));
            }
        }
    }
    places.extend(secrets.into_iter().flatten().map(|path| read("file of credentials", path)));
    let mut known = BTreeSet::new();
    places.retain(|place| known.insert(place.path));
    places
}

impl Place<'_> {
    /// Whether this process can use it, for all that a sandbox does. That the user may not is told elsewhere.
    fn is_reached(&self) -> bool {
        let hidden = self.lines().iter().any(|line| line.starts_with("Bind"));
        let wanted = if self.writes { Access::WRITE_OK } else { Access::READ_OK };
        match rustix::fs::access(self.path, wanted) {
            Ok(()) => true,
            Err(Errno::ROFS) => false,
            Err(_) => !hidden,
        }
    }

    /// What opens it; nothing where the unit as it is shipped lets it be used.
    fn lines(&self) -> Vec<String> {
        let below = |roots: &[&str]| roots.iter().any(|root| self.path.starts_with(root));
        let path = self.path.display();
        let bind = if self.writes { "BindPaths" } else { "BindReadOnlyPaths" };
        if below(&OWN) {
            Vec::new()
        } else if below(&HOMES) {
            vec!["ProtectHome=tmpfs".to_owned(), format!("{bind}={path}")]
        } else if below(&TEMPORARY) {
            vec![format!("{bind}={path}")]
        } else if self.writes {
            vec![format!("ReadWritePaths={path}")]
        } else {
            Vec::new()
        }
    }
}

/// All that operators added.
fn drop_ins() -> String {
    let entries = fs::read_dir(DROP_INS).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path()).filter(|path: &PathBuf| path.extension().is_some());
    files.filter_map(|path| fs::read_to_string(path).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, writes: bool, expected: &[&str]) {
        assert_eq!(Place { what: "drop", path: Path::new(path), writes }.lines(), expected);
    }

    #[test]
    fn lines_for_each_place() {
        check("/srv/storywatch/drop", true, &[]);
        check("/srv/newsroom", false, &[]);
        check("/srv/newsroom", true, &["ReadWritePaths=/srv/newsroom"]);
        check("/home/ann/in", false, &["ProtectHome=tmpfs", "BindReadOnlyPaths=/home/ann/in"]);
        check("/home/ann/in", true, &["ProtectHome=tmpfs", "BindPaths=/home/ann/in"]);
        check("/tmp/in", false, &["BindReadOnlyPaths=/tmp/in"]);
    }

    #[test]
    fn all_that_the_config_names_is_a_place() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("c.toml");
        let sink = |kind: &str, more: &str| format!("[[sink]]\nname = '{kind}'\nkind = '{kind}'\n{more}\n");
        let toml = [
            "state_dir = '/s'\n[alerts]\nlog = '/l/a'\n[[drop]]\npath = '/d'\n".to_owned(),
            "[[feed]]\nurl = 'https://a.example/'\ncredentials = '/f/c'\n".to_owned(),
            "[[topic]]\nname = 'a'\nexamples = ['/e/1', '/e/2']\nnot_examples = ['/n/*']\n".to_owned(),
            sink("webhook", "url = 'https://a.example/'\nsecret = '/w/s'\ncredentials = '/f/c'"),
            sink("atom", "path = '/a'"),
            sink("exec", "command = ['/p/ring', '/x']"),
        ];
        fs::write(&file, toml.concat()).unwrap();
        let config = crate::config::load(&file, &crate::config::Env::default(), &|_| Ok(())).unwrap();
        let places: Vec<_> = places(&config).iter().map(|place| (place.path, place.writes)).collect();
        let expected = [
            ("/d", false),
            ("/l", true),
            ("/e", false),
            ("/n", false),
            ("/a", true),
            ("/p/ring", false),
            ("/f/c", false),
            ("/w/s", false),
        ];
        assert_eq!(places, expected.map(|(path, writes)| (Path::new(path), writes)));
    }
}
