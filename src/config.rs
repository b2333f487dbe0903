//! The config: from the file as written to what the daemon runs, with every fault reported at once. The only user of
//! TOML; reads the config file and nothing else, and knows neither sources nor the query language.

mod compile;
mod fault;
mod file;
mod pieces;
mod place;
mod serve;
mod sink;
mod value;
mod walk;

use std::{
    fs, io,
    io::Read,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use self::{compile::Compiler, walk::Walker};
pub use self::{
    fault::{Fault, Place},
    place::{Env, expand, find},
    serve::{Listen, Serve},
    sink::{Sink, Way},
};
use crate::{
    article::AlertKind,
    event::{FullText, Sensitivity, TrackedName},
    quiet::Quiet,
};

/// A larger file is no config.
const FILE_BYTES_MAX: u64 = 32 << 20;

/// Most faults of one file that are listed; a file with more is not a config gone wrong but another file.
const FAULTS_TOLD_MAX: usize = 200;

/// The config as it is run: every path absolute, every default filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The file it was read from.
    pub path: PathBuf,
    /// Holds journal and index.
    pub state_dir: PathBuf,
    /// The control socket; at most 107 bytes.
    pub control: PathBuf,
    /// How feeds are asked.
    pub fetch: Fetch,
    /// In the order of the file; addresses are unique.
    pub feeds: Vec<Feed>,
    /// Where hubs reach us, if they do.
    pub websub: Option<Websub>,
    /// Where the page is, if anywhere.
    pub serve: Option<Serve>,
    /// The page was asked for on the command line: it is there whatever the file says.
    pub page_asked: bool,
    /// In the order of the file; paths are unique.
    pub drops: Vec<DropDir>,
    /// What is told, and where.
    pub alerts: Alerts,
    /// How much is remembered.
    pub store: Store,
    /// Names that are tracked whatever the topics, with their aliases.
    pub names: Vec<TrackedName>,
    /// In the order of the file; names are unique.
    pub topics: Vec<Topic>,
    /// In the order of the file; names are unique.
    pub sinks: Vec<Sink>,
    /// What will not do what the user may think, but is no fault.
    pub warnings: Vec<Fault>,
}

/// How feeds are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Between the other two.
    pub poll_secs_default: u32,
    /// No feed is asked more often.
    pub poll_secs_min: u32,
    /// A feed that hardly changes is asked so often.
    pub poll_secs_max: u32,
    /// Between two requests to one host.
    pub per_host_gap_secs: u32,
    /// For the whole exchange.
    pub timeout_secs: u32,
    /// So long an item of a feed waits for its page.
    pub page_wait_secs: u32,
    /// Of a body after decompression.
    pub body_bytes_max: usize,
    /// Private servers that may be asked: host:port, an address, or a network such as `10.1.0.0/16`.
    pub allow_private: Vec<String>,
    /// A page or a mail address of whoever runs this.
    pub contact: Option<String>,
    /// The address of an HTTP proxy, without user and password.
    pub proxy: Option<String>,
    /// The file with what the proxy asks for.
    pub proxy_credentials: Option<PathBuf>,
}

/// Where hubs reach us (`WebSub`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Websub {
    /// Where the daemon listens, as a rule behind a web server.
    pub listen: SocketAddr,
    /// The public address that leads there; ends in `/`.
    pub callback: String,
}

/// What stands at the address of a feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FeedKind {
    /// RSS, Atom, RDF, JSON Feed.
    #[default]
    Feed,
    /// A sitemap, or an index of sitemaps.
    Sitemap,
}

/// A feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Whether it stands under `[[feed]]` or `[[sitemap]]`.
    pub kind: FeedKind,
    /// http or https; as the URL standard writes it.
    pub url: String,
    /// For the user; the host where none is given.
    pub name: String,
    /// Who publishes all that is in it; `None` leaves it to the host of each article.
    pub outlet: Option<String>,
    /// Fixes the interval; at least `Fetch::poll_secs_min`.
    pub poll_secs: Option<u32>,
    /// When the page of an article is asked for.
    pub full_text: FullText,
    /// The file with what its server asks for.
    pub credentials: Option<PathBuf>,
    /// Where it stands in the lists of feed readers: folders, the outermost first, with `/` between them.
    pub folder: Option<String>,
}

