//! Where things are: the config, the state, the log, the control socket, the samples. Only `expand` and `find` touch
//! the disk.

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use super::fault::Fault;
use crate::article::Id;

const SYSTEM_CONFIG: &str = "/etc/storywatch/storywatch.toml";
const SYSTEM_STATE_DIR: &str = "/var/lib/storywatch";
const SYSTEM_LOG: &str = "/var/log/storywatch/alerts.log";
const SYSTEM_DROP: &str = "/srv/storywatch/drop";
const SYSTEM_CONTROL: &str = "/run/storywatch/control.sock";

/// `sun_path` of unix(7), less its closing zero.
pub(super) const SOCKET_PATH_BYTES_MAX: usize = 107;

/// Most files that one pattern stands for.
const EXPANDED_FILES_MAX: usize = 10_000;

/// What the config takes from the environment of the process.
#[derive(Clone, Debug, Default)]
pub struct Env {
    /// `$HOME`.
    pub home: Option<PathBuf>,
    /// `$XDG_CONFIG_HOME`.
    pub xdg_config_home: Option<PathBuf>,
    /// `$XDG_STATE_HOME`.
    pub xdg_state_home: Option<PathBuf>,
    /// `$STATE_DIRECTORY`, as systemd sets it.
    pub state_directory: Option<PathBuf>,
    /// `$LOGS_DIRECTORY`, as systemd sets it.
    pub logs_directory: Option<PathBuf>,
    /// `$RUNTIME_DIRECTORY`, as systemd sets it.
    pub runtime_directory: Option<PathBuf>,
    /// `$CREDENTIALS_DIRECTORY`, as systemd sets it.
    pub credentials_directory: Option<PathBuf>,
    /// For a control socket whose usual path would be too long.
    pub temp_dir: PathBuf,
    /// Whether the process runs as root.
    pub root: bool,
}

impl Env {
    /// Asks `variable` for each variable. A path that is not absolute counts as not set, as the XDG specification
    /// wants it; of several that systemd joins by colons, the first counts.
    pub fn new(variable: impl Fn(&str) -> Option<OsString>, root: bool) -> Self {
        let path = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let first = |name| {
            let joined = variable(name)?;
            let head = joined.as_bytes().split(|byte| *byte == b':').next()?.to_vec();
            Some(PathBuf::from(OsString::from_vec(head))).filter(|path| path.is_absolute())
        };
        Self {
            home: path("HOME"),
            xdg_config_home: path("XDG_CONFIG_HOME"),
            xdg_state_home: path("XDG_STATE_HOME"),
            state_directory: first("STATE_DIRECTORY"),
            logs_directory: first("LOGS_DIRECTORY"),
            runtime_directory: first("RUNTIME_DIRECTORY"),
            credentials_directory: first("CREDENTIALS_DIRECTORY"),
            temp_dir: path("TMPDIR").unwrap_or_else(|| PathBuf::from("/tmp")),
            root,
        }
    }

    fn user_dir(&self, xdg: Option<&PathBuf>, below_home: &str) -> Option<PathBuf> {
        let base = xdg.cloned().or_else(|| Some(self.home.as_ref()?.join(below_home)))?;
        Some(base.join("storywatch"))
    }
}

/// The config to read where the command line names none: the system's if there is one, else the user's.
///
/// # Errors
/// One fault that names the paths tried and the ways to begin.
pub fn find(env: &Env) -> Result<PathBuf, Fault> {
    find_from(Path::new(SYSTEM_CONFIG), env)
}

fn find_from(system: &Path, env: &Env) -> Result<PathBuf, Fault> {
    let user = env.user_dir(env.xdg_config_home.as_ref(), ".config").map(|dir| dir.join("storywatch.toml"));
    let candidates = [Some(system.to_path_buf()), user];
    let mut tried = candidates.into_iter().flatten();
    let found = tried.find(|path| path.try_exists().unwrap_or(true));
    found.ok_or_else(|| {
        let second = env.user_dir(env.xdg_config_home.as_ref(), ".config");
        let also = second
            .map(|dir| format!(" nor at {}", dir.join("storywatch.toml").display()))
            .unwrap_or_default();
        Fault {
            path: system.to_path_buf(),
            place: None,
            what: format!(
                "there is no config here{also}; name one with --config FILE, write one after the model of \
                 config/storywatch.toml, or see `storywatch demo` first, which needs none"
            ),
        }
    })
}

