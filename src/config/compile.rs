//! From the config as written to the config as run: defaults, absolute paths, and the faults that two keys make
//! together.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    Alerts, Config, DropDir, Feed, Fetch, Finished, LogFormat, QueryFault, Sink, Store, Topic, Way, Websub,
    fault::{Place, offset_in_string},
    file::{AlertsFile, DropFile, FeedFile, FetchFile, File, TopicFile, WebsubFile},
    place::{self, Env},
    walk::{Walker, Written, shown},
};
use crate::{
    article::Id,
    event::{Sensitivity, TrackedName},
};

const POLL_SECS_DEFAULT: u32 = 900;
const POLL_SECS_MIN: u32 = 300;
const POLL_SECS_MAX: u32 = 86_400;
const PER_HOST_GAP_SECS: u32 = 5;
const TIMEOUT_SECS: u32 = 30;
const PAGE_WAIT_SECS: u32 = 20;
const BODY_BYTES_MAX: u32 = 8 << 20;
const MAX_AGE_SECS: i64 = 3 * 86_400;
const FIRST_FETCH_SECS: i64 = 86_400;
const WINDOW_DAYS: u32 = 30;
const WINDOW_ARTICLES_MAX: u32 = 300_000;
const TEXT_DAYS: u32 = 90;
const FINGERPRINT_YEARS: u32 = 3;

fn tracked((name, aliases): (Written<String>, Vec<Written<String>>)) -> TrackedName {
    TrackedName { name: name.value, aliases: aliases.into_iter().map(|alias| alias.value).collect() }
}

/// Turns the file as written into the config as run.
pub(super) struct Compiler<'a> {
    pub(super) text: &'a str,
    pub(super) dir: &'a Path,
    pub(super) env: &'a Env,
    pub(super) walker: Walker,
    pub(super) warnings: Vec<(usize, String)>,
}

/// Directories into which the daemon writes: read as a drop, they would feed it with its own words.
fn own_places<'a>(state_dir: &'a Path, log: &'a Path, sinks: &'a [Sink]) -> Vec<(&'static str, &'a Path)> {
    let mut own = vec![("the state directory", state_dir)];
    own.extend(log.parent().map(|dir| ("where the alert log is", dir)));
    own.extend(sinks.iter().filter_map(|sink| match &sink.way {
        Way::Atom { path, .. } => Some(("where a sink writes", path.as_path())),
        _ => None,
    }));
    own
}