/// A watched directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropDir {
    /// Made by the daemon where it is missing.
    pub path: PathBuf,
    /// Who publishes what lies in it, where a file does not say.
    pub outlet: Option<String>,
    /// What becomes of a file that was read.
    pub finished: Finished,
    /// Whether a file without any article is moved to `rejected/`.
    pub move_rejected: bool,
    /// Whether its subdirectories are read too.
    pub subdirectories: bool,
}

/// What becomes of a dropped file that was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Finished {
    /// It stays.
    #[default]
    Keep,
    /// It is moved to `done/`.
    Done,
    /// It is deleted.
    Delete,
}

/// What is told, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alerts {
    /// The alert log.
    pub log: PathBuf,
    /// Form of its lines.
    pub format: LogFormat,
    /// An article published longer ago is not told.
    pub max_age_secs: i64,
    /// Of a feed's first answer, an article published longer ago is not told.
    pub first_fetch_secs: i64,
    /// Whether it is told that a feed gives nothing new for unusually long.
    pub silent_feeds: bool,
}

/// Form of the alert log's lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// How much is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// Articles are compared with those of so many days,
    pub window_days: u32,
    /// and with at most so many.
    pub window_articles_max: u32,
    /// Texts are kept for so many days, and in any case while they are compared with.
    pub text_days: u32,
    /// An article that nobody has seen for so many years is forgotten.
    pub fingerprint_years: u32,
    /// When the state directory is larger, the oldest texts go first; 0 for no limit.
    pub disk_gib_max: u32,
}

/// What the user tracks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topic {
    /// Unique; at most 100 characters in one line.
    pub name: String,
    /// Checked.
    pub query: Option<String>,
    /// Canonical names with their aliases.
    pub names: Vec<TrackedName>,
    /// Absolute; `*` only in the last part. `expand` finds the files.
    pub examples: Vec<PathBuf>,
    /// Likewise, of what the topic must not match.
    pub not_examples: Vec<PathBuf>,
    /// How sure a match must be.
    pub sensitivity: Sensitivity,
    /// A story is told from so many outlets on.
    pub min_outlets: u32,
    /// After an alert of a story, silence about it for so long.
    pub cooldown_secs: i64,
    /// Reports are told together, so long after the first; 0 tells each.
    pub digest_secs: i64,
    /// When nothing is told.
    pub quiet: Option<Quiet>,
    /// Alerts within an hour; 0 sets no bound.
    pub max_per_hour: u32,
    /// Kinds that are told; all where it is empty.
    pub kinds: Vec<AlertKind>,
}

/// Why a query cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryFault {
    /// In the query, from 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
    /// Lower-case fragment: what is wrong, and what was expected.
    pub what: String,
}

/// A topic's name as the config takes it.
///
/// # Errors
/// What is expected, where it is no name.
pub fn topic_name(written: &str) -> Result<String, String> {
    match file::name(written)? {
        name if name.is_empty() => Err("text".to_owned()),
        name => Ok(name),
    }
}

/// Reads a config file. `check_query` is the parser of the query language.
///
/// # Errors
/// Every fault of the file, in the order of the file.
pub fn load(
    path: &Path,
    env: &Env,
    check_query: &dyn Fn(&str) -> Result<(), QueryFault>,
) -> Result<Config, Vec<Fault>> {
    let whole = |what: String| vec![Fault { path: path.to_path_buf(), place: None, what }];
    let absolute = std::path::absolute(path).map_err(|cause| whole(format!("no path to a file: {cause}")))?;
    let bytes = read_file(&absolute).map_err(|cause| whole(unreadable(&cause)))?;
    let text = String::from_utf8(bytes).map_err(|cause| {
        let at = cause.utf8_error().valid_up_to();
        let valid = String::from_utf8_lossy(cause.as_bytes().get(..at).unwrap_or_default());
        let place = Some(Place::of(&valid, at));
        let what = "not UTF-8 from here on, expected a text file in UTF-8".to_owned();
        vec![Fault { path: path.to_path_buf(), place, what }]
    })?;
    parse(&text, path, &absolute, env, check_query)
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let what = format!("it is larger than {FILE_BYTES_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    Ok(bytes)
}

fn unreadable(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::NotFound => {
            "there is no such file; write one after the model of config/storywatch.toml, \
                                    or see `storywatch demo` first, which needs none"
                .to_owned()
        }
        io::ErrorKind::IsADirectory => "a directory, expected a config file".to_owned(),
        _ => format!("could not be read: {cause}"),
    }
}