/// The state directory where the config names none.
pub(super) fn state_dir(config: &Path, env: &Env) -> Option<PathBuf> {
    if let Some(dir) = &env.state_directory {
        return Some(dir.clone());
    }
    if env.root || config == Path::new(SYSTEM_CONFIG) {
        return Some(PathBuf::from(SYSTEM_STATE_DIR));
    }
    env.user_dir(env.xdg_state_home.as_ref(), ".local/state")
}

/// The alert log where the config names none. The service's own state directory has the service's own log, so that
/// `tail` in a shell finds what the service writes.
pub(super) fn log(state_dir: &Path, env: &Env) -> PathBuf {
    match &env.logs_directory {
        Some(dir) => dir.join("alerts.log"),
        None if state_dir == Path::new(SYSTEM_STATE_DIR) => PathBuf::from(SYSTEM_LOG),
        None => state_dir.join("alerts.log"),
    }
}

/// A drop that names no directory: the one that the service's group may write, beside the service's own state.
pub(super) fn drop_dir(state_dir: &Path) -> PathBuf {
    if state_dir == Path::new(SYSTEM_STATE_DIR) { PathBuf::from(SYSTEM_DROP) } else { state_dir.join("drop") }
}

/// The control socket where the config names none: always one whose path fits into a socket address.
pub(super) fn control(state_dir: &Path, env: &Env) -> PathBuf {
    let usual = match &env.runtime_directory {
        Some(dir) => dir.join("control.sock"),
        None if state_dir == Path::new(SYSTEM_STATE_DIR) => PathBuf::from(SYSTEM_CONTROL),
        None => state_dir.join("control.sock"),
    };
    if usual.as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
        return usual;
    }
    let name = format!("storywatch-{}.sock", Id::of(&[usual.as_os_str().as_bytes()]));
    let short = env.temp_dir.join(&name);
    if short.as_os_str().len() <= SOCKET_PATH_BYTES_MAX { short } else { Path::new("/tmp").join(name) }
}

/// A path as written, made absolute: `~/` is the user's home, all else counts from the config's folder.
pub(super) fn absolute(written: &str, dir: &Path, env: &Env) -> Result<PathBuf, String> {
    let path = match (written.strip_prefix("~/"), &env.home) {
        (Some(below), Some(home)) => home.join(below),
        (Some(_), None) => return Err("`~/` needs $HOME, which is not set; expected a path".to_owned()),
        (None, _) => dir.join(written),
    };
    if path.as_os_str().as_bytes().contains(&0) {
        return Err("a path cannot hold a zero byte".to_owned());
    }
    // Without this `drop/.` and `drop` would pass for two drops.
    Ok(path.components().collect())
}

