//! What will not work as the user may think, though the config is good. `check`, a start and a reload say it alike.

use std::{env, path::Path};

use anyhow::ensure;
use rustix::fs::{Access, access};

use super::{feeds, sandbox, sinks};
use crate::{
    alert,
    config::{Config, Listen, Way},
    serve::socket,
};

/// Credentials and secrets that cannot be read, programs that are not there, a server's people who cannot reach anybody,
/// places that the sandbox keeps from the daemon.
pub fn advice(config: &Config) -> Vec<String> {
    let mut advice = feeds::feed_specs(config).1;
    advice.extend(feeds::fetch_limits(config).1);
    advice.extend(without_contact(config));
    advice.extend(sinks::specs(config).1);
    advice.extend(config.sinks.iter().filter_map(|sink| match &sink.way {
        Way::Exec { command, .. } => without_program(&sink.name, command.first()?),
        _ => None,
    }));
    advice.extend(config.drops.iter().filter(|drop| is_no_directory(&drop.path)).map(|drop| {
        format!("the drop {} is not a directory: nothing comes from it until it is one", drop.path.display())
    }));
    advice.extend(sandbox::advice(config));
    advice
}

/// What a start would fail on, as far as it can be seen without one.
///
/// # Errors
/// When the state directory, the alert log or a socket is something else.
pub fn can_start(config: &Config) -> anyhow::Result<()> {
    alert::log::look(&config.alerts.log)?;
    socket::look_at(&config.control)?;
    if let Some(Listen::Unix(path)) = config.serve.as_ref().map(|serve| &serve.listen) {
        socket::look_at(path)?;
    }
    let Config { state_dir, .. } = config;
    ensure!(
        !is_no_directory(state_dir),
        "{} is not a directory: set state_dir to another",
        state_dir.display()
    );
    Ok(())
}

fn is_no_directory(path: &Path) -> bool {
    path.exists() && !path.is_dir()
}

fn without_contact(config: &Config) -> Option<String> {
    let without = config.fetch.contact.is_none() && !config.feeds.is_empty();
    without.then(|| {
        "no `contact` in [fetch]: servers' people who are troubled by the requests cannot reach you, and shut you out \
         instead"
            .to_owned()
    })
}

/// A program without `/` is looked for where this process would look for it.
fn without_program(sink: &str, program: &str) -> Option<String> {
    let runs = |path: &Path| path.is_file() && access(path, Access::EXEC_OK).is_ok();
    let (found, wanted) = if program.contains('/') {
        (runs(Path::new(program)), "expected the path of a program that may be run")
    } else {
        let path = env::var_os("PATH").unwrap_or_default();
        let found = env::split_paths(&path).any(|folder| runs(&folder.join(program)));
        (found, "expected a program in $PATH, or its path")
    };
    (!found).then(|| format!("sink \"{sink}\": {program} cannot be run, {wanted}; alerts wait for it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(program: &str, is_there: bool) {
        assert_eq!(without_program("ring", program).is_none(), is_there, "{program}");
    }

    #[test]
    fn programs() {
        check("sh", true);
        check("/bin/sh", true);
        check("no-such-program", false);
        check("/bin/no-such-program", false);
        check("/etc/passwd", false);
        check("/bin", false);
    }
}