impl Compiler<'_> {
    pub(super) fn config(
        &mut self,
        file: File,
        path: &Path,
        check_query: &dyn Fn(&str) -> Result<(), QueryFault>,
    ) -> Config {
        let state_dir = self.path(file.state_dir.as_ref()).unwrap_or_else(|| self.state_dir(path));
        let control = self.control(file.control.as_ref(), &state_dir);
        let fetch = self.fetch(file.fetch);
        let feeds = self.feeds(file.feeds, &fetch);
        let websub = file.websub.and_then(websub);
        let serve = file.serve.and_then(|file| self.serve(file));
        let alerts = self.alerts(&file.alerts, &state_dir);
        let store = Store {
            window_days: value_or(file.store.window_days.as_ref(), WINDOW_DAYS),
            window_articles_max: value_or(file.store.window_articles_max.as_ref(), WINDOW_ARTICLES_MAX),
            text_days: value_or(file.store.text_days.as_ref(), TEXT_DAYS),
            fingerprint_years: value_or(file.store.fingerprint_years.as_ref(), FINGERPRINT_YEARS),
            disk_gib_max: value_or(file.store.disk_gib_max.as_ref(), 0),
        };
        let names = file.names.into_iter().map(tracked).collect();
        let topics = self.topics(file.topics, check_query);
        let sinks = self.sinks(file.sinks, &topics);
        let drops = self.drops(file.drops, &state_dir, &own_places(&state_dir, &alerts.log, &sinks));
        Config {
            path: path.to_path_buf(),
            state_dir,
            control,
            fetch,
            feeds,
            websub,
            serve,
            page_asked: false,
            drops,
            alerts,
            store,
            names,
            topics,
            sinks,
            warnings: Vec::new(),
        }
    }

    pub(super) fn path(&mut self, written: Option<&Written<String>>) -> Option<PathBuf> {
        let Written { value, at } = written?;
        match place::absolute(value, self.dir, self.env) {
            Ok(path) => Some(path),
            Err(what) => {
                self.walker.fault(at.start, what);
                None
            }
        }
    }

    fn state_dir(&mut self, config: &Path) -> PathBuf {
        place::state_dir(config, self.env).unwrap_or_else(|| {
            let what = "no `state_dir`, and $HOME is not set, expected a directory for journal and index";
            self.walker.missing(0, what);
            PathBuf::new()
        })
    }

    fn control(&mut self, written: Option<&Written<String>>, state_dir: &Path) -> PathBuf {
        let usual = place::control(state_dir, self.env);
        let Some(path) = self.path(written) else { return usual };
        let bytes = path.as_os_str().len();
        if let Some(Written { at, .. }) = written.filter(|_| bytes > place::SOCKET_PATH_BYTES_MAX) {
            let max = place::SOCKET_PATH_BYTES_MAX;
            self.walker.fault(
                at.start,
                format!(
                    "`control` is a path of {bytes} bytes, expected at most {max}, as a socket's path must be"
                ),
            );
        }
        path
    }

    fn fetch(&mut self, file: FetchFile) -> Fetch {
        let min = value_or(file.poll_secs_min.as_ref(), POLL_SECS_MIN);
        let max = value_or(file.poll_secs_max.as_ref(), POLL_SECS_MAX.max(min));
        let default = value_or(file.poll_secs_default.as_ref(), POLL_SECS_DEFAULT.max(min).min(max));
        if let Some(Written { at, .. }) = file.poll_secs_max.filter(|_| max < min) {
            let what = format!("`poll_secs_max` is {max}, expected at least `poll_secs_min`, which is {min}");
            self.walker.fault(at.start, what);
        } else if let Some(Written { at, .. }) =
            file.poll_secs_default.filter(|_| !(min..=max).contains(&default))
        {
            let what = format!(
                "`poll_secs_default` is {default}, expected a number from `poll_secs_min` to `poll_secs_max`, \
                 which are {min} and {max}"
            );
            self.walker.fault(at.start, what);
        }
        Fetch {
            poll_secs_default: default,
            poll_secs_min: min,
            poll_secs_max: max,
            per_host_gap_secs: value_or(file.per_host_gap_secs.as_ref(), PER_HOST_GAP_SECS),
            timeout_secs: value_or(file.timeout_secs.as_ref(), TIMEOUT_SECS),
            page_wait_secs: value_or(file.page_wait_secs.as_ref(), PAGE_WAIT_SECS),
            body_bytes_max: usize::try_from(value_or(file.body_bytes_max.as_ref(), BODY_BYTES_MAX))
                .unwrap_or(usize::MAX),
            allow_private: file.allow_private,
            contact: file.contact.map(|contact| contact.value),
            proxy: file.proxy.map(|proxy| proxy.value.into()),
            proxy_credentials: self.credentials(file.proxy_credentials.as_ref()),
        }
    }

    fn feeds(&mut self, files: Vec<FeedFile>, fetch: &Fetch) -> Vec<Feed> {
        let mut known = BTreeMap::new();
        let mut feeds = Vec::new();
        for FeedFile { kind, url, name, outlet, poll_secs, full_text, credentials, folder } in files {
            let min = fetch.poll_secs_min;
            if let Some(Written { value, at }) = poll_secs.as_ref().filter(|secs| secs.value < min) {
                let what = format!(
                    "`poll_secs` is {value}, expected at least {min}; a smaller `poll_secs_min` in [fetch] allows less"
                );
                self.walker.fault(at.start, what);
            }
            let Some(Written { value: url, at }) = url else { continue };
            let key = Id::of(&[url.as_str().as_bytes()]);
            if self.twice(&mut known, key, at.start, "the same feed") {
                continue;
            }
            let credentials = self.credentials(credentials.as_ref());
            feeds.push(Feed {
                kind,
                name: name.map_or_else(|| url.host_str().unwrap_or_default().to_owned(), |name| name.value),
                url: url.into(),
                outlet: outlet.map(|outlet| outlet.value),
                poll_secs: poll_secs.map(|secs| secs.value),
                full_text: full_text.map(|full_text| full_text.value).unwrap_or_default(),
                credentials,
                folder: folder.map(|folder| folder.value),
            });
        }
        feeds
    }

    /// A file with credentials. A bare name is one of those that systemd hands over, where it does.
    pub(super) fn credentials(&mut self, written: Option<&Written<String>>) -> Option<PathBuf> {
        let name = written.map(|written| written.value.as_str())?;
        match &self.env.credentials_directory {
            Some(dir) if !name.contains('/') => Some(dir.join(name)),
            _ => self.path(written),
        }
    }

    fn drops(&mut self, files: Vec<DropFile>, state_dir: &Path, own: &[(&str, &Path)]) -> Vec<DropDir> {
        let mut known = BTreeMap::new();
        let mut drops = Vec::new();
        for DropFile { at, path: written, outlet, finished, rejected, subdirectories } in files {
            let at = written.as_ref().map_or(at, |path| path.at.start);
            let path = match written {
                None => Some(place::drop_dir(state_dir)),
                Some(_) => self.path(written.as_ref()),
            };
            let Some(path) = path else { continue };
            let subdirectories = subdirectories.is_some_and(|flag| flag.value);
            let is_read = |dir: &Path| dir == path || (subdirectories && dir.starts_with(&path));
            if let Some((what, dir)) = own.iter().find(|(_, dir)| is_read(dir)) {
                let is = if *dir == path { "is" } else { "holds" };
                let what = format!(
                    "this drop {is} {what}, expected a directory that only others write articles into"
                );
                self.walker.fault(at, what);
            }
            if !self.twice(&mut known, path.clone(), at, "the same drop") {
                let finished = finished.map(|choice| choice.value).unwrap_or_default();
                drops.push(DropDir {
                    path,
                    outlet: outlet.map(|outlet| outlet.value),
                    finished,
                    // who has files put away has rejected ones put elsewhere
                    move_rejected: rejected.map_or(finished != Finished::Keep, |choice| choice.value),
                    subdirectories,
                });
            }
        }
        drops
    }

    fn alerts(&mut self, file: &AlertsFile, state_dir: &Path) -> Alerts {
        Alerts {
            log: self.path(file.log.as_ref()).unwrap_or_else(|| place::log(state_dir, self.env)),
            format: value_or(file.format.as_ref(), LogFormat::default()),
            max_age_secs: value_or(file.max_age.as_ref(), MAX_AGE_SECS),
            first_fetch_secs: value_or(file.first_fetch.as_ref(), FIRST_FETCH_SECS),
            silent_feeds: value_or(file.silent_feeds.as_ref(), true),
        }
    }

    fn topics(
        &mut self,
        files: Vec<TopicFile>,
        check_query: &dyn Fn(&str) -> Result<(), QueryFault>,
    ) -> Vec<Topic> {
        let mut known = BTreeMap::new();
        let mut topics = Vec::new();
        for file in files {
            if let Some(Written { value, at }) = &file.query
                && let Err(fault) = check_query(value)
            {
                let place = Place { line: fault.line, column: fault.column };
                let at = offset_in_string(self.text, at, place);
                self.walker.fault(at, format!("`query`: {}", fault.what));
            }
            let examples = self.patterns(&file.examples);
            let not_examples = self.patterns(&file.not_examples);
            let Some(Written { value: name, at }) = file.name else { continue };
            if self.twice(&mut known, name.clone(), at.start, "the same name of a topic") {
                continue;
            }
            topics.push(Topic {
                name,
                query: file.query.map(|query| query.value),
                names: file.names.into_iter().map(tracked).collect(),
                examples,
                not_examples,
                sensitivity: value_or(file.sensitivity.as_ref(), Sensitivity::default()),
                min_outlets: value_or(file.min_outlets.as_ref(), 1),
                cooldown_secs: value_or(file.cooldown.as_ref(), 0),
                digest_secs: value_or(file.digest.as_ref(), 0),
                quiet: file.quiet.map(|quiet| quiet.value),
                max_per_hour: value_or(file.max_per_hour.as_ref(), 0),
                kinds: file.kinds,
            });
        }
        topics
    }

    fn patterns(&mut self, written: &[Written<String>]) -> Vec<PathBuf> {
        let mut patterns = Vec::new();
        for pattern in written {
            let Some(path) = self.path(Some(pattern)) else { continue };
            let folder = Path::new(&pattern.value).parent();
            if folder.is_some_and(|folder| folder.as_os_str().as_encoded_bytes().contains(&b'*')) {
                let said = shown(&pattern.value);
                self.walker.fault(
                    pattern.at.start,
                    format!("{said} has a `*` in a folder, expected it in the file's name only"),
                );
            }
            patterns.push(path);
        }
        patterns
    }

    /// Notes what stands there a second time.
    pub(super) fn twice<T: Ord>(
        &mut self,
        known: &mut BTreeMap<T, usize>,
        key: T,
        at: usize,
        what: &str,
    ) -> bool {
        let Some(first) = known.get(&key) else {
            known.insert(key, at);
            return false;
        };
        let Place { line, column } = Place::of(self.text, *first);
        self.walker.fault(at, format!("{what} as in {line}:{column}, expected one only"));
        true
    }
}

fn websub(file: WebsubFile) -> Option<Websub> {
    Some(Websub { listen: file.listen?.value, callback: file.callback?.value.into() })
}

fn value_or<T: Clone>(written: Option<&Written<T>>, default: T) -> T {
    written.map_or(default, |written| written.value.clone())
}