/// The files that a pattern stands for, sorted by name: `*` in its last part is any run of characters; a pattern
/// without `*` is that one file, be it there or not. Hidden files only match a pattern that begins with a point.
///
/// # Errors
/// The folder cannot be read, or holds more than 10,000 matching files.
pub fn expand(pattern: &Path) -> io::Result<Vec<PathBuf>> {
    let Some(name) = pattern.file_name().filter(|name| name.as_bytes().contains(&b'*')) else {
        return Ok(vec![pattern.to_path_buf()]);
    };
    let folder = match pattern.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !fits(name, &entry.file_name()) || entry.path().is_dir() {
            continue;
        }
        if files.len() == EXPANDED_FILES_MAX {
            let what = format!("{} stands for more than {EXPANDED_FILES_MAX} files", pattern.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        files.push(folder.join(entry.file_name()));
    }
    files.sort();
    Ok(files)
}

/// Greedy from both ends, which for `*` alone is exact and linear.
fn fits(pattern: &OsStr, name: &OsStr) -> bool {
    let (pattern, mut name) = (pattern.as_bytes(), name.as_bytes());
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return false;
    }
    let mut parts = pattern.split(|byte| *byte == b'*');
    let first = parts.next().unwrap_or_default();
    let Some(last) = parts.next_back() else { return pattern == name };
    let Some(rest) = name.strip_prefix(first) else { return false };
    let Some(rest) = rest.strip_suffix(last) else { return false };
    name = rest;
    for part in parts {
        let Some(at) = memchr::memmem::find(name, part) else { return false };
        name = name.get(at + part.len()..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> Env {
        Env { home: Some("/home/u".into()), temp_dir: "/tmp".into(), ..Env::default() }
    }

    #[track_caller]
    fn check_fits(pattern: &str, name: &str, expected: bool) {
        assert_eq!(fits(OsStr::new(pattern), OsStr::new(name)), expected, "{pattern} {name}");
    }

    #[test]
    fn patterns() {
        check_fits("a-*.txt", "a-1.txt", true);
        check_fits("a-*.txt", "a-.txt", true);
        check_fits("a-*.txt", "b-1.txt", false);
        check_fits("*", "x", true);
        check_fits("*", ".x", false);
        check_fits(".*", ".x", true);
        check_fits("ab*ba", "aba", false);
        check_fits("a*b*c", "a-c-b-c", true);
        check_fits("a*b*c", "acb", false);
        check_fits("a**c", "abc", true);
    }

    #[test]
    fn expands_in_order() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["s-2.txt", "s-1.txt", "t.txt"] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        fs::create_dir(dir.path().join("s-3.txt")).unwrap();
        let files = expand(&dir.path().join("s-*.txt")).unwrap();
        assert_eq!(files, [dir.path().join("s-1.txt"), dir.path().join("s-2.txt")]);
    }

    #[test]
    fn leaves_a_plain_path_alone() {
        assert_eq!(expand(Path::new("/nowhere/a.txt")).unwrap(), [Path::new("/nowhere/a.txt")]);
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        assert_eq!(expand(Path::new("/nowhere/a*")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_user_keeps_state_at_home() {
        let dir = state_dir(Path::new("/home/u/x.toml"), &home());
        assert_eq!(dir, Some("/home/u/.local/state/storywatch".into()));
    }

    #[test]
    fn root_keeps_state_with_the_system() {
        let env = Env { root: true, ..home() };
        assert_eq!(state_dir(Path::new("/root/x.toml"), &env), Some(SYSTEM_STATE_DIR.into()));
    }

    #[test]
    fn a_user_asks_the_service_where_it_is() {
        let dir = state_dir(Path::new(SYSTEM_CONFIG), &home()).unwrap();
        assert_eq!(control(&dir, &home()), Path::new(SYSTEM_CONTROL));
        assert_eq!(log(&dir, &home()), Path::new(SYSTEM_LOG));
    }

    #[test]
    fn systemd_says_where() {
        let variables = [
            ("STATE_DIRECTORY", "/s/one:/s/two"),
            ("LOGS_DIRECTORY", "/l"),
            ("RUNTIME_DIRECTORY", "/r"),
            ("XDG_STATE_HOME", "relative"),
        ];
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        let env = Env::new(find, true);
        let dir = state_dir(Path::new("/x.toml"), &env).unwrap();
        assert_eq!(dir, Path::new("/s/one"));
        assert_eq!(log(&dir, &env), Path::new("/l/alerts.log"));
        assert_eq!(control(&dir, &env), Path::new("/r/control.sock"));
        assert_eq!(env.xdg_state_home, None);
    }

    #[test]
    fn a_long_state_dir_gets_a_short_socket() {
        let long = PathBuf::from(format!("/{}", "x".repeat(100)));
        let socket = control(&long, &home());
        assert!(socket.as_os_str().len() <= SOCKET_PATH_BYTES_MAX);
        assert!(socket.starts_with("/tmp"));
        assert_eq!(socket, control(&long, &home()));
        assert_ne!(socket, control(&long.join("y"), &home()));
    }

    #[test]
    fn finds_the_users_config() {
        let dir = tempfile::tempdir().unwrap();
        let env = Env { xdg_config_home: Some(dir.path().into()), ..home() };
        let system = dir.path().join("none.toml");
        let said = find_from(&system, &env).unwrap_err().to_string();
        let user = dir.path().join("storywatch/storywatch.toml");
        assert!(said.contains(&user.display().to_string()) && said.contains("storywatch demo"), "{said}");
        fs::create_dir(dir.path().join("storywatch")).unwrap();
        fs::write(&user, "").unwrap();
        assert_eq!(find_from(&system, &env), Ok(user));
        fs::write(&system, "").unwrap();
        assert_eq!(find_from(&system, &env), Ok(system));
    }

    #[test]
    fn paths_count_from_the_config() {
        let at = |written| absolute(written, Path::new("/etc/s"), &home());
        assert_eq!(at("drop/."), Ok("/etc/s/drop".into()));
        assert_eq!(at("/srv/drop/"), Ok("/srv/drop".into()));
        assert_eq!(at("~/drop"), Ok("/home/u/drop".into()));
        assert!(absolute("~/drop", Path::new("/"), &Env::default()).is_err());
    }
}