/// `shown_path` stands in the faults, `absolute` in the config.
fn parse(
    text: &str,
    shown_path: &Path,
    absolute: &Path,
    env: &Env,
    check_query: &dyn Fn(&str) -> Result<(), QueryFault>,
) -> Result<Config, Vec<Fault>> {
    let dir = absolute.parent().unwrap_or(Path::new("/"));
    if let Some(file) = file::read_in_pieces(text) {
        let walker = Walker::default();
        let mut compiler = Compiler { text, dir, env, walker, warnings: Vec::new() };
        let config = compiler.config(file, absolute, check_query);
        // places are those of a piece: what has to be told is looked for in the whole text
        if compiler.walker.faults.is_empty() && compiler.warnings.is_empty() {
            return Ok(config);
        }
    }
    let mut walker = Walker::default();
    let file = file::read(text, &mut walker);
    let mut compiler = Compiler { text, dir, env, walker, warnings: Vec::new() };
    let config = compiler.config(file, absolute, check_query);
    let faults = |mut found: Vec<(usize, String)>| {
        found.sort();
        found.dedup();
        if let Some(more) = found.len().checked_sub(FAULTS_TOLD_MAX).filter(|more| *more > 0) {
            found.truncate(FAULTS_TOLD_MAX);
            found.push((text.len(), format!("and {more} further faults above, which are not listed")));
        }
        let path = shown_path.to_path_buf();
        let fault = |(at, what)| Fault { path: path.clone(), place: Some(Place::of(text, at)), what };
        found.into_iter().map(fault).collect::<Vec<Fault>>()
    };
    if compiler.walker.faults.is_empty() {
        Ok(Config { warnings: faults(compiler.warnings), ..config })
    } else {
        Err(faults(compiler.walker.faults))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env() -> Env {
        Env { home: Some("/home/u".into()), temp_dir: "/tmp".into(), ..Env::default() }
    }

    /// Stands for the query language: an opening parenthesis is a fault.
    fn no_parenthesis(query: &str) -> Result<(), QueryFault> {
        for (line, letters) in (1..).zip(query.lines()) {
            for (column, letter) in (1..).zip(letters.chars()) {
                if letter == '(' {
                    return Err(QueryFault { line, column, what: "open".to_owned() });
                }
            }
        }
        Ok(())
    }

    fn read(text: &str) -> Result<Config, Vec<Fault>> {
        parse(text, Path::new("c.toml"), Path::new("/etc/sw/c.toml"), &env(), &no_parenthesis)
    }

    #[track_caller]
    fn good(text: &str) -> Config {
        read(text).unwrap_or_else(|faults| panic!("{faults:#?}"))
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let faults: Vec<String> = read(text).unwrap_err().iter().map(Fault::to_string).collect();
        assert_eq!(faults.len(), expected.len(), "{faults:#?}");
        for (fault, expected) in faults.iter().zip(expected) {
            let (place, what) = expected.split_once(' ').unwrap();
            assert!(fault.starts_with(&format!("c.toml:{place}: ")), "{fault}\nis not at {place}");
            assert!(fault.contains(what), "{fault}\nhas no {what}");
        }
    }

    const TOPIC: &str = "[[topic]]\nname = 'a'\nquery = 'b'\n";

    #[test]
    fn an_empty_file_is_a_config() {
        let config = good("");
        assert_eq!(config.path, Path::new("/etc/sw/c.toml"));
        assert_eq!(config.state_dir, Path::new("/home/u/.local/state/storywatch"));
        assert_eq!(config.alerts.log, config.state_dir.join("alerts.log"));
        assert_eq!(config.control, config.state_dir.join("control.sock"));
        assert_eq!(config.fetch.poll_secs_default, 900);
        assert_eq!((config.alerts.max_age_secs, config.alerts.first_fetch_secs), (259_200, 86_400));
        assert_eq!((config.store.window_days, config.store.window_articles_max), (30, 300_000));
        let Store { text_days, fingerprint_years, disk_gib_max, .. } = config.store;
        assert_eq!((text_days, fingerprint_years, disk_gib_max), (90, 3, 0));
        assert!(config.feeds.is_empty() && config.drops.is_empty() && config.topics.is_empty());
    }

    #[test]
    fn every_key() {
        let config = good(
            r#"
            state_dir = "s"
            control = "/run/c.sock"
            [fetch]
            poll_secs_default = 2
            poll_secs_min = 1
            poll_secs_max = 12
            per_host_gap_secs = 1
            timeout_secs = 0x5
            body_bytes_max = 1_048_576
            allow_private = ["127.0.0.0/8"]
            contact = "https://desk.example/bot"
            proxy = "http://proxy.example:3128"
            proxy_credentials = "p.txt"
            [[sitemap]]
            url = "https://a.example/news.xml"
            [websub]
            listen = "127.0.0.1:8787"
            callback = "https://we.example/hub"
            [[feed]]
            url = "http://127.0.0.1:80/a"
            name = "A"
            outlet = "a.example"
            poll_secs = 1
            full_text = "never"
            credentials = "secret/a.txt"
            folder = "World/Europe"
            [[feed]]
            url = "https://b.example/f?x=1"
            [[drop]]
            path = "in"
            outlet = "Wire"
            [[drop]]
            [alerts]
            log = "a.log"
            format = "json"
            max_age = "1w"
            first_fetch = "0s"
            [store]
            window_days = 1
            window_articles_max = 10
            text_days = 2
            fingerprint_years = 1
            disk_gib_max = 4
            [names]
            "City Hall" = ["the Hall"]
            [[topic]]
            name = 'Jeanne "J" Doe'
            query = "a"
            names = { "Jane Doe" = ["Mrs Doe", "J. Doe"], "City" = [] }
            examples = ["x/a-*.txt", "/b.txt"]
            not_examples = ["c.txt"]
            sensitivity = "strict"
            alert.min_outlets = 2
            alert.cooldown = "30m"
            [[topic]]
            name = "t12"
            names = { "Jane Doe" = [] }
            [topic.alert]
            cooldown = "1h"
            "#,
        );
        assert_eq!(config.state_dir, Path::new("/etc/sw/s"));
        assert_eq!(config.fetch.timeout_secs, 5);
        assert_eq!(config.fetch.body_bytes_max, 1 << 20);
        assert_eq!(config.feeds[0].url, "http://127.0.0.1/a");
        assert_eq!(config.feeds[0].outlet.as_deref(), Some("a.example"));
        assert_eq!(config.feeds[0].credentials.as_deref(), Some(Path::new("/etc/sw/secret/a.txt")));
        assert_eq!(config.feeds[0].folder.as_deref(), Some("World/Europe"));
        assert_eq!((config.feeds[0].kind, config.feeds[2].kind), (FeedKind::Feed, FeedKind::Sitemap));
        assert_eq!(config.fetch.contact.as_deref(), Some("https://desk.example/bot"));
        assert_eq!(config.fetch.proxy.as_deref(), Some("http://proxy.example:3128/"));
        assert_eq!(
            config.websub.as_ref().map(|websub| websub.callback.as_str()),
            Some("https://we.example/hub/")
        );
        assert_eq!((config.feeds[1].name.as_str(), config.feeds[1].poll_secs), ("b.example", None));
        assert_eq!(config.drops[0].path, Path::new("/etc/sw/in"));
        assert_eq!(config.drops[1].path, Path::new("/etc/sw/s/drop"));
        assert_eq!(config.alerts.log, Path::new("/etc/sw/a.log"));
        assert_eq!(config.alerts.format, LogFormat::Json);
        assert_eq!(
            (config.names[0].name.as_str(), &*config.names[0].aliases),
            ("City Hall", &["the Hall".to_owned()][..])
        );
        let topic = &config.topics[0];
        assert_eq!(topic.name, r#"Jeanne "J" Doe"#);
        assert_eq!(topic.names[1].aliases, ["Mrs Doe", "J. Doe"]);
        assert_eq!(topic.examples, [Path::new("/etc/sw/x/a-*.txt"), Path::new("/b.txt")]);
        assert_eq!((topic.sensitivity, topic.min_outlets), (Sensitivity::Strict, 2));
        assert_eq!((topic.cooldown_secs, config.topics[1].cooldown_secs), (1800, 3600));
        assert_eq!(config.warnings, []);
    }

    #[test]
    fn every_fault_at_once_in_the_order_of_the_file() {
        check(
            "state_dir = 3\npoll_secs = 9\n[fetch]\npoll_sec_min = 300\ntimeout_secs = 0\n[[feed]]\nurl = 'ftp://a'\n\
             [[topic]]\nname = 'x'\nalert.cooldown = '3'\n",
            &[
                "1:13 `state_dir` is a whole number, expected text in quotes",
                "2:1 unknown key \"poll_secs\"",
                "4:1 did you mean `poll_secs_min`?",
                "5:16 `timeout_secs` is 0, expected a whole number from 1 to 600",
                "7:7 `url` is \"ftp://a\", expected an http:// or https:// address",
                "8:1 [[topic]] without `query`, `names` and `examples`",
                "10:18 `cooldown` is \"3\", expected a number and a unit",
            ],
        );
    }

    #[test]
    fn unknown_keys_are_led_home() {
        check("[alerts]\nfromat = 'json'\n", &["2:1 did you mean `format`?"]);
        check("[fetch]\nformat = 'json'\n", &["2:1 it belongs in [alerts]"]);
        check("[fetch]\ncolour = 1\n", &["2:1 expected one of `poll_secs_default`"]);
        check("[topics]\n", &["1:2 did you mean `topic`?"]);
        check(&format!("{TOPIC}alert.min_outlet = 1\n"), &["4:7 did you mean `min_outlets`?"]);
        check(&format!("{TOPIC}min_outlets = 1\n"), &["4:1 it belongs in `alert` of a [[topic]]"]);
    }

    #[test]
    fn wrong_types() {
        check("feed = 1\n", &["1:8 expected a list of tables, each written [[feed]]"]);
        check("[feed]\nurl = 'http://a.example'\n", &["1:1 `feed` is a table, expected a list of tables"]);
        check("[[alerts]]\n", &["1:1 `alerts` is a list, expected one table, written [alerts]"]);
        check("drop = [1]\n", &["1:9 `drop` is a whole number"]);
        check("[fetch]\ntimeout_secs = '5'\n", &["2:16 `timeout_secs` is text, expected a whole number"]);
        check("[fetch]\ntimeout_secs = -5\n", &["2:16 `timeout_secs` is -5"]);
        check("[fetch]\ntimeout_secs = 99999999999999999999\n", &["2:16 from 1 to 600"]);
        check("[fetch]\ntimeout_secs = 1.5\n", &["2:16 is a decimal number"]);
        check("[alerts]\nmax_age = 2017-03-02\n", &["2:11 is a date, expected text"]);
        check("[fetch]\nallow_private = ['localhost']\n", &["2:18 expected host:port"]);
        check(&format!("{TOPIC}names = ['J']\n"), &["4:9 expected a table of names"]);
        check(&format!("{TOPIC}names = {{ J = 'K' }}\n"), &["4:15 `J` is text, expected a list of texts"]);
        check(&format!("{TOPIC}examples = 'a'\n"), &["4:12 expected a list of texts"]);
        check(&format!("{TOPIC}sensitivity = 'strickt'\n"), &["4:15 did you mean `strict`?"]);
        check("[alerts]\nmax_age = '0s'\n", &["2:11 more than nothing"]);
    }

    #[test]
    fn what_is_missing() {
        check("[[feed]]\nname = 'a'\n", &["1:1 [[feed]] without `url`"]);
        check("[[topic]]\nquery = 'a'\n", &["1:1 [[topic]] without `name`"]);
        check("[[topic]]\nname = ''\nquery = 'a'\n", &["2:8 `name` is empty"]);
        check(&format!("{TOPIC}[[topic]]\nname = 'b'\nquery = 3\n"), &["6:9 `query` is a whole number"]);
    }

    #[test]
    fn names_fit_into_a_line() {
        check("[[topic]]\nname = \"a\\nb\"\nquery = 'a'\n", &["2:8 one line without control characters"]);
        let long = "é".repeat(101);
        check(&format!("[[topic]]\nname = '{long}'\nquery = 'a'\n"), &["2:8 at most 100 characters"]);
        good(&format!("[[topic]]\nname = '{}'\nquery = 'a'\n", "é".repeat(100)));
    }

    #[test]
    fn credentials_may_come_from_systemd() {
        let env = Env { credentials_directory: Some("/run/credentials/sw".into()), ..env() };
        let read = |credentials: &str| {
            let text = format!("[[feed]]\nurl = 'https://a.example'\ncredentials = '{credentials}'\n");
            let path = Path::new("/etc/sw/c.toml");
            let config = parse(&text, path, path, &env, &no_parenthesis).unwrap();
            config.feeds[0].credentials.clone().unwrap()
        };
        assert_eq!(read("wire"), Path::new("/run/credentials/sw/wire"));
        assert_eq!(read("./wire"), Path::new("/etc/sw/./wire"));
    }

    #[test]
    fn hubs_need_both_addresses() {
        check("[websub]\nlisten = '127.0.0.1:1'\n", &["1:1 [websub] without `callback`"]);
    }

    #[test]
    fn nothing_stands_twice() {
        check(&format!("{TOPIC}{TOPIC}"), &["5:8 the same name of a topic as in 2:8"]);
        let feed = "[[feed]]\nurl = 'https://a.example'\n";
        check(&format!("{feed}{}", feed.replace("example", "Example/")), &["4:7 the same feed as in 2:7"]);
        check("[[drop]]\npath = 'd'\n[[drop]]\npath = './d/'\n", &["4:8 the same drop as in 2:8"]);
        check("a = 1\na = 2\n", &["1:1 unknown key", "2:1 duplicate key"]);
    }

    #[test]
    fn intervals_agree() {
        check(
            "[fetch]\npoll_secs_min = 9\npoll_secs_max = 8\n",
            &["3:17 at least `poll_secs_min`, which is 9"],
        );
        check("[fetch]\npoll_secs_default = 60\n", &["2:21 from `poll_secs_min`"]);
        check("[[feed]]\nurl = 'https://a.example'\npoll_secs = 60\n", &["3:13 expected at least 300"]);
        assert_eq!(good("[fetch]\npoll_secs_min = 1000\n").fetch.poll_secs_default, 1000);
        assert_eq!(good("[fetch]\npoll_secs_max = 600\n").fetch.poll_secs_default, 600);
    }

    #[test]
    fn a_drop_holds_nothing_of_ours() {
        check("state_dir = 's'\n[[drop]]\npath = 's'\n", &["3:8 this drop is the state directory"]);
        check("[alerts]\nlog = 'l/a'\n[[drop]]\npath = 'l'\n", &["4:8 where the alert log is"]);
        let sink = "[[sink]]\nname = 'a'\nkind = 'atom'\npath = 'd'\n";
        check(&format!("{sink}[[drop]]\npath = 'd'\n"), &["6:8 this drop is where a sink writes"]);
        let below = "state_dir = 'd/s'\n[[drop]]\npath = 'd'\nsubdirectories = ";
        check(&format!("{below}true\n"), &["3:8 this drop holds the state directory"]);
        good(&format!("{below}false\n[alerts]\nlog = 'l/a'\n"));
    }

    #[test]
    fn a_socket_path_is_short() {
        check(&format!("control = '/{}'\n", "x".repeat(107)), &["1:11 a path of 108 bytes"]);
        good(&format!("control = '/{}'\n", "x".repeat(106)));
    }

    #[test]
    fn a_pattern_has_its_star_in_the_name() {
        check(&format!("{TOPIC}examples = ['a', 'b*/c']\n"), &["4:18 in the file's name only"]);
    }

    #[test]
    fn a_query_is_at_fault_where_it_stands() {
        check("[[topic]]\nname = 'a'\nquery = 'b AND ('\n", &["3:16 `query`: open"]);
        check("[[topic]]\nname = 'a'\nquery = \"\"\"\nb\n OR (\"\"\"\n", &["5:5 `query`: open"]);
    }

    #[test]
    fn what_is_no_toml() {
        check("state_dir = \"a\nx = 1\n", &["1:15 not TOML: ", "2:1 unknown key"]);
        check("[fetch]\ntimeout_secs = “5”\n", &["2:16 typographic quotation marks"]);
        check("[[topic]\nname = 'a'\n", &["1:9 not TOML: unclosed array table"]);
        check(
            "[fetch]\ntimeout_secs = 5 5\n[store]\nwindow_day = 1\n",
            &["2:16 not TOML: ", "4:1 `window_days`?"],
        );
    }

    #[test]
    fn another_file_is_not_told_line_by_line() {
        let faults = read(&"no config at all\n".repeat(20_000)).unwrap_err();
        assert_eq!(faults.len(), FAULTS_TOLD_MAX + 1);
        assert!(faults.last().unwrap().what.ends_with("further faults above, which are not listed"));
    }

    #[test]
    fn pages_are_read_where_a_feed_asks_for_it() {
        let config = good("[[feed]]\nurl = 'https://a.example'\nfull_text = 'always'\n");
        assert_eq!((config.feeds[0].full_text, config.fetch.page_wait_secs), (FullText::Always, 20));
    }

    #[test]
    fn without_a_home_a_state_dir_is_asked_for() {
        let path = Path::new("/c.toml");
        let faults = parse("", path, path, &Env::default(), &no_parenthesis).unwrap_err();
        assert!(faults[0].to_string().contains("no `state_dir`"), "{faults:?}");
    }

    #[track_caller]
    fn check_file(bytes: Option<&[u8]>, expected: &str) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.toml");
        if let Some(bytes) = bytes {
            fs::write(&path, bytes).unwrap();
        }
        let faults = load(&path, &env(), &no_parenthesis).unwrap_err();
        assert_eq!(faults.len(), 1);
        let said = faults[0].to_string();
        assert!(said.starts_with(&format!("{}:{expected}", path.display())), "{said}");
    }

    #[test]
    fn files_that_cannot_be_read() {
        check_file(None, " there is no such file; ");
        check_file(Some(b"# \xc3\xa9\nx = '\xff'"), "2:6: not UTF-8");
        let faults = load(Path::new("/"), &env(), &no_parenthesis).unwrap_err();
        assert!(faults[0].to_string().contains("a directory"), "{faults:?}");
    }

    const MODEL: &str = include_str!("../config/storywatch.toml");

    #[test]
    fn the_model_runs_as_it_is() {
        let config = parse(MODEL, Path::new("m"), Path::new("/m"), &env(), &|_| Ok(())).unwrap();
        assert_eq!((config.drops.len(), config.topics.len(), config.warnings.len()), (1, 1, 0));
        assert_eq!(config.drops[0].path, Path::new("/home/u/.local/state/storywatch/drop"));
    }

    #[test]
    fn the_model_has_every_key_under_its_heading() {
        for heading in walk::HEADINGS {
            for key in heading.keys {
                let dotted = format!("alert.{key} =");
                let forms = match heading.title {
                    title if title.starts_with('`') => [dotted.clone(), dotted],
                    _ => [format!("{key} ="), format!("[{key}]")],
                };
                let comments = MODEL.lines().map(|line| line.trim_start_matches(['#', ' ', '[']));
                let found = comments
                    .map(|line| line.replace("]]", "]"))
                    .any(|line| forms.iter().any(|form| line.starts_with(form.trim_start_matches('['))));
                assert!(found || *key == "alert", "`{key}` of {} is not in the model", heading.title);
            }
        }
    }

    #[test]
    fn the_models_defaults_are_the_defaults() {
        let plain = parse(MODEL, Path::new("m"), Path::new("/m"), &env(), &|_| Ok(())).unwrap();
        let keys = [
            "poll_",
            "per_",
            "timeout_",
            "body_",
            "allow_",
            "format",
            "max_age",
            "first_",
            "window_",
            "text_",
            "fingerprint_",
            "disk_",
            "not_",
            "sensitivity",
            "alert.",
        ];
        let bare = |line: &str| {
            let key = line.strip_prefix("# ").filter(|key| keys.iter().any(|head| key.starts_with(head)));
            key.filter(|key| !key.starts_with("poll_secs =")).unwrap_or(line).to_owned()
        };
        let spelled: Vec<String> = MODEL.lines().map(bare).collect();
        let spelled = spelled.join("\n");
        assert!(spelled.contains("\nwindow_days = 30") && spelled.contains("\nalert.cooldown"));
        let spelled = parse(&spelled, Path::new("m"), Path::new("/m"), &env(), &|_| Ok(()));
        assert_eq!(spelled, Ok(plain));
    }
}
